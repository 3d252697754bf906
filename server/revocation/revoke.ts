/**
 * What no longer counts, told to everybody who verifies tokens alone. Each function ends a thing in the store
 * and appends to the log in the same transaction: the one without the other would be a lie to somebody.
 */
import type { Instant } from '../kernel/clock.ts'
import { LONGEST_TOKEN_LIFE } from '../policy/lifetimes.ts'
import type { SessionRecord } from '../store/sessions.ts'
import type { Transaction } from '../store/store.ts'

/** Kills the authorization: its codes, families and tokens are dead, those still to be minted by a slower request too. */
export async function revokeAuthorization(
  transaction: Transaction,
  authorization: { tenant: string; id: string; expiresAt: Instant },
  at: Instant,
): Promise<void> {
  const { tenant, id, expiresAt } = authorization
  if ((await transaction.authorizations.kill(tenant, id)) !== 'killed') return
  transaction.revocations.append({ tenant, kind: 'authorization', id, epoch: null, at, expiresAt })
}

/** Ends the session with every token that carries its `sid`; families without `offline_access` are dead by join. `false` when it had ended before. */
export async function revokeSession(
  transaction: Transaction,
  session: Pick<SessionRecord, 'tenant' | 'id'>,
  at: Instant,
): Promise<boolean> {
  const { tenant, id } = session
  if ((await transaction.sessions.end(tenant, id, at)) !== 'ended') return false
  transaction.revocations.append({ tenant, kind: 'session', id, epoch: null, at, expiresAt: at + LONGEST_TOKEN_LIFE })
  return true
}

/**
 * Ends all that a person gave a client: codes, families and tokens. One entry for each authorization rather than one
 * for the pair: that could spare what the person gives the client afterwards only by comparing clocks. Answers how many.
 */
export async function revokeGrants(
  transaction: Transaction,
  { tenant, user, client }: { tenant: string; user: string; client: string },
  at: Instant,
): Promise<number> {
  const killed = await transaction.authorizations.killOf(tenant, user, client)
  for (const { id, expiresAt } of killed)
    transaction.revocations.append({ tenant, kind: 'authorization', id, epoch: null, at, expiresAt })
  return killed.length
}

/** Signs the person out everywhere: every session, family and token of theirs carries the old epoch and is dead with it. */
export async function revokeSubject(
  transaction: Transaction,
  { tenant, id }: { tenant: string; id: string },
  at: Instant,
): Promise<void> {
  const epoch = await transaction.users.raiseEpoch(tenant, id)
  transaction.revocations.append({ tenant, kind: 'subject', id, epoch, at, expiresAt: at + LONGEST_TOKEN_LIFE })
}
