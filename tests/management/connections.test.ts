/** Connections as an operator manages them with Auth0's own library, and what each setting means to whoever signs in. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { DATABASE_CONNECTION } from '../../server/identity/users.ts'
import {
  ANN,
  askToken,
  askUserinfo,
  authorizePath,
  BEN,
  beginAt,
  CookieJarBrowser,
  claimsOf,
  codeOf,
  EVE,
  follow,
  type Person,
  passing,
  redemption,
  refreshing,
  SPA,
  signIn,
  TRUSTED,
  tenantFile,
  tokensFor,
  UNPROTECTED,
  WEB,
} from '../attacks/stage.ts'
import { type Management, startManagement } from '../fixtures/management.ts'
import { applyTo } from '../fixtures/server.ts'

const TENANT = 'default'
const FILE = { ...tenantFile, attackProtection: UNPROTECTED }
const STRONG = 'Seven quiet magpies 4'

describe('Connections', () => {
  let management: Management
  let server: Management['server']
  before(async () => {
    management = await startManagement({ tenantFile: FILE })
    server = management.server
  })
  after(() => management?.close())

  const idOf = async (name: string): Promise<string> => {
    const { body } = await management.call('GET', `/connections?name=${encodeURIComponent(name)}`)
    return body[0].id
  }
  /** A database that serves the clients, and is gone after the work. */
  async function withDatabase(
    name: string,
    options: object,
    clients: readonly string[],
    work: (id: string) => Promise<void>,
  ) {
    const made = await management.call('POST', '/connections', {
      name,
      strategy: 'auth0',
      options,
      enabled_clients: clients,
    })
    assert.equal(made.status, 201, JSON.stringify(made.body))
    try {
      await work(made.body.id)
    } finally {
      await management.call('DELETE', `/connections/${made.body.id}`)
    }
  }
  /** Through the sign-up page of the named connection. */
  async function signUpAt(
    connection: string,
    form: Readonly<Record<string, string>>,
    browser = new CookieJarBrowser(server),
  ) {
    const login = await beginAt(browser, authorizePath(SPA, { connection }))
    return browser.post(`${login}/sign-up`, form)
  }
  const inRealm = (person: Person, realm: string) =>
    askToken(server, {
      ...passing(person, 'http://auth0.com/oauth/grant-type/password-realm'),
      realm,
      scope: 'openid profile email offline_access',
    })

  test('are made, read, listed, changed and deleted by the SDK', async () => {
    const { connections } = management.client
    const made = await connections.create({
      name: 'staff-2',
      strategy: 'auth0',
      display_name: 'Staff',
      options: { passwordPolicy: 'good' },
      realms: ['staff.example'],
      metadata: { team: 'people' },
      show_as_button: true,
    })
    const { id = '' } = made
    assert.match(id, /^con_/)
    const expected = {
      id,
      name: 'staff-2',
      strategy: 'auth0',
      display_name: 'Staff',
      options: { passwordPolicy: 'good' },
      realms: ['staff.example'],
      metadata: { team: 'people' },
      show_as_button: true,
      is_domain_connection: false,
      enabled_clients: [],
    }
    assert.deepEqual(made, expected)
    assert.deepEqual(await connections.get(id), expected)
    assert.deepEqual(await connections.get(id, { fields: 'name,strategy' }), { name: 'staff-2', strategy: 'auth0' })
    const names: unknown[] = []
    for await (const one of await connections.list({ strategy: ['auth0', 'email'], take: 1 })) names.push(one.name)
    assert.deepEqual(names, [DATABASE_CONNECTION, 'staff-2'])
    // Options are replaced, the rest stays.
    const changed = await connections.update(id, { options: { disable_signup: true }, metadata: null as never })
    assert.deepEqual(changed.options, { disable_signup: true })
    assert.deepEqual([changed.display_name, changed.metadata], ['Staff', undefined])
    // What was read can be sent back.
    const { status } = await management.call('PATCH', `/connections/${id}`, await connections.get(id))
    assert.equal(status, 200)
    await connections.delete(id)
    await assert.rejects(connections.get(id), { statusCode: 404 })
    await connections.delete(id)
  })

  test('are listed in each of the shapes, and by strategy alone where it is named', async () => {
    const { body: bare } = await management.call('GET', '/connections?page=0&per_page=1')
    assert.ok(Array.isArray(bare) && bare.length === 1)
    const { body: totals } = await management.call('GET', '/connections?include_totals=true&strategy=auth0')
    assert.deepEqual([totals.total, totals.connections.length, totals.start], [1, 1, 0])
    const { body: none } = await management.call('GET', '/connections?take=5&strategy=email&strategy=sms')
    assert.deepEqual(none, { connections: [] })
  })

  test('answer a fault in Auth0’s way', async () => {
    const faults = async (method: string, path: string, body?: unknown) => {
      const { status, body: said } = await management.call(method, path, body)
      return [status, said.errorCode, said.message]
    }
    const connection = { name: DATABASE_CONNECTION, strategy: 'auth0' }
    assert.deepEqual(await faults('POST', '/connections', connection), [
      409,
      'connection_conflict',
      'A connection with the same name already exists.',
    ])
    for (const [body, member] of [
      [{ name: '-x', strategy: 'auth0' }, /name/],
      [{ name: 'x y', strategy: 'auth0' }, /name/],
      [{ name: 'x', strategy: 'nonsense' }, /strategy must be one of ad, adfs/],
      [{ name: 'x' }, /strategy is missing/],
      [{ name: 'x', strategy: 'auth0', nonsense: 1 }, /no member nonsense/],
      [{ name: 'x', strategy: 'auth0', options: { passwordPolicy: 'superb' } }, /options\.passwordPolicy: .*none, low/],
      [{ name: 'x', strategy: 'auth0', options: { import_mode: true } }, /options\.import_mode: .*not supported/],
      [{ name: 'x', strategy: 'auth0', enabled_clients: ['nobody'] }, /There is no client "nobody"/],
      [{ name: 'x', strategy: 'auth0', metadata: { a: 'x'.repeat(256) } }, /metadata/],
      ['{"name":"x","strategy":"auth0","options":{"__proto__":{}}}', /__proto__/],
      ['{"name":"x","strategy":"auth0","display_name":"\\u0000"}', /null character/],
    ] as const) {
      const [status, code, message] = await faults('POST', '/connections', body)
      assert.deepEqual([status, /^invalid_(body|request)$/.test(String(code))], [400, true], String(message))
      assert.match(String(message), member)
    }
    const gone = [404, 'inexistent_connection', 'The connection does not exist.']
    assert.deepEqual(await faults('GET', '/connections/con_none'), gone)
    assert.deepEqual(await faults('PATCH', '/connections/con_none', {}), gone)
    assert.deepEqual(await faults('GET', '/connections/con_none/clients'), gone)
    assert.deepEqual(await faults('PATCH', '/connections/con_none/clients', [{ client_id: 'spa', status: true }]), gone)
    const id = await idOf(DATABASE_CONNECTION)
    assert.match(String(await faults('PATCH', `/connections/${id}`, { name: 'other' })), /name cannot be changed/)
    assert.match(String(await faults('GET', `/connections/${id}/clients?from=nonsense`)), /from is not what/)
    const many = Array(51).fill({ client_id: 'spa', status: true })
    assert.equal((await faults('PATCH', `/connections/${id}/clients`, many))[0], 400)
    for (const [method, path, scope] of [
      ['GET', '/connections', 'read:connections'],
      ['POST', '/connections', 'create:connections'],
      ['PATCH', `/connections/${id}`, 'update:connections'],
      ['DELETE', `/connections/${id}`, 'delete:connections'],
      ['PATCH', `/connections/${id}/clients`, 'update:connections'],
    ] as const) {
      const token = await management.tokenWith('read:users')
      const { status, body } = await management.call(method, path, {}, { token })
      assert.deepEqual([status, body.message], [403, `Insufficient scope, expected any of: ${scope}`])
    }
  })

  test('of another tenant are not there', async () => {
    const { store } = server.latchkey
    await store.tenants.create({ id: 'other', name: 'Other', settings: {}, createdAt: 0 })
    const theirs = { tenant: 'other', id: 'con_theirs', name: 'theirs', strategy: 'auth0', options: {} }
    await store.connections.create({ ...theirs, sealedOptions: null, settings: {}, clients: null })
    for (const [method, body] of [['GET'], ['PATCH', {}]] as const)
      assert.equal((await management.call(method, '/connections/con_theirs', body)).status, 404)
    assert.equal((await management.call('DELETE', '/connections/con_theirs')).status, 204)
    assert.ok(await store.connections.find('other', 'con_theirs'))
  })

  test('keep what is secret in their options from whoever may not read it, from the database and from the log', async () => {
    const secret = 'the secret of the other application'
    const options = { client_id: 'app', client_secret: secret, scope: ['email'] }
    const { body: made } = await management.call('POST', '/connections', {
      name: 'google',
      strategy: 'google-oauth2',
      options,
    })
    assert.deepEqual(made.options, options)
    const token = await management.tokenWith('read:connections', 'update:connections')
    const { body: seen } = await management.call('GET', `/connections/${made.id}`, undefined, { token })
    assert.deepEqual(seen.options, { client_id: 'app', scope: ['email'] })
    const other = { ...options, client_secret: 'another secret of that application' }
    assert.equal((await management.call('PATCH', `/connections/${made.id}`, { options: other })).status, 200)
    assert.deepEqual((await management.client.connections.get(made.id)).options, other)
    const { store } = server.latchkey
    const record = await store.connections.find(TENANT, made.id)
    assert.doesNotMatch(JSON.stringify(record), /secret of th/)
    const events = (await store.events.list(TENANT, { after: '', limit: 1000 })).filter(
      event => event.target?.id === made.id,
    )
    assert.deepEqual(
      events.map(({ type }) => type),
      ['connection.created', 'connection.changed'],
    )
    assert.doesNotMatch(JSON.stringify(events), /secret of th/)
    assert.deepEqual(events[1]?.details, { changes: { 'options (secret)': 'changed' } })
    assert.deepEqual(events[1]?.actor, {
      kind: 'client',
      id: 'management-root',
      client: 'management-root',
      onBehalfOf: null,
    })
    // Nobody signs in by it yet, and no page offers it.
    assert.equal((await management.call('GET', `/connections/${made.id}/status`)).status, 404)
    const page = await new CookieJarBrowser(server).get(authorizePath(SPA, { connection: 'google' }))
    assert.match(page.location ?? '', /error=invalid_request/)
    await management.call('DELETE', `/connections/${made.id}`)
  })

  describe('and the clients they serve', () => {
    test('are every client of the first database, page by page, until somebody says which', async () => {
      const id = await idOf(DATABASE_CONNECTION)
      const { clients } = management.client.connections
      const ids: unknown[] = []
      for await (const one of await clients.get(id, { take: 3 })) ids.push(one.client_id)
      assert.ok(['machine', 'management-root', 'spa', 'web'].every(client => ids.includes(client)))
      assert.deepEqual([...ids].sort(), ids)
      assert.equal(await server.latchkey.store.connections.find(TENANT, id).then(found => found?.clients), null)
    })

    test('are switched on and off, and who is off lets nobody in, whatever way they come', async () => {
      const id = await idOf(DATABASE_CONNECTION)
      const browser = new CookieJarBrowser(server)
      await signIn(browser, ANN, authorizePath(WEB))
      const tokens = await tokensFor(server, ANN, { client: WEB, scope: 'openid offline_access' })
      const pending = codeOf(await follow(browser, authorizePath(WEB)))
      const { clients } = management.client.connections
      await clients.update(id, [
        { client_id: WEB.client_id, status: false },
        { client_id: TRUSTED.client_id, status: false },
      ])
      try {
        const refresh = await askToken(server, refreshing(WEB, tokens.refresh_token))
        assert.deepEqual([refresh.status, refresh.json()['error']], [400, 'invalid_grant'])
        assert.equal((await askToken(server, redemption(WEB, pending))).json()['error'], 'invalid_grant')
        assert.equal((await askToken(server, passing(ANN))).status, 400)
        const silent = await browser.get(authorizePath(WEB, { prompt: 'none' }))
        assert.match(silent.location ?? '', /error=login_required/)
        const named = await browser.get(authorizePath(WEB, { connection: DATABASE_CONNECTION }))
        assert.match(named.location ?? '', /error=invalid_request&error_description=the\+connection\+is\+not\+enabled/)
        // The page says so, in a browser that never was signed in too.
        const login = await beginAt(new CookieJarBrowser(server), authorizePath(WEB)).catch(() => null)
        assert.ok(login)
        const page = await browser.get((await browser.get(authorizePath(WEB))).location ?? '')
        assert.equal(page.status, 400)
        assert.match(page.body, /Nobody can sign in to this application yet/)
        // Others, and the person's own page, are as they were.
        assert.match((await browser.get(authorizePath(SPA))).location ?? '', /code=/)
        assert.equal((await browser.get('/account')).status, 200)
        // An application that is new has every connection, as with Auth0.
        await management.call('GET', `/connections/${id}/clients`)
        const token = await management.tokenWith('read:connections')
        assert.ok(token)
        const { body } = await management.call('GET', `/connections/${id}/clients?take=100`)
        const served: string[] = body.clients.map(({ client_id }: { client_id: string }) => client_id)
        assert.ok(!served.includes(WEB.client_id) && served.some(client => client.startsWith('machine-')))
      } finally {
        await clients.update(id, [
          { client_id: WEB.client_id, status: true },
          { client_id: TRUSTED.client_id, status: true },
        ])
      }
      assert.equal((await askToken(server, passing(ANN))).status, 200)
      assert.match((await browser.get(authorizePath(WEB, { prompt: 'none' }))).location ?? '', /code=/)
    })
  })

  test('are chosen by whoever asks: one address in two databases is two people', async () => {
    await withDatabase('partners', {}, [SPA.client_id, TRUSTED.client_id], async id => {
      const made = await signUpAt('partners', { email: ANN.email, password: STRONG })
      assert.equal(made.status, 303)
      const theirs = { email: ANN.email, password: STRONG }
      const there = await inRealm(theirs, 'partners')
      assert.equal(there.status, 200, there.body)
      const here = await askToken(server, { ...passing(ANN), scope: 'openid' })
      const sub = (reply: { json(): Record<string, unknown> }) => claimsOf(String(reply.json()['id_token']))['sub']
      assert.notEqual(sub(there), sub(here))
      assert.equal((await askToken(server, passing(theirs))).json()['error'], 'invalid_grant')
      assert.equal((await inRealm(ANN, 'partners')).json()['error'], 'invalid_grant')
      // A session of the one is none for a request that wants the other.
      const browser = new CookieJarBrowser(server)
      await signIn(browser, ANN)
      const silent = await browser.get(authorizePath(SPA, { connection: 'partners', prompt: 'none' }))
      assert.match(silent.location ?? '', /error=login_required/)
      // The client that the database does not serve learns no more than of one that is not there.
      const ask = (realm: string) =>
        askToken(server, { ...passing(theirs, 'http://auth0.com/oauth/grant-type/password-realm'), realm })
      await management.client.connections.clients.update(id, [{ client_id: TRUSTED.client_id, status: false }])
      const [served, nonsense] = [await ask('partners'), await ask('nonsense')]
      assert.deepEqual([served.status, served.body], [nonsense.status, nonsense.body])
    })
  })

  test('that are deleted let nobody in from that instant, and their people are gone', async () => {
    let user = ''
    let refresh = ''
    let access = ''
    const browser = new CookieJarBrowser(server)
    let removed = ''
    await withDatabase('fleeting', {}, [SPA.client_id, TRUSTED.client_id], async id => {
      removed = id
      assert.equal((await signUpAt('fleeting', { email: EVE.email, password: STRONG }, browser)).status, 303)
      const tokens = (await inRealm({ email: EVE.email, password: STRONG }, 'fleeting')).json()
      refresh = String(tokens['refresh_token'])
      access = String(tokens['access_token'])
      user = String(claimsOf(String(tokens['id_token']))['sub'])
      assert.equal((await askUserinfo(server, access)).status, 200)
    })
    assert.equal((await askToken(server, refreshing(TRUSTED, refresh))).json()['error'], 'invalid_grant')
    assert.equal((await askUserinfo(server, access)).status, 401)
    assert.match((await browser.get(authorizePath(SPA, { prompt: 'none' }))).location ?? '', /error=login_required/)
    const { store } = server.latchkey
    assert.equal(await store.users.find(TENANT, user), undefined)
    const [entry] = await store.revocations.among(TENANT, [{ kind: 'subject', id: user }])
    assert.equal(entry?.epoch, null)
    const events = await store.events.list(TENANT, { after: '', limit: 1000 })
    const [told] = events.filter(event => event.type === 'user.removed' && event.target?.id === user)
    assert.deepEqual(told?.details, { connection: removed })
    // Its name and the address are free.
    await withDatabase('fleeting', {}, [SPA.client_id], async () => {
      assert.equal((await signUpAt('fleeting', { email: EVE.email, password: STRONG })).status, 303)
    })
  })

  test('lose one person by address', async () => {
    await withDatabase('visitors', {}, [SPA.client_id, TRUSTED.client_id], async id => {
      assert.equal((await signUpAt('visitors', { email: BEN.email, password: STRONG })).status, 303)
      await management.client.connections.users.deleteByEmail(id, { email: BEN.email.toUpperCase() })
      assert.equal((await inRealm({ email: BEN.email, password: STRONG }, 'visitors')).status, 400)
      await assert.rejects(management.client.connections.users.deleteByEmail(id, { email: BEN.email }), {
        statusCode: 404,
      })
    })
    assert.equal((await askToken(server, passing(BEN))).status, 200)
  })

  describe('of a database', () => {
    test('say which passwords may be chosen, and the page says so before and after', async () => {
      const options = {
        passwordPolicy: 'excellent',
        password_dictionary: { enable: true, dictionary: ['Lighthouse in the fog 4'] },
        password_no_personal_info: { enable: true },
      }
      await withDatabase('strict', options, [SPA.client_id], async () => {
        const browser = new CookieJarBrowser(server)
        const login = await beginAt(browser, authorizePath(SPA, { connection: 'strict' }))
        const page = await browser.get(`${login}/sign-up`)
        assert.match(
          page.body,
          /At least 10 characters\. At least three of these are to be in it: small letters, capital/,
        )
        assert.match(page.body, /data-policy="[^"]*minimumLength&quot;:10|data-policy="[^"]*minimumLength&#34;:10/)
        for (const [password, sentence] of [
          ['Short 4!', /too short/],
          ['a lighthouse in the fog', /lacks a kind of character/],
          ['A lighthouuuuse in the fog 4', /one character too often in a row/],
          ['lighthouse in the FOG 4', /so it is tried first/],
          ['A lighthouse for zoe in the fog 4', /made of your address or a name/],
        ] as const) {
          const refused = await browser.post(`${login}/sign-up`, { email: 'zoe@example.com', password })
          assert.equal(refused.status, 400)
          assert.match(refused.body, sentence)
        }
        const done = await browser.post(`${login}/sign-up`, { email: 'zoe@example.com', password: STRONG })
        assert.equal(done.status, 303)
      })
    })

    test('say it to whoever manages people and to the tenant file, and former passwords are not chosen again', async () => {
      const options = { passwordPolicy: 'good', password_history: { enable: true, size: 2 }, requires_username: true }
      await withDatabase('managed', options, [TRUSTED.client_id], async () => {
        const ask = (method: string, path: string, body: object) => management.call(method, path, body)
        const person = { connection: 'managed', email: 'moe@example.com', username: 'moe_9' }
        const weak = await ask('POST', '/users', { ...person, password: 'quietmagpies' })
        assert.deepEqual([weak.status, weak.body.errorCode], [400, 'invalid_password'])
        assert.match(weak.body.message, /^PasswordStrengthError: Password is too weak\n\* At least 8 characters/)
        const { username: _, ...nameless } = person
        assert.match(
          (await ask('POST', '/users', { ...nameless, password: STRONG })).body.message,
          /username is missing/,
        )
        const { status, body } = await ask('POST', '/users', { ...person, password: STRONG })
        assert.deepEqual([status, body.username], [201, 'moe_9'])
        const user = `/users/${encodeURIComponent(body.user_id)}`
        const change = async (password: string) => {
          const changed = await ask('PATCH', user, { password })
          return changed.status === 200 ? 'changed' : String(changed.body.message)
        }
        assert.match(await change(STRONG), /^PasswordHistoryError: Password has previously been used/)
        assert.equal(await change('Eight quiet magpies 4'), 'changed')
        assert.equal(await change('Nine quiet magpies 4'), 'changed')
        assert.match(await change(STRONG), /^PasswordHistoryError/)
        assert.match(await change('Eight quiet magpies 4'), /^PasswordHistoryError/)
        assert.equal(await change('Ten quiet magpies 4'), 'changed')
        assert.equal(await change(STRONG), 'changed')
        assert.match(
          (await ask('PATCH', user, { username: 'moe@example.com' })).body.message,
          /username must be 1 to 15/,
        )
        assert.equal((await ask('PATCH', user, { username: 'Moe_10' })).body.username, 'Moe_10')
        assert.equal((await inRealm({ email: 'moe_10', password: STRONG }, 'managed')).status, 200)
      })
      const id = await idOf(DATABASE_CONNECTION)
      await management.call('PATCH', `/connections/${id}`, { options: { passwordPolicy: 'fair' } })
      try {
        const file = (password: string) => ({ users: [{ email: 'ned@example.com', password }] })
        await assert.rejects(applyTo(server.latchkey, file('quiet magpies')), /lacks a kind of character/)
        await applyTo(server.latchkey, file(STRONG))
        // Whoever is there keeps what they have.
        await applyTo(server.latchkey, { users: [ANN] })
      } finally {
        await management.call('PATCH', `/connections/${id}`, { options: {} })
      }
    })

    test('close it to strangers', async () => {
      await withDatabase('closed', { disable_signup: true }, [SPA.client_id], async () => {
        const browser = new CookieJarBrowser(server)
        const login = await beginAt(browser, authorizePath(SPA, { connection: 'closed' }))
        assert.doesNotMatch((await browser.get(login)).body, /sign-up/)
        const asked = await browser.get(`${login}/sign-up`)
        assert.deepEqual([asked.status, asked.location], [303, `${login}?sign-in`])
        const forced = await browser.post(`${login}/sign-up`, { email: 'zoe@example.com', password: STRONG })
        assert.deepEqual([forced.status, forced.location], [303, `${login}?sign-in`])
      })
    })

    test('ask for usernames, by which people sign in as by their address', async () => {
      const options = { requires_username: true, validation: { username: { min: 3, max: 12 } } }
      await withDatabase('named', options, [SPA.client_id, TRUSTED.client_id], async () => {
        const form = { email: 'zoe@example.com', password: STRONG }
        for (const username of ['', 'zo', 'zoe@example.com', 'zoe zoe', 'x'.repeat(13)]) {
          const refused = await signUpAt('named', { ...form, username })
          assert.equal(refused.status, 400, username)
          assert.match(refused.body, /This username cannot be used/)
          assert.match(refused.body, /3–12 characters/)
        }
        assert.equal((await signUpAt('named', { ...form, username: 'Zoe_9' })).status, 303)
        const taken = await signUpAt('named', { ...form, email: 'other@example.com', username: 'ZOE_9' })
        assert.deepEqual([taken.status, /Somebody has this username/.test(taken.body)], [409, true])
        const address = await signUpAt('named', { ...form, username: 'another' })
        assert.deepEqual([address.status, /This address already has an account/.test(address.body)], [409, true])
        for (const name of ['zoe_9', 'ZOE_9', 'zoe@example.com']) {
          const reply = await inRealm({ email: name, password: STRONG }, 'named')
          assert.equal(reply.status, 200, name)
          const claims = claimsOf(String(reply.json()['id_token']))
          assert.deepEqual([claims['preferred_username'], claims['nickname']], ['Zoe_9', 'Zoe_9'])
        }
        const page = await (async () => {
          const browser = new CookieJarBrowser(server)
          return browser.get(await beginAt(browser, authorizePath(SPA, { connection: 'named' })))
        })()
        assert.match(page.body, /E-mail or username/)
      })
      // Elsewhere nobody has a name to sign in with.
      assert.equal((await askToken(server, passing({ email: 'zoe_9', password: STRONG }))).status, 400)
    })
  })
})
