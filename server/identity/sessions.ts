/** Beginning and ending sessions: the rows, the revocations and the events of each, in one transaction. */

import {
  type EndedBy,
  type Occasion,
  sessionRenewed,
  sessionStarted,
  signedOut,
  signedOutEverywhere,
} from '../audit/events.ts'
import type { Clock, Instant } from '../kernel/clock.ts'
import { newId } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import { authenticatedAt, methodsOf, type Proof } from '../policy/proof.ts'
import { revokeSession, revokeSubject } from '../revocation/revoke.ts'
import type { SessionClient } from '../store/session-clients.ts'
import type { SessionRecord, SessionStanding } from '../store/sessions.ts'
import type { Store, Transaction } from '../store/store.ts'
import type { UserRecord } from '../store/users.ts'

/** Whether a session counts: within its limits, not ended, and of nobody who was signed out everywhere since. */
export const isLive = (session: SessionStanding, user: UserRecord, now: Instant): boolean =>
  session.user === user.id &&
  session.userEpoch === user.epoch &&
  session.endedAt === null &&
  now < session.idleExpiresAt &&
  now < session.expiresAt

export interface Beginning {
  readonly user: UserRecord
  readonly connection: string
  /** For which they signed in, if for any. */
  readonly organization: string | null
  readonly proofs: readonly Proof[]
  readonly client: string
  /** From the tenant: milliseconds, absolute and idle. */
  readonly limits: { readonly lifetime: number; readonly idleLifetime: number }
  /** The name of the browser's sessions before, and from now on. */
  readonly browser: { readonly from: string | null; readonly secretHash: string }
}

/**
 * Somebody proved who they are: a new session, or the one they have in this browser, renewed under its old `sid`.
 * Answers its id.
 */
export async function beginSession(
  transaction: Transaction,
  beginning: Beginning,
  occasion: Occasion,
  clock: Clock,
): Promise<string> {
  const { user, connection, organization, proofs, limits, browser, client } = beginning
  const now = clock()
  // The user before the browser: the order in which whoever changes a password takes them.
  const noted = transaction.users.noteSignIn(user.tenant, user.id, now, occasion.address)
  const begun = transaction.sessions.begin(
    {
      tenant: user.tenant,
      id: newId('ses'),
      user: user.id,
      userEpoch: user.epoch,
      connection,
      organization,
      proofs,
      userAgent: occasion.userAgent,
      createdAt: now,
      usedAt: now,
      idleExpiresAt: Math.min(now + limits.idleLifetime, now + limits.lifetime),
      expiresAt: now + limits.lifetime,
      endedAt: null,
      metadata: null,
    },
    browser,
  )
  const [{ id, renewed }] = await Promise.all([begun, noted])
  const event = renewed ? sessionRenewed : sessionStarted
  await transaction.events.record([event(occasion, client, user.id, id, methodsOf(proofs), connection)])
  return id
}

/**
 * Ends each with every token that carries its `sid`. Those that had ended already are passed over. Answers the clients
 * that are to be told in the browser, if the sessions were of this one: the others are told behind its back.
 */
export function endSessions(
  store: Store,
  sessions: readonly SessionRecord[],
  by: EndedBy,
  occasion: Occasion,
  at: Instant,
): Promise<SessionClient[]> {
  return store.transaction(async transaction => {
    const ended: string[] = []
    for (const session of sessions)
      if (await revokeSession(transaction, session, at)) {
        ended.push(session.id)
        await transaction.events.record([signedOut(occasion, by, session.user, session.id)])
      }
    return transaction.sessionClients.takeOfSessions(occasion.tenant, ended, 'front')
  })
}

/**
 * Ends all that a person has: sessions in every browser, and what applications were given for as long as they are away.
 * Left out, `by` is the person.
 */
export function signOutEverywhere(
  store: Store,
  user: UserRecord,
  occasion: Occasion,
  at: Instant,
  by: EndedBy = null,
): Promise<void> {
  return store.transaction(async transaction => {
    await revokeSubject(transaction, user, at)
    await transaction.events.record([signedOutEverywhere(occasion, user.id, by)])
  })
}

/** Under Auth0's names. `clients`: those that were given something which ends with it. */
export const sessionToWire = (session: SessionRecord, clients: readonly string[]): JsonObject => ({
  id: session.id,
  user_id: session.user,
  created_at: iso(session.createdAt),
  updated_at: iso(session.usedAt),
  authenticated_at: iso(authenticatedAt(session.proofs)),
  last_interacted_at: iso(session.usedAt),
  idle_expires_at: iso(session.idleExpiresAt),
  expires_at: iso(session.expiresAt),
  device: { last_user_agent: session.userAgent ?? undefined },
  clients: clients.map(client_id => ({ client_id })),
  authentication: {
    methods: session.proofs.map(({ factor, amr, at }) => ({ name: amr[0] ?? factor, timestamp: iso(at) })),
  },
  session_metadata: session.metadata,
})

const iso = (instant: Instant): string => new Date(instant).toISOString()
