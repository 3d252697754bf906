/**
 * Forms from other sites. `Lax` cookies do not come with them, so what a form asked waits for the redirect of our
 * own that brings the cookies. Until then it is nobody's, like a link that nobody has followed, and good for once.
 */
import { refuseFlood } from '../http/rate-limit.ts'
import { type Answer, type Incoming, seeOther } from '../http/route.ts'
import type { JsonObject } from '../kernel/json.ts'
import { randomSecret } from '../kernel/secrets.ts'
import { POSTED_LIFE } from '../policy/lifetimes.ts'
import type { OAuthServices } from './feature.ts'

/** Sends the browser to `path` and an id. Throws `too_many`. */
export async function comeBackTo(
  path: string,
  { store, clock, waitingRequests }: OAuthServices,
  incoming: Incoming,
  { kind, data }: { kind: string; data: JsonObject },
): Promise<Answer> {
  const now = clock()
  refuseFlood(waitingRequests, incoming, now)
  const id = randomSecret()
  await store.tickets.issue({ tenant: incoming.tenant, id, kind, data, createdAt: now, expiresAt: now + POSTED_LIFE })
  return seeOther(`${path}${id}`)
}

/** What the form asked, by the `:id` of the path; undefined for an id of no form, or when somebody came back before. */
export async function takePosted<Data extends JsonObject>(
  { store, clock }: OAuthServices,
  { tenant, path }: Incoming,
  kind: string,
): Promise<Data | undefined> {
  const now = clock()
  const id = path['id'] ?? ''
  const ticket = await store.tickets.peek<Data>(tenant, kind, id, now)
  return ticket && (await store.tickets.consume(tenant, kind, id, now)) === 'consumed' ? ticket.data : undefined
}
