/** What every type of job is handed, and what it may find out while it works. */
import type { Occasion } from '../../audit/events.ts'
import type { Clock, Instant } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { ClaimedJob } from '../../store/jobs.ts'
import type { Store } from '../../store/store.ts'

export interface JobServices {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  /** Milliseconds: within them whoever works on a job writes how far it came, or is taken for gone. */
  readonly lease: number
  /** Milliseconds that a job stays once it is over. */
  readonly keptFor: number
}

/** Of a job, that are kept and told. All are counted. */
export const MOST_ERRORS = 10_000

/** Jobs are worked on by turns, so that none waits for another's end. */
export interface Turn {
  isOver(now: Instant): boolean
  /** Whoever asked this process something meanwhile is answered. */
  giveWay(): Promise<void>
}

/** Somebody else has claimed it: what was about to be written is theirs to write. */
export class JobLost extends Error {
  override readonly name = 'JobLost'
}

/** What is told of its end is told of whoever asked for it. */
export function occasionOfJob({ tenant, askedBy }: ClaimedJob, at: Instant): [occasion: Occasion, client: string] {
  const text = (name: string) => (typeof askedBy[name] === 'string' ? askedBy[name] : null)
  const occasion = {
    tenant,
    at,
    requestId: text('requestId') ?? '',
    address: text('address'),
    userAgent: text('userAgent'),
  }
  return [occasion, text('client') ?? '']
}

/** As `occasionOfJob` reads it. */
export const askedByOf = ({ requestId, address, userAgent }: Occasion, client: string) => ({
  client,
  requestId,
  address,
  userAgent,
})
