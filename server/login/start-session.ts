/** Somebody proved who they are: the session begins, under a new name for the browser's sessions. */
import { occasionOf } from '../audit/events.ts'
import type { Incoming } from '../http/route.ts'
import { newSessionCookie, sessionHash } from '../identity/browsers.ts'
import { beginSession } from '../identity/sessions.ts'
import type { Transaction } from '../store/store.ts'
import type { UserRecord } from '../store/users.ts'
import type { Interaction } from './interaction.ts'
import type { LoginServices } from './services.ts'

/**
 * Whoever signs up is made in the same transaction, together with their first session. Signing in on the way of a
 * request is a choice too: it is answered for this account, whoever else is signed in here. Answers the cookies to set.
 */
export async function startSession(
  services: LoginServices,
  incoming: Incoming,
  interaction: Interaction,
  user: UserRecord | ((transaction: Transaction) => Promise<UserRecord>),
  connection: string,
): Promise<string[]> {
  const { store, clock, cookieScope, password } = services
  const limits = (await services.tenants.find(incoming.tenant)).session
  const { hash, cookie } = newSessionCookie(await cookieScope(incoming.tenant, incoming.issuer), limits.lifetime)
  const now = clock()
  await store.transaction(async transaction => {
    const session = await beginSession(
      transaction,
      {
        user: typeof user === 'function' ? await user(transaction) : user,
        connection,
        proofs: [{ factor: password.kind, amr: password.amr, at: now }],
        client: interaction.client.id,
        limits,
        browser: { from: sessionHash(incoming), secretHash: hash },
      },
      occasionOf(incoming, now),
      clock,
    )
    const { id, kind, version, request } = interaction
    await transaction.tickets.advance(incoming.tenant, kind, id, version, {
      data: { ...request, chosenSession: session },
    })
  })
  return [cookie]
}
