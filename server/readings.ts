/**
 * What metrics read when they are asked for: of this process what it holds in memory, and of the database what all share.
 * What each is called is `metrics/catalogue.ts`'s.
 */
import type { RevocationStreams } from './api/revocation-streams.ts'
import type { AuditBuffer } from './audit/log.ts'
import { versionOfLatchkey } from './control/version.ts'
import type { HashQueue } from './identity/hash-queue.ts'
import type { Bus } from './kernel/bus.ts'
import { cacheLookups } from './kernel/cache.ts'
import type { Clock } from './kernel/clock.ts'
import { SECOND } from './kernel/seconds.ts'
import type { Keyring } from './keys/keyring.ts'
import type { Readings } from './metrics/metrics.ts'
import type { RevocationsHere } from './revocation/revocations-here.ts'
import type { Store } from './store/store.ts'

/** How often word may have been lost. */
export function countMissed(bus: Bus): () => number {
  let missed = 0
  bus.subscribe('host', {
    heard: () => {},
    missed: () => {
      missed++
    },
  })
  return () => missed
}

interface ProcessParts {
  readonly hashQueue: HashQueue
  readonly audit: AuditBuffer
  readonly store: Store
  readonly revocations: RevocationsHere
  readonly streams: RevocationStreams
  readonly missed: () => number
}

export async function readProcess(parts: ProcessParts): Promise<Readings> {
  const { hashQueue, audit, store, revocations, streams, missed } = parts
  const { waiting, dropped } = audit.standing()
  const lookups = [...cacheLookups()].flatMap(([cache, { hits, misses }]) => [
    { labels: { cache, outcome: 'hit' }, value: hits },
    { labels: { cache, outcome: 'miss' }, value: misses },
  ])
  const inMemory = {
    latchkey_password_checks_waiting: hashQueue.waiting(),
    latchkey_events_buffered: waiting,
    latchkey_events_dropped_total: dropped,
    latchkey_cache_lookups_total: lookups,
    latchkey_bus_missed_total: missed(),
    latchkey_revocation_streams: streams.count(),
  }
  // While the database is away, what is in memory is worth the more.
  const head = await store.revocations.head().catch(() => undefined)
  return {
    ...inMemory,
    ...(head !== undefined && { latchkey_revocation_lag: Math.max(0, head - revocations.position()) }),
  }
}

export async function readShared({
  store,
  keyring,
  clock,
  tenant,
}: {
  store: Store
  keyring: Keyring
  clock: Clock
  tenant: string
}): Promise<Readings> {
  const began = performance.now()
  const isUp = await store.ping().then(
    () => true,
    () => false,
  )
  const database = {
    latchkey_database_up: Number(isUp),
    latchkey_database_answer_seconds: (performance.now() - began) / SECOND,
    latchkey_build_info: [
      { labels: { version: versionOfLatchkey(), node: process.version, database: store.dialect }, value: 1 },
    ],
  }
  if (!isUp) return database
  const [next] = await store.keys.due(Number.MAX_SAFE_INTEGER, 1)
  // The oldest last: of several of a kind it is the one that is told.
  const keys = (await keyring.list(tenant))
    .filter(({ state }) => state !== 'retired' && state !== 'destroyed')
    .sort((one, other) => other.stateSince - one.stateSince)
  return {
    ...database,
    latchkey_revocation_head: await store.revocations.head(),
    latchkey_mail_waiting: await store.mails.count(),
    latchkey_key_age_seconds: keys.map(({ purpose, algorithm, state, stateSince }) => ({
      labels: { purpose, algorithm, state },
      value: (clock() - stateSince) / SECOND,
    })),
    ...(next?.dueAt != null && { latchkey_key_next_change_timestamp_seconds: next.dueAt / SECOND }),
  }
}
