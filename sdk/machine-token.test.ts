import assert from 'node:assert/strict'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, test } from 'node:test'
import { exportJWK, importJWK, jwtVerify } from 'jose'
import { createMachineToken, MachineTokenError, type MachineTokenOptions } from './machine-token.ts'
import { createSigner } from './testing/forge.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const SECRET = 'a secret: with %, + and ü'

interface Asked {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly form: URLSearchParams
}

interface Answer {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly body?: object | string
}

describe('the token of a machine', () => {
  let server: Server
  let origin: string
  let now: number
  let asked: Asked[]
  let discovery: object
  let answer: () => Answer

  /** Another one each time, good for an hour. */
  const granting = (changes: object = {}) => {
    let count = 0
    answer = () => {
      count += 1
      return { body: { access_token: `token-${count}`, token_type: 'Bearer', expires_in: 3600, ...changes } }
    }
  }
  const source = (changes: Partial<MachineTokenOptions> = {}) =>
    createMachineToken({
      issuer: `${origin}/`,
      clientId: 'machine',
      ...(changes.clientKey ? {} : { clientSecret: SECRET }),
      audience: 'https://api.example/',
      clock: () => now,
      ...changes,
    })
  /** What nobody waits for is there before long. */
  const settled = async (isThere: () => Promise<boolean>) => {
    for (let tries = 0; !(await isThere()); tries++) {
      assert.ok(tries < 500)
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  }
  const requests = () => asked.filter(({ path }) => path === '/token')
  const failing = (options: { code: string; error?: string }) => (error: unknown) => {
    assert.ok(error instanceof MachineTokenError)
    assert.deepEqual([error.code, error.error], [options.code, options.error])
    for (let told: unknown = error; told instanceof Error; told = told.cause)
      assert.ok(!`${told.message} ${told.stack} ${JSON.stringify(told)}`.includes('a secret'))
    return true
  }

  before(async () => {
    server = createServer(async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      const path = request.url as string
      asked.push({ path, headers: request.headers, form: new URLSearchParams(Buffer.concat(chunks).toString()) })
      if (path.startsWith('/.well-known/')) return response.end(JSON.stringify(discovery))
      const { status = 200, headers = {}, body = '' } = answer()
      response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body))
      return
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })
  beforeEach(() => {
    now = 0
    asked = []
    discovery = { issuer: `${origin}/`, token_endpoint: `${origin}/token` }
    granting()
  })

  test('sixty-four who need it at once cause one request, and nobody before that any', async () => {
    const machine = source({ scope: 'read:a read:b' })
    assert.equal(asked.length, 0)
    const tokens = await Promise.all(Array.from({ length: 64 }, () => machine.get()))
    assert.deepEqual(new Set(tokens), new Set(['token-1']))
    assert.deepEqual(
      asked.map(({ path }) => path),
      ['/.well-known/openid-configuration', '/token'],
    )
    assert.deepEqual(Object.fromEntries(asked[1]?.form ?? []), {
      grant_type: 'client_credentials',
      audience: 'https://api.example/',
      scope: 'read:a read:b',
    })
  })

  test('a secret goes into the header form-encoded, or into the body, and never into an address', async () => {
    await source().get()
    await source({ secretIn: 'body' }).get()
    const [header, body] = requests() as [Asked, Asked]
    const [id, secret] = Buffer.from(header.headers.authorization?.slice(6) ?? '', 'base64')
      .toString()
      .split(':')
    assert.deepEqual([id, decodeURIComponent(secret?.replaceAll('+', ' ') ?? '')], ['machine', SECRET])
    assert.equal(header.form.get('client_secret'), null)
    assert.equal(body.headers.authorization, undefined)
    assert.deepEqual([body.form.get('client_id'), body.form.get('client_secret')], ['machine', SECRET])
  })

  test('a client with a key signs for the issuer, each time anew', async () => {
    const { privateKey, publicJwk } = await createSigner('ES256', 'of the client')
    const privateJwk = { ...(await exportJWK(privateKey)), kid: 'of the client', alg: 'ES256' }
    const machine = source({ clientKey: privateJwk })
    await machine.get()
    now += 2 * SECOND
    machine.forget('token-1')
    await machine.get()
    const ids = new Set<unknown>()
    for (const { form } of requests()) {
      const { payload, protectedHeader } = await jwtVerify(
        form.get('client_assertion') ?? '',
        await importJWK(publicJwk, 'ES256'),
        { issuer: 'machine', subject: 'machine', audience: `${origin}/`, maxTokenAge: 60 },
      )
      assert.equal(protectedHeader.kid, 'of the client')
      ids.add(payload.jti)
    }
    assert.equal(ids.size, 2)
  })

  test('it is renewed before it ends, and nobody waits for that', async () => {
    const machine = source()
    await machine.get()
    now = 55 * MINUTE - 1
    assert.equal(await machine.get(), 'token-1')
    assert.equal(requests().length, 1)
    now += 1
    assert.deepEqual(await Promise.all([machine.get(), machine.get()]), ['token-1', 'token-1'])
    await settled(async () => (await machine.get()) === 'token-2')
    assert.equal(requests().length, 2)
  })

  test('while the issuer is away the old one serves until it ends, and then whoever asks is told', async () => {
    const machine = source()
    await machine.get()
    answer = () => ({ status: 500 })
    now = 59 * MINUTE
    for (let count = 0; count < 10; count++) assert.equal(await machine.get(), 'token-1')
    now = 60 * MINUTE
    await assert.rejects(machine.get(), failing({ code: 'unavailable' }))
    granting()
    now += 10 * SECOND
    assert.equal(await machine.get(), 'token-1')
  })

  test('after a failure the issuer is left alone, each time for longer, and as long as it asks', async () => {
    const machine = source()
    answer = () => ({ status: 503 })
    const tries: number[] = []
    for (now = 0; now < MINUTE; now += 500) {
      const before = requests().length
      await assert.rejects(machine.get(), failing({ code: 'unavailable' }))
      if (requests().length > before) tries.push(now / SECOND)
    }
    assert.deepEqual(tries, [0, 1, 3, 7, 15, 31])
    answer = () => ({ status: 429, headers: { 'retry-after': '120' } })
    now = 90 * SECOND
    await assert.rejects(machine.get(), failing({ code: 'unavailable' }))
    granting()
    now += 119 * SECOND
    await assert.rejects(machine.get(), failing({ code: 'unavailable' }))
    now += SECOND
    assert.equal(await machine.get(), 'token-1')
  })

  test('a refusal is told with the issuer’s code, and without what it wrote beside it', async () => {
    answer = () => ({ status: 401, body: { error: 'invalid_client', error_description: `no: ${SECRET}` } })
    await assert.rejects(source().get(), failing({ code: 'refused', error: 'invalid_client' }))
    answer = () => ({ status: 400, body: { error: SECRET } })
    await assert.rejects(source().get(), failing({ code: 'refused' }))
  })

  test('what is no token is none', async () => {
    for (const body of [
      '',
      'garbage',
      '[]',
      {},
      { access_token: 1, token_type: 'Bearer' },
      { access_token: 'a b', token_type: 'Bearer' },
      { access_token: 'a\r\nx: y', token_type: 'Bearer' },
      { access_token: 'token' },
      { access_token: 'token', token_type: 'DPoP' },
      `{"access_token":"one","access_token":"two","token_type":"Bearer"}`,
      'x'.repeat(300 * 1024),
    ]) {
      answer = () => ({ body })
      await assert.rejects(source().get(), failing({ code: 'unavailable' }), JSON.stringify(body).slice(0, 80))
    }
    answer = () => ({ status: 302, headers: { location: `${origin}/elsewhere` } })
    await assert.rejects(source().get(), failing({ code: 'unavailable' }))
    assert.ok(!asked.some(({ path }) => path === '/elsewhere'))
  })

  test('one whose life is not told, or is nonsense, is used for five minutes', async () => {
    for (const expires_in of [undefined, 'soon', -1, 0, null]) {
      granting({ expires_in })
      now = 0
      const machine = source()
      assert.equal(await machine.get(), 'token-1')
      now = 4 * MINUTE
      assert.equal(await machine.get(), 'token-1')
      now = 5 * MINUTE
      assert.equal(await machine.get(), 'token-2')
    }
  })

  test('one that a service refused is forgotten, once for all who were refused with it', async () => {
    const machine = source()
    await machine.get()
    now += 2 * SECOND
    const again = Array.from({ length: 20 }, () => {
      machine.forget('token-1')
      return machine.get()
    })
    assert.deepEqual(new Set(await Promise.all(again)), new Set(['token-2']))
    machine.forget('token-1')
    assert.equal(await machine.get(), 'token-2')
    assert.equal(requests().length, 2)
  })

  test('a service that refuses every token costs the issuer one a second', async () => {
    const machine = source()
    for (now = 0; now < 3 * SECOND; now += 10) machine.forget(await machine.get())
    assert.equal(requests().length, 3)
  })

  test('a given endpoint needs no discovery, and another name of the issuer is used throughout', async () => {
    await source({ tokenEndpoint: `${origin}/token` }).get()
    assert.equal(asked.length, 1)
    discovery = { issuer: 'https://id.example/', token_endpoint: 'https://id.example/token' }
    await source({ issuer: 'https://id.example/', url: `${origin}/` }).get()
    assert.equal(requests().length, 2)
  })

  test('discovery of another issuer, or one that leads to plain http elsewhere, is refused', async () => {
    for (const changes of [
      { issuer: origin },
      { issuer: undefined },
      { token_endpoint: 'http://id.example/token' },
      { token_endpoint: 7 },
    ]) {
      discovery = { issuer: `${origin}/`, token_endpoint: `${origin}/token`, ...changes }
      await assert.rejects(source().get(), failing({ code: 'unavailable' }))
    }
    assert.equal(requests().length, 0)
  })

  test('a client without a proof of itself, or with two, is the caller’s mistake, and so is plain http', () => {
    const options = { issuer: 'https://id.example/', clientId: 'machine', audience: 'https://api.example/' }
    assert.throws(() => createMachineToken(options), TypeError)
    assert.throws(() => createMachineToken({ ...options, clientSecret: 'x', clientKey: { kty: 'EC' } }), TypeError)
    assert.throws(() => createMachineToken({ ...options, clientSecret: 'x', issuer: 'http://id.example/' }), TypeError)
  })
})
