// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what is replaced is source
/** What the plans have to notice in which applications learn of a logout. */
import type { BACK_CHANNEL_MODULES, FRONT_CHANNEL_MODULES, SESSION_MODULES } from '../modules.ts'
import { inFile, type Mutation, type Mutations } from '../mutation.ts'

const inBack = inFile('server/oauth/features/backchannel-logout.ts')
const inBrowsers = inFile('server/identity/browsers.ts')
const inDelivery = inFile('server/oauth/back-channel/deliver.ts')
const inEndpoint = inFile('server/oauth/features/end-session.ts')
const inFrames = inFile('server/clients/front-channel.ts')
const inFront = inFile('server/oauth/features/frontchannel-logout.ts')
const inLeaving = inFile('server/identity/leaving.ts')
const inSessions = inFile('server/oauth/features/session-management.ts')
const inToken = inFile('server/tokens/logout-token.ts')

const insecure: Mutation = inEndpoint(
  'end_session_endpoint: `${issuer}',
  "end_session_endpoint: issuer.replace('https:', 'http:') + `",
)

export const backChannel = {
  'oidcc-backchannel-logout-discovery-endpoint-verification': [
    inBack('backchannel_logout_supported: true', 'backchannel_logout_supported: false'),
    inBack('backchannel_logout_session_supported: true', 'backchannel_logout_session_supported: false'),
    insecure,
  ],
  'oidcc-backchannel-rp-initiated-logout': [
    inFile('server/http/egress.ts')(
      "'content-type': 'application/x-www-form-urlencoded'",
      "'content-type': 'text/plain'",
    ),
    inDelivery('{ logout_token: token }', "{ logout_token: token, sub: 'somebody' }"),
    inFile('server/keys/signer.ts')('kid: signer.kid', "kid: header.typ === 'logout+jwt' ? 'another' : signer.kid"),
    inToken('iss: issuer,', 'iss: client.id,'),
    inToken('aud: client.id,', 'aud: issuer,'),
    inToken("jti: newId('lgt'),", ''),
    inToken('{ [LOGOUT_EVENT]: {} }', "{ [LOGOUT_EVENT]: {}, 'https://another.example/': {} }"),
    inToken('sid: session,', "sid: session, nonce: 'n',"),
    inToken('sub: subject,', "sub: subject + 'x',"),
    inDelivery('const subject = await subjects.of(client, user)', 'const subject = user'),
    inEndpoint('url : withQuery(url, { state })', 'url : url'),
    inFile('server/oauth/sign-out.ts')('if (meant.length === 0)', 'if (meant)'),
  ],
} as const satisfies Mutations<(typeof BACK_CHANNEL_MODULES)[number]>

export const frontChannel = {
  'oidcc-frontchannel-logout-discovery-endpoint-verification': [
    inFront('frontchannel_logout_supported: true', 'frontchannel_logout_supported: false'),
    inFront('frontchannel_logout_session_supported: true', 'frontchannel_logout_session_supported: false'),
    insecure,
  ],
  'oidcc-frontchannel-rp-initiated-logout': [
    inFront('context.client.frontChannelLogout !== null', 'context.client.frontChannelLogout === null'),
    // A browser loads no frame that the page's policy does not allow.
    inFile('server/login/leaving.ts')('frameSources: frames.map(originOf)', 'frameSources: []'),
    inLeaving('if (leaving.frames.length === 0)', 'if (leaving)'),
    inFrames('withQuery(url, {', "withQuery(url.replace(/\\?.*/, ''), {"),
    inFrames('iss: issuer,', 'iss: issuer.slice(0, -1),'),
    inFrames('sid: session }', "sid: session + 'x' }"),
    inFrames('sid: session }', "sid: session, state: 'x' }"),
  ],
} as const satisfies Mutations<(typeof FRONT_CHANNEL_MODULES)[number]>

export const sessions = {
  'oidcc-session-management-discovery-endpoint-verification': [
    inSessions('({ check_session_iframe: `${issuer}${PATH}` })', '({})'),
    inSessions('check_session_iframe: `${issuer}', "check_session_iframe: issuer.replace('https:', 'http:') + `"),
    insecure,
  ],
  'oidcc-session-management-rp-initiated-logout': [
    inSessions("answer['session_state'] = sessionState", 'sessionState'),
    inSessions('originOf(redirectUri), state,', 'redirectUri, state,'),
    inSessions('`${client} ${origin} ${state} ${salt}`', '`${client} ${origin} ${salt}`'),
    // The policy of the frame allows its script by a digest.
    inSessions("sha256-${digest}'", "sha256-another'"),
    inBrowsers(
      '=== undefined\n    ? []\n    : [setCookie(STATE_COOKIE, randomSecret(), inFrames(scope))]',
      '=== undefined ? [] : []',
    ),
    inBrowsers("({ ...scope, sameSite: 'None' })", 'scope'),
  ],
} as const satisfies Mutations<(typeof SESSION_MODULES)[number]>
