/**
 * One connection to Redis, as everything here wants it: what cannot be asked now fails now, a lost connection is made
 * again for as long as nobody ends it, and nothing waits for an answer for long. What is asked is for others.
 */
import type { Redis } from 'ioredis'
import { SECOND } from '../kernel/seconds.ts'

const FIRST_PAUSE = 50
const LONGEST_PAUSE = 5 * SECOND
const CONNECT_TIMEOUT = 5 * SECOND
/** No sign-in is worth waiting longer for a count, and no request for a mark. */
export const ANSWER_TIMEOUT = SECOND / 2
const TIMED_OUT = 'TIMEOUT: Redis did not answer in time'

/** Not connected yet. A lost connection is made again after 50 ms, then after twice as long each time up to 5 s. */
export async function redisConnection(url: string, answerTimeout: number = ANSWER_TIMEOUT): Promise<() => Redis> {
  const { Redis } = await import('ioredis')
  return () =>
    new Redis(url, {
      lazyConnect: true,
      // What cannot be asked now is not worth asking later.
      enableOfflineQueue: false,
      autoResubscribe: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      connectTimeout: CONNECT_TIMEOUT,
      // For what is said before a connection carries; our own questions are given less.
      commandTimeout: Math.max(CONNECT_TIMEOUT, answerTimeout),
      retryStrategy: attempts => Math.min(FIRST_PAUSE * 2 ** Math.min(attempts - 1, 10), LONGEST_PAUSE),
    })
}

/**
 * Rejects once nothing has come for that long. A process that was busy meanwhile looks first: of a timer and an answer
 * that are both late, Node runs the timer before it reads the answer.
 */
export async function answeredWithin<T>(time: number, asked: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => setImmediate(() => late.reject(new Error(TIMED_OUT))), time)
  try {
    return await Promise.race([asked, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** A code or Redis's own first word (WRONGPASS, LOADING): what follows may say too much. */
export const reasonOf = (error?: Error & { code?: string }): string =>
  error?.code ?? error?.message.split(' ', 1)[0] ?? 'the connection was closed'
