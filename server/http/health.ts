/** Whether this process lives, and whether it can do its work: for the machines that watch it. Any host may ask. */
import type { Clock, Instant } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import { SECOND } from '../kernel/seconds.ts'
import { json, type Route } from './route.ts'

/** Anybody may ask, and each answer costs a write: one answer serves all who ask within this time. */
const BELIEVED_FOR = 2 * SECOND
/** Whoever watches waits no longer either. */
const ANSWER_WITHIN = 2 * SECOND

const PROBE = { method: 'GET', anyHost: true, isRoutine: true, speaks: 'json' } as const

export interface HealthOptions {
  /** Rejects while the database cannot be worked with. */
  readonly ping: () => Promise<void>
  /** From when on nothing new should be sent here. */
  readonly isClosing: () => boolean
  readonly clock: Clock
  readonly log: Log
}

export function healthRoutes({ isClosing, ...options }: HealthOptions): readonly Route[] {
  const databaseAnswers = createWatch(options)
  const ready = async () => {
    if (isClosing()) return json(503, { status: 'unavailable', reason: 'This server is closing.' })
    return (await databaseAnswers())
      ? json(200, { status: 'ok' })
      : json(503, { status: 'unavailable', reason: 'The database does not answer, or takes no writes.' })
  }
  return [
    { ...PROBE, path: '/healthz', answer: () => json(200, { status: 'ok' }) },
    { ...PROBE, path: '/readyz', answer: ready },
  ]
}

/** Asks the database, seldom and once at a time. The log hears of every change, for whoever looks for the cause. */
function createWatch({ ping, clock, log }: Omit<HealthOptions, 'isClosing'>): () => Promise<boolean> {
  let last: { readonly at: Instant; readonly answer: Promise<boolean> } | undefined
  let pinging: Promise<string | null> | undefined
  let wasReady = true

  const ask = async (): Promise<boolean> => {
    pinging ??= ping()
      .then(
        () => null,
        error => (error as Error).message,
      )
      .finally(() => {
        pinging = undefined
      })
    const late = new Promise<string>(resolve => setTimeout(resolve, ANSWER_WITHIN, 'it does not answer').unref())
    const trouble = await Promise.race([pinging, late])
    const isReady = trouble === null
    if (isReady && !wasReady) log.info({}, 'ready again')
    if (!isReady && wasReady) log.error({ reason: trouble }, 'not ready: the database cannot be worked with')
    wasReady = isReady
    return isReady
  }

  return () => {
    const now = clock()
    // The distance, not the difference: a clock that was set back must not make an answer last.
    if (!last || Math.abs(now - last.at) >= BELIEVED_FOR) last = { at: now, answer: ask() }
    return last.answer
  }
}
