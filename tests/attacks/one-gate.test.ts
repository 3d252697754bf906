/**
 * A grant that forgets to ask whether its subject and its client still count. One gate stands before every grant, so
 * the cases are made from the list of features: a grant that is added without a case here fails.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { features } from '../../server/oauth/features.ts'
import { type Mailbox, openMailbox } from '../fixtures/mailbox.ts'
import { applyTo, onEachStore, type RunningServer, startServer } from '../fixtures/server.ts'
import {
  API,
  askToken,
  askUserinfo,
  authorizePath,
  type ClientCredentials,
  CookieJarBrowser,
  codeOf,
  PASSWORD_REALM,
  passing,
  redemption,
  refreshing,
  signIn,
  tokensFor,
} from './stage.ts'

const TENANT = 'default'
const MAILED_CODE = 'http://auth0.com/oauth/grant-type/passwordless/otp'
/** Each is a sign-in of its own, and not what is left of an earlier one. */
const SIGN_INS: readonly string[] = ['password', PASSWORD_REALM, MAILED_CODE]
const DATABASE = 'Username-Password-Authentication'
const grantTypes = features.flatMap(({ grant }) => grant?.type ?? [])

interface Actors {
  readonly client: Required<ClientCredentials>
  readonly settings: object
  /** Null for a machine. */
  readonly user: string | null
}

/** What a token request sends, ready to be sent at a later time. */
type Ready = Actors & { readonly form: Readonly<Record<string, string>>; readonly accessToken: string | null }

onEachStore('The one gate', store => {
  let server: RunningServer
  let mailbox: Mailbox
  let made = 0

  before(async () => {
    server = await startServer({ store })
    mailbox = openMailbox(server.latchkey)
    const { connections } = server.latchkey.store
    const database = await connections.findByName(TENANT, DATABASE)
    await connections.change(TENANT, database?.id ?? '', {
      options: { authentication_methods: { email_otp: { enabled: true } } },
    })
  })
  after(() => server?.close())

  /** A client and a person that no other case has, so that each can be ended. */
  async function cast(grant_types: readonly string[]) {
    made += 1
    const client = { client_id: `client-${made}`, client_secret: `the secret of client number ${made}` }
    const person = { email: `person-${made}@example.com`, password: 'a lighthouse in the fog' }
    const settings = { name: 'Cast', app_type: 'regular_web', grant_types, callbacks: ['https://app.example/callback'] }
    await applyTo(server.latchkey, {
      clients: [{ ...client, ...settings }],
      resourceServers: [{ identifier: API, name: 'Videos', allow_offline_access: true, scopes: [{ value: 'read' }] }],
      clientGrants: [{ client_id: client.client_id, audience: API, scope: ['read'] }],
      users: [{ ...person, email_verified: true }],
    })
    const [user = null] = await server.latchkey.store.users.findByAttribute(TENANT, 'email', person.email, 1)
    return { client, settings, person, user }
  }

  const PREPARE: Readonly<Record<string, () => Promise<Ready>>> = {
    authorization_code: async () => {
      const { client, settings, person, user } = await cast(['authorization_code'])
      const callback = await signIn(new CookieJarBrowser(server), person, authorizePath(client))
      return { client, settings, user, accessToken: null, form: redemption(client, codeOf(callback)) }
    },
    refresh_token: async () => {
      const { client, settings, person, user } = await cast(['authorization_code', 'refresh_token'])
      const tokens = await tokensFor(server, person, { client, scope: 'openid offline_access' })
      return {
        client,
        settings,
        user,
        accessToken: tokens.access_token,
        form: refreshing(client, tokens.refresh_token),
      }
    },
    password: () => withPassword('password'),
    [PASSWORD_REALM]: () => withPassword(PASSWORD_REALM),
    [MAILED_CODE]: async () => {
      const { client, settings, person, user } = await cast([MAILED_CODE, 'password'])
      const given = await askToken(server, { ...passing(person, 'password', client), scope: 'openid' })
      const wanted = { ...client, connection: DATABASE, email: person.email }
      const challenged = await new CookieJarBrowser(server).ask('POST', '/otp/challenge', wanted)
      assert.equal(challenged.status, 200, challenged.body)
      const { auth_session } = challenged.json()
      const [, otp] = /^(\d{6})$/m.exec((await mailbox.next(person.email)).text) ?? []
      const form = { grant_type: MAILED_CODE, ...client, auth_session: String(auth_session), otp: String(otp) }
      return { client, settings, user, accessToken: String(given.json()['access_token']), form }
    },
    client_credentials: async () => {
      const { client, settings } = await cast(['client_credentials'])
      const form = { grant_type: 'client_credentials', ...client, audience: API }
      return { client, settings, user: null, accessToken: null, form }
    },
  }

  /** The gate is asked at the moment of each password: what it gave before is shown by the access token. */
  async function withPassword(type: string): Promise<Ready> {
    const { client, settings, person, user } = await cast([type])
    const form = { ...passing(person, type, client), scope: 'openid' }
    const accessToken = String((await askToken(server, form)).json()['access_token'])
    return { client, settings, user, accessToken, form }
  }

  const announced = (
    client: string,
    work: (nouns: RunningServer['latchkey']['store']['clients']) => Promise<unknown>,
  ) =>
    server.latchkey.store.transaction(async transaction => {
      await work(transaction.clients)
      transaction.announce({ topic: 'client', tenant: TENANT, id: client })
    })

  /** How each is ended, and what a grant that it concerns then answers. */
  const SIGNED_OUT = 'a user who was signed out everywhere'
  const PERSON_ENDS: Readonly<Record<string, (user: string) => Promise<unknown>>> = {
    'a blocked user': user => server.latchkey.store.users.change(TENANT, user, { blocked: true }, Date.now()),
    'a deleted user': user => server.latchkey.store.users.remove(TENANT, user, Date.now()),
    [SIGNED_OUT]: user => server.latchkey.store.users.raiseEpoch(TENANT, user),
  }
  const CLIENT_ENDS: Readonly<Record<string, { error: string; end: (client: string) => Promise<unknown> }>> = {
    'a removed client': {
      error: 'invalid_client',
      end: client => announced(client, clients => clients.remove(TENANT, client, Date.now())),
    },
    'a client whose secret was changed': {
      error: 'invalid_client',
      end: client =>
        applyTo(server.latchkey, {
          clients: [{ client_id: client, client_secret: 'another secret, since the old one leaked', name: 'Cast' }],
        }),
    },
  }

  /** The connection is that of every case: others go on being served. */
  async function takeConnectionFrom(client: string) {
    const { store } = server.latchkey
    const [connection] = await store.connections.list(TENANT)
    assert.ok(connection)
    await store.transaction(async transaction => {
      await transaction.connections.settleClients(TENANT, connection.id)
      await transaction.connections.takeOffList(TENANT, connection.id, [client])
      transaction.announce({ topic: 'connection', tenant: TENANT, id: connection.id })
    })
  }

  test('knows every grant type there is', () => {
    assert.deepEqual(
      grantTypes.filter(type => !Object.hasOwn(PREPARE, type)),
      [],
    )
    assert.deepEqual(
      Object.keys(PREPARE).filter(type => !grantTypes.includes(type)),
      [],
    )
  })

  for (const type of grantTypes) {
    const prepare = PREPARE[type]
    if (!prepare) continue

    test(`${type} is granted while nothing is the matter`, async () => {
      assert.equal((await askToken(server, (await prepare()).form)).status, 200)
    })

    if (type !== 'client_credentials')
      for (const [name, end] of Object.entries(PERSON_ENDS))
        test(`${type} is refused for ${name}, and what was given before is dead`, async () => {
          const { form, user, accessToken } = await prepare()
          assert.ok(user)
          if (accessToken) assert.equal((await askUserinfo(server, accessToken)).status, 200)
          await end(user)
          const reply = await askToken(server, form)
          const isGranted = SIGN_INS.includes(type) && name === SIGNED_OUT
          assert.deepEqual([reply.status, reply.json()['error']], isGranted ? [200, undefined] : [400, 'invalid_grant'])
          if (accessToken) assert.equal((await askUserinfo(server, accessToken)).status, 401)
        })

    if (type !== 'client_credentials')
      test(`${type} is refused for a client that the person’s connection is not enabled for`, async () => {
        const { form, client } = await prepare()
        await takeConnectionFrom(client.client_id)
        const reply = await askToken(server, form)
        assert.equal(reply.status, 400)
        assert.match(String(reply.json()['error']), /^invalid_(grant|request)$/)
      })

    if (type !== 'client_credentials')
      test(`${type} is refused for a client that signs people in for an organization only, and names none`, async () => {
        const { form, client, settings } = await prepare()
        await applyTo(server.latchkey, { clients: [{ ...client, ...settings, organization_usage: 'require' }] })
        const reply = await askToken(server, form)
        assert.equal(reply.status, 400)
        assert.equal(reply.json()['error_description'], 'parameter organization is required for this client')
      })

    for (const [name, { error, end }] of Object.entries(CLIENT_ENDS))
      test(`${type} is refused for ${name}`, async () => {
        const { form, client } = await prepare()
        await end(client.client_id)
        const reply = await askToken(server, form)
        assert.deepEqual([reply.status, reply.json()['error']], [401, error])
      })
  }

  for (const type of ['authorization_code', 'refresh_token'])
    test(`${type} is refused for what was given before its client’s epoch was raised`, async () => {
      const { form, client, accessToken } = await (PREPARE[type] as () => Promise<Ready>)()
      await announced(client.client_id, clients => clients.raiseEpoch(TENANT, client.client_id))
      const reply = await askToken(server, form)
      assert.deepEqual([reply.status, reply.json()['error']], [400, 'invalid_grant'])
      if (accessToken) assert.equal((await askUserinfo(server, accessToken)).status, 401)
    })

  test('a machine’s tokens carry the epoch of their client, so that raising it ends those before and not those after', async () => {
    const { form, client } = await (PREPARE['client_credentials'] as () => Promise<Ready>)()
    const epoch = async () => {
      const token = String((await askToken(server, form)).json()['access_token'])
      return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())['client_epoch']
    }
    const before = await epoch()
    await announced(client.client_id, clients => clients.raiseEpoch(TENANT, client.client_id))
    assert.equal(await epoch(), before + 1)
  })

  test('no code is given for a session whose connection the client does not have', async () => {
    const { client, person } = await cast(['authorization_code'])
    const browser = new CookieJarBrowser(server)
    await signIn(browser, person, authorizePath(client))
    await takeConnectionFrom(client.client_id)
    const { location } = await browser.get(authorizePath(client, { prompt: 'none' }))
    assert.match(location ?? '', /[?&]error=login_required/)
    const other = await cast(['authorization_code'])
    assert.match((await browser.get(authorizePath(other.client, { prompt: 'none' }))).location ?? '', /[?&]code=/)
  })

  for (const [name, end] of Object.entries(PERSON_ENDS))
    test(`no code is given to ${name}, whose session is still in the browser`, async () => {
      const { client, person, user } = await cast(['authorization_code'])
      const browser = new CookieJarBrowser(server)
      await signIn(browser, person, authorizePath(client))
      assert.ok(user)
      await end(user)
      const { location } = await browser.get(authorizePath(client, { prompt: 'none' }))
      assert.match(location ?? '', /[?&]error=login_required/)
    })
})
