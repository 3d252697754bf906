/**
 * Tells the operator of a claim of theirs that a token went without, since nobody else will: people are signed in all the
 * same. Each is counted and said once, however many tokens there are, and said again where its source is another.
 */
import type { CustomClaim } from '../clients/custom-claims.ts'
import type { Log } from '../kernel/log.ts'
import type { Meter } from '../kernel/meter.ts'

/** `over_limit`: the template takes more time or memory than it may. `too_long`: what it says does not fit into a token. */
export type LeftOutReason = 'failed' | 'over_limit' | 'too_long'

/** Whose map it stands in. */
export type ClaimOwner = { readonly tenant: string } & ({ readonly client: string } | { readonly api: string })

export type NoteLeftOut = (owner: ClaimOwner, claim: CustomClaim, reason: LeftOutReason) => void

/** More than operators write; the one that was said longest ago is forgotten first. */
const MOST_SAID = 1000

export function createLeftOutNotes(log: Log, meter?: Meter): NoteLeftOut {
  const said = new Set<string>()

  return (owner, { name, from }, reason) => {
    meter?.claimLeftOut(reason)
    const key = JSON.stringify([owner, name, from, reason])
    if (said.has(key)) return
    said.add(key)
    if (said.size > MOST_SAID) said.delete(said.values().next().value as string)
    log.warn({ ...owner, claim: name, reason }, 'tokens go without a claim of the operator’s own')
  }
}
