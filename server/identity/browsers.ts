/**
 * The browser in front of us: its cookies, and the sessions they open. One names the browser's sessions and rotates at
 * every sign-in; another is the secret that tickets are bound to, which must not rotate under the other tabs. The third
 * is no secret: scripts of ours read it to notice that somebody signed in or out. None can be computed from another.
 */

import { type CookieKind, type CookieScope, dropCookie, fullName, readCookie, setCookie } from '../http/cookies.ts'
import { type Incoming, isSecure } from '../http/route.ts'
import type { Instant } from '../kernel/clock.ts'
import { randomSecret, sha256 } from '../kernel/secrets.ts'
import { BROWSER_SECRET_LIFE } from '../policy/lifetimes.ts'
import type { BrowserSession, SessionRecord } from '../store/sessions.ts'
import type { Nouns } from '../store/store.ts'
import type { UserRecord } from '../store/users.ts'
import { isLive } from './sessions.ts'

const SESSION_COOKIE = 'latchkey.session'
const BROWSER_COOKIE: CookieKind = { name: 'latchkey.browser', life: BROWSER_SECRET_LIFE }
const STATE_COOKIE: CookieKind = { name: 'latchkey.state', life: BROWSER_SECRET_LIFE, readable: true }

export interface LiveSession extends BrowserSession {
  readonly user: UserRecord
}

/** The hash under which the store knows the browser's sessions, or null. */
export function sessionHash(incoming: Incoming): string | null {
  const secret = readCookie(incoming.header('cookie'), { name: SESSION_COOKIE, life: null }, isSecure(incoming))
  return secret === undefined ? null : sha256(secret)
}

/** Sessions that count, the current one first. A raised epoch, a block or a deletion ends them in that instant. */
export async function liveSessions(store: Nouns, incoming: Incoming, now: Instant): Promise<LiveSession[]> {
  const hash = sessionHash(incoming)
  if (hash === null) return []
  const sessions = await store.sessions.inBrowser(incoming.tenant, hash, now)
  const without = await withoutOrganization(store, sessions)
  return sessions
    .filter(({ session }) => !without.has(session))
    .filter(
      (entry): entry is LiveSession =>
        entry.user !== undefined && !entry.user.blocked && isLive(entry.session, entry.user, now),
    )
    .sort((one, other) => Number(other.current) - Number(one.current))
}

/** Those that were begun for an organization which is gone. Those of a member who leaves are ended with that. */
async function withoutOrganization(
  store: Nouns,
  sessions: readonly BrowserSession[],
): Promise<ReadonlySet<SessionRecord>> {
  const without = new Set<SessionRecord>()
  for (const { session } of sessions)
    if (session.organization !== null && !(await store.organizations.find(session.tenant, session.organization)))
      without.add(session)
  return without
}

/** A new name for the browser's sessions: its hash for the store, and the cookie that carries it. `life`: null for one that ends with the browser. */
export function newSessionCookie(scope: CookieScope, life: number | null): { hash: string; cookie: string } {
  const secret = randomSecret()
  return { hash: sha256(secret), cookie: setCookie({ name: SESSION_COOKIE, life }, secret, scope) }
}

export const dropSessionCookie = (scope: CookieScope): string => dropCookie({ name: SESSION_COOKIE, life: null }, scope)

/** The browser's secret as a hash, made when it has none; `cookies` is empty when nothing need be set. */
export function bindBrowser(incoming: Incoming, scope: CookieScope): { hash: string; cookies: string[] } {
  const known = readCookie(incoming.header('cookie'), BROWSER_COOKIE, scope.secure)
  if (known !== undefined) return { hash: sha256(known), cookies: [] }
  const secret = randomSecret()
  return { hash: sha256(secret), cookies: [setCookie(BROWSER_COOKIE, secret, scope)] }
}

/** The hash of the browser's secret, or null for a browser that has none yet. */
export function browserHashOf(incoming: Incoming): string | null {
  const secret = readCookie(incoming.header('cookie'), BROWSER_COOKIE, isSecure(incoming))
  return secret === undefined ? null : sha256(secret)
}

/** Whether this browser began the ticket. A ticket bound to none is nobody's to continue by URL. */
export function isBoundHere(ticket: { browserHash: string | null }, incoming: Incoming): boolean {
  const hash = browserHashOf(incoming)
  return hash !== null && hash === ticket.browserHash
}

/**
 * Wherever sessions are found: applications on other sites frame the page that reads it, and what they are told by it is
 * that something changed.
 */
const inFrames = (scope: CookieScope): CookieScope => ({ ...scope, sameSite: 'None' })

export const stateCookieName = (secure: boolean): string => fullName(STATE_COOKIE, secure)

/** What stands for the browser's sessions as they are, made when it has none; `cookies` is empty when nothing need be set. */
export function browserState(incoming: Incoming, scope: CookieScope): { state: string; cookies: string[] } {
  const known = readCookie(incoming.header('cookie'), STATE_COOKIE, scope.secure)
  if (known !== undefined) return { state: known, cookies: [] }
  const state = randomSecret()
  return { state, cookies: [setCookie(STATE_COOKIE, state, inFrames(scope))] }
}

/** Somebody signed in or out: another state, where anybody has asked for one. */
export const changeBrowserState = (incoming: Incoming, scope: CookieScope): string[] =>
  readCookie(incoming.header('cookie'), STATE_COOKIE, scope.secure) === undefined
    ? []
    : [setCookie(STATE_COOKIE, randomSecret(), inFrames(scope))]
