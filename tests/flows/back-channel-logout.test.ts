/** Back-channel logout: whoever took part in a session is told of its end, whatever ended it, once and for sure. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { stringify } from 'yaml'
import { compose } from '../../server/compose.ts'
import { loadSettings } from '../../server/config/load.ts'
import { silentLog } from '../../server/kernel/log.ts'
import { DAY, HOUR, MINUTE, SECOND } from '../../server/kernel/seconds.ts'
import { insist } from '../conformance/insist.ts'
import { type Application, discoverApplication, type Tokens } from '../fixtures/application.ts'
import { freePort } from '../fixtures/free-port.ts'
import { readForms } from '../fixtures/html-form.ts'
import { type LogoutReceiver, startLogoutReceiver, verifyLogoutToken } from '../fixtures/logout-receiver.ts'
import { linkIn, openMailbox } from '../fixtures/mailbox.ts'
import { type Account, createPerson, type Person } from '../fixtures/person.ts'
import { end, type ServingProcess, serve } from '../fixtures/process.ts'
import { applyTo, newEnvironment, onEachStore, type RunningServer, startServer } from '../fixtures/server.ts'
import { createTestClock } from '../fixtures/test-clock.ts'
import { postToken, userinfoStatus } from './stage.ts'

const HOME = 'http://localhost:5999'
const REDIRECT_URI = `${HOME}/callback`
const SIGNED_OUT_URI = `${HOME}/signed-out`

onEachStore('An application that took part in a session', store => {
  const clock = createTestClock()
  let receiver: LogoutReceiver
  let server: RunningServer
  const issuer = () => server.issuer

  before(async () => {
    receiver = await startLogoutReceiver()
    const application = (client_id: string, more: object = {}) => ({
      client_id,
      name: client_id,
      app_type: 'spa',
      callbacks: [REDIRECT_URI],
      allowed_logout_urls: [SIGNED_OUT_URI],
      backchannel_logout_uri: receiver.url(client_id),
      ...more,
    })
    server = await startServer({
      store,
      clock: clock.now,
      environment: { LATCHKEY_EGRESS_ALLOW: '127.0.0.1' },
      tenantFile: {
        clients: [
          application('player'),
          // As Auth0's exports have it.
          application('imported', {
            backchannel_logout_uri: undefined,
            oidc_logout: { backchannel_logout_urls: [receiver.url('imported')] },
            jwt_configuration: { alg: 'ES256' },
            subject_type: 'pairwise',
          }),
          application('choosy', {
            oidc_logout: {
              backchannel_logout_initiators: { mode: 'custom', selected_initiators: ['password-changed'] },
            },
          }),
          application('plain', { backchannel_logout_uri: undefined }),
          application('silent'),
          application('flaky'),
          application('hopeless'),
        ].map(entry => JSON.parse(JSON.stringify(entry))),
      },
    })
  })
  after(async () => {
    await server?.close()
    await receiver?.close()
  })

  const app = (clientId: string): Promise<Application> =>
    discoverApplication(issuer(), {
      clientId,
      redirectUri: REDIRECT_URI,
      ...(clientId === 'imported' && { idTokenAlgorithm: 'ES256' }),
    })

  let people = 0
  const elsewhere = () => createPerson(issuer())
  function someone(): { account: Account; person: Person } {
    people += 1
    const account = { email: `leaver-${people}@example.com`, password: 'a passphrase of a leaver' }
    return { account, person: elsewhere() }
  }

  /** Somebody who signs in to each application in turn, in one session; a stranger signs up. */
  async function signedIn(clients: readonly string[], who: Partial<ReturnType<typeof someone>> = {}, scope = 'openid') {
    const isNew = who.account === undefined
    const { account, person } = { ...someone(), ...who }
    const granted: Tokens[] = []
    for (const clientId of clients) {
      const application = await app(clientId)
      const begun = await application.begin({ scope })
      const arrive = isNew && granted.length === 0 ? person.signUp : person.signIn
      const silently = await application.begin({ scope, prompt: 'none' })
      const stop = await person.visit(silently.url)
      granted.push(
        stop.url.searchParams.has('code')
          ? await application.finish(stop.url, silently)
          : await application.finish(await arrive(begun.url, account), begun),
      )
    }
    const [tokens] = granted
    assert.ok(tokens)
    const claims = tokens.claims()
    return { account, person, tokens, sid: String(claims?.['sid']), sub: String(claims?.sub) }
  }

  const at = (path: string) => new URL(path, issuer())
  const leave = (person: Person, tokens: Tokens, state?: string) =>
    person.visit(
      at(
        `oidc/logout?${new URLSearchParams({
          id_token_hint: tokens.id_token ?? '',
          post_logout_redirect_uri: SIGNED_OUT_URI,
          ...(state !== undefined && { state }),
        })}`,
      ),
    )
  const act = async (person: Person, path: string, fields: Record<string, string> = {}) => {
    const page = await person.visit(at('account'))
    const account = readForms(page.html)[0]?.fields['account'] ?? ''
    return person.post(at(`account/${path}`), { account, ...fields }, new URL(issuer()).origin)
  }

  async function resetPassword({ email }: Account) {
    const person = elsewhere()
    await person.submit(await person.visit(at('forgot-password')), { email })
    const mailbox = openMailbox(server.latchkey)
    // Signing up sends one to confirm the address.
    let link = linkIn(await mailbox.next(email))
    while (!link.includes('/reset-password/')) link = linkIn(await mailbox.next(email))
    const done = await person.submit(await person.visit(link), { password: 'a kettle on the windowsill' })
    assert.equal(done.status, 200, done.html)
  }

  test('oidcc-backchannel-rp-initiated-logout: it is sent a logout token, and nothing else, that it can verify', async () => {
    for (const client of ['player', 'imported']) {
      const { person, tokens, sid, sub } = await signedIn([client])
      const left = (await leave(person, tokens, 'as it was')).url.href
      insist('oidcc-backchannel-rp-initiated-logout#redirect', left === `${SIGNED_OUT_URI}?state=as+it+was`, left)
      const [told] = await receiver.told(client, { sid })
      assert.ok(told)
      const type = told.headers['content-type']
      const isForm = told.method === 'POST' && type === 'application/x-www-form-urlencoded'
      insist('oidcc-backchannel-rp-initiated-logout#post', isForm, told)
      const members = [...new URLSearchParams(told.body).keys()]
      insist('oidcc-backchannel-rp-initiated-logout#only-token', members.join() === 'logout_token', members)
      const now = clock.now()
      const { payload, protectedHeader } = await verifyLogoutToken(told.token, { issuer: issuer(), client, now })
      const algorithm = client === 'imported' ? 'ES256' : 'RS256'
      const isSigned = protectedHeader.alg === algorithm && protectedHeader.kid !== undefined
      insist('oidcc-backchannel-rp-initiated-logout#signature', isSigned, protectedHeader)
      const { iss, aud, iat = 0, exp = 0, jti, events, ...others } = payload
      const isOfNow = iat * SECOND <= now && now - iat * SECOND < MINUTE
      const isAddressed = iss === issuer() && aud === client && isOfNow && /^lgt_.{24}$/.test(String(jti))
      insist('oidcc-backchannel-rp-initiated-logout#claims', isAddressed, payload)
      const event = '{"http://schemas.openid.net/event/backchannel-logout":{}}'
      insist('oidcc-backchannel-rp-initiated-logout#events', JSON.stringify(events) === event, events)
      insist('oidcc-backchannel-rp-initiated-logout#nonce', !('nonce' in payload), payload)
      insist('oidcc-backchannel-rp-initiated-logout#sid', payload['sid'] === sid, payload)
      insist('oidcc-backchannel-rp-initiated-logout#sub', payload.sub === sub, payload)
      assert.deepEqual(others, { sub, sid })
      assert.equal(exp - iat, (2 * MINUTE) / SECOND)
      const silent = await (await app(client)).begin({ prompt: 'none' })
      const error = (await person.visit(silent.url)).url.searchParams.get('error')
      insist('oidcc-backchannel-rp-initiated-logout#signed-out', error === 'login_required', error)
    }
  })

  const endings: readonly {
    readonly name: string
    readonly end: (one: Awaited<ReturnType<typeof signedIn>>) => Promise<unknown>
  }[] = [
    { name: 'a hint at /oidc/logout', end: ({ person, tokens }) => leave(person, tokens) },
    {
      name: 'the question that /oidc/logout asks without one',
      end: async ({ person }) => person.submit(await person.visit(at('oidc/logout'))),
    },
    {
      name: '/v2/logout',
      end: ({ person }) =>
        person.visit(at(`v2/logout?${new URLSearchParams({ client_id: 'plain', returnTo: SIGNED_OUT_URI })}`)),
    },
    { name: 'its end on /account', end: ({ person, sid }) => act(person, 'sign-out', { session: sid }) },
    {
      name: 'its end on /account of another browser',
      end: async ({ account, sid }) => {
        const { person } = await signedIn(['plain'], { account })
        await act(person, 'sign-out', { session: sid })
      },
    },
    {
      name: 'the end of all others on /account',
      end: async ({ account }) => {
        const { person } = await signedIn(['plain'], { account })
        await act(person, 'sign-out-others')
      },
    },
    { name: 'signing out everywhere', end: ({ person }) => act(person, 'sign-out-everywhere') },
    {
      name: 'a password that was forgotten and replaced',
      end: ({ account }) => resetPassword(account),
    },
    {
      name: 'a password that the operator set',
      end: ({ account }) =>
        applyTo(server.latchkey, { users: [{ email: account.email, password: 'the operator knows it now' }] }),
    },
    {
      name: 'an account that the operator blocked',
      end: ({ account }) =>
        applyTo(server.latchkey, { users: [{ email: account.email, password: account.password, blocked: true }] }),
    },
    {
      name: 'a block by command',
      end: ({ account }) => server.latchkey.operate('users block', { tenant: 'default', user: account.email }),
    },
    {
      name: 'the removal of the account',
      end: ({ account }) => server.latchkey.operate('users remove', { tenant: 'default', user: account.email }),
    },
  ]
  for (const { name, end: finish } of endings)
    test(`is told of ${name}`, async () => {
      const one = await signedIn(['player', 'plain'])
      await finish(one)
      const [told] = await receiver.told('player', { sid: one.sid })
      assert.equal(told?.claims.sub, one.sub)
      assert.equal(await userinfoStatus(issuer(), one.tokens.access_token), 401)
    })

  test('is told of every session of its own, and of nobody else’s', async () => {
    const first = await signedIn(['player'])
    const { account } = first
    const second = await signedIn(['player', 'imported'], { account })
    const other = await signedIn(['player'])
    await act(second.person, 'sign-out-everywhere')
    await receiver.told('player', { sid: first.sid })
    await receiver.told('player', { sid: second.sid })
    await receiver.told('imported', { sid: second.sid })
    assert.deepEqual(receiver.toldSoFar('imported', first.sid), [])
    assert.deepEqual(receiver.toldSoFar('player', other.sid), [])
    assert.equal(await userinfoStatus(issuer(), other.tokens.access_token), 200)
  })

  test('is told once, however often the session is ended', async () => {
    const { person, tokens, sid } = await signedIn(['player'])
    await Promise.all([leave(person, tokens), leave(person, tokens), act(person, 'sign-out', { session: sid })])
    await receiver.told('player', { sid })
    await leave(person, tokens)
    const next = await signedIn(['player'])
    await leave(next.person, next.tokens)
    await receiver.told('player', { sid: next.sid })
    assert.equal(receiver.toldSoFar('player', sid).length, 1)
  })

  test('is told when all that it was given is over and purged, as long as the session lives', async () => {
    const { account, person, sid } = await signedIn(['player'])
    const { authorizations } = server.latchkey.store
    clock.advance(DAY)
    while ((await authorizations.purge(clock.now() + 90 * DAY, 500)) > 0);
    await server.latchkey.store.sessionClients.purge(clock.now(), 500)
    const { tokens } = await signedIn(['plain'], { account, person })
    assert.equal(tokens.claims()?.['sid'], sid)
    await leave(person, tokens)
    await receiver.told('player', { sid })
  })

  if (store === 'postgres') {
    test('is told once by two nodes that both hear of it', async () => {
      const there = await compose(loadSettings(server.environment), silentLog, { clock: clock.now })
      try {
        const leaving = []
        for (let time = 0; time < 6; time++) leaving.push(await signedIn(['player', 'imported']))
        await Promise.all(leaving.map(({ person, tokens }) => leave(person, tokens)))
        for (const client of ['player', 'imported']) for (const { sid } of leaving) await receiver.told(client, { sid })
        for (const client of ['player', 'imported'])
          for (const { sid } of leaving) assert.equal(receiver.toldSoFar(client, sid).length, 1)
      } finally {
        await there.close()
      }
    })
    // What follows never asks which database it is on.
    return
  }

  test('that holds a refresh token for while the person is away is told too, and keeps it', async () => {
    const { person, tokens, sid } = await signedIn(['player'], {}, 'openid offline_access')
    await leave(person, tokens)
    await receiver.told('player', { sid })
    const refreshed = await postToken(issuer(), {
      grant_type: 'refresh_token',
      client_id: 'player',
      refresh_token: tokens.refresh_token ?? '',
    })
    assert.equal(refreshed.status, 200)
  })

  test('is told only of what it asked to hear', async () => {
    const leaving = await signedIn(['choosy', 'player'])
    await leave(leaving.person, leaving.tokens)
    await receiver.told('player', { sid: leaving.sid })
    const resetting = await signedIn(['choosy'])
    await resetPassword(resetting.account)
    await receiver.told('choosy', { sid: resetting.sid })
    assert.deepEqual(receiver.toldSoFar('choosy', leaving.sid), [])
  })

  test('that never answers holds up neither the person nor another application', async () => {
    receiver.answer('silent', 'never')
    for (let time = 0; time < 10; time++) {
      const { person, tokens } = await signedIn(['silent'])
      await leave(person, tokens)
    }
    await receiver.told('silent', {})
    const { person, tokens, sid } = await signedIn(['silent', 'player'])
    assert.equal((await leave(person, tokens)).url.href, SIGNED_OUT_URI)
    await receiver.told('player', { sid })
    // At most its share, and what was claimed together with the last of it.
    assert.ok(receiver.toldSoFar('silent').length <= 8, `${receiver.toldSoFar('silent').length}`)
    receiver.answer('silent', 200)
  })

  test('that registered itself, of which there are many that never answer, leaves places to be told to others', async () => {
    const now = clock.now()
    await server.latchkey.store.transaction(async transaction => {
      for (let count = 0; count < 30; count++) {
        const client = `stranger-${count}`
        const metadata = { name: client, is_first_party: false, backchannel_logout_uri: receiver.url('stranger') }
        const times = { createdAt: now, updatedAt: now }
        await transaction.clients.create({
          tenant: 'default',
          id: client,
          epoch: 0,
          metadata,
          sealedSecret: null,
          credentials: [],
          ...times,
        })
        await transaction.registrations.create({ tenant: 'default', client, tokenHash: 'hash' })
        const about = { session: 'ses', user: 'auth0|nobody', issuer: issuer(), initiator: 'rp-logout' }
        const delivery = { tenant: 'default', id: client, client, ...about, createdAt: now - 1, giveUpAt: now + HOUR }
        await transaction.logoutDeliveries.promise([delivery])
      }
    })
    receiver.answer('stranger', 'never')
    await stir()
    assert.ok(receiver.toldSoFar('stranger').length <= 16, `${receiver.toldSoFar('stranger').length}`)
    for (let count = 0; count < 30; count++)
      await server.latchkey.store.logoutDeliveries.remove('default', `stranger-${count}`)
    receiver.answer('stranger', 200)
  })

  /** Word of somebody else's leaving, which has due deliveries looked at. */
  async function stir() {
    const { person, tokens, sid } = await signedIn(['player'])
    await leave(person, tokens)
    await receiver.told('player', { sid })
  }
  const eventsAbout = async (session: string) => {
    const found: string[] = []
    for (let after: string | undefined; ; ) {
      const page = await server.latchkey.store.events.list('default', { limit: 500, ...(after && { after }) })
      for (const { type, details } of page)
        if (details['session'] === session) found.push(`${type} after ${details['attempts']}`)
      if (page.length < 500) return found
      after = page.at(-1)?.id
    }
  }
  async function until<T>(look: () => Promise<T>, isThere: (seen: T) => boolean): Promise<T> {
    for (const end = Date.now() + 20 * SECOND; ; ) {
      const seen = await look()
      if (isThere(seen)) return seen
      assert.ok(Date.now() < end, JSON.stringify(seen))
      await new Promise(done => setTimeout(done, 20))
    }
  }

  test('that fails is told again after a pause, by a token of its own, until it takes it', async () => {
    receiver.answer('flaky', 500)
    const { person, tokens, sid } = await signedIn(['flaky'])
    await leave(person, tokens)
    await receiver.told('flaky', { sid })
    await stir()
    assert.equal(receiver.toldSoFar('flaky', sid).length, 1)
    receiver.answer('flaky', 204)
    clock.advance(10 * SECOND)
    await stir()
    const told = await receiver.told('flaky', { sid, times: 2 })
    assert.equal(new Set(told.map(({ claims }) => claims.jti)).size, 2)
    const events = await until(
      () => eventsAbout(sid),
      found => found.length > 0,
    )
    assert.deepEqual(events, ['back-channel-logout.told after 2'])
    clock.advance(MINUTE)
    await stir()
    assert.equal(receiver.toldSoFar('flaky', sid).length, 2)
  })

  test('that fails for a day is given up, which is on record', async () => {
    receiver.answer('hopeless', 503)
    const { person, tokens, sid } = await signedIn(['hopeless'])
    await leave(person, tokens)
    await receiver.told('hopeless', { sid })
    const nextDue = () => server.latchkey.store.logoutDeliveries.nextDue({ clients: [], strangers: false })
    // What was received is put off before the day begins: sooner than a lease ends.
    await until(nextDue, due => due !== undefined && due < clock.now() + 10 * SECOND)
    clock.advance(DAY)
    await stir()
    const events = await until(
      () => eventsAbout(sid),
      found => found.length > 0,
    )
    assert.deepEqual(events, ['back-channel-logout.given-up after 2'])
    assert.equal(receiver.toldSoFar('hopeless', sid).length, 1)
    await until(nextDue, due => due === undefined)
  })

  test('gives back a logout token in vain: it is no hint, no access token and no ID token', async () => {
    const gone = await signedIn(['player'])
    await leave(gone.person, gone.tokens)
    const [told] = await receiver.told('player', { sid: gone.sid })
    const token = told?.token ?? ''
    const { person, tokens } = await signedIn(['player'], { account: gone.account })
    const asked = await person.visit(at(`oidc/logout?id_token_hint=${token}`))
    assert.match(asked.url.pathname, /^\/sign-out\//)
    const silent = await (await app('player')).begin({ prompt: 'none', id_token_hint: token })
    assert.notEqual((await person.visit(silent.url)).url.searchParams.get('error'), null)
    assert.equal(await userinfoStatus(issuer(), token), 401)
    assert.equal(await userinfoStatus(issuer(), tokens.access_token), 200)
  })
})

describe('A server that is killed once a sign-out was answered', () => {
  test('tells of it when it is started again', async () => {
    // Nobody listens there yet: until the server is dead, nothing can be told.
    const port = await freePort()
    const { environment, discard } = await newEnvironment('sqlite', { LATCHKEY_EGRESS_ALLOW: '127.0.0.1' })
    const file = join(environment['LATCHKEY_DATA'] ?? '', 'tenant.yaml')
    const client = {
      client_id: 'player',
      name: 'Player',
      app_type: 'spa',
      callbacks: [REDIRECT_URI],
      backchannel_logout_uri: `http://127.0.0.1:${port}/player`,
    }
    writeFileSync(file, stringify({ clients: [client] }))
    const settings = { ...environment, LATCHKEY_APPLY: file }
    let serving: ServingProcess | undefined
    let receiver: LogoutReceiver | undefined
    try {
      serving = await serve(settings)
      const issuer = environment['LATCHKEY_ISSUER'] ?? ''
      const player = await discoverApplication(issuer, { clientId: 'player', redirectUri: REDIRECT_URI })
      const [begun, person] = [await player.begin({ scope: 'openid' }), createPerson(issuer)]
      const account = { email: 'leaver@example.com', password: 'a passphrase of a leaver' }
      const tokens = await player.finish(await person.signUp(begun.url, account), begun)
      await person.visit(new URL(`oidc/logout?id_token_hint=${tokens.id_token}`, issuer))
      await end(serving.child, 'SIGKILL')

      receiver = await startLogoutReceiver(port)
      serving = await serve(settings)
      const [told] = await receiver.told('player', { sid: String(tokens.claims()?.['sid']) })
      assert.equal(told?.claims.sub, tokens.claims()?.sub)
    } finally {
      await end(serving?.child, 'SIGKILL')
      await receiver?.close()
      await discard()
    }
  })
})
