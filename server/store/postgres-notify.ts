/**
 * The bus between nodes that share a PostgreSQL database, by LISTEN and NOTIFY on a connection of its own. It
 * carries wake-ups, not truth. What is lost while a connection is away is owned up to once there is one again: this
 * node's listeners are told that they may have missed something, and the other nodes', if it was ours that got lost.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Client } from 'pg'
import { createBetweenNodes } from '../bus/between-nodes.ts'
import type { Bus } from '../kernel/bus.ts'
import { SECOND } from '../kernel/seconds.ts'

const CHANNEL = 'latchkey'
const FIRST_PAUSE = 50
const LONGEST_PAUSE = 5 * SECOND
const CONNECT_TIMEOUT = 5 * SECOND
/** A peer that vanished without a word (a cut cable, a moved address) is noticed by an unanswered question. */
const HEARTBEAT = 10 * SECOND
const ANSWER_TIMEOUT = 5 * SECOND
/**
 * Messages reach this node's listeners before `publish` returns, the other nodes' within milliseconds. A lost
 * connection is made again after 50 ms, then after twice as long each time up to 5 s, for as long as the bus is
 * open. Rejects when the first connection fails.
 */
export async function openPostgresBus(url: string): Promise<Bus> {
  const { default: pg } = await import('pg')
  const closing = new AbortController()
  let connected: Client | undefined

  // One after another: a connection answers a single question at a time.
  let asked: Promise<unknown> = Promise.resolve()
  const ask = (client: Client, text: string, values: readonly string[] = []): Promise<unknown> => {
    const answer = asked.then(() => client.query(text, [...values]))
    asked = answer.catch(() => {})
    return answer
  }

  const { local, publish, receive, ownUp } = createBetweenNodes(payload =>
    connected ? ask(connected, 'select pg_notify($1, $2)', [CHANNEL, payload]) : undefined,
  )

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
    publish,
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
