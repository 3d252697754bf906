/**
 * Answering at `/authorize`: giving the authorization, with whatever tokens travel in the answer itself, or telling
 * the client why not. Every answer carries `iss` (RFC 9207), errors too, since mix-up attacks live on answers whose
 * sender is unknown.
 */
import { authorized, occasionOf } from '../audit/events.ts'
import type { Client } from '../clients/metadata.ts'
import { languageHere } from '../http/language.ts'
import type { Answer, Incoming } from '../http/route.ts'
import type { LiveSession } from '../identity/browsers.ts'
import { holdConsents } from '../identity/consents.ts'
import { letIn, membershipOf } from '../identity/organizations.ts'
import type { Instant } from '../kernel/clock.ts'
import { PageError, ProtocolError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import { CODE_LIFE, LONGEST_TOKEN_LIFE } from '../policy/lifetimes.ts'
import { type AuthorizationRequest, missingConsent, REQUEST_TICKET } from '../policy/next-step.ts'
import type { MembershipStanding } from '../store/memberships.ts'
import type { Transaction } from '../store/store.ts'
import type { TicketRecord } from '../store/tickets.ts'
import { type Active, assertActive } from '../tokens/assert-active.ts'
import type { Feature, OAuthServices } from './feature.ts'
import { issueTokens } from './issue-tokens.ts'
import { runPhase } from './phases.ts'
import { modeOf } from './response-modes/response-mode.ts'

export interface Giving {
  readonly incoming: Incoming
  readonly request: AuthorizationRequest
  readonly client: Client
  readonly current: LiveSession
  /** The parked request, spent by the answer; null when nobody had to be asked anything. */
  readonly ticket: TicketRecord | null
  readonly now: Instant
}

/**
 * In one transaction: the ticket is spent, the authorization written, and what features hand out with it. Signing
 * comes after it, so that nobody waits for a signature with rows in hand; a token is worth nothing before its
 * authorization is there.
 */
export async function giveAuthorization(
  services: OAuthServices,
  features: readonly Feature[],
  giving: Giving,
): Promise<Answer> {
  const { store, tenants } = services
  const { incoming, request, client, current, ticket, now } = giving
  const { session, user } = current
  const person = { user: user.id, connection: session.connection }
  const standing = await membershipOf(store, incoming.tenant, request.organization, person)
  const active = await admit(services, giving, standing)

  const tenant = await tenants.find(incoming.tenant)
  const id = newId('aut')
  const expiresAt = now + CODE_LIFE + LONGEST_TOKEN_LIFE
  const members: Record<string, string> = {}
  const wanted = { accessToken: false, idToken: false }
  const cookies: string[] = []
  const scope = await services.cookieScope(incoming.tenant, incoming.issuer)

  await store.transaction(async transaction => {
    if (ticket && (await transaction.tickets.consume(incoming.tenant, REQUEST_TICKET, ticket.id, now)) !== 'consumed')
      throw new PageError('start_again', 'This request has been answered already.')
    await requireConsent(transaction, giving)
    if (!standing?.isMember || request.invitation !== null)
      await letIn(transaction, request, person, occasionOf(incoming, now))
    await requireMembership(transaction, giving)
    await transaction.authorizations.create({
      tenant: incoming.tenant,
      id,
      subject: user.id,
      client: client.id,
      organization: request.organization,
      session: isOffline(request) ? null : session.id,
      connection: session.connection,
      audiences: request.audiences,
      proofs: session.proofs,
      request: { audience: request.audience, lasting: request.lasting },
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
      incoming,
      client,
      user: user.id,
      session: session.id,
      sessionExpiresAt: session.expiresAt,
      transaction,
      now,
      cookieScope: scope,
      answer: members,
      wanted,
      cookies,
    })
    await transaction.events.record([authorized(occasionOf(incoming, now), client.id, user.id, id, request.audiences)])
    await transaction.sessions.touch(
      incoming.tenant,
      session.id,
      now,
      Math.min(now + tenant.session.idleLifetime, session.expiresAt),
    )
  })
  if (wanted.accessToken || wanted.idToken) {
    const basis = {
      services,
      issuer: incoming.issuer,
      tenant: incoming.tenant,
      client,
      now,
      presented: { request },
    }
    const entitlement = {
      active,
      authorization: id,
      audiences: request.audiences,
      audience: request.audience,
      narrowTo: null,
      session: session.id,
      proofs: session.proofs,
      lasting: request.lasting,
    }
    const tokens = await issueTokens(features, basis, entitlement, { ...wanted, code: members['code'] ?? null })
    for (const [name, value] of Object.entries(tokens)) members[name] = String(value)
  }
  return withCookies(await answer(request, incoming, members), cookies)
}

const withCookies = (answered: Answer, cookies: readonly string[]): Answer =>
  cookies.length === 0 ? answered : { ...answered, cookies: [...(answered.cookies ?? []), ...cookies] }

/**
 * The gate speaks the token endpoint's language; here a person who does not count is `access_denied` (RFC 6749 §4.1.2.1).
 * It is asked before somebody is let in, or one who is refused would have spent their invitation: the policy found them
 * welcome, and whoever is no member by the end of the transaction is given nothing.
 */
async function admit(
  { connections }: OAuthServices,
  { incoming, client, current, now }: Giving,
  standing: MembershipStanding | null | undefined,
): Promise<Active> {
  const { session, user } = current
  const connection = await connections.find(incoming.tenant, session.connection)
  try {
    return assertActive({
      user,
      client,
      connection,
      organization: standing && { ...standing, isMember: true },
      authorization: null,
      session,
      now,
    })
  } catch (error) {
    throw error instanceof ProtocolError ? new ProtocolError('access_denied', error.message) : error
  }
}

/**
 * The person may be taking their consent back in this moment. Whoever does so waits for this transaction and ends what
 * it gave, or came first, and then there is nothing to give.
 */
async function requireConsent(transaction: Transaction, { incoming, request, client, current }: Giving): Promise<void> {
  if (client.isFirstParty) return
  const consents = await holdConsents(transaction, incoming.tenant, { ...request, user: current.user.id })
  if (Object.keys(missingConsent(request, client, consents)).length > 0)
    throw new ProtocolError('consent_required', 'The consent was taken back.')
}

/** The same for whoever removes them from the organization, or took the invitation in their place. */
async function requireMembership(transaction: Transaction, { incoming, request, current }: Giving): Promise<void> {
  const { organization } = request
  if (organization !== null && !(await transaction.memberships.hold(incoming.tenant, organization, current.user.id)))
    throw new ProtocolError('access_denied', `user ${current.user.id} is not part of the ${organization} organization`)
}

const isOffline = (request: AuthorizationRequest): boolean =>
  Object.values(request.audiences).some(scopes => scopes.includes('offline_access'))

/** Where and how an answer goes: known before the request is understood, so that faults can be told too. */
export type Whither = Pick<AuthorizationRequest, 'redirectUri' | 'responseMode' | 'state' | 'uiLocales'>

export const answerWithError = (whither: Whither, incoming: Incoming, error: ProtocolError) =>
  answer(whither, incoming, { error: error.code, error_description: error.message })

const answer = async (
  { redirectUri, responseMode, state, uiLocales }: Whither,
  incoming: Incoming,
  members: Readonly<Record<string, string>>,
): Promise<Answer> =>
  modeOf(responseMode).answer(
    redirectUri,
    // By name: the order of features must not show here either.
    { ...Object.fromEntries(Object.entries(members).sort()), ...(state !== null && { state }), iss: incoming.issuer },
    languageHere(incoming, uiLocales),
  )
