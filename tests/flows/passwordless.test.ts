/** Signing in by mail: a code that is typed where it was asked for, or a link; and what an attacker makes of either. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DAY, MINUTE } from '../../server/kernel/seconds.ts'
import { MOBILE, OTP, stageOfMail } from '../attacks/mailed-stage.ts'
import { LOCK, ORIGIN } from '../attacks/own-page.ts'
import {
  askToken,
  authorizePath,
  BEN,
  CALLBACK,
  claimsOf,
  codeOf,
  follow,
  queryOf,
  redemption,
  WEB,
} from '../attacks/stage.ts'
import { linkIn } from '../fixtures/mailbox.ts'
import { onEachStore } from '../fixtures/server.ts'

onEachStore('Signing in by mail', store => {
  const stage = stageOfMail(store)
  const { accountsOf, browserOf, clock, codeIn, mailedCode, redeem, someone, start, typeIn } = stage

  test('a code that is typed on the application’s page signs in; the account is made by it, with its address confirmed', async () => {
    const email = someone()
    const code = await mailedCode(email)
    assert.deepEqual(await accountsOf(email), [])
    const browser = browserOf()
    const { login_ticket } = (await typeIn(email, code, { browser })).json()
    const callback = await follow(browser, authorizePath(LOCK, { login_ticket: String(login_ticket), realm: 'email' }))
    const { id_token } = (await askToken(stage.server, redemption(LOCK, codeOf(callback)))).json()
    const { sub, email_verified, amr } = claimsOf(String(id_token))
    assert.match(String(sub), /^email\|[0-9a-f]{24}$/)
    assert.deepEqual([email_verified, amr], [true, ['otp']])
    assert.deepEqual(await accountsOf(email), [sub])

    clock.advance(MINUTE)
    assert.equal((await typeIn(email, await mailedCode(email))).status, 200)
    assert.deepEqual(await accountsOf(email), [sub], 'the same account')
  })

  test('a program gets tokens for a code', async () => {
    const email = someone()
    const answer = await redeem(email, await mailedCode(email, MOBILE))
    assert.equal(answer.status, 200, answer.body)
    assert.equal(claimsOf(String(answer.json()['id_token']))['email'], email)
    assert.equal(claimsOf(String(answer.json()['access_token']))['sid'], undefined)
  })

  test('a blocked person gets no mail, and is refused with a code that came before', async () => {
    const email = someone()
    await typeIn(email, await mailedCode(email))
    const [id = ''] = await accountsOf(email)
    clock.advance(MINUTE)
    const code = await mailedCode(email)
    await stage.server.latchkey.store.users.change('default', id, { blocked: true }, clock.now())
    const answer = await typeIn(email, code)
    assert.deepEqual([answer.status, answer.json()['error_description']], [401, 'user is blocked'])
    clock.advance(MINUTE)
    assert.equal((await start(email)).status, 200)
    assert.equal((await stage.mailbox.all(email)).length, 2)
  })

  const badStarts: readonly [what: string, change: object, status: number, error: string][] = [
    ['a telephone', { connection: 'sms', email: undefined, phone_number: '+821012345678' }, 400, 'bad.connection'],
    ['a connection that is none', { connection: 'nowhere' }, 400, 'bad.connection'],
    ['a database of passwords', { connection: 'Username-Password-Authentication' }, 400, 'bad.connection'],
    ['what is no address', { email: 'nobody' }, 400, 'bad.email'],
    ['what is neither code nor link', { send: 'pigeon' }, 400, 'bad.send'],
    ['parameters that are no strings', { send: 'link', authParams: { scope: ['openid'] } }, 400, 'invalid_request'],
    ['parameters that go on and on', { send: 'link', authParams: { state: 'x'.repeat(5000) } }, 400, 'invalid_request'],
  ]
  for (const [what, change, status, error] of badStarts)
    test(`nothing is sent for ${what}`, async () => {
      const answer = await start('bad@example.com', change)
      assert.deepEqual([answer.status, answer.json()['error']], [status, error])
    })

  test('speaks the language that the application asks for', async () => {
    const email = someone()
    await start(email, {}, { 'x-request-language': 'ko-KR' })
    const mail = await stage.mailbox.next(email)
    assert.match(mail.subject, /로그인 코드/)
    assert.doesNotMatch(mail.subject, /\d/)
    assert.match(mail.html, new RegExp(codeIn(mail)))
  })

  const asked = {
    redirect_uri: CALLBACK,
    response_type: 'code',
    scope: 'openid',
    // Carried through a mail, a form and two redirects as they were sent.
    state: `their+state &=?#"'<>é%25`,
    nonce: `their+nonce &=?#"'<>é%25`,
  }

  test('is worded as the connection says, by Auth0’s names, and by the server where that does not work', async () => {
    const { connections } = stage.server.latchkey.store
    const wording = (body: string) => ({
      email: {
        syntax: 'liquid',
        from: '{{ application.name }} <root@auth0.com>',
        subject: 'In to {{ application.name }}',
        body,
      },
    })
    const sent = async (send: 'code' | 'link') => {
      const email = someone()
      assert.equal((await start(email, { ...WEB, send, authParams: asked })).status, 200)
      return stage.mailbox.next(email)
    }
    const both = `{% if send == 'link' or send == 'link_ios' %}<a href="{{ link }}">In</a>{% elsif send == 'code' %}<b>{{ code }}</b>{% endif %}`
    await connections.change('default', 'con_email', { options: wording(both) })
    const [code, link] = [await sent('code'), await sent('link')]
    assert.match(code.html, /^<b>\d{6}<\/b>$/)
    assert.match(link.html, /^<a href="http\S+passwordless\/link\/[\w-]+">In<\/a>$/)
    const { name } = (await stage.server.latchkey.store.clients.find('default', WEB.client_id))?.metadata ?? {}
    assert.deepEqual([code.subject, link.subject], Array(2).fill(`In to ${name}`))
    assert.doesNotMatch(code.from, /auth0\.com/)

    // One that leaves out what somebody waits for, and one that does not compile.
    for (const body of ['Hello', '{% if %}']) {
      await connections.change('default', 'con_email', { options: wording(body) })
      assert.ok(codeIn(await sent('code')))
      assert.match((await sent('link')).html, /passwordless\/link\//)
    }
    await connections.change('default', 'con_email', { options: {} })
  })

  test('a link opens a page, whose button spends it and completes what the application asked', async () => {
    const email = someone()
    assert.equal((await start(email, { ...WEB, send: 'link', authParams: asked })).status, 200)
    const link = linkIn(await stage.mailbox.next(email))
    const path = new URL(link).pathname
    assert.equal((await browserOf().get(path)).status, 200, 'a scanner')
    const browser = browserOf()
    const page = await browser.get(path)
    assert.match(page.body, new RegExp(email))
    assert.doesNotMatch(String(page.headers['content-security-policy']), /script-src \*/)
    const forged = await browser.post(path, {}, { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' })
    assert.equal(forged.status, 403)
    const callback = await follow(browser, (await browser.post(path, {})).location)
    assert.equal(callback.searchParams.get('state'), asked.state)
    const redeemed = await askToken(stage.server, { ...redemption(WEB, codeOf(callback)), code_verifier: undefined })
    assert.equal(redeemed.status, 200, redeemed.body)
    const claims = claimsOf(String(redeemed.json()['id_token']))
    assert.deepEqual([claims['nonce'], claims['sub']], [asked.nonce, (await accountsOf(email))[0]])

    assert.equal((await browser.get(path)).status, 410)
    assert.equal((await browser.post(path, {})).status, 410)
  })

  test('a code is looked at without being spent, and the page that it leads to spends it by a button', async () => {
    const email = someone()
    const code = await mailedCode(email)
    const verify = (verification_code: string) =>
      browserOf().ask(
        'POST',
        '/passwordless/verify',
        { ...LOCK, connection: 'email', email, verification_code },
        { origin: ORIGIN },
      )
    assert.equal((await verify(code === '000000' ? '000001' : '000000')).status, 403)
    assert.equal((await verify(code)).status, 200)
    const query = queryOf({
      ...LOCK,
      connection: 'email',
      email,
      verification_code: code,
      ...asked,
      response_type: 'id_token',
    })
    const path = `/passwordless/verify_redirect?${query}`
    const browser = browserOf()
    for (let look = 0; look < 3; look++) assert.equal((await browser.get(path)).status, 200)
    const callback = await follow(browser, (await browser.post(path, {})).location)
    const given = new URLSearchParams(callback.hash.slice(1))
    assert.deepEqual([given.get('state'), claimsOf(given.get('id_token') ?? '')['nonce']], [asked.state, asked.nonce])
    assert.equal((await browser.post(path, {})).status, 410)
    assert.equal((await browser.get('/passwordless/verify_redirect?client_id=nobody')).status, 400)
  })

  test('a database that is set to it mails codes to its confirmed people, by challenges that do not disturb each other', async () => {
    const challenge = (email: string, changes: object = {}) =>
      browserOf().ask('POST', '/otp/challenge', {
        ...MOBILE,
        connection: 'Username-Password-Authentication',
        email,
        ...changes,
      })
    clock.advance(DAY)
    const first = await challenge(BEN.email)
    assert.equal(first.status, 200, first.body)
    const code = codeIn(await stage.mailbox.next(BEN.email))
    clock.advance(MINUTE)
    await challenge(BEN.email)
    const redeemChallenge = (auth_session: unknown, otp: string) =>
      askToken(stage.server, {
        grant_type: OTP,
        ...MOBILE,
        auth_session: String(auth_session),
        otp,
        scope: 'openid email',
      })
    const { auth_session } = first.json()
    assert.equal((await redeemChallenge('made up', code)).json()['error'], 'invalid_grant')
    const answer = await redeemChallenge(auth_session, code)
    assert.equal(answer.status, 200, answer.body)
    assert.equal(claimsOf(String(answer.json()['id_token']))['email'], BEN.email)
    assert.equal((await redeemChallenge(auth_session, code)).json()['error'], 'invalid_grant')

    const newcomer = someone()
    assert.equal((await challenge(newcomer)).status, 200)
    assert.deepEqual(await stage.mailbox.all(newcomer), [])
    clock.advance(MINUTE)
    const welcome = await challenge(newcomer, { allow_signup: true })
    const made = await redeemChallenge(welcome.json()['auth_session'], codeIn(await stage.mailbox.next(newcomer)))
    assert.match(String(claimsOf(String(made.json()['id_token']))['sub']), /^auth0\|/)
    for (const [change, error] of [
      [{ connection: 'email' }, 'invalid_connection'],
      [{ phone_number: '+821012345678' }, 'invalid_request'],
      [{ allow_signup: 'yes' }, 'invalid_request'],
    ] as const)
      assert.equal((await challenge(someone(), change)).json()['error'], error)
  })
})
