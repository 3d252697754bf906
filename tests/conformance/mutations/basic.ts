/** What the modules of the basic plan have to notice. The plans of other flows share it. */

import type { BASIC_MODULES } from '../modules.ts'
import { inFile, type Mutation, type Mutations } from '../mutation.ts'

const inAnswer = inFile('server/oauth/authorization-answer.ts')
const inRequest = inFile('server/oauth/authorization-request.ts')
const inAuthorize = inFile('server/oauth/authorize.ts')
const inBearer = inFile('server/http/bearer.ts')
const inClaims = inFile('server/tokens/claims.ts')
const inClaimsParameter = inFile('server/oauth/features/claims.ts')
const inCode = inFile('server/oauth/features/authorization-code.ts')
const inDiscovery = inFile('server/oauth/discovery.ts')
const inIdToken = inFile('server/tokens/id-token.ts')
const inInteraction = inFile('server/oauth/features/interaction.ts')
const inIssuing = inFile('server/oauth/issue-tokens.ts')
const inNextStep = inFile('server/policy/next-step.ts')
const inOpenid = inFile('server/oauth/features/openid.ts')
const inPkce = inFile('server/oauth/features/pkce.ts')
const inProofs = inFile('server/policy/proof.ts')
const inRedirectUris = inFile('server/clients/redirect-uris.ts')
const inRefresh = inFile('server/oauth/features/refresh-token.ts')
const inRequestObject = inFile('server/oauth/features/request-object.ts')
const inUserinfo = inFile('server/oauth/features/userinfo.ts')

/** A module that asks for nothing but that a parameter is taken. */
const refusing = (parameter: string, value = ''): Mutation =>
  inInteraction(
    'draft.prompt = prompt',
    `draft.prompt = prompt
     if ((parameters.get('${parameter}') ?? '').includes('${value}') && parameters.has('${parameter}'))
       throw new ProtocolError('invalid_request', 'This is not supported.')`,
  )

export const namelessIdToken = inFile('server/keys/signer.ts')(
  'kid: signer.kid',
  "kid: header.typ === 'JWT' ? undefined : signer.kid",
)
const unlisted = (scope: string): Mutation =>
  inOpenid('scopes_supported: SCOPES', `scopes_supported: SCOPES.filter(one => one !== '${scope}')`)

const wrongFlag = inClaims("return typeof value === 'boolean' ? value : undefined", 'return String(value)')
const wrongSub = inUserinfo('scopes, named), sub }', "scopes, named), sub: sub + 'x' }")
const wrongType = inUserinfo('json(200, told, headers)', "json(200, told, { ...headers, 'content-type': 'text/json' })")
const timeOfToken = inIdToken('auth_time: toSeconds(authenticatedAt(proofs))', 'auth_time: issuedAt')
/** A good time, and the same for two sign-ins of a day. */
const dayOfTime = inIdToken(
  'auth_time: toSeconds(authenticatedAt(proofs))',
  'auth_time: Math.floor(toSeconds(authenticatedAt(proofs)) / 86400) * 86400',
)
const noTime = inIdToken('auth_time: toSeconds(authenticatedAt(proofs)),', '')
const oldProof = inProofs('  ...given,\n', '  ...given.filter(() => known.length === 0),\n')
const otherSub = inIdToken('sub: subject,', 'sub: subject + issuedAt,')
const beginsLike = inRedirectUris('(registered === presented', '(presented.startsWith(registered)')
/** Another than the one that was sent. */
export const ofOurChoice = inRequest(
  'isRegisteredWebOrigin(client, presented)) return presented\n',
  'isRegisteredWebOrigin(client, presented)) return presented\n  if (client.redirectUris[0]) return client.redirectUris[0]\n',
)
export const otherRefreshError = inRefresh(
  "('invalid_grant', 'Unknown or invalid refresh token.')",
  "('invalid_request', 'Unknown')",
)
const otherError = inCode("('invalid_grant', 'Invalid authorization code')", "('invalid_request', 'Invalid')")

/** Of any flow. */
export const happy: readonly Mutation[] = [
  inIssuing('expires_in: accessToken.lifetimeSeconds,', ''),
  inFile('sdk/half-hash.ts')('digest.subarray(0, digest.length / 2)', 'digest.subarray(digest.length / 2)'),
  inIdToken(': [], request.claims)', ": [], [...request.claims, 'name'])"),
  inIdToken('aud: client.id,', 'aud: client.id, client: client.id,'),
  inIdToken('aud: client.id,', "aud: 'another',"),
  inIdToken('iss: issuer,', 'iss: issuer.slice(0, -1),'),
  inIdToken('issuedAt + client.idToken.lifetimeSeconds', 'issuedAt - 1'),
  inIdToken('...(nonce !== null && { nonce }),', "...(nonce !== null && { nonce: 'another' }),"),
  inAnswer('...(state !== null && { state }),', ''),
  inAnswer('iss: incoming.issuer }', "iss: 'https://mixed-up.example/' }"),
]
/** That the answer comes in the query, when it is not known what was asked for. */
export const inFragment = inFile('server/oauth/response-modes/response-mode.ts')(
  'carriesToken(responseType) ? fragment : query',
  'fragment',
)
export const withoutType: readonly Mutation[] = [
  inRequest(
    "if (asked === undefined) throw new ProtocolError('invalid_request'",
    "if (asked === undefined) return 'code'; new ProtocolError('invalid_request'",
  ),
  inRequest(
    "throw new ProtocolError('invalid_request', 'response_type",
    "throw new ProtocolError('access_denied', 'response_type",
  ),
  inAnswer('...(state !== null && { state }),', ''),
]

export const basic = {
  'oidcc-server': [
    inCode('const code = randomSecret()', 'const code = randomSecret().slice(0, 15)'),
    inCode('const code = randomSecret()', "const code = 'a'.repeat(60) + randomSecret().slice(0, 4)"),
    ...happy,
  ],
  'oidcc-response-type-missing': [...withoutType, inFragment],
  'oidcc-idtoken-signature': [
    inFile('server/clients/metadata.ts')(
      "metadata.jwt_configuration?.alg ?? 'RS256'",
      "metadata.jwt_configuration?.alg ?? 'ES256'",
    ),
    namelessIdToken,
  ],
  'oidcc-idtoken-unsigned': [
    inDiscovery('await keyring.algorithms(id),', "[...(await keyring.algorithms(id)), 'none'],"),
  ],
  'oidcc-userinfo-get': [
    inUserinfo("{ method: 'GET', path: '/userinfo'", "{ method: 'GET', path: '/another'"),
    wrongType,
    wrongSub,
    wrongFlag,
  ],
  'oidcc-userinfo-post-header': [
    inUserinfo("{ method: 'POST', path: '/userinfo'", "{ method: 'POST', path: '/another'"),
    wrongType,
    wrongSub,
    wrongFlag,
  ],
  'oidcc-userinfo-post-body': [
    inBearer("fromHeader ?? body.get('access_token') ?? fromQuery", 'fromHeader ?? fromQuery'),
    wrongType,
    wrongSub,
    wrongFlag,
  ],
  'oidcc-ensure-request-without-nonce-succeeds-for-code-flow': [
    inOpenid("if (answersWith(responseType, 'id_token')) {", '{'),
    inOpenid("typeof nonce === 'string' ? nonce : null", "typeof nonce === 'string' ? nonce : 'none'"),
  ],
  'oidcc-scope-profile': [
    unlisted('profile'),
    inClaims("    'middle_name',\n", ''),
    inClaims('inForm(claim, known[claim])', "inForm(claim, known[claim === 'given_name' ? 'family_name' : claim])"),
    inClaims('updated_at: toSeconds(user.updatedAt)', 'updated_at: user.updatedAt'),
  ],
  'oidcc-scope-email': [
    unlisted('email'),
    inClaims("['email', 'email_verified']", "['email']"),
    inClaims("['email', 'email_verified']", "['email', 'email_verified', 'name']"),
    inIdToken("client.idToken.claims === 'full' || isAlone", 'true'),
    wrongFlag,
  ],
  'oidcc-scope-address': [
    unlisted('address'),
    inClaims("address: ['address']", 'address: []'),
    inClaims(
      "if (claim === 'address') return addressOf(value)",
      "if (claim === 'address') return JSON.stringify(value)",
    ),
  ],
  'oidcc-scope-phone': [
    unlisted('phone'),
    inClaims("['phone_number', 'phone_number_verified']", "['phone_number']"),
    wrongFlag,
  ],
  'oidcc-scope-all': [
    unlisted('address'),
    inOpenid(
      'allow(userinfoAudience(incoming.issuer), SCOPES)',
      'allow(userinfoAudience(incoming.issuer), SCOPES.slice(0, -1))',
    ),
    wrongFlag,
  ],
  'oidcc-alternate-happy-flow': [
    inOpenid("if (!scopes.includes('openid')) return\n", "if (scopes[0] !== 'openid') return\n"),
    inRequest("parameters.repeated.includes('client_id'))", "parameters.names[0] !== 'client_id')"),
  ],
  'oidcc-display-page': [refusing('display', 'page')],
  'oidcc-display-popup': [refusing('display', 'popup')],
  'oidcc-prompt-login': [
    inNextStep("!request.prompt.includes('login') || isProvenSince(request, session)", 'true'),
    oldProof,
    dayOfTime,
  ],
  'oidcc-prompt-none-not-logged-in': [
    inNextStep(
      '!isProvenAnew(request, session))\n    return silent ?',
      '!isProvenAnew(request, session))\n    return request.maxAgeSeconds ?',
    ),
    inRequest('const LONGEST_STATE = 4096', 'const LONGEST_STATE = 127'),
    inAnswer('...(state !== null && { state }),', ''),
  ],
  'oidcc-prompt-none-logged-in': [
    inNextStep(
      "(!request.prompt.includes('consent') || consent.givenAt > request.receivedAt)",
      'consent.givenAt > request.receivedAt',
    ),
    otherSub,
    timeOfToken,
  ],
  'oidcc-max-age-1': [
    inNextStep('now - authenticatedAt(session.proofs) <= request.maxAgeSeconds * SECOND', 'true'),
    noTime,
    oldProof,
    dayOfTime,
    inIdToken('auth_time: toSeconds(authenticatedAt(proofs))', 'auth_time: toSeconds(authenticatedAt(proofs)) - 60'),
  ],
  'oidcc-max-age-10000': [
    inNextStep('<= request.maxAgeSeconds * SECOND', '<= request.maxAgeSeconds'),
    noTime,
    timeOfToken,
  ],
  'oidcc-ensure-request-with-unknown-parameter-succeeds': [refusing('extra')],
  'oidcc-id-token-hint': [inInteraction('expect(hinted.user)', 'expect(idTokenHint)'), otherSub, timeOfToken],
  'oidcc-login-hint': [refusing('login_hint')],
  'oidcc-ui-locales': [refusing('ui_locales')],
  'oidcc-claims-locales': [refusing('claims_locales')],
  'oidcc-ensure-request-with-acr-values-succeeds': [
    refusing('acr_values'),
    inIdToken('acr: authenticationContext(proofs)', "acr: '0'"),
    inIdToken('acr: authenticationContext(proofs),', ''),
  ],
  'oidcc-codereuse': [inCode("if (spent === 'replayed')", "if (spent === 'never')"), otherError],
  'oidcc-codereuse-30seconds': [inCode('await revokeAuthorization(transaction, authorization, now)', ''), otherError],
  'oidcc-ensure-registered-redirect-uri': [beginsLike, ofOurChoice],
  'oidcc-ensure-post-request-succeeds': [
    inAuthorize("{ method: 'POST', path: '/authorize'", "{ method: 'POST', path: '/another'"),
    inAuthorize('begin(incoming, incoming.body)', 'begin(incoming, incoming.query)'),
  ],
  'oidcc-server-client-secret-post': [
    inFile('server/oauth/client-auth/secret.ts')(
      'proof === undefined ? undefined : { clientId, proof }',
      'proof === undefined ? undefined : undefined',
    ),
  ],
  'oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported': [
    inRequestObject(
      '_values_supported: REQUEST_OBJECT_ALGORITHMS,',
      "_values_supported: [...REQUEST_OBJECT_ALGORITHMS, 'none'],",
    ),
    inRequestObject('request_object_signing_alg_values_supported: REQUEST_OBJECT_ALGORITHMS,', ''),
  ],
  'oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported': [
    inRequestObject("if (header?.['alg'] !== 'none') return", 'return'),
    inRequestObject('    request_parameter_supported: true,\n', ''),
  ],
  'oidcc-claims-essential': [
    inUserinfo('rememberedClaims(lastingOf(authorization.request)).userinfo', '[]'),
    inClaimsParameter(
      'rememberedClaims(context.entitlement.lasting).idToken',
      'rememberedClaims(context.entitlement.lasting).userinfo',
    ),
  ],
  'oidcc-ensure-request-object-with-redirect-uri': [beginsLike, ofOurChoice],
  'oidcc-refresh-token': [
    inDiscovery(
      'grant_types_supported: grants',
      "grant_types_supported: grants.filter(one => one !== 'refresh_token')",
    ),
    inRefresh("if (scopes.includes(SCOPE) && isAllowed && answersWith(responseType, 'code'))", 'if (!scopes)'),
    inFile('server/http/route.ts')("json', 'cache-control': 'no-store'", "json', 'cache-control': 'private'"),
    inIssuing("token_type: 'Bearer'", "token_type: 'N_A'"),
    inIssuing(
      'expires_in: accessToken.lifetimeSeconds,',
      "...(basis.grantType !== 'refresh_token' && { expires_in: accessToken.lifetimeSeconds }),",
    ),
    inIssuing('all.filter(scope => narrowTo.includes(scope))', 'all.filter(scope => !narrowTo.includes(scope))'),
    inRefresh(
      'return { active, authorization: id, audiences, audience, narrowTo,',
      "delete answer['refresh_token']; return { active, authorization: id, audiences, audience, narrowTo,",
    ),
    inIdToken('const issuedAt = toSeconds(request.now)', 'const issuedAt = toSeconds(authenticatedAt(request.proofs))'),
    timeOfToken,
    otherRefreshError,
  ],
  'oidcc-ensure-request-with-valid-pkce-succeeds': [
    inPkce('if (challenge === undefined && verifier === undefined) return', 'if (verifier === undefined) return'),
    inPkce('derive: sha256', 'derive: verifier => verifier'),
  ],
} as const satisfies Mutations<(typeof BASIC_MODULES)[number]>
