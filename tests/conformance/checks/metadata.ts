/**
 * What discovery may say: the members that specifications define, each with its type, so that a member of our own or
 * one of another type is noticed. What our values have to be is asked in the modules.
 */
import { insist } from '../insist.ts'

export type Metadata = Readonly<Record<string, unknown>>
type Fits = (value: unknown) => boolean

const isText: Fits = value => typeof value === 'string' && value !== ''
const isUrl: Fits = value => typeof value === 'string' && URL.canParse(value)
const isFlag: Fits = value => typeof value === 'boolean'
const isTexts: Fits = value => Array.isArray(value) && value.length > 0 && value.every(isText)
const isUrls: Fits = value => typeof value === 'object' && value !== null && Object.values(value).every(isUrl)

const all = (fits: Fits, ...names: readonly string[]): Readonly<Record<string, Fits>> =>
  Object.fromEntries(names.map(name => [name, fits]))

/** The algorithms of a place: `x_signing_alg_values_supported` and its two companions for encryption. */
const algorithms = (place: string): readonly string[] =>
  ['signing_alg', 'encryption_alg', 'encryption_enc'].map(kind => `${place}_${kind}_values_supported`)

const MEMBERS: Readonly<Record<string, Fits>> = {
  // RFC 8414 §2 and OpenID Connect Discovery §3.
  ...all(isUrl, 'issuer', 'authorization_endpoint', 'token_endpoint', 'jwks_uri', 'registration_endpoint'),
  ...all(isUrl, 'userinfo_endpoint', 'revocation_endpoint', 'introspection_endpoint'),
  ...all(isUrl, 'service_documentation', 'op_policy_uri', 'op_tos_uri'),
  ...all(isTexts, 'scopes_supported', 'response_types_supported', 'response_modes_supported', 'grant_types_supported'),
  ...all(isTexts, 'acr_values_supported', 'subject_types_supported', 'display_values_supported'),
  ...all(isTexts, 'claim_types_supported', 'claims_supported', 'claims_locales_supported', 'ui_locales_supported'),
  ...all(isTexts, ...algorithms('id_token'), ...algorithms('userinfo'), ...algorithms('request_object')),
  ...all(isTexts, 'token_endpoint_auth_methods_supported', 'token_endpoint_auth_signing_alg_values_supported'),
  ...all(isTexts, 'revocation_endpoint_auth_methods_supported', 'introspection_endpoint_auth_methods_supported'),
  ...all(isTexts, 'revocation_endpoint_auth_signing_alg_values_supported'),
  ...all(isTexts, 'introspection_endpoint_auth_signing_alg_values_supported'),
  ...all(isFlag, 'claims_parameter_supported', 'request_parameter_supported', 'request_uri_parameter_supported'),
  ...all(isFlag, 'require_request_uri_registration'),
  ...all(isText, 'signed_metadata'),
  // RFC 7636 §6.2 through RFC 8414.
  ...all(isTexts, 'code_challenge_methods_supported'),
  // RFC 9207 §3.
  ...all(isFlag, 'authorization_response_iss_parameter_supported'),
  // RFC 9126 §5.
  ...all(isUrl, 'pushed_authorization_request_endpoint'),
  ...all(isFlag, 'require_pushed_authorization_requests'),
  // RFC 9101 §10.5.
  ...all(isFlag, 'require_signed_request_object'),
  // RFC 8628 §4, RFC 8705 §5 and §3.3, RFC 9449 §5.1, RFC 9396 §10, RFC 9701 §7, RFC 9728 §4.
  ...all(isUrl, 'device_authorization_endpoint'),
  ...all(isUrls, 'mtls_endpoint_aliases'),
  ...all(isFlag, 'tls_client_certificate_bound_access_tokens'),
  ...all(isTexts, 'dpop_signing_alg_values_supported', 'authorization_details_types_supported'),
  ...all(isTexts, ...algorithms('introspection'), 'protected_resources'),
  // JWT Secured Authorization Response Mode §4.
  ...all(isTexts, ...algorithms('authorization')),
  // RP-Initiated, Session Management, Front-Channel and Back-Channel Logout.
  ...all(isUrl, 'end_session_endpoint', 'check_session_iframe'),
  ...all(isFlag, 'frontchannel_logout_supported', 'frontchannel_logout_session_supported'),
  ...all(isFlag, 'backchannel_logout_supported', 'backchannel_logout_session_supported'),
  // CIBA §4.
  ...all(isUrl, 'backchannel_authentication_endpoint'),
  ...all(isTexts, 'backchannel_token_delivery_modes_supported'),
  ...all(isTexts, 'backchannel_authentication_request_signing_alg_values_supported'),
  ...all(isFlag, 'backchannel_user_code_parameter_supported'),
  // Initiating User Registration 1.0.
  ...all(isTexts, 'prompt_values_supported'),
}

export const unknownMembers = (metadata: Metadata): readonly string[] =>
  Object.keys(metadata).filter(name => !Object.hasOwn(MEMBERS, name))

export const mistypedMembers = (metadata: Metadata): Metadata =>
  Object.fromEntries(
    Object.entries(metadata).filter(([name, value]) => Object.hasOwn(MEMBERS, name) && !MEMBERS[name]?.(value)),
  )

const NAMES = ['language', 'script', 'region'] as const
const NAMERS = new Map(NAMES.map(type => [type, new Intl.DisplayNames('en', { type, fallback: 'none' })]))

/** BCP 47, of subtags that are registered: those that have a name. */
export function isRegisteredLocale(tag: string): boolean {
  try {
    const locale = new Intl.Locale(tag)
    return NAMES.every(type => {
      const subtag = locale[type]
      return subtag === undefined || NAMERS.get(type)?.of(subtag) !== undefined
    })
  } catch {
    return false
  }
}

export const isCanonicalLocale = (tag: string): boolean => Intl.getCanonicalLocales(tag)[0] === tag

/** What every module begins with. */
export function checkSetUp(metadata: Metadata, authentication: string): void {
  const urls = ['issuer', 'authorization_endpoint', 'token_endpoint'].map(name => metadata[name])
  insist('discovery#urls', urls.every(isUrl), urls)
  const methods = metadata['token_endpoint_auth_methods_supported'] as readonly string[] | undefined
  insist('discovery#auth-method', methods?.includes(authentication) ?? true, methods)
}
