/**
 * Tickets that travel in a URL: bound to the browser that began them, and found in no other. Whoever puts an id
 * into a path and whoever takes it out meet here, so that no page can forget the check.
 */
import type { CookieScope } from '../http/cookies.ts'
import { type RateLimit, refuseFlood } from '../http/rate-limit.ts'
import type { Incoming } from '../http/route.ts'
import type { Instant } from '../kernel/clock.ts'
import { PageError } from '../kernel/errors.ts'
import type { JsonObject } from '../kernel/json.ts'
import { randomSecret } from '../kernel/secrets.ts'
import type { Nouns } from '../store/store.ts'
import type { TicketRecord } from '../store/tickets.ts'
import { bindBrowser, isBoundHere } from './browsers.ts'

/** `since` and `life` in milliseconds. Answers the id for the URL, and the cookies without which it is worth nothing. Throws `too_many`. */
export async function issueHere(
  { store, waitingRequests }: { readonly store: Nouns; readonly waitingRequests: RateLimit },
  incoming: Incoming,
  scope: CookieScope,
  { kind, data, since, life }: { kind: string; data: JsonObject; since: Instant; life: number },
): Promise<{ id: string; cookies: readonly string[] }> {
  refuseFlood(waitingRequests, incoming, since)
  return bindHere(store, incoming, scope, { kind, data, since, life })
}

/** The same without a bound on how many, for what a stranger cannot begin. */
export async function bindHere(
  store: Nouns,
  incoming: Incoming,
  scope: CookieScope,
  { kind, data, since, life }: { kind: string; data: JsonObject; since: Instant; life: number },
): Promise<{ id: string; cookies: readonly string[] }> {
  const { hash, cookies } = bindBrowser(incoming, scope)
  const id = randomSecret()
  const times = { createdAt: since, expiresAt: since + life }
  await store.tickets.issue({ tenant: incoming.tenant, id, kind, browserHash: hash, data, ...times })
  return { id, cookies }
}

/** By the `:id` of the path, a ticket of one of the kinds. Throws `start_again` for one that is over, spent, or another browser's: the same is to be done. */
export async function findHere<Data extends JsonObject>(
  store: Nouns,
  incoming: Incoming,
  kinds: string | readonly string[],
  now: Instant,
): Promise<TicketRecord<Data>> {
  let ticket: TicketRecord<Data> | undefined
  for (const kind of [kinds].flat())
    ticket ??= await store.tickets.peek(incoming.tenant, kind, incoming.path['id'] ?? '', now)
  if (!ticket || ticket.consumedAt !== null)
    throw new PageError('start_again', 'This request is over: it was answered, or its time has passed.')
  if (!isBoundHere(ticket, incoming)) throw new PageError('start_again', 'This request began in another browser.')
  return ticket
}
