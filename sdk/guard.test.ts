import assert from 'node:assert/strict'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, test } from 'node:test'
import express from 'express'
import fastify from 'fastify'
import { authOf, createGuard, type Guard, type GuardOptions, requireToken } from './express.ts'
import { requireToken as requireTokenOfFastify } from './fastify.ts'
import { type RemoteKeys, remoteKeys } from './jwks.ts'
import { createRevocations, type Revocations } from './revocations.ts'
import { createSigner, type Signer, signToken } from './testing/forge.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const AUDIENCE = 'https://videos.example/api'
const ISSUER = 'https://id.example/'
const client = { id: 'videos', secret: 'secret' }

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/** A service with a guard: `/` wants any good token, `/write` one that may write. */
interface Service {
  readonly name: string
  /** Answers its port. */
  open(guard: Guard): Promise<number>
  close(): Promise<void>
}

const listen = (server: Server): Promise<number> =>
  new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)))
const WRITE = { scopes: ['write:videos'] }
const tell = (request: object): string =>
  JSON.stringify({ sub: authOf(request).claims.sub, may: authOf(request).scopes })

function onNode(): Service {
  let server: Server
  return {
    name: 'node:http',
    open(guard) {
      const [any, write] = [requireToken(guard), requireToken(guard, WRITE)]
      server = createServer((incoming, response) => {
        const protect = incoming.url === '/write' ? write : any
        protect(incoming, response, () => response.end(tell(incoming)))
      })
      return listen(server)
    },
    close: async () => void server.close().closeAllConnections(),
  }
}

function onExpress(): Service {
  let server: Server
  return {
    name: 'express',
    open(guard) {
      const app = express()
      app.use(requireToken(guard))
      app.get('/', (incoming, response) => void response.send(tell(incoming)))
      app.get('/write', requireToken(guard, WRITE), (incoming, response) => void response.send(tell(incoming)))
      server = createServer(app)
      return listen(server)
    },
    close: async () => void server.close().closeAllConnections(),
  }
}

function onFastify(): Service {
  const app = fastify()
  return {
    name: 'fastify',
    async open(guard) {
      app.get('/', { onRequest: requireTokenOfFastify(guard) }, async incoming => tell(incoming))
      app.get('/write', { onRequest: requireTokenOfFastify(guard, WRITE) }, async incoming => tell(incoming))
      await app.listen({ port: 0, host: '127.0.0.1' })
      return (app.server.address() as AddressInfo).port
    },
    close: () => app.close(),
  }
}

for (const service of [onNode(), onExpress(), onFastify()])
  describe(`a guard before a service of ${service.name}`, () => {
    let signer: Signer
    let port: number
    let now: number
    let age: number
    let revoked: boolean
    let keys: RemoteKeys
    /** What they are told is the test's to say. How they come to know it is revocations.test.ts. */
    let revocations: Revocations

    before(async () => {
      signer = await createSigner('ES256', 'one')
      keys = remoteKeys({ issuer: ISSUER, algorithms: ['ES256'], fetch: () => Promise.reject(new Error('away')) })
      revocations = {
        ...createRevocations({ issuer: ISSUER, client }),
        age: () => age,
        isRevoked: () => revoked,
      }
      port = await service.open(guardWith({}))
    })
    after(() => service.close())
    beforeEach(async () => {
      await keys.take({ keys: [signer.publicJwk] })
      now = 1_800_000_000_000
      age = 0
      revoked = false
    })
    const guardWith = (options: Partial<GuardOptions>): Guard =>
      createGuard({
        issuer: ISSUER,
        audience: AUDIENCE,
        algorithms: ['ES256'],
        keys,
        revocations,
        clock: () => now,
        ...options,
      })
    const token = (claims: object = {}) =>
      signToken(signer, {
        iss: ISSUER,
        aud: AUDIENCE,
        sub: 'usr_1',
        jti: 'aut.1',
        iat: now / 1000,
        exp: now / 1000 + 60,
        ...claims,
      })
    const ask = (authorization: string | string[] | undefined, path = '/') =>
      new Promise<Answer>((resolve, reject) => {
        const headers = authorization === undefined ? {} : { authorization }
        const asked = request({ port, host: '127.0.0.1', path, headers: headers as never }, async response => {
          const body = (await response.toArray()).join('')
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body })
        })
        asked.on('error', reject).end()
      })
    const isDenied = (answer: Answer, status: number, challenge: RegExp) => {
      assert.equal(answer.status, status, answer.body)
      assert.match(String(answer.headers['www-authenticate'] ?? ''), challenge)
      assert.equal(answer.headers['cache-control'], 'no-store')
      assert.match(String(answer.headers['content-type']), /^application\/json/)
      assert.equal(typeof JSON.parse(answer.body).error, 'string')
    }

    test('lets a good token through, and says who is calling', async () => {
      const answer = await ask(`Bearer ${await token({ scope: 'read:videos write:videos' })}`)
      assert.equal(answer.status, 200)
      assert.deepEqual(JSON.parse(answer.body), { sub: 'usr_1', may: ['read:videos', 'write:videos'] })
      assert.equal((await ask(`bearer ${await token({ scope: 'write:videos' })}`, '/write')).status, 200)
    })

    test('challenges whoever brings none without an error, and tells apart what is wrong with one', async () => {
      isDenied(await ask(undefined), 401, /^Bearer realm="api"$/)
      isDenied(await ask('Basic eDp5'), 401, /^Bearer realm="api"$/)
      for (const nonsense of ['Bearer', 'Bearer a b', 'Bearer é'])
        isDenied(await ask(nonsense), 400, /error="invalid_request"/)
      const good = await token()
      for (const bad of [
        'x',
        `${good.slice(0, -6)}AAAAAA`,
        await token({ aud: 'https://other.example/' }),
        await token({ iss: 'https://evil.example/' }),
        await token({ exp: now / 1000 - 60 }),
        await token({ nonce: 'n' }),
        await token({ cnf: { jkt: 'x' } }),
      ])
        isDenied(await ask(`Bearer ${bad}`), 401, /error="invalid_token"/)
      isDenied(await ask(`Bearer ${good}`, '/write'), 403, /error="insufficient_scope", .*, scope="write:videos"$/)
    })

    test('refuses two tokens at once, of which somebody before it may have judged the other', async () => {
      const good = `Bearer ${await token()}`
      for (const both of [
        [good, 'Bearer x'],
        ['Bearer x', good],
      ])
        isDenied(await ask(both), 400, /more than once/)
    })

    test('refuses a revoked token, of which nothing but that is wrong', async () => {
      revoked = true
      isDenied(
        await ask(`Bearer ${await token()}`),
        401,
        /error="invalid_token", error_description="the token was revoked"/,
      )
    })

    test('while nothing is known of revocations denies what may be revoked, and not as if the token were bad', async () => {
      for (const old of [MINUTE + 1, Number.POSITIVE_INFINITY, Number.NaN]) {
        age = old
        const answer = await ask(`Bearer ${await token()}`)
        assert.equal(answer.status, 503, `${old}`)
        assert.equal(answer.headers['www-authenticate'], undefined)
        assert.ok(Number(answer.headers['retry-after']) > 0)
      }
      age = MINUTE
      assert.equal((await ask(`Bearer ${await token()}`)).status, 200)
    })

    test('without keys says nothing of the token', async () => {
      const strange = await createSigner('ES256', 'one')
      const none = guardWith({
        keys: remoteKeys({ issuer: ISSUER, algorithms: ['ES256'], fetch: () => Promise.reject(new Error('away')) }),
      })
      const text = await signToken(strange, {})
      const verdict = await none.judge({ headers: { authorization: `Bearer ${text}` }, rawHeaders: [] })
      assert.ok('status' in verdict && verdict.status === 503)
    })
  })

describe('a guard', () => {
  test('may be told to let through what it cannot know, for as long or for ever', async () => {
    const signer = await createSigner('ES256', 'one')
    const keys = remoteKeys({ issuer: ISSUER, algorithms: ['ES256'] })
    await keys.take({ keys: [signer.publicJwk] })
    const revocations = { ...createRevocations({ issuer: ISSUER, client }), age: () => MINUTE, isRevoked: () => false }
    const iat = Math.floor(Date.now() / 1000)
    const text = await signToken(signer, { iss: ISSUER, aud: AUDIENCE, sub: 'usr_1', iat, exp: iat + 60 })
    const statusWith = async (onStale: GuardOptions['onStale']) => {
      const guard = createGuard({
        issuer: ISSUER,
        audience: AUDIENCE,
        algorithms: ['ES256'],
        keys,
        revocations,
        ...(onStale && { onStale }),
      })
      const verdict = await guard.judge({ headers: { authorization: `Bearer ${text}` }, rawHeaders: [] })
      return 'status' in verdict ? verdict.status : 200
    }
    assert.equal(await statusWith({ after: 59 * SECOND, do: 'deny' }), 503)
    assert.equal(await statusWith({ after: 61 * SECOND, do: 'deny' }), 200)
    assert.equal(await statusWith({ after: 59 * SECOND, do: 'allow' }), 200)
  })

  test('without a client follows nobody, and one that would make no sense is refused', async () => {
    const given = { issuer: ISSUER, audience: AUDIENCE, algorithms: ['ES256'] } as const
    assert.equal(createGuard(given).revocations, null)
    assert.throws(() => createGuard({ ...given, issuer: 'http://id.example/' }), TypeError)
    assert.throws(() => createGuard({ ...given, audience: '' }), TypeError)
    assert.throws(() => createGuard({ ...given, realm: 'a "realm"' }), TypeError)
    assert.throws(() => createGuard({ ...given, onStale: { after: Number.NaN, do: 'deny' } }), TypeError)
    assert.throws(() => authOf({}), /passed no guard/)
  })
})
