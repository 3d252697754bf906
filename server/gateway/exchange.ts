/**
 * One request on its way through the gateway: what arrived, who is calling, what was decided, and what is noted of it.
 * Types alone; the order of what happens to it is `admit.ts`.
 */
import type { SignedToken } from '@latchkey/sdk/verify'
import type { JsonObject } from '../kernel/json.ts'
import type { EdgeIssuer, RevocationFacts } from './issuers.ts'
import type { CredentialKind, RoutePlan } from './plan.ts'

/** What was asked, read once. Nothing of it is believed. */
export interface Arrival {
  readonly id: string
  readonly method: string
  /** Lower case, without the port; '' when the request names none. */
  readonly host: string
  /** The same with its port where the client named one: what an `Origin` is compared with, and our own links begin with. */
  readonly authority: string
  /** Normalised (`path.ts`): what is matched is what is forwarded. Always begins with `/`. */
  readonly path: string
  /** With its `?`, or empty. */
  readonly query: string
  /** As they came: name, value, name, value. */
  readonly rawHeaders: readonly string[]
  /** By lower-case name, as Node joins them. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Of the client, through trusted proxies only; '' when one of those does not know it. */
  readonly address: string
  /** What `X-Forwarded-For` says to the service: by whom the request came, the client first. */
  readonly forwardedFor: string
  readonly isSecure: boolean
  /** A WebSocket's, or another protocol's. */
  readonly isUpgrade: boolean
  readonly now: number
}

/**
 * Whom a credential stands for. It holds only what no route, request or time can change, so that it may be kept under
 * the credential's hash: times, revocation, audience, rule and proof of possession are judged on every request.
 */
export interface Caller {
  readonly kind: CredentialKind
  readonly issuer: EdgeIssuer
  /** Of the issuer's keys, from before it was verified with them. */
  readonly keysVersion: number
  /** Of the token, or of what introspection answered: `iss`, `sub`, `aud`, `scope`, `exp`, … */
  readonly claims: JsonObject
  /** Of a JWT, for `checkClaims`; null for what was introspected. */
  readonly signed: SignedToken | null
  readonly scopes: readonly string[]
  /** `sub` without a person behind it: a machine's own token. */
  readonly clientId: string | null
  readonly facts: RevocationFacts
  /**
   * Whether what only its issuer can say still holds: rejects with `Refused` when it does not. For whoever goes on for
   * long; left out of a JWT, which says all of it.
   */
  readonly askAgain?: (now: number) => Promise<unknown>
  /** The version of the revocations at which it was last found to count; -1: never asked. */
  soundAt: number
}

/** Thrown by whoever finds that a request may not go on; `admit.ts` alone catches it. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly refusal: Refusal

  constructor(refusal: Refusal) {
    super(refusal.code)
    this.refusal = refusal
  }
}

/** Why a request was not let through. Each has its status and its sentence in `refuse.ts`, and is a label of the metrics. */
export type RefusalCode =
  // 400
  | 'malformed_request'
  | 'bad_path'
  | 'several_credentials'
  // 401
  | 'no_credential'
  | 'invalid_token'
  | 'token_expired'
  | 'token_not_yet_valid'
  | 'wrong_audience'
  | 'token_revoked'
  | 'token_spent'
  | 'proof_missing'
  | 'step_up'
  // 403
  | 'insufficient_scope'
  | 'insufficient_permission'
  | 'wrong_organization'
  | 'not_internal'
  | 'cross_site'
  // 404, 413, 421, 429, 431
  | 'no_route'
  | 'body_too_large'
  | 'too_many_requests'
  // 502, 503, 504
  | 'upstream_failed'
  | 'upstream_timeout'
  | 'no_target'
  | 'breaker_open'
  | 'keys_unavailable'
  | 'revocations_stale'
  | 'introspection_unavailable'
  | 'issuer_unavailable'
  | 'shared_state_unavailable'
  | 'closing'
  // 500: a bug of ours
  | 'unexpected'

export interface Refusal {
  readonly code: RefusalCode
  /** For `explain` and the log: which rule, and what it wanted. Holds nothing that was sent. */
  readonly detail?: string
  /** What the challenge adds: `scope`, `max_age`, `acr_values`. */
  readonly challenge?: Readonly<Record<string, string>>
  readonly retryAfterSeconds?: number
}

/** What was decided of a request, before a byte of it went on. */
export type Decision =
  | { readonly pass: true; readonly route: RoutePlan; readonly caller: Caller | null }
  | { readonly pass: false; readonly route: RoutePlan | null; readonly refusal: Refusal }
  /** The gateway answers itself: a preflight, a redirect to sign in, its own endpoints. */
  | { readonly pass: false; readonly route: RoutePlan | null; readonly answer: OwnAnswer }

export interface OwnAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string
  /** Of a request that another proxy asked about: what the log and the metrics tell in the place of the question. */
  readonly about?: Decision
}

/** What goes on to an upstream. */
export interface Passage {
  readonly arrival: Arrival
  readonly route: RoutePlan
  readonly caller: Caller | null
  /** Name, value, name, value: stripped of what is not for services, with identity and forwarding headers set. */
  readonly headers: string[]
  /** Path and query. */
  readonly target: string
  readonly note: Note
}

/** What is told of a request afterwards: a line of the access log, and the metrics. Filled in as it becomes known. */
export interface Note {
  route: string
  /** `passed`, or why not. */
  decision: 'passed' | 'answered' | RefusalCode
  /** `sub`, or null: nobody known. */
  subject: string | null
  client: string | null
  upstream: string | null
  target: string | null
  attempts: number
  status: number
  bytesOut: number
  /** The client went before the end. */
  isAborted: boolean
  /** Milliseconds until the upstream's answer began; null: it never did. */
  upstreamMs: number | null
}

/** Of a request that nobody has looked at yet. */
export const newNote = (): Note => ({
  route: '',
  decision: 'passed',
  subject: null,
  client: null,
  upstream: null,
  target: null,
  attempts: 0,
  status: 0,
  bytesOut: 0,
  isAborted: false,
  upstreamMs: null,
})
