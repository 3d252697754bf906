/** What the gateway knows of an issuer while it runs: its keys, and what it has revoked. Opened by `gateway.ts` for each plan. */
import type { KeySource } from '@latchkey/sdk/verify'
import type { IssuerPlan } from './plan.ts'

/** What of a token the revocation log can know it by; made once for each token. The SDK's to look into. */
export type RevocationFacts = object

/** The state that the revocation stream fills, as `sdk/revocations.ts` keeps it. */
export interface RevocationState {
  /** Rises with everything taken in: what was found to count at one version need not be looked up again at the same. */
  readonly version: number
  isRevoked(facts: RevocationFacts): boolean
  /** Milliseconds since the reading of the log that the state is as good as; Infinity before the first. */
  age(): number
  /** Calls the listener after entries were taken in. Answers how to stop. */
  onChange(listener: () => void): () => void
}

export interface EdgeIssuer {
  readonly plan: IssuerPlan
  readonly keys: KeySource
  /** Rises when the set of keys changes: what was verified before has to be verified again. */
  keysVersion(): number
  /** Null for an issuer whose revocations nobody tells. */
  readonly revocations: RevocationState | null
}
