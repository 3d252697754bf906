/** A password that was typed on a page of an application: tried where all are tried, and answered with a login ticket. */
import { occasionOf } from '../audit/events.ts'
import type { Client } from '../clients/metadata.ts'
import { languageHere } from '../http/language.ts'
import type { Incoming } from '../http/route.ts'
import { bindBrowser, browserHashOf } from '../identity/browsers.ts'
import { issueLogin } from '../identity/login-tickets.ts'
import type { Proof } from '../policy/proof.ts'
import type { ConnectionRecord } from '../store/connections.ts'
import type { UserRecord } from '../store/users.ts'
import { isOurs } from './caller.ts'
import { busy, held, Refused } from './refused.ts'
import type { EmbeddedServices } from './services.ts'

export interface Proven {
  readonly user: UserRecord
  readonly proof: Proof
}

/** `refusal`: Auth0's code for wrong credentials, which is another at each endpoint. */
export async function tryPassword(
  { signInWithPassword, clock }: EmbeddedServices,
  incoming: Incoming,
  client: Client,
  { connection, name, password }: { connection: ConnectionRecord; name: string; password: string },
  refusal: () => Refused,
): Promise<Proven> {
  const now = clock()
  const outcome = await signInWithPassword({
    connection,
    name,
    password,
    client: client.id,
    address: incoming.address,
    browserHash: browserHashOf(incoming),
    correspondence: { issuer: incoming.issuer, language: languageHere(incoming, null) },
    occasion: occasionOf(incoming, now),
  })
  if (outcome.state === 'busy') throw busy()
  if (outcome.state === 'held') throw held(outcome.freeAt - now)
  if (outcome.state === 'wrong') throw refusal()
  refuseBlocked(outcome.user)
  return outcome
}

/** Told to whoever has proven that the account is theirs. */
export function refuseBlocked({ blocked }: Pick<UserRecord, 'blocked'>): void {
  if (blocked) throw new Refused(401, 'unauthorized', 'user is blocked', { name: 'UnauthorizedError' })
}

/** The ticket, and the cookies without which it is worth nothing. */
export async function loginFor(
  { store, cookieScope, clock }: EmbeddedServices,
  incoming: Incoming,
  client: Client,
  connection: ConnectionRecord,
  { user, proof }: Proven,
): Promise<{ ticket: string; cookies: readonly string[] }> {
  const browser = bindBrowser(incoming, await cookieScope(incoming.tenant, incoming.issuer))
  const page = incoming.header('origin')
  const ticket = await issueLogin(
    store,
    {
      tenant: incoming.tenant,
      user,
      connection: connection.id,
      proof,
      client: client.id,
      origin: page === undefined || isOurs(incoming, page) ? null : page,
      browserHash: browser.hash,
    },
    clock(),
  )
  return { ticket, cookies: browser.cookies }
}
