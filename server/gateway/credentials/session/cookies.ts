/**
 * The cookies of a session: what they are called and which of them a browser sent. They begin as all cookies of Latchkey
 * do, by which `strip.ts` knows what does not go on to a service.
 */
import {
  type CookieKind,
  type CookieScope,
  dropCookie,
  fullName,
  readCookie,
  setCookie,
} from '../../../http/cookies.ts'
import { HOUR } from '../../../kernel/seconds.ts'
import type { Arrival } from '../../exchange.ts'

/** Until the browser closes: how long it is good for is kept with the session. */
export const SESSION_COOKIE: CookieKind = { name: 'latchkey.edge', life: null }

/** To sign in, or sign up and look for the mail. */
export const SIGN_IN_LIFE = HOUR

/** One for each tab that is signing in. */
const SIGN_IN_PREFIX = 'latchkey.edge-sign-in.'
export const signInCookie = (id: string): CookieKind => ({ name: `${SIGN_IN_PREFIX}${id}`, life: SIGN_IN_LIFE })

const scopeOf = ({ isSecure }: Arrival): CookieScope => ({ secure: isSecure, sameSite: 'Lax' })

export const set = (arrival: Arrival, kind: CookieKind, value: string): string =>
  setCookie(kind, value, scopeOf(arrival))
export const drop = (arrival: Arrival, kind: CookieKind): string => dropCookie(kind, scopeOf(arrival))

const headerOf = ({ headers }: Arrival): string => String(headers['cookie'] ?? '')

export const cookieOf = (arrival: Arrival, kind: CookieKind): string | undefined =>
  readCookie(headerOf(arrival), kind, arrival.isSecure)

/** The ids of the sign-ins that are under way in this browser, in the order in which it sends them. */
export function signInsUnderWay(arrival: Arrival): readonly string[] {
  const prefix = fullName({ name: SIGN_IN_PREFIX }, arrival.isSecure)
  return headerOf(arrival)
    .split(';')
    .map(pair => pair.trim().split('=', 1)[0] ?? '')
    .filter(name => name.startsWith(prefix))
    .map(name => name.slice(prefix.length))
}
