/**
 * The form of what the conformance suite asks. What it asks stands in `demands/`; that each demand is proven by a
 * test that runs, or explained, is checked by `tools/conformance.ts`, and printed as `docs/conformance.gen.md`.
 */

/** What happens to a provider that does not meet a demand: the module fails, or warns, or cannot be played to its end. */
export type Grade = 'F' | 'W' | 'must'

export interface Proof {
  /** From the root of the repository. */
  readonly file: string
  /** The test's name as it is written there. */
  readonly test: string
}

/** A test that would fail if it were not so, or why it cannot be asked yet. */
export type Evidence = { readonly proof: Proof } | { readonly reason: string }

export type Demand = Evidence & { readonly grade: Grade; readonly says: string }

/** Module → the name of a demand → what is asked. */
export type Demands<Module extends string = string> = Readonly<Record<Module, Readonly<Record<string, Demand>>>>

/** How a demand is named where it is insisted on: `oidcc-server#code-length`. */
export type IdsOf<Plan> = {
  [Module in keyof Plan & string]: `${Module}#${keyof Plan[Module] & string}`
}[keyof Plan & string]

const graded =
  (grade: Grade) =>
  (says: string, evidence: Evidence): Demand => ({ grade, says, ...evidence })

export const must = graded('must')
export const fails = graded('F')
export const warns = graded('W')

/** `by(file)` and then the name of one of its tests. */
export const by =
  (file: string) =>
  (test: string): Evidence => ({ proof: { file, test } })

export const because = (reason: string): Evidence => ({ reason })
