// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what is replaced is source
/** What the plan for RP-initiated logout has to notice. */
import type { SIGN_OUT_MODULES } from '../modules.ts'
import { inFile, type Mutations } from '../mutation.ts'

const inEndpoint = inFile('server/oauth/features/end-session.ts')
const inHint = inFile('server/oauth/id-token-hint.ts')
const inLogin = inFile('server/login/sign-out.ts')
const inRedirectUris = inFile('server/clients/redirect-uris.ts')

const notReturned = inEndpoint('if (url === undefined) return null', 'if (url) return null')
/** The suite's applications are somebody else's, so that the person is asked whatever they show. */
const staysAfterQuestion = inLogin('endSessions(store, sessions,', 'endSessions(store, [],')
const unregistered = inEndpoint('if (!client || !isRegisteredLogoutUrl(client.logoutUrls, url))', 'if (!client)')
const beginsLike = inRedirectUris('!isWildcard(url) && url === presented', 'presented.startsWith(url)')
const noGoodbye = inFile('server/policy/sign-out-request.ts')("withQuery('/signed-out'", "withQuery('/another'")
/** Whatever it says is believed. */
const unverified = inHint(
  'const signed = await verifySignature(',
  `const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString())
    if (claims.sub) return { claims, user: claims.sub }
    const signed = await verifySignature(`,
)

export const signOut = {
  'oidcc-rp-initiated-logout-discovery-endpoint-verification': [
    inEndpoint('({ end_session_endpoint: `${issuer}oidc/logout` })', '({})'),
    inEndpoint('end_session_endpoint: `${issuer}', "end_session_endpoint: issuer.replace('https:', 'http:') + `"),
  ],
  'oidcc-rp-initiated-logout': [
    notReturned,
    inEndpoint('url : withQuery(url, { state })', 'url : url'),
    inEndpoint('url : withQuery(url, { state })', "url : withQuery(url, { state, iss: 'x' })"),
    staysAfterQuestion,
  ],
  'oidcc-rp-initiated-logout-no-state': [
    notReturned,
    inEndpoint('state === undefined ? url : withQuery(url, { state })', "withQuery(url, { state: state ?? '' })"),
    inEndpoint('state === undefined ? url :', "state === undefined ? withQuery(url, { iss: 'x' }) :"),
    staysAfterQuestion,
  ],
  'oidcc-rp-initiated-logout-bad-post-logout-redirect-uri': [unregistered, beginsLike],
  'oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri': [unregistered, beginsLike],
  'oidcc-rp-initiated-logout-modified-id-token-hint': [unverified],
  'oidcc-rp-initiated-logout-bad-id-token-hint': [unverified],
  'oidcc-rp-initiated-logout-no-id-token-hint': [
    inEndpoint('if (!client || !isRegisteredLogoutUrl', 'if (client && !isRegisteredLogoutUrl'),
  ],
  'oidcc-rp-initiated-logout-no-params': [staysAfterQuestion, noGoodbye],
  'oidcc-rp-initiated-logout-no-post-logout-redirect-uri': [staysAfterQuestion, noGoodbye],
  'oidcc-rp-initiated-logout-only-state': [staysAfterQuestion, noGoodbye],
} as const satisfies Mutations<(typeof SIGN_OUT_MODULES)[number]>
