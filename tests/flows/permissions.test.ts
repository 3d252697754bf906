/**
 * What a token may hold of an API that asks for permissions, whichever grant led to it: never a scope that the person is
 * not permitted now. And what is left of one when its API is removed.
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { decodeJwt } from 'jose'
import { changeApi, createApi } from '../../server/clients/api-changes.ts'
import type { JsonObject } from '../../server/kernel/json.ts'
import { removeApi } from '../../server/revocation/revoke.ts'
import type { Transaction } from '../../server/store/store.ts'
import { type Application, discoverApplication, type Tokens } from '../fixtures/application.ts'
import { createPerson } from '../fixtures/person.ts'
import { applyTo, type RunningServer, startServer } from '../fixtures/server.ts'
import { postToken } from './stage.ts'
import { JO, REDIRECT_URI } from './tenant.ts'

const TENANT = 'default'
const FILMS = 'https://films.example/api'
/** As an API imported from Auth0, it tells permissions too. */
const STUDIO = 'https://studio.example/api'
const OPEN = 'https://open.example/api'
/** Asks for a client grant before anybody is given a token for people, and gives machines none. */
const CLOSED = 'https://closed.example/api'
const SECRET = 'the desktop keeps this to itself'
const WANTED = 'read:films write:films erase:films'

const scopes = WANTED.split(' ').map(value => ({ value }))
const may = (...names: string[]) => names.map(name => ({ permission_name: name, resource_server_identifier: FILMS }))

const TENANT_FILE = {
  clients: [
    {
      client_id: 'spa',
      name: 'Player',
      app_type: 'spa',
      callbacks: [REDIRECT_URI],
      grant_types: ['authorization_code', 'refresh_token', 'implicit'],
    },
    {
      ...{ client_id: 'desktop', client_secret: SECRET, name: 'Desktop', app_type: 'regular_web' },
      grant_types: ['password', 'client_credentials', 'refresh_token'],
    },
  ],
  resourceServers: [
    { identifier: FILMS, name: 'Films', scopes, enforce_policies: true, allow_offline_access: true },
    { identifier: STUDIO, name: 'Studio', scopes, enforce_policies: true, token_dialect: 'access_token_authz' },
    { identifier: OPEN, name: 'Open', scopes, token_dialect: 'rfc9068_profile_authz', allow_offline_access: true },
    {
      ...{ identifier: CLOSED, name: 'Closed', scopes },
      subject_type_authorization: { user: { policy: 'require_client_grant' }, client: { policy: 'deny_all' } },
    },
  ],
  clientGrants: [FILMS, STUDIO, OPEN, CLOSED].map(audience => ({
    ...{ client_id: 'desktop', audience },
    scope: [...scopes.map(({ value }) => value)],
  })),
  roles: [
    { name: 'Viewer', permissions: may('read:films') },
    {
      name: 'Editor',
      permissions: [...may('write:films'), { permission_name: 'write:films', resource_server_identifier: STUDIO }],
    },
  ],
  users: [{ ...JO, email_verified: true, name: 'Jo March' }],
}

describe('Permissions', () => {
  let server: RunningServer
  let spa: Application
  let jo: string
  const role: Record<string, string> = {}

  before(async () => {
    server = await startServer({ store: 'sqlite', tenantFile: TENANT_FILE })
    spa = await discoverApplication(server.issuer, { clientId: 'spa', redirectUri: REDIRECT_URI })
    const { store } = server.latchkey
    jo = (await store.users.findByAttribute(TENANT, 'email', JO.email, 1))[0] ?? assert.fail()
    for (const { name } of TENANT_FILE.roles)
      role[name] = (await store.roles.findByName(TENANT, name))?.id ?? assert.fail()
  })
  after(() => server?.close())
  beforeEach(() => become())

  /** The roles and own permissions that Jo has from now on, in the whole tenant. */
  async function become(names: readonly string[] = [], own: readonly string[] = [], audience = FILMS) {
    const { store } = server.latchkey
    await store.roles.assign(
      TENANT,
      jo,
      null,
      names.map(name => role[name] as string),
    )
    await store.permissions.takeFromUser(TENANT, jo, await store.permissions.ofUser(TENANT, jo))
    if (own.length > 0)
      await store.permissions.giveUser(
        TENANT,
        jo,
        own.map(name => ({ audience, name })),
      )
  }

  const signIn = async (audience = FILMS, parameters = {}): Promise<Tokens> => {
    const begun = await spa.begin({ audience, scope: `openid offline_access ${WANTED}`, ...parameters })
    return spa.finish(await createPerson(server.issuer).signIn(begun.url, JO), begun)
  }
  const asDesktop = async (form: Record<string, string>) => {
    const { body } = await postToken(server.issuer, { client_id: 'desktop', client_secret: SECRET, ...form })
    return body
  }
  const withPassword = (form: Record<string, string> = {}) =>
    asDesktop({
      grant_type: 'password',
      username: JO.email,
      password: JO.password,
      audience: FILMS,
      scope: WANTED,
      ...form,
    })
  /** What a token holds of the API, and what it tells. */
  const ofApi = (token: unknown): [string, unknown] => {
    const { scope, permissions } = decodeJwt(String(token))
    const held = String(scope).split(' ')
    return [held.filter(name => name.endsWith(':films')).join(' '), permissions]
  }
  const inTransaction = (work: (transaction: Transaction) => Promise<unknown>) =>
    server.latchkey.store.transaction(async transaction => void (await work(transaction)))

  test('are all that a code is redeemed for, and a refresh gives those there are then', async () => {
    await become(['Viewer'], ['erase:films'])
    const first = await signIn()
    assert.deepEqual(ofApi(first.access_token), ['read:films erase:films', undefined])
    assert.deepEqual(first.scope?.split(' ').toSorted(), ['erase:films', 'offline_access', 'openid', 'read:films'])

    await become(['Viewer', 'Editor'])
    const second = await spa.refresh(first.refresh_token ?? '')
    assert.deepEqual(ofApi(second.access_token), ['read:films write:films', undefined])
    await become(['Editor'])
    const third = await spa.refresh(second.refresh_token ?? '')
    assert.deepEqual(ofApi(third.access_token), ['write:films', undefined])
    // Asked for by name, it was granted once and is not permitted now.
    const fourth = await spa.refresh(third.refresh_token ?? '', { scope: 'read:films write:films' })
    assert.deepEqual(ofApi(fourth.access_token), ['write:films', undefined])
    await become()
    const fifth = await spa.refresh(fourth.refresh_token ?? '')
    assert.deepEqual(ofApi(fifth.access_token), ['', undefined])
  })

  test('end with a role that is removed, and with what is taken from it, at the next refresh', async () => {
    const { store } = server.latchkey
    const made = { tenant: TENANT, id: 'rol_brief', name: 'Brief', description: '' }
    await store.roles.create(made)
    await store.permissions.giveRole(TENANT, made.id, [
      { audience: FILMS, name: 'read:films' },
      { audience: FILMS, name: 'write:films' },
    ])
    await store.roles.give(TENANT, jo, null, [made.id])
    const first = await signIn()
    assert.equal(ofApi(first.access_token)[0], 'read:films write:films')
    await store.permissions.takeFromRole(TENANT, made.id, [{ audience: FILMS, name: 'write:films' }])
    const second = await spa.refresh(first.refresh_token ?? '')
    assert.equal(ofApi(second.access_token)[0], 'read:films')
    await store.roles.remove(TENANT, made.id, 0)
    const third = await spa.refresh(second.refresh_token ?? '')
    assert.equal(ofApi(third.access_token)[0], '')
  })

  test('are all that a password is given tokens for, and all that travels through the browser', async () => {
    await become(['Viewer'])
    const { access_token, scope } = await withPassword()
    assert.deepEqual(ofApi(access_token), ['read:films', undefined])
    assert.equal(scope, 'read:films')

    const { url } = await spa.begin({
      ...{ audience: FILMS, scope: `openid ${WANTED}`, response_type: 'id_token token' },
      ...{ code_challenge: '', code_challenge_method: '' },
    })
    const callback = await createPerson(server.issuer).signIn(url, JO)
    const front = new URLSearchParams(callback.hash.slice(1))
    assert.deepEqual(ofApi(front.get('access_token')), ['read:films', undefined])
    assert.equal(front.get('scope'), 'openid read:films')
  })

  test('are told where the API wants them: in either dialect, to people and to machines', async () => {
    await become(['Editor'], ['read:films'], STUDIO)
    const studio = await withPassword({ audience: STUDIO, scope: 'read:films erase:films' })
    assert.deepEqual(ofApi(studio['access_token']), ['read:films', ['read:films', 'write:films']])
    await become([], ['erase:films'], OPEN)
    // It tells and does not cut.
    const open = await withPassword({ audience: OPEN })
    assert.deepEqual(ofApi(open['access_token']), [WANTED, ['erase:films']])

    const machine = (audience: string, scope = {}) =>
      asDesktop({ grant_type: 'client_credentials', audience, ...scope })
    assert.deepEqual(ofApi((await machine(STUDIO))['access_token']), [WANTED, WANTED.split(' ')])
    const asked = await machine(OPEN, { scope: 'read:films' })
    assert.deepEqual(ofApi(asked['access_token']), ['read:films', ['read:films']])
    assert.deepEqual(ofApi((await machine(FILMS))['access_token']), [WANTED, undefined])
  })

  test('of an API key for a person are cut like those of a token', async () => {
    await applyTo(server.latchkey, {
      resourceServers: [{ ...TENANT_FILE.resourceServers[0], scopes: [...scopes, { value: 'introspect:tokens' }] }],
      clientGrants: [{ client_id: 'desktop', audience: FILMS, scope: [...WANTED.split(' '), 'introspect:tokens'] }],
    })
    const { key } = (await server.latchkey.operate('api-keys create', {
      ...{ tenant: TENANT, client: 'desktop', user: JO.email, audience: FILMS, name: 'A key', days: null },
      scopes: WANTED.split(' '),
    })) as { key: string }
    const ask = async (): Promise<JsonObject> => {
      const body = new URLSearchParams({ token: key, client_id: 'desktop', client_secret: SECRET })
      return (await fetch(`${server.issuer}oauth/introspect`, { method: 'POST', body })).json() as Promise<JsonObject>
    }
    assert.deepEqual(await ask(), { active: false })
    await become(['Viewer', 'Editor'])
    assert.equal((await ask())['scope'], 'read:films write:films')
    await become(['Viewer'])
    assert.equal((await ask())['scope'], 'read:films')
  })

  test('cost nothing where no API asks for them', async () => {
    const { store } = server.latchkey
    await applyTo(server.latchkey, { resourceServers: [{ identifier: 'https://plain.example', scopes }] })
    const held = store.permissions.held
    let asked = 0
    Object.assign(store.permissions, {
      held: (...names: Parameters<typeof held>) => {
        asked++
        return held(...names)
      },
    })
    try {
      const { access_token } = await withPassword({ audience: 'https://plain.example' })
      assert.deepEqual([ofApi(access_token)[0], asked], [WANTED, 0])
      await withPassword()
      assert.equal(asked, 1)
    } finally {
      Object.assign(store.permissions, { held })
    }
  })

  test('go with their scope, and one of its name that comes later gives nobody anything', async () => {
    const { store } = server.latchkey
    await become(['Viewer'], ['erase:films'])
    const tokens = await signIn()
    const before = (await store.resourceServers.findByIdentifier(TENANT, FILMS)) ?? assert.fail()
    const { settings } = before
    const fewer = { ...settings, scopes: [{ value: 'read:films' }] }
    await inTransaction(transaction => changeApi(transaction, before, fewer, 0))
    const second = await spa.refresh(tokens.refresh_token ?? '')
    assert.equal(ofApi(second.access_token)[0], 'read:films')
    const machine = await asDesktop({ grant_type: 'client_credentials', audience: FILMS })
    assert.equal(ofApi(machine['access_token'])[0], 'read:films')
    await inTransaction(transaction => changeApi(transaction, { ...before, settings: fewer }, settings, 0))
    const third = await spa.refresh(second.refresh_token ?? '')
    assert.equal(ofApi(third.access_token)[0], 'read:films')
  })

  test('do not help a client of which the API takes nobody, and a client grant bounds what it is given', async () => {
    const refusal = 'Client "spa" is not authorized to access resource server "https://closed.example/api".'
    const { url } = await spa.begin({ audience: CLOSED })
    const response = await fetch(url, { redirect: 'manual' })
    const answer = new URL(response.headers.get('location') ?? '').searchParams
    assert.deepEqual([answer.get('error'), answer.get('error_description')], ['access_denied', refusal])
    const machine = await asDesktop({ grant_type: 'client_credentials', audience: CLOSED })
    assert.equal(machine['error'], 'unauthorized_client')
    assert.equal((await withPassword({ audience: CLOSED }))['error'], 'access_denied')

    const open = (scope: readonly string[], more = {}) =>
      applyTo(server.latchkey, {
        clientGrants: [{ client_id: 'desktop', audience: CLOSED, subject_type: 'user', scope, ...more }],
      })
    await open(['read:films'])
    assert.equal(ofApi((await withPassword({ audience: CLOSED }))['access_token'])[0], 'read:films')
    await open([], { allow_all_scopes: true })
    assert.equal(ofApi((await withPassword({ audience: CLOSED }))['access_token'])[0], WANTED)
  })

  test('an API that is removed takes its tokens with it, and another of its identifier brings none of them back', async () => {
    const { store } = server.latchkey
    const identifier = OPEN
    const api = (await store.resourceServers.findByIdentifier(TENANT, identifier)) ?? assert.fail()
    const told = async (token: unknown, client = 'desktop'): Promise<unknown> => {
      const body = new URLSearchParams({ token: String(token), client_id: client, client_secret: SECRET })
      const answer = (await (
        await fetch(`${server.issuer}oauth/introspect`, { method: 'POST', body })
      ).json()) as JsonObject
      return answer['active']
    }
    const tokens = await signIn(OPEN)
    const person = await withPassword({ audience: OPEN, scope: `openid ${WANTED}` })
    const machine = await asDesktop({ grant_type: 'client_credentials', audience: OPEN })
    const others = await withPassword({ audience: FILMS })
    for (const { access_token } of [person, machine, others]) assert.equal(await told(access_token), true)

    await inTransaction(transaction => removeApi(transaction, api, Date.now()))
    for (const { access_token } of [person, machine]) assert.equal(await told(access_token), false)
    assert.equal(await told(others['access_token']), true)
    await assert.rejects(spa.refresh(tokens.refresh_token ?? ''), { error: 'invalid_target' })
    assert.equal((await withPassword({ audience: OPEN }))['error'], 'invalid_target')
    const refused = await asDesktop({ grant_type: 'client_credentials', audience: OPEN })
    assert.equal(refused['error'], 'unauthorized_client')

    await applyTo(server.latchkey, TENANT_FILE)
    for (const { access_token } of [person, machine]) assert.equal(await told(access_token), false)
    await assert.rejects(spa.refresh(tokens.refresh_token ?? ''), { error: 'invalid_target' })
    const again = await withPassword({ audience: OPEN })
    assert.equal(decodeJwt(String(again['access_token']))['api_epoch'], 1)
    for (const { access_token } of [again, await asDesktop({ grant_type: 'client_credentials', audience: OPEN })])
      assert.equal(await told(access_token), true)
    const anew = await signIn(OPEN)
    const refreshed = await spa.refresh(anew.refresh_token ?? '')
    assert.equal(ofApi(refreshed.access_token)[0], WANTED)
  })

  test('of an API that is not there any more cannot be made anew while something of it is left', async () => {
    const { store } = server.latchkey
    const settings = { scopes }
    const api = {
      tenant: TENANT,
      id: 'api_1',
      identifier: 'https://brief.example',
      settings,
      createdAt: 0,
      updatedAt: 0,
    }
    await inTransaction(transaction => createApi(transaction, api))
    await inTransaction(transaction => removeApi(transaction, api, 0))
    await inTransaction(async transaction => assert.equal(await createApi(transaction, api), 'leaving'))
    await store.removals.finishApi(TENANT, api.identifier, 500)
    await inTransaction(async transaction => assert.equal(await createApi(transaction, api), 'created'))
  })
})
