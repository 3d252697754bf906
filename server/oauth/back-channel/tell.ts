/**
 * From events to deliveries: follows the event table for whatever ends sessions, and writes down which clients are to be
 * told of it. Carrying it to them is `deliver.ts`'s.
 */
import type { LogoutInitiator } from '../../clients/metadata.ts'
import type { Instant } from '../../kernel/clock.ts'
import { newSortableId } from '../../kernel/ids.ts'
import { DAY, SECOND } from '../../kernel/seconds.ts'
import type { EventRecord } from '../../store/events.ts'
import type { SessionClient } from '../../store/session-clients.ts'
import type { Transaction } from '../../store/store.ts'
import type { OAuthServices } from '../feature.ts'

/** On the bus: something is to be delivered. */
export const DELIVERIES_TOPIC = 'logout-delivery'

const READER = 'back-channel-logout'
const PAGE = 200
/** Revocations wake it; this is for those whose word was lost. */
const LOOK_AGAIN = 5 * SECOND
/** An application that was down over night signs people out in the morning; whoever was to be signed out longer ago has come back or never will. */
const TOLD_WITHIN = DAY

export interface Teller {
  /** Takes its place in the table, before anybody is answered. */
  prepare(): Promise<void>
  run(): Promise<Instant>
}

export const createTeller = ({ store, clock }: Pick<OAuthServices, 'store' | 'clock'>): Teller => ({
  prepare: () => store.eventCursors.open(READER),

  async run() {
    const isMore = await store.transaction(async transaction => {
      const page = await transaction.eventCursors.follow(READER, { about: ['session', 'user'], limit: PAGE })
      if (page === 'held') return false
      for (const about of gather(page.events)) {
        const ended = await takeEnded(transaction, about)
        if (ended.length === 0) continue
        const now = clock()
        await transaction.logoutDeliveries.promise(
          ended.map(({ tenant, client, session, user, issuer }) => ({
            tenant,
            id: newSortableId(),
            client,
            initiator: about.initiator,
            session,
            user,
            issuer,
            createdAt: now,
            giveUpAt: now + TOLD_WITHIN,
          })),
        )
        transaction.announce({ topic: DELIVERIES_TOPIC, tenant: about.tenant, id: about.id })
      }
      return page.more
    })
    return clock() + (isMore ? 0 : LOOK_AGAIN)
  },
})

/** A session that ended, or a person who is to be looked at. */
interface Subject {
  readonly tenant: string
  readonly kind: 'session' | 'user'
  readonly id: string
  readonly initiator: LogoutInitiator
}

/** Each once, though one transaction may tell several things of a person; the last that says why it ends sessions is why. */
function gather(events: readonly EventRecord[]): readonly Subject[] {
  const found = new Map<string, Subject>()
  for (const event of events) {
    const { tenant, type, target } = event
    const kind = target?.kind
    if (!target || !(kind === 'user' || (kind === 'session' && type === 'session.ended'))) continue
    const key = `${tenant} ${kind} ${target.id}`
    const initiator = initiatorOf(event) ?? found.get(key)?.initiator ?? 'session-revoked'
    found.set(key, { tenant, kind, id: target.id, initiator })
  }
  return [...found.values()]
}

/**
 * Which sessions of a person count no more is read from the store, whatever the event was, so that nothing that ends them
 * can be forgotten here. Each participant is taken once, however often it is told.
 */
const takeEnded = (transaction: Transaction, { tenant, kind, id }: Subject): Promise<SessionClient[]> =>
  kind === 'user'
    ? transaction.sessionClients.takeOfUser(tenant, id, 'back')
    : transaction.sessionClients.takeOfSessions(tenant, [id], 'back')

/** Auth0's words for what ended it; undefined for an event that does not say. */
function initiatorOf({ type, actor }: EventRecord): LogoutInitiator | undefined {
  if (type === 'session.ended' && actor.kind === 'user' && actor.client !== null) return 'rp-logout'
  if (/^user\.password-/.test(type)) return 'password-changed'
  if (/^user\.(?:removed|deleted)$/.test(type)) return 'account-deleted'
  return type === 'user.changed' || type === 'user.blocked' ? 'account-deactivated' : undefined
}
