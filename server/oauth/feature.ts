/**
 * What a protocol feature is: a value with a name, taking part in named phases. Endpoints are handed a list of
 * them and would run with any subset; what protects everyone is the endpoints' own and not up to a feature.
 */

import type { Occasion } from '../audit/events.ts'
import type { AuditBuffer } from '../audit/log.ts'
import type { ClientKeys } from '../clients/client-keys.ts'
import type { Clients } from '../clients/clients.ts'
import type { FindCookieScope } from '../clients/cookie-scope.ts'
import type { Client } from '../clients/metadata.ts'
import type { ResourceServer, ResourceServers } from '../clients/resource-servers.ts'
import type { LoadMailedSignIn } from '../factors/mailed-sign-in.ts'
import type { PasswordSignIn } from '../factors/password-sign-in.ts'
import type { CookieScope } from '../http/cookies.ts'
import type { Egress } from '../http/egress.ts'
import type { Parameters } from '../http/parameters.ts'
import type { RateLimit } from '../http/rate-limit.ts'
import type { Incoming, Route } from '../http/route.ts'
import type { Connections } from '../identity/connections.ts'
import type { Clock, Instant } from '../kernel/clock.ts'
import type { Job } from '../kernel/jobs.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { Log } from '../kernel/log.ts'
import type { Meter } from '../kernel/meter.ts'
import type { Keyring } from '../keys/keyring.ts'
import type { AuthorizationRequest } from '../policy/next-step.ts'
import type { Proof } from '../policy/proof.ts'
import type { ResponseMember, ResponseType } from '../policy/response-types.ts'
import type { RevocationsHere } from '../revocation/revocations-here.ts'
import type { AuthorizationRecord } from '../store/authorizations.ts'
import type { Store, Transaction } from '../store/store.ts'
import type { Tenant, Tenants } from '../tenants/tenants.ts'
import type { Active } from '../tokens/assert-active.ts'
import type { NoteLeftOut } from '../tokens/left-out-claims.ts'
import type { Subjects } from '../tokens/subject.ts'
import type { SecretBrake } from './client-auth/secret-brake.ts'
import type { KeyUses } from './key-uses.ts'

/** What features and endpoints stand on. Handed in by `compose.ts`. */
export interface OAuthServices {
  readonly store: Store
  readonly clients: Clients
  readonly resourceServers: ResourceServers
  readonly tenants: Tenants
  readonly connections: Connections
  readonly signInWithPassword: PasswordSignIn
  readonly mailedSignIn: LoadMailedSignIn
  readonly secretBrake: SecretBrake
  /** Of assertions that are remembered, by client. */
  readonly strangerAssertions: RateLimit
  /** Of requests that begin to wait, by network. */
  readonly waitingRequests: RateLimit
  readonly keyring: Keyring
  readonly revocations: RevocationsHere
  readonly subjects: Subjects
  readonly noteLeftOut: NoteLeftOut
  readonly keyUses: KeyUses
  readonly cookieScope: FindCookieScope
  readonly audit: AuditBuffer
  /** Whether a client signed something. */
  readonly clientKeys: ClientKeys
  /** The one way to fetch what a client points to. */
  readonly egress: Egress
  readonly clock: Clock
  readonly log: Log
  /** Where somebody counts. */
  readonly meter?: Meter
}

export interface Feature {
  /** Equal to the file's name. */
  readonly name: string
  readonly spec: string
  /** Members added to discovery. Lists are joined with those of other features. */
  readonly metadata?: (issuer: string) => Partial<ServerMetadata>
  /** Members that not every tenant has. */
  readonly tenantMetadata?: (issuer: string, tenant: Tenant) => Partial<ServerMetadata>
  readonly steps?: Steps
  /** Members of `response_type` that its step in `authorize.respond` answers. */
  readonly answers?: readonly ResponseMember[]
  readonly grant?: Grant
  /** Of a request that brings the proof of somebody who did not come through our pages: begins their session. */
  readonly arrive?: (context: ArriveContext) => Promise<Arrival | undefined>
  /** Handed the list too, for an endpoint that does what `/authorize` or the token endpoint does. */
  readonly routes?: (services: OAuthServices, features: readonly Feature[]) => readonly Route[]
  /** What it does when nobody asks. `wake` runs a job at once. */
  readonly work?: (services: OAuthServices, wake: (job: Job) => void) => readonly Work[]
}

/** A job of a feature, on every node. */
export interface Work {
  readonly job: Job
  /** The bus's topic that wakes it. */
  readonly wokenBy: string
  /** Before anybody is answered. */
  prepare?(): Promise<void>
  /** Before the store closes. */
  stop?(): Promise<void>
}

export type Phase =
  | 'authorize.receive'
  | 'authorize.target'
  | 'authorize.validate'
  | 'authorize.respond'
  | 'token.ask'
  | 'token.redeem'
  | 'token.bind'
  | 'token.shape'

/** Within a phase, order must not matter: each step writes only what is its own. */
export interface Steps {
  /** Which request is this: the parameters as they came, or others that they stand for? */
  readonly 'authorize.receive'?: (context: ReceiveContext) => Promise<void> | void
  /** Of which APIs is it asked? */
  readonly 'authorize.target'?: (context: TargetContext) => Promise<void> | void
  /** May it be asked? Throws `ProtocolError`, sent to the redirect URI. */
  readonly 'authorize.validate'?: (context: ValidateContext) => Promise<void> | void
  /** What the answer says. Runs inside the transaction that gives the authorization. */
  readonly 'authorize.respond'?: (context: RespondContext) => Promise<void> | void
  /** Which scopes may a grant give that begins at the token endpoint? */
  readonly 'token.ask'?: (context: AskContext) => Promise<void> | void
  /** Is what was presented the presenter's? Nothing is spent yet. */
  readonly 'token.redeem'?: (context: TokenContext) => Promise<void> | void
  /** To what will the tokens be bound, and what is written with the redemption? */
  readonly 'token.bind'?: (context: TokenContext) => Promise<void> | void
  /** What do the tokens say? */
  readonly 'token.shape'?: (context: ShapeContext) => Promise<void> | void
}

/** RFC 8414 §2 and OpenID Connect Discovery §3, as far as anything here says it. */
export interface ServerMetadata {
  readonly issuer: string
  readonly authorization_endpoint: string
  readonly token_endpoint: string
  readonly userinfo_endpoint: string
  readonly jwks_uri: string
  readonly registration_endpoint: string
  readonly end_session_endpoint: string
  readonly revocation_endpoint: string
  readonly revocation_endpoint_auth_methods_supported: readonly string[]
  readonly revocation_endpoint_auth_signing_alg_values_supported: readonly string[]
  readonly introspection_endpoint: string
  readonly introspection_endpoint_auth_methods_supported: readonly string[]
  readonly introspection_endpoint_auth_signing_alg_values_supported: readonly string[]
  readonly pushed_authorization_request_endpoint: string
  readonly check_session_iframe: string
  readonly backchannel_logout_supported: boolean
  readonly backchannel_logout_session_supported: boolean
  readonly frontchannel_logout_supported: boolean
  readonly frontchannel_logout_session_supported: boolean
  readonly scopes_supported: readonly string[]
  readonly response_types_supported: readonly string[]
  readonly response_modes_supported: readonly string[]
  readonly grant_types_supported: readonly string[]
  readonly subject_types_supported: readonly string[]
  readonly id_token_signing_alg_values_supported: readonly string[]
  readonly token_endpoint_auth_methods_supported: readonly string[]
  readonly userinfo_signing_alg_values_supported: readonly string[]
  readonly token_endpoint_auth_signing_alg_values_supported: readonly string[]
  readonly claims_supported: readonly string[]
  readonly acr_values_supported: readonly string[]
  readonly claims_locales_supported: readonly string[]
  readonly display_values_supported: readonly string[]
  readonly code_challenge_methods_supported: readonly string[]
  readonly authorization_response_iss_parameter_supported: boolean
  readonly request_parameter_supported: boolean
  readonly request_uri_parameter_supported: boolean
  readonly require_request_uri_registration: boolean
  readonly request_object_signing_alg_values_supported: readonly string[]
  readonly claims_parameter_supported: boolean
  readonly ui_locales_supported: readonly string[]
}

// /authorize

export interface ReceiveContext {
  readonly services: OAuthServices
  readonly incoming: Incoming
  readonly client: Client
  /** As they came, in the query or in a form. */
  readonly sent: Parameters
  /** Those that count: as they came, unless a feature finds that they only name the request. */
  parameters: Parameters
  /** What features keep of that, under their names, for `Draft.notes`. */
  readonly notes: Record<string, JsonObject>
}

export interface TargetContext extends Readonly<ReceiveContext> {
  readonly tenant: Tenant
  /** The APIs that are asked for, the one that a token is for by default first. */
  apis: readonly ResourceServer[]
}

/** What becomes an `AuthorizationRequest`. */
export interface Draft {
  prompt: readonly string[]
  maxAgeSeconds: number | null
  connection: string | null
  organization: AuthorizationRequest['organization']
  asksOrganization: AuthorizationRequest['asksOrganization']
  invitation: AuthorizationRequest['invitation']
  acr: readonly string[]
  loginHint: string | null
  screenHint: string | null
  uiLocales: string | null
  /** For the redemption of the code, under the features' names. */
  readonly notes: Record<string, JsonObject>
  /** The same for as long as what is given lives. */
  readonly lasting: Record<string, JsonObject>
}

export interface ValidateContext extends Readonly<TargetContext> {
  readonly responseType: ResponseType
  /** Requested, each once, in the order of the request. */
  readonly scopes: readonly string[]
  readonly draft: Draft
  /** Marks requested scopes as ones that may be granted for the audience. Those nobody marks are left out. */
  allow(audience: string, scopes: readonly string[]): void
  /** Has the person asked for these too, of whom something else needs what they open. First parties ask nobody. */
  ask(audience: string, scopes: readonly string[]): void
  /** Says whom the request is about; nobody else will do. */
  expect(subject: string): void
}

export interface ArriveContext {
  readonly services: OAuthServices
  readonly incoming: Incoming
  readonly client: Client
  readonly parameters: Parameters
  readonly request: AuthorizationRequest
}

export interface Arrival {
  readonly session: string
  readonly cookies: readonly string[]
  readonly provenAt: Instant
}

export interface RespondContext {
  readonly services: OAuthServices
  readonly tenant: string
  readonly request: AuthorizationRequest
  readonly authorization: { readonly id: string; readonly expiresAt: Instant }
  readonly incoming: Incoming
  readonly client: Client
  readonly user: string
  readonly session: string
  /** When the session ends whatever happens. */
  readonly sessionExpiresAt: Instant
  readonly transaction: Transaction
  readonly now: Instant
  readonly cookieScope: CookieScope
  /** Members of the answer. */
  readonly answer: Record<string, string>
  /** Set to have such a token signed for the answer, once all is written. */
  readonly wanted: { accessToken: boolean; idToken: boolean }
  /** Set with it. */
  readonly cookies: string[]
}

// /oauth/token

/** What is asked of the token endpoint by whoever was not at `/authorize`. */
export interface AskContext {
  readonly issuer: string
  readonly client: Client
  readonly api: ResourceServer | null
  /** Requested, each once, in the order of the request. */
  readonly scopes: readonly string[]
  /** Marks requested scopes as ones that may be granted for the audience. Those nobody marks are left out. */
  allow(audience: string, scopes: readonly string[]): void
}

/** Who asks, how they proved it, and with what. */
export interface TokenContext {
  readonly services: OAuthServices
  readonly issuer: string
  readonly tenant: string
  readonly client: Client
  readonly parameters: Parameters
  readonly occasion: Occasion
  readonly now: Instant
  readonly grantType: string
  /** What the request asks for by itself, as far as it may be granted. Throws `invalid_target`. */
  asked(): Promise<Asked>
  /** What the grant found presented. */
  readonly presented: Presented
  /** Run in the transaction of the redemption, once it has succeeded. */
  readonly writes: ((transaction: Transaction, authorization: AuthorizationRecord) => Promise<void>)[]
  /** Members the answer gets besides the tokens. */
  readonly answer: Record<string, string>
}

export interface Asked {
  /** Audience → scopes. */
  readonly audiences: Readonly<Record<string, readonly string[]>>
  /** The one that the token is for. */
  readonly audience: string
  /** What is kept on the authorization that is given. */
  readonly lasting: Readonly<Record<string, JsonObject>>
}

/** What a grant found before spending it: whatever other features have to check or bind. */
export interface Presented {
  /** The request that led here, for grants that began at `/authorize`. */
  readonly request: AuthorizationRequest | null
  /** Audience → scopes, of an authorization that is given or redeemed for the first time. */
  readonly audiences?: Readonly<Record<string, readonly string[]>>
}

/** What the client is entitled to, past the gate. */
export interface Entitlement {
  readonly active: Active
  /** What access tokens are recognised by, when it ends. */
  readonly authorization: string
  /** Audience → scopes. */
  readonly audiences: Readonly<Record<string, readonly string[]>>
  /** The one this token is for, chosen among them before anything was spent. */
  readonly audience: string
  /** Leaves out every scope but these; null for none. */
  readonly narrowTo: readonly string[] | null
  /** The `sid` of what is minted; null when it outlives every session. */
  readonly session: string | null
  readonly proofs: readonly Proof[]
  /** What features keep on the authorization, under their names. */
  readonly lasting: Readonly<Record<string, JsonObject>>
}

/** For whom tokens are made, and what led to it, at whichever endpoint. */
export type Basis = Pick<TokenContext, 'services' | 'issuer' | 'tenant' | 'client' | 'now' | 'presented'>

export interface ShapeContext extends Basis {
  readonly entitlement: Entitlement
  /** Set to have an ID token. */
  idToken: { readonly nonce: string | null } | null
  /** Claims of the person that the ID token has whatever its scopes open. */
  idTokenClaims: readonly string[]
}

export interface Grant {
  readonly type: string
  /** Looks, without spending. Throws `invalid_grant`. */
  present(context: Omit<TokenContext, 'presented'>): Promise<Presented>
  /** Spends what was presented, past the gate. Runs the context's writes in the transaction that does. */
  redeem(context: TokenContext): Promise<Entitlement>
  /** A check of `token.redeem` failed: the presenter could not prove it is theirs. */
  misproven?(context: TokenContext): Promise<void>
}
