import assert from 'node:assert/strict'
import { createSecretKey, generateKeyPairSync } from 'node:crypto'
import { describe, test } from 'node:test'
import { jwtVerify } from 'jose'
import { randomKey } from '../kernel/secrets.ts'
import { createSigner, type SignedClaims, signJwt } from './signer.ts'

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const ES256 = { kid: 'k', algorithm: 'ES256' } as const
const noted = async () => {}

describe('a signer', () => {
  test('hands out no token before its expiry is on record', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const asked: number[] = []
    const signer = createSigner(ES256, privateKey, expiresAt => {
      asked.push(expiresAt)
      return promise
    })
    let token: string | undefined
    const signing = signJwt({ header: { typ: 'JWT' }, claims: { exp: 1_700_000_000 } }, signer).then(made => {
      token = made
    })
    await new Promise(done => setTimeout(done, 30))
    assert.equal(token, undefined)
    assert.deepEqual(asked, [1_700_000_000_000])
    resolve()
    await signing
    assert.equal(typeof token, 'string')
  })

  test('hands out no token when its expiry cannot be recorded', async () => {
    const signer = createSigner(ES256, privateKey, () => Promise.reject(new Error('the store is away')))
    await assert.rejects(signJwt({ header: { typ: 'JWT' }, claims: { exp: 1 } }, signer), /the store is away/)
  })

  test('names its own algorithm and key, whatever the caller adds to the header', async () => {
    const header = { typ: 'JWT', alg: 'none', kid: 'other', jwk: {} }
    const token = await signJwt({ header, claims: { exp: 1 } }, createSigner(ES256, privateKey, noted))
    const decoded = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())
    assert.deepEqual(decoded, { alg: 'ES256', typ: 'JWT', kid: 'k' })
  })

  test('refuses a token that does not end, or not at a whole second', async () => {
    const signer = createSigner(ES256, privateKey, noted)
    for (const exp of [undefined, null, Number.NaN, Number.POSITIVE_INFINITY, 1.5, '1'])
      await assert.rejects(
        signJwt({ header: { typ: 'JWT' }, claims: { exp } as unknown as SignedClaims }, signer),
        TypeError,
      )
  })

  test('keeps every character of a claim', async () => {
    const claims = { name: '김하늘 "\\ 🔑', exp: 9_999_999_999 }
    const token = await signJwt({ header: { typ: 'JWT' }, claims }, createSigner(ES256, privateKey, noted))
    assert.deepEqual((await jwtVerify(token, publicKey)).payload, claims)
  })

  test('an HS256 secret signs what the same secret verifies', async () => {
    const secret = randomKey()
    const signer = createSigner({ kid: 's', algorithm: 'HS256' }, createSecretKey(secret), noted)
    const token = await signJwt({ header: { typ: 'JWT' }, claims: { exp: 9_999_999_999 } }, signer)
    await jwtVerify(token, secret, { algorithms: ['HS256'] })
    await assert.rejects(jwtVerify(token, randomKey(), { algorithms: ['HS256'] }))
  })
})
