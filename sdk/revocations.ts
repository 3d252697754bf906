/**
 * What an issuer has revoked, known here: the stream of its revocations, followed for as long as this process runs, so that
 * whether a token still counts is answered at once and without asking anybody. How old that knowledge is can be asked too,
 * and what to do when it is too old is the caller's to say. The form of the stream is the issuer's
 * (`GET /api/v2/revocations/stream`); whether a token is sound at all is verify.ts.
 */
import { createEventReader, type StreamEvent } from './event-stream.ts'
import { type Fetch, isAcceptableAddress } from './fetching.ts'
import type { RemoteKeys } from './jwks.ts'
import { createMachineToken, type MachineToken } from './machine-token.ts'
import { createPackedEntries, DIGEST_WORDS, type PackedEntries, writeDigest } from './packed-entries.ts'

const SECOND = 1000

const LIMITS = {
  /** From asking to the beginning of the answer. */
  answer: 10 * SECOND,
  /** Between two readings of the log that the stream tells of: it promises one a second. */
  silence: 5 * SECOND,
  /** A reading that took longer to arrive came over a connection that is of no use. */
  late: 10 * SECOND,
  /** A connection that lasted for so long was a good one: whatever ended it, the next one begins anew. */
  proven: 5 * SECOND,
  /** Before the first try to connect again, doubled with each that fails, and drawn by lot below that. */
  firstPause: 250,
  longestPause: 10 * SECOND,
  /** Three million entries, in 84 MB; a million take half of that. */
  slots: 2 ** 22,
} as const

/** What the log of revocations can know a token by. Made once for each token, by `revocationFacts`. */
export interface RevocationFacts {
  readonly digests: Uint32Array
  /** Beside each digest: an entry of that name ends the token if its epoch is above. */
  readonly epochs: readonly number[]
}

export interface RevocationsLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

export interface RevocationsOptions {
  /** As `iss` says it, byte for byte. */
  readonly issuer: string
  /** Where it is reached from here, if not under its own name: a name that its server knows as its own too. */
  readonly url?: string
  /** A client of the issuer that was granted `read:revocations` for the audience `{issuer}api/v2/`. */
  readonly client?: { readonly id: string; readonly secret: string }
  /** Instead of a client: its token, for one that proves itself in another way or has one for other things. */
  readonly token?: MachineToken
  /** Told of the issuer's keys as they change, and of those that were revoked. */
  readonly keys?: Pick<RemoteKeys, 'take' | 'forget'>
  readonly log?: RevocationsLog
  /** Allows `http:` beyond this machine. */
  readonly allowInsecure?: boolean
  /** Milliseconds that never run backwards: only spans are measured. */
  readonly clock?: () => number
  /** Milliseconds since 1970. */
  readonly wallClock?: () => number
  readonly fetch?: Fetch
  /** Room for what is revoked, in slots of 20 bytes of which three quarters are used: a power of two, 4,194,304 by default. */
  readonly mostSlots?: number
  /** From 0 to below 1. */
  readonly random?: () => number
}

/** `connecting` until the first knowledge is whole; `lost` when it is not kept up to date any more. */
export type RevocationsState = 'connecting' | 'live' | 'lost' | 'closed'

export interface Revocations {
  /** Rises with everything taken in: what was found to count at one version need not be looked up again at the same. */
  readonly version: number
  /** Whether the token was ended since it was signed, as far as it is known here: see `age`. */
  isRevoked(facts: RevocationFacts): boolean
  /**
   * Milliseconds since the reading of the log that all this is as good as. `Infinity` before the first is whole, and where
   * there are more revocations than fit.
   */
  age(): number
  /** The number up to which the log is known. */
  readonly position: number
  readonly state: RevocationsState
  /** All under which the issuer's tenant signs: what is revoked of one of them is told for all. */
  readonly issuers: readonly string[]
  /** Calls the listener after entries were taken in. Answers how to stop. */
  onChange(listener: () => void): () => void
  /** Begins to follow, and goes on until `close`. */
  start(): void
  close(): Promise<void>
}

/** For the token's claims, verified; with the `kid` of its header a token of a revoked key is known too. */
export function revocationFacts(claims: Readonly<Record<string, unknown>>, kid?: string): RevocationFacts {
  const names: string[] = []
  const epochs: number[] = []
  const know = (kind: string, id: unknown, epoch: unknown = 0): void => {
    if (typeof id !== 'string' || typeof epoch !== 'number') return
    names.push(nameOf(kind, id))
    epochs.push(epoch)
  }
  const { jti, sid, sub, org_id: organization, subject_epoch: subjectEpoch, client_epoch: clientEpoch } = claims
  const client = claims['client_id'] ?? claims['azp']
  know('token', jti)
  if (typeof jti === 'string' && jti.includes('.')) know('authorization', jti.slice(0, jti.indexOf('.')))
  know('session', sid)
  // A machine stands for itself, and has no epoch but its client's.
  if (typeof subjectEpoch === 'number') {
    know('subject', sub, subjectEpoch)
    if (typeof client === 'string') know('subject-client', `${sub} ${client}`, subjectEpoch)
    if (typeof organization === 'string') know('subject-organization', `${sub} ${organization}`, subjectEpoch)
  }
  know('organization', organization)
  know('client', client, clientEpoch)
  know('key', kid)
  // An API has an epoch once another of its identifier was removed.
  for (const audience of [claims['aud']].flat()) know('audience', audience, claims['api_epoch'])
  const digests = new Uint32Array(names.length * DIGEST_WORDS)
  for (const [index, name] of names.entries()) writeDigest(name, digests, index * DIGEST_WORDS)
  return { digests, epochs }
}

/** No id holds a space but a pair's, which have a kind of their own. */
const nameOf = (kind: string, id: string): string => `${kind} ${id}`

const SILENT: RevocationsLog = { info: () => {}, warn: () => {} }

/**
 * Follows nothing until `start`.
 * @throws TypeError for an address that is not https (or this machine), or without a client.
 */
export function createRevocations(options: RevocationsOptions): Revocations {
  const { issuer, url = issuer, keys, log = SILENT, allowInsecure = false } = options
  const { clock = () => performance.now(), wallClock = Date.now, random = Math.random } = options
  const { fetch = globalThis.fetch, mostSlots = LIMITS.slots } = options
  if (!isAcceptableAddress(url, allowInsecure))
    throw new TypeError('the issuer is reached by https, or by http on this machine')
  const machine = options.token ?? tokenOf(options)
  const address = new URL('api/v2/revocations/stream', url).href

  let entries = createPackedEntries(mostSlots)
  /** In the place of `entries` once it is whole: when the log is found to be another one. */
  let next: PackedEntries | undefined
  let position = 0
  let version = 0
  let state: RevocationsState = 'connecting'
  let issuers: readonly string[] = [issuer]
  /** The instants of the last reading, by both clocks. */
  let readAt = Number.NEGATIVE_INFINITY
  let wallReadAt = Number.NEGATIVE_INFINITY
  let isWhole = false
  let reason: string | undefined
  const listeners = new Set<() => void>()
  const closing = new AbortController()
  let following: Promise<void> | undefined

  async function follow(): Promise<void> {
    let failures = 0
    while (!closing.signal.aborted) {
      const [before, began] = [readAt, clock()]
      try {
        await connect()
      } catch (error) {
        if (closing.signal.aborted) break
        const isProven = readAt > before && clock() - began >= LIMITS.proven
        if (error === EXPIRED && isProven) continue
        failures = isProven ? 1 : failures + 1
        lose(error)
        await pause(random() * Math.min(LIMITS.firstPause * 2 ** (failures - 1), LIMITS.longestPause), closing.signal)
      }
    }
    state = 'closed'
  }

  function lose(error: unknown): void {
    const said = reasonOf(error)
    if (state === 'live') state = 'lost'
    if (said !== reason) log.warn({ issuer, reason: said, position }, 'the stream of revocations is not followed')
    reason = said
  }

  /** Never resolves: it rejects with the reason for which the connection is over. */
  async function connect(): Promise<never> {
    const token = await unlessAborted(machine.get(), closing.signal)
    const connection = new AbortController()
    const give = (why: string) => () => connection.abort(new Error(why))
    const onClose = give('closed')
    closing.signal.addEventListener('abort', onClose)
    let watch = setTimeout(give('no answer'), LIMITS.answer)
    try {
      const opened = { at: clock(), wallAt: wallClock() }
      const response = await fetch(address, {
        redirect: 'error',
        headers: {
          accept: 'text/event-stream',
          authorization: `Bearer ${token}`,
          'last-event-id': String(position),
        },
        signal: connection.signal,
      })
      if (response.status === 401) machine.forget(token)
      if (response.status !== 200 || !response.body) {
        await response.body?.cancel()
        throw new Error(`answered ${response.status}`)
      }
      const hear = () => {
        clearTimeout(watch)
        watch = setTimeout(give('no reading'), LIMITS.silence)
      }
      hear()
      let isReadOn = false
      const reader = createEventReader()
      for await (const bytes of response.body)
        for (const event of reader.read(bytes)) {
          take(event, opened)
          isReadOn ||= event.name === 'reading'
          // While the log is on its way every part of it counts; afterwards it is readings that were promised.
          if (event.name === 'reading' || !isReadOn) hear()
        }
      throw new Error('ended')
    } catch (error) {
      if (error === REVOKED) machine.forget(token)
      throw connection.signal.aborted ? connection.signal.reason : error
    } finally {
      clearTimeout(watch)
      closing.signal.removeEventListener('abort', onClose)
      connection.abort()
    }
  }

  function take({ name, data, id }: StreamEvent, opened: Opened): void {
    const said: unknown = JSON.parse(data)
    if (name === 'entries') takeEntries(said as readonly WireEntry[])
    else if (name === 'keys') takeKeys(said as Readonly<Record<string, unknown>>)
    else if (name === 'end') throw endOf((said as { readonly reason: string }).reason)
    else if (name === 'hello') greet(said as { readonly issuers: readonly string[] })
    else if (name === 'reset') {
      next = createPackedEntries(mostSlots)
      position = 0
    }
    // Before a reading is believed: it speaks of the log up to its number.
    if (id !== undefined) position = numberOf(id)
    if (name === 'reading') takeReading((said as { readonly at: unknown }).at, opened)
  }

  function greet({ issuers: told }: { readonly issuers: readonly string[] }): void {
    if (!told.includes(issuer)) throw new Error('another issuer')
    issuers = told
  }

  function takeKeys(jwks: Readonly<Record<string, unknown>>): void {
    keys?.take(jwks).catch(error => log.warn({ issuer, reason: reasonOf(error) }, 'a key set could not be taken in'))
  }

  function takeEntries(batch: readonly WireEntry[]): void {
    const now = wallClock()
    for (const [kind, id] of batch) if (kind === 'key') keys?.forget(id)
    try {
      for (const [kind, id, epoch, expires] of batch)
        takeEntry(nameOf(kind, id), { epoch, expiresAt: expires * SECOND }, now)
    } finally {
      change()
    }
  }

  function takeEntry(
    name: string,
    entry: { readonly epoch: number | null; readonly expiresAt: number },
    now: number,
  ): void {
    if (entry.expiresAt <= now) return
    // What is revoked while the log is read anew holds at once.
    for (const table of next ? [entries, next] : [entries])
      if (!table.add(name, entry, now)) {
        isWhole = false
        throw new Error('more revocations than fit')
      }
  }

  /** Everything up to its number was told before it. `at` counts from when the issuer had the request. */
  function takeReading(at: unknown, opened: Opened): void {
    if (typeof at !== 'number' || !Number.isFinite(at)) throw new Error('a reading has no time')
    // It cannot have had the request before it was sent, so that no delay on the way makes a reading look newer.
    const [began, wallBegan] = [opened.at + at, opened.wallAt + at]
    if (clock() - began > LIMITS.late) throw new Error('late')
    if (next) {
      entries = next
      next = undefined
      change()
    }
    readAt = began
    wallReadAt = wallBegan
    isWhole = true
    if (state === 'live') return
    state = 'live'
    reason = undefined
    log.info({ issuer, position }, 'the stream of revocations is followed')
  }

  function change(): void {
    version++
    for (const listener of listeners)
      try {
        listener()
      } catch (error) {
        // Whose it is, it must not end what all others go by.
        log.warn({ issuer, error }, 'a listener to revocations failed')
      }
  }

  return {
    get version() {
      return version
    },
    get position() {
      return position
    },
    get state() {
      return state
    },
    get issuers() {
      return issuers
    },

    isRevoked({ digests, epochs }) {
      for (let index = 0; index < epochs.length; index++)
        if ((entries.coversDigest(digests, index * DIGEST_WORDS) ?? 0) > (epochs[index] as number)) return true
      return false
    },

    // Of two clocks the one that says more: one was set back perhaps, and the other stood while the machine slept.
    age: () => (isWhole ? Math.max(clock() - readAt, wallClock() - wallReadAt, 0) : Number.POSITIVE_INFINITY),

    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },

    start() {
      if (!closing.signal.aborted) following ??= follow()
    },

    async close() {
      closing.abort()
      await following
      state = 'closed'
    },
  }
}

/** When the stream was asked for, by both clocks. */
interface Opened {
  readonly at: number
  readonly wallAt: number
}

/** Kind, id, epoch, and when it may be forgotten (NumericDate). */
type WireEntry = readonly [kind: string, id: string, epoch: number | null, expires: number]

function numberOf(id: string): number {
  const number = Number(id)
  if (!Number.isSafeInteger(number)) throw new Error('an event has no number')
  return number
}

function tokenOf({ issuer, url, client, allowInsecure, clock, fetch }: RevocationsOptions): MachineToken {
  if (!client) throw new TypeError('say with which client, or with whose token, the stream is opened')
  return createMachineToken({
    issuer,
    clientId: client.id,
    clientSecret: client.secret,
    audience: `${issuer}api/v2/`,
    scope: 'read:revocations',
    ...(url !== undefined && { url }),
    ...(allowInsecure !== undefined && { allowInsecure }),
    ...(clock && { clock }),
    ...(fetch && { fetch }),
  })
}

/** Its token ended, as all do: there is another by now, and nothing was lost. */
const EXPIRED = new Error('expired')
/** Or was revoked, with its client or with the key that it was signed with: there may be another. */
const REVOKED = new Error('ended: revoked')

/** Why the issuer ended the stream, in a word of its own. */
const endOf = (reason: unknown): Error => {
  if (reason === 'expired') return EXPIRED
  if (reason === 'revoked') return REVOKED
  return new Error(typeof reason === 'string' && /^[a-z ]{1,40}$/.test(reason) ? `ended: ${reason}` : 'ended')
}

/** What a network error is about stands in its cause. None of these holds a token. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as { message?: string; cause?: { code?: string; message?: string } }
  return cause?.code ?? cause?.message ?? message ?? 'unknown'
}

/** Nobody waits for a token at the end. */
const unlessAborted = <T>(promise: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise((resolve, reject) => {
    const give = () => reject(signal.reason)
    signal.addEventListener('abort', give)
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', give))
  })

const pause = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  new Promise(resolve => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, milliseconds)
    signal.addEventListener('abort', end)
  })
