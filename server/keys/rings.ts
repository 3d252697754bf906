/**
 * Each tenant's keys as this node last read them, and the algorithms that were wanted then. The bus says when either
 * changed; because a message can be lost, they are also read again as time passes, in the background, and when
 * somebody names a key that is not among them.
 */
import type { Bus } from '../kernel/bus.ts'
import { createCache } from '../kernel/cache.ts'
import type { Clock, Instant } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import { SECOND } from '../kernel/seconds.ts'
import type { KeyRecord } from '../store/keys.ts'
import type { Store } from '../store/store.ts'
import type { PairAlgorithmName } from './algorithms.ts'
import { READ_AT_LEAST_EVERY } from './purposes.ts'
import type { WantedAlgorithms } from './wanted.ts'

/** After this the keys are read again without anyone waiting for it. */
const READ_AGAIN_AFTER = 30 * SECOND

/** Unknown key ids are a stranger's to invent: whatever they send, a tenant's keys are read once a second at most. */
const UNKNOWN_ID_PAUSE = SECOND

/** Tenants kept in memory; some ten kilobytes each. */
const TENANTS = 2000

/** What of the bus makes a tenant's keys, or the wish for them, another. */
const TOPICS = ['key', 'client', 'resource-server']

interface Ring {
  keys: readonly KeyRecord[]
  wanted: readonly PairAlgorithmName[]
  readAt: Instant
  triedAt: Instant
  renewal: Promise<void> | undefined
}

export interface Rings {
  /** Never older than `READ_AT_LEAST_EVERY`. The same array, with the same records, until they are read again. */
  of(tenant: string): Promise<readonly KeyRecord[]>
  /** What was wanted when the keys were read. */
  wantedBy(tenant: string): Promise<readonly PairAlgorithmName[]>
  /** Read again for the sake of an id that is not among them, unless that was done a moment ago. */
  again(tenant: string): Promise<readonly KeyRecord[]>
  /** To be called when this node changed them itself. */
  drop(tenant: string): void
}

export interface RingOptions {
  readonly store: Store
  readonly clock: Clock
  readonly bus: Bus
  readonly log: Log
  readonly wanted: WantedAlgorithms
}

export function createRings({ store, clock, bus, log, wanted }: RingOptions): Rings {
  const cache = createCache<Ring>({
    limit: TENANTS,
    clock,
    bus,
    topic: TOPICS,
    keyOf: ({ tenant }) => tenant,
    // A ring is renewed in place, so that nobody waits for it and an absent database is lived through.
    longestAge: Number.POSITIVE_INFINITY,
  })

  async function load(tenant: string): Promise<Ring> {
    const at = clock()
    const [keys, asked] = await Promise.all([store.keys.list(tenant), wanted(tenant)])
    return { keys, wanted: asked, readAt: at, triedAt: at, renewal: undefined }
  }

  function renew(tenant: string, ring: Ring): Promise<void> {
    ring.triedAt = clock()
    ring.renewal ??= load(tenant)
      .then(({ keys, wanted, readAt }) => Object.assign(ring, { keys, wanted, readAt }))
      .then(() => {})
      .finally(() => {
        ring.renewal = undefined
      })
    return ring.renewal
  }

  const known = (tenant: string) => cache.get(tenant, () => load(tenant))

  async function current(tenant: string): Promise<Ring> {
    const ring = await known(tenant)
    const now = clock()
    if (now - ring.readAt >= READ_AT_LEAST_EVERY) await renew(tenant, ring)
    else if (now - ring.triedAt >= READ_AGAIN_AFTER)
      renew(tenant, ring).catch(error => log.warn({ tenant, error }, 'keys could not be read again'))
    return ring
  }

  return {
    of: async tenant => (await current(tenant)).keys,
    wantedBy: async tenant => (await current(tenant)).wanted,

    async again(tenant) {
      const ring = await known(tenant)
      if (ring.renewal || clock() - ring.triedAt >= UNKNOWN_ID_PAUSE) await renew(tenant, ring)
      return ring.keys
    },

    drop: tenant => cache.drop(tenant),
  }
}
