// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what is replaced is source
/**
 * What the implicit, hybrid and form_post plans have to notice: what the basic plan does, how the answer of each flow
 * comes, and what it holds. Where it makes no difference which flow is played, one of the plan stands for all.
 */

import type { HYBRID_MODULES, IMPLICIT_MODULES } from '../modules.ts'
import { inFile, inFlow, type Mutation, type Mutations } from '../mutation.ts'
import { basic, happy, withoutType } from './basic.ts'
import { ALONE, BEHIND, BEHIND_FORM } from './flows.ts'

const inForm = inFile('server/oauth/response-modes/form-post.ts')
const inIdToken = inFile('server/tokens/id-token.ts')
const inIssuing = inFile('server/oauth/issue-tokens.ts')
const inModes = inFile('server/oauth/response-modes/response-mode.ts')
const inOpenid = inFile('server/oauth/features/openid.ts')

const {
  'oidcc-ensure-request-without-nonce-succeeds-for-code-flow': withoutNonce,
  'oidcc-idtoken-unsigned': _unsigned,
  'oidcc-codereuse': _reuse,
  'oidcc-codereuse-30seconds': _lateReuse,
  'oidcc-server-client-secret-post': _posted,
  'oidcc-refresh-token': _refresh,
  'oidcc-ensure-request-with-valid-pkce-succeeds': _pkce,
  ...withoutCode
} = basic

const nonceDemanded: readonly Mutation[] = [
  inOpenid(
    "if (nonce === undefined) throw new ProtocolError('invalid_request', 'nonce",
    "new ProtocolError('invalid_request', 'nonce",
  ),
  inOpenid(
    "throw new ProtocolError('invalid_request', 'nonce is m",
    "throw new ProtocolError('access_denied', 'nonce is m",
  ),
]
const inQuery: readonly Mutation[] = [
  inFile('server/oauth/response-modes/fragment.ts')(
    'withFragment(redirectUri, members)',
    "withFragment(redirectUri, members).replace('#', '?')",
  ),
  inModes('carriesToken(responseType) ? fragment : query', 'query'),
]
const front: readonly Mutation[] = [
  inIdToken('...(accessToken !== null && { at_hash: halfHash(accessToken, algorithm) }),', ''),
  inOpenid("wanted.idToken = answersWith(request.responseType, 'id_token')", 'wanted.idToken = false'),
  inFile('server/oauth/features/implicit.ts')(
    "wanted.accessToken = answersWith(request.responseType, 'token')",
    'wanted.accessToken = false',
  ),
]
const besideCode: readonly Mutation[] = [
  inIdToken('...(code !== null && { c_hash: halfHash(code, algorithm) }),', ''),
  inFile('server/oauth/authorization-answer.ts')("code: members['code'] ?? null", 'code: null'),
  inIdToken('aud: client.id,', 'aud: client.id, ...(code === null && { client: client.id }),'),
]

export const implicit = {
  ...withoutCode,
  'oidcc-server': [...happy, ...front, ...inQuery],
  'oidcc-ensure-request-without-nonce-fails': nonceDemanded,
  'oidcc-scope-email': [
    ...withoutCode['oidcc-scope-email'],
    ...inFlow(ALONE, [
      inIssuing('const isAlone = !wanted.accessToken && wanted.code === null', 'const isAlone = false'),
    ]),
  ],
  'oidcc-claims-essential': [
    ...withoutCode['oidcc-claims-essential'],
    ...inFlow(ALONE, [
      inFile('server/oauth/features/claims.ts')('rememberedClaims(context.entitlement.lasting).idToken', '[]'),
    ]),
  ],
} as const satisfies Mutations<(typeof IMPLICIT_MODULES)[number]>

export const hybrid = {
  ...basic,
  'oidcc-server': [...basic['oidcc-server'], ...front, ...besideCode, ...inQuery],
  'oidcc-ensure-request-without-nonce-fails': nonceDemanded,
  'oidcc-ensure-request-without-nonce-succeeds-for-code-flow': inFlow(BEHIND, withoutNonce),
} as const satisfies Mutations<(typeof HYBRID_MODULES)[number]>

export const formPost = {
  ...basic,
  'oidcc-server': [
    ...basic['oidcc-server'],
    ...front,
    ...besideCode,
    inForm('method="post"', 'method="get"'),
    inForm('action="${escapeHtml(redirectUri)}"', 'action=""'),
    inForm('document.forms[0].submit()', ''),
    // A browser runs no script and sends no form that the page's policy does not allow.
    inForm('<script nonce="${nonce}">', '<script>'),
    inForm('formTargets: [redirectUri]', 'formTargets: []'),
  ],
  'oidcc-response-type-missing': [
    ...withoutType,
    inFile('server/oauth/authorization-request.ts')(
      'return asked && reaches && mayCarry ?',
      'return asked && responseType && reaches && mayCarry ?',
    ),
  ],
  'oidcc-ensure-request-without-nonce-fails': nonceDemanded,
  'oidcc-ensure-request-without-nonce-succeeds-for-code-flow': inFlow(BEHIND_FORM, withoutNonce),
} as const satisfies Mutations<(typeof HYBRID_MODULES)[number]>
