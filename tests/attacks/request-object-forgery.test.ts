/**
 * Requests that a client signs, in other hands: signed by nobody, by somebody else or with what everybody knows, made
 * for another place or time, or left somewhere that nobody registered. What is refused is never half believed: the
 * error goes to where the parameters beside the object say, if that is the client's, and to a page otherwise.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { makeClientKey, signJws } from '../fixtures/client-assertion.ts'
import { type RunningServer, startServer } from '../fixtures/server.ts'
import { createTestClock } from '../fixtures/test-clock.ts'
import {
  ANN,
  authorizePath,
  CALLBACK,
  CookieJarBrowser,
  challengeOf,
  queryOf,
  SPA,
  signIn,
  tenantFile,
  VERIFIER,
} from './stage.ts'

const keys = {
  mine: makeClientKey('ES256', 'mine'),
  rsa: makeClientKey('RS256', 'rsa'),
  pss: makeClientKey('PS256', 'pss'),
  edwards: makeClientKey('EdDSA', 'edwards'),
  other: makeClientKey(),
}
const SECRET = 'the secret of one that signs, long enough'
const client = (client_id: string, rest: object) => ({
  client_id,
  name: client_id,
  app_type: 'regular_web',
  client_secret: SECRET,
  callbacks: [CALLBACK],
  jwks: { keys: [keys.mine.jwk, keys.rsa.jwk, keys.pss.jwk, keys.edwards.jwk] },
  ...rest,
})

describe('A request object, on sqlite', () => {
  const clock = createTestClock()
  let server: RunningServer
  let ann: CookieJarBrowser
  /** What stands at every address of the host, and which were asked for. */
  let published = ''
  let asked: string[] = []
  const host = createServer((request, response) => {
    asked.push(String(request.url))
    if (request.url === '/away') response.writeHead(302, { location: '/registered' }).end()
    else response.end(published)
  })
  let at = ''

  before(async () => {
    host.listen(0, '127.0.0.1')
    await once(host, 'listening')
    at = `http://127.0.0.1:${(host.address() as AddressInfo).port}`
    const clients = [
      ...tenantFile.clients,
      client('signing', { request_uris: [`${at}/registered#v1`, `${at}/away`, 'http://169.254.169.254/latest'] }),
      client('pinned', { request_object_signing_alg: 'ES256' }),
      client('demanding', { signed_request_object: { required: true } }),
      client('another', { jwks: { keys: [keys.other.jwk] } }),
      client('keyless', { jwks: undefined }),
    ]
    server = await startServer({
      store: 'sqlite',
      clock: clock.now,
      tenantFile: { ...tenantFile, clients },
      environment: { LATCHKEY_EGRESS_ALLOW: '127.0.0.1' },
    })
    ann = new CookieJarBrowser(server)
    await signIn(ann, ANN)
  })
  after(async () => {
    await server?.close()
    host.close()
  })

  const seconds = () => Math.floor(clock.now() / 1000)
  /** Honest unless it is changed; undefined leaves a claim out. */
  const claims = (changes: object = {}, client_id = 'signing') => ({
    iss: client_id,
    aud: server.issuer,
    exp: seconds() + 60,
    nbf: seconds(),
    client_id,
    response_type: 'code',
    redirect_uri: CALLBACK,
    scope: 'openid',
    state: 'signed',
    code_challenge: challengeOf(VERIFIER),
    code_challenge_method: 'S256',
    ...changes,
  })
  const beside = (client_id = 'signing') => ({
    client_id,
    response_type: 'code',
    scope: 'openid',
    redirect_uri: CALLBACK,
  })

  async function ask(parameters: Readonly<Record<string, string | undefined>>, more = '') {
    const { status, location, body } = await ann.get(`/authorize?${queryOf(parameters)}${more}`)
    const told = location?.startsWith(`${CALLBACK}?`) ? new URL(location).searchParams : undefined
    if (!told)
      return {
        status,
        location,
        error: /invalid_|start_again|redirect_uri_m\w+/.exec(body)?.[0],
        code: null,
        state: null,
      }
    return { status, location, error: told.get('error'), code: told.get('code'), state: told.get('state') }
  }

  const askSigned = (object: string, client_id = 'signing') => ask({ ...beside(client_id), request: object })

  test('that is honest is answered, whichever key and typ it is signed with', async () => {
    for (const [key, typ] of [
      [keys.mine, 'oauth-authz-req+jwt'],
      [keys.mine, 'OAuth-AuthZ-Req+JWT'],
      [keys.mine, 'application/oauth-authz-req+jwt'],
      [keys.rsa, 'JWT'],
      [keys.edwards, 'jwt'],
      [keys.pss, undefined],
    ] as const) {
      const object = signJws(key, claims(), { typ })
      const { code, state, error } = await askSigned(object)
      assert.ok(code !== null, `${key.alg} ${typ}: ${error}`)
      assert.equal(state, 'signed')
    }
    const several = signJws(keys.mine, claims({ aud: ['https://somebody.example/', server.issuer] }))
    assert.ok((await askSigned(several)).code)
    for (const left of [{ iss: undefined, aud: undefined, exp: undefined, nbf: undefined }, { client_id: undefined }])
      assert.ok((await askSigned(signJws(keys.mine, claims(left)))).code)
  })

  const publicPem = () => keys.rsa.pem
  const forged: Readonly<Record<string, () => string>> = {
    'with HMAC over the public key': () => signJws(publicPem(), claims(), { kid: 'rsa' }),
    'with HMAC over the public key as JWK': () => signJws(JSON.stringify(keys.rsa.jwk), claims(), { kid: 'rsa' }),
    'with HMAC over the client’s secret': () => signJws(SECRET, claims()),
    'with HMAC over nothing': () => signJws('', claims()),
    'by another client': () => signJws(keys.other, claims()),
    'by another client under this one’s kid': () => signJws(keys.other, claims(), { kid: 'mine' }),
    'by a key that it brings along': () => signJws(keys.other, claims(), { jwk: keys.other.jwk, kid: undefined }),
    'by a key at an address that it names': () => signJws(keys.other, claims(), { jku: `${at}/keys` }),
    'with a header that changes what is signed': () => signJws(keys.mine, claims(), { crit: ['b64'], b64: false }),
    'by one algorithm and said to be by another': () => signJws(keys.mine, claims(), { alg: 'RS256', kid: 'rsa' }),
    'and changed afterwards': () => {
      const [header, , signature] = signJws(keys.mine, claims()).split('.')
      return [
        header,
        Buffer.from(JSON.stringify(claims({ scope: 'openid email' }))).toString('base64url'),
        signature,
      ].join('.')
    },
    'with a signature of zeros': () => signJws(keys.mine, claims()).replace(/[^.]+$/, 'A'.repeat(86)),
    'without its signature': () => signJws(keys.mine, claims()).replace(/[^.]+$/, ''),
    'for another issuer': () => signJws(keys.mine, claims({ aud: 'https://other.example/' })),
    'for the token endpoint': () => signJws(keys.mine, claims({ aud: `${server.issuer}oauth/token` })),
    'for nobody': () => signJws(keys.mine, claims({ aud: [] })),
    'in the name of another client': () => signJws(keys.mine, claims({ iss: 'another' })),
    'for another client': () => signJws(keys.mine, claims({ client_id: 'another' })),
    'for two clients': () => signJws(keys.mine, claims({ client_id: ['signing', 'another'] })),
    'and expired': () => signJws(keys.mine, claims({ exp: seconds() - 31 })),
    'with an endless expiry': () =>
      signJws(keys.mine, claims()).replace(/\.[^.]+\./, `.${Buffer.from('{"exp":1e999}').toString('base64url')}.`),
    'with an expiry that is text': () => signJws(keys.mine, claims({ exp: '9999999999' })),
    'and not valid yet': () => signJws(keys.mine, claims({ nbf: seconds() + 62 })),
    'as a client assertion': () => signJws(keys.mine, claims({ sub: 'signing' })),
    'as an access token': () => signJws(keys.mine, claims(), { typ: 'at+jwt' }),
    'as a logout token': () => signJws(keys.mine, claims({ events: {} }), { typ: 'logout+jwt' }),
    'with another object in it': () => signJws(keys.mine, claims({ request: 'x' })),
    'with another’s address in it': () => signJws(keys.mine, claims({ request_uri: `${at}/registered#v1` })),
    'beyond measure': () => signJws(keys.mine, claims({ anything: 'x'.repeat(16_000) })),
    'encrypted, as five parts': () => 'a.b.c.d.e',
    'and no JWT at all': () => 'x',
  }
  for (const [how, make] of Object.entries(forged))
    test(`signed ${how} is refused`, async () => {
      const { error, code, state } = await askSigned(make())
      assert.deepEqual([error, code, state], ['invalid_request_object', null, null])
    })

  test('within the skew of a clock is taken', async () => {
    for (const changes of [{ exp: seconds() - 20 }, { nbf: seconds() + 8 }])
      assert.ok((await askSigned(signJws(keys.mine, claims(changes)))).code)
  })

  test('that nobody signed is refused by its name, or as no object at all', async () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    for (const signature of ['', 'AAAA']) {
      const object = `${part({ alg: 'none' })}.${part(claims())}.${signature}`
      assert.equal((await askSigned(object)).error, 'request_not_supported')
      const alone = await ask({ client_id: 'signing', redirect_uri: CALLBACK, request: object })
      assert.deepEqual([alone.error, alone.code], ['invalid_request_object', null])
    }
    for (const alg of ['None', 'NONE', 'nOnE', '', null])
      assert.equal((await askSigned(`${part({ alg })}.${part(claims())}.AAAA`)).error, 'invalid_request_object')
  })

  test('by another algorithm than the one a client is pinned to is refused', async () => {
    assert.ok((await askSigned(signJws(keys.mine, claims({}, 'pinned')), 'pinned')).code)
    const other = await askSigned(signJws(keys.rsa, claims({}, 'pinned')), 'pinned')
    assert.deepEqual([other.error, other.code], ['invalid_request_object', null])
  })

  test('of a client without keys, or of a public one, is refused', async () => {
    for (const client_id of ['keyless', SPA.client_id]) {
      const { error, code } = await askSigned(signJws(keys.mine, claims({}, client_id)), client_id)
      assert.deepEqual([error, code], ['invalid_request_object', null])
    }
  })

  test('that leads elsewhere is not followed, nor is its error', async () => {
    const elsewhere = signJws(keys.mine, claims({ redirect_uri: 'https://evil.example/' }))
    const signed = await askSigned(elsewhere)
    assert.deepEqual([signed.status, signed.location], [400, undefined])
    const unsigned = await ask({ ...beside(), redirect_uri: 'https://evil.example/', request: 'x' })
    assert.deepEqual([unsigned.status, unsigned.location], [400, undefined])
  })

  test('counts before what stands beside it', async () => {
    const { location, state } = await ask({
      ...beside(),
      redirect_uri: 'https://evil.example/',
      state: 'beside',
      response_mode: 'fragment',
      request: signJws(keys.mine, claims({ response_mode: 'query' })),
    })
    assert.ok(location?.startsWith(`${CALLBACK}?`), String(location))
    assert.equal(state, 'signed')
  })

  test('of a client that has to sign is the whole request, and so it is without openid beside it', async () => {
    const without = { state: undefined, redirect_uri: undefined }
    const evil = { state: 'evil', redirect_uri: CALLBACK }
    const strict = await ask({
      ...beside('demanding'),
      ...evil,
      request: signJws(keys.mine, claims({ state: undefined }, 'demanding')),
    })
    assert.ok(strict.code)
    assert.equal(strict.state, null)
    const alone = await ask({
      client_id: 'signing',
      ...evil,
      request: signJws(keys.mine, claims({ state: undefined })),
    })
    assert.deepEqual([alone.code !== null, alone.state], [true, null])
    const nowhere = await ask({ client_id: 'signing', ...evil, request: signJws(keys.mine, claims(without)) })
    assert.deepEqual([nowhere.status, nowhere.location], [400, undefined])
  })

  test('is demanded of a client that has to sign, by every way', async () => {
    const plain = await ask({ ...beside('demanding'), nonce: 'n' })
    assert.deepEqual([plain.error, plain.code], ['invalid_request', null])
    const pushed = async (form: Record<string, string>) =>
      (await ann.post('/oauth/par', { client_id: 'demanding', client_secret: SECRET, ...form })).json()
    assert.equal((await pushed(beside('demanding')))['error'], 'invalid_request')
    const { request_uri } = await pushed({ request: signJws(keys.mine, claims({}, 'demanding')) })
    const answered = await ask({ client_id: 'demanding', request_uri: String(request_uri), state: 'evil' })
    assert.ok(answered.code)
    assert.equal(answered.state, 'signed')
  })

  test('that is pushed is refused there, as JSON', async () => {
    for (const request of [signJws(keys.other, claims()), signJws(keys.mine, claims({ exp: seconds() - 60 })), 'x']) {
      const { status, json } = await ann.post('/oauth/par', { client_id: 'signing', client_secret: SECRET, request })
      assert.deepEqual([status, json()['error']], [400, 'invalid_request_object'])
    }
  })

  test('is never fetched from where nobody registered it, whatever the address looks like', async () => {
    published = signJws(keys.mine, claims())
    for (const uri of [
      `${at}/other`,
      `${at}/registered`,
      `${at}/registered#v2`,
      `${at}/registered?x#v1`,
      `${at}/./registered#v1`,
      `${at.replace('127.0.0.1', 'localhost')}/registered#v1`,
      `${at.replace('http:', 'HTTP:')}/registered#v1`,
      'file:///etc/passwd',
      'data:,x',
      '//127.0.0.1/registered',
    ]) {
      asked = []
      const { error, code } = await ask({ ...beside(), request_uri: uri })
      assert.deepEqual([error, code, asked], ['invalid_request_uri', null, []], uri)
    }
    assert.equal((await ask({ ...beside('pinned'), request_uri: `${at}/registered#v1` })).error, 'invalid_request_uri')
    assert.deepEqual(asked, [])
  })

  test('is fetched without its fragment from where it is registered, and checked like any', async () => {
    asked = []
    published = `${signJws(keys.mine, claims())}\n`
    const answered = await ask({ ...beside(), request_uri: `${at}/registered#v1` })
    assert.ok(answered.code, String(answered.error))
    assert.equal(answered.state, 'signed')
    assert.deepEqual(asked, ['/registered'])
    for (const [content, told] of [
      [signJws(keys.other, claims()), 'invalid_request_object'],
      ['{}', 'invalid_request_object'],
      ['x'.repeat(100_000), 'invalid_request_uri'],
    ] as const) {
      published = content
      assert.equal((await ask({ ...beside(), request_uri: `${at}/registered#v1` })).error, told)
    }
  })

  test('is not fetched from a private address, nor from where a registered one leads', async () => {
    published = signJws(keys.mine, claims())
    for (const uri of ['http://169.254.169.254/latest', `${at}/away`]) {
      asked = []
      const { error, code } = await ask({ ...beside(), request_uri: uri })
      assert.deepEqual([error, code], ['invalid_request_uri', null], uri)
      assert.ok(!asked.includes('/registered'))
    }
  })

  test('and its address at once, or twice, are not chosen from', async () => {
    const object = signJws(keys.mine, claims())
    const both = await ask({ ...beside(), request: object, request_uri: `${at}/registered#v1` })
    assert.deepEqual([both.error, both.code], ['invalid_request', null])
    const twice = await ask({ ...beside(), request: object }, `&request=${object}`)
    assert.deepEqual([twice.error, twice.code], ['invalid_request', null])
  })

  test('of one tenant is not for another, though client and key are the same', async () => {
    await server.latchkey.operate('tenants create', { name: 'Other', issuer: 'https://other.example/' })
    const { error, code } = await askSigned(signJws(keys.mine, claims({ aud: 'https://other.example/' })))
    assert.deepEqual([error, code], ['invalid_request_object', null])
    assert.equal((await ann.get(authorizePath())).status, 303)
  })
})
