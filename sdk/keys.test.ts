import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { exportJWK, exportSPKI, generateKeyPair, type JWK } from 'jose'
import { ALGORITHMS, fits } from './algorithms.ts'
import { createSigner } from './testing/forge.ts'
import { type AlgorithmName, importPublicKey, importSecret } from './verify.ts'

describe('a key is refused when it is made, not when a token arrives', () => {
  let rsa: JWK
  let ec: JWK
  before(async () => {
    rsa = (await createSigner('RS256', 'k')).publicJwk
    ec = (await createSigner('ES256', 'k')).publicJwk
  })

  const refusesKey = async (jwk: unknown, alg?: string) =>
    assert.rejects(importPublicKey(jwk as JWK, alg as AlgorithmName), TypeError)

  test('missing or empty', async () => {
    for (const jwk of [
      undefined,
      null,
      {},
      [],
      '',
      { kty: 'RSA' },
      { kty: 'RSA', n: '', e: '' },
      { kty: 'EC', crv: 'P-256' },
    ]) {
      await refusesKey(jwk, 'RS256')
      await refusesKey(jwk, 'ES256')
    }
  })

  test('of another type, curve, algorithm or use', async () => {
    await refusesKey(rsa, 'ES256')
    await refusesKey(rsa, 'RS384')
    await refusesKey(rsa, 'none')
    await refusesKey(ec, 'RS256')
    await refusesKey({ ...ec, alg: undefined }, 'ES384')
    await refusesKey({ ...rsa, use: 'enc' }, 'RS256')
    await refusesKey({ ...rsa, key_ops: ['encrypt'] }, 'RS256')
    await refusesKey({ ...rsa, key_ops: 'verify' }, 'RS256')
  })

  test('a secret offered as a public key, and a public key offered for an HMAC', async () => {
    await refusesKey({ kty: 'oct', k: Buffer.alloc(32, 7).toString('base64url') }, 'HS256')
    await refusesKey({ kty: 'oct', k: Buffer.alloc(32, 7).toString('base64url'), alg: 'RS256' }, 'RS256')
    for (const alg of ['HS256', 'HS384', 'HS512']) await refusesKey({ ...rsa, alg }, alg)
  })

  test('a private key', async () => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true })
    await refusesKey({ ...(await exportJWK(privateKey)), alg: 'ES256' })
  })

  test('an RSA modulus under 2048 bits, and an exponent under which anybody signs', async () => {
    const pair = await crypto.subtle.generateKey(
      { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]) },
      true,
      ['sign', 'verify'],
    )
    await refusesKey(await exportJWK(pair.publicKey), 'RS256')
    await refusesKey({ ...rsa, e: 'AQ' }, 'RS256')
    await refusesKey({ ...rsa, e: 'AAAB' }, 'RS256')
    await refusesKey({ ...rsa, e: 'Ag' }, 'RS256')
  })

  test('a point that is not on the curve', async () => {
    await refusesKey({ ...ec, y: ec.x as string }, 'ES256')
  })

  test('an AKP key that does not name its parameter set', async () => {
    const { alg: _, ...bare } = (await createSigner('ML-DSA-44', 'k')).publicJwk
    await refusesKey(bare, 'ML-DSA-44')
  })

  test('a secret that is missing, empty, short, a string, or bound to nothing', async () => {
    const audience = 'https://api.example/'
    for (const secret of [undefined, null, '', 'x'.repeat(64), [], new Uint8Array(), new Uint8Array(31), rsa])
      await assert.rejects(importSecret(secret as Uint8Array, { alg: 'HS256', audience }), TypeError)
    await assert.rejects(importSecret(new Uint8Array(63), { alg: 'HS512', audience }), TypeError)
    await assert.rejects(importSecret(new Uint8Array(32), { alg: 'HS256', audience: '' }), TypeError)
    await assert.rejects(importSecret(new Uint8Array(32), { alg: 'RS256' as 'HS256', audience }), TypeError)
  })

  test('a secret that is the text of a public key', async () => {
    const { publicKey } = await generateKeyPair('RS256', { extractable: true })
    const spki = await exportSPKI(publicKey)
    for (const text of [spki, `\n  ${spki}`, `\u0000${spki}`, JSON.stringify(rsa), ` ${JSON.stringify(ec)}`])
      await assert.rejects(importSecret(Buffer.from(text), { alg: 'HS256', audience: 'a' }), TypeError)
  })
})

test('a JWK fits the rows of its own type, curve, algorithm and use', () => {
  const fitting = (jwk: JWK) => [...ALGORITHMS.values()].filter(row => fits(jwk, row)).map(({ name }) => name)
  assert.deepEqual(fitting({ kty: 'EC', crv: 'P-256' }), ['ES256'])
  assert.deepEqual(fitting({ kty: 'EC', crv: 'P-521', alg: 'ES512', use: 'sig', key_ops: ['verify'] }), ['ES512'])
  assert.deepEqual(fitting({ kty: 'OKP', crv: 'Ed25519' }), ['EdDSA', 'Ed25519'])
  assert.deepEqual(fitting({ kty: 'RSA' }), ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'])
  assert.deepEqual(fitting({ kty: 'RSA', alg: 'PS384' }), ['PS384'])
  for (const jwk of [
    { kty: 'EC', crv: 'secp256k1' },
    { kty: 'OKP', crv: 'X25519' },
    { kty: 'RSA', alg: 'RSA-OAEP' },
    { kty: 'RSA', alg: 'ES256' },
    { kty: 'RSA', alg: '' },
    { kty: 'RSA', use: 'enc' },
    { kty: 'RSA', key_ops: ['sign'] },
    { kty: 'RSA', key_ops: 'verify' as unknown as string[] },
    { kty: 'rsa' },
  ])
    assert.deepEqual(fitting(jwk), [], JSON.stringify(jwk))
})
