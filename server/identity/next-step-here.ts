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
import type { Store } from '../store/store.ts'
import { type LiveSession, liveSessions } from './browsers.ts'
import { type Connections, serves } from './connections.ts'
import { consentsOf } from './consents.ts'

export interface NextStepHere {
  readonly next: NextStep
  /** The session that is meant, which is there whenever the step is one for somebody who is signed in. */
  readonly current: LiveSession | undefined
  /** Those that the request lets the person choose among, the browser's current one first. */
  readonly eligible: readonly LiveSession[]
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

  const meant = meantSession(request, facts)
  const consents =
    meant && !client.isFirstParty ? await consentsOf(store, incoming.tenant, meant.user, request.client) : {}
  return {
    next: nextStep(request, meant, client, consents, now),
    current: meant && byId.get(meant.id),
    eligible: eligibleSessions(request, facts).flatMap(({ id }) => byId.get(id) ?? []),
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
