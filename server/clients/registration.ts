/**
 * What a client may register of itself (RFC 7591 §2, OpenID Connect Dynamic Client Registration 1.0 §2), and how that
 * reads as the metadata that every client is stored by. Whoever registers is a stranger: what is not listed here is not
 * theirs to set, and everything has a bound. What has to be fetched, and the registration itself, are `oauth/`'s.
 */

import { checkMembers, type Members, readMembers } from '../config/members.ts'
import { ProtocolError } from '../kernel/errors.ts'
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts'
import { carriesToken, RESPONSE_TYPE_SPELLINGS } from '../policy/response-types.ts'
import { CLIENT_MEMBERS, clientProblems, ID_TOKEN_ALGORITHMS } from './metadata.ts'

/** Members that are stored under the name they are registered by, of the form that the client's metadata gives them. */
const AS_WRITTEN = [
  'logo_uri',
  'policy_uri',
  'tos_uri',
  'client_uri',
  'contacts',
  'software_id',
  'software_version',
  'grant_types',
  'response_types',
  'token_endpoint_auth_method',
  'token_endpoint_auth_signing_alg',
  'jwks',
  'jwks_uri',
  'subject_type',
  'sector_identifier_uri',
  'userinfo_signed_response_alg',
  'default_max_age',
  'initiate_login_uri',
  'require_pushed_authorization_requests',
  'request_uris',
  'request_object_signing_alg',
  'backchannel_logout_uri',
  'backchannel_logout_session_required',
  'frontchannel_logout_uri',
  'frontchannel_logout_session_required',
] as const satisfies readonly (keyof typeof CLIENT_MEMBERS)[]

/** Registered under another name than Auth0's, by which it is stored. */
const RENAMED = {
  client_name: 'name',
  redirect_uris: 'callbacks',
  post_logout_redirect_uris: 'allowed_logout_urls',
} as const satisfies Readonly<Record<string, keyof typeof CLIENT_MEMBERS>>

/** Of what a stranger may not have: keys of its kind would have to be published by every tenant. */
const ALGORITHMS = ID_TOKEN_ALGORITHMS.filter(name => !name.startsWith('ML-DSA'))

const MEMBERS = {
  ...(Object.fromEntries(AS_WRITTEN.map(name => [name, CLIENT_MEMBERS[name]])) as Pick<
    typeof CLIENT_MEMBERS,
    (typeof AS_WRITTEN)[number]
  >),
  client_name: { is: 'text', optional: true },
  redirect_uris: { is: 'urls', optional: true },
  post_logout_redirect_uris: { is: 'urls', optional: true },
  application_type: { is: 'text', oneOf: ['web', 'native'], optional: true },
  id_token_signed_response_alg: { is: 'text', oneOf: ALGORITHMS, optional: true },
  userinfo_signed_response_alg: { is: 'text', oneOf: ALGORITHMS, optional: true },
  response_types: { is: 'texts', oneOf: RESPONSE_TYPE_SPELLINGS, optional: true },
  // What acts for nobody, or for somebody whose password it was told, is the operator's to set up.
  grant_types: { is: 'texts', oneOf: ['authorization_code', 'implicit', 'refresh_token'], optional: true },
} as const satisfies Members

/** Addresses that are fetched, or that people are sent to from here. */
const ADDRESSES = [
  'logo_uri',
  'policy_uri',
  'tos_uri',
  'client_uri',
  'jwks_uri',
  'sector_identifier_uri',
  'backchannel_logout_uri',
  'frontchannel_logout_uri',
] as const

/** Beyond them a document is no client's. A key set of RSA keys is the longest member, and has a bound of its own. */
const MOST = { text: 2048, items: 50, members: 100, depth: 4, name: 100, redirects: 30 } as const

/**
 * The metadata to store for what a stranger asks; members that are not known here are ignored (RFC 7591 §2).
 * @throws ProtocolError `invalid_redirect_uri` or `invalid_client_metadata`
 */
export function readRegistration(document: JsonObject): JsonObject {
  if (isTooLarge(document)) throw refusal('The metadata is larger than that of any client.')
  const known = Object.fromEntries(Object.entries(document).filter(([name]) => Object.hasOwn(MEMBERS, name)))
  const [problem] = checkMembers(MEMBERS, known)
  if (problem) throw refusal(problem.message, problem.path[0] === 'redirect_uris')
  const asked = readMembers(MEMBERS, known)

  const isNative = asked.application_type === 'native'
  const responseTypes = asked.response_types ?? ['code']
  const grantTypes = asked.grant_types ?? grantsFor(responseTypes)
  // RFC 7591 §2.1: the two lists go together.
  const lacking = grantsFor(responseTypes).find(grant => !grantTypes.includes(grant))
  if (lacking !== undefined) throw refusal(`grant_types lacks ${lacking}, which response_types need.`)
  checkRedirects(asked.redirect_uris ?? [], { isNative, isImplicit: grantTypes.includes('implicit') })
  for (const url of asked.post_logout_redirect_uris ?? [])
    if (!isForPeople(url) && !isNative) throw refusal('post_logout_redirect_uris are http or https URLs.')
  for (const name of ADDRESSES)
    if (asked[name] !== undefined && !isForPeople(asked[name])) throw refusal(`${name} must be an http or https URL.`)
  // OpenID Connect Core §4: whoever is sent there signs in afterwards.
  if (asked.initiate_login_uri !== undefined && !asked.initiate_login_uri.startsWith('https:'))
    throw refusal('initiate_login_uri must be https.')

  // RFC 7591 §2.
  const method = asked.token_endpoint_auth_method ?? 'client_secret_basic'
  if (method === 'private_key_jwt' && asked.jwks === undefined && asked.jwks_uri === undefined)
    throw refusal('private_key_jwt needs jwks or jwks_uri.')
  const metadata: JsonObject = {
    ...Object.fromEntries(AS_WRITTEN.map(name => [name, asked[name]])),
    name: nameOf(asked.client_name, asked.redirect_uris),
    callbacks: asked.redirect_uris ?? [],
    allowed_logout_urls: asked.post_logout_redirect_uris,
    app_type: isNative ? 'native' : method === 'none' ? 'spa' : 'regular_web',
    jwt_configuration: { alg: asked.id_token_signed_response_alg ?? 'RS256' },
    token_endpoint_auth_method: method,
    response_types: responseTypes,
    grant_types: grantTypes,
  }
  const [conflict] = clientProblems(metadata)
  if (conflict) throw refusal(conflict.message)
  return JSON.parse(JSON.stringify(metadata)) as JsonObject
}

/** What the operator decides of a client that registers: people are asked, and told what is told of them. */
export const AS_A_STRANGER: JsonObject = { is_first_party: false, id_token_claims: 'minimal' }

/** Replaces what the client may say of itself, and leaves what it may not (RFC 7592 §2.2). */
export function withRegistration(before: JsonObject, registered: JsonObject): JsonObject {
  const own: readonly string[] = [...AS_WRITTEN, ...Object.values(RENAMED), 'app_type', 'jwt_configuration']
  const rest = Object.entries(before).filter(([name]) => !own.includes(name))
  return { ...Object.fromEntries(rest), ...registered }
}

/** Everything that is registered, by the names it is registered by: what was left out with its default. */
export function describeRegistration(metadata: JsonObject): JsonObject {
  const { alg } = isObject(metadata['jwt_configuration']) ? metadata['jwt_configuration'] : {}
  const described: JsonObject = {
    ...Object.fromEntries(AS_WRITTEN.map(name => [name, metadata[name]])),
    ...Object.fromEntries(Object.entries(RENAMED).map(([wire, stored]) => [wire, metadata[stored]])),
    application_type: metadata['app_type'] === 'native' ? 'native' : 'web',
    id_token_signed_response_alg: alg ?? 'RS256',
  }
  return Object.fromEntries(Object.entries(described).filter(([, value]) => value !== undefined && value !== null))
}

/** OpenID Connect Dynamic Client Registration §2. */
const grantsFor = (responseTypes: readonly string[]): ('authorization_code' | 'implicit')[] => [
  ...(responseTypes.some(type => type.split(' ').includes('code')) ? (['authorization_code'] as const) : []),
  ...(responseTypes.some(carriesToken) ? (['implicit'] as const) : []),
]

/**
 * Where a stranger may have people sent with a code or a token. A web client is reached by https, on this machine by
 * http too; a native one by a scheme of its own as well, which has to be the reverse of a domain (RFC 8252 §7.1).
 */
function checkRedirects(uris: readonly string[], { isNative, isImplicit }: { isNative: boolean; isImplicit: boolean }) {
  if (uris.length === 0 || uris.length > MOST.redirects)
    throw refusal(`redirect_uris must hold 1 to ${MOST.redirects} URIs.`, true)
  for (const uri of uris) {
    const url = new URL(uri)
    const isLoopback = /^(?:localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname)
    const isOwnScheme = !/^https?:$/.test(url.protocol)
    if (url.username !== '' || url.password !== '' || uri.includes('*') || /[^\x21-\x7e]/.test(uri))
      throw refusal('redirect_uris holds one with a name and password, a pattern or a character that no URI has.', true)
    if (isOwnScheme && !(isNative && url.protocol.includes('.')))
      throw refusal(
        'redirect_uris of a web client are https; a native one may have a scheme such as com.example.app.',
        true,
      )
    if (url.protocol === 'http:' && !isLoopback)
      throw refusal('redirect_uris holds one with http, which is for this machine alone.', true)
    // OpenID Connect Dynamic Client Registration §2: tokens in the URL never go to whatever listens there.
    if (isImplicit && !isNative && isLoopback)
      throw refusal('redirect_uris of a web client with the implicit grant are https, and not on this machine.', true)
  }
}

const isForPeople = (url: string): boolean => /^https?:\/\//i.test(url)

function nameOf(given: string | undefined, redirects: readonly string[] | undefined): string {
  const name = given ?? URL.parse(redirects?.[0] ?? '')?.hostname ?? ''
  if (name.length > MOST.name || /\p{C}/u.test(name))
    throw refusal(`client_name is at most ${MOST.name} characters, without controls.`)
  return name === '' ? 'An application without a name' : name
}

function isTooLarge(value: JsonValue | undefined, depth = 0): boolean {
  if (typeof value === 'string') return value.length > MOST.text
  if (typeof value !== 'object' || value === null) return false
  if (depth > MOST.depth) return true
  const within: readonly (JsonValue | undefined)[] = Array.isArray(value) ? value : Object.values(value)
  return (
    within.length > (Array.isArray(value) ? MOST.items : MOST.members) || within.some(one => isTooLarge(one, depth + 1))
  )
}

/** RFC 7591 §3.2.2. The sentence may repeat what was sent, of which only what RFC 6749 §5.2 allows is left. */
const refusal = (message: string, isRedirect = false): ProtocolError =>
  new ProtocolError(
    isRedirect ? 'invalid_redirect_uri' : 'invalid_client_metadata',
    message
      .replaceAll(/["\\]/g, "'")
      .replaceAll(/[^\x20-\x7e]/g, '?')
      .slice(0, 300),
  )
