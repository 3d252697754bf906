/**
 * Answering at `/authorize`: giving the authorization, or telling the client why not. Every answer carries
 * `iss` (RFC 9207), errors too, since mix-up attacks live on answers whose sender is unknown.
 */
import { authorized, occasionOf } from '../audit/events.ts'
import type { Client } from '../clients/metadata.ts'
import type { Answer, Incoming } from '../http/route.ts'
import type { LiveSession } from '../identity/browsers.ts'
import type { Instant } from '../kernel/clock.ts'
import { PageError, ProtocolError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import { CODE_LIFE, LONGEST_TOKEN_LIFE } from '../policy/lifetimes.ts'
import { type AuthorizationRequest, REQUEST_TICKET } from '../policy/next-step.ts'
import type { TicketRecord } from '../store/tickets.ts'
import { assertActive } from '../tokens/assert-active.ts'
import type { Feature, OAuthServices } from './feature.ts'
import { runPhase } from './phases.ts'
import { modeOf, type ResponseMode } from './response-modes/response-mode.ts'

export interface Giving {
  readonly incoming: Incoming
  readonly request: AuthorizationRequest
  readonly client: Client
  readonly current: LiveSession
  /** The parked request, spent by the answer; null when nobody had to be asked anything. */
  readonly ticket: TicketRecord | null
  readonly now: Instant
}

/** In one transaction: the ticket is spent, the authorization written, and what features hand out with it. */
export async function giveAuthorization(
  services: OAuthServices,
  features: readonly Feature[],
  giving: Giving,
): Promise<Answer> {
  const { store, tenants } = services
  const { incoming, request, client, current, ticket, now } = giving
  const { session, user } = current
  await admit(services, giving)

  const tenant = await tenants.find(incoming.tenant)
  const id = newId('aut')
  const expiresAt = now + CODE_LIFE + LONGEST_TOKEN_LIFE
  const members: Record<string, string> = {}

  await store.transaction(async transaction => {
    if (ticket && (await transaction.tickets.consume(incoming.tenant, REQUEST_TICKET, ticket.id, now)) !== 'consumed')
      throw new PageError('start_again', 'This request has been answered already.')
    await transaction.authorizations.create({
      tenant: incoming.tenant,
      id,
      subject: user.id,
      client: client.id,
      organization: session.organization,
      session: isOffline(request) ? null : session.id,
      connection: session.connection,
      audiences: request.audiences,
      proofs: session.proofs,
      request: { audience: request.audience },
      userEpoch: user.epoch,
      clientEpoch: client.epoch,
      state: 'live',
      createdAt: now,
      expiresAt,
    })
    await runPhase('authorize.respond', features, {
      services,
      request,
      tenant: incoming.tenant,
      authorization: { id, expiresAt },
      user: user.id,
      session: session.id,
      transaction,
      now,
      answer: members,
    })
    await transaction.events.record([authorized(occasionOf(incoming, now), client.id, user.id, id, request.audiences)])
    await transaction.sessions.touch(
      incoming.tenant,
      session.id,
      now,
      Math.min(now + tenant.session.idleLifetime, session.expiresAt),
    )
  })
  return answer(modeOf(request.responseMode), request, incoming.issuer, members)
}

/** The gate speaks the token endpoint's language; here a person who does not count is `access_denied` (RFC 6749 §4.1.2.1). */
async function admit({ connections }: OAuthServices, { incoming, client, current, now }: Giving): Promise<void> {
  const { session, user } = current
  const connection = await connections.find(incoming.tenant, session.connection)
  try {
    assertActive({ user, client, connection, organization: session.organization, authorization: null, session, now })
  } catch (error) {
    throw error instanceof ProtocolError ? new ProtocolError('access_denied', error.message) : error
  }
}

const isOffline = (request: AuthorizationRequest): boolean =>
  Object.values(request.audiences).some(scopes => scopes.includes('offline_access'))

type Whither = Pick<AuthorizationRequest, 'redirectUri' | 'state'>

export const answerWithError = (mode: ResponseMode, request: Whither, issuer: string, error: ProtocolError): Answer =>
  answer(mode, request, issuer, { error: error.code, error_description: error.message })

const answer = (
  mode: ResponseMode,
  { redirectUri, state }: Whither,
  issuer: string,
  members: Readonly<Record<string, string>>,
): Answer => mode.answer(redirectUri, { ...members, ...(state !== null && { state }), iss: issuer })
