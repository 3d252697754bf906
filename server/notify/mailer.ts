/**
 * Promised mail on its way: claimed so that no two nodes send the same, tried until it is taken, refused or unwanted.
 * At least once: a node that dies between the delivery and its record sends the same mail again, under the same id.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Clock, Instant } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import { SealError } from '../kernel/sealer.ts'
import { HOUR, MINUTE, SECOND } from '../kernel/seconds.ts'
import type { EventRecord } from '../store/events.ts'
import type { ClaimedMail } from '../store/mails.ts'
import type { Store } from '../store/store.ts'
import type { Letter } from './letter.ts'
import type { Sender } from './letter-view.ts'
import type { TenantMail } from './tenant-mail.ts'
import type { Delivery, Transport } from './transport.ts'

/** A letter that was sent or given up, for whoever records it. */
export interface MailFacts {
  readonly tenant: string
  readonly mail: string
  readonly at: Instant
  readonly attempts: number
  /** Null for one that does not open: nobody knows what it said, or to whom. */
  readonly letter: Letter | null
}

export interface MailerOptions {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  /** The address that mail comes from. */
  readonly from: string
  /** Asked for at the first mail: what stands behind it is loaded then. */
  readonly openTransport: () => Promise<Transport>
  readonly findSender: (tenant: string) => Promise<Sender>
  /** What tenants have their own way. */
  readonly openTenantMail: () => Promise<TenantMail>
  readonly events: {
    readonly sent: (facts: MailFacts) => EventRecord
    readonly givenUp: (facts: MailFacts, reason: string) => EventRecord
  }
}

export interface Mailer {
  /** Sends what is due, and answers when something is again; undefined when nothing is promised. */
  run(): Promise<Instant | undefined>
  /** Begins nothing more, and breaks off what is under way after a few seconds: it is due again where this ran. */
  stop(): void
}

const AT_ONCE = 5
/** Whoever caused the mail is answered first: how long that takes must not tell whether there is any to send. */
const AFTER_THE_ANSWER = 100
/** Of one mail, from its first byte to the server's last word. */
const LONGEST_DELIVERY = MINUTE
/** Longer than any delivery, so that a mail is due again only when the node that claimed it is gone. */
const LEASE = 3 * MINUTE
const STOP_GRACE = 3 * SECOND

/** After a first try that failed, a second, … Greylisting wants a few minutes, an outage hours (RFC 5321 §4.5.4.1). */
const PAUSES = [10 * SECOND, MINUTE, 5 * MINUTE, 15 * MINUTE]

export const pauseAfter = (attempts: number): number => PAUSES[attempts - 1] ?? HOUR

export function createMailer(options: MailerOptions): Mailer {
  const { store, clock, log, from, openTransport, findSender, openTenantMail, events } = options
  const stopping = new AbortController()
  let isStopped = false
  let transport: Promise<Transport> | undefined
  let opened: Promise<TenantMail> | undefined

  async function deliver(mail: ClaimedMail, letter: Letter): Promise<Delivery> {
    const { composeMessage } = await import('./message.ts')
    const sender = await findSender(mail.tenant)
    opened ??= openTenantMail()
    const tenantMail = await opened
    const way = await tenantMail.wayOf(mail.tenant)
    const written = await tenantMail.write(mail.tenant, letter, sender)
    const own = written && { ...written, senderName: written.from?.name ?? '' }
    // What goes the server's way comes from the server's address: no tenant speaks for a domain by another's mail server.
    const address = way ? (written?.from?.address ?? way.from ?? from) : from
    const message = await composeMessage(
      letter,
      sender,
      { id: mail.id, promisedAt: mail.createdAt, from: address },
      own,
    )
    // To nobody: up to here it has been the same work.
    if (letter.to === null) return { outcome: 'delivered' }
    if (!way) transport ??= openTransport()
    const send = way?.send ?? (await transport)
    if (!send) throw new TypeError('Mail has a way')
    return send(message, AbortSignal.any([stopping.signal, AbortSignal.timeout(LONGEST_DELIVERY)]))
  }

  /** Gone from the promises together with the record of it. `false` when another node was first. */
  async function finish({ tenant, id }: ClaimedMail, event: EventRecord | null): Promise<void> {
    await store.transaction(async transaction => {
      if ((await transaction.mails.remove(tenant, id)) && event) await transaction.events.record([event])
    })
  }

  async function send(mail: ClaimedMail): Promise<void> {
    const letter = read(mail, log)
    const isTooLate = clock() >= mail.giveUpAt
    const delivery: Delivery = isTooLate
      ? { outcome: 'refused', reason: 'nobody wants it any more' }
      : letter
        ? await deliver(mail, letter)
        : { outcome: 'failed', reason: 'its letter does not open' }

    const now = clock()
    const { tenant, id, attempts, giveUpAt } = mail
    const facts: MailFacts = { tenant, mail: id, at: now, attempts, letter }
    if (delivery.outcome === 'delivered') return finish(mail, letter?.to == null ? null : events.sent(facts))
    const { reason } = delivery
    if (delivery.outcome === 'refused') {
      log.error({ tenant, mail: id, attempts, reason }, 'a mail was given up')
      return finish(mail, letter?.to === null ? null : events.givenUp(facts, reason))
    }
    // Broken off by us: whoever starts next goes on.
    const dueAt = stopping.signal.aborted ? now : Math.min(now + pauseAfter(attempts), giveUpAt)
    log.warn({ tenant, mail: id, attempts, reason }, 'a mail could not be sent and will be tried again')
    await store.mails.postpone(mail, dueAt)
  }

  return {
    async run() {
      if (isStopped) return undefined
      await pause(AFTER_THE_ANSWER)
      const now = clock()
      const mails = await store.mails.claim(now, now + LEASE, AT_ONCE)
      const sent = await Promise.allSettled(mails.map(send))
      for (const one of sent) if (one.status === 'rejected') throw one.reason
      return mails.length === AT_ONCE ? clock() : store.mails.nextDue()
    },
    stop() {
      isStopped = true
      setTimeout(() => stopping.abort(), STOP_GRACE).unref()
    },
  }
}

/** Null for one that does not open: a line may be missing from the master key's file, and put back. */
function read(mail: ClaimedMail, log: Log): Letter | null {
  try {
    return mail.read() as Letter
  } catch (error) {
    if (!(error instanceof SealError)) throw error
    log.error({ tenant: mail.tenant, mail: mail.id, error }, 'a promised mail does not open')
    return null
  }
}
