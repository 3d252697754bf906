/** What the running parts tell whoever counts: the type. `metrics/` implements it; without one, nobody is told anything. */

export interface Meter {
  /** `route` is the pattern, never a path: what anybody sends must not become a label. */
  answered(answer: { route: string; method: string; status: number; milliseconds: number }): void
  tokenIssued(token: { kind: 'access' | 'id'; grant: string; algorithm: string }): void
  /** Somebody it concerns asked about an API key. */
  apiKeyAsked(outcome: 'counts' | 'refused'): void
  /** A token went without a claim of the operator's own. */
  claimLeftOut(reason: string): void
  /** An event was written, `times` of which the row says. */
  happened(type: string, times: number): void
  /** A password check had its turn, or was sent away. */
  waitedForHash(milliseconds: number, outcome: 'begun' | 'sent away'): void
  /** So many entries of the log went out to one who follows it. */
  revocationsTold(entries: number): void
  jobRan(job: string, milliseconds: number, outcome: 'done' | 'failed'): void
}
