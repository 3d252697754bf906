/**
 * What an authorization request needs next, decided purely from what is known. `oauth/` asks before it
 * answers, `login/` asks to know which page to show; neither decides by itself.
 */
import type { Instant } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import { SECOND } from '../kernel/seconds.ts'
import { emailKey } from './email-address.ts'
import { authenticatedAt, authenticationContext, type Proof } from './proof.ts'

/** The kind of the ticket in which a request waits while a person is asked something. */
export const REQUEST_TICKET = 'request'
/** Its state once the person has said no: the client is told so, and nothing else can follow. */
export const REFUSED = 'refused'

/**
 * A request that was found sound, as it travels in its ticket: no longer what the client sent, but what was
 * understood. Only its id appears in URLs.
 */
export interface AuthorizationRequest extends JsonObject {
  readonly client: string
  readonly redirectUri: string
  /** Whether the request named it: then the token request has to name it again (RFC 6749 §4.1.3). */
  readonly redirectUriWasSent: boolean
  readonly responseType: string
  readonly responseMode: string
  /** Returned byte for byte, or not at all when none was sent. */
  readonly state: string | null
  readonly prompt: readonly string[]
  readonly maxAgeSeconds: number | null
  /** The audience a token request means when it names none. */
  readonly audience: string
  /** Audience → requested scopes that may be granted. */
  readonly audiences: Readonly<Record<string, readonly string[]>>
  /**
   * Audience → scopes that the person is asked about: these, and what else a request lets the client see. An audience
   * without scopes is asked about too: its tokens say who the person is.
   */
  readonly asks: Readonly<Record<string, readonly string[]>>
  /** The only user who will do, when the request names one. */
  readonly subject: string | null
  /** The id of the connection that has to vouch for the person; null for any. */
  readonly connection: string | null
  /** Within which organization everything is given, by its id; null for none. */
  readonly organization: string | null
  /** When the person is asked for it; null where they are not, or have been. */
  readonly asksOrganization: { readonly when: 'before-sign-in' | 'after-sign-in'; readonly mayBeNone: boolean } | null
  /** By which the person becomes a member: for whoever has that address, and nobody else. */
  readonly invitation: { readonly id: string; readonly email: string; readonly connection: string | null } | null
  /** `acr` values of which one is essential (OpenID Connect Core §5.5.1.1); empty for none. */
  readonly acr: readonly string[]
  /** The session that the person chose on the way, among several or by signing in; null before they did. */
  readonly chosenSession: string | null
  readonly loginHint: string | null
  /** `signup` and `reset-password`: the page to begin with, in Auth0's words. */
  readonly screenHint: string | null
  readonly uiLocales: string | null
  /** What single features keep for the token endpoint, under their names. */
  readonly notes: Readonly<Record<string, JsonObject>>
  /** What they keep for as long as the authorization lives. */
  readonly lasting: Readonly<Record<string, JsonObject>>
  readonly receivedAt: Instant
}

/** What there is to know of a session of the browser. */
export interface SessionFacts {
  readonly id: string
  readonly user: string
  /** The address of the account, as it is shown. */
  readonly email: string | null
  /** The id of the connection that vouched for the person. */
  readonly connection: string
  readonly proofs: readonly Proof[]
}

/** What there is to know of the organization that a request is for, and of those that its person could choose. */
export interface OrganizationFacts {
  /** Null when the request is for none, or when the one it is for is gone. */
  readonly meant: {
    readonly id: string
    /** Ids of the connections that vouch for its people. */
    readonly connections: readonly string[]
    /** Those of them whose people become members by signing in. */
    readonly joining: readonly string[]
    /** Which of the browser's users are members. */
    readonly members: readonly string[]
  } | null
  /** Ids of those that the meant session's user can choose among, where the request wants one chosen. */
  readonly choices: readonly string[]
}

export interface ClientFacts {
  readonly isFirstParty: boolean
}

/** What the person allowed this client, per audience. */
export type ConsentFacts = Readonly<Record<string, { readonly scopes: readonly string[]; readonly givenAt: Instant }>>

export type NextStep =
  | { readonly step: 'sign-in' }
  | { readonly step: 'choose-account' }
  /** Its name is asked for. */
  | { readonly step: 'name-organization' }
  /** It is chosen among the person's own. */
  | { readonly step: 'choose-organization' }
  | { readonly step: 'consent'; readonly missing: Readonly<Record<string, readonly string[]>> }
  | { readonly step: 'respond' }
  | {
      readonly step: 'refuse'
      readonly error:
        | 'login_required'
        | 'consent_required'
        | 'interaction_required'
        | 'unmet_authentication_requirements'
        | 'access_denied'
        | 'invalid_request'
      readonly description: string
    }

/**
 * Those among which a person may choose: vouched for as the request wants it, and of the only user who will do, when
 * it names one.
 */
export const eligibleSessions = (
  request: AuthorizationRequest,
  sessions: readonly SessionFacts[],
  { meant }: OrganizationFacts,
): readonly SessionFacts[] =>
  sessions.filter(
    session =>
      isVouchedFor(request, session, meant) && isExpected(request, session) && isWelcome(request, session, meant),
  )

/**
 * Which session a request means, of those of the browser, the current one first: the one chosen for it, or else the
 * one of the user it names, or of the address it hints at, or else the current one. The last may be of somebody whom
 * the request does not expect, or who does not belong to its organization: `nextStep` says what follows.
 */
export function meantSession(
  request: AuthorizationRequest,
  sessions: readonly SessionFacts[],
  { meant }: Pick<OrganizationFacts, 'meant'>,
): SessionFacts | undefined {
  const vouchedFor = sessions.filter(session => isVouchedFor(request, session, meant))
  const hint = request.loginHint === null ? null : emailKey(request.loginHint)
  return (
    vouchedFor.find(({ id }) => id === request.chosenSession) ??
    vouchedFor.find(({ user }) => user === request.subject) ??
    vouchedFor.find(({ email }) => email !== null && emailKey(email) === hint) ??
    vouchedFor.find(session => isWelcome(request, session, meant)) ??
    vouchedFor[0]
  )
}

/** `session` is the one that `meantSession` found, and `consents` are those of its user. */
export function nextStep(
  request: AuthorizationRequest,
  session: SessionFacts | undefined,
  organization: OrganizationFacts,
  client: ClientFacts,
  consents: ConsentFacts,
  now: Instant,
): NextStep {
  const silent = request.prompt.includes('none')

  if (request.organization !== null && organization.meant === null)
    return refuse('invalid_request', 'The organization was removed meanwhile')
  const asks = request.asksOrganization
  if (asks?.when === 'before-sign-in' && !(silent && asks.mayBeNone))
    return silent ? refuse('interaction_required', 'The organization has to be named') : { step: 'name-organization' }

  if (session && !isExpected(request, session) && isProvenSince(request, session))
    return refuse('login_required', 'Another person signed in than the one expected')
  const isGuest = session !== undefined && !isWelcome(request, session, organization.meant)
  if (session && isGuest && isProvenSince(request, session)) return refuseGuest(request, session)
  if (!session || isGuest || !isExpected(request, session) || !isProvenAnew(request, session))
    return silent ? refuse('login_required', 'Login required') : { step: 'sign-in' }
  // Before the age of the proof is asked about: of several accounts, one may be fresh enough.
  if (!isChosen(request, session)) return { step: 'choose-account' }
  if (!isYoungEnough(request, session, now))
    return silent ? refuse('login_required', 'Login required') : { step: 'sign-in' }

  if (request.acr.length > 0 && !request.acr.includes(authenticationContext(session.proofs)))
    return refuse('unmet_authentication_requirements', 'None of the essential acr values can be met')

  if (asks?.when === 'after-sign-in' && !asks.mayBeNone && organization.choices.length === 0)
    // Auth0's words.
    return refuse(
      'access_denied',
      'client requires organization membership, but user does not belong to any organization',
    )
  if (asks?.when === 'after-sign-in' && organization.choices.length > 0 && !(silent && asks.mayBeNone))
    return silent
      ? refuse('interaction_required', 'The organization has to be chosen')
      : { step: 'choose-organization' }

  const missing = missingConsent(request, client, consents)
  if (Object.keys(missing).length > 0)
    return silent ? refuse('consent_required', 'Consent required') : { step: 'consent', missing }

  return { step: 'respond' }
}

type Refusal = Extract<NextStep, { step: 'refuse' }>
const refuse = (error: Refusal['error'], description: string): Refusal => ({ step: 'refuse', error, description })

/** Auth0's words for somebody who is no member. */
const refuseGuest = ({ invitation, organization }: AuthorizationRequest, { user }: SessionFacts): Refusal =>
  refuse(
    'access_denied',
    invitation
      ? 'The invitation is for another address'
      : `user ${user} is not part of the ${organization} organization`,
  )

const isVouchedFor = (
  request: AuthorizationRequest,
  { connection }: SessionFacts,
  organization: OrganizationFacts['meant'],
): boolean =>
  [request.connection, request.invitation?.connection ?? null].every(one => one === null || one === connection) &&
  (organization === null || organization.connections.includes(connection))

/** Whether the person belongs to the organization, or will by being let in. */
function isWelcome(
  { invitation }: AuthorizationRequest,
  { user, email, connection }: SessionFacts,
  organization: OrganizationFacts['meant'],
): boolean {
  if (organization === null) return true
  if (invitation !== null) return email !== null && emailKey(email) === emailKey(invitation.email)
  return organization.members.includes(user) || organization.joining.includes(connection)
}

/** OpenID Connect Core §3.1.2.2: an answer for another person than `id_token_hint` names is none. */
const isExpected = (request: AuthorizationRequest, session: SessionFacts): boolean =>
  request.subject === null || request.subject === session.user

/** A proof given in answer to this very request satisfies everything it may ask of a proof or a choice. */
const isProvenSince = (request: AuthorizationRequest, session: SessionFacts): boolean =>
  authenticatedAt(session.proofs) > request.receivedAt

const isProvenAnew = (request: AuthorizationRequest, session: SessionFacts): boolean =>
  !request.prompt.includes('login') || isProvenSince(request, session)

const isChosen = (request: AuthorizationRequest, session: SessionFacts): boolean =>
  !request.prompt.includes('select_account') || request.chosenSession === session.id || isProvenSince(request, session)

const isYoungEnough = (request: AuthorizationRequest, session: SessionFacts, now: Instant): boolean =>
  request.maxAgeSeconds === null ||
  isProvenSince(request, session) ||
  now - authenticatedAt(session.proofs) <= request.maxAgeSeconds * SECOND

/**
 * Per audience, the scopes still to be asked for: none of them where it is the audience itself that nobody allowed. The
 * operator's own applications are not asked about.
 */
export function missingConsent(
  request: AuthorizationRequest,
  client: ClientFacts,
  consents: ConsentFacts,
): Record<string, string[]> {
  if (client.isFirstParty) return {}
  const missing: Record<string, string[]> = {}
  for (const [audience, scopes] of Object.entries(request.asks)) {
    const consent = consents[audience]
    // `prompt=consent` is satisfied only by a consent given in answer to this very request.
    const counts = consent && (!request.prompt.includes('consent') || consent.givenAt > request.receivedAt)
    const lacking = scopes.filter(scope => !(counts && consent.scopes.includes(scope)))
    if (!counts || lacking.length > 0) missing[audience] = lacking
  }
  return missing
}
