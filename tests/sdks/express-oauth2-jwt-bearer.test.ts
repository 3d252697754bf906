/**
 * Auth0's `express-oauth2-jwt-bearer`, unmodified and with its defaults, before an API of an Express application: what it
 * lets through of our access tokens, and what it does when the key that signs them changes under its hands.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import express, { type NextFunction, type Request, type Response } from 'express'
import { auth, claimIncludes, requiredScopes } from 'express-oauth2-jwt-bearer'
import { decodeProtectedHeader } from 'jose'
import { DAY, HOUR, MINUTE } from '../../server/kernel/seconds.ts'
import {
  ANN,
  API,
  API_SECRET_A,
  askToken,
  LEGACY_API,
  MACHINE,
  SECRET_API_A,
  tenantFile,
  tokensFor,
} from '../attacks/stage.ts'
import { runKeySchedule } from '../fixtures/key-schedule.ts'
import { type RunningServer, startServer } from '../fixtures/server.ts'
import { createTestClock } from '../fixtures/test-clock.ts'

interface Api {
  ask(path: string, token?: string, how?: 'header' | 'query' | 'form'): Promise<{ status: number; challenge: string }>
  close(): Promise<void>
}

async function startApi(options: Parameters<typeof auth>[0]): Promise<Api> {
  const app = express()
  app.use(express.urlencoded({ extended: false }))
  app.use(auth(options))
  app.all('/videos', requiredScopes('read:videos'), (_request, response) => void response.json({}))
  app.all('/upload', requiredScopes('write:videos'), (_request, response) => void response.json({}))
  app.get('/pwd', claimIncludes('amr', 'pwd'), (_request, response) => void response.json({}))
  // As the library has it: an error with a status and a challenge, which Express would print too.
  app.use((error: { status?: number; headers?: object }, _: Request, response: Response, _next: NextFunction) => {
    response
      .status(error.status ?? 500)
      .set({ ...error.headers })
      .end()
  })
  const server: Server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    async ask(path, token, how = 'header') {
      const url = new URL(path, base)
      if (how === 'query' && token !== undefined) url.searchParams.set('access_token', token)
      const response = await fetch(url, {
        ...(how === 'header' && token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
        ...(how === 'form' && { method: 'POST', body: new URLSearchParams({ access_token: token ?? '' }) }),
      })
      await response.arrayBuffer()
      return { status: response.status, challenge: response.headers.get('www-authenticate') ?? '' }
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

describe('express-oauth2-jwt-bearer', () => {
  const clock = createTestClock()
  let server: RunningServer
  const opened: Api[] = []
  const api = async (more: Parameters<typeof auth>[0] = {}): Promise<Api> => {
    const one = await startApi({ issuerBaseURL: server.issuer, audience: API, ...more })
    opened.push(one)
    return one
  }

  before(async () => {
    server = await startServer({
      store: 'sqlite',
      clock: clock.now,
      tenantFile: {
        ...tenantFile,
        clientGrants: [
          ...tenantFile.clientGrants,
          { client_id: MACHINE.client_id, audience: SECRET_API_A, scope: ['read:videos'] },
        ],
      },
    })
  })
  after(async () => {
    for (const one of opened) await one.close()
    await server?.close()
  })

  const machineToken = async (audience = API): Promise<string> =>
    String((await askToken(server, { grant_type: 'client_credentials', ...MACHINE, audience })).json()['access_token'])
  const kidOf = (token: string) => decodeProtectedHeader(token).kid

  test('lets a person and a machine through, in header, query and form, for what their scopes allow', async () => {
    const videos = await api({ strict: true })
    const { access_token } = await tokensFor(server, ANN, { audience: API, scope: 'openid read:videos write:videos' })
    for (const how of ['header', 'query', 'form'] as const)
      assert.equal((await videos.ask('/videos', access_token, how)).status, 200, how)
    assert.equal((await videos.ask('/upload', access_token)).status, 200)
    assert.equal((await videos.ask('/pwd', access_token)).status, 200)

    const token = await machineToken()
    assert.equal((await videos.ask('/videos', token)).status, 200)
    const refused = await videos.ask('/upload', token)
    assert.equal(refused.status, 403)
    assert.match(refused.challenge, /error="insufficient_scope".*scope="write:videos"/)
  })

  test('refuses no token, one that was tampered with, one for another API, and an ID token', async () => {
    const videos = await api()
    const { access_token, id_token } = await tokensFor(server, ANN, { audience: API, scope: 'openid read:videos' })
    const [header, payload = '', signature] = access_token.split('.')
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
    const more = Buffer.from(JSON.stringify({ ...claims, scope: 'read:videos write:videos' })).toString('base64url')
    const none = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')
    const legacy = await tokensFor(server, ANN, { audience: LEGACY_API, scope: 'read:videos' })

    assert.equal((await videos.ask('/videos')).status, 401)
    for (const token of [`${header}.${more}.${signature}`, `${none}.${payload}.`, legacy.access_token, id_token])
      assert.match((await videos.ask('/videos', token)).challenge, /error="invalid_token"/)
  })

  test('takes a token in Auth0’s own dialect, and an HS256 API’s by its secret alone', async () => {
    const legacy = await api({ audience: LEGACY_API })
    const { access_token } = await tokensFor(server, ANN, { audience: LEGACY_API, scope: 'read:videos' })
    assert.equal((await legacy.ask('/videos', access_token)).status, 200)

    const token = await machineToken(SECRET_API_A)
    const { issuer } = server
    const secret = { issuerBaseURL: '', issuer, audience: SECRET_API_A, tokenSigningAlg: 'HS256' }
    assert.equal((await (await api({ ...secret, secret: API_SECRET_A })).ask('/videos', token)).status, 200)
    const other = await api({ ...secret, secret: 'another secret that is long enough' })
    assert.equal((await other.ask('/videos', token)).status, 401)
    assert.equal((await (await api({ audience: SECRET_API_A })).ask('/videos', token)).status, 401)
  })

  test('goes on without asking for keys again when they rotate: it has the next one before that signs', async () => {
    await server.latchkey.operate('keys rotate', { tenant: 'default', algorithm: 'RS256' })
    const videos = await api()
    const before = await machineToken()
    assert.equal((await videos.ask('/videos', before)).status, 200)
    clock.advance(DAY + HOUR)
    await runKeySchedule(server.latchkey, clock.now)
    // Whoever remembers keys believes them no longer than half a minute.
    clock.advance(MINUTE)
    const then = await machineToken()
    assert.notEqual(kidOf(then), kidOf(before))
    assert.equal((await videos.ask('/videos', then)).status, 200)
    assert.equal((await videos.ask('/videos', before)).status, 200, 'what was signed before is good until its end')
  })

  test('refuses what a revoked key signed once it meets its successor, if it may ask at once', async () => {
    const videos = await api({ cooldownDuration: 0 })
    const stolen = await machineToken()
    assert.equal((await videos.ask('/videos', stolen)).status, 200)
    await server.latchkey.operate('keys revoke', { tenant: 'default', key: String(kidOf(stolen)) })
    assert.equal((await videos.ask('/videos', await machineToken())).status, 200)
    assert.equal((await videos.ask('/videos', stolen)).status, 401)
  })
})
