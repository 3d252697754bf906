/**
 * Carries logout tokens to clients: several at once, few of them to any one client, each tried with growing pauses until
 * it is taken or nobody wants it to be. At least once: a node that dies between the delivery and its record leaves it to
 * be told again. Whom to tell is `tell.ts`'s.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { logoutGivenUp, logoutTold } from '../../audit/events.ts'
import type { Client } from '../../clients/metadata.ts'
import { EgressError } from '../../http/egress.ts'
import type { Instant } from '../../kernel/clock.ts'
import { HOUR, MINUTE, SECOND } from '../../kernel/seconds.ts'
import type { LogoutDelivery } from '../../store/logout-deliveries.ts'
import { mintLogoutToken } from '../../tokens/mint.ts'
import type { OAuthServices } from '../feature.ts'

export interface Deliverer {
  /** Sets out with what is due, waits for nobody, and answers when to run again. */
  run(): Promise<Instant | undefined>
  /** Begins nothing more, and waits a little for what is under way: the rest is due again where this ran. */
  stop(): Promise<void>
}

/** Below what the egress guard posts at once. */
const AT_ONCE = 24
/** Claimed together. A client that answers nobody has at most this many under way besides its share. */
const BATCH = 4
const SHARE = 4
/** To all clients together that registered themselves: they may be any number, and answer nobody. */
const MOST_TO_STRANGERS = 16
/** Longer than any fetch takes, so that one is due again only when the node that claimed it is gone. */
const LEASE = 30 * SECOND
const STOP_GRACE = 3 * SECOND
/** Whoever promises a delivery wakes this; the rest is for word that was lost. */
const LOOK_AGAIN = MINUTE

/** After a first try that failed, a second, … An application restarts within seconds, and is mended within hours. */
const PAUSES = [5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE]
const pauseAfter = (attempts: number): number => PAUSES[attempts - 1] ?? HOUR
/** A client that could not be told rests, with everything that waits for it; then some of it is tried. */
const LONGEST_REST = MINUTE
/** Clients that rest, or are being told; the one that rested longest is forgotten first. */
const MOST_LINES = 200

/** What this node knows of a client it tells things. */
interface Line {
  readonly tenant: string
  readonly client: string
  underWay: number
  failures: number
  restsUntil: Instant
}

export function createDeliverer(services: OAuthServices, onFree: () => void): Deliverer {
  const { store, clients, keyring, subjects, egress, clock, log } = services
  const lines = new Map<string, Line>()
  const underWay = new Set<Promise<void>>()
  let toStrangers = 0
  let isStopped = false

  function lineOf({ tenant, client }: LogoutDelivery): Line {
    const key = `${tenant} ${client}`
    const line = lines.get(key) ?? { tenant, client, underWay: 0, failures: 0, restsUntil: 0 }
    lines.delete(key)
    lines.set(key, line)
    if (lines.size > MOST_LINES) {
      const idle = [...lines].find(([, { underWay: busy }]) => busy === 0)
      if (idle) lines.delete(idle[0])
    }
    return line
  }
  const waitingAt = (now: Instant) => ({
    clients: [...lines.values()].filter(line => line.underWay >= SHARE || line.restsUntil > now),
    // A batch may hold nothing but theirs.
    strangers: toStrangers > MOST_TO_STRANGERS - BATCH,
  })

  function setOut(delivery: LogoutDelivery): void {
    const line = lineOf(delivery)
    line.underWay += 1
    if (delivery.isToStranger) toStrangers += 1
    const way = deliver(delivery, line)
      .catch(error => {
        // It is due again when its lease is over.
        if (!isStopped) log.error({ tenant: delivery.tenant, delivery: delivery.id, error }, 'a logout was not told')
      })
      .finally(() => {
        line.underWay -= 1
        if (delivery.isToStranger) toStrangers -= 1
        underWay.delete(way)
        if (!isStopped) onFree()
      })
    underWay.add(way)
  }

  async function deliver(delivery: LogoutDelivery, line: Line): Promise<void> {
    const { tenant, id, giveUpAt, attempts } = delivery
    const client = await clients.find(tenant, delivery.client)
    const url = client && wantedBy(client, delivery)
    if (!client || url === undefined) return void (await store.logoutDeliveries.remove(tenant, id))
    if (clock() >= giveUpAt) return giveUp(delivery)

    const failure = await post(url, delivery, client)
    const now = clock()
    line.failures = failure === null ? 0 : line.failures + 1
    line.restsUntil = failure === null ? 0 : now + Math.min(pauseAfter(line.failures), LONGEST_REST)
    if (failure === null) return finish(delivery, logoutTold(now, delivery))
    log.warn(
      { tenant, client: client.id, attempts, reason: failure },
      'a logout could not be told and will be tried again',
    )
    await store.logoutDeliveries.postpone(delivery, Math.min(now + pauseAfter(attempts), giveUpAt))
  }

  /** Null when the client took it, or why it did not. */
  async function post(url: string, { user, session, issuer }: LogoutDelivery, client: Client): Promise<string | null> {
    const subject = await subjects.of(client, user)
    const token = await mintLogoutToken(keyring, { issuer, client, subject, session, now: clock() })
    try {
      const { status } = await egress.postForm(url, { logout_token: token })
      return status >= 200 && status < 300 ? null : `it answered ${status}`
    } catch (error) {
      if (error instanceof EgressError) return error.reason
      throw error
    }
  }

  function giveUp(delivery: LogoutDelivery): Promise<void> {
    const reason = 'it was not taken in time'
    log.error(
      { tenant: delivery.tenant, client: delivery.client, attempts: delivery.attempts },
      'a logout was given up',
    )
    return finish(delivery, logoutGivenUp(clock(), delivery, reason))
  }

  const finish = (delivery: LogoutDelivery, event: ReturnType<typeof logoutTold>): Promise<void> =>
    store.transaction(async transaction => {
      if (await transaction.logoutDeliveries.remove(delivery.tenant, delivery.id))
        await transaction.events.record([event])
    })

  return {
    async run() {
      while (!isStopped) {
        const room = Math.min(BATCH, AT_ONCE - underWay.size)
        // Woken when there is some.
        if (room === 0) return undefined
        const now = clock()
        const claimed = await store.logoutDeliveries.claim(now, now + LEASE, room, waitingAt(now))
        for (const delivery of claimed) setOut(delivery)
        if (claimed.length === room) continue
        const waiting = waitingAt(now)
        const due = await store.logoutDeliveries.nextDue(waiting)
        const rested = waiting.clients.map(line => line.restsUntil).filter(instant => instant > now)
        return Math.max(now + SECOND, Math.min(due ?? Number.POSITIVE_INFINITY, now + LOOK_AGAIN, ...rested))
      }
      return undefined
    },

    async stop() {
      isStopped = true
      const grace = new AbortController()
      const over = pause(STOP_GRACE, undefined, { signal: grace.signal }).catch(() => {})
      await Promise.race([Promise.all(underWay), over])
      grace.abort()
    },
  }
}

/** Where to; undefined when the client wants to hear nothing, or nothing of this, any more. */
function wantedBy({ backChannelLogout }: Client, { initiator }: LogoutDelivery): string | undefined {
  if (!backChannelLogout) return undefined
  const { url, initiators } = backChannelLogout
  return initiators === 'all' || initiators.some(one => one === initiator) ? url : undefined
}
