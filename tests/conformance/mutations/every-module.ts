// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what is replaced is source
/** What every module has to notice: of each thing that is asked of all answers, one that is not so. */
import type { everyModule as asked } from '../demands/every-module.ts'
import { inFile, inFlow, type Mutations } from '../mutation.ts'
import { HYBRID_FLOW } from './flows.ts'

const inAnswer = inFile('server/oauth/authorization-answer.ts')
const inDiscovery = inFile('server/oauth/discovery.ts')
const inEndpoint = inFile('server/oauth/features/registration.ts')
const inForm = inFile('server/oauth/response-modes/form-post.ts')
const inIdToken = inFile('server/tokens/id-token.ts')
const inIssuing = inFile('server/oauth/issue-tokens.ts')
const inKeySet = inFile('server/keys/key-set.ts')
const inModes = inFile('server/oauth/response-modes/response-mode.ts')
const inOpenid = inFile('server/oauth/features/openid.ts')
const inRegistration = inFile('server/clients/registration.ts')
const inSigner = inFile('server/keys/signer.ts')
const inUserinfo = inFile('server/oauth/features/userinfo.ts')

const keysWith = (members: string) =>
  inKeySet('keys.map(({ publicKey }) => publicKey)', `keys.map(({ publicKey }) => ({ ...publicKey, ${members} }))`)
const withError = (members: string) =>
  inAnswer('{ error: error.code, error_description: error.message }', `{ ${members} }`)

export const everyModule = {
  discovery: [
    inDiscovery('token_endpoint: `${issuer}', 'token_endpoint_: `${issuer}'),
    inDiscovery(
      '_methods_supported: clientAuthMethodNames',
      "_methods_supported: clientAuthMethodNames.filter(one => one !== 'client_secret_basic')",
    ),
  ],
  'key-set': [
    inDiscovery('await services.keyring.jwks(tenant)', '{ keys: [] }'),
    keysWith("d: 'AQ'"),
    keysWith("e: 'AQAB='"),
    keysWith("x5c: ['AQAB']"),
    keysWith("alg: 'XX256'"),
    keysWith("kid: ' '"),
    inKeySet('keys.map(({ publicKey }) => publicKey)', '[...keys, ...keys].map(({ publicKey }) => publicKey)'),
  ],
  callback: [
    inModes('carriesToken(responseType) ? fragment : query', 'fragment'),
    inForm('action="${escapeHtml(redirectUri)}"', 'action="${escapeHtml(redirectUri)}?"'),
    ...inFlow(HYBRID_FLOW, [inModes('carriesToken(responseType) ? fragment : query', 'query')]),
    inAnswer('iss: incoming.issuer }', "iss: incoming.issuer + 'another' }"),
    inAnswer('...(state !== null && { state }),', '...(state !== null && { state: state.toLowerCase() }),'),
    inFile('server/oauth/response-modes/query.ts')(
      'withQuery(redirectUri, members)',
      "withQuery(redirectUri.replace(/\\?.*/, ''), members)",
    ),
  ],
  'token-answer': [
    inFile('server/oauth/token.ts')('json(200, { ...tokens', 'json(201, { ...tokens'),
    inIssuing("token_type: 'Bearer'", "token_type: ''"),
    inIssuing('expires_in: accessToken.lifetimeSeconds', 'expires_in: String(accessToken.lifetimeSeconds)'),
    inIssuing('{ id_token: idToken }', '{ id_token: undefined }'),
  ],
  'id-token': [
    inIdToken('iss: issuer,', 'iss: issuer.slice(0, -1),'),
    inIdToken('aud: client.id,', "aud: ['another'],"),
    inIdToken('exp: issuedAt + client.idToken.lifetimeSeconds', 'exp: issuedAt - 1'),
    inIdToken('iat: issuedAt,', 'iat: issuedAt - 3600,'),
    inIdToken('auth_time: toSeconds(authenticatedAt(proofs))', 'auth_time: authenticatedAt(proofs)'),
    inIdToken('acr: authenticationContext(proofs)', "acr: ''"),
    inIdToken('...(nonce !== null && { nonce }),', ''),
    inOpenid("typeof nonce === 'string' ? nonce : null", "typeof nonce === 'string' ? nonce : 'none'"),
    inIdToken('sub: subject,', "sub: '',"),
    inIdToken('aud: client.id,', 'aud: client.id, updated_at: request.now,'),
    inIdToken('aud: client.id,', "aud: client.id, email_verified: 'true',"),
    inSigner('Buffer.from(signature).toString', 'Buffer.from(signature).reverse().toString'),
    inSigner('kid: signer.kid', "kid: 'another'"),
    ...inFlow(HYBRID_FLOW, [inIdToken('sub: subject,', "sub: subject + (code ?? '').slice(0, 1),")]),
  ],
  userinfo: [
    inUserinfo("if (!own.scopes.includes('openid'))", "if (own.scopes.includes('openid'))"),
    ...inFlow(HYBRID_FLOW, [
      inAnswer(
        'authorization: id,\n      audiences: request',
        "authorization: newId('aut'),\n      audiences: request",
      ),
    ]),
  ],
  'authorization-error': [
    inAnswer('...(state !== null && { state }),', ''),
    withError('error_description: error.message'),
    withError("error: error.code, code: 'c'"),
    withError("error: error.code, hint: 'sign in'"),
    withError("error: error.code, error_description: 'Sign in “here”'"),
    withError("error: error.code, error_description: 'Sign in:\\nhere'"),
  ],
  registration: [
    inEndpoint('return json(201, {', 'return json(200, {'),
    inEndpoint('client_secret_expires_at: 0', ''),
    inEndpoint('    registration_access_token: token,\n', ''),
    inEndpoint('status: 204', 'status: 200'),
    inRegistration(
      "if (method === 'private_key_jwt' && asked.jwks === undefined",
      "if (method !== 'private_key_jwt' && asked.jwks) throw refusal('keys')\n  if (method === 'private_key_jwt' && asked.jwks === undefined",
    ),
    inRegistration('oneOf: RESPONSE_TYPE_SPELLINGS,', "oneOf: ['code', 'id_token'],"),
  ],
} as const satisfies Mutations<keyof typeof asked>
