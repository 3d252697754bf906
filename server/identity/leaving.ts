/** On the way out: where the browser goes once its sessions have ended, past a page that has applications end theirs. */
import type { CookieScope } from '../http/cookies.ts'
import { type Answer, type Incoming, seeOther } from '../http/route.ts'
import type { Instant } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import { CONFIRMATION_LIFE } from '../policy/lifetimes.ts'
import type { Nouns } from '../store/store.ts'
import { bindHere } from './bound-tickets.ts'

/** Whoever ends sessions issues it, and a page of `login/` opens it. */
export const LEAVING_TICKET = 'leaving'

export interface Leaving extends JsonObject {
  /** What the page loads, each in a frame. */
  readonly frames: readonly string[]
  /** Where to go then. */
  readonly to: string
  readonly uiLocales: string | null
}

/** At once when there is nothing to load. `cookies` are set with the answer. */
export async function leave(
  store: Nouns,
  incoming: Incoming,
  scope: CookieScope,
  leaving: Leaving,
  cookies: readonly string[],
  now: Instant,
): Promise<Answer> {
  if (leaving.frames.length === 0) return seeOther(leaving.to, cookies)
  const ticket = { kind: LEAVING_TICKET, data: leaving, since: now, life: CONFIRMATION_LIFE }
  // A session had to end for it, and by now it has: whoever is refused here would keep the cookie of what is over.
  const { id, cookies: bound } = await bindHere(store, incoming, scope, ticket)
  return seeOther(`/leaving/${id}`, [...cookies, ...bound])
}
