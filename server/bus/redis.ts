/**
 * Redis between nodes: the bus, by publish and subscribe on a connection each, and shared counters
 * (`redis-counter.ts`). Nothing is kept in it that is not somewhere else or soon over, so its absence is no outage:
 * nodes go on, hear of changes by reading, and count in the database. What was said meanwhile is owned up to once
 * it is back.
 */
import { once } from 'node:events'
import type { Redis } from 'ioredis'
import type { Bus } from '../kernel/bus.ts'
import type { Counter } from '../kernel/counter.ts'
import type { Log } from '../kernel/log.ts'
import { SECOND } from '../kernel/seconds.ts'
import { createBetweenNodes } from './between-nodes.ts'
import { ANSWER_TIMEOUT, answeredWithin, reasonOf, redisConnection } from './redis-connection.ts'
import { redisCounter } from './redis-counter.ts'

export interface RedisLink {
  readonly bus: Bus
  /** Counts in `fallback` while Redis is away. */
  counterOr(fallback: Counter): Counter
}

const CHANNEL = 'latchkey'
/** A peer that vanished without a word is noticed by an unanswered question. */
const HEARTBEAT = 10 * SECOND
/**
 * Resolves once both connections carry, or the first of them has failed: with a Redis that is away the server starts
 * too. A lost connection is made again after 50 ms, then after twice as long each time up to 5 s, for as long as the
 * bus is open. An outage is logged once, without the URL.
 */
export async function openRedis(
  url: string,
  log: Log,
  { answerTimeout = ANSWER_TIMEOUT }: { readonly answerTimeout?: number } = {},
): Promise<RedisLink> {
  const connect = await redisConnection(url, answerTimeout)
  let isClosed = false
  let isAway = false
  let hasSubscribed = false

  const speaker = connect()
  const listener = connect()
  const { local, publish, receive, ownUp } = createBetweenNodes(payload =>
    speaker.status === 'ready' ? speaker.publish(CHANNEL, payload) : undefined,
  )

  const inTime = <T>(asked: Promise<T>): Promise<T> => answeredWithin(answerTimeout, asked)

  const noteAbsence = (error?: Error & { code?: string }) => {
    if (isAway || isClosed) return
    isAway = true
    log.error(
      { reason: reasonOf(error) },
      'Redis is away: nodes hear of changes later, and tries are counted in the database',
    )
  }
  const noteReturn = () => {
    if (!isAway || speaker.status !== 'ready' || listener.status !== 'ready') return
    isAway = false
    log.info({}, 'Redis is back')
  }

  const subscribe = async () => {
    await inTime(listener.subscribe(CHANNEL))
    // From here on everything is heard; before, nobody knows.
    if (hasSubscribed) local.miss()
    hasSubscribed = true
    listener.emit('subscribed')
    noteReturn()
  }

  const ask = (client: Redis, question: () => Promise<unknown>) =>
    question().catch(error => {
      noteAbsence(error)
      if (!isClosed && client.status === 'ready') client.disconnect(true)
    })

  for (const client of [speaker, listener]) {
    // Without a listener an error would end the process.
    client.on('error', noteAbsence)
    client.on('close', () => noteAbsence())
  }
  speaker.on('ready', () => {
    noteReturn()
    ownUp()
  })
  listener.on('ready', () => void ask(listener, subscribe))
  listener.on('message', (_channel, payload) => receive(payload))
  const heartbeat = setInterval(() => {
    for (const client of [speaker, listener])
      if (client.status === 'ready')
        void ask(client, () => inTime(client.ping()).then(client === speaker ? ownUp : () => {}))
  }, HEARTBEAT)
  heartbeat.unref()

  const subscribed = Promise.race([once(listener, 'subscribed'), once(listener, 'close')]).catch(() => {})
  await Promise.all([subscribed, ...[speaker, listener].map(client => client.connect().catch(() => {}))])

  return {
    bus: {
      publish,
      subscribe: local.subscribe,
      async close() {
        isClosed = true
        clearInterval(heartbeat)
        speaker.disconnect()
        listener.disconnect()
        await local.close()
      },
    },
    counterOr: fallback => redisCounter(speaker, fallback, { inTime, noteAbsence, noteReturn }),
  }
}
