/**
 * The bus between nodes that share a PostgreSQL database, by LISTEN and NOTIFY on a connection of its own. It
 * carries wake-ups, not truth. What is lost while a connection is away is owned up to once there is one again: this
 * node's listeners are told that they may have missed something, and the other nodes', if it was ours that got lost.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Client } from 'pg'
import { createMemoryBus } from '../bus/memory.ts'
import type { Bus, BusMessage } from '../kernel/bus.ts'
import { SECOND } from '../kernel/seconds.ts'
import { randomSecret } from '../kernel/secrets.ts'

const CHANNEL = 'latchkey'
const FIRST_PAUSE = 50
const LONGEST_PAUSE = 5 * SECOND
const CONNECT_TIMEOUT = 5 * SECOND
/** A peer that vanished without a word (a cut cable, a moved address) is noticed by an unanswered question. */
const HEARTBEAT = 10 * SECOND
const ANSWER_TIMEOUT = 5 * SECOND
/** Behind a connection that no longer answers, messages are dropped rather than piled up. */
const LONGEST_QUEUE = 1000

/**
 * Who sent it comes first: PostgreSQL brings a node its own notifications too, and those it has delivered already.
 * A sender alone says that messages of theirs were lost.
 */
type Envelope = readonly [node: string, topic: string, tenant: string, id: string] | readonly [node: string]

/**
 * Messages reach this node's listeners before `publish` returns, the other nodes' within milliseconds. A lost
 * connection is made again after 50 ms, then after twice as long each time up to 5 s, for as long as the bus is
 * open. Rejects when the first connection fails.
 */
export async function openPostgresBus(url: string): Promise<Bus> {
  const { default: pg } = await import('pg')
  const local = createMemoryBus()
  const node = randomSecret()
  const closing = new AbortController()
  let connected: Client | undefined
  let queued = 0
  /** Something of ours did not reach the others, and they do not know it. */
  let hasLost = false

  const receive = (payload: string | undefined) => {
    const envelope = parse(payload)
    if (!envelope || envelope[0] === node) return
    if (envelope.length === 1) return local.miss()
    const [, topic, tenant, id] = envelope
    local.publish({ topic, tenant, id })
  }

  // One after another: a connection answers a single question at a time.
  let asked: Promise<unknown> = Promise.resolve()
  const ask = (client: Client, text: string, values: readonly string[] = []): Promise<unknown> => {
    const answer = asked.then(() => client.query(text, [...values]))
    asked = answer.catch(() => {})
    return answer
  }

  const send = (envelope: Envelope): void => {
    if (!connected || queued === LONGEST_QUEUE) {
      hasLost = true
      return
    }
    queued++
    ask(connected, 'select pg_notify($1, $2)', [CHANNEL, JSON.stringify(envelope)])
      .finally(() => queued--)
      .then(ownUp, () => {
        hasLost = true
      })
  }

  /** Only after word that the connection carries again: in answer to a failure it would go round without end. */
  const ownUp = (): void => {
    if (!hasLost) return
    hasLost = false
    send([node])
  }

  const connect = async () => {
    const client = new pg.Client({
      connectionString: url,
      application_name: 'latchkey bus',
      connectionTimeoutMillis: CONNECT_TIMEOUT,
      query_timeout: ANSWER_TIMEOUT,
    })
    client.on('notification', notification => receive(notification.payload))
    // Without a listener a lost connection would end the process; `end` follows and is acted on.
    client.on('error', () => {})
    try {
      await client.connect()
      await client.query(`listen ${CHANNEL}`)
    } catch (error) {
      await client.end().catch(() => {})
      throw error
    }
    if (closing.signal.aborted) return void (await client.end())
    connected = client
    const heartbeat = setInterval(() => ask(client, 'select 1').then(ownUp, () => client.end()), HEARTBEAT)
    client.once('end', () => {
      clearInterval(heartbeat)
      connected = undefined
      void reconnect()
    })
  }

  const reconnect = async () => {
    for (let wait = FIRST_PAUSE; !closing.signal.aborted; wait = Math.min(wait * 2, LONGEST_PAUSE)) {
      try {
        await pause(wait, undefined, { signal: closing.signal })
        await connect()
        local.miss()
        return ownUp()
      } catch {
        // Refused, unreachable or closing: the loop's condition tells which, and there is nobody to tell.
      }
    }
  }

  await connect()
  return {
    publish(message: BusMessage) {
      local.publish(message)
      send([node, message.topic, message.tenant, message.id])
    },
    subscribe: local.subscribe,
    async close() {
      closing.abort()
      const client = connected
      connected = undefined
      await client?.end()
      await local.close()
    },
  }
}

/** Anybody who may connect to the database can notify: what is not ours is passed over. */
function parse(payload: string | undefined): Envelope | undefined {
  try {
    const envelope: unknown = JSON.parse(payload ?? '')
    const isOurs =
      Array.isArray(envelope) &&
      (envelope.length === 4 || envelope.length === 1) &&
      envelope.every(part => typeof part === 'string')
    return isOurs ? (envelope as unknown as Envelope) : undefined
  } catch {
    return undefined
  }
}
