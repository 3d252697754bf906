/**
 * What a plan is made of. The sections of the file compare themselves with the store outside of any transaction;
 * what differs becomes a step, and all steps are written in one.
 */
import type { Clients } from '../clients/clients.ts'
import type { Findings } from '../config/findings.ts'
import type { Path } from '../config/yaml.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Keyring } from '../keys/keyring.ts'
import type { Store, Transaction } from '../store/store.ts'

export interface Planning {
  readonly store: Store
  readonly clients: Clients
  readonly keyring: Keyring
  readonly clock: Clock
  readonly tenant: string
  readonly findings: Findings
  /** Awaited at every entry: a file may name a hundred thousand, and others are served meanwhile. */
  readonly giveWay: () => Promise<void> | undefined
}

export interface Change {
  readonly kind: 'client' | 'resource-server' | 'client-grant' | 'user' | 'role' | 'tenant'
  readonly id: string
  readonly change: 'created' | 'changed'
}

export interface Step extends Change {
  /** The entry it carries out. */
  readonly path: Path
  /** `overtaken` when the store is no longer what the step was planned from; then nothing of the plan is kept. */
  write(transaction: Transaction): Promise<'written' | 'overtaken'>
}
