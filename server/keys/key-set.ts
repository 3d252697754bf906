/**
 * The key set that verifiers fetch, and the algorithms it stands for: those that somebody asks for, and no others.
 * Whoever looks at it brings it up to what is wanted; a setting needs no code of its own to have its key made or
 * withdrawn. What the steps of a key's life are is `rotation.ts`.
 */
import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { KeyRecord, KeyState } from '../store/keys.ts'
import { type PairAlgorithmName, SIGNING_ALGORITHMS } from './algorithms.ts'
import type { Keyring, PublishedKey } from './keyring.ts'
import { PURPOSES, type PurposeName, type SignatureLife, type Slot, slotOf, tokenSigning } from './purposes.ts'
import type { Rings } from './rings.ts'
import { isSettling } from './rotation.ts'
import type { Transitions } from './transitions.ts'
import { ALWAYS_WANTED, isWanted, type WantedAlgorithms } from './wanted.ts'

const LIFE = PURPOSES['token-signing'] as SignatureLife

/** Where a published key stands in the set: the one that signs comes first, for verifiers that take the first. */
const PUBLISHED: readonly KeyState[] = ['signing', 'announced', 'verifying']

export const isPublished = (key: KeyRecord): boolean =>
  key.purpose === ('token-signing' satisfies PurposeName) && PUBLISHED.includes(key.state)

export interface KeySetOptions {
  readonly rings: Rings
  readonly transitions: Transitions
  readonly wanted: WantedAlgorithms
  /** The key of the slot that signs, made where there is none. */
  readonly serving: (slot: Slot) => Promise<KeyRecord>
  readonly clock: Clock
  readonly log: Log
}

export function createKeySet(options: KeySetOptions): Pick<Keyring, 'jwks' | 'algorithms'> {
  const { rings, transitions, wanted, serving, clock, log } = options
  // A record lives until the keys are read again: each reading gives one occasion to withdraw it.
  const looked = new WeakSet<KeyRecord>()

  async function settled(tenant: string): Promise<readonly KeyRecord[]> {
    await serving(tokenSigning(tenant, ALWAYS_WANTED))
    const asked = await rings.wantedBy(tenant)
    for (const algorithm of asked)
      await serving(tokenSigning(tenant, algorithm)).catch(error =>
        log.warn({ tenant, algorithm, error }, 'a key that is asked for could not be made'),
      )
    const keys = await rings.of(tenant)
    for (const key of keys) if (isSurplus(key, asked)) void withdraw(key)
    return keys
  }

  const isSurplus = (key: KeyRecord, asked: readonly string[]): boolean =>
    key.state === 'signing' && !isWanted(slotOf(key), asked) && !isSettling(key, LIFE, clock()) && !looked.has(key)

  /** Nobody waits for it: an answer that shows a key too many is true, and fails nobody. */
  async function withdraw(key: KeyRecord): Promise<void> {
    const { tenant } = key
    looked.add(key)
    try {
      // What this node remembers may be older than the setting: a key is given up on the store's word alone.
      if (!isWanted(slotOf(key), await wanted(tenant))) await transitions.carryOut(slotOf(key), { want: 'withdraw' })
      rings.drop(tenant)
    } catch (error) {
      log.warn({ tenant, key: key.id, error }, 'a key that nobody asks for could not be withdrawn')
    }
  }

  return {
    async jwks(tenant) {
      const keys = (await settled(tenant)).filter(isPublished).sort(byPlaceInSet)
      return { keys: keys.map(({ publicKey }) => publicKey).filter((key): key is PublishedKey => key !== null) }
    },

    async algorithms(tenant) {
      const keys = await settled(tenant)
      const asked = await rings.wantedBy(tenant)
      const signing = keys.filter(key => key.state === 'signing' && isWanted(slotOf(key), asked)).sort(byPlaceInSet)
      return signing.map(({ algorithm }) => algorithm as PairAlgorithmName)
    },
  }
}

const ORDER = [...SIGNING_ALGORITHMS.keys()]

const byPlaceInSet = (one: KeyRecord, other: KeyRecord): number =>
  ORDER.indexOf(one.algorithm) - ORDER.indexOf(other.algorithm) ||
  PUBLISHED.indexOf(one.state) - PUBLISHED.indexOf(other.state)
