/**
 * Where an answer may be sent. Compared byte for byte with what was registered (RFC 9700 §4.1.3): no pattern,
 * no normalisation, so nothing that a URL parser and a browser could read differently.
 */
import type { Client } from './metadata.ts'

/** RFC 8252 §7.3: an app on this machine listens on whatever port is free, so a port may be added or differ. */
const LOOPBACK = /^http:\/\/(?:127\.0\.0\.1|\[::1\])(?::\d{1,5})?(?=[/?]|$)/

/** A wildcard of an export is stored and returned, and never matches. */
const isWildcard = (registered: string): boolean => registered.includes('*')

export function isRegisteredRedirectUri(client: Client, presented: string): boolean {
  return client.redirectUris.some(
    registered =>
      !isWildcard(registered) &&
      (registered === presented || (client.type === 'native' && sameButPort(registered, presented))),
  )
}

function sameButPort(registered: string, presented: string): boolean {
  const left = LOOPBACK.exec(registered)
  const right = LOOPBACK.exec(presented)
  if (!left || !right) return false
  const host = (match: string) => match.slice('http://'.length).replace(/:\d+$/, '')
  return host(left[0]) === host(right[0]) && registered.slice(left[0].length) === presented.slice(right[0].length)
}

/**
 * A page that asks silently for itself may name its bare origin, as Auth0's SDKs do when they are given no
 * redirect URI: the answer is posted to that origin as a message and goes nowhere else.
 */
export const isRegisteredWebOrigin = (client: Client, presented: string): boolean =>
  client.webOrigins.includes(presented)

/** The same rule for where a sign-out may lead back to. */
export const isRegisteredLogoutUrl = (registered: readonly string[], presented: string): boolean =>
  registered.some(url => !isWildcard(url) && url === presented)
