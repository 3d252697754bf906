/**
 * The log of revocations as it grows, told to whoever follows it on this node: what is revoked here at once, of other
 * nodes' what a reading finds, when the bus wakes one and once a second without. One reading serves all, and none is made
 * while nobody follows. What was revoked before is read from the store; what followers do with it is `api/`'s.
 */
import type { Bus } from '../kernel/bus.ts'
import type { Log } from '../kernel/log.ts'
import { SECOND } from '../kernel/seconds.ts'
import type { NumberedRevocation, Revocation } from '../store/revocations.ts'
import type { Store } from '../store/store.ts'

/** All of the log up to `number`, as the store had it at an instant of `monotonic`. */
export interface Reading {
  readonly number: number
  readonly at: number
}

export interface Follower {
  readonly tenant: string
  /**
   * Entries of the tenant. `upTo` is the number up to which, with these, all was told; null for what comes before its
   * turn, and will be told again.
   */
  revoked(entries: readonly Revocation[], upTo: number | null): void
  /** About once a second, and only when the store answered: all up to its number was told. */
  read(reading: Reading): void
  /** The log is another one than it was, as after a backup was restored: nothing that was told counts. */
  replaced(): void
}

export interface RevocationFeed {
  /**
   * From now on the follower is told of all that comes after the reading that this resolves with. Rejects when the store
   * cannot be read.
   */
  join(follower: Follower): Promise<Reading>
  leave(follower: Follower): void
}

/** An edge counts how old its knowledge is from the last reading, and this is how often there is one. */
export const READ_EVERY = SECOND
const BATCH = 1000

export interface FeedOptions {
  readonly store: Store
  readonly bus: Bus
  readonly log: Log
  /** Milliseconds that never run backwards. */
  readonly monotonic?: () => number
  readonly readEvery?: number
}

export function createRevocationFeed(options: FeedOptions): RevocationFeed {
  const { store, bus, log, monotonic = () => performance.now(), readEvery = READ_EVERY } = options
  const followers = new Map<string, Set<Follower>>()
  /** The number up to which all who follow were told; null while nobody does. */
  let told: number | null = null
  let readAt = Number.NEGATIVE_INFINITY
  let reading: Promise<void> | undefined
  let isWoken = false
  let isFailing = false
  let timer: NodeJS.Timeout | undefined

  /** One at a time. What it is woken for meanwhile is read next. */
  function read(isForWord = false): Promise<void> {
    reading ??= readOn(isForWord).finally(() => {
      reading = undefined
      if (isWoken && told !== null) readUnwatched()
    })
    return reading
  }

  async function readOn(isForWord: boolean): Promise<void> {
    isWoken = false
    const began = monotonic()
    // Whoever was woken asks at once for what is new: a question less for everybody who waits for it.
    if (isForWord && told !== null) await tellAll(told)
    else await lookAtHead()
    if (told !== null) readAt = began
  }

  async function lookAtHead(): Promise<void> {
    const head = await store.revocations.head()
    if (followers.size === 0) return
    if (told !== null && head < told) replace(told, head)
    told ??= head
    if (told < head) await tellAll(told)
    // What was purged before anybody read it is not there to be told.
    if (told !== null) told = Math.max(told, head)
  }

  async function tellAll(from: number): Promise<void> {
    for (let last = from; ; ) {
      const more = await store.revocations.after(last, BATCH)
      if (told === null) return
      last = more.at(-1)?.number ?? last
      // What was revoked here meanwhile was told already.
      const before: number = told
      const news = more.filter(({ number }) => number > before)
      told = Math.max(before, last)
      tell(news, told)
      if (more.length < BATCH) return
    }
  }

  function replace(before: number, head: number): void {
    log.warn({ head, before }, 'the log of revocations is another one than it was')
    told = head
    for (const some of followers.values()) for (const follower of some) follower.replaced()
  }

  function tell(entries: readonly NumberedRevocation[], upTo: number | null): void {
    for (const [tenant, some] of Map.groupBy(entries, one => one.tenant))
      for (const follower of followers.get(tenant) ?? []) follower.revoked(some, upTo)
  }

  /** Answers whether it was read. Whoever follows sees that nothing comes. */
  async function readWatched(isForWord: boolean): Promise<boolean> {
    try {
      await read(isForWord)
      if (isFailing) log.info({}, 'the log of revocations can be read again')
      isFailing = false
    } catch (error) {
      if (!isFailing) log.error({ error }, 'the log of revocations cannot be read')
      isFailing = true
    }
    return !isFailing
  }

  const readUnwatched = (): void => void readWatched(true)

  async function tick(): Promise<void> {
    const began = monotonic()
    const wasRead = await readWatched(false)
    if (wasRead && told !== null) {
      const latest = { number: told, at: readAt }
      for (const some of followers.values()) for (const follower of some) follower.read(latest)
    }
    if (followers.size > 0) wait(began + readEvery - monotonic())
  }

  function wait(milliseconds: number): void {
    clearTimeout(timer)
    timer = setTimeout(tick, Math.max(0, milliseconds)).unref()
  }

  const wake = (): void => {
    if (followers.size === 0) return
    if (reading) isWoken = true
    else readUnwatched()
  }
  bus.subscribe('revocation', { heard: wake, missed: wake })
  store.onRevoked(entries => {
    if (told === null) return
    // Where another node's are still missing before them, those come first, and these again after them.
    const isNext = entries[0]?.number === told + 1
    if (isNext) told = entries.at(-1)?.number ?? told
    tell(entries, isNext ? told : null)
  })

  function leave(follower: Follower): void {
    const some = followers.get(follower.tenant)
    some?.delete(follower)
    if (some?.size === 0) followers.delete(follower.tenant)
    if (followers.size > 0) return
    told = null
    clearTimeout(timer)
  }

  return {
    leave,
    async join(follower) {
      if (followers.size === 0) wait(readEvery)
      const some = followers.get(follower.tenant) ?? new Set()
      followers.set(follower.tenant, some.add(follower))
      try {
        if (told !== null && monotonic() - readAt > 2 * readEvery) await read()
        while (told === null) await read()
        return { number: told, at: readAt }
      } catch (error) {
        leave(follower)
        throw error
      }
    },
  }
}
