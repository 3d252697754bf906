/** API keys from the command that makes one to the answer of an introspection, and everything that ends one. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { DAY, HOUR, MINUTE } from '../../server/kernel/seconds.ts'
import type { ApiKey, CreatedApiKey } from '../../server/operations/api-keys.ts'
import { formatApiKey, newApiKey, parseApiKey } from '../../server/tokens/api-key.ts'
import {
  ANN,
  API,
  askUserinfo,
  BEN,
  type ClientCredentials,
  CookieJarBrowser,
  EVE,
  LEGACY_API,
  MACHINE,
  PARTNER,
  type Reply,
  SPA,
  tenantFile,
  tokensFor,
  WEB,
} from '../attacks/stage.ts'
import { applyTo, onEachStore, type RunningServer, startServer } from '../fixtures/server.ts'
import { createTestClock } from '../fixtures/test-clock.ts'

/** The client of a gateway before the API. */
const GUARD = { client_id: 'guard', client_secret: 'the secret of the guard' } as const
const SCOPES = ['read:videos', 'write:videos']

onEachStore('An API key', store => {
  const clock = createTestClock()
  let server: RunningServer

  const grant = (client_id: string, scope: readonly string[], audience = API) => ({ client_id, audience, scope })
  before(async () => {
    server = await startServer({
      store,
      clock: clock.now,
      tenantFile: {
        ...tenantFile,
        clients: [...tenantFile.clients, { ...GUARD, name: 'Guard', app_type: 'non_interactive' }],
        resourceServers: tenantFile.resourceServers.map(api => ({
          ...api,
          scopes: [...api.scopes, { value: 'introspect:tokens' }],
        })),
        clientGrants: [
          grant(GUARD.client_id, ['introspect:tokens']),
          ...[MACHINE, WEB, SPA, PARTNER].map(client => grant(client.client_id, SCOPES)),
        ],
      },
    })
  })
  after(() => server?.close())

  const operate = <T>(name: string, given: object): Promise<T> =>
    server.latchkey.operate(name, { tenant: 'default', ...given }) as Promise<T>
  const create = (given: object = {}) =>
    operate<CreatedApiKey>('api-keys create', {
      ...{ client: MACHINE.client_id, user: null, audience: API, name: 'Nightly import', scopes: SCOPES, days: null },
      ...given,
    })
  const list = (given: object = {}) => operate<ApiKey[]>('api-keys list', { client: null, user: null, ...given })
  const stateOf = async (id: string) => (await list()).find(key => key.id === id)?.state

  /** As a program does: without cookies. */
  const post = (path: string, client: ClientCredentials, token: string): Promise<Reply> =>
    new CookieJarBrowser(server).post(path, { ...client, token }, { origin: undefined, 'sec-fetch-site': undefined })
  const introspect = async (key: string, client: ClientCredentials = GUARD) => {
    const { status, json, body } = await post('/oauth/introspect', client, key)
    assert.equal(status, 200, body)
    return json()
  }
  const events = async (type: string) => {
    const listed = await server.latchkey.store.events.list('default', { limit: 1000 })
    return listed.filter(event => event.type === type)
  }
  const INACTIVE = { active: false }

  describe('of a machine', () => {
    test('is what an access token would be, to the gateway that asks, and says what the log may end it by', async () => {
      const { key, ...told } = await create({ days: 90 })
      assert.deepEqual(told, {
        ...{ id: told.id, name: 'Nightly import', client: 'machine', user: null, audience: API, scopes: SCOPES },
        ...{ state: 'live', createdAt: told.createdAt, usedAt: null },
        expiresAt: new Date(Date.parse(told.createdAt) + 90 * DAY).toISOString(),
      })
      const made = Math.floor(Date.parse(told.createdAt) / 1000)
      assert.deepEqual(await introspect(key), {
        active: true,
        iss: server.issuer,
        sub: 'machine@clients',
        aud: API,
        client_id: 'machine',
        scope: 'read:videos write:videos',
        jti: `${told.id}.key`,
        iat: made,
        exp: made + (90 * DAY) / 1000,
        client_epoch: 0,
        token_type: 'api_key',
      })
      const [event] = (await events('api-key.created')).slice(-1)
      assert.deepEqual(event?.target, { kind: 'api-key', id: told.id })
      assert.ok(!JSON.stringify(event).includes(parseApiKey(key)?.secret ?? assert.fail()))
    })

    test('has no end unless it was given one, and tells its own client no epochs', async () => {
      const { key } = await create()
      const { exp, client_epoch, active } = await introspect(key, MACHINE)
      assert.deepEqual({ exp, client_epoch, active }, { exp: undefined, client_epoch: undefined, active: true })
    })

    test('is nothing to whom it does not concern, in the words for what does not exist', async () => {
      const { key } = await create()
      assert.deepEqual(await introspect(key, WEB), INACTIVE)
      const asked = await post('/oauth/introspect', SPA, key)
      assert.equal(asked.json()['error'], 'invalid_client')
    })

    test('opens nothing here: neither userinfo nor a token', async () => {
      const { key } = await create()
      assert.equal((await askUserinfo(server, key)).status, 401)
      const browser = new CookieJarBrowser(server)
      for (const form of [
        { grant_type: 'refresh_token', ...MACHINE, refresh_token: key },
        { grant_type: 'client_credentials', client_id: MACHINE.client_id, client_secret: key, audience: API },
      ])
        assert.ok((await browser.post('/oauth/token', form)).status >= 400)
    })
  })

  describe('of a person', () => {
    test('says who they are, and under which epochs it was given', async () => {
      const { key, user } = await create({ client: SPA.client_id, user: ANN.email, scopes: ['read:videos'] })
      const { sub, client_id, scope, client_epoch, subject_epoch } = await introspect(key)
      assert.match(String(user), /^auth0\|/)
      assert.deepEqual(
        { sub, client_id, scope, client_epoch, subject_epoch },
        { sub: user, client_id: 'spa', scope: 'read:videos', client_epoch: 0, subject_epoch: 0 },
      )
    })

    test('calls them what the client calls them', async () => {
      await applyTo(server.latchkey, {
        clients: [
          {
            ...{
              client_id: 'pairwise',
              name: 'P',
              app_type: 'regular_web',
              client_secret: 'the secret of the pairwise',
            },
            ...{ callbacks: ['https://app.example/callback'], subject_type: 'pairwise' },
          },
        ],
        clientGrants: [grant('pairwise', SCOPES)],
      })
      const { key, user } = await create({ client: 'pairwise', user: ANN.email })
      const { sub } = await introspect(key)
      assert.match(String(sub), /^[\w-]{43}$/)
      assert.notEqual(sub, user)
      await operate('users block', { user: ANN.email })
      await operate('users unblock', { user: ANN.email })
      const log = await server.latchkey.store.revocations.after(0, 1000)
      assert.ok(
        log.some(({ kind, id }) => kind === 'subject' && id === sub),
        'and so does the log',
      )
    })
  })

  describe('is refused before it is made', () => {
    for (const [why, given, sentence] of [
      ['for a client that is not there', { client: 'nobody' }, /has no client "nobody"/],
      ['for a person who is not there', { user: 'nobody@example.com' }, /has no user "nobody@example.com"/],
      ['for an API that is not there', { audience: 'https://nowhere.example' }, /has no API/],
      ['without a grant', { audience: LEGACY_API }, /machine has no grant for/],
      [
        'with more than the grant holds',
        { scopes: ['read:videos', 'introspect:tokens'] },
        /does not hold introspect:tokens/,
      ],
      ['with nothing that it may', { scopes: [] }, /Say with --scope/],
      ['of a public client that would act as itself', { client: SPA.client_id }, /public client/],
      ['with a name of two lines', { name: 'a\nb' }, /name/],
      ['for no day at all', { days: 0 }, /lasts/],
      ['for half a day', { days: 0.5 }, /lasts/],
    ] as const)
      test(why, () => assert.rejects(create(given), { name: 'OperatorError', message: sentence }))

    test('for a person who is blocked', async () => {
      await operate('users block', { user: BEN.email })
      await assert.rejects(create({ user: BEN.email }), { name: 'OperatorError', message: /user is blocked/ })
      await operate('users unblock', { user: BEN.email })
    })
  })

  describe('ends at once', () => {
    let made = 0
    /** A client, a person, and a key of each with it. */
    async function cast() {
      made++
      const person = { email: `keeper-${made}@example.com`, password: 'a lighthouse in the fog' }
      const client = { client_id: `keeper-${made}`, client_secret: `the secret of keeper ${made}` }
      await applyTo(server.latchkey, {
        clients: [
          {
            ...{ ...client, name: client.client_id, app_type: 'regular_web', is_first_party: false },
            callbacks: ['https://app.example/callback'],
          },
        ],
        clientGrants: [grant(client.client_id, SCOPES)],
        users: [{ ...person, email_verified: true }],
      })
      const mine = await create({ client: client.client_id, user: person.email })
      const machines = await create({ client: client.client_id })
      for (const { key } of [mine, machines]) assert.equal((await introspect(key))['active'], true)
      return { person, client, mine, machines, head: await server.latchkey.store.revocations.head() }
    }
    type Cast = Awaited<ReturnType<typeof cast>>

    const ENDS: Readonly<Record<string, { happens: (cast: Cast) => Promise<unknown>; ends: ('mine' | 'machines')[] }>> =
      {
        'by a command': {
          happens: ({ mine }) => operate('api-keys revoke', { key: mine.id }),
          ends: ['mine'],
        },
        'by a command that was given all of it': {
          happens: ({ machines }) => operate('api-keys revoke', { key: machines.key }),
          ends: ['machines'],
        },
        'when its client gives it back': {
          happens: async ({ client, machines }) =>
            assert.equal((await post('/oauth/revoke', client, machines.key)).status, 200),
          ends: ['machines'],
        },
        'when its person is blocked': {
          happens: ({ person }) => operate('users block', { user: person.email }),
          ends: ['mine'],
        },
        'when its person was blocked, for good': {
          happens: async ({ person }) => {
            await operate('users block', { user: person.email })
            await operate('users unblock', { user: person.email })
          },
          ends: ['mine'],
        },
        'when its person is removed': {
          happens: ({ person }) => operate('users remove', { user: person.email }),
          ends: ['mine'],
        },
        'when its person takes back what they allowed the client': {
          happens: async ({ person, client }) => {
            const browser = new CookieJarBrowser(server)
            const { store: rows } = server.latchkey
            const user = String((await list({ user: person.email }))[0]?.user)
            await rows.consents.give({
              ...{ tenant: 'default', user, client: client.client_id, audience: API, organization: null },
              ...{ scopes: SCOPES, givenAt: clock.now() },
            })
            const { access_token } = await tokensFor(server, person, { client: WEB, browser })
            const sid = String(JSON.parse(Buffer.from(access_token.split('.')[1] ?? '', 'base64url').toString())['sid'])
            const answer = await browser.post('/account/withdraw', { account: sid, client: client.client_id })
            assert.equal(answer.status, 303, answer.body)
          },
          ends: ['mine'],
        },
        'when its client is revoked': {
          happens: ({ client }) => operate('clients revoke', { client: client.client_id }),
          ends: ['mine', 'machines'],
        },
        'when its client is removed': {
          happens: ({ client }) => operate('clients remove', { client: client.client_id }),
          ends: ['mine', 'machines'],
        },
      }
    for (const [how, { happens, ends }] of Object.entries(ENDS))
      test(how, async () => {
        const given = await cast()
        await happens(given)
        for (const whose of ['mine', 'machines'] as const) {
          const isEnded = ends.includes(whose)
          const { active, jti } = await introspect(given[whose].key)
          assert.deepEqual([active, jti], isEnded ? [false, undefined] : [true, `${given[whose].id}.key`], whose)
          // Removed with whom it was of, or listed as what it is.
          const state = await stateOf(given[whose].id)
          assert.equal(state === undefined || state !== 'live', isEnded, `${whose} is listed as ${state}`)
        }
        assert.ok((await server.latchkey.store.revocations.head()) > given.head, 'the log tells the edge')
      })

    test('and the log tells it by the key, as it tells of an authorization', async () => {
      const { machines, head } = await cast()
      await operate('api-keys revoke', { key: machines.id })
      const [entry, ...more] = await server.latchkey.store.revocations.after(head, 10)
      assert.deepEqual([entry?.kind, entry?.id, entry?.epoch, more], ['authorization', machines.id, null, []])
    })

    test('once: again it was revoked already, and nothing more is written', async () => {
      const { client, mine, head } = await cast()
      const revoke = () => operate<{ outcome: string }>('api-keys revoke', { key: mine.id })
      const before = (await events('api-key.revoked')).length
      assert.deepEqual([(await revoke()).outcome, (await revoke()).outcome], ['revoked', 'already'])
      assert.equal((await post('/oauth/revoke', client, mine.key)).status, 200)
      assert.equal(await server.latchkey.store.revocations.head(), head + 1)
      assert.equal((await events('api-key.revoked')).length, before + 1)
      await assert.rejects(operate('api-keys revoke', { key: 'lk_unknown' }), /has no such API key/)
    })

    test('when its time has come', async () => {
      const { key, id } = await create({ days: 1 })
      clock.advance(DAY - HOUR)
      assert.equal((await introspect(key))['active'], true)
      clock.advance(HOUR)
      assert.deepEqual(await introspect(key), INACTIVE)
      assert.equal(await stateOf(id), 'expired')
    })

    test('as far as its client’s grant is narrowed, and comes back with it', async () => {
      const { client, machines } = await cast()
      const narrow = (scope: readonly string[]) =>
        applyTo(server.latchkey, { clientGrants: [grant(client.client_id, scope)] })
      await narrow(['write:videos'])
      assert.equal((await introspect(machines.key))['scope'], 'write:videos')
      await narrow(['introspect:tokens'])
      assert.deepEqual(await introspect(machines.key), INACTIVE)
      await narrow([...SCOPES, 'introspect:tokens'])
      assert.equal(
        (await introspect(machines.key))['scope'],
        'read:videos write:videos',
        'never more than it was given',
      )
    })
  })

  test('of another client is not given back, and goes on', async () => {
    const { key } = await create()
    const answer = await post('/oauth/revoke', WEB, key)
    assert.deepEqual([answer.status, answer.json()['error']], [400, 'invalid_grant'])
    assert.equal((await introspect(key))['active'], true)
  })

  test('that was made up is nothing, whatever of it is true, and nobody is told how much', async () => {
    const [one, other] = [await create(), await create()]
    const [mine, theirs] = [parseApiKey(one.key), parseApiKey(other.key)]
    assert.ok(mine && theirs)
    const head = await server.latchkey.store.revocations.head()
    for (const made of [
      formatApiKey({ id: mine.id, secret: theirs.secret }),
      formatApiKey({ ...newApiKey(), secret: mine.secret }),
      formatApiKey({ id: mine.id, secret: '0'.repeat(64) }),
      one.key.slice(0, -1),
      `${one.key} `,
      mine.id,
    ]) {
      for (const client of [GUARD, MACHINE]) assert.deepEqual(await introspect(made, client), INACTIVE, made)
      // Not even that it is another client's.
      assert.equal((await post('/oauth/revoke', WEB, made)).status, 200)
    }
    assert.equal(await server.latchkey.store.revocations.head(), head)
    assert.equal((await introspect(one.key))['active'], true)
  })

  test('is noted as used, once a minute, and by nobody whom it does not concern', async () => {
    const { key, id } = await create()
    const usedAt = async () => Date.parse((await list()).find(one => one.id === id)?.usedAt ?? '') || 0
    await introspect(key, WEB)
    assert.equal(await usedAt(), 0)
    /** It follows the answer, once the disk has it. */
    const noted = async (before: number): Promise<number> => {
      for (let turns = 0; turns < 10_000; turns++) {
        const at = await usedAt()
        if (at > before) return at
        await nextTurn()
      }
      return assert.fail('it was not noted')
    }
    await introspect(key)
    const first = await noted(0)
    clock.advance(MINUTE / 2)
    await introspect(key)
    clock.advance(MINUTE / 2)
    await introspect(key)
    assert.ok((await noted(first)) >= first + MINUTE)
  })

  test('is listed with its client’s or its person’s alone, oldest first, and forgotten a month after its end', async () => {
    const first = await create({ user: EVE.email, client: PARTNER.client_id, name: 'First' })
    clock.advance(HOUR)
    const second = await create({ user: EVE.email, client: PARTNER.client_id, name: 'Second', days: 1 })
    const names = async (given: object) => (await list(given)).map(({ name }) => name)
    assert.deepEqual(await names({ user: EVE.email }), ['First', 'Second'])
    assert.deepEqual(await names({ client: PARTNER.client_id }), ['First', 'Second'])
    await operate('api-keys revoke', { key: first.id })
    clock.advance(31 * DAY)
    await server.latchkey.store.apiKeys.purge(clock.now(), 500)
    assert.deepEqual(await names({ user: EVE.email }), [])
    assert.deepEqual(await introspect(second.key), INACTIVE)
  })
})
