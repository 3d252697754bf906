/**
 * How a caller may say who they are: the list, and the type of what is in it. One file of `credentials/` each. Which of
 * them a route takes is the route's to say; that exactly one was sent is `admit.ts`'s to see.
 */
import type { Arrival, Caller, OwnAnswer, Refusal } from './exchange.ts'
import type { CredentialKind, RoutePlan } from './plan.ts'

export interface Credential {
  readonly kind: CredentialKind
  /** The text of it, unread and unjudged; undefined where the request has none of this kind. */
  find(arrival: Arrival): string | undefined
  /**
   * Whom it stands for, at once where it is known already. Throws (or rejects with) `Refused` where it stands for
   * nobody. It judges nothing that a route, the time or a revocation may change.
   */
  read(text: string, arrival: Arrival, route: RoutePlan): Caller | Promise<Caller>
  /** What only a request can spend, after everything else was judged: a single-use token. Rejects with `Refused`. */
  spend?(caller: Caller, arrival: Arrival): Promise<void>
  /**
   * What is answered in the place of a 401 of a route that takes this kind, where another was not sent: a browser that
   * asked for a page is led to where it gets one. Undefined for whoever can make nothing of it.
   */
  invite?(arrival: Arrival, route: RoutePlan, refusal: Refusal): OwnAnswer | undefined
  stop?(): Promise<void>
}
