import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { anIncoming, aSession, aUser, NOW } from '../../tests/fixtures/records.ts'
import { sha256 } from '../kernel/secrets.ts'
import type { BrowserSession } from '../store/sessions.ts'
import type { Nouns } from '../store/store.ts'
import {
  bindBrowser,
  browserState,
  changeBrowserState,
  dropSessionCookie,
  isBoundHere,
  liveSessions,
  newSessionCookie,
  sessionHash,
} from './browsers.ts'

const HTTPS = { secure: true, sameSite: 'Lax' } as const
const HTTP = { secure: false, sameSite: 'Lax' } as const
const withCookie = (cookie: string, issuer = 'https://login.example.com/') =>
  anIncoming({ issuer, headers: { cookie } })

describe('the secret that tickets are bound to', () => {
  test('is made once, and kept while other tabs hold tickets under it', () => {
    const first = bindBrowser(anIncoming(), HTTPS)
    assert.equal(first.cookies.length, 1)
    const [pair = ''] = first.cookies[0]?.split(';') ?? []
    assert.match(pair, /^__Host-latchkey\.browser=[\w-]{43}$/)
    assert.deepEqual(bindBrowser(withCookie(pair), HTTPS), { hash: first.hash, cookies: [] })
  })

  test('is stored as a digest that does not open anything', () => {
    const { hash, cookies } = bindBrowser(anIncoming(), HTTPS)
    const secret = cookies[0]?.split(/[=;]/)[1] ?? ''
    assert.equal(hash, sha256(secret))
    assert.ok(!cookies.join().includes(hash))
    assert.equal(isBoundHere({ browserHash: hash }, withCookie(`__Host-latchkey.browser=${hash}`)), false)
  })

  const ticket = { browserHash: sha256('mine') }
  for (const [cookie, expected, why] of [
    ['__Host-latchkey.browser=mine', true, 'the browser that began it'],
    ['__Host-latchkey.browser=other', false, 'another browser'],
    ['', false, 'a browser without the cookie'],
    ['__Host-latchkey.browser=', false, 'an empty cookie'],
    ['latchkey.browser=mine', false, 'a cookie that a subdomain can plant'],
    ['__Host-latchkey.session=mine', false, 'the secret in the other cookie'],
  ] as const)
    test(`${why}: the ticket is ${expected ? '' : 'not '}its own`, () =>
      assert.equal(isBoundHere(ticket, withCookie(cookie)), expected))

  test('opens no ticket that is bound to nobody', () =>
    assert.equal(isBoundHere({ browserHash: null }, withCookie('__Host-latchkey.browser=mine')), false))
})

describe('the name of a browser’s sessions', () => {
  test('is new each time, and found again under its hash', () => {
    const { hash, cookie } = newSessionCookie(HTTP, 60_000)
    assert.match(cookie, /^latchkey\.session=[\w-]{43}; .*Max-Age=60; HttpOnly$/)
    assert.equal(sessionHash(withCookie(cookie.split(';')[0] ?? '', 'http://localhost:4000/')), hash)
    assert.notEqual(newSessionCookie(HTTP, 60_000).hash, hash)
  })

  test('is dropped with the attributes it was set with', () =>
    assert.equal(
      dropSessionCookie(HTTPS),
      '__Host-latchkey.session=; Path=/; SameSite=Lax; Max-Age=0; HttpOnly; Secure',
    ))
})

describe('what stands for the sessions', () => {
  test('can be read by a script, in frames of other sites too, whatever the session is kept from', () => {
    const { state, cookies } = browserState(anIncoming(), HTTPS)
    const [cookie = ''] = cookies
    assert.equal(cookie.replace(/Max-Age=\d+/, ''), `__Host-latchkey.state=${state}; Path=/; SameSite=None; ; Secure`)
    const [changed = '', ...others] = changeBrowserState(withCookie(cookie.split(';')[0] ?? ''), HTTPS)
    assert.deepEqual(others, [])
    assert.match(changed, /; SameSite=None; Max-Age=\d+; Secure$/)
    assert.ok(!changed.includes(state))
  })
})

describe('the sessions that count', () => {
  const entry = (
    id: string,
    { session = {}, user = {}, current = false }: { session?: object; user?: object | null; current?: boolean } = {},
  ): BrowserSession => ({
    session: aSession({ id, ...session }),
    user: user === null ? undefined : aUser(user),
    current,
  })
  const of = async (...entries: BrowserSession[]) => {
    const store = { sessions: { inBrowser: async () => entries } } as unknown as Nouns
    const live = await liveSessions(store, withCookie('__Host-latchkey.session=secret'), NOW)
    return live.map(({ session }) => session.id)
  }

  test('come with the current one first', async () =>
    assert.deepEqual(await of(entry('a'), entry('b', { current: true }), entry('c')), ['b', 'a', 'c']))

  for (const [dead, why] of [
    [{ user: null }, 'a person who was deleted'],
    [{ user: { blocked: true } }, 'a person who is blocked'],
    [{ user: { epoch: 1 } }, 'a person who was signed out everywhere since'],
    [{ user: { id: 'auth0|eve' } }, 'somebody else'],
    [{ session: { endedAt: NOW - 1 } }, 'one who signed out'],
    [{ session: { idleExpiresAt: NOW } }, 'one who stayed away too long'],
    [{ session: { expiresAt: NOW } }, 'one whose session is too old'],
  ] as const)
    test(`leave out that of ${why}, also when it was the current one`, async () =>
      assert.deepEqual(await of(entry('dead', { ...dead, current: true }), entry('alive')), ['alive']))

  test('are none without the cookie, and nobody is asked', async () => {
    const store = { sessions: { inBrowser: () => assert.fail('asked') } } as unknown as Nouns
    assert.deepEqual(await liveSessions(store, anIncoming(), NOW), [])
  })
})
