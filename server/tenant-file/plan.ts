/**
 * What a plan is made of. The sections of the file compare themselves with the store outside of any transaction;
 * what differs becomes a step, and all steps are written in one.
 */
import { changesBetween } from '../audit/changes.ts'
import type { Managed } from '../audit/events.ts'
import type { Clients } from '../clients/clients.ts'
import type { Findings } from '../config/findings.ts'
import type { Path } from '../config/yaml.ts'
import type { Connections } from '../identity/connections.ts'
import type { Doing } from '../identity/organization-management.ts'
import type { Clock } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { Keyring } from '../keys/keyring.ts'
import type { Store, Transaction } from '../store/store.ts'

export interface Planning {
  readonly store: Store
  readonly clients: Clients
  readonly connections: Connections
  readonly keyring: Keyring
  readonly clock: Clock
  readonly tenant: string
  readonly findings: Findings
  /** Awaited at every entry: a file may name a hundred thousand, and others are served meanwhile. */
  readonly giveWay: () => Promise<void> | undefined
  /** The plan will be shown and not carried out: what is slow and only of use to write (hashes of passwords) is left out. */
  readonly isForShow: boolean
}

export interface Change {
  readonly kind: Managed
  readonly id: string
  /** How the file calls it. */
  readonly name: string
  readonly change: 'created' | 'changed' | 'removed'
  /** Member by member, before and after (`audit/changes.ts`). */
  readonly changes: JsonObject
}

export interface Step extends Change {
  /** The entry it carries out. */
  readonly path: Path
  /** `overtaken` when the store is no longer what the step was planned from; then nothing of the plan is kept. */
  write(transaction: Transaction, doing: Doing): Promise<'written' | 'overtaken'>
  /** What it writes records its own events, for which it is told who does it. Left out: one event is recorded for it. */
  readonly isTold?: true
}

/** Of each member: whoever looks at a plan wants to see what of a long list is new, where an event keeps less. */
const MOST_SHOWN = 50_000

/** `changesBetween`, at the length of a plan. */
export const differences: typeof changesBetween = (before, after, secrets = []) =>
  changesBetween(before, after, secrets, MOST_SHOWN)
