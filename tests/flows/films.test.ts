/** The example behind its gateway, as `npm start` has it: what its route file lets pass, to whom, and from where. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Films, startFilms } from '../fixtures/films.ts'
import { applyTo, type RunningServer, startServer } from '../fixtures/server.ts'
import { postToken } from './stage.ts'

const API = 'https://24-hour-video.example/api'
const UPLOADER = { client_id: 'uploader', client_secret: 'choose a long one and keep it' }
const WATCHER = { client_id: 'watcher', client_secret: 'another long one that is kept' }

describe('The example behind its gateway', () => {
  let server: RunningServer
  let films: Films

  before(async () => {
    server = await startServer({ store: 'sqlite' })
    films = await startFilms(server, { users: () => [] })
    const machine = (client: object) => ({ ...client, name: 'Machine', app_type: 'non_interactive' })
    await applyTo(server.latchkey, {
      clients: [machine(UPLOADER), machine(WATCHER)],
      clientGrants: [
        { client_id: 'uploader', audience: API, scope: ['write:videos'] },
        { client_id: 'watcher', audience: API, scope: [] },
      ],
    })
  })
  after(async () => {
    await films?.close()
    await server?.close()
  })

  const tokenOf = async (client: typeof UPLOADER) =>
    String(
      (await postToken(server.issuer, { grant_type: 'client_credentials', audience: API, ...client })).body[
        'access_token'
      ],
    )
  const ask = async (path: string, { method = 'GET', headers = {} as Record<string, string>, body = '' } = {}) => {
    const response = await fetch(`${films.gateway}${path}`, { method, headers, ...(body && { body }) })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
  }
  const upload = (token: string, title: string, headers: Record<string, string> = {}) =>
    ask('/api/videos', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }), ...headers },
      body: JSON.stringify({ title }),
    })

  test('lets the very first requests pass, with tokens, though it is loaded for them', async () => {
    const token = await tokenOf(UPLOADER)
    const answers = await Promise.all(Array.from({ length: 8 }, (_, index) => upload(token, `Film ${index}`)))
    assert.deepEqual(
      answers.map(({ status }) => status),
      Array.from({ length: 8 }, () => 201),
    )
  })

  test('shows the list to everybody, and takes a film from nobody who may not give one', async () => {
    const before = (await ask('/api/videos')).body.videos
    assert.ok(before.length >= 14)
    const nobody = await upload('', 'Stolen')
    assert.equal(nobody.status, 401)
    // RFC 6750 §3.1: whoever sent nothing is told no error.
    assert.match(nobody.headers.get('www-authenticate') ?? '', /^Bearer realm="edge"(?!.*error)/)
    const without = await upload(await tokenOf(WATCHER), 'Stolen')
    assert.equal(without.status, 403)
    assert.match(without.headers.get('www-authenticate') ?? '', /error="insufficient_scope".*scope="write:videos"/)
    assert.deepEqual((await ask('/api/videos')).body.videos, before)
  })

  test('believes of who is calling what the gateway found, and nothing that they say', async () => {
    const said = {
      'x-user-id': 'auth0|somebody-else',
      x_user_id: 'auth0|somebody-else',
      'x-user-scopes': 'write:videos',
    }
    const token = await tokenOf(UPLOADER)
    const once = await ask('/api/me', { headers: { authorization: `Bearer ${token}`, ...said } })
    assert.deepEqual([once.status, once.body.sub], [200, 'uploader@clients'])
    assert.equal((await ask('/api/me', { headers: said })).status, 401)
  })

  test('answers the page’s origin and no other, refusals too', async () => {
    const page = new URL(films.url).origin
    for (const [origin, allowed] of [
      [page, page],
      ['https://elsewhere.example', null],
    ] as const)
      for (const { headers } of [
        await ask('/api/videos', { headers: { origin } }),
        await ask('/api/me', { headers: { origin } }),
        await ask('/socket.io/?EIO=4&transport=polling', { headers: { origin } }),
      ])
        assert.equal(headers.get('access-control-allow-origin'), allowed)
    for (const path of ['/', '/healthz', '/api/', '/api/videos/', '/socket.io'])
      assert.equal((await ask(path)).status, 404, path)
  })
})
