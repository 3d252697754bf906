/**
 * Cross-origin access. Protocol endpoints are open to every origin without credentials: what protects them is
 * what must be sent to them, and a browser's cookies never are. Endpoints by which applications sign people in from
 * their own pages are for those pages alone, and two of them want the browser's cookies. The headers stand on errors
 * too, or a script reads "Failed to fetch" in place of the error (and Auth0's SDKs try three times, spending the code).
 */

/**
 * `open`: any origin, without credentials. `clients`: pages of the tenant's own applications; that the page is of the
 * very application that the request names is the endpoint's to check, since a preflight names none. `with-cookies`: the
 * same, together with the browser's cookies.
 */
export type Cors = 'open' | 'clients' | 'with-cookies'

/** Sent by Auth0's SDKs with every call, which makes each a preflighted one. */
const ALLOWED_HEADERS = 'Content-Type, Authorization, Auth0-Client, DPoP, X-Request-Language, Auth0-Custom-Domain'
const EXPOSED_HEADERS =
  'DPoP-Nonce, WWW-Authenticate, Location, Retry-After, X-Request-Id, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset'

export const openToAnyOrigin = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': EXPOSED_HEADERS,
} as const

/** An answer that depends on who asks is kept by no cache for anybody else. */
export const forSomeOrigins = { vary: 'Origin' } as const

/** `origin` byte for byte as it was sent, to one that was found to be an application's (Fetch §3.2.3). */
export const openToOrigin = (origin: string, cors: Exclude<Cors, 'open'>): Readonly<Record<string, string>> => ({
  'access-control-allow-origin': origin,
  ...(cors === 'with-cookies' && { 'access-control-allow-credentials': 'true' }),
  'access-control-expose-headers': EXPOSED_HEADERS,
})

/** Whom it is open to stands beside it, as on every answer of the path. */
export const preflightAnswer = {
  'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE, OPTIONS',
  'access-control-allow-headers': ALLOWED_HEADERS,
  // Chromium keeps a preflight for two hours at the most.
  'access-control-max-age': '7200',
} as const
