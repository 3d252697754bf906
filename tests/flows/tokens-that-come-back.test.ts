/** What becomes of a token that is shown to the server again: revoked, introspected, or taken at userinfo, each for whom it may be. */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import * as oidc from 'openid-client'
import { MINUTE } from '../../server/kernel/seconds.ts'
import { REVOCATION_LIFE } from '../../server/policy/lifetimes.ts'
import {
  ANN,
  API,
  API_SECRET_A,
  askToken,
  askUserinfo,
  BEN,
  type ClientCredentials,
  CookieJarBrowser,
  claimsOf,
  EVE,
  LEGACY_API,
  MACHINE,
  type Reply,
  refreshing,
  SECRET_API_A,
  SECRET_API_B,
  SPA,
  tenantFile,
  tokensFor,
  WEB,
} from '../attacks/stage.ts'
import { type RunningServer, startServer } from '../fixtures/server.ts'
import { createTestClock } from '../fixtures/test-clock.ts'

/** An API's own client: it may introspect what comes to it. */
const GUARD = { client_id: 'guard', client_secret: 'the secret of the guard' } as const
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const JSON_BODY = { 'content-type': 'application/json' }

describe('A token that comes back', () => {
  const clock = createTestClock()
  let server: RunningServer

  before(async () => {
    const withScope = (api: (typeof tenantFile.resourceServers)[number]) => ({
      ...api,
      scopes: [...api.scopes, { value: 'introspect:tokens' }],
    })
    const guard = { ...GUARD, name: 'Guard', app_type: 'non_interactive' }
    const grant = (client_id: string, audience: string, scope: string[]) => ({ client_id, audience, scope })
    server = await startServer({
      store: 'sqlite',
      clock: clock.now,
      tenantFile: {
        ...tenantFile,
        resourceServers: tenantFile.resourceServers.map(withScope),
        clients: [...tenantFile.clients, guard],
        clientGrants: [
          ...tenantFile.clientGrants,
          grant(GUARD.client_id, API, ['introspect:tokens']),
          grant(GUARD.client_id, SECRET_API_A, ['introspect:tokens']),
          grant(GUARD.client_id, LEGACY_API, ['read:videos']),
          grant(MACHINE.client_id, SECRET_API_A, ['read:videos']),
          grant(MACHINE.client_id, SECRET_API_B, ['read:videos']),
        ],
      },
    })
  })
  after(() => server?.close())

  async function send(path: string, body: string, headers: Record<string, string> = FORM): Promise<Reply> {
    const { host } = new URL(server.issuer)
    const answer = await server.latchkey.http.inject({
      method: 'POST',
      url: path,
      headers: { host, ...headers },
      payload: body,
    })
    return {
      status: answer.statusCode,
      headers: answer.headers,
      location: undefined,
      cookies: [],
      body: answer.body,
      json: () => JSON.parse(answer.body),
    }
  }
  const form = (fields: Record<string, string>) => new URLSearchParams(fields).toString()
  const revoke = (client: ClientCredentials, token: string, more: Record<string, string> = {}) =>
    send('/oauth/revoke', form({ ...client, token, ...more }))
  const introspect = (client: ClientCredentials, token: string) => send('/oauth/introspect', form({ ...client, token }))
  const isActive = async (token: string, client: ClientCredentials = GUARD) =>
    (await introspect(client, token)).json()['active']
  const refreshes = async (client: ClientCredentials, token: string) =>
    (await askToken(server, refreshing(client, token))).status === 200

  async function machineToken(audience = API, client: ClientCredentials = MACHINE): Promise<string> {
    const answer = await askToken(server, { grant_type: 'client_credentials', ...client, audience })
    assert.equal(answer.status, 200, answer.body)
    return String(answer.json()['access_token'])
  }
  const offline = (client: ClientCredentials, more: { audience?: string } = {}) =>
    tokensFor(server, ANN, { client, scope: 'openid offline_access read:videos', ...more })

  const events = async (type: string) => {
    const listed = await server.latchkey.store.events.list('default', { limit: 1000 })
    return listed.filter(event => event.type === type)
  }

  describe('to be revoked', () => {
    const BODIES: Record<string, (fields: Record<string, string>) => Promise<Reply>> = {
      'a form': fields => send('/oauth/revoke', form(fields)),
      JSON: fields => send('/oauth/revoke', JSON.stringify(fields), JSON_BODY),
    }
    for (const [body, post] of Object.entries(BODIES))
      test(`by ${body}: a public client names itself and the token, and all that the token stands for ends`, async () => {
        const tokens = await offline(SPA)
        const answer = await post({ client_id: 'spa', token: tokens.refresh_token, token_type_hint: 'refresh_token' })
        assert.deepEqual([answer.status, answer.body, answer.headers['cache-control']], [200, '', 'no-store'])
        assert.equal(await refreshes(SPA, tokens.refresh_token), false)
        assert.equal((await askUserinfo(server, tokens.access_token)).status, 401)
        // Again is no fault of the client's, and no second event.
        const before = (await events('token.refresh-revoked')).length
        assert.equal((await post({ client_id: 'spa', token: tokens.refresh_token })).status, 200)
        assert.equal((await events('token.refresh-revoked')).length, before)
      })

    test('by a former refresh token too: whoever gives back an old one means the family', async () => {
      const { refresh_token: old } = await offline(SPA)
      const next = (await askToken(server, refreshing(SPA, old))).json() as { refresh_token: string }
      assert.equal((await revoke(SPA, old)).status, 200)
      assert.equal(await refreshes(SPA, next.refresh_token), false)
    })

    test('an access token goes alone: the refresh token, and what it yields, go on', async () => {
      const tokens = await offline(WEB)
      assert.equal((await revoke(WEB, tokens.access_token, { token_type_hint: 'access_token' })).status, 200)
      assert.equal((await askUserinfo(server, tokens.access_token)).status, 401)
      const again = await askToken(server, refreshing(WEB, tokens.refresh_token))
      assert.equal((await askUserinfo(server, String(again.json()['access_token']))).status, 200)
      const [event] = (await events('token.revoked')).slice(-1)
      assert.deepEqual(
        [event?.actor.client, event?.target],
        ['web', { kind: 'token', id: claimsOf(tokens.access_token)['jti'] }],
      )
    })

    test('an access token of a machine ends, and its others go on', async () => {
      const [one, other] = [await machineToken(), await machineToken()]
      assert.equal((await revoke(MACHINE, one)).status, 200)
      assert.deepEqual([await isActive(one), await isActive(other)], [false, true])
    })

    test('a token that was revoked is put into the log once, however often it is sent', async () => {
      const token = await machineToken()
      const head = await server.latchkey.store.revocations.head()
      for (let time = 0; time < 3; time++) assert.equal((await revoke(MACHINE, token)).status, 200)
      assert.equal(await server.latchkey.store.revocations.head(), head + 1)
    })

    test('another client’s token is refused, said to be so, and goes on', async () => {
      const tokens = await offline(WEB)
      for (const token of [tokens.refresh_token, tokens.access_token]) {
        const answer = await revoke(SPA, token)
        assert.deepEqual([answer.status, answer.json()['error']], [400, 'invalid_grant'])
      }
      assert.equal((await askUserinfo(server, tokens.access_token)).status, 200)
      assert.equal(await refreshes(WEB, tokens.refresh_token), true)
    })

    test('what is no token, or none of ours, or over, is as good as revoked, whatever the hint says', async () => {
      const { refresh_token, access_token, id_token } = await offline(SPA)
      const made = refresh_token.replace(/\.[\w-]{43}$/, `.${'A'.repeat(43)}`)
      const family = refresh_token.split('.')[1] ?? ''
      const unknown = refresh_token.replace(family, 'B'.repeat(43))
      const head = await server.latchkey.store.revocations.head()
      for (const token of ['x', 'a.b.c', made, unknown, id_token, access_token.slice(0, -4), 'é'.repeat(99)])
        for (const hint of ['refresh_token', 'access_token', 'whatever'])
          assert.equal((await revoke(SPA, token, { token_type_hint: hint })).status, 200, token)
      assert.equal(await server.latchkey.store.revocations.head(), head)
      assert.equal(await refreshes(SPA, refresh_token), true)
    })

    test('needs the client to be itself, as the token endpoint does', async () => {
      const { refresh_token } = await offline(WEB)
      const fields = { token: refresh_token }
      for (const [body, status, error] of [
        [{ ...fields }, 401, 'invalid_client'],
        [{ ...fields, client_id: 'web' }, 401, 'invalid_client'],
        [{ ...fields, client_id: 'web', client_secret: 'wrong' }, 401, 'invalid_client'],
        [{ ...WEB }, 400, 'invalid_request'],
      ] as const) {
        const answer = await send('/oauth/revoke', form(body))
        assert.deepEqual([answer.status, answer.json()['error']], [status, error])
      }
      const twice = await send('/oauth/revoke', `${form({ ...WEB, ...fields })}&token=another`)
      assert.deepEqual([twice.status, twice.json()['error']], [400, 'invalid_request'])
      const basic = Buffer.from(`web:${encodeURIComponent(WEB.client_secret)}`).toString('base64')
      assert.equal(await refreshes(WEB, refresh_token), true)
      const answer = await send('/oauth/revoke', form(fields), { ...FORM, authorization: `Basic ${basic}` })
      assert.equal(answer.status, 200)
      assert.equal(await refreshes(WEB, refresh_token), false)
    })

    test('is open to any origin, errors included', async () => {
      for (const body of [form({ ...SPA, token: 'x' }), ''])
        assert.equal((await send('/oauth/revoke', body)).headers['access-control-allow-origin'], '*')
    })
  })

  describe('to be introspected', () => {
    test('says all that the token says to the client it was given to, and nothing of the server’s own', async () => {
      const { access_token } = await tokensFor(server, ANN, {
        client: WEB,
        audience: API,
        scope: 'openid profile read:videos',
      })
      const { client_epoch: _client, subject_epoch: _subject, ...said } = claimsOf(access_token)
      const answer = await introspect(WEB, access_token)
      assert.deepEqual(answer.json(), { active: true, token_type: 'Bearer', ...said })
      for (const member of 'iss sub aud client_id scope exp iat jti sid auth_time acr amr'.split(' '))
        assert.ok(member in said, member)
      assert.equal(answer.headers['cache-control'], 'no-store')
    })

    test('says its epochs to the API’s own client, which may remember the answer and is told of revocations', async () => {
      const { access_token } = await tokensFor(server, ANN, { client: WEB, audience: API, scope: 'openid read:videos' })
      const { client_epoch, subject_epoch } = claimsOf(access_token)
      const told = (await introspect(GUARD, access_token)).json()
      assert.deepEqual([told['client_epoch'], told['subject_epoch']], [client_epoch, subject_epoch])
      const machine = (await introspect(GUARD, await machineToken())).json()
      assert.deepEqual([machine['client_epoch'], 'subject_epoch' in machine], [0, false])
    })

    test('names the client alike in both dialects', async () => {
      const { access_token } = await tokensFor(server, ANN, { client: WEB, audience: LEGACY_API, scope: 'read:videos' })
      const { client_id, azp } = (await introspect(WEB, access_token)).json()
      assert.deepEqual({ client_id, azp }, { client_id: 'web', azp: undefined })
    })

    test('is denied unless it was permitted: neither another client nor a grant without the scope is told anything', async () => {
      const token = await machineToken()
      assert.equal(await isActive(token, MACHINE), true)
      assert.equal(await isActive(token, GUARD), true)
      assert.deepEqual((await introspect(WEB, token)).json(), { active: false })
      const legacy = await tokensFor(server, BEN, { client: WEB, audience: LEGACY_API, scope: 'read:videos' })
      assert.deepEqual((await introspect(GUARD, legacy.access_token)).json(), { active: false })
      const userinfo = await tokensFor(server, BEN, { client: WEB, scope: 'openid' })
      assert.deepEqual((await introspect(GUARD, userinfo.access_token)).json(), { active: false })
    })

    test('of an HS256 API is for that API’s client alone, and not for whom the token was given to', async () => {
      const [a, b] = [await machineToken(SECRET_API_A), await machineToken(SECRET_API_B)]
      assert.equal(await isActive(a, GUARD), true)
      assert.deepEqual(
        [await isActive(a, MACHINE), await isActive(b, MACHINE), await isActive(b, GUARD)],
        [false, false, false],
      )
    })

    test('a secret of one API does not vouch for a token of another', async () => {
      const genuine = await machineToken(SECRET_API_A)
      const [header = ''] = genuine.split('.')
      const sign = (aud: unknown) => {
        const payload = Buffer.from(JSON.stringify({ ...claimsOf(genuine), aud })).toString('base64url')
        const mac = createHmac('sha256', API_SECRET_A).update(`${header}.${payload}`).digest('base64url')
        return `${header}.${payload}.${mac}`
      }
      assert.equal(await isActive(sign(SECRET_API_A)), true, 'the forgery is not a good one')
      for (const aud of [API, SECRET_API_B, [SECRET_API_A, API], [SECRET_API_A]])
        assert.equal(await isActive(sign(aud)), false, String(aud))
    })

    test('a token that an API made itself, to end in a century, is remembered no longer than ours live', async () => {
      const genuine = await machineToken(SECRET_API_A)
      const [header = ''] = genuine.split('.')
      const claims = { ...claimsOf(genuine), exp: Math.floor(Date.now() / 1000) + 100 * 365 * 24 * 3600 }
      const payload = Buffer.from(JSON.stringify(claims)).toString('base64url')
      const mac = createHmac('sha256', API_SECRET_A).update(`${header}.${payload}`).digest('base64url')
      const { revocations } = server.latchkey.store
      const head = await revocations.head()
      await revoke(MACHINE, `${header}.${payload}.${mac}`)
      const [entry] = await revocations.after(head, 1)
      assert.ok(entry && entry.expiresAt < Date.now() + REVOCATION_LIFE + MINUTE)
    })

    test('a refresh token is told about to its own client, while it would be redeemed', async () => {
      const { refresh_token } = await offline(WEB, { audience: API })
      const told = (await introspect(WEB, refresh_token)).json()
      const { sub, client_id, scope } = told
      assert.deepEqual([told['active'], client_id, told['token_type']], [true, 'web', undefined])
      assert.match(String(sub), /^auth0\|/)
      assert.deepEqual(String(scope).split(' ').sort(), ['offline_access', 'openid', 'read:videos'])
      assert.equal(Number(told['exp']) > Number(told['iat']), true)
      assert.deepEqual((await introspect(GUARD, refresh_token)).json(), { active: false })

      const next = (await askToken(server, refreshing(WEB, refresh_token))).json() as { refresh_token: string }
      const last = (await askToken(server, refreshing(WEB, next.refresh_token))).json() as { refresh_token: string }
      assert.deepEqual([await isActive(refresh_token, WEB), await isActive(last.refresh_token, WEB)], [false, true])
      await revoke(WEB, last.refresh_token)
      assert.deepEqual((await introspect(WEB, last.refresh_token)).json(), { active: false })
    })

    test('what is no token is told about in the same few words, and never breaks anything', async () => {
      const token = await machineToken()
      const [header, payload, signature] = token.split('.')
      const none = Buffer.from('{"alg":"none"}').toString('base64url')
      const id = (await tokensFor(server, EVE, { client: WEB })).id_token
      for (const junk of [
        'x',
        '.',
        '..',
        '...',
        `${header}.${payload}.`,
        `${none}.${payload}.${signature}`,
        `${header}..${signature}`,
        `${header}.${Buffer.from('{"aud":["a"]}').toString('base64url')}.${signature}`,
        `${Buffer.from('{"alg":"HS256","kid":"x"}').toString('base64url')}.${payload}.${signature}`,
        id,
        'k.'.repeat(5000),
        '\u0000',
        '💣',
      ]) {
        const answer = await introspect(GUARD, junk)
        assert.deepEqual([answer.status, answer.body], [200, '{"active":false}'], junk.slice(0, 40))
      }
    })

    test('is over with the token', async () => {
      const token = await machineToken()
      clock.advance(25 * 60 * 60 * 1000)
      assert.deepEqual((await introspect(GUARD, token)).json(), { active: false })
    })

    test('needs a client that proves it is itself, and one token', async () => {
      const token = await machineToken()
      for (const [body, status, error] of [
        [form({ token }), 401, 'invalid_client'],
        [form({ ...GUARD, client_secret: 'wrong', token }), 401, 'invalid_client'],
        [form({ ...SPA, token }), 401, 'invalid_client'],
        [form({ ...GUARD }), 400, 'invalid_request'],
        [`${form({ ...GUARD, token })}&token=x`, 400, 'invalid_request'],
      ] as const) {
        const answer = await send('/oauth/introspect', body)
        assert.deepEqual([answer.status, answer.json()['error']], [status, error])
      }
    })
  })

  test('is looked at, asked about and given back by openid-client, for which each answer is as it has to be', async () => {
    const discover = (client_id: string, client_secret: string) =>
      oidc.discovery(new URL(server.issuer), client_id, undefined, oidc.ClientSecretBasic(client_secret), {
        execute: [oidc.allowInsecureRequests],
      })
    const web = await discover(WEB.client_id, WEB.client_secret)
    const tokens = await offline(WEB, { audience: API })
    const { sub = '' } = await oidc.tokenIntrospection(web, tokens.access_token)
    assert.equal((await oidc.fetchUserInfo(web, tokens.access_token, sub)).sub, sub)
    const guard = await discover(GUARD.client_id, GUARD.client_secret)
    assert.equal(
      (await oidc.tokenIntrospection(guard, tokens.access_token)).scope,
      claimsOf(tokens.access_token)['scope'],
    )

    await oidc.tokenRevocation(web, tokens.refresh_token, { token_type_hint: 'refresh_token' })
    assert.deepEqual(await oidc.tokenIntrospection(guard, tokens.access_token), { active: false })
    assert.deepEqual(await oidc.tokenIntrospection(web, tokens.refresh_token), { active: false })
    await assert.rejects(oidc.fetchUserInfo(web, tokens.access_token, sub), { status: 401 })
  })

  describe('at userinfo', () => {
    const browser = () => new CookieJarBrowser(server)

    test('may stand in the query, where the answer is kept by nobody and names no address', async () => {
      const { access_token } = await tokensFor(server, ANN)
      const answer = await browser().get(`/userinfo?access_token=${access_token}`)
      assert.equal(answer.status, 200)
      assert.equal(answer.json()['email'], ANN.email)
      assert.deepEqual(
        [answer.headers['cache-control'], answer.headers['referrer-policy']],
        ['private, no-store', 'no-referrer'],
      )
    })

    test('may stand in a form, or in the header of a POST', async () => {
      const { access_token } = await tokensFor(server, ANN)
      assert.equal((await send('/userinfo', form({ access_token }))).status, 200)
      assert.equal((await send('/userinfo', '', { ...FORM, authorization: `bearer ${access_token}` })).status, 200)
    })

    test('stands in one place: two are one too many', async () => {
      const { access_token } = await tokensFor(server, ANN)
      const authorization = `Bearer ${access_token}`
      for (const answer of [
        await browser().get(`/userinfo?access_token=${access_token}`, { authorization }),
        await browser().get(`/userinfo?access_token=${access_token}&access_token=${access_token}`),
        await send('/userinfo', form({ access_token }), { ...FORM, authorization }),
        await send(`/userinfo?access_token=${access_token}`, form({ access_token })),
        await send('/userinfo', `${form({ access_token })}&${form({ access_token })}`),
      ]) {
        assert.equal(answer.status, 400)
        assert.match(String(answer.headers['www-authenticate']), /^Bearer realm="userinfo", error="invalid_request"/)
      }
    })

    test('without openid is told which scope it lacks', async () => {
      const answer = await askUserinfo(server, await machineToken())
      assert.equal(answer.status, 403)
      assert.match(
        String(answer.headers['www-authenticate']),
        /^Bearer realm="userinfo", error="insufficient_scope", error_description="[^"]+", scope="openid"$/,
      )
    })
  })
})
