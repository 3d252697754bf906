/**
 * `/co/authenticate`: cross-origin authentication, by which Auth0's Lock and auth0-js sign people in on an application's
 * own page. What it answers is good in this browser alone, for two minutes, at `/authorize`.
 */
import { type Answer, type Incoming, json } from '../http/route.ts'
import { defaultDirectoryOf } from '../identity/users.ts'
import { newId } from '../kernel/ids.ts'
import { randomSecret } from '../kernel/secrets.ts'
import { callerOf, databaseFor } from './caller.ts'
import { loginFor, tryPassword } from './password-login.ts'
import { Refused } from './refused.ts'
import { sentIn } from './sent.ts'
import type { EmbeddedServices } from './services.ts'

const PASSWORD_REALM = 'http://auth0.com/oauth/grant-type/password-realm'

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
  const type = sent.required('credential_type')
  const name = sent.required('username')
  if (type !== 'password' && type !== PASSWORD_REALM)
    throw new Refused(400, 'invalid_request', 'This credential_type is not supported.')
  const password = sent.required('password')
  const connection =
    type === 'password'
      ? await defaultDirectoryOf(services.store, incoming.tenant)
      : await databaseFor(services, client, sent.required('realm'))
  const proven = await tryPassword(
    services,
    incoming,
    client,
    { connection, name, password },
    // Auth0's words, which its SDKs match on.
    () => new Refused(403, 'access_denied', 'Wrong email or password.'),
  )
  const { ticket, cookies } = await loginFor(services, incoming, client, connection, proven)
  // What the SDK keeps for browsers without our cookies, where the ticket is worth nothing: it opens nothing.
  const unused = { co_verifier: randomSecret(), co_id: newId('co') }
  return { ...json(200, { login_ticket: ticket, ...unused }), cookies }
}
