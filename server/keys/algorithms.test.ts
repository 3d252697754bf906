import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { compactVerify, importJWK, type JWK } from 'jose'
import { randomKey } from '../kernel/secrets.ts'
import {
  fromBytes,
  type PairAlgorithm,
  publicJwk,
  SIGNING_ALGORITHMS,
  signingAlgorithm,
  toBytes,
} from './algorithms.ts'
import { createSigner, signJwt } from './signer.ts'

const PAIRS = [...SIGNING_ALGORITHMS.values()].filter(row => row.kind === 'pair')

const EXPECTED: Record<string, { members: string[]; kty: string }> = {
  RS256: { kty: 'RSA', members: ['n', 'e'] },
  PS256: { kty: 'RSA', members: ['n', 'e'] },
  ES256: { kty: 'EC', members: ['crv', 'x', 'y'] },
  EdDSA: { kty: 'OKP', members: ['crv', 'x'] },
  'ML-DSA-44': { kty: 'AKP', members: ['pub'] },
}

describe('each signing algorithm', () => {
  test('is in the table once, RS256 first', () => {
    assert.deepEqual([...SIGNING_ALGORITHMS.keys()], [...Object.keys(EXPECTED), 'HS256'])
  })

  for (const row of PAIRS) {
    test(`${row.name} makes a pair whose signature an independent library verifies, also after the key was stored`, async () => {
      const { publicKey, privateKey } = await row.generate()
      const stored = fromBytes(row, toBytes(privateKey))
      const signer = createSigner({ kid: 'k', algorithm: row.name }, stored, async () => {})
      const token = await signJwt({ header: { typ: 'at+jwt' }, claims: { sub: 'someone', exp: 2 } }, signer)

      const jwk = publicJwk(row, publicKey, 'k')
      const { payload, protectedHeader } = await compactVerify(token, await importJWK({ ...jwk } as JWK, row.name))
      assert.deepEqual(protectedHeader, { alg: row.name, typ: 'at+jwt', kid: 'k' })
      assert.deepEqual(JSON.parse(Buffer.from(payload).toString()), { sub: 'someone', exp: 2 })
    })

    test(`${row.name} publishes the public members and not one more`, async () => {
      const { publicKey, privateKey } = await row.generate()
      const jwk = publicJwk(row, publicKey, 'k')
      assert.deepEqual(Object.keys(jwk), ['kid', 'kty', 'alg', 'use', ...(EXPECTED[row.name]?.members ?? [])])
      assert.equal(jwk['kty'], EXPECTED[row.name]?.kty)
      assert.equal(jwk['alg'], row.name)
      assert.equal(jwk['use'], 'sig')
      // Handed the wrong half by mistake, it still publishes the public one only.
      assert.deepEqual(publicJwk(row, privateKey, 'k'), jwk)
    })
  }

  test('RSA keys have the 2048 bits of RFC 7518', async () => {
    for (const name of ['RS256', 'PS256']) {
      const { publicKey } = await (signingAlgorithm(name) as PairAlgorithm).generate()
      assert.equal(publicKey.asymmetricKeyDetails?.modulusLength, 2048)
    }
  })

  test('a stored key of another algorithm is refused', async () => {
    const rsa = signingAlgorithm('RS256') as PairAlgorithm
    const bytes = toBytes((await rsa.generate()).privateKey)
    assert.throws(() => fromBytes(signingAlgorithm('ES256'), bytes), TypeError)
    assert.throws(() => fromBytes(signingAlgorithm('HS256'), randomKey().subarray(1)), TypeError)
  })

  test('a name without a row is refused, those of Object.prototype and "none" among them', () => {
    for (const name of ['none', 'HS512', 'rs256', '', 'constructor', '__proto__'])
      assert.throws(() => signingAlgorithm(name), TypeError)
  })
})
