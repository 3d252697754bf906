/**
 * Sessions, refresh tokens, grants and tokens ended by name, with Auth0's own library: what is live is shown, and what is
 * ended is refused at `/userinfo`, at the token endpoint, and by a service that verifies alone and follows the stream.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { createRevocations, type Revocations, revocationFacts } from '@latchkey/sdk/revocations'
import { Agent, fetch as fetchWith } from 'undici'
import {
  ANN,
  API,
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
  LEGACY_API,
  MACHINE,
  PARTNER,
  type Person,
  redemption,
  refreshing,
  SPA,
  signIn,
  tenantFile,
  WEB,
} from '../attacks/stage.ts'
import { type Management, startManagement } from '../fixtures/management.ts'

describe('What is live', () => {
  let management: Management
  let edge: Revocations
  let agent: Agent
  before(async () => {
    management = await startManagement({ tenantFile })
    const { server, ca } = management
    agent = new Agent({ connect: { ca } })
    const token = await management.tokenWith('read:revocations')
    edge = createRevocations({
      issuer: server.issuer,
      token: { get: async () => token, forget: () => {} },
      fetch: ((input: string | URL, init?: RequestInit) =>
        fetchWith(input, { ...(init as object), dispatcher: agent })) as never,
    })
    edge.start()
    await until(() => edge.state === 'live', 'the edge follows')
  })
  after(async () => {
    await edge?.close()
    await agent?.close()
    await management?.close()
  })

  /** What is told comes within moments. */
  async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
    for (let waited = 0; !(await isSo()); waited += 5) {
      assert.ok(waited < 20_000, what)
      await pause(5)
    }
  }

  /** In a browser of their own, with what the application was given in it. */
  async function comes(
    person: Person,
    { client = SPA as typeof WEB | typeof SPA, scope = 'openid offline_access' } = {},
  ) {
    const { server } = management
    const browser = new CookieJarBrowser(server)
    const callback = await signIn(browser, person, authorizePath(client, { scope, audience: API }))
    const answer = await askToken(server, redemption(client, codeOf(callback)))
    assert.equal(answer.status, 200, answer.body)
    const tokens = answer.json() as Record<string, string>
    const token = String(tokens['access_token'])
    const claims = claimsOf(token)
    return {
      browser,
      token,
      claims,
      id: String(claims['sub']),
      session: String(claims['sid']),
      refreshToken: String(claims['jti']).split('.')[0] ?? '',
      standing: async () => [
        (await askUserinfo(server, token)).status === 200,
        (await askToken(server, refreshing(client, String(tokens['refresh_token'])))).status === 200,
        new URL((await browser.get(authorizePath(client, { prompt: 'none' }))).location ?? '').searchParams.has('code'),
      ],
      isTakenAtTheEdge: () => !edge.isRevoked(revocationFacts(claims)),
    }
  }
  const isOver = (one: Awaited<ReturnType<typeof comes>>) =>
    until(() => !one.isTakenAtTheEdge(), 'the edge hears of it')
  const lastEvent = async (type: string) =>
    (
      await management.server.latchkey.store.events.search(
        'default',
        { types: [type] },
        { order: 'newest-first', limit: 1 },
      )
    )[0]

  test('shows where somebody is signed in, page by page, and one session by itself', async () => {
    const [one, other] = [await comes(ANN), await comes(ANN, { client: WEB, scope: 'openid' })]
    const { client } = management
    const seen = []
    for await (const session of await client.users.sessions.list(one.id, { take: 1 })) seen.push(session)
    assert.deepEqual(seen.map(({ id }) => id).sort(), [one.session, other.session].sort())
    const session = await client.sessions.get(other.session)
    assert.equal(session.user_id, one.id)
    assert.deepEqual(session.clients, [{ client_id: WEB.client_id }])
    assert.equal(session.authentication?.methods?.[0]?.name, 'pwd')
    assert.equal(session.session_metadata, null)
    assert.ok(String(session.expires_at) > new Date().toISOString())
    const { status, body } = await management.call('GET', `/users/${one.id}/sessions?from=made-up`)
    assert.deepEqual([status, body.errorCode], [400, 'invalid_query_string'])
  })

  test('keeps what is noted about a session, and about a refresh token, and says so in the log', async () => {
    const one = await comes(ANN)
    const { client } = management
    assert.deepEqual(
      (await client.sessions.update(one.session, { session_metadata: { seat: '12A' } })).session_metadata,
      { seat: '12A' },
    )
    assert.deepEqual((await client.sessions.get(one.session)).session_metadata, { seat: '12A' })
    assert.equal((await client.sessions.update(one.session, { session_metadata: {} })).session_metadata, null)
    const event = await lastEvent('session.changed')
    assert.deepEqual([event?.user, event?.actor.id], [one.id, 'management-root'])
    assert.deepEqual(event?.personal['changes'], {
      session_metadata: { before: { seat: '12A' }, after: null },
    })
    const noted = await client.refreshTokens.update(one.refreshToken, { refresh_token_metadata: { device: 'tablet' } })
    assert.deepEqual(noted.refresh_token_metadata, { device: 'tablet' })
    await one.standing()
    assert.deepEqual((await client.refreshTokens.get(one.refreshToken)).refresh_token_metadata, { device: 'tablet' })
    for (const metadata of [
      { a: 'x'.repeat(256) },
      { a: { b: 1 } },
      'text',
      Object.fromEntries(Array.from({ length: 26 }, (_, place) => [`k${place}`, 'v'])),
    ]) {
      const { status } = await management.call('PATCH', `/sessions/${one.session}`, { session_metadata: metadata })
      assert.equal(status, 400, JSON.stringify(metadata))
    }
  })

  test('ends a session with every token that is of it, here and at the edge, and nothing else', async () => {
    for (const end of [
      (id: string) => management.client.sessions.delete(id),
      (id: string) => management.client.sessions.revoke(id),
    ]) {
      const [one, other] = [await comes(ANN), await comes(ANN)]
      assert.ok(one.isTakenAtTheEdge())
      await end(one.session)
      assert.deepEqual(await one.standing(), [false, true, false])
      await isOver(one)
      assert.deepEqual(await other.standing(), [true, true, true])
      const { status, body } = await management.call('GET', `/sessions/${one.session}`)
      assert.deepEqual([status, body.errorCode], [404, 'inexistent_session'])
      const event = await lastEvent('session.ended')
      assert.deepEqual([event?.user, event?.target?.id, event?.actor.kind], [one.id, one.session, 'client'])
    }
  })

  test('ends all sessions of somebody, and those of nobody else', async () => {
    const [one, other, ben] = [await comes(EVE), await comes(EVE), await comes(BEN)]
    await management.client.users.sessions.delete(one.id)
    for (const ended of [one, other]) assert.deepEqual(await ended.standing(), [false, true, false])
    await isOver(one)
    assert.deepEqual(await ben.standing(), [true, true, true])
    assert.equal((await management.client.users.sessions.list(one.id)).data.length, 0)
  })

  test('shows refresh tokens by a name that is no secret, page by page and by client', async () => {
    const [one, web] = [await comes(BEN), await comes(BEN, { client: WEB })]
    const { client } = management
    const seen = []
    for await (const token of await client.users.refreshToken.list(one.id, { take: 1 })) seen.push(token)
    const ids = seen.map(({ id }) => String(id))
    assert.ok(ids.includes(one.refreshToken) && ids.includes(web.refreshToken))
    assert.deepEqual(ids, ids.toSorted())
    const ofWeb = await client.refreshTokens.list({ user_id: one.id, client_id: WEB.client_id })
    assert.deepEqual(
      ofWeb.data.map(({ id }) => id),
      [web.refreshToken],
    )
    const token = await client.refreshTokens.get(one.refreshToken)
    assert.deepEqual(
      [token.user_id, token.client_id, token.rotating, token.session_id],
      [one.id, SPA.client_id, true, null],
    )
    const api = token.resource_servers?.find(({ audience }) => audience === API)
    assert.equal(api?.audience, API)
    const { status } = await management.call('GET', '/refresh-tokens')
    assert.equal(status, 400, 'whose, has to be said')
  })

  test('ends refresh tokens with all that came of them: one, some, of a client and API, and all of somebody', async () => {
    const { client } = management
    const [one, two, web, api] = [
      await comes(BEN),
      await comes(BEN),
      await comes(BEN, { client: WEB }),
      await comes(BEN),
    ]
    await client.refreshTokens.delete(one.refreshToken)
    assert.deepEqual(await one.standing(), [false, false, true])
    await isOver(one)
    const event = await lastEvent('token.refresh-revoked')
    assert.deepEqual([event?.user, event?.target?.id, event?.actor.id], [one.id, one.refreshToken, 'management-root'])
    assert.equal((await management.call('GET', `/refresh-tokens/${one.refreshToken}`)).status, 404)
    assert.equal((await management.call('DELETE', `/refresh-tokens/${one.refreshToken}`)).status, 404)

    await client.refreshTokens.revoke({ ids: [two.refreshToken, one.refreshToken, 'made-up'] })
    assert.deepEqual(await two.standing(), [false, false, true])
    await client.refreshTokens.revoke({ user_id: one.id, client_id: SPA.client_id, audience: LEGACY_API })
    assert.deepEqual(await api.standing(), [true, true, true])
    await client.refreshTokens.revoke({ user_id: one.id, client_id: SPA.client_id, audience: API })
    assert.deepEqual(await api.standing(), [false, false, true])
    assert.deepEqual(await web.standing(), [true, true, true])
    await client.users.refreshToken.delete(one.id)
    assert.deepEqual(await web.standing(), [false, false, true])
    await isOver(web)
    for (const body of [{}, { ids: ['a'], user_id: 'b' }, { user_id: one.id, audience: API }, { ids: [] }, { id: 'a' }])
      assert.equal((await management.call('POST', '/refresh-tokens/revoke', body)).status, 400, JSON.stringify(body))
  })

  test('shows what people allowed, and ends what was given for what is taken back', async () => {
    const { server, client } = management
    const allow = async (audience: string) => {
      const browser = new CookieJarBrowser(server)
      const parameters = { scope: 'openid offline_access read:videos', audience }
      const login = await beginAt(browser, authorizePath(PARTNER, parameters))
      const signedIn = await browser.post(login, { username: ANN.email, password: ANN.password })
      const asked = await browser.get((await browser.get(signedIn.location ?? '')).location ?? '')
      const shown = /name="shown" value="([^"]*)"/.exec(asked.body)?.[1] ?? ''
      const { location } = await browser.post(`${login}/consent`, { decision: 'allow', shown })
      const answer = await askToken(server, redemption(PARTNER, codeOf(await follow(browser, location))))
      assert.equal(answer.status, 200, answer.body)
      const token = String(answer.json()['access_token'])
      return { token, claims: claimsOf(token), counts: async () => (await askUserinfo(server, token)).status === 200 }
    }
    const [videos, legacy] = [await allow(API), await allow(LEGACY_API)]
    const ann = String(videos.claims['sub'])
    const { data } = await client.userGrants.list({ user_id: ann, client_id: PARTNER.client_id })
    const ofVideos = data.find(({ audience }) => audience === API)
    assert.deepEqual([ofVideos?.clientID, ofVideos?.user_id], [PARTNER.client_id, ann])
    assert.deepEqual(ofVideos?.scope, ['read:videos'])
    assert.equal((await client.userGrants.list({ audience: LEGACY_API })).data.length, 1)
    assert.equal((await client.userGrants.list({ client_id: 'nobody' })).data.length, 0)

    await client.userGrants.delete(String(ofVideos?.id))
    assert.deepEqual([await videos.counts(), await legacy.counts()], [false, true])
    await until(() => edge.isRevoked(revocationFacts(videos.claims)), 'the edge hears of it')
    assert.equal((await management.call('DELETE', `/grants/${ofVideos?.id}`)).status, 404)
    const event = await lastEvent('consent.withdrawn')
    assert.deepEqual([event?.user, event?.details['audience'], event?.actor.kind], [ann, API, 'client'])

    await client.userGrants.deleteByUserId({ user_id: ann })
    assert.equal(await legacy.counts(), false)
    assert.equal((await client.userGrants.list({ user_id: ann })).data.length, 0)
    for (const id of ['made-up', 'grn_e30', 'grn_WzEsMiwzLDRd'])
      assert.equal((await management.call('DELETE', `/grants/${id}`)).status, 404, id)
  })

  test('ends a token by its jti, everywhere, and lists it with what it was said to be for', async () => {
    const one = await comes(ANN)
    const jti = String(one.claims['jti'])
    assert.ok(one.isTakenAtTheEdge())
    for (const _ of [1, 2]) {
      const { status } = await management.call('POST', '/blacklists/tokens', { jti, aud: SPA.client_id })
      assert.equal(status, 204)
    }
    assert.deepEqual(await one.standing(), [false, true, true])
    await isOver(one)
    const { body } = await management.call('GET', `/blacklists/tokens?aud=${SPA.client_id}`)
    assert.deepEqual(body, [{ aud: SPA.client_id, jti }])
    assert.deepEqual((await management.call('GET', '/blacklists/tokens')).body, [])
    const event = await lastEvent('token.revoked')
    assert.deepEqual([event?.target, event?.actor.kind], [{ kind: 'token', id: jti }, 'client'])

    // A machine’s, and one that nobody has seen.
    const machine = await askToken(management.server, { ...MACHINE, grant_type: 'client_credentials', audience: API })
    const claims = claimsOf(String(machine.json()['access_token']))
    await management.call('POST', '/blacklists/tokens', { jti: claims['jti'] })
    await until(() => edge.isRevoked(revocationFacts(claims)), 'the edge hears of it')
    assert.equal((await management.call('POST', '/blacklists/tokens', { jti: 'never seen' })).status, 204)
    for (const wrong of [{}, { jti: '' }, { jti: 'x'.repeat(501) }, { jti: 'a', audience: 'b' }])
      assert.equal((await management.call('POST', '/blacklists/tokens', wrong)).status, 400)
  })

  test('is shown and ended by whoever may, and nothing of another tenant’s is', async () => {
    const one = await comes(ANN)
    const token = await management.tokenWith('read:users')
    for (const [method, path, body] of [
      ['GET', `/users/${one.id}/sessions`],
      ['DELETE', `/users/${one.id}/sessions`],
      ['GET', `/sessions/${one.session}`],
      ['PATCH', `/sessions/${one.session}`, {}],
      ['DELETE', `/sessions/${one.session}`],
      ['POST', `/sessions/${one.session}/revoke`],
      ['GET', `/users/${one.id}/refresh-tokens`],
      ['DELETE', `/users/${one.id}/refresh-tokens`],
      ['GET', `/refresh-tokens?user_id=${one.id}`],
      ['POST', '/refresh-tokens/revoke', { user_id: one.id }],
      ['GET', `/refresh-tokens/${one.refreshToken}`],
      ['PATCH', `/refresh-tokens/${one.refreshToken}`, {}],
      ['DELETE', `/refresh-tokens/${one.refreshToken}`],
      ['GET', '/grants'],
      ['DELETE', `/grants?user_id=${one.id}`],
      ['DELETE', '/grants/grn_1'],
      ['GET', '/blacklists/tokens'],
      ['POST', '/blacklists/tokens', { jti: 'a' }],
    ] as const)
      assert.equal((await management.call(method, path, body, { token })).status, 403, `${method} ${path}`)
    assert.deepEqual(await one.standing(), [true, true, true])
    for (const path of ['/users/auth0%7Celsewhere/sessions', '/users/auth0%7Celsewhere/refresh-tokens']) {
      const { status, body } = await management.call('GET', path)
      assert.deepEqual([status, body.errorCode], [404, 'inexistent_user'])
    }
    const { store } = management.server.latchkey
    const session = await store.sessions.find('default', one.session)
    assert.ok(session)
    await store.sessions.begin({ ...session, tenant: 'another', id: 'ses_elsewhere' }, { from: null, secretHash: 'x' })
    assert.equal((await management.call('DELETE', '/sessions/ses_elsewhere')).status, 404)
    assert.equal((await store.sessions.find('another', 'ses_elsewhere'))?.endedAt, null)
  })
})
