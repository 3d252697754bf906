/**
 * What several gateways share, in a Redis: questions with a short answer, put by whoever keeps something there. When it
 * is away nothing is let through on a guess: whoever asks is told so, and refuses (`shared_state_unavailable`).
 */
import type { Redis } from 'ioredis'
import { ANSWER_TIMEOUT, answeredWithin, reasonOf, redisConnection } from '../bus/redis-connection.ts'
import type { Log } from '../kernel/log.ts'
import { SECOND } from '../kernel/seconds.ts'
import { Refused } from './exchange.ts'

export interface SharedRedis {
  /** Rejects with `Refused` when nothing is answered. Redis may have carried it out all the same. */
  ask<T>(question: (redis: Redis) => Promise<T>): Promise<T>
  close(): void
}

/** The first question opens the connection, and nothing is loaded before. An outage is logged once, without the URL. */
export function createSharedRedis(url: string, log: Log, answerTimeout: number = ANSWER_TIMEOUT): SharedRedis {
  let opening: Promise<Redis> | undefined
  let opened: Redis | undefined
  let isAway = false
  let isClosed = false

  const noteAbsence = (error?: Error) => {
    if (isAway || isClosed) return
    isAway = true
    log.error({ reason: reasonOf(error) }, 'Redis is away: what the gateways share is refused until it is back')
  }

  async function open(): Promise<Redis> {
    const connect = await redisConnection(url, answerTimeout)
    const redis = connect()
    // Without a listener an error would end the process.
    redis.on('error', noteAbsence)
    redis.on('close', () => noteAbsence())
    redis.on('ready', () => {
      if (isAway) log.info({}, 'Redis is back')
      isAway = false
    })
    // It goes on trying after the first failure.
    await redis.connect().catch(() => {})
    if (isClosed) redis.disconnect()
    opened = redis
    return redis
  }

  return {
    async ask(question) {
      opening ??= open()
      try {
        const redis = await answeredWithin(answerTimeout + OPENING, opening)
        return await answeredWithin(answerTimeout, question(redis))
      } catch (error) {
        if (error instanceof Refused) throw error
        noteAbsence(error as Error)
        throw new Refused({ code: 'shared_state_unavailable', detail: reasonOf(error as Error) })
      }
    },
    close() {
      isClosed = true
      opened?.disconnect()
    },
  }
}

/** To load the driver and to connect, the first time. */
const OPENING = 2 * SECOND
