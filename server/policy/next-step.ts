/**
 * What an authorization request needs next, decided purely from what is known. `oauth/` asks before it
 * answers, `login/` asks to know which page to show; neither decides by itself.
 */
import type { Instant } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import { SECOND } from '../kernel/seconds.ts'
import { authenticatedAt, type Proof } from './proof.ts'

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
  /** The user that `id_token_hint` names, and nobody else will do. */
  readonly subject: string | null
  /** The id of the connection that has to vouch for the person; null for any. */
  readonly connection: string | null
  /** `acr` values of which one is essential (OpenID Connect Core §5.5.1.1); empty for none. */
  readonly acr: readonly string[]
  /** The session that the person chose among several, once they did. */
  readonly chosenSession: string | null
  readonly loginHint: string | null
  /** `signup`: begin with the sign-up page. */
  readonly screenHint: string | null
  readonly uiLocales: string | null
  /** What single features keep for the token endpoint, under their names. */
  readonly notes: Readonly<Record<string, JsonObject>>
  readonly receivedAt: Instant
}

/** What there is to know of the browser's current session. */
export interface SessionFacts {
  readonly user: string
  readonly proofs: readonly Proof[]
}

export interface ClientFacts {
  readonly isFirstParty: boolean
}

/** What the person allowed this client, per audience. */
export type ConsentFacts = Readonly<Record<string, { readonly scopes: readonly string[]; readonly givenAt: Instant }>>

export type NextStep =
  | { readonly step: 'sign-in' }
  | { readonly step: 'consent'; readonly missing: Readonly<Record<string, readonly string[]>> }
  | { readonly step: 'respond' }
  | { readonly step: 'refuse'; readonly error: 'login_required' | 'consent_required'; readonly description: string }

export function nextStep(
  request: AuthorizationRequest,
  session: SessionFacts | undefined,
  client: ClientFacts,
  consents: ConsentFacts,
  now: Instant,
): NextStep {
  const silent = request.prompt.includes('none')

  if (session && !isExpected(request, session) && authenticatedAt(session.proofs) > request.receivedAt)
    return { step: 'refuse', error: 'login_required', description: 'Another person signed in than the one expected' }
  if (!session || !isExpected(request, session) || !isFreshEnough(request, session.proofs, now))
    return silent ? { step: 'refuse', error: 'login_required', description: 'Login required' } : { step: 'sign-in' }

  const missing = missingConsent(request, client, consents)
  if (Object.keys(missing).length > 0)
    return silent
      ? { step: 'refuse', error: 'consent_required', description: 'Consent required' }
      : { step: 'consent', missing }

  return { step: 'respond' }
}

/** OpenID Connect Core §3.1.2.2: an answer for another person than `id_token_hint` names is none. */
const isExpected = (request: AuthorizationRequest, session: SessionFacts): boolean =>
  request.subject === null || request.subject === session.user

/**
 * A proof given in answer to this very request satisfies everything it may ask. Otherwise `prompt=login` and
 * `select_account` are not satisfied by anything older, and `max_age` only by what is young enough.
 */
function isFreshEnough(request: AuthorizationRequest, proofs: readonly Proof[], now: Instant): boolean {
  const at = authenticatedAt(proofs)
  if (at > request.receivedAt) return true
  if (request.prompt.includes('login') || request.prompt.includes('select_account')) return false
  return request.maxAgeSeconds === null || now - at <= request.maxAgeSeconds * SECOND
}

/** Per audience, the scopes still to be asked for. The operator's own applications are not asked about. */
function missingConsent(
  request: AuthorizationRequest,
  client: ClientFacts,
  consents: ConsentFacts,
): Record<string, string[]> {
  if (client.isFirstParty) return {}
  const missing: Record<string, string[]> = {}
  for (const [audience, scopes] of Object.entries(request.audiences)) {
    const consent = consents[audience]
    // `prompt=consent` is satisfied only by a consent given in answer to this very request.
    const counts = consent && (!request.prompt.includes('consent') || consent.givenAt > request.receivedAt)
    const lacking = scopes.filter(scope => !(counts && consent.scopes.includes(scope)))
    if (lacking.length > 0) missing[audience] = lacking
  }
  return missing
}
