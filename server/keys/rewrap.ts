/**
 * Moving everything sealed to the current master key, beside running servers: so that an old one can be given up.
 * Nothing is remembered between two runs, because what is left to do shows in the values themselves; and each is
 * replaced only as it was read, so that two runs, or a run and a server, never undo one another. A value opens at
 * every moment, under the old key before its replacement and under the new one after.
 */
import { rewrapped } from '../audit/events.ts'
import type { Clock } from '../kernel/clock.ts'
import { newSortableId } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import { SealError, type Sealer } from '../kernel/sealer.ts'
import type { SealedPlace, SealedValue } from '../store/sealed-values.ts'
import type { Store, Transaction } from '../store/store.ts'
import type { MasterKeys } from './wrapping/master-keys.ts'

/** One transaction: short enough that a sign-in behind it on SQLite notices nothing. */
const BATCH = 100

export interface RewrapOptions {
  readonly store: Store
  readonly sealer: Sealer
  readonly masterKeys: MasterKeys
  readonly clock: Clock
  readonly log: Log
}

export type Rewrapped = {
  /** The master key that everything was to be moved to. */
  readonly masterKey: string
  /** How many values were moved, of each kind that there were any of. */
  readonly moved: Readonly<Partial<Record<SealedPlace, number>>>
  /** What other master keys still seal, now that it is over. */
  readonly left: readonly MasterKeyInUse[]
  /**
   * Other master keys of the file, that seal nothing at the moment. One may be a former key or one that is yet to
   * come, and a server with an older file may seal with it again: whether its line may go is not to be seen from here.
   */
  readonly idle: readonly string[]
}

export type MasterKeyInUse = {
  readonly masterKey: string
  readonly values: number
  /** In the file. If it is not, its values cannot be opened, and its line has to be put back. */
  readonly isListed: boolean
}

/**
 * Goes once through all there is. What a server that still seals with an older key writes meanwhile may be left, and
 * is moved by the next run. Short-lived tickets are moved like the rest: a spent code is looked at for as long as
 * its authorization lives, and then "no longer needed" means now and not in a month.
 */
export async function rewrap(options: RewrapOptions): Promise<Rewrapped> {
  const { store, masterKeys } = options
  const masterKey = masterKeys.current.id
  const moved: Partial<Record<SealedPlace, number>> = {}
  for (const place of store.sealedValues.places) {
    let after: SealedValue | undefined
    do {
      const values = await store.sealedValues.notUnder(masterKey, { place, after, limit: BATCH })
      after = values.at(-1)
      const count = await move(options, values)
      if (count > 0) moved[place] = (moved[place] ?? 0) + count
    } while (after)
  }
  const counts = await store.sealedValues.countByMasterKey()
  const left = [...counts].filter(([id]) => id !== masterKey)
  return {
    masterKey,
    moved,
    left: left.map(([id, values]) => ({ masterKey: id, values, isListed: masterKeys.ids.includes(id) })),
    idle: masterKeys.ids.filter(id => id !== masterKey && !counts.has(id)),
  }
}

/** Seals the values anew and replaces those that are still as they were, with an event for each tenant. */
async function move(options: RewrapOptions, values: readonly SealedValue[]): Promise<number> {
  const renewed = values.flatMap(value => {
    const sealed = sealAnew(options, value)
    return sealed === undefined ? [] : [{ value, sealed }]
  })
  if (renewed.length === 0) return 0
  return options.store.transaction(async transaction => {
    const replaced: SealedValue[] = []
    for (const { value, sealed } of renewed)
      if (await transaction.sealedValues.replace(value, sealed)) replaced.push(value)
    await tell(options, transaction, replaced)
    return replaced.length
  })
}

/** Undefined for what does not open: it stays as it is, and the rest is moved. */
function sealAnew({ sealer, log }: RewrapOptions, { place, row, context, sealed }: SealedValue): string | undefined {
  try {
    const plaintext = sealer.open(context, sealed)
    const anew = sealer.seal(context, plaintext)
    plaintext.fill(0)
    return anew
  } catch (error) {
    if (!(error instanceof SealError)) throw error
    log.error({ tenant: context.tenant, place, row, error }, 'a sealed value does not open and was left as it is')
    return undefined
  }
}

async function tell(
  { masterKeys, clock }: RewrapOptions,
  transaction: Transaction,
  replaced: readonly SealedValue[],
): Promise<void> {
  const at = clock()
  const events = [...Map.groupBy(replaced, ({ context }) => context.tenant)].map(([tenant, values]) =>
    rewrapped(
      { tenant, at, requestId: newSortableId(), address: null, userAgent: null },
      masterKeys.current.id,
      Object.fromEntries([...Map.groupBy(values, ({ place }) => place)].map(([place, those]) => [place, those.length])),
    ),
  )
  await transaction.events.record(events)
}
