/** The plan for clients that register themselves: what its modules ask beside what the basic plan does. */
import { because, by, type Demands, fails, must, warns } from '../demand.ts'
import type { DYNAMIC_MODULES } from '../modules.ts'

const inRegistration = by('tests/conformance/registration.test.ts')

const ONLY_SIGNED = because(
  'The object of this module is unsigned. It is refused by its name, discovery lists algorithms without none, and the module is skipped.',
)

const rs256 = inRegistration('oidcc-idtoken-rs256: a client that asks for RS256 gets it')
const unsigned = inRegistration('oidcc-idtoken-unsigned: a client cannot register for unsigned ID tokens')
const signedInfo = inRegistration('oidcc-userinfo-rs256: UserInfo is signed for a client that asks for it')
const twoUris = inRegistration(
  'oidcc-ensure-redirect-uri-in-authorization-request: of two redirect URIs none is chosen for the client',
)
const query = inRegistration('oidcc-redirect-uri-query-OK: a registered query is kept')
const otherQuery = inRegistration(
  'oidcc-redirect-uri-query-mismatch: another query than the registered one is another URI',
)
const addedQuery = inRegistration('oidcc-redirect-uri-query-added: a query that was not registered makes another URI')
const fragment = inRegistration('oidcc-redirect-uri-regfrag: a redirect URI with a fragment is not registered')
const discovery = inRegistration(
  'oidcc-discovery-endpoint-verification: discovery says where to register, and for what',
)
const server = inRegistration('oidcc-server: a client that registers itself signs people in, by what it signs')
const logo = inRegistration('oidcc-registration-logo-uri: the logo is on the page')
const policy = inRegistration('oidcc-registration-policy-uri: the privacy policy is linked from the page')
const terms = inRegistration('oidcc-registration-tos-uri: the terms are linked from the page')
const keys = inRegistration('oidcc-registration-jwks-uri: the keys of a client are fetched from where it says')
const sector = inRegistration('oidcc-registration-sector-uri: a sector that lists the redirect URI is registered')
const badSector = inRegistration(
  'oidcc-registration-sector-bad: a sector that does not list the redirect URI is refused',
)
const rotated = inRegistration('oidcc-server-rotate-keys: a new key is published beside the old one')
const rotatedByClient = inRegistration(
  'oidcc-refresh-token-rp-key-rotation: a key that the client changed is fetched when it first signs',
)
const refresh = inRegistration('oidcc-refresh-token: clients that registered refresh their own tokens alone')
const requestUri = inRegistration(
  'oidcc-request-uri-signed-rs256: a signed request is fetched from where the client registered it',
)
const toIssuer = inRegistration(
  'oidcc-ensure-client-assertion-with-iss-aud-succeeds: an assertion for the issuer is taken',
)

export const dynamic = {
  'oidcc-idtoken-rs256': {
    alg: must('An ID token that was asked for so is signed with RS256.', rs256),
    kid: fails('Its header has a kid.', rs256),
  },
  'oidcc-idtoken-unsigned': {
    refused: must('none is not listed, and registering it is refused.', unsigned),
  },
  'oidcc-userinfo-rs256': {
    listed: fails('userinfo_signing_alg_values_supported lists RS256.', signedInfo),
    jwt: must('The answer is application/jwt.', signedInfo),
    signature: must('It is signed with RS256 by a published key.', signedInfo),
    parties: warns('iss is the issuer, and aud the client.', signedInfo),
    'no-nonce': fails('There is no nonce in it.', signedInfo),
    sub: must('sub is the ID token’s.', signedInfo),
  },
  'oidcc-ensure-redirect-uri-in-authorization-request': {
    page: must('The person sees a page, and is not redirected.', twoUris),
  },
  'oidcc-redirect-uri-query-OK': {
    kept: must('The code comes to the URI with its query.', query),
  },
  'oidcc-redirect-uri-query-mismatch': {
    page: must('The person sees a page, and is not redirected.', otherQuery),
  },
  'oidcc-redirect-uri-query-added': {
    page: must('The person sees a page, and is not redirected.', addedQuery),
  },
  'oidcc-redirect-uri-regfrag': {
    refused: must('The registration is answered with 400 and JSON.', fragment),
    code: warns('The error is invalid_redirect_uri or invalid_client_metadata.', fragment),
  },
  'oidcc-discovery-endpoint-verification': {
    'dynamic-response-types': fails('response_types_supported lists code, id_token and id_token token.', discovery),
    'registration-endpoint': must('registration_endpoint is an endpoint of the issuer.', discovery),
    'dynamic-grant-types': must('grant_types_supported lists authorization_code and implicit.', discovery),
  },
  'oidcc-server': {
    'by-key': must('The happy flow passes with an assertion for the token endpoint.', server),
  },
  'oidcc-registration-logo-uri': { shown: must('The person sees the logo.', logo) },
  'oidcc-registration-policy-uri': { linked: must('The person can reach the policy.', policy) },
  'oidcc-registration-tos-uri': { linked: must('The person can reach the terms.', terms) },
  'oidcc-registration-jwks-uri': { fetched: must('An assertion is verified with the keys at jwks_uri.', keys) },
  'oidcc-registration-sector-uri': { created: must('The answer is 201.', sector) },
  'oidcc-registration-sector-bad': {
    refused: must('The answer is 400 and JSON.', badSector),
    code: warns('The error is invalid_client_metadata.', badSector),
  },
  'oidcc-server-rotate-keys': {
    new: fails('The key set has a key with a new kid and new members.', rotated),
    old: warns('The old key is still there.', rotated),
    'kid-unique': fails('No two keys share a kid.', rotated),
  },
  'oidcc-refresh-token-rp-key-rotation': {
    'refresh-token': must('offline_access with prompt=consent yields a refresh token.', rotatedByClient),
    refetched: must('It is refreshed by an assertion with a key that was not known before.', rotatedByClient),
  },
  'oidcc-request-uri-unsigned': {
    skipped: must('It is read where request_object_signing_alg_values_supported lists none.', ONLY_SIGNED),
  },
  'oidcc-request-uri-signed-rs256': {
    listed: fails('request_object_signing_alg_values_supported lists RS256.', requestUri),
    supported: fails('request_uri_parameter_supported is true, or left out.', requestUri),
    read: must('A request_uri that was registered with a fragment is fetched without it, and verified.', requestUri),
    state: must('The state that stands in the object alone is answered.', requestUri),
  },
  'oidcc-ensure-request-object-with-redirect-uri': {
    inner: must('The redirect URI within the object counts.', ONLY_SIGNED),
  },
  'oidcc-refresh-token': {
    'by-key': must('The answer to a refresh is in order, by what the client signs.', refresh),
    foreign: must('Another client is answered with 400 and invalid_grant.', refresh),
  },
  'oidcc-ensure-client-assertion-with-iss-aud-succeeds': {
    accepted: warns('An assertion whose audience is the issuer is taken.', toIssuer),
  },
} as const satisfies Demands<(typeof DYNAMIC_MODULES)[number]>
