/** The seams between the parts of a running gateway, as types: who forwards, who limits, who watches. `gateway.ts` wires them. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Arrival, Caller, Note, OwnAnswer, Passage, Refusal } from './exchange.ts'
import type { EdgeIssuer } from './issuers.ts'
import type { TurnedAway } from './listener.ts'
import type { EdgePlan, RoutePlan } from './plan.ts'

/** Carries admitted requests to upstreams (`forward.ts`, `upgrade.ts`). */
export interface Forwarder {
  /**
   * Streams the request to a target and its answer back. Resolves when both are over, in whichever way, with `note`
   * filled in. What the upstream did wrong is answered through `refuse`, unless the answer had begun.
   */
  forward(passage: Passage, request: IncomingMessage, response: ServerResponse): Promise<void>
  /** The same for a WebSocket or another upgrade; it ends with 4401 when the caller's token does. */
  upgrade(passage: Passage, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void>
  /**
   * The plan in force from now on, and whom it believes. Upstreams that it leaves as they were keep their sockets and what
   * is known of their targets; requests that were admitted by an older plan end as they began, unless their caller's
   * issuer is not believed any more.
   */
  follow(plan: EdgePlan, issuers: readonly EdgeIssuer[]): void
  /** Sends upgraded connections away (1001), and resolves once all that is under way has ended. */
  stop(): Promise<void>
}

/** Counts what may be tried so and so often (`limits.ts`): nothing, or why not. */
export interface Limits {
  /** Of the address, before anything is known of the caller. */
  judgeAddress(route: RoutePlan, arrival: Arrival): Refusal | undefined | Promise<Refusal | undefined>
  /** Of the caller; for one who is not known, the address stands. */
  judgeIdentity(
    route: RoutePlan,
    arrival: Arrival,
    caller: Caller | null,
  ): Refusal | undefined | Promise<Refusal | undefined>
}

/** An endpoint of the gateway itself: `/edge/jwks.json`, `/edge/check`, the session's paths. */
export interface OwnEndpoint {
  readonly path: string
  /** Whether what is below the path is its own too. */
  readonly isPrefix?: boolean
  answer(arrival: Arrival, request: IncomingMessage): OwnAnswer | Promise<OwnAnswer>
}

/** Is told of every request once it is over, and of what goes wrong meanwhile (`sight/`). */
export interface Sight {
  answered(arrival: Arrival, note: Note, milliseconds: number): void
  /** A look-up of a token in memory. */
  lookedUp(outcome: 'hit' | 'miss'): void
  breakerMoved(upstream: string, target: string, state: 'closed' | 'open' | 'half-open'): void
  /** A connection that was ended before it had sent a request that could be read. */
  turnedAway(why: TurnedAway): void
  targetMoved(upstream: string, target: string, state: 'well' | 'ill'): void
}
