/**
 * What a client's metadata means. It is stored under Auth0's names as it was given, so that an export returns
 * it; here it becomes a `Client` with every default settled, which is all that the rest of the server sees.
 */

import { isDeepStrictEqual } from 'node:util'
import { type Member, type Problem, type Read, readMembers } from '../config/members.ts'
import type { JsonObject, JsonValue } from '../kernel/json.ts'
import { DAY, SECOND } from '../kernel/seconds.ts'
import { sha256 } from '../kernel/secrets.ts'
import { originOf } from '../kernel/url.ts'
import {
  knownResponseType,
  RESPONSE_TYPE_SPELLINGS,
  type ResponseMember,
  type ResponseType,
  responseTypesOf,
} from '../policy/response-types.ts'
import type { ClientRecord } from '../store/clients.ts'
import { CLIENT_CLAIMS, type CustomClaim, claimProblems, clientFacts, readClaims } from './custom-claims.ts'
import { withCredentials } from './placed-credentials.ts'
import {
  CLIENT_KEY_ALGORITHMS,
  credentialsFault,
  keySetFault,
  type RegisteredKey,
  readRegisteredKeys,
} from './public-keys.ts'
import { REQUEST_OBJECT_ALGORITHMS, type RequestObjectAlgorithm, requestUrisFault } from './request-objects.ts'

export type ClientType = 'spa' | 'native' | 'regular_web' | 'non_interactive'
export type CodeChallengeMethod = 'S256' | 'plain'
export type SecretMethod = 'client_secret_post' | 'client_secret_basic'
export type AssertionMethod = 'private_key_jwt' | 'client_secret_jwt'

export interface Client {
  readonly tenant: string
  readonly id: string
  readonly epoch: number
  readonly name: string
  readonly type: ClientType
  readonly logoUrl: string | null
  readonly policyUrl: string | null
  readonly termsUrl: string | null
  readonly redirectUris: readonly string[]
  readonly logoutUrls: readonly string[]
  readonly webOrigins: readonly string[]
  /** Of its pages: where it may sign people in from. */
  readonly origins: readonly string[]
  /** Whether it may take passwords and codes on its own pages, for a session of the browser's. */
  readonly signsInCrossOrigin: boolean
  readonly grantTypes: readonly string[]
  readonly responseTypes: readonly ResponseType[]
  /** RFC 9126 §6: whatever it asks at `/authorize` by any other way is refused. */
  readonly requiresPushedRequests: boolean
  /** Where it publishes signed requests: as registered, fragments included. */
  readonly requestUris: readonly string[]
  readonly requestObject: {
    readonly isRequired: boolean
    /** The only algorithm its requests are believed by, or null for all. */
    readonly algorithm: RequestObjectAlgorithm | null
    /** The only keys they are believed by; null for those that the client signs with otherwise. */
    readonly keys: readonly RegisteredKey[] | null
  }
  readonly codeChallengeMethods: readonly CodeChallengeMethod[]
  /** `none`: anybody can pretend to be it, so PKCE is demanded of it. */
  readonly authentication: 'none' | SecretMethod | AssertionMethod
  /** SHA-256 of the secret; null for a client that does not send one. */
  readonly secretHash: string | null
  /** What it signs with: assertions of who it is, and requests. */
  readonly keys: {
    readonly registered: readonly RegisteredKey[]
    /** Where it publishes them; then none are registered. */
    readonly uri: string | null
  }
  readonly assertion: {
    /** The only algorithm it is believed by, or null for all of its method's. */
    readonly algorithm: string | null
    /** `issuer`: made for the issuer and for nobody else, as FAPI 2 demands; otherwise an endpoint may be named too. */
    readonly audience: 'issuer' | 'issuer-or-endpoint'
  }
  /** Where and of what it is told when a session that it took part in ends, server to server. */
  readonly backChannelLogout: { readonly url: string; readonly initiators: 'all' | readonly LogoutInitiator[] } | null
  /** What its part of a session is ended by when the browser loads it. */
  readonly frontChannelLogout: string | null
  /** How old a proof may be that answers a request which does not say; null for any. */
  readonly defaultMaxAgeSeconds: number | null
  /** Whose names for people it uses (OpenID Connect Core §8.1), a host; null for one that knows them by their ids. */
  readonly sector: string | null
  /** What `/userinfo` is signed with for it; null for plain JSON. */
  readonly userinfoAlgorithm: string | null
  /** The operator's own application: people are not asked to consent to it. */
  readonly isFirstParty: boolean
  /** Whether it is given nothing for a person whose address is not confirmed. */
  readonly requiresVerifiedEmail: boolean
  /** Of the operator's making, for its tokens, and what they may say of it. */
  readonly claims: readonly CustomClaim[]
  readonly facts: JsonObject
  readonly organizations: {
    /** Whether people sign in to it within an organization. */
    readonly usage: 'deny' | 'allow' | 'require'
    /** When they are asked for it, by a request that names none. */
    readonly asks: 'never' | 'before-sign-in' | 'after-sign-in'
  }
  /** Where a sign-in begins that somebody else asks for (OpenID Connect Core §4). */
  readonly initiateLoginUri: string | null
  /** It may say whose address a token request is for; it has proven itself first. */
  readonly trustsForwardedAddress: boolean
  readonly idToken: {
    readonly algorithm: string
    readonly lifetimeSeconds: number
    /** `full`: the claims of the granted scopes stand in the ID token too, where Auth0's SDKs read the profile. */
    readonly claims: 'full' | 'minimal'
  }
  readonly refresh: {
    readonly rotates: boolean
    readonly leeway: number
    /** Milliseconds from the first token; a family lives no longer, however often it is used. */
    readonly lifetime: number
    readonly idleLifetime: number
  }
}

/** What ends a session, in Auth0's words. A client may say of which of them it is told over the back channel. */
export const LOGOUT_INITIATORS = [
  'rp-logout',
  'idp-logout',
  'password-changed',
  'session-expired',
  'session-revoked',
  'account-deleted',
  'email-identifier-changed',
  'mfa-phone-unenrolled',
  'account-deactivated',
] as const
export type LogoutInitiator = (typeof LOGOUT_INITIATORS)[number]

/** Methods by which a client sends its secret. One that proves it otherwise must not fall back to it. */
const SECRET_METHODS: readonly string[] = ['client_secret_post', 'client_secret_basic'] satisfies SecretMethod[]

/** RFC 6749 calls it confidential: it holds something only it knows. */
export const isPublic = (client: Client): boolean => client.authentication === 'none'

const CLIENT_TYPES: readonly ClientType[] = ['spa', 'native', 'regular_web', 'non_interactive']
/** Auth0's names of integrations, which are web applications to us but for the first: that one is an API's own client. */
const OTHER_TYPES = [
  'resource_server',
  'express_configuration',
  ...[
    'rms',
    'box',
    'cloudbees',
    'concur',
    'dropbox',
    'mscrm',
    'echosign',
    'egnyte',
    'newrelic',
    'office365',
    'salesforce',
  ],
  ...['sentry', 'sharepoint', 'slack', 'springcm', 'zendesk', 'zoom', 'sso_integration', 'oag'],
] as const
export const APP_TYPES = [...CLIENT_TYPES, ...OTHER_TYPES] as const

const typeOf = (appType: string | undefined): ClientType =>
  CLIENT_TYPES.find(type => type === appType) ?? (appType === 'resource_server' ? 'non_interactive' : 'regular_web')
const GRANTS_BY_TYPE: Readonly<Record<ClientType, readonly string[]>> = {
  spa: ['authorization_code', 'refresh_token'],
  native: ['authorization_code', 'refresh_token'],
  regular_web: ['authorization_code', 'refresh_token', 'client_credentials'],
  non_interactive: ['client_credentials'],
}

/** Auth0's defaults, so that an imported client behaves as it did. */
export const ID_TOKEN_LIFETIME = 36_000
const REFRESH_LIFETIME = (30 * DAY) / SECOND
const REFRESH_IDLE_LIFETIME = (15 * DAY) / SECOND
/** Long enough for a second tab and a lost answer, too short to be of use to a thief. */
const LEEWAY = 30
/** "Infinite" lifetimes of an export: nobody keeps a token this long, and every row still ends. */
const FOREVER = 10 * 365 * DAY

/** Signing algorithms a client may choose for its ID tokens. HS256 is not one: its secret would vouch for people. */
export const ID_TOKEN_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA', 'ML-DSA-44'] as const

/** RFC 8705 §2: nothing here asks for a certificate, and whoever sets it must not believe that one is asked for. */
const noTlsMethod = (_value: JsonValue, name: string): string =>
  `${name} is not built here; a client proves itself by private_key_jwt or by its secret.`

/** The members that have a meaning here, each with the check of its form. `config/members.ts` runs them. */
export const CLIENT_MEMBERS = {
  name: { is: 'text' },
  description: { is: 'text', optional: true },
  app_type: { is: 'text', oneOf: APP_TYPES, optional: true },
  logo_uri: { is: 'url', optional: true },
  policy_uri: { is: 'url', optional: true },
  tos_uri: { is: 'url', optional: true },
  callbacks: { is: 'urls', optional: true },
  allowed_logout_urls: { is: 'urls', optional: true },
  web_origins: { is: 'urls', optional: true },
  allowed_origins: { is: 'urls', optional: true },
  cross_origin_authentication: { is: 'boolean', optional: true },
  grant_types: { is: 'texts', optional: true },
  /** Members in any order. Left out, they follow from `grant_types`. */
  response_types: { is: 'texts', oneOf: RESPONSE_TYPE_SPELLINGS, optional: true },
  require_pushed_authorization_requests: { is: 'boolean', optional: true },
  request_uris: { is: 'any', check: requestUrisFault, optional: true },
  request_object_signing_alg: { is: 'text', oneOf: REQUEST_OBJECT_ALGORITHMS, optional: true },
  /** Auth0's name. Without keys of their own, requests are signed with the client's. */
  signed_request_object: {
    is: 'object',
    optional: true,
    members: {
      required: { is: 'boolean', optional: true },
      credentials: { is: 'any', check: credentialsFault, optional: true },
    },
  },
  /** RFC 7636 §4.3's names; `plain` only where it is listed. */
  code_challenge_methods: { is: 'texts', oneOf: ['S256', 'plain'], optional: true },
  token_endpoint_auth_method: {
    is: 'text',
    oneOf: ['none', 'client_secret_post', 'client_secret_basic', 'private_key_jwt', 'client_secret_jwt'],
    optional: true,
  },
  token_endpoint_auth_signing_alg: { is: 'text', oneOf: [...CLIENT_KEY_ALGORITHMS, 'HS256'], optional: true },
  jwks: { is: 'any', check: keySetFault, optional: true },
  jwks_uri: { is: 'url', optional: true },
  /** Auth0's way to say that a client authenticates by key, and by which. */
  client_authentication_methods: {
    is: 'object',
    optional: true,
    members: {
      private_key_jwt: {
        is: 'object',
        optional: true,
        members: { credentials: { is: 'any', check: credentialsFault } },
      },
      tls_client_auth: { is: 'any', check: noTlsMethod, optional: true },
      self_signed_tls_client_auth: { is: 'any', check: noTlsMethod, optional: true },
    },
  },
  /** Auth0's name for a security profile. Those of FAPI 2 tighten what an assertion may say; two more want certificates. */
  compliance_level: { is: 'text', oneOf: ['none', 'fapi1_adv_pkj_par', 'fapi2_sp_pkj_mtls'], optional: true },
  backchannel_logout_uri: { is: 'url', optional: true },
  /** Every logout token names the session, asked for or not. */
  backchannel_logout_session_required: { is: 'boolean', optional: true },
  frontchannel_logout_uri: { is: 'url', optional: true },
  frontchannel_logout_session_required: { is: 'boolean', optional: true },
  /** Auth0's name for the back channel. */
  oidc_logout: {
    is: 'object',
    optional: true,
    members: {
      backchannel_logout_urls: { is: 'urls', optional: true },
      backchannel_logout_initiators: {
        is: 'object',
        optional: true,
        members: {
          mode: { is: 'text', oneOf: ['custom', 'all'], optional: true },
          selected_initiators: { is: 'texts', oneOf: LOGOUT_INITIATORS, optional: true },
        },
      },
    },
  },
  is_first_party: { is: 'boolean', optional: true },
  require_verified_email: { is: 'boolean', optional: true },
  /** The operator's own: which claims its tokens have besides. `custom-claims.ts` has the form. */
  claims: { is: 'any', optional: true },
  client_metadata: { is: 'any', optional: true },
  organization_usage: { is: 'text', oneOf: ['deny', 'allow', 'require'], optional: true },
  organization_require_behavior: {
    is: 'text',
    oneOf: ['no_prompt', 'pre_login_prompt', 'post_login_prompt'],
    optional: true,
  },
  is_token_endpoint_ip_header_trusted: { is: 'boolean', optional: true },
  oidc_conformant: { is: 'boolean', optional: true },
  client_uri: { is: 'url', optional: true },
  contacts: { is: 'texts', optional: true },
  software_id: { is: 'text', optional: true },
  software_version: { is: 'text', optional: true },
  /** Where a sign-in begins that somebody else asks for (OpenID Connect Core §4). */
  initiate_login_uri: { is: 'url', optional: true },
  default_max_age: { is: 'seconds', optional: true },
  subject_type: { is: 'text', oneOf: ['public', 'pairwise'], optional: true },
  sector_identifier_uri: { is: 'url', optional: true },
  userinfo_signed_response_alg: { is: 'text', oneOf: ID_TOKEN_ALGORITHMS, optional: true },
  id_token_claims: { is: 'text', oneOf: ['full', 'minimal'], optional: true },
  jwt_configuration: {
    is: 'object',
    optional: true,
    members: {
      alg: { is: 'text', oneOf: ID_TOKEN_ALGORITHMS, optional: true },
      lifetime_in_seconds: { is: 'seconds', optional: true },
      secret_encoded: { is: 'boolean', optional: true },
    },
  },
  refresh_token: {
    is: 'object',
    optional: true,
    members: {
      rotation_type: { is: 'text', oneOf: ['rotating', 'non-rotating'], optional: true },
      expiration_type: { is: 'text', oneOf: ['expiring', 'non-expiring'], optional: true },
      leeway: { is: 'seconds', optional: true },
      token_lifetime: { is: 'seconds', optional: true },
      idle_token_lifetime: { is: 'seconds', optional: true },
      infinite_token_lifetime: { is: 'boolean', optional: true },
      infinite_idle_token_lifetime: { is: 'boolean', optional: true },
    },
  },
} as const satisfies Readonly<Record<string, Member>>

/** The stored metadata was checked with `CLIENT_MEMBERS` when it came in, so nothing here can fail. */
export function resolveClient(record: ClientRecord, secret: string | null): Client {
  const metadata = readMembers(CLIENT_MEMBERS, withCredentials(record.metadata, record.credentials))
  const type = typeOf(metadata.app_type)
  const authentication = authenticationOf(metadata)
  const uri = metadata.jwks_uri ?? null
  const grantTypes = metadata.grant_types ?? GRANTS_BY_TYPE[type]
  return {
    tenant: record.tenant,
    id: record.id,
    epoch: record.epoch,
    name: metadata.name,
    type,
    logoUrl: metadata.logo_uri ?? null,
    policyUrl: metadata.policy_uri ?? null,
    termsUrl: metadata.tos_uri ?? null,
    redirectUris: metadata.callbacks ?? [],
    logoutUrls: metadata.allowed_logout_urls ?? [],
    webOrigins: metadata.web_origins ?? [],
    origins: pageOriginsOf(metadata),
    signsInCrossOrigin: metadata.cross_origin_authentication ?? false,
    grantTypes,
    responseTypes: metadata.response_types?.flatMap(one => knownResponseType(one) ?? []) ?? allowedBy(grantTypes),
    requiresPushedRequests: metadata.require_pushed_authorization_requests ?? false,
    requestUris: (metadata.request_uris ?? []) as readonly string[],
    requestObject: {
      isRequired: metadata.signed_request_object?.required ?? false,
      algorithm: metadata.request_object_signing_alg ?? null,
      keys: requestKeysOf(metadata.signed_request_object?.credentials),
    },
    codeChallengeMethods: metadata.code_challenge_methods?.length ? metadata.code_challenge_methods : ['S256'],
    authentication,
    secretHash: secret !== null && SECRET_METHODS.includes(authentication) ? sha256(secret) : null,
    keys: {
      uri,
      registered:
        uri === null
          ? readRegisteredKeys(metadata.jwks, metadata.client_authentication_methods?.private_key_jwt?.credentials)
          : [],
    },
    assertion: {
      algorithm: metadata.token_endpoint_auth_signing_alg ?? null,
      audience: metadata.compliance_level?.startsWith('fapi2') ? 'issuer' : 'issuer-or-endpoint',
    },
    backChannelLogout: backChannelOf(metadata),
    frontChannelLogout: frontChannelOf(metadata),
    defaultMaxAgeSeconds: metadata.default_max_age ?? null,
    // Without a host to tell, which nothing sound lacks, it shares its names with nobody.
    sector: metadata.subject_type === 'pairwise' ? (sectorOf(metadata) ?? record.id) : null,
    userinfoAlgorithm: metadata.userinfo_signed_response_alg ?? null,
    isFirstParty: metadata.is_first_party ?? true,
    requiresVerifiedEmail: metadata.require_verified_email ?? false,
    claims: readClaims(metadata.claims, CLIENT_CLAIMS),
    facts: clientFacts(record.id, record.metadata),
    organizations: {
      usage: metadata.organization_usage ?? 'deny',
      asks: ASKS_FOR_ORGANIZATION[metadata.organization_require_behavior ?? 'no_prompt'],
    },
    initiateLoginUri: metadata.initiate_login_uri ?? null,
    trustsForwardedAddress: authentication !== 'none' && metadata.is_token_endpoint_ip_header_trusted === true,
    idToken: {
      algorithm: metadata.jwt_configuration?.alg ?? 'RS256',
      lifetimeSeconds: metadata.jwt_configuration?.lifetime_in_seconds ?? ID_TOKEN_LIFETIME,
      claims: metadata.id_token_claims ?? 'full',
    },
    refresh: resolveRefresh(metadata.refresh_token ?? {}, authentication !== 'private_key_jwt'),
  }
}

/** An empty list says nothing. Keys of which only the ids came along, in an export, vouch for nobody. */
const requestKeysOf = (credentials: JsonValue | undefined): readonly RegisteredKey[] | null =>
  Array.isArray(credentials) && credentials.length > 0 ? readRegisteredKeys(undefined, credentials) : null

type Metadata = Read<typeof CLIENT_MEMBERS>

/** Auth0's rule. An application's own scheme has no pages, and what a browser cannot name an origin of matches none. */
export const pageOriginsOf = ({
  allowed_origins: allowed = [],
  web_origins: web = [],
  callbacks = [],
}: Pick<Metadata, 'allowed_origins' | 'web_origins' | 'callbacks'>): readonly string[] => [
  ...new Set(
    [...allowed, ...web, ...callbacks]
      .filter(url => /^https?:/i.test(url))
      .flatMap(url => URL.parse(url)?.origin ?? []),
  ),
]

const ASKS_FOR_ORGANIZATION = {
  no_prompt: 'never',
  pre_login_prompt: 'before-sign-in',
  post_login_prompt: 'after-sign-in',
} as const

function backChannelOf({ backchannel_logout_uri: uri, oidc_logout: auth0 }: Metadata): Client['backChannelLogout'] {
  const url = uri ?? auth0?.backchannel_logout_urls?.[0]
  if (url === undefined) return null
  const { mode, selected_initiators: selected = [] } = auth0?.backchannel_logout_initiators ?? {}
  return { url, initiators: mode === 'custom' ? selected : 'all' }
}

/** Whatever way it came in: a page of ours never frames what is not the client's own (Front-Channel Logout 1.0 §2). */
const frontChannelOf = (metadata: Metadata): string | null =>
  metadata.frontchannel_logout_uri !== undefined && isOfCallbacks(metadata.frontchannel_logout_uri, metadata)
    ? metadata.frontchannel_logout_uri
    : null

const isOfCallbacks = (url: string, { callbacks = [] }: Metadata): boolean =>
  /^https?:/.test(url) && callbacks.some(callback => /^https?:/.test(callback) && originOf(callback) === originOf(url))

/** OpenID Connect Core §8.1: the host of the sector's URL, or else of the redirect URIs where they have one in common. */
function sectorOf(
  metadata: Pick<Read<typeof CLIENT_MEMBERS>, 'sector_identifier_uri' | 'callbacks'>,
): string | undefined {
  const urls = metadata.sector_identifier_uri ? [metadata.sector_identifier_uri] : (metadata.callbacks ?? [])
  const [host, ...others] = new Set(urls.map(url => URL.parse(url)?.hostname ?? ''))
  return host !== '' && others.length === 0 ? host : undefined
}

function authenticationOf(
  metadata: Pick<
    Read<typeof CLIENT_MEMBERS>,
    'app_type' | 'token_endpoint_auth_method' | 'client_authentication_methods'
  >,
): Client['authentication'] {
  const methods = metadata.client_authentication_methods ?? {}
  // One that was kept with a certificate is to be known by something it holds: never by its name, or a secret that it sends.
  if (methods.private_key_jwt ?? methods.tls_client_auth ?? methods.self_signed_tls_client_auth)
    return 'private_key_jwt'
  return metadata.token_endpoint_auth_method ?? defaultAuthentication(typeOf(metadata.app_type))
}

/** OpenID Connect Dynamic Client Registration §2: which grant each member of a response type belongs to. */
function allowedBy(grantTypes: readonly string[]): readonly ResponseType[] {
  const code: ResponseMember[] = grantTypes.includes('authorization_code') ? ['code'] : []
  const tokens: ResponseMember[] = grantTypes.includes('implicit') ? ['token', 'id_token'] : []
  return responseTypesOf([...code, ...tokens])
}

const defaultAuthentication = (type: ClientType): Client['authentication'] =>
  type === 'spa' || type === 'native' ? 'none' : 'client_secret_post'

/** What the metadata says of authentication, before there is a `Client`: whether one of this kind needs a secret. */
export function needsSecret(metadata: JsonObject): boolean {
  const authentication = authenticationOf(readMembers(CLIENT_MEMBERS, metadata))
  return authentication === 'client_secret_jwt' || SECRET_METHODS.includes(authentication)
}

/** Where its keys stand, or are fetched from. */
const KEY_MEMBERS = ['jwks', 'jwks_uri', 'client_authentication_methods'] as const

/** Whether a client of the one metadata proves that it is itself by another method, or by other keys, than one of the other. */
export const provesItselfOtherwise = (before: JsonObject, after: JsonObject): boolean =>
  authenticationOf(readMembers(CLIENT_MEMBERS, before)) !== authenticationOf(readMembers(CLIENT_MEMBERS, after)) ||
  KEY_MEMBERS.some(name => !isDeepStrictEqual(before[name], after[name]))

/** RFC 7518 §3.2: what a secret must be to sign with. */
const SIGNING_SECRET_BYTES = 32

/** What is wrong with members that are sound one by one, each with its place. `secret` is the one given beside them. */
export function clientProblems(document: JsonObject, secret: string | null = null): Problem[] {
  const metadata = readMembers(CLIENT_MEMBERS, document)
  const authentication = authenticationOf(metadata)
  const problem = (path: string, message: string): Problem => ({ path: [path], message })
  const problems: Problem[] = [...claimProblems(document['claims'], CLIENT_CLAIMS)]
  // RFC 7591 §2: one or the other.
  if (metadata.jwks !== undefined && metadata.jwks_uri !== undefined)
    problems.push(problem('jwks_uri', 'jwks and jwks_uri are both there; only one of them may be.'))
  if (metadata.subject_type === 'pairwise' && sectorOf(metadata) === undefined)
    problems.push(
      problem(
        'subject_type',
        'subject_type pairwise needs redirect URIs of one host, or a sector_identifier_uri that lists them.',
      ),
    )
  const userinfo = metadata.userinfo_signed_response_alg ?? 'RS256'
  if (userinfo !== 'RS256' && userinfo !== metadata.jwt_configuration?.alg)
    problems.push(
      problem(
        'userinfo_signed_response_alg',
        'userinfo_signed_response_alg must be RS256, or what the ID tokens of the client are signed with.',
      ),
    )
  const algorithm = metadata.token_endpoint_auth_signing_alg
  if (
    algorithm !== undefined &&
    isAssertion(authentication) &&
    !assertionAlgorithms(authentication).includes(algorithm)
  )
    problems.push(problem('token_endpoint_auth_signing_alg', `${authentication} is not signed with ${algorithm}.`))
  if (authentication === 'client_secret_jwt' && secret !== null && Buffer.byteLength(secret) < SIGNING_SECRET_BYTES)
    problems.push(
      problem('client_secret', `client_secret must be at least ${SIGNING_SECRET_BYTES} bytes long to sign with.`),
    )
  if (metadata.frontchannel_logout_uri !== undefined && !isOfCallbacks(metadata.frontchannel_logout_uri, metadata))
    problems.push(
      problem('frontchannel_logout_uri', 'frontchannel_logout_uri must have the scheme, host and port of a callback.'),
    )
  for (const [member, url] of [
    ['frontchannel_logout_uri', metadata.frontchannel_logout_uri],
    ['backchannel_logout_uri', metadata.backchannel_logout_uri],
  ] as const)
    if (url?.includes('#')) problems.push(problem(member, `${member} must not have a fragment.`))
  const urls = metadata.oidc_logout?.backchannel_logout_urls ?? []
  if (new Set([...urls, metadata.backchannel_logout_uri ?? urls[0]]).size > 1)
    problems.push(problem('oidc_logout', 'Only one address can be told of a logout over the back channel.'))
  return problems
}

const isAssertion = (method: Client['authentication']): method is AssertionMethod =>
  method === 'private_key_jwt' || method === 'client_secret_jwt'

/** A key signs by its type's algorithms, a secret by HS256: nothing can be verified as the other. */
export const assertionAlgorithms = (method: AssertionMethod): readonly string[] =>
  method === 'client_secret_jwt' ? ['HS256'] : CLIENT_KEY_ALGORITHMS

function resolveRefresh(
  asked: NonNullable<ReturnType<typeof readMembers<typeof CLIENT_MEMBERS>>['refresh_token']>,
  rotatesByDefault: boolean,
): Client['refresh'] {
  const expires = asked.expiration_type !== 'non-expiring'
  const lifetime = (seconds: number | undefined, infinite: boolean | undefined, fallback: number) =>
    expires && !infinite ? (seconds ?? fallback) * SECOND : FOREVER
  return {
    // On unless it was switched off: without rotation nobody notices a stolen token. One that is of no use without
    // the client's key is not worth stealing.
    rotates: asked.rotation_type === undefined ? rotatesByDefault : asked.rotation_type === 'rotating',
    leeway: (asked.leeway ?? LEEWAY) * SECOND,
    lifetime: lifetime(asked.token_lifetime, asked.infinite_token_lifetime, REFRESH_LIFETIME),
    idleLifetime: lifetime(asked.idle_token_lifetime, asked.infinite_idle_token_lifetime, REFRESH_IDLE_LIFETIME),
  }
}
