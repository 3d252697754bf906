/** `/dbconnections/change_password`: the mail of the hosted page, and one sentence for every address. */
import { occasionOf } from '../audit/events.ts'
import { languageHere } from '../http/language.ts'
import { type Answer, html, type Incoming } from '../http/route.ts'
import { askForReset } from '../identity/password-reset.ts'
import { readEmailAddress } from '../policy/email-address.ts'
import { callerOf, databaseFor } from './caller.ts'
import { Refused } from './refused.ts'
import { sentIn } from './sent.ts'
import type { EmbeddedServices } from './services.ts'

/** Auth0's, which applications show as it is: its SDKs take it for text, and JSON for no answer. */
const SENT = "We've just sent you an email to reset your password."

export async function changePassword(services: EmbeddedServices, incoming: Incoming): Promise<Answer> {
  const sent = sentIn(incoming)
  const client = await callerOf(services, incoming, sent)
  const connection = await databaseFor(services, client, sent.required('connection'))
  const address = readEmailAddress(sent.required('email'))
  if (address === undefined) throw new Refused(400, 'invalid_email', 'email is not an e-mail address.')
  const wish = {
    connection,
    address,
    issuer: incoming.issuer,
    language: languageHere(incoming, null),
    client: client.id,
    interaction: null,
  }
  await askForReset(services.store, wish, occasionOf(incoming, services.clock()))
  return html(200, SENT, { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
}
