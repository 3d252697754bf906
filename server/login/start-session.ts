/** Somebody proved who they are: the session begins, under a new name for the browser's sessions. */
import { occasionOf } from '../audit/events.ts'
import type { Incoming } from '../http/route.ts'
import { sessionHere } from '../identity/session-here.ts'
import type { Proof } from '../policy/proof.ts'
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
  proof: Proof,
): Promise<readonly string[]> {
  const { store, clock, cookieScope } = services
  const limits = (await services.tenants.find(incoming.tenant)).session
  const here = sessionHere(incoming, await cookieScope(incoming.tenant, incoming.issuer), limits)
  const occasion = occasionOf(incoming, clock())
  await store.transaction(async transaction => {
    const whose = typeof user === 'function' ? await user(transaction) : user
    const { organization } = interaction.request
    const beginning = { user: whose, connection, organization, proofs: [proof], client: interaction.client.id }
    const session = await here.begin(transaction, beginning, occasion, clock)
    const { id, kind, version, request } = interaction
    await transaction.tickets.advance(incoming.tenant, kind, id, version, {
      data: { ...request, chosenSession: session },
    })
  })
  return here.cookies
}
