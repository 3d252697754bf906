/** A session in the browser in front of us: its rows, in whoever's transaction, and the cookies without which it is nobody's. */
import type { Occasion } from '../audit/events.ts'
import type { CookieScope } from '../http/cookies.ts'
import type { Incoming } from '../http/route.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Transaction } from '../store/store.ts'
import { rememberDevice } from './brake.ts'
import { bindBrowser, changeBrowserState, newSessionCookie, sessionHash } from './browsers.ts'
import { type Beginning, beginSession } from './sessions.ts'

export interface SessionHere {
  /** To be set with the answer, once the transaction has succeeded. */
  readonly cookies: readonly string[]
  /** Somebody proved who they are: the session begins, under a new name for the browser's sessions. Answers its id. */
  begin(
    transaction: Transaction,
    beginning: Omit<Beginning, 'limits' | 'browser'>,
    occasion: Occasion,
    clock: Clock,
  ): Promise<string>
}

export function sessionHere(
  incoming: Incoming,
  scope: CookieScope,
  limits: Beginning['limits'] & { readonly endsWithBrowser?: boolean },
): SessionHere {
  const { hash, cookie } = newSessionCookie(scope, limits.endsWithBrowser ? null : limits.lifetime)
  const { hash: browserHash, cookies } = bindBrowser(incoming, scope)
  return {
    cookies: [cookie, ...cookies, ...changeBrowserState(incoming, scope)],
    async begin(transaction, beginning, occasion, clock) {
      await rememberDevice(transaction, beginning.user, browserHash, occasion.at)
      const browser = { from: sessionHash(incoming), secretHash: hash }
      return beginSession(transaction, { ...beginning, limits, browser }, occasion, clock)
    },
  }
}
