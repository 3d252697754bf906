/**
 * Signing people in from an application's own page, asked as Auth0's SDKs ask it, with whatever an attacker would change.
 * The SDKs themselves, in a browser, are in `tests/sdks/`.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ELSEWHERE, FOREIGN, REALM, STRANGER, stageOfPages } from '../attacks/embedded-stage.ts'
import { crossOrigin, LOCK, ORIGIN } from '../attacks/own-page.ts'
import {
  ANN,
  askToken,
  authorizePath,
  BEN,
  CALLBACK,
  type CookieJarBrowser,
  claimsOf,
  codeOf,
  follow,
  OTHER_SPA,
  redemption,
  SPA,
  signIn,
} from '../attacks/stage.ts'
import { onEachStore } from '../fixtures/server.ts'

onEachStore('Signing in from a page of an application', store => {
  const stage = stageOfPages(store)
  const { browserOf, clock, credentials, from, post, ticketFor, withTicket } = stage

  test('a password is answered with a ticket, by which /authorize answers without a page, and a session begins', async () => {
    const browser = browserOf()
    const answer = await post('/co/authenticate', credentials(), { browser })
    const { login_ticket, co_id, co_verifier } = answer.json()
    for (const value of [login_ticket, co_id, co_verifier]) assert.equal(typeof value, 'string')
    assert.equal(answer.headers['access-control-allow-origin'], ORIGIN)
    assert.equal(answer.headers['access-control-allow-credentials'], 'true')
    assert.equal(answer.headers['vary'], 'Origin')

    const callback = await follow(browser, withTicket(String(login_ticket)))
    assert.equal(callback.searchParams.get('state'), 'the-state')
    const tokens = (await askToken(stage.server, redemption(LOCK, codeOf(callback)))).json()
    const claims = claimsOf(String(tokens['id_token']))
    assert.deepEqual([claims['email'], claims['amr']], [ANN.email, ['pwd']])
    // Other applications find it.
    codeOf(await follow(browser, authorizePath(SPA, { prompt: 'none' })))
  })

  test('a hidden frame is answered by a message, prompt=none and all', async () => {
    const browser = browserOf()
    const path = withTicket(await ticketFor(browser), {
      response_type: 'token id_token',
      response_mode: 'web_message',
      prompt: 'none',
    })
    const { location } = await browser.get(path)
    assert.match(location ?? '', /^\/authorize\//)
    const page = await browser.get(location ?? '')
    assert.equal(page.status, 200)
    assert.match(page.body, /"access_token":"ey/)
    assert.match(page.body, /"state":"the-state"/)
  })

  test('prompt=login is met by the password that was given for it', async () => {
    const browser = browserOf()
    codeOf(await follow(browser, withTicket(await ticketFor(browser), { prompt: 'login' })))
  })

  const refusals: readonly [what: string, change: object, origin: string | undefined, status: number, error: string][] =
    [
      ['a wrong password', { password: 'not the password' }, ORIGIN, 403, 'access_denied'],
      ['nobody’s name', { username: 'nobody@example.com' }, ORIGIN, 403, 'access_denied'],
      ['a page of somebody else', {}, FOREIGN, 403, 'access_denied'],
      ['a page of another client', ELSEWHERE, ORIGIN, 403, 'access_denied'],
      ['no page', {}, undefined, 403, 'access_denied'],
      ['a page without an origin', {}, 'null', 403, 'access_denied'],
      ['a client that is not set to it', SPA, ORIGIN, 403, 'unauthorized_client'],
      ['a client of a stranger', STRANGER, 'https://stranger.example', 403, 'unauthorized_client'],
      ['a client that is none', { client_id: 'nobody' }, ORIGIN, 400, 'invalid_client'],
      ['a realm that is none', { realm: 'nowhere' }, ORIGIN, 400, 'invalid_connection'],
      ['no realm', { realm: '' }, ORIGIN, 400, 'invalid_request'],
      ['a credential of another kind', { credential_type: 'fingerprint' }, ORIGIN, 400, 'invalid_request'],
      ['what is no text', { password: { $gt: '' } }, ORIGIN, 400, 'invalid_request'],
      ['a name with a NUL', { username: 'ann\0@example.com' }, ORIGIN, 403, 'access_denied'],
    ]
  for (const [what, change, origin, status, error] of refusals)
    test(`is refused for ${what}`, async () => {
      const answer = await browserOf().ask('POST', '/co/authenticate', { ...credentials(), ...change }, from(origin))
      assert.deepEqual([answer.status, answer.json()['error']], [status, error])
      assert.equal(typeof answer.json()['error_description'], 'string')
    })

  test('the refusal of a client that is not set to it says what to set', async () => {
    const answer = await post('/co/authenticate', credentials(ANN, SPA))
    assert.match(String(answer.json()['error_description']), /cross_origin_authentication/)
  })

  test('a blocked person is told so, and nobody else is', async () => {
    const { users } = stage.server.latchkey.store
    const [id = ''] = await users.findByAttribute('default', 'email', BEN.email, 1)
    await users.change('default', id, { blocked: true }, clock.now())
    const right = await post('/co/authenticate', credentials(BEN))
    assert.deepEqual([right.status, right.json()['error_description']], [401, 'user is blocked'])
    const wrong = await post('/co/authenticate', { ...credentials(BEN), password: 'not the password' })
    assert.equal(wrong.json()['error_description'], 'Wrong email or password.')
    await users.change('default', id, { blocked: false }, clock.now())
  })

  async function signedIn(): Promise<CookieJarBrowser> {
    const browser = browserOf()
    await signIn(browser, BEN)
    return browser
  }

  test('without a ticket that counts, the person is asked on the hosted page', async () => {
    const { location } = await browserOf().get(withTicket('made up'))
    assert.match(location ?? '', /^\/login\//)
  })

  test('signs people up: as Auth0 answers, and the address has to be confirmed', async () => {
    const person = { email: `new-${store}@example.com`, password: 'seven quiet lanterns' }
    const wish = { ...LOCK, ...person, connection: REALM, given_name: 'Nora', user_metadata: { plan: 'gold' } }
    const answer = await post('/dbconnections/signup', wish)
    const { _id, ...rest } = answer.json()
    assert.equal(answer.status, 200)
    assert.match(String(_id), /^[0-9a-f]{24}$/)
    assert.deepEqual(rest, {
      email: person.email,
      email_verified: false,
      given_name: 'Nora',
      user_metadata: { plan: 'gold' },
    })
    const user = await stage.server.latchkey.store.users.find('default', `auth0|${_id}`)
    assert.deepEqual([user?.profile['given_name'], user?.userMetadata], ['Nora', { plan: 'gold' }])
    const browser = browserOf()
    codeOf(await follow(browser, withTicket(await ticketFor(browser, credentials(person)))))

    const again = await post('/dbconnections/signup', wish)
    assert.equal(again.status, 400)
    assert.deepEqual(again.json(), {
      name: 'BadRequestError',
      message: 'The user already exists.',
      code: 'user_exists',
      description: 'The user already exists.',
      statusCode: 400,
    })
  })

  const signUp = (changes: object, origin = ORIGIN) =>
    post(
      '/dbconnections/signup',
      { ...LOCK, email: 'free@example.com', password: 'seven quiet lanterns', connection: REALM, ...changes },
      { origin },
    )

  const badSignUps: readonly [what: string, change: object, status: number, code: string, name?: string][] = [
    ['a short password', { password: 'short' }, 400, 'invalid_password', 'PasswordStrengthError'],
    ['a common password', { password: 'password123' }, 400, 'invalid_password', 'PasswordDictionaryError'],
    ['the own address', { password: 'free@example.com' }, 400, 'invalid_password', 'PasswordNoUserInfoError'],
    ['a weak password for a taken address', { email: ANN.email, password: 'short' }, 400, 'invalid_password'],
    ['what is no address', { email: 'nobody' }, 400, 'invalid_email'],
    ['no connection', { connection: null }, 400, 'invalid_request'],
    ['a connection that is none', { connection: 'nowhere\0' }, 400, 'invalid_connection'],
    ['a name that misleads', { given_name: 'Ann\u202egnp.exe' }, 400, 'invalid_request'],
    ['metadata that is no object', { user_metadata: ['gold'] }, 400, 'invalid_request'],
    ['metadata of objects', { user_metadata: { plan: { level: 1 } } }, 400, 'invalid_request'],
    [
      'too much metadata',
      { user_metadata: Object.fromEntries([...'abcdefghijk'].map(one => [one, one])) },
      400,
      'invalid_request',
    ],
    ['long metadata', { user_metadata: { plan: 'x'.repeat(501) } }, 400, 'invalid_request'],
    ['a picture from a script', { picture: 'javascript:alert(1)' }, 400, 'invalid_request'],
    ['a client of a stranger', STRANGER, 403, 'unauthorized_client'],
  ]
  for (const [what, change, status, code, name] of badSignUps)
    test(`a sign-up is refused for ${what}`, async () => {
      const answer = await signUp(change)
      const told = answer.json()
      assert.deepEqual([answer.status, told['code'], told['statusCode']], [status, code, status])
      if (name !== undefined) assert.equal(told['name'], name)
    })

  test('members of every object’s own are no more than names', async () => {
    const answer = await signUp(
      JSON.parse('{"email":"proto@example.com","user_metadata":{"__proto__":"x","constructor":"y"}}'),
    )
    assert.equal(answer.status, 200)
  })

  test('a forgotten password is answered with one sentence for every address', async () => {
    const ask = (email: string) => post('/dbconnections/change_password', { ...LOCK, email, connection: REALM })
    const [known, unknown] = [await ask(ANN.email), await ask('nobody@example.com')]
    for (const answer of [known, unknown]) {
      assert.equal(answer.status, 200)
      assert.match(String(answer.headers['content-type']), /^text\/html/)
    }
    assert.equal(known.body, unknown.body)
    assert.equal((await ask('nobody')).json()['error'], 'invalid_email')
  })

  test('no puzzle is asked for', async () => {
    for (const path of ['usernamepassword', 'dbconnections/signup', 'dbconnections/change_password', 'passwordless'])
      assert.deepEqual((await post(`/${path}/challenge`, { state: 'x' })).json(), { required: false })
  })

  test('on a page of this server, a password is answered with a form, which leads to /authorize', async () => {
    const browser = browserOf()
    const own = stage.server.issuer.slice(0, -1)
    // Carried through a page, a form and two redirects as they were sent.
    const odd = `a+b c&d=e"'<>é%25`
    const request = { redirect_uri: CALLBACK, response_type: 'token id_token', scope: 'openid', nonce: odd, state: odd }
    const document = {
      ...LOCK,
      ...request,
      username: ANN.email,
      password: ANN.password,
      connection: REALM,
      tenant: 't',
      max_age: 0,
    }
    const answer = await post('/usernamepassword/login', document, { browser, origin: own })
    assert.match(String(answer.headers['content-type']), /^text\/html/)
    assert.match(answer.body, /^<form method="post"/)
    const field = (name: string) =>
      (new RegExp(`name="${name}" value="([^"]*)"`).exec(answer.body)?.[1] ?? '').replaceAll('&amp;', '&')
    const form = { wa: field('wa'), wresult: field('wresult'), wctx: field('wctx') }

    const forged = await browser.post('/login/callback', form, { origin: FOREIGN, 'sec-fetch-site': 'cross-site' })
    assert.equal(forged.status, 403)
    const { location } = await browser.post('/login/callback', form)
    const callback = await follow(browser, location)
    assert.equal(callback.origin + callback.pathname, CALLBACK)
    const given = new URLSearchParams(callback.hash.slice(1))
    assert.equal(given.get('state'), odd)
    const { nonce, auth_time } = claimsOf(given.get('id_token') ?? '')
    assert.deepEqual([nonce, typeof auth_time], [odd, 'number'])

    const elsewhere = await post('/usernamepassword/login', document)
    assert.deepEqual([elsewhere.status, elsewhere.json()['code']], [403, 'access_denied'])
    const wrong = await post('/usernamepassword/login', { ...document, password: 'no' }, { origin: own })
    assert.deepEqual([wrong.status, wrong.json()['code']], [401, 'invalid_user_password'])
  })

  test('who is signed in is told to pages of this server, and to others that nobody is', async () => {
    const browser = await signedIn()
    const own = await browser.ask('GET', '/user/ssodata', undefined, { origin: stage.server.issuer.slice(0, -1) })
    assert.deepEqual([own.json()['sso'], own.json()['lastUsedUsername']], [true, BEN.email])
    for (const headers of [{}, from(ORIGIN), { 'sec-fetch-site': 'cross-site' }])
      assert.deepEqual((await browser.ask('GET', '/user/ssodata', undefined, headers)).json(), { sso: false })
  })

  test('Lock is told by a script which connections a client has', async () => {
    const answer = await browserOf().get('/client/lock.js?t1')
    assert.equal(answer.headers['cross-origin-resource-policy'], 'cross-origin')
    assert.match(String(answer.headers['content-type']), /^application\/javascript/)
    const facts = JSON.parse(/^Auth0\.setClient\((.*)\);$/.exec(answer.body)?.[1] ?? '')
    assert.equal(facts.id, 'lock')
    assert.deepEqual(
      facts.strategies.map(({ name, connections }: never) => [
        name,
        (connections as { name: string }[]).map(one => one.name),
      ]),
      [['auth0', [REALM]]],
    )
    for (const file of ['nobody.js', 'lock', 'stranger.js'])
      assert.equal((await browserOf().get(`/client/${file}`)).status, 404)
    assert.equal((await browserOf().get('/js/lock/14.3.0/en.js')).status, 404)
  })

  test('a page reads why it was refused', async () => {
    const answer = await post('/co/authenticate', { ...credentials(), password: 'no' })
    assert.equal(answer.headers['access-control-allow-origin'], ORIGIN)
    const unreadable = await browserOf().post(
      '/co/authenticate',
      { client_id: 'x' },
      { 'content-type': 'text/plain', origin: ORIGIN },
    )
    assert.deepEqual([unreadable.status, unreadable.headers['access-control-allow-origin']], [415, ORIGIN])
  })

  test('the applications that may ask follow what the operator sets', async () => {
    const late = 'https://late.example'
    const ask = async () =>
      (await browserOf().ask('OPTIONS', '/co/authenticate', undefined, { origin: late })).headers[
        'access-control-allow-origin'
      ]
    assert.equal(await ask(), undefined)
    const { applyTo } = await import('../fixtures/server.ts')
    await applyTo(stage.server.latchkey, { clients: [{ ...crossOrigin, ...OTHER_SPA, allowed_origins: [late] }] })
    assert.equal(await ask(), late)
  })

  test('a database that is closed to strangers or to the client takes nobody in, and Lock is told so', async () => {
    const { connections } = stage.server.latchkey.store
    const database = await connections.findByName('default', REALM)
    assert.ok(database)
    const wish = { ...LOCK, email: 'late@example.com', password: 'seven quiet lanterns', connection: REALM }
    const told = async () => /"showSignup":(\w+)/.exec((await browserOf().get('/client/lock.js')).body)?.[1]

    await connections.change('default', database.id, { options: { disable_signup: true } })
    const closed = await post('/dbconnections/signup', wish)
    assert.deepEqual([closed.status, closed.json()['code'], await told()], [403, 'public_signup_disabled', 'false'])
    assert.equal((await post('/co/authenticate', credentials())).status, 200)

    await connections.serve('default', database.id, ['spa'])
    for (const [path, document] of [
      ['/dbconnections/signup', wish],
      ['/dbconnections/change_password', wish],
      ['/co/authenticate', credentials()],
    ] as const) {
      const { code, error } = (await post(path, document)).json()
      assert.equal(code ?? error, 'invalid_connection', path)
    }
    assert.equal(await told(), undefined)
  })
})
