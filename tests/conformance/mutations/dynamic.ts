// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what is replaced is source
/** What the plan of clients that register themselves has to notice, and that of sign-ins which begin elsewhere. */
import type { DYNAMIC_MODULES, THIRD_PARTY_LOGIN_MODULES } from '../modules.ts'
import { inFile, type Mutations } from '../mutation.ts'
import { namelessIdToken, ofOurChoice, otherRefreshError } from './basic.ts'

const inAssertion = inFile('server/oauth/client-auth/assertion.ts')
const inClientKeys = inFile('server/clients/client-keys.ts')
const inDiscovery = inFile('server/oauth/discovery.ts')
const inEndpoint = inFile('server/oauth/features/registration.ts')
const inKeyMethod = inFile('server/oauth/client-auth/private-key-jwt.ts')
const inKeySet = inFile('server/keys/key-set.ts')
const inMembers = inFile('server/config/members.ts')
const inMint = inFile('server/tokens/mint.ts')
const inRedirectUris = inFile('server/clients/redirect-uris.ts')
const inRefresh = inFile('server/oauth/features/refresh-token.ts')
const inRegistration = inFile('server/clients/registration.ts')
const inRequest = inFile('server/oauth/authorization-request.ts')
const inRequestObject = inFile('server/oauth/features/request-object.ts')
const inShow = inFile('server/login/show.ts')
const inUserinfo = inFile('server/oauth/features/userinfo.ts')

const noRs256 = inRequestObject('_values_supported: REQUEST_OBJECT_ALGORITHMS', "_values_supported: ['ES256']")
const withoutQuery = inRedirectUris(
  '(registered === presented',
  "(registered.split('?')[0] === presented.split('?')[0]",
)

export const dynamic = {
  'oidcc-idtoken-rs256': [
    inRegistration("{ alg: asked.id_token_signed_response_alg ?? 'RS256' }", "{ alg: 'ES256' }"),
    namelessIdToken,
  ],
  'oidcc-idtoken-unsigned': [
    inDiscovery('await keyring.algorithms(id),', "[...(await keyring.algorithms(id)), 'none'],"),
    inRegistration(
      "id_token_signed_response_alg: { is: 'text', oneOf: ALGORITHMS,",
      "id_token_signed_response_alg: { is: 'text',",
    ),
  ],
  'oidcc-userinfo-rs256': [
    inUserinfo("!name.startsWith('ML-DSA')", "name.startsWith('Ed')"),
    inUserinfo('if (client.userinfoAlgorithm === null) return', 'if (client) return'),
    inUserinfo("'content-type': 'application/jwt'", "'content-type': 'application/json'"),
    inMint('claims: said }, now', "claims: { ...said, nonce: 'n' } }, now"),
    inMint('{ ...claims, iss: issuer, aud: client.id }', '{ ...claims, iss: issuer, aud: issuer }'),
    inMint('{ ...claims, iss: issuer, aud: client.id }', '{ ...claims, aud: client.id }'),
    inUserinfo('scopes, named), sub }', "scopes, named), sub: sub + 'x' }"),
    inMint(
      "return signJws({ header: { typ: 'JWT' }, claims: said }, now + USERINFO_VERIFIED_WITHIN, signer)",
      "return (await signJws({ header: { typ: 'JWT' }, claims: said }, now + USERINFO_VERIFIED_WITHIN, signer)).replace(/.{9}$/, 'A'.repeat(9))",
    ),
  ],
  'oidcc-ensure-redirect-uri-in-authorization-request': [
    inRequest(
      'if (presented === undefined) {',
      'if (presented === undefined && client.redirectUris[0]) return client.redirectUris[0]\n  if (presented === undefined) {',
    ),
  ],
  'oidcc-redirect-uri-query-OK': [
    inFile('server/oauth/response-modes/query.ts')(
      'withQuery(redirectUri, members)',
      "withQuery(redirectUri.replace(/\\?.*/, ''), members)",
    ),
    inRedirectUris('(registered === presented', "((registered === presented && !presented.includes('?'))"),
  ],
  'oidcc-redirect-uri-query-mismatch': [withoutQuery, ofOurChoice],
  'oidcc-redirect-uri-query-added': [withoutQuery, ofOurChoice],
  'oidcc-redirect-uri-regfrag': [
    inMembers("isUrl(url) && !url.includes('#')", 'isUrl(url)'),
    inRegistration("isRedirect ? 'invalid_redirect_uri'", "isRedirect ? 'invalid_request'"),
  ],
  'oidcc-discovery-endpoint-verification': [
    inDiscovery(
      'supportedResponseTypes(features),',
      "supportedResponseTypes(features).filter(one => one !== 'id_token token'),",
    ),
    inEndpoint('registration_endpoint: `${issuer}${PATH.slice(1)}`', 'registration_endpoint: issuer'),
    inEndpoint('tenant.isRegistrationOpen ? {', 'tenant.isRegistrationOpen === undefined ? {'),
    inDiscovery(
      'grant_types_supported: grants',
      "grant_types_supported: grants.filter(one => one !== 'authorization_code')",
    ),
  ],
  'oidcc-server': [
    inKeyMethod('find: findAssertion(CLIENT_KEY_ALGORITHMS)', 'find: () => undefined'),
    inKeyMethod("if (client.authentication !== 'private_key_jwt') return", 'if (client) return'),
    inAssertion('isStrict ? [issuer] : [issuer, `', 'true ? [issuer] : [issuer, `'),
    inEndpoint('return json(201, {', 'return json(200, {'),
    inEndpoint('client_secret_expires_at: 0', ''),
    inEndpoint('    registration_access_token: token,\n', ''),
    inEndpoint('status: 204', 'status: 200'),
    inRegistration("...(responseTypes.some(carriesToken) ? (['implicit'] as const) : []),", ''),
  ],
  'oidcc-registration-logo-uri': [
    inShow('setting.client?.logoUrl ??', ''),
    inFile('server/http/pages.ts')("'self' https: data:${plainPictures ? ' http:' : ''}", "'self'"),
  ],
  'oidcc-registration-policy-uri': [inShow('privacy: setting.client?.policyUrl ?? undefined', 'privacy: undefined')],
  'oidcc-registration-tos-uri': [inShow('terms: setting.client?.termsUrl ?? undefined', 'terms: undefined')],
  'oidcc-registration-jwks-uri': [
    inFile('server/clients/metadata.ts')('const uri = metadata.jwks_uri ?? null', 'const uri = null'),
  ],
  'oidcc-registration-sector-uri': [
    inEndpoint('.every(uri => listed.includes(uri))', '.every(uri => !listed.includes(uri))'),
    inEndpoint('({ body }) => parseList(body.toString())', '() => []'),
  ],
  'oidcc-registration-sector-bad': [
    inEndpoint('.every(uri => listed.includes(uri))', '.every(() => true)'),
    inEndpoint(
      "new ProtocolError('invalid_client_metadata', message)",
      "new ProtocolError('invalid_request', message)",
    ),
  ],
  'oidcc-server-rotate-keys': [
    inKeySet("['signing', 'announced', 'verifying']", "['signing', 'verifying']"),
    inKeySet(
      '.filter(isPublished).sort(byPlaceInSet)',
      ".filter((key, _at, all) => isPublished(key) && (key.state !== 'signing' || !all.some(one => one.state === 'announced')))",
    ),
    inKeySet('keys.map(({ publicKey }) => publicKey)', "keys.map(({ publicKey }) => ({ ...publicKey, kid: 'one' }))"),
    // Another name for the same key.
    inKeySet(
      'keys.map(({ publicKey }) => publicKey)',
      'keys.map(({ publicKey }) => ({ ...publicKey, n: keys[0].publicKey.n }))',
    ),
  ],
  'oidcc-refresh-token-rp-key-rotation': [
    inRefresh("if (scopes.includes(SCOPE) && isAllowed && answersWith(responseType, 'code'))", 'if (!scopes)'),
    inClientKeys('if (!mayBeNew || uri === null ||', 'if (mayBeNew || uri === null ||'),
  ],
  'oidcc-request-uri-signed-rs256': [
    noRs256,
    inRequestObject('request_uri_parameter_supported: true', 'request_uri_parameter_supported: false'),
    inRequestObject('client.requestUris.includes(uri)', "client.requestUris.includes(uri.replace(/#.*/, ''))"),
    inRequestObject(
      'const { claims } = await verify(services, context, object)',
      "const claims = parseObject(Buffer.from(object.split('.')[1], 'base64url'))",
    ),
    inRequestObject('[...own, ...beside.filter', '[...beside.filter'),
  ],
  'oidcc-refresh-token': [
    inRefresh(
      '!isGenuine(parsed, { tenant, client: client.id }, secret.key)',
      'isGenuine(parsed, { tenant, client: client.id }, secret.key)',
    ),
    otherRefreshError,
  ],
  'oidcc-ensure-client-assertion-with-iss-aud-succeeds': [
    inAssertion(': [issuer, `${issuer}oauth/token`', ': [`${issuer}oauth/token`'),
  ],
  // Of these nothing is proven: they are skipped.
  'oidcc-request-uri-unsigned': [],
  'oidcc-ensure-request-object-with-redirect-uri': [],
} as const satisfies Mutations<(typeof DYNAMIC_MODULES)[number]>

export const thirdPartyLogin = {
  'oidcc-3rdparty-init-login': [
    inRegistration("  'initiate_login_uri',\n", ''),
    inEndpoint("route('GET', `${PATH}/:client`, read)", "route('GET', `${PATH}/:client/another`, read)"),
    inEndpoint('return json(200, { ...describe(incoming, client), reg', 'return json(203, { reg'),
  ],
  'oidcc-3rdparty-init-login-nohttps': [
    inRegistration("!asked.initiate_login_uri.startsWith('https:')", "!asked.initiate_login_uri.startsWith('http')"),
    inRegistration("'invalid_redirect_uri' : 'invalid_client_metadata'", "'invalid_redirect_uri' : 'invalid_request'"),
  ],
} as const satisfies Mutations<(typeof THIRD_PARTY_LOGIN_MODULES)[number]>
