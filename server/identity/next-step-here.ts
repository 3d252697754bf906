/** What a request needs next in the browser in front of us: the facts that the policy decides from, gathered once for whoever asks it. */
import type { Incoming } from '../http/route.ts'
import type { Instant } from '../kernel/clock.ts'
import {
  type AuthorizationRequest,
  type ClientFacts,
  eligibleSessions,
  meantSession,
  type NextStep,
  nextStep,
  type SessionFacts,
} from '../policy/next-step.ts'
import type { OrganizationRecord } from '../store/organizations.ts'
import type { Store } from '../store/store.ts'
import { type LiveSession, liveSessions } from './browsers.ts'
import { type Connections, serves } from './connections.ts'
import { consentsOf } from './consents.ts'
import { meantOrganization, organizationChoices } from './organizations.ts'

export interface NextStepHere {
  readonly next: NextStep
  /** The session that is meant, which is there whenever the step is one for somebody who is signed in. */
  readonly current: LiveSession | undefined
  /** Those that the request lets the person choose among, the browser's current one first. */
  readonly eligible: readonly LiveSession[]
  /** Organizations that the person may choose among, where the request wants one chosen. */
  readonly organizations: readonly OrganizationRecord[]
}

export async function nextStepHere(
  { store, connections }: { readonly store: Store; readonly connections: Connections },
  incoming: Incoming,
  request: AuthorizationRequest,
  client: ClientFacts & { readonly id: string },
  now: Instant,
): Promise<NextStepHere> {
  const sessions = await servedSessions(connections, client, await liveSessions(store, incoming, now))
  const byId = new Map(sessions.map(one => [one.session.id, one]))
  const facts = sessions.map(factsOf)

  const organization = await meantOrganization(store, incoming.tenant, request, facts)
  const meant = meantSession(request, facts, { meant: organization })
  const organizations =
    meant && request.asksOrganization?.when === 'after-sign-in'
      ? await organizationChoices(store, incoming.tenant, meant)
      : []
  const around = { meant: organization, choices: organizations.map(({ id }) => id) }
  const consents =
    meant && !client.isFirstParty ? await consentsOf(store, incoming.tenant, { ...request, user: meant.user }) : {}
  return {
    next: nextStep(request, meant, around, client, consents, now),
    current: meant && byId.get(meant.id),
    eligible: eligibleSessions(request, facts, around).flatMap(({ id }) => byId.get(id) ?? []),
    organizations,
  }
}

/** Who is signed in through a connection that the client does not have is, for the client, not signed in. */
async function servedSessions(
  connections: Connections,
  client: Parameters<typeof serves>[1],
  sessions: readonly LiveSession[],
): Promise<readonly LiveSession[]> {
  const found = await Promise.all(sessions.map(({ session }) => connections.find(session.tenant, session.connection)))
  return sessions.filter((_, place) => {
    const connection = found[place]
    return connection !== undefined && serves(connection, client)
  })
}

const factsOf = ({ session, user }: LiveSession): SessionFacts => ({
  id: session.id,
  user: user.id,
  email: user.email,
  connection: session.connection,
  proofs: session.proofs,
})
