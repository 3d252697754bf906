/**
 * One stream of revocations, as server-sent events: first what of the log is still of use, from the number that the client
 * has, then what is revoked as it happens, and once a second how far the log was read and when. Decision 0052 has the
 * form. Who may open one, and how many, is `revocation-streams.ts`'s.
 */
import { Readable } from 'node:stream'
import type { Clock, Instant } from '../kernel/clock.ts'
import type { JsonValue } from '../kernel/json.ts'
import { SECOND } from '../kernel/seconds.ts'
import type { Follower, Reading } from '../revocation/feed.ts'
import type { Revocation } from '../store/revocations.ts'
import type { Store } from '../store/store.ts'

/** Why a stream ended, as the client is told where it still can be. */
export type StreamEnd = 'expired' | 'revoked' | 'closing' | 'slow' | 'unavailable' | 'left'

export interface StreamOptions {
  readonly store: Store
  readonly clock: Clock
  readonly tenant: string
  /** The number that the client has the log up to. */
  readonly from: number
  /** By the clock of the feed's readings: when the client had asked for it. */
  readonly openedAt: number
  /** When the token ends that it was opened with. */
  readonly expiresAt: Instant
  /** Whether the entry ends that token. */
  readonly isEndedBy: (revocation: Revocation) => boolean
  /** What waits for others that read the log from the store. */
  readonly turn: <T>(work: () => Promise<T>) => Promise<T>
  /** Once, however it ended. */
  readonly onEnd: (why: StreamEnd) => void
  /** How many entries went out. */
  readonly onSent: (entries: number) => void
}

export interface RevocationStream extends Follower {
  readonly body: Readable
  say(event: 'hello' | 'keys', data: JsonValue): void
  /** Begins with the log, up to a reading that was made. All that comes after it has to be told by then. */
  begin(first: Reading, isOurs: boolean): void
  end(why: StreamEnd): void
}

/** What is asked of the store, and goes out, at once: some 40 KiB. */
const BATCH = 500
/** In bytes. A reader is cut off behind which more waits than this: the log keeps it, and no process has to. */
const MOST_WAITING = 256 * 1024
/** Above this the log waits for the reader. */
const HIGH_WATER = 64 * 1024

export function createRevocationStream(options: StreamOptions): RevocationStream {
  const { store, clock, tenant, openedAt, expiresAt, isEndedBy, turn, onEnd, onSent } = options
  let resume = () => {}
  let isOver = false
  let isReadOn = false
  let latest: Reading | undefined
  /** Of readings of the log from the store: one that was begun before the log was replaced is of no use. */
  let round = 0

  const body = new Readable({
    highWaterMark: HIGH_WATER,
    read: () => resume(),
    destroy(_error, done) {
      finish('left')
      done(null)
    },
  })

  function finish(why: StreamEnd): void {
    if (isOver) return
    isOver = true
    resume()
    onEnd(why)
  }

  function end(why: StreamEnd): void {
    if (isOver) return
    const isReading = why !== 'slow'
    if (isReading) send(eventOf('end', { reason: why }))
    finish(why)
    if (isReading) body.push(null)
    else body.destroy()
  }

  function send(text: string): void {
    if (isOver) return
    if (body.readableLength + text.length > MOST_WAITING) end('slow')
    else body.push(text)
  }

  const drained = (): Promise<void> | undefined =>
    body.readableLength < HIGH_WATER || isOver
      ? undefined
      : new Promise(resolve => {
          resume = resolve
        })

  async function readOn(from: number): Promise<void> {
    const mine = ++round
    let last = from
    for (;;) {
      const batch = await turn(() => store.revocations.ofTenant(tenant, last, BATCH, clock()))
      if (isOver || round !== mine) return
      if (batch.length > 0) {
        last = batch.at(-1)?.number ?? last
        send(eventOf('entries', batch.map(wire), last))
        onSent(batch.length)
        await drained()
        if (isOver || round !== mine) return
      }
      if (batch.length < BATCH) break
    }
    isReadOn = true
    if (latest) tellReading(latest)
  }

  /** What the store keeps from us has to be asked for again, of a node that can. */
  const readOnWatched = (from: number): void => void readOn(from).catch(() => end('unavailable'))

  function tellReading({ number, at }: Reading): void {
    send(eventOf('reading', { at: Math.floor(at - openedAt) }, number))
  }

  return {
    tenant,
    body,
    end,
    say: (event, data) => send(eventOf(event, data)),

    begin(first, isOurs) {
      latest ??= first
      if (!isOurs) send(eventOf('reset', {}))
      readOnWatched(isOurs ? options.from : 0)
    },

    revoked(entries, upTo) {
      send(entriesEvent(entries, isReadOn ? upTo : null))
      if (isOver) return
      onSent(entries.length)
      if (entries.some(isEndedBy)) end('revoked')
    },

    read(reading) {
      latest = reading
      if (clock() >= expiresAt) end('expired')
      else if (isReadOn) tellReading(reading)
    },

    replaced() {
      isReadOn = false
      latest = undefined
      send(eventOf('reset', {}))
      readOnWatched(0)
    },
  }
}

function eventOf(name: string, data: JsonValue, id: number | null = null): string {
  return `event: ${name}\n${id === null ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`
}

const wire = ({ kind, id, epoch, expiresAt }: Revocation): JsonValue => [kind, id, epoch, Math.ceil(expiresAt / SECOND)]

/** The same entries go to each stream of a tenant: written once, with a number and without. */
const written = new WeakMap<readonly Revocation[], string>()

function entriesEvent(entries: readonly Revocation[], id: number | null): string {
  const data = written.get(entries) ?? JSON.stringify(entries.map(wire))
  written.set(entries, data)
  return `event: entries\n${id === null ? '' : `id: ${id}\n`}data: ${data}\n\n`
}
