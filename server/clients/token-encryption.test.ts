import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, test } from 'node:test'
import { anApi } from '../../tests/fixtures/records.ts'
import type { JsonObject, JsonValue } from '../kernel/json.ts'
import { tokenEncryptionFault } from './token-encryption.ts'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = rsa.publicKey.export({ format: 'pem', type: 'spki' }).toString()
const jwk = rsa.publicKey.export({ format: 'jwk' }) as JsonObject
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }) as JsonObject
const withKey = (key: JsonValue): JsonValue => ({ format: 'compact-nested-jwe', encryption_key: key })

describe('the key that an API’s tokens are encrypted to', () => {
  const encryptionOf = (value: JsonValue) => anApi({ token_encryption: value }).encryption

  test('comes in PEM or as a JWK, named by itself or from outside', () => {
    const { kty, n, e } = jwk
    for (const [key, kid] of [
      [{ alg: 'RSA-OAEP-256', pem, name: 'The videos’' }, null],
      [{ alg: 'RSA-OAEP-256', pem, kid: 'videos' }, 'videos'],
      [{ alg: 'RSA-OAEP-256', jwk: { ...jwk, kid: 'own', use: 'enc', alg: 'RSA-OAEP-256' } }, 'own'],
      [{ alg: 'RSA-OAEP-256', jwk: { ...jwk, kid: 'own' }, kid: 'videos', pem: null }, 'videos'],
    ] as [JsonObject, string | null][]) {
      assert.equal(tokenEncryptionFault(withKey(key), 'token_encryption'), undefined)
      assert.deepEqual(encryptionOf(withKey(key)), { alg: 'RSA-OAEP-256', kid, jwk: { kty, n, e } })
    }
    const agreed = encryptionOf({ encryption_key: { alg: 'ECDH-ES', jwk: ec } })
    assert.deepEqual(agreed, { alg: 'ECDH-ES', kid: null, jwk: ec })
    assert.equal(anApi().encryption, null)
    assert.equal(encryptionOf(null), null)
  })

  const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' }) as JsonObject
  const secret = rsa.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  for (const [what, value, sentence] of [
    ['of no form', 'RSA', /must be a mapping/],
    ['of another format', { format: 'jwe', encryption_key: { alg: 'RSA-OAEP-256', pem } }, /format must be compact/],
    ['that is not there', { format: 'compact-nested-jwe' }, /encryption_key is missing/],
    ['for no algorithm', withKey({ pem }), /alg must be one of RSA-OAEP-256, /],
    ['for a padding that tells', withKey({ alg: 'RSA1_5', pem }), /alg must be one of/],
    ['in no form', withKey({ alg: 'RSA-OAEP-256' }), /needs a public key/],
    ['in two forms', withKey({ alg: 'RSA-OAEP-256', pem, jwk }), /and not both/],
    ['that is private', withKey({ alg: 'RSA-OAEP-256', pem: secret }), /private key, and now known/],
    ['that is private as a JWK', withKey({ alg: 'RSA-OAEP-256', jwk: { ...jwk, d: 'AQAB' } }), /private or secret/],
    ['that is a secret', withKey({ alg: 'RSA-OAEP-256', jwk: { kty: 'oct', k: 'AQAB' } }), /private or secret/],
    ['that is none', withKey({ alg: 'RSA-OAEP-256', pem: 'x' }), /pem cannot be read/],
    ['of another type', withKey({ alg: 'RSA-OAEP-256', jwk: ec }), /not a key of the type of RSA-OAEP-256/],
    ['of another type in PEM', withKey({ alg: 'ECDH-ES', pem }), /not a key of the type of ECDH-ES/],
    ['that is short', withKey({ alg: 'RSA-OAEP-256', jwk: short }), /modulus of 1024 bits/],
    ['with the exponent 1', withKey({ alg: 'RSA-OAEP-256', jwk: { ...jwk, e: 'AQ' } }), /exponent|cannot be read/],
    ['off its curve', withKey({ alg: 'ECDH-ES', jwk: { ...ec, x: ec['y'] ?? null } }), /cannot be read/],
    ['with a name that is no text', withKey({ alg: 'RSA-OAEP-256', pem, kid: 7 }), /kid that is not text/],
  ] as const)
    test(`is refused ${what}, and a setting from before encrypts nothing by it`, () => {
      const fault = tokenEncryptionFault(value, 'token_encryption') ?? assert.fail('nobody minded')
      assert.match(fault, sentence)
      assert.match(fault, /^token_encryption/)
      assert.equal(encryptionOf(value), null)
    })
})
