/**
 * Waiting in an account for its owner: Mallory makes one with Ann's address before Ann does, signs in, lets her own
 * application in, and waits. Whatever Ann does next by way of her mailbox, nothing of Mallory's may be in what is then hers.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { MINUTE } from '../../server/kernel/seconds.ts'
import { sha256 } from '../../server/kernel/secrets.ts'
import { linkIn, type Mailbox, openMailbox } from '../fixtures/mailbox.ts'
import { onEachStore, type RunningServer, startServer } from '../fixtures/server.ts'
import { createTestClock } from '../fixtures/test-clock.ts'
import {
  askToken,
  askUserinfo,
  authorizePath,
  beginAt,
  CookieJarBrowser,
  claimsOf,
  codeOf,
  follow,
  PARTNER,
  redemption,
  refreshing,
  signIn,
  type Tokens,
  tenantFile,
} from './stage.ts'

const MALLORYS = 'whoever waits gets it all'

onEachStore('Somebody who made an account with another’s address', store => {
  const clock = createTestClock()
  let server: RunningServer
  let mailbox: Mailbox
  before(async () => {
    server = await startServer({ store, tenantFile, clock: clock.now })
    mailbox = openMailbox(server.latchkey)
  })
  after(() => server?.close())

  let victims = 0
  /** Signed up, signed in, with an application that may come back while nobody is there. */
  async function waiting() {
    victims += 1
    const email = `victim-${victims}@example.com`
    const browser = new CookieJarBrowser(server)
    const login = await beginAt(browser, authorizePath(PARTNER, { scope: 'openid email offline_access' }))
    const made = await browser.post(`${login}/sign-up`, { email, password: MALLORYS })
    const consent = (await browser.get((await browser.get(made.location ?? '')).location ?? '')).body
    const shown = /name="shown" value="([^"]*)"/.exec(consent)?.[1] ?? ''
    const allowed = await browser.post(`${login}/consent`, { decision: 'allow', shown })
    const callback = await follow(browser, allowed.location)
    const tokens = (await askToken(server, redemption(PARTNER, codeOf(callback)))).json() as unknown as Tokens
    assert.ok(tokens.refresh_token)
    return { email, browser, tokens, link: linkIn(await mailbox.next(email)) }
  }

  test('is not helped by the owner who presses the button of the mail', async () => {
    const { email, tokens, link } = await waiting()
    const owner = new CookieJarBrowser(server)
    const { pathname } = new URL(link)
    assert.match((await owner.get(pathname)).body, /Did you make the account/)
    for (const password of ['', 'a password of the owner'])
      assert.equal((await owner.post(pathname, { password })).status, 400)
    const userinfo = await askUserinfo(server, tokens.access_token)
    assert.deepEqual([userinfo.json()['email'], userinfo.json()['email_verified']], [email, false])
  })

  test('cannot confirm it without the mail, nor in the browser that it was made in', async () => {
    const { browser, tokens } = await waiting()
    assert.equal((await browser.post('/verify-email/never-made', { password: MALLORYS })).status, 410)
    assert.equal(claimsOf(tokens.id_token)['email_verified'], false)
  })

  test('has nothing left once the owner chooses a password: no session, no token, no consent, no known browser', async () => {
    const { email, browser, tokens } = await waiting()
    clock.advance(2 * MINUTE)
    const owner = new CookieJarBrowser(server)
    await owner.post('/forgot-password', { email })
    const { pathname } = new URL(linkIn(await mailbox.next(email)))
    const password = 'owners choose well in the end'
    assert.equal((await owner.post(pathname, { password })).status, 200)

    assert.equal((await askUserinfo(server, tokens.access_token)).status, 401)
    assert.equal((await askToken(server, refreshing(PARTNER, tokens.refresh_token))).status, 400)
    const silent = await browser.get(authorizePath(PARTNER, { prompt: 'none' }))
    assert.equal(new URL(silent.location ?? '').searchParams.get('error'), 'login_required')
    const login = await beginAt(browser)
    assert.equal((await browser.post(login, { username: email, password: MALLORYS })).status, 400)

    const callback = await signIn(owner, { email, password })
    assert.ok(callback.searchParams.has('code'))
    const asked = await owner.get(authorizePath(PARTNER, { prompt: 'none', scope: 'openid email offline_access' }))
    assert.equal(new URL(asked.location ?? '').searchParams.get('error'), 'consent_required')

    const { store: nouns } = server.latchkey
    const [user = ''] = await nouns.users.findByAttribute('default', 'email', email, 1)
    const known = await Promise.all(
      [browser, owner].map(async one => {
        const browserHash = sha256(one.cookies.get('latchkey.browser') ?? '')
        return nouns.devices.isKnown({ tenant: 'default', user, browserHash }, clock.now())
      }),
    )
    assert.deepEqual(known, [false, true])
    assert.equal((await nouns.users.find('default', user))?.emailVerified, true)
  })
})
