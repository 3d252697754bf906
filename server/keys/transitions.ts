/**
 * Carrying out a plan of `rotation.ts`: the rows are read, the key is made and sealed outside of any transaction,
 * and all of it is committed inside one, or none. The only file that makes keys or writes their rows.
 */
import { createSecretKey, type KeyObject } from 'node:crypto'
import type { KeyAuthor } from '../audit/events.ts'
import type { Clock, Instant } from '../kernel/clock.ts'
import { newId } from '../kernel/ids.ts'
import type { Sealer } from '../kernel/sealer.ts'
import { DAY } from '../kernel/seconds.ts'
import { randomKey, sha256 } from '../kernel/secrets.ts'
import { type KeyMove, type KeyRecord, sealContextOfKey } from '../store/keys.ts'
import type { Revocation } from '../store/revocations.ts'
import type { Store } from '../store/store.ts'
import { fromBytes, type PairAlgorithmName, publicJwk, signingAlgorithm, toBytes } from './algorithms.ts'
import { type CarriedOut, eventsOf } from './key-events.ts'
import { isInSlot, PURPOSES, type Slot } from './purposes.ts'
import { sealedDigestOf } from './revoked-secrets.ts'
import { type NewKey, type Plan, planRotation, type Wish } from './rotation.ts'

/** Each lost race means that another node made progress in this very slot; five in a row do not happen to the well. */
const ATTEMPTS = 5

/**
 * Whoever stole a key signs any expiry they like, so its revocation outlives every token: it is kept until even
 * a verifier that holds its copy of the key set for very long has let go of it.
 */
const REVOCATION_KEPT = 30 * DAY

export interface Outcome {
  /** Whether any row changed. */
  readonly changed: boolean
  /** When the next key of the slot signs or is current; null when the plan changes no hands. */
  readonly takesOver: Instant | null
}

export interface Transitions {
  /**
   * Brings the slot to what is wished, also when other nodes wish something of it at the same time.
   */
  carryOut(slot: Slot, wish: Wish, options?: TransitionOptions): Promise<Outcome>
}

export interface TransitionOptions {
  /** Who wished it: the keyring itself unless told. */
  readonly by?: KeyAuthor
  /** The material of a secret key that others know already; without it a random one is made. */
  readonly secret?: Uint8Array
}

export function createTransitions({
  store,
  sealer,
  clock,
}: {
  store: Store
  sealer: Sealer
  clock: Clock
}): Transitions {
  return {
    async carryOut(slot, wish, { by = 'keyring', secret } = {}) {
      let material: Promise<Material> | undefined
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const keys = (await store.keys.list(slot.tenant)).filter(key => isInSlot(slot, key))
        const plan = planRotation(keys, PURPOSES[slot.purpose], wish, clock())
        if (isEmpty(plan)) return { changed: false, takesOver: plan.takesOver }

        if (plan.generate) material ??= makeMaterial(slot, secret)
        const at = clock()
        const added =
          plan.generate && material ? [await toRecord(slot, keys, plan.generate, await material, sealer, at)] : []
        if (await commit({ tenant: slot.tenant, keys, plan, added, wish, by, at }))
          return { changed: true, takesOver: plan.takesOver }
      }
      throw new Error(`the ${slot.purpose} keys of tenant ${slot.tenant} keep changing under our hands`)
    },
  }

  function commit(change: CarriedOut): Promise<boolean> {
    const { tenant, keys, plan, added, wish, at } = change
    const moves = wish.want === 'revoke' ? plan.moves.map(move => remember(move, wish.id, keys)) : plan.moves
    return store.transaction(async transaction => {
      const outcome = await transaction.keys.apply(tenant, { add: added, moves }, at)
      if (outcome === 'conflict') return false
      if (wish.want === 'revoke') transaction.revocations.append(revocationOf(tenant, wish.id, at))
      await transaction.events.record(eventsOf(change))
      transaction.announce({ topic: 'key', tenant, id: added[0]?.id ?? plan.moves[0]?.id ?? '' })
      return true
    })
  }

  /** Of all secrets only an API's is given to us by others, who may give it again. */
  function remember(move: KeyMove, revoked: string, keys: readonly KeyRecord[]): KeyMove {
    const key = keys.find(({ id }) => id === revoked)
    return key?.purpose === 'api-secret' && move.id === revoked ? { ...move, kept: sealedDigestOf(sealer, key) } : move
  }
}

const isEmpty = (plan: Plan) => plan.generate === null && plan.moves.length === 0

const revocationOf = (tenant: string, id: string, at: Instant): Revocation => ({
  tenant,
  kind: 'key',
  id,
  epoch: null,
  at,
  expiresAt: at + REVOCATION_KEPT,
})

interface Material {
  readonly hidden: KeyObject
  readonly published: KeyObject | null
}

async function makeMaterial(slot: Slot, secret: Uint8Array = randomKey()): Promise<Material> {
  const algorithm = signingAlgorithm(slot.algorithm)
  if (algorithm.kind === 'secret') return { hidden: createSecretKey(secret), published: null }
  const { publicKey, privateKey } = await algorithm.generate()
  return { hidden: privateKey, published: publicKey }
}

async function toRecord(
  slot: Slot,
  present: readonly KeyRecord[],
  { state, dueAt }: NewKey,
  { hidden, published }: Material,
  sealer: Sealer,
  at: Instant,
): Promise<KeyRecord> {
  const id = successorId(present)
  const algorithm = signingAlgorithm(slot.algorithm)
  const bytes = toBytes(hidden)
  const sealedPrivate = sealer.seal(sealContextOfKey({ ...slot, id, state }), bytes)
  bytes.fill(0)
  return {
    tenant: slot.tenant,
    id,
    purpose: slot.purpose,
    owner: slot.owner,
    algorithm: slot.algorithm,
    state,
    publicKey: published && algorithm.kind === 'pair' ? publicJwk(algorithm, published, id) : null,
    sealedPrivate,
    createdAt: at,
    stateSince: at,
    dueAt,
    latestExpiry: 0,
    certificate:
      algorithm.kind === 'pair' && published ? await certificateOf(algorithm.name, id, at, hidden, published) : null,
  }
}

async function certificateOf(
  algorithm: PairAlgorithmName,
  kid: string,
  createdAt: Instant,
  privateKey: KeyObject,
  publicKey: KeyObject,
): Promise<string> {
  const { certify } = await import('./certificate.ts')
  return certify({ kid, publicKey, createdAt }, { kid, algorithm, privateKey })
}

/**
 * The first key of a slot has a random id. A later one's is a digest of the ids it was planned from, so that of two
 * nodes that announce a successor at once the second meets the first one's id: no state they expect would tell
 * them apart, because the signing key goes on signing.
 */
const successorId = (present: readonly KeyRecord[]): string =>
  present.length === 0
    ? newId('key')
    : `key_${sha256(
        present
          .map(({ id }) => id)
          .sort()
          .join(' '),
      ).slice(0, 24)}`

/** @throws SealError for a row that was changed or is sealed under a master key that is not listed. */
export function openKey(sealer: Sealer, key: KeyRecord): KeyObject {
  if (key.sealedPrivate === null) throw new TypeError(`the key ${key.id} has no private part any more`)
  return fromBytes(signingAlgorithm(key.algorithm), sealer.open(sealContextOfKey(key), key.sealedPrivate))
}
