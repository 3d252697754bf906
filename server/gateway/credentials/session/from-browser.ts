/**
 * What browsers say of a request: whether a page of another site sent it, and whether a person is waiting for a page. A
 * session is sent along by the browser whoever asks, so what changes something has to come from here.
 */
import type { Arrival } from '../../exchange.ts'

const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS']

/** A request that no other site may cause: it changes something, or opens a channel over which something can be changed. */
export const changesSomething = ({ method, isUpgrade }: Arrival): boolean => isUpgrade || !SAFE_METHODS.includes(method)

/** As a browser writes it in `Origin`. */
export const originOf = ({ isSecure, authority }: Arrival): string => `${isSecure ? 'https' : 'http'}://${authority}`

/** All current browsers say `Sec-Fetch-Site`, those before them `Origin`. What says neither is no page of ours. */
export function isSameOrigin(arrival: Arrival): boolean {
  const site = arrival.headers['sec-fetch-site']
  return site === undefined ? arrival.headers['origin'] === originOf(arrival) : site === 'same-origin'
}

/** Whether the answer is shown to a person in the place of the page before it. */
export function isNavigation({ method, headers, isUpgrade }: Arrival): boolean {
  if (method !== 'GET' || isUpgrade) return false
  const mode = headers['sec-fetch-mode']
  if (mode !== undefined) return mode === 'navigate'
  return /(?:^|,)\s*text\/html\s*(?:[;,]|$)/i.test(String(headers['accept'] ?? ''))
}
