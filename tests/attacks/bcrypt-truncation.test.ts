/**
 * bcrypt reads 72 bytes. Where something long stands before what is secret, or a NUL byte ends what C reads, whoever
 * knows the beginning knows it all (Okta, October 2024). Imported hashes are bcrypt's, so nothing may reach it that it
 * would not read to the end; and that it was so is the operator's to know and nobody else's.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type RunningServer, startServer } from '../fixtures/server.ts'
import { askToken, beginAt, CookieJarBrowser, passing, signIn, tenantFile } from './stage.ts'

/** By Python's bcrypt 3.2.2, at cost 4, of the whole password and so of its first 72 bytes. */
const LONG = {
  email: 'long@example.com',
  password: 'the same long beginning that this site puts before every password: 0123 correct horse',
  password_hash: '$2b$04$PaVE5KmcE52JdEWjqueNUuJKgUI2vJKD.GtphSpvnUaht1eZuB9.6',
}
/** The same, of `short`. */
const SHORT = {
  email: 'short@example.com',
  password: 'a short one',
  password_hash: '$2b$04$n593PM4sFeLPrbP0mCXeFOKGwazt0l08Undk.2BbO0nRCajlR/K1.',
}

describe('a password that bcrypt would not read to its end', () => {
  let server: RunningServer
  before(async () => {
    const users = [LONG, SHORT].map(({ email, password_hash }) => ({ email, email_verified: true, password_hash }))
    server = await startServer({
      store: 'sqlite',
      tenantFile: { ...tenantFile, users: [...tenantFile.users, ...users] },
    })
  })
  after(() => server?.close())

  const ATTEMPTS = [
    [LONG.email, `${LONG.password.slice(0, 72)} and anything`],
    [LONG.email, LONG.password],
    [SHORT.email, `${SHORT.password}\0`],
    [SHORT.email, `${SHORT.password}\0and anything`],
    [SHORT.email, `\0${SHORT.password}`],
  ] as const

  test('opens no account, by the page or by the grant, and is told as any wrong one is', async () => {
    const wrong = await askToken(server, passing({ email: SHORT.email, password: 'wrong' }))
    for (const [email, password] of ATTEMPTS) {
      const granted = await askToken(server, passing({ email, password }))
      assert.deepEqual([granted.status, granted.body], [400, wrong.body], password)
      const browser = new CookieJarBrowser(server)
      const shown = await browser.post(await beginAt(browser), { username: email, password })
      assert.equal(shown.status, 400)
      assert.match(shown.body, /The e-mail address or the password is wrong/)
    }
  })

  test('is in the events, with the reason', async () => {
    server = await server.restart()
    const events = await server.latchkey.store.events.list('default', { limit: 1000 })
    const reasons = events.filter(({ type }) => type === 'sign-in.failed').map(({ details }) => details['reason'])
    assert.deepEqual(new Set(reasons), new Set([undefined, 'longer-than-72-bytes', 'nul']))
  })

  test('has done nothing to the account: the right password opens it', async () => {
    await signIn(new CookieJarBrowser(server), SHORT)
  })
})
