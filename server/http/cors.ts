/**
 * Cross-origin access. Protocol endpoints are open to every origin without credentials: what protects them is
 * what must be sent to them, and a browser's cookies never are. The headers stand on errors too, or a script
 * reads "Failed to fetch" in place of the error (and Auth0's SDKs try three times, spending the code).
 */

/** Sent by Auth0's SDKs with every call, which makes each a preflighted one. */
const ALLOWED_HEADERS = 'Content-Type, Authorization, Auth0-Client, DPoP, X-Request-Language, Auth0-Custom-Domain'
const EXPOSED_HEADERS =
  'DPoP-Nonce, WWW-Authenticate, Location, Retry-After, X-Request-Id, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset'

export const openToAnyOrigin = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': EXPOSED_HEADERS,
} as const

export const preflightAnswer = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE, OPTIONS',
  'access-control-allow-headers': ALLOWED_HEADERS,
  // Chromium keeps a preflight for two hours at the most.
  'access-control-max-age': '7200',
} as const
