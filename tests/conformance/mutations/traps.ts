// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what is replaced is source
/** What providers trip over: each trap is fallen into once, and one of the tests that its proofs name has to notice. */
import type { traps as asked } from '../demands/traps.ts'
import { inFile, inFlow, type Mutations } from '../mutation.ts'
import { basic, namelessIdToken, otherRefreshError } from './basic.ts'
import { dynamic } from './dynamic.ts'
import { IMPLICIT_FLOW } from './flows.ts'
import { frontChannel } from './logout.ts'
import { implicit } from './other-flows.ts'
import { signOut } from './sign-out.ts'

const inAnswer = inFile('server/oauth/authorization-answer.ts')
const inAssertion = inFile('server/oauth/client-auth/assertion.ts')
const inClaims = inFile('server/tokens/claims.ts')
const inCode = inFile('server/oauth/features/authorization-code.ts')
const inDiscovery = inFile('server/oauth/discovery.ts')
const inIdToken = inFile('server/tokens/id-token.ts')
const inKeySet = inFile('server/keys/key-set.ts')
const inModes = inFile('server/oauth/response-modes/response-mode.ts')
const inMint = inFile('server/tokens/mint.ts')

const timeOfToken = inIdToken('auth_time: toSeconds(authenticatedAt(proofs))', 'auth_time: issuedAt')

export const traps = {
  'measured entropy': [
    // Enough for anybody but whoever measures.
    inCode('const code = randomSecret()', 'const code = randomSecret().slice(0, 20)'),
  ],
  'key set': [
    inKeySet('keys.map(({ publicKey }) => publicKey)', "keys.map(({ publicKey }) => ({ ...publicKey, d: 'AQ' }))"),
    namelessIdToken,
  ],
  'claims in the ID token': [
    inIdToken("client.idToken.claims === 'full' || isAlone", 'true'),
    inIdToken('aud: client.id,', 'aud: client.id, tenant: client.tenant,'),
  ],
  'claims at UserInfo': [
    inClaims("    'middle_name',\n", ''),
    inClaims('updated_at: toSeconds(user.updatedAt)', 'updated_at: new Date(user.updatedAt).toJSON()'),
  ],
  auth_time: [timeOfToken],
  're-authentication': [
    ...basic['oidcc-prompt-login'].slice(0, 1),
    ...basic['oidcc-max-age-1'].slice(0, 1),
    ...basic['oidcc-prompt-none-logged-in'].slice(0, 1),
  ],
  'redirect URI': basic['oidcc-ensure-registered-redirect-uri'].slice(0, 1),
  'place of the answer': [
    inModes('carriesToken(responseType) ? fragment : query', 'fragment'),
    inFile('server/oauth/authorization-request.ts')(
      'return asked && reaches && mayCarry ?',
      'return asked && responseType && reaches && mayCarry ?',
    ),
  ],
  'members of an error': [
    inAnswer('error_description: error.message }', 'error_description: `"${error.message}"` }'),
    inAnswer('error_description: error.message }', "error_description: error.message, hint: 'sign in' }"),
  ],
  'token endpoint errors': [
    inCode("('invalid_grant', 'Invalid authorization code')", "('invalid_request', 'Invalid')"),
    otherRefreshError,
    inFile('server/kernel/errors.ts')('invalid_client: 401', 'invalid_client: 400'),
  ],
  'code reuse': basic['oidcc-codereuse-30seconds'].slice(0, 1),
  client_secret_basic: [
    inFile('server/oauth/client-auth/secret.ts')(
      "decodeURIComponent(text.replaceAll('+', ' '))",
      'decodeURIComponent(text)',
    ),
    inFile('server/oauth/client-auth/secret.ts')(
      "decodeURIComponent(text.replaceAll('+', ' '))",
      "text.replaceAll('+', ' ')",
    ),
  ],
  'clients that leave things out': [
    ...basic['oidcc-ensure-request-without-nonce-succeeds-for-code-flow'],
    inAnswer('...(state !== null && { state }),', "state: state ?? 'none',"),
    inFile('server/oauth/features/pkce.ts')(
      'if (challenge === undefined && verifier === undefined) return',
      "if (challenge === undefined) throw new ProtocolError('invalid_grant', 'PKCE is missing.')",
    ),
    ...basic['oidcc-ensure-request-with-unknown-parameter-succeeds'],
    ...basic['oidcc-ui-locales'],
    ...basic['oidcc-login-hint'],
  ],
  'nonce in the front channel': inFlow(IMPLICIT_FLOW, implicit['oidcc-ensure-request-without-nonce-fails']),
  'forms instead of links': [
    ...basic['oidcc-ensure-post-request-succeeds'].slice(0, 1),
    ...basic['oidcc-userinfo-post-body'].slice(0, 1),
  ],
  hashes: [inFile('sdk/half-hash.ts')('digest.subarray(0, digest.length / 2)', 'digest')],
  refresh: [
    inFile('server/http/route.ts')("json', 'cache-control': 'no-store'", "json', 'cache-control': 'private'"),
    otherRefreshError,
  ],
  acr: [inIdToken('acr: authenticationContext(proofs)', "acr: '0'")],
  'request objects': [
    ...basic['oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported'].slice(0, 1),
    inFile('server/oauth/features/request-object.ts')('[...own, ...beside.filter', '[...beside.filter'),
  ],
  discovery: [
    inDiscovery('jwks_uri: `', 'ours: true, jwks_uri: `'),
    inDiscovery('token_endpoint: `${issuer}', "token_endpoint: issuer.replace('https:', 'http:') + `"),
    ...dynamic['oidcc-discovery-endpoint-verification'].slice(0, 1),
  ],
  registration: [
    inFile('server/oauth/features/registration.ts')('status: 204', 'status: 200'),
    inFile('server/clients/registration.ts')("  'contacts',\n", ''),
    ...dynamic['oidcc-redirect-uri-regfrag'],
    ...dynamic['oidcc-registration-sector-bad'].slice(0, 1),
    ...dynamic['oidcc-refresh-token-rp-key-rotation'].slice(1),
  ],
  'signed UserInfo': [
    inMint('claims: said }, now', "claims: { ...said, nonce: 'n' } }, now"),
    inMint('claims: said }, now', 'claims: { ...said, exp: now } }, now'),
    inMint('{ ...claims, iss: issuer, aud: client.id }', '{ ...claims, iss: issuer }'),
  ],
  'sign-out': [
    ...signOut['oidcc-rp-initiated-logout-modified-id-token-hint'],
    ...signOut['oidcc-rp-initiated-logout-no-id-token-hint'],
    ...signOut['oidcc-rp-initiated-logout'].slice(2),
    ...frontChannel['oidcc-frontchannel-rp-initiated-logout'].slice(2, 3),
    inFile('server/tokens/logout-token.ts')('sid: session,', "sid: session, nonce: 'n',"),
  ],
  'audience of a client assertion': [
    inAssertion('isStrict ? [issuer] : [issuer, `', 'true ? [issuer] : [issuer, `'),
    inAssertion('isStrict ? [issuer] : [issuer, `', 'false ? [issuer] : [issuer, `'),
    inAssertion('audienceIsText: isStrict', 'audienceIsText: false'),
  ],
  // Of these nothing is proven.
  'FAPI 2': [],
} as const satisfies Mutations<keyof typeof asked>
