import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { AUDIENCE, createSigner, ISSUER, NOW, nowSeconds, type Signer, signToken } from './testing/forge.ts'
import {
  allowAlgorithms,
  assertion,
  checkAssertion,
  importSecret,
  type VerificationCode,
  VerificationError,
  type VerificationKey,
  verifySignature,
} from './verify.ts'

const CLIENT = 'uploader'
const profile = assertion({
  types: ['jwt', undefined],
  issuer: CLIENT,
  subject: CLIENT,
  audiences: [ISSUER, `${ISSUER}oauth/token`],
  required: ['iss', 'sub', 'aud', 'exp', 'jti'],
  forbidden: ['response_type'],
  longestSeconds: 3600,
})
const honest = { iss: CLIENT, sub: CLIENT, aud: ISSUER, exp: nowSeconds + 60, jti: 'one' }
const allowed = allowAlgorithms(['ES256', 'HS256'])

describe('what a client signs', () => {
  let signer: Signer
  before(async () => {
    signer = await createSigner('ES256', 'k')
  })
  const judge = async (claims: object, header: object = { typ: 'JWT' }, options: Partial<typeof profile> = {}) => {
    const token = await signToken(signer, claims, header)
    const signed = await verifySignature(token, async () => [signer.key], allowed)
    return checkAssertion(signed, { ...profile, ...options }, NOW)
  }

  for (const [claims, why] of [
    [honest, 'as it should be'],
    [{ ...honest, aud: ['https://elsewhere.example/', `${ISSUER}oauth/token`] }, 'for several, one of them us'],
    [{ ...honest, iat: nowSeconds + 29 }, 'from a clock that is 29 seconds early'],
    [{ ...honest, exp: nowSeconds - 29 }, 'over for 29 seconds'],
    [{ ...honest, exp: nowSeconds + 3629 }, 'for an hour'],
    [{ ...honest, nbf: nowSeconds - 60, iat: nowSeconds - 60 }, 'with every time'],
  ] as const)
    test(`is taken ${why}`, async () => assert.equal((await judge(claims)).claims['jti'], 'one'))

  for (const [change, code, why] of [
    [{ iss: 'another' }, 'wrong_issuer', 'of another client'],
    [{ sub: 'another' }, 'invalid_claim', 'about another client'],
    [{ sub: undefined }, 'invalid_claim', 'about nobody'],
    [{ aud: AUDIENCE }, 'wrong_audience', 'for somebody else'],
    [{ aud: [] }, 'wrong_audience', 'for nobody'],
    [{ aud: undefined }, 'invalid_claim', 'that does not say for whom'],
    [{ aud: [ISSUER, 7] }, 'wrong_audience', 'for a number'],
    [{ exp: undefined }, 'invalid_claim', 'for ever'],
    [{ exp: String(nowSeconds + 60) }, 'invalid_claim', 'until a text'],
    [{ exp: nowSeconds - 30 }, 'expired', 'over'],
    [{ exp: nowSeconds + 3700 }, 'invalid_claim', 'for longer than an hour'],
    [{ nbf: nowSeconds - 3600, exp: nowSeconds + 60 }, 'invalid_claim', 'whose nbf and exp are too far apart'],
    [{ iat: nowSeconds + 40 }, 'not_yet_valid', 'from the future'],
    [{ nbf: nowSeconds + 40 }, 'not_yet_valid', 'for the future'],
    [{ iat: 'now' }, 'invalid_claim', 'from a text'],
    [{ jti: undefined }, 'invalid_claim', 'without a name'],
    [{ jti: '' }, 'invalid_claim', 'with an empty name'],
    [{ jti: 1 }, 'invalid_claim', 'with a number for a name'],
    [{ response_type: 'code' }, 'wrong_type', 'that is a request'],
  ] as [object, VerificationCode, string][])
    test(`is refused ${why}`, () =>
      assert.rejects(judge({ ...honest, ...change }), (error: unknown) => {
        assert.ok(error instanceof VerificationError)
        assert.equal(error.code, code)
        return true
      }))

  test('is refused with another type than the profile has', () =>
    assert.rejects(judge(honest, { typ: 'at+jwt' }), { code: 'wrong_type' }))

  test('is for one text alone where the profile says so', async () => {
    await judge(honest, { typ: 'JWT' }, { audienceIsText: true })
    await assert.rejects(judge({ ...honest, aud: [ISSUER] }, { typ: 'JWT' }, { audienceIsText: true }), {
      code: 'wrong_audience',
    })
  })

  test('with a secret is believed as its owner and nobody else', async () => {
    const secret = Buffer.from('a secret of thirty-two characters')
    const sign = (key: VerificationKey) =>
      signToken({ privateKey: secret, publicJwk: {}, key }, honest, { typ: 'JWT' }).then(token =>
        verifySignature(token, async () => key, allowed),
      )
    const own = await sign(await importSecret(secret, { alg: 'HS256', issuer: CLIENT }))
    assert.equal(checkAssertion(own, profile, NOW), own)
    for (const bound of [{ issuer: 'another' }, { audience: ISSUER }] as const) {
      const other = await sign(await importSecret(secret, { alg: 'HS256', ...bound }))
      assert.throws(() => checkAssertion(other, profile, NOW), { code: 'wrong_issuer' })
    }
  })
})

describe('a signer with several keys and no names for them', () => {
  test('is believed by any that fits, tried in turn, and by none of another algorithm', async () => {
    const [one, other, rsa] = await Promise.all([
      createSigner('ES256', 'one'),
      createSigner('ES256', 'other'),
      createSigner('RS256', 'rsa'),
    ])
    const token = await signToken(other, honest, { kid: undefined })
    const verify = (...keys: VerificationKey[]) => verifySignature(token, async () => keys, allowed)
    assert.equal((await verify(rsa.key, one.key, other.key)).key, other.key)
    await assert.rejects(verify(one.key), { code: 'bad_signature' })
    await assert.rejects(verify(rsa.key), { code: 'unknown_key' })
    await assert.rejects(verify(), { code: 'unknown_key' })
  })

  test('is not tried for as long as it has keys', async () => {
    const strangers = await Promise.all(Array.from({ length: 8 }, () => createSigner('ES256', 'k')))
    const signer = await createSigner('ES256', 'k')
    const token = await signToken(signer, honest)
    const keys = [...strangers.map(({ key }) => key), signer.key]
    await assert.rejects(
      verifySignature(token, async () => keys, allowed),
      { code: 'bad_signature' },
    )
  })
})
