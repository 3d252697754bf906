/**
 * The clockwork of the keyring: finds the keys whose time has come, whichever tenant's, and carries out their
 * plans. Every node may run it; whoever is second finds nothing left to do. What is due when is `rotation.ts`.
 */
import type { Clock, Instant } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { Sealer } from '../kernel/sealer.ts'
import { MINUTE } from '../kernel/seconds.ts'
import type { KeyRecord } from '../store/keys.ts'
import type { Store } from '../store/store.ts'
import { slotOf } from './purposes.ts'
import { createTransitions } from './transitions.ts'
import { isWanted, type WantedAlgorithms } from './wanted.ts'

const BATCH = 50

/** After a failure, so that a database that is away is not asked in a loop. */
const TRY_AGAIN_AFTER = MINUTE

const EVER: Instant = Number.MAX_SAFE_INTEGER

export interface Schedule {
  /**
   * Does all that is due by now, oldest first. A key that fails is logged and holds nobody up. Answers when to
   * run again; undefined when no key will ever be due.
   */
  run(): Promise<Instant | undefined>
}

export interface ScheduleOptions {
  readonly store: Store
  readonly sealer: Sealer
  readonly clock: Clock
  readonly log: Log
  readonly wanted: WantedAlgorithms
}

export function createSchedule({ store, sealer, clock, log, wanted }: ScheduleOptions): Schedule {
  const transitions = createTransitions({ store, sealer, clock })

  /** Whether the keys, all of one slot, have moved on. */
  async function advance([key]: readonly KeyRecord[]): Promise<boolean> {
    if (!key) return false
    try {
      const slot = slotOf(key)
      // A key whose algorithm nobody asks for any more gets no successor.
      const isOver = !isWanted(slot, await wanted(slot.tenant))
      const withdrawn = isOver && (await transitions.carryOut(slot, { want: 'withdraw' })).changed
      const { changed } = await transitions.carryOut(slot, { want: 'schedule' })
      return withdrawn || changed
    } catch (error) {
      log.error({ tenant: key.tenant, key: key.id, error }, 'a key could not be moved on')
      return false
    }
  }

  return {
    async run() {
      const stuck = new Set<string>()
      for (;;) {
        // The oldest come first: without room for those that are stuck, they would hide all others.
        const batch = await store.keys.due(clock(), BATCH + stuck.size)
        const due = batch.filter(key => !stuck.has(nameOf(key)))
        if (due.length === 0) break
        for (const keys of Map.groupBy(due, slotNameOf).values())
          if (!(await advance(keys))) for (const key of keys) stuck.add(nameOf(key))
      }

      const [next] = await store.keys.due(EVER, 1)
      if (!next || next.dueAt === null) return undefined
      return next.dueAt > clock() ? next.dueAt : clock() + TRY_AGAIN_AFTER
    },
  }
}

const nameOf = ({ tenant, id }: KeyRecord) => JSON.stringify([tenant, id])

const slotNameOf = ({ tenant, purpose, owner, algorithm }: KeyRecord) =>
  JSON.stringify([tenant, purpose, owner, algorithm])
