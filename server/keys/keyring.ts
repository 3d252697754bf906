/**
 * The keyring: which key signs, which keys verify, which secret is current. Keys are made on first use and change
 * hands by `rotation.ts`; callers never see where they live. What a token says is `tokens/`.
 */
import { createPublicKey } from 'node:crypto'
import { importPublicKey, type KeyRequest, type VerificationKey } from '@latchkey/sdk/verify'
import type { KeyAuthor } from '../audit/events.ts'
import type { Bus } from '../kernel/bus.ts'
import type { Clock, Instant } from '../kernel/clock.ts'
import { OperatorError } from '../kernel/errors.ts'
import type { JsonObject } from '../kernel/json.ts'
import { type Log, silentLog } from '../kernel/log.ts'
import { SealError, type Sealer } from '../kernel/sealer.ts'
import { HOUR } from '../kernel/seconds.ts'
import type { KeyRecord } from '../store/keys.ts'
import type { Store } from '../store/store.ts'
import { HS256, type PairAlgorithmName } from './algorithms.ts'
import { createKeySet, isPublished } from './key-set.ts'
import { isInSlot, type PurposeName, type Slot, secretSlot, slotOf, tokenSigning } from './purposes.ts'
import { isRevokedSecret } from './revoked-secrets.ts'
import { createRings } from './rings.ts'
import { masterKeyIdOf } from './sealer.ts'
import { createSigner, type Signer } from './signer.ts'
import { createTransitions, openKey } from './transitions.ts'
import { ALWAYS_WANTED, type WantedAlgorithms } from './wanted.ts'

/** How far ahead of what is asked for a key's latest expiry is put on record: one write an hour for a busy key. */
const RECORDED_AHEAD = HOUR

/** The last instant a date can hold, for tokens that never expire: their key never leaves. */
const END_OF_TIME: Instant = 8.64e15

/** The public half of a pair (RFC 7517), with `kid`, `alg` and `use` and nothing of a vendor's. */
export type PublishedKey = JsonObject

export interface Secret {
  readonly id: string
  /** The secret's bytes, to be read only: every caller is handed the same ones. */
  readonly key: Buffer
  readonly state: 'current' | 'accepted'
}

/** A key as it may be shown: everything but the key. Instants in milliseconds. */
export type KeySummary = Omit<KeyRecord, 'tenant' | 'publicKey' | 'sealedPrivate' | 'certificate'>

export interface CertifiedKey extends KeySummary {
  /** X.509 in PEM, the same whenever it is asked for. */
  readonly certificate: string
}

/**
 * Every method throws `OperatorError`, naming the master key wanted, when a key it needs is sealed under one that
 * is not listed; nothing is made or changed in its place.
 */
export interface Keyring {
  /** The one key that signs with this algorithm. */
  signer(tenant: string, algorithm: PairAlgorithmName): Promise<Signer>
  /**
   * What verifiers may know: pairs that will sign, sign, or did. There is one that signs of RS256 and of every algorithm
   * that is wanted; those of others leave once what they signed is over.
   */
  jwks(tenant: string): Promise<{ readonly keys: readonly PublishedKey[] }>
  /** What tokens are signed with here, RS256 first. A key that does not sign, yet or any more, vouches for none. */
  algorithms(tenant: string): Promise<readonly PairAlgorithmName[]>
  /**
   * The published key for a token of our own: a `KeySource` of the verifier, once the tenant is given. With
   * `retired`, also one that left the key set by schedule within the last year, for ID tokens that come back as
   * hints. A revoked key is never found, nor is a secret.
   */
  verificationKey(
    tenant: string,
    request: KeyRequest,
    options?: { retired?: boolean },
  ): Promise<VerificationKey | undefined>

  /** The secret to make new things with. What it made names its id, and `noteUse` says until when it is wanted. */
  secret(tenant: string, purpose: 'refresh-token' | 'mailed-code' | 'pairwise-salt'): Promise<Secret>
  /** The current or a former secret, by the id a stranger presents. */
  secretById(tenant: string, purpose: 'refresh-token' | 'mailed-code', id: string): Promise<Secret | undefined>
  /**
   * Puts on record that something made with the key lives until then (milliseconds), and resolves once it is: to
   * be awaited before that something leaves. At once when it is on record already, as it is but once an hour.
   */
  noteUse(tenant: string, id: string, expiresAt: Instant): Promise<void>

  /** The HS256 secrets of one API, the current one first, then the former one while it is still taken. */
  apiSecrets(tenant: string, resourceServer: string): Promise<readonly Secret[]>
  /** Signs with the API's current secret; undefined while it has none. */
  apiSigner(tenant: string, resourceServer: string): Promise<Signer | undefined>
  /**
   * Gives an API its secret, used as its UTF-8 bytes; the one before is taken until nothing signed with it lives.
   * `by` is what the operator used.
   * @throws OperatorError for one shorter than 32 bytes (RFC 7518 §3.2), and for one that was revoked.
   */
  putApiSecret(
    tenant: string,
    resourceServer: string,
    secret: string,
    by?: 'command' | 'tenant-file' | 'management-api',
  ): Promise<'put' | 'unchanged'>
  /** Whether it was revoked as the secret of any API of the tenant, and will not be taken again. */
  isRevokedApiSecret(tenant: string, secret: string): Promise<boolean>

  /** A change by hand. `takesOver` is when the next key signs or is current: now, or when its notice is over. */
  rotate(tenant: string, key: Omit<Slot, 'tenant'>, by?: KeyAuthor): Promise<{ readonly takesOver: Instant }>
  /** Out of use and out of the key set at once, with a successor where one is needed, and onto the revocation log. */
  revoke(tenant: string, id: string, by?: KeyAuthor): Promise<'revoked' | 'already' | 'unknown'>
  list(tenant: string): Promise<readonly KeySummary[]>
  /** Pairs that sign tokens, will, or did, the oldest first, each with the certificate of its public half. */
  certified(tenant: string): Promise<readonly CertifiedKey[]>
}

export interface KeyringOptions {
  readonly store: Store
  readonly sealer: Sealer
  readonly clock: Clock
  readonly bus: Bus
  readonly wanted: WantedAlgorithms
  readonly log?: Log
}

export function createKeyring({ store, sealer, clock, bus, wanted, log = silentLog }: KeyringOptions): Keyring {
  const rings = createRings({ store, clock, bus, log, wanted })
  const transitions = createTransitions({ store, sealer, clock })
  const making = new Map<string, Promise<unknown>>()

  // What a record was turned into lives exactly as long as the record: read again, it is opened again.
  const signers = new WeakMap<KeyRecord, Signer>()
  const secrets = new WeakMap<KeyRecord, Secret>()
  const verifiers = new WeakMap<KeyRecord, Promise<VerificationKey>>()
  const recorded = new WeakMap<KeyRecord, { readonly until: Instant; readonly written: Promise<void> }>()

  /** The key of the slot that signs or is current, made where there is none: once on this node, and once on all. */
  async function serving(slot: Slot): Promise<KeyRecord> {
    const found = servingOf(await rings.of(slot.tenant), slot)
    if (found) return found
    const name = JSON.stringify([slot.tenant, slot.purpose, slot.owner, slot.algorithm])
    const made = making.get(name) ?? transitions.carryOut(slot, { want: 'ensure' }).finally(() => making.delete(name))
    making.set(name, made)
    await made
    rings.drop(slot.tenant)
    const served = servingOf(await rings.of(slot.tenant), slot)
    if (!served) throw new Error(`tenant ${slot.tenant} lost its ${slot.purpose} key while it was made`)
    return served
  }

  async function byId(tenant: string, id: string, fits: (key: KeyRecord) => boolean): Promise<KeyRecord | undefined> {
    const find = (keys: readonly KeyRecord[]) => keys.find(key => key.id === id)
    const key = find(await rings.of(tenant)) ?? find(await rings.again(tenant))
    return key && fits(key) ? key : undefined
  }

  function signerFor(key: KeyRecord): Signer {
    const known = signers.get(key)
    if (known) return known
    const { algorithm } = slotOf(key)
    const signer = createSigner({ kid: key.id, algorithm }, open(sealer, key), until => note(key, until))
    signers.set(key, signer)
    return signer
  }

  function secretOf(key: KeyRecord): Secret {
    const known = secrets.get(key)
    if (known) return known
    const secret: Secret = { id: key.id, key: open(sealer, key).export(), state: key.state as Secret['state'] }
    secrets.set(key, secret)
    return secret
  }

  function note(key: KeyRecord, expiresAt: Instant): Promise<void> {
    const known = recorded.get(key) ?? { until: key.latestExpiry, written: Promise.resolve() }
    if (expiresAt <= known.until) return known.written
    const until = Math.min(expiresAt + RECORDED_AHEAD, END_OF_TIME)
    const written = store.keys.used(key.tenant, key.id, until)
    recorded.set(key, { until, written })
    written.catch(() => recorded.delete(key))
    return written
  }

  async function apiKeys(tenant: string, resourceServer: string): Promise<readonly KeyRecord[]> {
    const slot = secretSlot(tenant, 'api-secret', resourceServer)
    const keys = (await rings.of(tenant)).filter(key => isInSlot(slot, key) && isTaken(key))
    return keys.sort((one, other) => Number(isServing(other)) - Number(isServing(one)))
  }

  /** Asked of the store: a node that has not heard of the revocation is the one that would take it again. */
  const isRevoked = async (tenant: string, secret: Uint8Array) =>
    (await store.keys.list(tenant)).some(key => opening(key, () => isRevokedSecret(sealer, key, secret)))

  /**
   * For a row of an earlier version, which has none: signed by its own private part, or where that is gone by the key that
   * signs now.
   */
  async function certifyLate(key: KeyRecord): Promise<string> {
    const by = key.sealedPrivate === null ? await serving(tokenSigning(key.tenant, ALWAYS_WANTED)) : key
    const { certify } = await import('./certificate.ts')
    const certificate = await certify(
      {
        kid: key.id,
        publicKey: createPublicKey({ key: { ...key.publicKey }, format: 'jwk' }),
        createdAt: key.createdAt,
      },
      { kid: by.id, algorithm: by.algorithm as PairAlgorithmName, privateKey: open(sealer, by) },
    )
    return (await store.keys.certify(key.tenant, key.id, certificate)) ?? certificate
  }

  return {
    ...createKeySet({ rings, transitions, wanted, serving, clock, log }),

    signer: async (tenant, algorithm) => signerFor(await serving(tokenSigning(tenant, algorithm))),

    async verificationKey(tenant, { kid, alg }, { retired = false } = {}) {
      if (kid === undefined) return undefined
      const vouches = (key: KeyRecord) => isPublished(key) || (retired && isRemembered(key, clock()))
      const key = await byId(tenant, kid, key => key.algorithm === alg && vouches(key))
      if (!key?.publicKey) return undefined
      const imported = verifiers.get(key) ?? importPublicKey({ ...key.publicKey }, alg)
      verifiers.set(key, imported)
      return imported
    },

    secret: async (tenant, purpose) => secretOf(await serving(secretSlot(tenant, purpose))),

    async secretById(tenant, purpose, id) {
      const key = await byId(tenant, id, key => isInSlot(secretSlot(tenant, purpose), key) && isTaken(key))
      return key && secretOf(key)
    },

    async noteUse(tenant, id, expiresAt) {
      const key = await byId(tenant, id, () => true)
      if (!key) throw new TypeError(`no such key: ${id}`)
      await note(key, expiresAt)
    },

    apiSecrets: async (tenant, resourceServer) => (await apiKeys(tenant, resourceServer)).map(secretOf),

    async apiSigner(tenant, resourceServer) {
      const key = (await apiKeys(tenant, resourceServer)).find(isServing)
      return key && signerFor(key)
    },

    async putApiSecret(tenant, resourceServer, secret, by = 'command') {
      const bytes = Buffer.from(secret)
      if (bytes.length < HS256.minimumBytes)
        throw new OperatorError(
          `The HS256 secret of the API ${resourceServer} is ${bytes.length} bytes long; it needs at least ${HS256.minimumBytes}, as RFC 7518 asks.`,
        )
      const current = (await apiKeys(tenant, resourceServer)).find(isServing)
      if (current && secretOf(current).key.equals(bytes)) return 'unchanged'
      if (await isRevoked(tenant, bytes))
        throw new OperatorError(
          `The HS256 secret given for the API ${resourceServer} was revoked and is never taken again. Give the API another.`,
        )
      const slot = secretSlot(tenant, 'api-secret', resourceServer)
      await transitions.carryOut(slot, { want: 'rotate' }, { by, secret: bytes })
      rings.drop(tenant)
      return 'put'
    },

    isRevokedApiSecret: (tenant, secret) => isRevoked(tenant, Buffer.from(secret)),

    async rotate(tenant, key, by = 'command') {
      const { takesOver } = await transitions.carryOut({ ...key, tenant }, { want: 'rotate' }, { by })
      rings.drop(tenant)
      return { takesOver: takesOver ?? clock() }
    },

    async revoke(tenant, id, by = 'command') {
      const key = (await store.keys.list(tenant)).find(one => one.id === id)
      if (!key) return 'unknown'
      const { changed } = await transitions.carryOut(slotOf(key), { want: 'revoke', id }, { by })
      rings.drop(tenant)
      return changed ? 'revoked' : 'already'
    },

    list: async tenant => (await store.keys.list(tenant)).map(summaryOf),

    async certified(tenant) {
      const certified: CertifiedKey[] = []
      for (const key of (await store.keys.list(tenant)).filter(isSigningPair))
        certified.push({ ...summaryOf(key), certificate: key.certificate ?? (await certifyLate(key)) })
      return certified
    },
  }
}

const summaryOf = ({
  tenant: _tenant,
  publicKey: _public,
  sealedPrivate: _private,
  certificate: _,
  ...key
}: KeyRecord) => key

const isSigningPair = ({ purpose, publicKey }: KeyRecord): boolean =>
  purpose === ('token-signing' satisfies PurposeName) && publicKey !== null

const isServing = (key: KeyRecord) => key.state === 'signing' || key.state === 'current'

const isTaken = (key: KeyRecord) => key.state === 'current' || key.state === 'accepted'

/** Retired by schedule and not revoked: `rotation.ts` gives only those a due date. */
const isRemembered = (key: KeyRecord, now: Instant) => key.state === 'retired' && key.dueAt !== null && key.dueAt > now

const servingOf = (keys: readonly KeyRecord[], slot: Slot) => keys.find(key => isInSlot(slot, key) && isServing(key))

const open = (sealer: Sealer, key: KeyRecord) => opening(key, () => openKey(sealer, key))

/** The store is whole when a key does not open: it is the master key file that lacks something, and says what. */
function opening<T>(key: KeyRecord, open: () => T): T {
  try {
    return open()
  } catch (error) {
    if (!(error instanceof SealError) || error.reason === 'malformed' || key.sealedPrivate === null) throw error
    const master = masterKeyIdOf(key.sealedPrivate)
    const problem =
      error.reason === 'unknown-master-key'
        ? `which the master key file does not list. Put its line back`
        : `but the key of that id in the master key file does not open it. Put back the one it was sealed with`
    throw new OperatorError(
      `The ${key.purpose} key ${key.id} of tenant ${key.tenant} is sealed under the master key "${master}", ${problem}; nothing was changed.`,
      { cause: error },
    )
  }
}
