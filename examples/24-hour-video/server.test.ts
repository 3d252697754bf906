import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { CompactSign, type CryptoKey, exportJWK, generateKeyPair } from 'jose'
import { type Example, startExample } from './server.ts'

const AUDIENCE = 'https://24-hour-video.example/api'

describe('the example application', () => {
  let issuerServer: Server
  let issuer: string
  let isIssuerUp = true
  let privateKey: CryptoKey
  let strangersKey: CryptoKey
  let example: Example
  const faults: unknown[] = []

  before(async () => {
    const pair = await generateKeyPair('RS256', { extractable: true })
    privateKey = pair.privateKey
    strangersKey = (await generateKeyPair('RS256')).privateKey
    const jwks = JSON.stringify({
      keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'k', alg: 'RS256', use: 'sig' }],
    })
    issuerServer = createServer((request, response) => {
      if (!isIssuerUp) response.writeHead(503).end()
      else response.end(request.url === '/jwks' ? jwks : JSON.stringify({ issuer, jwks_uri: `${issuer}jwks` }))
    })
    await new Promise<void>(resolve => issuerServer.listen(0, '127.0.0.1', resolve))
    issuer = `http://localhost:${(issuerServer.address() as AddressInfo).port}/`
  })
  after(() => {
    issuerServer.closeAllConnections()
    issuerServer.close()
  })

  beforeEach(async () => {
    example = await startExample({ port: 0, issuer, log: (_, error) => faults.push(error) })
  })
  afterEach(() => example.close())

  const seconds = () => Math.floor(Date.now() / 1000)
  const signToken = (changes: object = {}, key = privateKey, typ = 'at+jwt') => {
    const claims = {
      iss: issuer,
      sub: 'auth0|ann',
      aud: [AUDIENCE, `${issuer}userinfo`],
      iat: seconds(),
      exp: seconds() + 60,
      scope: 'openid write:videos',
    }
    return new CompactSign(Buffer.from(JSON.stringify({ ...claims, ...changes })))
      .setProtectedHeader({ alg: 'RS256', kid: 'k', typ })
      .sign(key)
  }
  const get = (path: string, headers: Record<string, string> = {}) => fetch(new URL(path, example.url), { headers })
  const upload = async (body: unknown, token?: string, type = 'application/json') =>
    fetch(new URL('/api/videos', example.url), {
      method: 'POST',
      headers: { 'content-type': type, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  const titles = async (): Promise<string[]> => {
    const { videos } = (await (await get('/api/videos')).json()) as { videos: { title: string }[] }
    return videos.map(({ title }) => title)
  }

  test('everyone may see the list', async () => {
    const response = await get('/api/videos')
    assert.equal(response.status, 200)
    assert.equal(response.headers.get('cache-control'), 'no-store')
    assert.ok((await titles()).length >= 6)
  })

  test('a title uploaded with the scope comes first in the list', async () => {
    const response = await upload({ title: '  낮과 밤 ' }, await signToken())
    assert.equal(response.status, 201)
    const { id, title } = (await response.json()) as { id: string; title: string }
    assert.match(id, /^(sea|peaks|city|dunes|forest)-[0-9a-f-]{36}$/)
    assert.equal(title, '낮과 밤')
    assert.equal((await titles())[0], '낮과 밤')
  })

  test('without a token the challenge names the scheme and no error', async () => {
    const credentials = [
      {},
      { authorization: 'Basic YTpi' },
      { authorization: 'Bearer' },
      { authorization: 'Bearer a b' },
    ]
    for (const headers of credentials as Record<string, string>[]) {
      const response = await get('/api/me', headers)
      assert.equal(response.status, 401)
      assert.equal(response.headers.get('www-authenticate'), 'Bearer realm="24-Hour Video"')
    }
    assert.equal((await upload({ title: 'x' })).status, 401)
  })

  test('a token that is not good is invalid_token, whatever is wrong with it', async () => {
    const before = await titles()
    const bad = [
      'x',
      'a.b.c',
      await signToken({ exp: seconds() - 60 }),
      await signToken({ aud: 'https://elsewhere.example/' }),
      await signToken({ iss: issuer.slice(0, -1) }),
      await signToken({ nonce: 'n' }, privateKey, 'JWT'),
      await signToken({}, strangersKey),
      await signToken({}, privateKey, 'logout+jwt'),
    ]
    for (const token of bad) {
      const response = await upload({ title: 'Stolen' }, token)
      assert.equal(response.status, 401)
      const challenge = response.headers.get('www-authenticate') as string
      assert.match(challenge, /^Bearer realm="24-Hour Video", error="invalid_token", error_description="[^"\\]+"$/)
      if (token.length > 8) assert.ok(!challenge.includes(token.split('.')[2] as string))
    }
    assert.deepEqual(await titles(), before)
  })

  test('a good token without the scope is told which one is missing', async () => {
    const token = await signToken({ scope: 'openid profile write:video' })
    const response = await upload({ title: 'x' }, token)
    assert.equal(response.status, 403)
    assert.equal(
      response.headers.get('www-authenticate'),
      'Bearer realm="24-Hour Video", error="insufficient_scope", scope="write:videos"',
    )
    assert.equal((await get('/api/me', { authorization: `Bearer ${token}` })).status, 200)
  })

  test('two Authorization headers are refused, not chosen from', async () => {
    const [good, port] = [await signToken(), Number(new URL(example.url).port)]
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1')
      let text = ''
      socket.on('data', chunk => {
        text += chunk
      })
      socket.on('end', () => resolve(text)).on('error', reject)
      socket.write(
        `GET /api/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${good}\r\nAuthorization: Bearer ${good}\r\nConnection: close\r\n\r\n`,
      )
    })
    assert.match(answer, /^HTTP\/1\.1 400 /)
  })

  test('me tells what the token told', async () => {
    const iat = seconds() - 5
    const response = await get('/api/me', { authorization: `bearer ${await signToken({ iat, exp: iat + 300 })}` })
    assert.deepEqual(await response.json(), {
      sub: 'auth0|ann',
      scopes: ['openid', 'write:videos'],
      issued_at: iat,
      expires_at: iat + 300,
    })
  })

  test('a title is one line of 1 to 80 characters', async () => {
    const token = await signToken()
    const wrong = [
      '',
      '   ',
      'x'.repeat(81),
      'a\nb',
      'a\u0000b',
      'a\u2028b',
      '\u202eevil',
      'a\ud800',
      7,
      null,
      ['x'],
      { toString: 'x' },
      undefined,
    ]
    for (const title of wrong) {
      const response = await upload({ title }, token)
      assert.equal(response.status, 400, JSON.stringify(title))
      assert.equal(((await response.json()) as { error: string }).error, 'invalid_title')
    }
    assert.equal((await upload({ title: '🎬'.repeat(80) }, token)).status, 201)
  })

  test('a body that is not a small JSON object is refused', async () => {
    const token = await signToken()
    for (const body of ['', '{', 'null', '7', '"x"']) assert.equal((await upload(body, token)).status, 400, body)
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', ''])
      assert.equal((await upload('{"title":"x"}', token, type)).status, 415, type)
    assert.equal((await upload({ title: 'x'.repeat(5000) }, token)).status, 413)
    assert.equal((await upload({ title: 'fine' }, token, 'application/json; charset=utf-8')).status, 201)
  })

  test('the list keeps the newest two hundred', async () => {
    const token = await signToken()
    for (let index = 0; index < 205; index++) await upload({ title: `Film ${index}` }, token)
    const kept = await titles()
    assert.equal(kept.length, 200)
    assert.equal(kept[0], 'Film 204')
    assert.equal(kept[199], 'Film 5')
  })

  test('while keys cannot be had the answer is 503, so that nobody throws a good token away', async () => {
    isIssuerUp = false
    const response = await get('/api/me', { authorization: `Bearer ${await signToken()}` })
    isIssuerUp = true
    assert.equal(response.status, 503)
    assert.ok(response.headers.get('retry-after'))
    assert.equal(response.headers.get('www-authenticate'), null)
  })

  test('the page is held to what it needs, and knows where to sign in', async () => {
    const response = await get('/')
    const policy = response.headers.get('content-security-policy') as string
    const origin = issuer.slice(0, -1)
    assert.ok(policy.includes(`connect-src 'self' ${origin};`))
    assert.ok(policy.includes(`frame-src ${origin};`))
    assert.ok(policy.includes("script-src 'self';"))
    assert.ok(policy.includes('worker-src blob:;'))
    assert.ok(!policy.includes('unsafe'))
    assert.deepEqual(await (await get('/config.json')).json(), {
      issuer,
      clientId: '24-hour-video',
      audience: AUDIENCE,
    })
  })

  test('every file the page names is served, with its type', async () => {
    const seen = new Set<string>()
    const visit = async (path: string): Promise<void> => {
      if (seen.has(path)) return
      seen.add(path)
      const response = await get(path)
      assert.equal(response.status, 200, path)
      if (path.startsWith('/vendor/')) return
      const text = await response.text()
      for (const [, next] of text
        .matchAll(/(?:src|href)="(\/[^"]+)"|(?:from|import\() ?'(\.?\/[^']+)'/g)
        .map(([, one, other]) => [0, one ?? other]))
        await visit(new URL(String(next), new URL(path, 'http://x/')).pathname)
    }
    await visit('/')
    assert.ok(seen.has('/scenes.js') && seen.has('/vendor/auth0-spa-js.js'))
    const script = await get('/vendor/auth0-spa-js.js')
    assert.equal(script.headers.get('content-type'), 'text/javascript; charset=utf-8')
    assert.match(await script.text(), /Auth0Client/)
  })

  test('a file seen before is not sent again', async () => {
    const etag = (await get('/app.js')).headers.get('etag') as string
    const response = await get('/app.js', { 'if-none-match': etag })
    assert.equal(response.status, 304)
    assert.equal(await response.text(), '')
  })

  test('nothing else is served', async () => {
    for (const path of [
      '/server.ts',
      '/tenant.yaml',
      '/../server.ts',
      '/%2e%2e/server.ts',
      '/public/app.js',
      '/constructor',
      '/api/',
      '/api/constructor',
      '/api/videos/',
    ])
      assert.equal((await get(path)).status, 404, path)
    assert.equal((await fetch(example.url, { method: 'POST' })).status, 405)
    const wrong = await fetch(new URL('/api/me', example.url), { method: 'DELETE' })
    assert.deepEqual([wrong.status, wrong.headers.get('allow')], [405, 'GET'])
  })

  test('a taken port is an error that says so', async () => {
    const port = Number(new URL(example.url).port)
    await assert.rejects(startExample({ port, issuer }), { code: 'EADDRINUSE' })
  })

  after(() => assert.deepEqual(faults, []))
})
