import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, test } from 'node:test'
import { makeCertificate } from '../../tests/fixtures/certificate.ts'
import type { JsonObject, JsonValue } from '../kernel/json.ts'
import { credentialsFault, keyFault, keySetFault, readRegisteredKeys } from './public-keys.ts'

const jwkOf = (pair: { publicKey: { export(options: { format: 'jwk' }): object } }): JsonObject =>
  pair.publicKey.export({ format: 'jwk' }) as JsonObject
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const short = generateKeyPairSync('rsa', { modulusLength: 1024 })
const pem = (key: typeof ec.publicKey) => key.export({ format: 'pem', type: 'spki' }) as string

describe('a key may be registered', () => {
  for (const [jwk, why] of [
    [jwkOf(ec), 'of a curve'],
    [jwkOf(rsa), 'RSA of 2048 bits'],
    [jwkOf(generateKeyPairSync('ed25519')), 'Ed25519'],
    [jwkOf(generateKeyPairSync('x25519')), 'to encrypt with'],
    [{ ...jwkOf(ec), kid: 'k', use: 'enc', alg: 'ECDH-ES', 'x-vendor': {} }, 'for another use'],
    [{ kty: 'of the future', whatever: 1 }, 'of a type nobody knows yet'],
  ] as [JsonObject, string][])
    test(why, () => assert.equal(keyFault(jwk), undefined))
})

describe('a key is refused', () => {
  for (const [jwk, why] of [
    [{ ...jwkOf(ec), d: 'AQAB' }, 'with its private part'],
    [ec.privateKey.export({ format: 'jwk' }) as JsonObject, 'that is private'],
    [{ kty: 'oct', k: 'c2VjcmV0' }, 'that is a secret'],
    [{ kty: 'of the future', d: 'x' }, 'of an unknown type with a private part'],
    [jwkOf(short), 'RSA of 1024 bits'],
    [{ ...jwkOf(rsa), e: 'AQ' }, 'with the exponent 1'],
    [{ ...jwkOf(rsa), e: Buffer.alloc(255, 255).toString('base64url') }, 'with an exponent that takes too long'],
    [{ ...jwkOf(rsa), n: 'x' }, 'with a modulus of nothing'],
    [{ ...jwkOf(rsa), n: Buffer.alloc(2000, 255).toString('base64url') }, 'RSA that takes too long'],
    [{ ...jwkOf(ec), y: jwkOf(ec)['x'] }, 'not on its curve'],
    [{ kty: 'EC' }, 'without members'],
    [{ kty: 7 }, 'with a number for a type'],
    [{ ...jwkOf(ec), kid: 7 }, 'with a number for a name'],
    [{ ...jwkOf(ec), kid: 'k'.repeat(256) }, 'with an endless name'],
    ['a key', 'that is text'],
    [null, 'that is nothing'],
  ] as [JsonValue, string][])
    test(why, () => assert.match(keyFault(jwk) ?? '', /./))
})

test('a key set is a list of one to twenty', () => {
  assert.equal(keySetFault({ keys: [jwkOf(ec)] }, 'jwks'), undefined)
  for (const set of [{}, { keys: [] }, { keys: {} }, [], 'x', { keys: Array(21).fill(jwkOf(ec)) }, { keys: [1] }])
    assert.match(keySetFault(set as JsonValue, 'jwks') ?? '', /^jwks (must|holds)/)
})

describe('Auth0’s credentials', () => {
  const read = (...credentials: JsonObject[]) => {
    assert.equal(credentialsFault(credentials, 'credentials'), undefined)
    return readRegisteredKeys(undefined, credentials)
  }

  test('are a public key or a certificate in PEM, for an algorithm, until a date', () => {
    const [key, certificate] = read(
      { name: 'one', credential_type: 'public_key', pem: pem(rsa.publicKey), alg: 'PS256', kid: 'k' },
      { pem: makeCertificate('app.example').cert, expires_at: '2030-01-01T00:00:00.000Z' },
    )
    assert.deepEqual(key, { jwk: { ...jwkOf(rsa), alg: 'PS256', kid: 'k' }, expiresAt: null })
    assert.equal(certificate?.jwk.crv, 'P-256')
    assert.equal(certificate?.expiresAt, Date.parse('2030-01-01'))
  })

  test('of an export, which are ids alone, stay and are no keys', () => assert.deepEqual(read({ id: 'cred_1' }), []))

  for (const [credentials, why] of [
    [{}, 'no list'],
    [['x'], 'a text'],
    [[{ pem: 'nonsense' }], 'nonsense'],
    [[{ pem: pem(short.publicKey) }], 'a short key'],
    [[{ pem: ec.privateKey.export({ format: 'pem', type: 'pkcs8' }) as string }], 'a private key'],
    [[{ pem: pem(rsa.publicKey), alg: 'HS256' }], 'a public key as a secret'],
    [[{ pem: pem(rsa.publicKey), alg: 'none' }], 'no algorithm'],
    [[{ pem: pem(rsa.publicKey), expires_at: 'soon' }], 'a date that is none'],
    [[{ pem: 7 }], 'a number'],
  ] as [JsonValue, string][])
    test(`are refused: ${why}`, () => assert.match(credentialsFault(credentials, 'credentials') ?? '', /^credentials /))
})
