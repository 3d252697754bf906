import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type AlgorithmName, KeysUnavailableError, VerificationError } from '@latchkey/sdk/verify'
import { importPKCS8, SignJWT } from 'jose'
import { createSigner, type Signer, signToken } from '../../sdk/testing/forge.ts'
import { aClient, NOW } from '../../tests/fixtures/records.ts'
import { createEgress } from '../http/egress.ts'
import type { JsonObject, JsonValue } from '../kernel/json.ts'
import { silentLog } from '../kernel/log.ts'
import { DAY, HOUR, MINUTE, SECOND } from '../kernel/seconds.ts'
import { createClientKeys } from './client-keys.ts'
import type { Client } from './metadata.ts'
import { CLIENT_KEY_ALGORITHMS } from './public-keys.ts'

/** Stands still until it is told to go on: intervals are counted to the millisecond here. */
function stillClock() {
  let now = NOW
  return {
    now: () => now,
    advance: (milliseconds: number) => {
      now += milliseconds
    },
  }
}

const bare = ({ publicJwk: { kid: _kid, alg: _alg, use: _use, ...jwk } }: Signer): JsonObject => jwk as JsonObject
const named = (signer: Signer): JsonObject => signer.publicJwk as JsonObject
const withKeys = (...keys: JsonObject[]): Client => aClient({ jwks: { keys } })

let one: Signer
let other: Signer
let rsa: Signer
before(async () => {
  ;[one, other, rsa] = await Promise.all([
    createSigner('ES256', 'one'),
    createSigner('ES256', 'other'),
    createSigner('RS256', 'rsa'),
  ])
})

describe('keys that a client registered', () => {
  const clock = stillClock()
  const keys = createClientKeys({ egress: createEgress(), clock: clock.now, log: silentLog })
  const verify = async (client: Client, signer: Signer, header: object = {}, algorithms?: AlgorithmName[]) =>
    keys.verify(client, await signToken(signer, { iss: 'app' }, header), algorithms ?? CLIENT_KEY_ALGORITHMS)
  const refuses = (promise: Promise<unknown>, code: string) =>
    assert.rejects(promise, (error: unknown) => error instanceof VerificationError && error.code === code)

  for (const alg of CLIENT_KEY_ALGORITHMS)
    test(`verify ${alg}`, async () => {
      const signer = await createSigner(alg, alg)
      assert.equal((await verify(withKeys(named(rsa), named(signer)), signer)).header.alg, alg)
    })

  test('with names are found by name, and by none', async () => {
    const client = withKeys(named(one), named(other))
    assert.equal((await verify(client, other)).key.kid, 'other')
    assert.equal((await verify(client, other, { kid: undefined })).key.kid, 'other')
    await refuses(verify(client, other, { kid: 'one' }), 'bad_signature')
    await refuses(verify(client, other, { kid: 'nobody' }), 'unknown_key')
  })

  test('without names are tried, whatever the name', async () => {
    const client = withKeys(bare(one), bare(other), bare(rsa))
    for (const kid of [undefined, 'other', 'whatever'])
      assert.equal((await verify(client, other, { kid })).key.kid, undefined)
    await refuses(verify(withKeys(bare(one)), other), 'bad_signature')
  })

  test('one key serves each algorithm of its type unless it names its own', async () => {
    const signer = await createSigner('PS256', 'k')
    await verify(withKeys(bare(signer)), signer)
    await refuses(verify(withKeys({ ...bare(signer), alg: 'RS256' }), signer), 'unknown_key')
    await refuses(verify(withKeys({ ...bare(signer), use: 'enc' }), signer), 'unknown_key')
  })

  test('verify none but the algorithms asked for', () =>
    refuses(verify(withKeys(named(one)), one, {}, ['RS256']), 'algorithm_not_allowed'))

  test('of a client that has none verify nothing', () => refuses(verify(aClient(), one), 'unknown_key'))

  test('that are for requests alone verify those, and what it signs otherwise does not', async () => {
    const made = (id: string) => {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const pem = publicKey.export({ format: 'pem', type: 'spki' }) as string
      return { id, pem, key: privateKey.export({ format: 'pem', type: 'pkcs8' }) as string }
    }
    const [proof, request] = [made('cred_1'), made('cred_2')]
    const metadata = {
      client_authentication_methods: { private_key_jwt: { credentials: [{ id: proof.id }] } },
      signed_request_object: { required: true, credentials: [{ id: request.id }] },
    }
    const credentials = [proof, request].map(({ id, pem }) => ({ id, pem, kid: id }))
    const client = aClient(metadata, { credentials })
    const signedBy = async ({ key }: { key: string }) =>
      new SignJWT({ iss: 'app' }).setProtectedHeader({ alg: 'ES256' }).sign(await importPKCS8(key, 'ES256'))
    const only = client.requestObject.keys
    assert.equal((await keys.verify(client, await signedBy(request), ['ES256'], only)).key.kid, 'cred_2')
    assert.equal((await keys.verify(client, await signedBy(proof), ['ES256'])).key.kid, 'cred_1')
    await refuses(keys.verify(client, await signedBy(proof), ['ES256'], only), 'bad_signature')
    await refuses(keys.verify(client, await signedBy(request), ['ES256']), 'bad_signature')
    // Named by ids that came along without their keys, they are nobody's.
    const without = aClient(metadata)
    await refuses(keys.verify(without, await signedBy(request), ['ES256'], without.requestObject.keys), 'unknown_key')
    assert.equal(aClient({ signed_request_object: { required: true } }).requestObject.keys, null)
  })

  test('in PEM until a date are good until then', async () => {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const privateKey = await importPKCS8(pair.privateKey.export({ format: 'pem', type: 'pkcs8' }) as string, 'ES256')
    const pem = pair.publicKey.export({ format: 'pem', type: 'spki' }) as string
    const expires_at = new Date(clock.now() + HOUR).toISOString()
    const client = aClient({
      client_authentication_methods: { private_key_jwt: { credentials: [{ pem, expires_at }] } },
    })
    await verify(client, { ...one, privateKey })
    clock.advance(HOUR)
    await refuses(verify(client, { ...one, privateKey }), 'unknown_key')
  })
})

describe('keys that a client publishes', () => {
  let listener: RequestListener
  let asked = 0
  const server = createServer((request, response) => {
    asked += 1
    listener(request, response)
  })
  let uri = ''
  let client: Client
  let count = 0
  const clock = stillClock()
  const keys = createClientKeys({ egress: createEgress({ allow: ['127.0.0.1'] }), clock: clock.now, log: silentLog })
  before(async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  after(() => server.close())
  beforeEach(() => {
    asked = 0
    count += 1
    uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${count}`
    client = aClient({ jwks_uri: uri })
    publish(named(one))
  })

  const answer = (body: string, headers: Record<string, string> = {}) => {
    listener = (_request, response) => response.writeHead(200, headers).end(body)
  }
  const publish = (...published: JsonValue[]) => answer(JSON.stringify({ keys: published }))
  const fail = () => {
    listener = (_request, response) => response.writeHead(500).end()
  }
  const verify = async (signer: Signer, header: object = {}) =>
    keys.verify(client, await signToken(signer, { iss: 'app' }, header), CLIENT_KEY_ALGORITHMS)
  const isRefused = (signer: Signer, header?: object) => assert.rejects(verify(signer, header), VerificationError)

  test('are asked for once by all that wait, and kept', async () => {
    await Promise.all(Array.from({ length: 20 }, () => verify(one)))
    await verify(one)
    assert.equal(asked, 1)
  })

  test('are asked for again when they are old, or at once when something is signed with a new one', async () => {
    await verify(one)
    clock.advance(5 * MINUTE)
    await verify(one)
    assert.equal(asked, 2)
    publish(named(one), named(other))
    clock.advance(5 * SECOND)
    await Promise.all(Array.from({ length: 20 }, () => verify(other)))
    assert.equal(asked, 3)
  })

  test('that changed without a name, or under the same one, are found too', async () => {
    publish(bare(one))
    await verify(one, { kid: undefined })
    publish(bare(other))
    clock.advance(5 * SECOND)
    await verify(other, { kid: undefined })
    await isRefused(one, { kid: undefined })
    publish({ ...named(one), kid: 'same' })
    clock.advance(5 * SECOND)
    await verify(one, { kid: 'same' })
    publish({ ...named(other), kid: 'same' })
    clock.advance(5 * SECOND)
    await verify(other, { kid: 'same' })
  })

  test('are not asked for more than once in five seconds, however much strangers sign', async () => {
    await verify(one)
    for (let i = 0; i < 30; i += 1) await isRefused(other, { kid: `stranger-${i}` })
    assert.equal(asked, 1)
    clock.advance(5 * SECOND)
    for (let i = 0; i < 30; i += 1) await isRefused(other, { kid: `stranger-${i}` })
    assert.equal(asked, 2)
  })

  test('are believed for a day while their URL fails, which is asked only now and then', async () => {
    await verify(one)
    fail()
    clock.advance(HOUR)
    for (let i = 0; i < 10; i += 1) await verify(one)
    assert.equal(asked, 2)
    clock.advance(DAY)
    await assert.rejects(verify(one), KeysUnavailableError)
    publish(named(one))
    await assert.rejects(verify(one), KeysUnavailableError)
    clock.advance(5 * SECOND)
    await verify(one)
    assert.equal(asked, 4)
  })

  test('count for as long as their answer says, between a minute and an hour', async () => {
    for (const [cacheControl, kept] of [
      ['max-age=120', 2 * MINUTE],
      ['no-store', MINUTE],
      ['max-age=1', MINUTE],
      ['public, max-age=999999999', HOUR],
    ] as const) {
      const before = asked
      answer(JSON.stringify({ keys: [named(one)] }), { 'cache-control': cacheControl })
      clock.advance(HOUR)
      await verify(one)
      clock.advance(kept - 1)
      await verify(one)
      assert.equal(asked, before + 1, cacheControl)
      clock.advance(1)
      await verify(one)
      assert.equal(asked, before + 2, cacheControl)
    }
  })

  test('that are weak, private or secret are passed over', async () => {
    const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' }) as JsonObject
    publish(null, 7, { kty: 'oct', k: 'c2VjcmV0' }, short, { ...named(other), d: 'AQ' }, named(one))
    await verify(one)
    await isRefused(other)
  })

  for (const body of ['', '[]', '{}', '{"keys":{}}', '{"keys":[],"keys":[]}', '<html>', 'x'.repeat(70_000)])
    test(`that are no key set (${body.slice(0, 20)}) are none`, async () => {
      answer(body)
      await assert.rejects(verify(one), KeysUnavailableError)
    })

  test('are not fetched from where nobody may be sent', async () => {
    client = aClient({ jwks_uri: 'https://169.254.169.254/latest/meta-data' })
    await assert.rejects(verify(one), KeysUnavailableError)
    client = aClient({ jwks_uri: 'http://keys.example/' })
    await assert.rejects(verify(one), KeysUnavailableError)
    assert.equal(asked, 0)
  })

  test('at a new URL are the ones that count', async () => {
    await verify(one)
    client = aClient({ jwks_uri: `${uri}/new` })
    publish(named(other))
    await verify(other)
    await isRefused(one)
  })
})
