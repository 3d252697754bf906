import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { JWK } from 'jose'
import { remoteKeys } from './jwks.ts'
import { createSigner, type Signer } from './testing/forge.ts'
import { KeysUnavailableError } from './verify.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

type Answer = { status?: number; headers?: Record<string, string>; body?: string }

describe('keys of a remote issuer', () => {
  let server: Server
  let origin: string
  let one: Signer
  let two: Signer
  let asked: string[]
  let now: number
  let discovery: Answer
  let jwks: Answer

  const clock = () => now
  const publish = (...keys: JWK[]) => {
    jwks = { body: JSON.stringify({ keys }) }
  }
  const countSets = () => asked.filter(path => path === '/jwks').length
  const source = (options: object = {}) =>
    remoteKeys({ issuer: `${origin}/`, algorithms: ['ES256', 'RS256', 'PS256'], clock, ...options })
  const kid = (name: string) => ({ kid: name, alg: 'ES256' as const })

  before(async () => {
    ;[one, two] = await Promise.all([createSigner('ES256', 'one'), createSigner('ES256', 'two')])
    server = createServer((request, response) => {
      const path = request.url as string
      asked.push(path)
      const { status = 200, headers = {}, body = '' } = path === '/jwks' ? jwks : discovery
      response.writeHead(status, headers).end(body)
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })
  beforeEach(() => {
    asked = []
    now = 10 * HOUR
    discovery = { body: JSON.stringify({ issuer: `${origin}/`, jwks_uri: `${origin}/jwks` }) }
    publish(one.publicJwk)
  })

  test('nothing is fetched before the first token, and one fetch serves those that come together', async () => {
    const keys = source()
    assert.deepEqual(asked, [])
    const found = await Promise.all(Array.from({ length: 50 }, () => keys(kid('one'))))
    assert.ok(found.every(key => key?.kid === 'one'))
    assert.deepEqual(asked, ['/.well-known/openid-configuration', '/jwks'])
  })

  test('discovery that names another issuer is refused, the slash included', async () => {
    for (const issuer of [origin, `${origin}//`, 'https://id.example/', undefined, 1]) {
      discovery = { body: JSON.stringify({ issuer, jwks_uri: `${origin}/jwks` }) }
      await assert.rejects(source()(kid('one')), KeysUnavailableError)
    }
    assert.equal(countSets(), 0)
  })

  test('discovery cannot send us to an address that is not https', async () => {
    for (const jwks_uri of [
      'http://id.example/jwks',
      'file:///etc/passwd',
      'data:application/json,{}',
      '/jwks',
      undefined,
    ]) {
      discovery = { body: JSON.stringify({ issuer: `${origin}/`, jwks_uri }) }
      const addresses: string[] = []
      const watched: typeof fetch = (address, init) => {
        addresses.push(String(address))
        return fetch(address, init)
      }
      await assert.rejects(source({ fetch: watched })(kid('one')), KeysUnavailableError)
      assert.deepEqual(addresses, [`${origin}/.well-known/openid-configuration`])
    }
  })

  test('a key set that moved is found by asking discovery again', async () => {
    const keys = source()
    await keys(kid('one'))
    discovery = { body: JSON.stringify({ issuer: `${origin}/`, jwks_uri: `${origin}/moved` }) }
    jwks = { status: 410 }
    now += 6 * MINUTE
    assert.equal((await keys(kid('one')))?.kid, 'one')
    now += 30 * SECOND
    await keys(kid('one'))
    assert.deepEqual(asked.slice(2), ['/jwks', '/.well-known/openid-configuration', '/moved'])
  })

  test('a given jwks_uri is used without discovery', async () => {
    assert.equal((await source({ jwksUri: `${origin}/jwks` })(kid('one')))?.kid, 'one')
    assert.deepEqual(asked, ['/jwks'])
  })

  test('http is refused beyond this machine unless allowed', () => {
    for (const issuer of [
      'http://id.example/',
      'http://localhost.evil.example/',
      'http://127.0.0.1.evil.example/',
      'ftp://localhost/',
      'id.example',
      '',
    ])
      assert.throws(() => remoteKeys({ issuer, algorithms: ['RS256'] }), TypeError)
    remoteKeys({ issuer: 'http://id.example/', algorithms: ['RS256'], allowInsecure: true })
    remoteKeys({ issuer: 'http://localhost:4000/', algorithms: ['RS256'] })
    assert.throws(() => remoteKeys({ issuer: 'https://id.example/', algorithms: [] }), TypeError)
  })

  test('after a rotation the new key is found, and the old one is gone with the next set', async () => {
    const keys = source()
    await keys(kid('one'))
    publish(two.publicJwk)
    now += 31 * SECOND
    assert.equal((await keys(kid('two')))?.kid, 'two')
    assert.equal(await keys(kid('one')), undefined)
  })

  test('a withdrawn key stops counting when the set is no longer fresh, however long it was labelled', async () => {
    for (const [label, life] of [
      [undefined, 5 * MINUTE],
      ['max-age=600', 10 * MINUTE],
      ['public, max-age=86400', HOUR],
      ['max-age=1', MINUTE],
      ['no-store', MINUTE],
      ['s-maxage=7200', 5 * MINUTE],
    ] as const) {
      const because = label ?? 'no label'
      const keys = source()
      publish(one.publicJwk)
      if (label) jwks.headers = { 'cache-control': label }
      await keys(kid('one'))
      publish(two.publicJwk)
      now += life - 1
      assert.equal((await keys(kid('one')))?.kid, 'one', because)
      now += 1
      assert.equal(await keys(kid('one')), undefined, because)
    }
  })

  test('a flood of unknown kids costs the issuer one request in thirty seconds', async () => {
    const keys = source()
    await keys(kid('one'))
    now += 31 * SECOND
    const flood = () => Promise.all(Array.from({ length: 200 }, (_, index) => keys(kid(`x${index}`))))
    for (let round = 0; round < 5; round++) {
      assert.ok((await flood()).every(key => key === undefined))
      now += SECOND
    }
    assert.equal(countSets(), 2)
    assert.equal((await keys(kid('one')))?.kid, 'one')
    now += 30 * SECOND
    await flood()
    assert.equal(countSets(), 3)
  })

  test('while the issuer fails, the last good set serves for a day, asked after once in thirty seconds', async () => {
    const failures: Answer[] = [
      { status: 500 },
      { status: 404, body: '{"keys":[]}' },
      { status: 201, body: '{"keys":[]}' },
      { body: 'not json' },
      { body: '[]' },
      { body: '{}' },
      { body: '{"keys":{}}' },
      { status: 302, headers: { location: '/elsewhere' } },
      { body: `{"keys":[],"pad":"${'x'.repeat(257 * 1024)}"}` },
    ]
    for (const failure of failures) {
      const keys = source()
      publish(one.publicJwk)
      await keys(kid('one'))
      jwks = failure
      const before = countSets()
      now += 6 * MINUTE
      for (let second = 0; second < 30; second++, now += SECOND) assert.equal((await keys(kid('one')))?.kid, 'one')
      assert.equal(countSets(), before + 1, JSON.stringify(failure).slice(0, 60))
      now += 25 * HOUR
      await assert.rejects(keys(kid('one')), KeysUnavailableError)
      publish(two.publicJwk)
      now += SECOND
      assert.equal((await keys(kid('two')))?.kid, 'two')
    }
    assert.ok(!asked.includes('/elsewhere'))
  })

  test('an unknown kid while the issuer fails is unknown, and spoils nothing', async () => {
    const keys = source()
    await keys(kid('one'))
    jwks = { status: 500 }
    now += 31 * SECOND
    assert.equal(await keys(kid('two')), undefined)
    assert.equal((await keys(kid('one')))?.kid, 'one')
  })

  test('a service started before its issuer recovers within a second, without asking for every token', async () => {
    const keys = source()
    discovery = { status: 503 }
    for (let attempt = 0; attempt < 20; attempt++) await assert.rejects(keys(kid('one')), KeysUnavailableError)
    assert.equal(asked.length, 1)
    discovery = { body: JSON.stringify({ issuer: `${origin}/`, jwks_uri: `${origin}/jwks` }) }
    now += SECOND
    assert.equal((await keys(kid('one')))?.kid, 'one')
  })

  test('two keys with one kid are refused, and the set before them stays', async () => {
    const keys = source()
    const first = await keys(kid('one'))
    publish(one.publicJwk, { ...two.publicJwk, kid: 'one' })
    now += 6 * MINUTE
    assert.equal(await keys(kid('one')), first)
    await assert.rejects(source()(kid('one')), KeysUnavailableError)
  })

  test('keys that cannot verify are passed over: secret, private, short, for encryption, of unknown type', async () => {
    const secret = { kty: 'oct', k: Buffer.alloc(32).toString('base64url'), kid: 'secret' }
    const broken: unknown[] = [
      null,
      'one',
      1,
      {},
      secret,
      { ...secret, alg: 'RS256' },
      { ...two.publicJwk, kid: 'private', d: two.publicJwk.x },
      { ...two.publicJwk, kid: 'enc', use: 'enc' },
      { ...two.publicJwk, kid: 7 },
      { kty: 'RSA', kid: 'short', n: 'AQAB', e: 'AQAB' },
      { kty: 'XYZ', kid: 'new' },
    ]
    publish(...(broken as JWK[]), one.publicJwk)
    const keys = source({ algorithms: ['ES256', 'RS256', 'HS256'] })
    assert.equal((await keys(kid('one')))?.kid, 'one')
    assert.equal((await keys({ kid: undefined, alg: 'ES256' }))?.kid, 'one')
    assert.equal(await keys({ kid: 'secret', alg: 'HS256' }), undefined)
    for (const name of ['private', 'enc', 'short', 'new']) {
      assert.equal(await keys(kid(name)), undefined)
      assert.equal(await keys({ kid: name, alg: 'RS256' }), undefined)
    }
  })

  test('a key without alg serves the allowed algorithms of its type and no other', async () => {
    const { alg: _, ...bare } = (await createSigner('RS256', 'bare')).publicJwk
    publish(bare)
    const keys = source({ algorithms: ['RS256', 'ES256'] })
    assert.equal((await keys({ kid: 'bare', alg: 'RS256' }))?.alg, 'RS256')
    assert.equal(await keys({ kid: 'bare', alg: 'PS256' }), undefined)
    assert.equal(await keys({ kid: 'bare', alg: 'ES256' }), undefined)
  })

  test('an empty set is an answer: the issuer has withdrawn every key', async () => {
    const keys = source()
    await keys(kid('one'))
    publish()
    now += 6 * MINUTE
    assert.equal(await keys(kid('one')), undefined)
  })

  describe('that was told its keys', () => {
    test('fetches nothing while they are fresh, and answers the new ones and no others at once', async () => {
      const keys = source()
      publish(two.publicJwk)
      await keys.take({ keys: [one.publicJwk] })
      assert.equal((await keys(kid('one')))?.kid, 'one')
      await keys.take({ keys: [two.publicJwk] })
      assert.equal((await keys(kid('two')))?.kid, 'two')
      now += 4 * MINUTE
      await keys.take({ keys: [two.publicJwk] })
      now += 4 * MINUTE
      assert.equal((await keys(kid('two')))?.kid, 'two')
      assert.deepEqual(asked, [])
      assert.equal(await keys(kid('one')), undefined)
    })

    test('has another version whenever they change, and only then', async () => {
      const keys = source()
      await keys.take({ keys: [one.publicJwk] })
      const first = keys.version
      await keys.take({ keys: [one.publicJwk] })
      assert.equal(keys.version, first)
      await keys.take({ keys: [one.publicJwk, two.publicJwk] })
      assert.ok(keys.version > first)
      const second = keys.version
      now += 6 * MINUTE
      await keys(kid('one'))
      assert.ok(keys.version > second, 'fetched keys that differ are others too')
    })

    test('is not led back by an older set from a cache, which a stranger’s kid made it fetch', async () => {
      const keys = source()
      publish(one.publicJwk)
      await keys.take({ keys: [two.publicJwk] })
      assert.equal(await keys(kid('made up')), undefined)
      assert.equal(countSets(), 1)
      assert.equal((await keys(kid('two')))?.kid, 'two')
      now += 31 * SECOND
      assert.equal((await keys(kid('one')))?.kid, 'one', 'a set that holds what was asked for is a newer one')
    })

    test('goes on asking the issuer once nobody tells it any more', async () => {
      const keys = source()
      await keys.take({ keys: [two.publicJwk] })
      now += 6 * MINUTE
      assert.equal((await keys(kid('one')))?.kid, 'one')
    })

    test('keeps what it had when it is told nonsense', async () => {
      const keys = source()
      await keys.take({ keys: [one.publicJwk] })
      for (const nonsense of [{}, { keys: 'one' }, { keys: [one.publicJwk, { ...two.publicJwk, kid: 'one' }] }])
        await assert.rejects(keys.take(nonsense))
      assert.equal((await keys(kid('one')))?.kid, 'one')
    })
  })

  test('a revoked key does not come back with a set that still holds it, told or fetched', async () => {
    const keys = source()
    publish(one.publicJwk, two.publicJwk)
    await keys(kid('one'))
    const before = keys.version
    keys.forget('one')
    assert.ok(keys.version > before)
    const isGone = async () => assert.equal(await keys(kid('one')), undefined)
    await isGone()
    now += 6 * MINUTE
    await isGone()
    await keys.take({ keys: [one.publicJwk, two.publicJwk] })
    await isGone()
    assert.equal((await keys(kid('two')))?.kid, 'two')
  })

  test('an issuer that never answers is given up', async context => {
    context.mock.method(AbortSignal, 'timeout', (milliseconds: number) => {
      assert.equal(milliseconds, 5000)
      return AbortSignal.abort(new DOMException('given up', 'TimeoutError'))
    })
    await assert.rejects(source()(kid('one')), KeysUnavailableError)
  })
})
