/** A service that ends what a person has, through the Management API: what ends, who may, and how it is told when not. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  ANN,
  API,
  askToken,
  askUserinfo,
  authorizePath,
  BEN,
  CookieJarBrowser,
  claimsOf,
  MACHINE,
  type Person,
  refreshing,
  SPA,
  tenantFile,
  tokensFor,
} from '../attacks/stage.ts'
import { edgeToken } from '../fixtures/revocation-reader.ts'
import { applyTo, onEachStore, type RunningServer, startServer } from '../fixtures/server.ts'

const HELPDESK = { client_id: 'helpdesk', client_secret: 'the secret of the help desk, which is long' }
const HALF = { client_id: 'half', client_secret: 'the secret of one that may end sessions alone' }
const OTHER_TENANT = 'http://other.localhost:4000/'

onEachStore('Revoking access', store => {
  let server: RunningServer
  let token: string

  before(async () => {
    server = await startServer({ store, tenantFile })
    const audience = `${server.issuer}api/v2/`
    const machine = (client: object) => ({ ...client, app_type: 'non_interactive', name: 'Desk' })
    await applyTo(server.latchkey, {
      clients: [machine(HELPDESK), machine(HALF)],
      clientGrants: [
        { client_id: 'helpdesk', audience, scope: ['delete:sessions', 'delete:refresh_tokens'] },
        { client_id: 'half', audience, scope: ['delete:sessions'] },
      ],
    })
    token = await edgeToken(server.issuer, HELPDESK)
  })
  after(() => server?.close())

  const ask = async (
    user: string,
    {
      by = token,
      body = {} as unknown,
      type = 'application/json',
    }: { by?: string; body?: unknown; type?: string } = {},
  ) => {
    const response = await fetch(new URL(`api/v2/users/${encodeURIComponent(user)}/revoke-access`, server.issuer), {
      method: 'POST',
      headers: { ...(by && { authorization: `Bearer ${by}` }), 'content-type': type },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    const text = await response.text()
    return {
      status: response.status,
      challenge: response.headers.get('www-authenticate') ?? '',
      body: text === '' ? undefined : JSON.parse(text),
    }
  }

  /** In a browser of their own, with what an application keeps while they are away. */
  async function comes(person: Person) {
    const browser = new CookieJarBrowser(server)
    const tokens = await tokensFor(server, person, { browser, audience: API, scope: 'openid offline_access' })
    const claims = claimsOf(tokens.access_token)
    return {
      id: String(claims['sub']),
      session: String(claims['sid']),
      hasAccess: async () => (await askUserinfo(server, tokens.access_token)).status === 200,
      canRefresh: async () => (await askToken(server, refreshing(SPA, tokens.refresh_token))).status === 200,
      async isSignedIn() {
        const { location } = await browser.get(authorizePath(SPA, { prompt: 'none' }))
        return new URL(location ?? '').searchParams.has('code')
      },
    }
  }
  const standing = async (one: Awaited<ReturnType<typeof comes>>) => [
    await one.isSignedIn(),
    await one.hasAccess(),
    await one.canRefresh(),
  ]
  const lastEvent = async (type: string) =>
    (await server.latchkey.store.events.list('default', { limit: 1000 })).filter(event => event.type === type).at(-1)

  test('ends everything that they have, at once, and nothing of anybody else', async () => {
    const [here, elsewhere, other] = [await comes(ANN), await comes(ANN), await comes(BEN)]
    assert.deepEqual(await standing(here), [true, true, true])
    const answer = await ask(here.id)
    assert.deepEqual([answer.status, answer.body], [202, undefined])
    assert.deepEqual(await standing(here), [false, false, false])
    assert.deepEqual(await standing(elsewhere), [false, false, false])
    assert.deepEqual(await standing(other), [true, true, true])
    const event = await lastEvent('user.signed-out-everywhere')
    assert.deepEqual(event?.target, { kind: 'user', id: here.id })
    assert.deepEqual([event?.actor.kind, event?.actor.id], ['client', 'helpdesk'])
    // They may come back.
    assert.deepEqual(await standing(await comes(ANN)), [true, true, true])
  })

  test('ends one session where one is named, with what ends with it', async () => {
    const [here, elsewhere] = [await comes(ANN), await comes(ANN)]
    assert.equal((await ask(here.id, { body: { session_id: here.session } })).status, 202)
    assert.deepEqual(await standing(here), [false, false, true])
    assert.deepEqual(await standing(elsewhere), [true, true, true])
    const event = await lastEvent('session.ended')
    assert.deepEqual([event?.target, event?.actor.kind], [{ kind: 'session', id: here.session }, 'client'])
  })

  test('leaves refresh tokens that outlive sessions where it is asked to', async () => {
    const [here, elsewhere] = [await comes(ANN), await comes(ANN)]
    assert.equal((await ask(here.id, { body: { preserve_refresh_tokens: true } })).status, 202)
    for (const one of [here, elsewhere]) assert.deepEqual(await standing(one), [false, false, true])
  })

  test('is for whoever brings a token of this API with both of its scopes', async () => {
    const here = await comes(ANN)
    const none = await ask(here.id, { by: '' })
    assert.deepEqual([none.status, none.challenge], [401, 'Bearer realm="management"'])
    assert.deepEqual([none.body.statusCode, none.body.error], [401, 'Unauthorized'])
    const another = await askToken(server, { grant_type: 'client_credentials', audience: API, ...MACHINE })
    const ofAnother = await ask(here.id, { by: String(another.json()['access_token']) })
    assert.deepEqual([ofAnother.status, ofAnother.body.errorCode], [401, 'invalid_token'])
    const without = await ask(here.id, { by: await edgeToken(server.issuer, HALF) })
    assert.equal(without.status, 403)
    assert.match(without.challenge, /error="insufficient_scope".*scope="delete:sessions delete:refresh_tokens"/)
    assert.deepEqual(without.body, {
      statusCode: 403,
      error: 'Forbidden',
      message: 'Insufficient scope, expected all of: delete:sessions,delete:refresh_tokens',
      errorCode: 'insufficient_scope',
    })
    assert.deepEqual(await standing(here), [true, true, true])
  })

  test('knows nobody of another tenant, and no session of somebody else', async () => {
    const [here, other] = [await comes(ANN), await comes(BEN)]
    await server.latchkey.operate('tenants create', { name: `Other ${store}`, issuer: OTHER_TENANT })
    const stranger = (await server.latchkey.operate('users create', {
      tenant: `Other ${store}`,
      email: 'other@example.com',
      name: null,
      password: 'nobody of this tenant has it',
      isVerified: true,
      roles: [],
    })) as { id: string }
    for (const id of [stranger.id, 'auth0|nobody', 'x'])
      assert.deepEqual((await ask(id)).body, {
        statusCode: 404,
        error: 'Not Found',
        message: 'The user does not exist.',
        errorCode: 'inexistent_user',
      })
    assert.equal((await server.latchkey.store.users.find(`other-${store}`, stranger.id))?.epoch, 0)
    const notTheirs = await ask(here.id, { body: { session_id: other.session } })
    assert.deepEqual([notTheirs.status, notTheirs.body.errorCode], [404, 'inexistent_session'])
    assert.deepEqual(await standing(here), [true, true, true])
    assert.deepEqual(await standing(other), [true, true, true])
  })

  test('does nothing for a body that could mean less than everything and does not say it', async () => {
    const here = await comes(ANN)
    for (const [body, type = 'application/json'] of [
      [{ sessionId: here.session }],
      [{ session_id: 7 }],
      [{ session_id: ['x'] }],
      [{ preserve_refresh_tokens: 'true' }],
      ['[]'],
      ['{"session_id":"a","session_id":"b"}'],
      [`session_id=${here.session}`, 'application/x-www-form-urlencoded'],
      ['session_id: x', 'text/yaml'],
    ] as const) {
      const { status } = await ask(here.id, { body, type })
      assert.ok(status === 400 || status === 415, `${JSON.stringify(body)}: ${status}`)
    }
    assert.deepEqual(await standing(here), [true, true, true])
  })
})
