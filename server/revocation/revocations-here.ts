/**
 * What this node knows of the revocation log: whether a token that was sound when it was signed has been ended since.
 * It keeps all that the log covers in memory and reads on from the last number it saw: when the bus wakes it, and
 * before it answers from a reading that is a second old. So it costs nothing while nobody asks, and needs no message to
 * arrive. Until the log is read, and if ever it holds more than fits, the store is asked about each token.
 */
import { createPackedEntries, DIGEST_WORDS, writeDigest } from '@latchkey/sdk/packed-entries'
import type { Bus } from '../kernel/bus.ts'
import type { Clock, Instant } from '../kernel/clock.ts'
import { HOUR, MINUTE, SECOND } from '../kernel/seconds.ts'
import { createSlices } from '../kernel/slices.ts'
import type { Revocation, RevocationKind, RevocationName } from '../store/revocations.ts'
import type { Store } from '../store/store.ts'

/** What the log can know a token by. Null for what it has not. */
export interface TokenFacts {
  readonly tenant: string
  readonly jti: string
  readonly authorization: string
  readonly session: string | null
  /** The user's id. */
  readonly subject: { readonly id: string; readonly epoch: number } | null
  readonly client: { readonly id: string; readonly epoch: number }
  readonly organization: string | null
  /** Those it is for, and how often an API of that identifier had been removed when it was made. */
  readonly audiences: readonly string[]
  readonly apiEpoch: number
}

export interface RevocationsHere {
  /** The number of the last revocation that was read here. */
  position(): number
  /**
   * Whether the log ends the token. What was revoked on this node counts from its commit on, what was revoked on
   * another from the moment that the word of it arrives, or a second later. Rejects when the store cannot be asked.
   */
  isRevoked(token: TokenFacts): Promise<boolean>
}

/** The age of a reading that is still gone by. With it, and the time to read, others' revocations count within two seconds. */
const LONGEST_AGE = SECOND
/** What a reading brings at once: a few milliseconds' worth. */
const BATCH = 1000
/** Between two times that what is over is let go of. */
const SWEEP = 10 * MINUTE
/** Until it is tried again whether the log fits. */
const RETRY = HOUR

export function createRevocationsHere(
  { store, bus, clock }: { store: Store; bus: Bus; clock: Clock },
  mostSlots?: number,
): RevocationsHere {
  let entries = createPackedEntries(mostSlots)
  /** The number up to which the log is in `entries`. */
  let last = 0
  let isWhole = false
  /** When the reading began that `entries` is as good as. */
  let readAt: Instant = Number.NEGATIVE_INFINITY
  let sweptAt: Instant = Number.NEGATIVE_INFINITY
  let overflowedAt: Instant = Number.NEGATIVE_INFINITY
  let reading: Promise<void> | undefined
  let isWoken = false
  /** Of `entries`: a reading that fills the former ones is of no use. */
  let round = 0

  /** `false` when it does not fit. */
  const take = (revocation: Revocation, now: Instant): boolean =>
    revocation.expiresAt <= now || entries.add(nameOf(revocation.tenant, revocation), revocation, now)

  function overflow(): void {
    entries = createPackedEntries(mostSlots)
    round++
    last = 0
    isWhole = false
    overflowedAt = clock()
  }

  function isCovered(token: TokenFacts): boolean {
    const { epochs, digests } = packedOf(token)
    return epochs.some((epoch, at) => (entries.coversDigest(digests, at * DIGEST_WORDS) ?? 0) > epoch)
  }

  /** One at a time: whoever comes while it reads waits for it, and what it is woken for meanwhile it reads too. */
  function read(): Promise<void> {
    reading ??= readOn().finally(() => {
      reading = undefined
    })
    return reading
  }

  async function readOn(): Promise<void> {
    const giveWay = createSlices()
    const mine = round
    for (;;) {
      isWoken = false
      const now = clock()
      const more = await store.revocations.after(last, BATCH)
      if (round !== mine) return
      for (const revocation of more) {
        if (!take(revocation, now)) return overflow()
        last = revocation.number
      }
      if (more.length < BATCH && !isWoken) {
        isWhole = true
        readAt = now
        break
      }
      await giveWay()
      if (round !== mine) return
    }
    if (far(sweptAt, SWEEP)) {
      entries.sweep(clock())
      sweptAt = clock()
    }
  }

  /** The distance, not the difference: a clock that was set back must not make a reading last. */
  const far = (instant: Instant, than: number): boolean => Math.abs(clock() - instant) >= than

  /** Whoever asks next finds out, and is told, why it failed. */
  const readUnwatched = (): void => void read().catch(() => {})

  const wake = (): void => {
    if (!isWhole) return
    if (reading) isWoken = true
    else {
      readAt = Number.NEGATIVE_INFINITY
      readUnwatched()
    }
  }
  bus.subscribe('revocation', { heard: wake, missed: wake })
  store.onRevoked(revocations => {
    const now = clock()
    for (const revocation of revocations) if (!take(revocation, now)) return overflow()
  })

  return {
    position: () => last,
    async isRevoked(token) {
      if (isWhole && far(readAt, LONGEST_AGE)) await read()
      if (isWhole) return entries.size > 0 && isCovered(token)
      const names = namesOf(token)
      if (far(overflowedAt, RETRY)) readUnwatched()
      const among = await store.revocations.among(token.tenant, names)
      return among.some(({ kind, id, epoch }) => {
        const name = names.find(one => one.kind === kind && one.id === id)
        return name !== undefined && (epoch ?? Number.POSITIVE_INFINITY) > name.epoch
      })
    },
  }
}

/** Whether an entry of the token's tenant ends it. */
export const isEndedBy = (token: TokenFacts, { kind, id, epoch }: Revocation): boolean =>
  namesOf(token).some(name => name.kind === kind && name.id === id && (epoch ?? Number.POSITIVE_INFINITY) > name.epoch)

/** No id holds a space but a pair's, which have a kind of their own. */
const nameOf = (tenant: string, { kind, id }: { kind: RevocationKind; id: string }): string => `${tenant} ${kind} ${id}`

interface Packed {
  /** One beside each name. */
  readonly epochs: readonly number[]
  readonly digests: Uint32Array
}

/** Made once for whoever brings the same facts again, as a machine's token does. */
const packed = new WeakMap<TokenFacts, Packed>()

function packedOf(token: TokenFacts): Packed {
  const known = packed.get(token)
  if (known) return known
  const names = namesOf(token)
  const digests = new Uint32Array(names.length * DIGEST_WORDS)
  for (const [at, name] of names.entries()) writeDigest(nameOf(token.tenant, name), digests, at * DIGEST_WORDS)
  const made = { epochs: names.map(({ epoch }) => epoch), digests }
  packed.set(token, made)
  return made
}

/** Under which names the log may cover the token; an entry with an epoch does if it is above the one beside the name. */
function namesOf(token: TokenFacts): (RevocationName & { readonly epoch: number })[] {
  const { jti, authorization, session, subject, client, organization } = token
  const pair = (kind: RevocationKind, other: string | null) =>
    subject && other !== null ? [{ kind, id: `${subject.id} ${other}`, epoch: subject.epoch }] : []
  return [
    { kind: 'token', id: jti, epoch: 0 },
    { kind: 'authorization', id: authorization, epoch: 0 },
    ...(session === null ? [] : [{ kind: 'session' as const, id: session, epoch: 0 }]),
    ...(subject ? [{ kind: 'subject' as const, ...subject }] : []),
    ...pair('subject-client', client.id),
    ...pair('subject-organization', organization),
    ...(organization === null ? [] : [{ kind: 'organization' as const, id: organization, epoch: 0 }]),
    { kind: 'client', ...client },
    ...token.audiences.map(id => ({ kind: 'audience' as const, id, epoch: token.apiEpoch })),
  ]
}
