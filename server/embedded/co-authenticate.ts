/**
 * `/co/authenticate`: cross-origin authentication, by which Auth0's Lock and auth0-js sign people in on an application's
 * own page. What it answers is good in this browser alone, for two minutes, at `/authorize`.
 */
import { occasionOf } from '../audit/events.ts'
import type { Client } from '../clients/metadata.ts'
import { type Answer, type Incoming, json } from '../http/route.ts'
import { browserHashOf } from '../identity/browsers.ts'
import { newId } from '../kernel/ids.ts'
import { randomSecret } from '../kernel/secrets.ts'
import { readEmailAddress } from '../policy/email-address.ts'
import type { ConnectionRecord } from '../store/connections.ts'
import { callerOf, databaseFor } from './caller.ts'
import { loginFor, type Proven, refuseBlocked, tryPassword } from './password-login.ts'
import { mailingConnection } from './passwordless.ts'
import { held, Refused } from './refused.ts'
import { type Sent, sentIn } from './sent.ts'
import type { EmbeddedServices } from './services.ts'

const PASSWORD_REALM = 'http://auth0.com/oauth/grant-type/password-realm'
const PASSWORDLESS_OTP = 'http://auth0.com/oauth/grant-type/passwordless/otp'

export async function coAuthenticate(services: EmbeddedServices, incoming: Incoming): Promise<Answer> {
  const sent = sentIn(incoming)
  const client = await callerOf(services, incoming, sent)
  if (incoming.header('origin') === undefined)
    throw new Refused(403, 'access_denied', 'Only a page may ask for this, and a browser says which it is.')
  if (!client.signsInCrossOrigin)
    throw new Refused(
      403,
      'unauthorized_client',
      'Cross origin login not allowed. Set cross_origin_authentication of the client to true.',
    )
  const { connection, ...proven } = await prove(services, incoming, client, sent)
  const { ticket, cookies } = await loginFor(services, incoming, client, connection, proven)
  // What the SDK keeps for browsers without our cookies, where the ticket is worth nothing: it opens nothing.
  const unused = { co_verifier: randomSecret(), co_id: newId('co') }
  return { ...json(200, { login_ticket: ticket, ...unused }), cookies }
}

/** Who somebody is, by what was typed. Throws `Refused`. */
async function prove(
  services: EmbeddedServices,
  incoming: Incoming,
  client: Client,
  sent: Sent,
): Promise<Proven & { connection: ConnectionRecord }> {
  const name = sent.required('username')
  switch (sent.required('credential_type')) {
    case 'password': {
      const connection = await databaseFor(services, client)
      return withPassword(services, incoming, client, connection, name, sent.required('password'))
    }
    case PASSWORD_REALM: {
      const connection = await databaseFor(services, client, sent.required('realm'))
      return withPassword(services, incoming, client, connection, name, sent.required('password'))
    }
    case PASSWORDLESS_OTP:
      return withCode(services, incoming, client, sent, name)
    default:
      throw new Refused(400, 'invalid_request', 'This credential_type is not supported.')
  }
}

async function withPassword(
  services: EmbeddedServices,
  incoming: Incoming,
  client: Client,
  connection: ConnectionRecord,
  name: string,
  password: string,
) {
  // Auth0's words, which its SDKs match on.
  const wrong = () => new Refused(403, 'access_denied', 'Wrong email or password.')
  const proven = await tryPassword(services, incoming, client, { connection, name, password }, wrong)
  return { ...proven, connection }
}

async function withCode(services: EmbeddedServices, incoming: Incoming, client: Client, sent: Sent, name: string) {
  const { clock } = services
  const connection = await mailingConnection(services, client, sent, 'invalid_connection', 'realm')
  const code = sent.required('otp')
  const email = readEmailAddress(name)
  const wrong = () => new Refused(403, 'access_denied', 'Wrong email or verification code.')
  // What is no address was never mailed to.
  if (email === undefined) throw wrong()
  const occasion = occasionOf(incoming, clock())
  const { address } = incoming
  const { tryCode } = await services.mailedSignIn()
  const outcome = await tryCode({
    whose: { email },
    code,
    connection,
    client: client.id,
    address,
    browserHash: browserHashOf(incoming),
    occasion,
  })
  if (outcome.state === 'held') throw held(outcome.freeAt - occasion.at)
  const proven = outcome.state === 'right' ? await outcome.enter() : undefined
  if (!proven) throw wrong()
  refuseBlocked(proven.user)
  return proven
}
