/** What a request needs next in the browser in front of us: the facts that the policy decides from, gathered once for whoever asks it. */
import type { Incoming } from '../http/route.ts'
import type { Instant } from '../kernel/clock.ts'
import { type AuthorizationRequest, type ClientFacts, type NextStep, nextStep } from '../policy/next-step.ts'
import type { Nouns } from '../store/store.ts'
import { type LiveSession, liveSessions } from './browsers.ts'
import { consentsOf } from './consents.ts'

/** `current` is there whenever the step is one for somebody who is signed in (`consent`, `respond`). */
export async function nextStepHere(
  store: Nouns,
  incoming: Incoming,
  request: AuthorizationRequest,
  client: ClientFacts,
  now: Instant,
): Promise<{ next: NextStep; current: LiveSession | undefined }> {
  const sessions = await liveSessions(store, incoming, now)
  const current = sessions.find(({ user }) => user.id === request.subject) ?? sessions[0]
  const consents =
    current && !client.isFirstParty ? await consentsOf(store, incoming.tenant, current.user.id, request.client) : {}
  const session = current && { user: current.user.id, proofs: current.session.proofs }
  return { next: nextStep(request, session, client, consents, now), current }
}
