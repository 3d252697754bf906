/**
 * Reading what a client sent to `/authorize`: who it is, where it may be answered, and what it asks. The first
 * two are proven before anything else, because until then there is nobody to tell of a fault but the person.
 */
import { type Client, isPublic } from '../clients/metadata.ts'
import { isRegisteredRedirectUri, isRegisteredWebOrigin } from '../clients/redirect-uris.ts'
import type { Parameters } from '../http/parameters.ts'
import type { Incoming } from '../http/route.ts'
import { PageError, ProtocolError } from '../kernel/errors.ts'
import type { AuthorizationRequest } from '../policy/next-step.ts'
import { answersWith, carriesToken, knownResponseType, type ResponseType } from '../policy/response-types.ts'
import { userinfoAudience } from '../tokens/access-token.ts'
import type { Draft, Feature, OAuthServices, ReceiveContext, TargetContext, ValidateContext } from './feature.ts'
import { runPhase } from './phases.ts'
import { CHALLENGED_NOTE, PUSHED_NOTE, SIGNED_NOTE } from './request-notes.ts'
import { defaultResponseMode, type ResponseMode, responseModes } from './response-modes/response-mode.ts'
import { supportedResponseTypes } from './response-types.ts'

/** The one parameter that may be repeated (RFC 8707 §2). */
const MAY_REPEAT = ['resource']
/** Far above what clients send (FAPI's conformance suite tries 1,000 characters), far below what burdens a URL. */
const LONGEST_STATE = 4096

export async function identifyClient(
  { clients }: OAuthServices,
  incoming: Incoming,
  parameters: Parameters,
): Promise<Client> {
  const id = parameters.get('client_id')
  if (id === undefined || parameters.repeated.includes('client_id'))
    throw new PageError('unknown_client', 'The request names no client_id, or several.')
  const client = await clients.find(incoming.tenant, id)
  if (!client) throw new PageError('unknown_client', `There is no application with the client_id ${shown(id)}.`)
  return client
}

/** Which request it is, of a client that is known. Throws `ProtocolError`, or `PageError` where nobody else can be told. */
export async function receive(
  services: OAuthServices,
  features: readonly Feature[],
  request: Pick<ReceiveContext, 'incoming' | 'client' | 'sent' | 'notes'>,
): Promise<ReceiveContext> {
  const context: ReceiveContext = { services, ...request, parameters: request.sent }
  await runPhase('authorize.receive', features, context)
  return context
}

/**
 * The mode the answer travels in; the default one for a mode that does not exist, that cannot answer there, or that
 * may not carry what is asked for.
 */
export function chooseMode(client: Client, parameters: Parameters): ResponseMode {
  const responseType = parameters.get('response_type')
  const asked = responseModes.find(mode => mode.name === parameters.get('response_mode'))
  const reaches =
    !asked?.needsWebPage || /^https?:/.test(parameters.get('redirect_uri') ?? client.redirectUris[0] ?? '')
  const mayCarry = asked?.carriesTokens || !carriesToken(responseType ?? '')
  return asked && reaches && mayCarry ? asked : defaultResponseMode(responseType)
}

/**
 * Where the answer goes. One registered URI may be left out of a request that is not for OpenID Connect
 * (RFC 6749 §3.1.2.3; OpenID Connect Core §3.1.2.1 demands it).
 */
export function proveRedirectUri(client: Client, parameters: Parameters, mode: ResponseMode): string {
  const presented = parameters.get('redirect_uri')
  if (parameters.repeated.includes('redirect_uri'))
    throw new PageError('redirect_uri_mismatch', 'The request names several redirect_uri.')
  if (presented === undefined) {
    const [only, ...others] = client.redirectUris
    if (
      only !== undefined &&
      others.length === 0 &&
      !parameters.get('scope')?.split(' ').includes('openid') &&
      isRegisteredRedirectUri(client, only)
    )
      return only
    throw new PageError('redirect_uri_missing', 'The request names no redirect_uri.')
  }
  if (isRegisteredRedirectUri(client, presented)) return presented
  if (mode.staysInBrowser && isRegisteredWebOrigin(client, presented)) return presented
  throw new PageError(
    'redirect_uri_mismatch',
    `The redirect_uri ${shown(presented)} is not among the callbacks of ${shown(client.id)}.`,
  )
}

/** What the client asks, checked by the endpoint and by every feature, as what was understood. Throws `ProtocolError`. */
export async function understand(
  services: OAuthServices,
  features: readonly Feature[],
  received: Readonly<ReceiveContext>,
  { redirectUri, mode }: { redirectUri: string; mode: ResponseMode },
): Promise<AuthorizationRequest> {
  const { incoming, client, parameters } = received
  refuseRepetition(parameters)
  refuseUnread(parameters)
  refuseUnknownMode(parameters, mode)
  const responseType = chooseResponseType(features, client, parameters)
  const state = parameters.get('state') ?? null
  if ((state?.length ?? 0) > LONGEST_STATE)
    throw new ProtocolError('invalid_request', `state is longer than ${LONGEST_STATE} characters.`)

  const tenant = await services.tenants.find(incoming.tenant)
  const target: TargetContext = { ...received, tenant, apis: [] }
  await runPhase('authorize.target', features, target)

  const scopes = [...new Set(parameters.get('scope')?.split(' ').filter(Boolean))]
  const allowed = createMarks()
  const asked = createMarks()
  const subjects = new Set<string>()
  const draft: Draft = {
    prompt: [],
    maxAgeSeconds: null,
    connection: null,
    organization: null,
    asksOrganization: null,
    invitation: null,
    acr: [],
    loginHint: null,
    screenHint: null,
    uiLocales: null,
    notes: { ...received.notes },
    lasting: {},
  }
  const context: ValidateContext = {
    ...target,
    responseType,
    scopes,
    draft,
    allow: allowed.mark,
    ask: asked.mark,
    expect: subject => void subjects.add(subject),
  }
  await runPhase('authorize.validate', features, context)
  refuseUnbound(client, responseType, draft.notes)
  const [subject = null, ...others] = subjects
  if (others.length > 0) throw new ProtocolError('invalid_request', 'The request expects several people at once.')

  const own = userinfoAudience(incoming.issuer)
  const audiences = [own, ...target.apis.map(api => api.identifier)]
  // In the order of the request, so that the answer does not depend on who marked them first.
  const granted = audiences.map((audience): [string, string[]] => [
    audience,
    scopes.filter(scope => allowed.has(audience, scope)),
  ])
  return {
    ...draft,
    subject,
    client: client.id,
    redirectUri,
    redirectUriWasSent: parameters.get('redirect_uri') !== undefined,
    responseType,
    responseMode: mode.name,
    state,
    audience: target.apis[0]?.identifier ?? own,
    audiences: Object.fromEntries(granted),
    asks: Object.fromEntries(
      granted
        .map(([audience, some]): [string, string[]] => [
          audience,
          [...new Set([...some, ...[...asked.of(audience)].sort()])],
        ])
        // Whoever asks for nothing but an API is to be asked about nothing but that.
        .filter(([audience, some]) => some.length > 0 || audience !== own || target.apis.length === 0),
    ),
    chosenSession: null,
    receivedAt: services.clock(),
  }
}

/** Scopes marked per audience, by whichever features, in whichever order. */
function createMarks() {
  const marks = new Map<string, Set<string>>()
  const of = (audience: string): ReadonlySet<string> => marks.get(audience) ?? new Set()
  return {
    of,
    has: (audience: string, scope: string) => of(audience).has(scope),
    mark: (audience: string, scopes: readonly string[]) =>
      void marks.set(audience, new Set([...of(audience), ...scopes])),
  }
}

function refuseRepetition(parameters: Parameters): void {
  const [name] = parameters.repeated.filter(one => !MAY_REPEAT.includes(one))
  if (name !== undefined) throw new ProtocolError('invalid_request', 'A parameter is sent more than once.')
}

/** They may hold what does not stand beside them: to leave them unread would be to answer another request. */
function refuseUnread(parameters: Parameters): void {
  if (parameters.has('request'))
    throw new ProtocolError('request_not_supported', 'The request parameter is not supported.')
  if (parameters.has('request_uri'))
    throw new ProtocolError('request_uri_not_supported', 'This request_uri is not supported.')
}

/** What a client is bound to belongs to no feature: a provider that lacks it would take of the client what it never sends. */
function refuseUnbound(client: Client, responseType: ResponseType, notes: Draft['notes']): void {
  if (client.requiresPushedRequests && !notes[PUSHED_NOTE])
    throw new ProtocolError('invalid_request', 'This client has to push its requests.')
  if (client.requestObject.isRequired && !notes[SIGNED_NOTE])
    throw new ProtocolError('invalid_request', 'This client has to sign its requests.')
  // RFC 9700 §2.1.1: its code would be anybody's who sees it.
  if (isPublic(client) && answersWith(responseType, 'code') && !notes[CHALLENGED_NOTE])
    throw new ProtocolError('invalid_request', 'This client has to send a code_challenge.')
}

function refuseUnknownMode(parameters: Parameters, mode: ResponseMode): void {
  const asked = parameters.get('response_mode')
  if (asked !== undefined && asked !== mode.name)
    throw new ProtocolError('invalid_request', 'This response_mode is not supported, or not for what is asked.')
}

/** Some feature answers each of its members, or nobody does; and the client is one that may have them. */
function chooseResponseType(features: readonly Feature[], client: Client, parameters: Parameters): ResponseType {
  const asked = parameters.get('response_type')
  if (asked === undefined) throw new ProtocolError('invalid_request', 'response_type is missing.')
  const known = knownResponseType(asked)
  if (known === undefined || !supportedResponseTypes(features).includes(known))
    throw new ProtocolError('unsupported_response_type', 'This response_type is not supported.')
  if (!client.responseTypes.includes(known))
    throw new ProtocolError('unauthorized_client', `Response type ${known} not allowed for the client.`)
  return known
}

/** What a stranger sent, short enough to be shown. */
const shown = (text: string): string => (text.length > 200 ? `${text.slice(0, 200)}…` : text)
