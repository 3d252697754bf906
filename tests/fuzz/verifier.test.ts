/** The verifier: no text makes it throw anything but its own refusal, and of a good token no change of a byte is taken. */
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import fc from 'fast-check'
import {
  AUDIENCE,
  base64url,
  claims,
  createSigner,
  ISSUER,
  NOW,
  type Signer,
  signToken,
} from '../../sdk/testing/forge.ts'
import { accessToken, createVerifier, keySet, VerificationError, type Verifier } from '../../sdk/verify.ts'
import { jsonObject, mostly, text } from './arbitraries.ts'
import { assertHolds } from './budget.ts'

describe('The verifier', () => {
  let signer: Signer
  let token: string
  let verify: Verifier
  before(async () => {
    signer = await createSigner('ES256', 'a-key')
    token = await signToken(signer)
    verify = createVerifier({
      keys: keySet([signer.key]),
      algorithms: ['ES256', 'RS256'],
      profile: accessToken({ issuer: ISSUER, audience: AUDIENCE }),
      clock: () => NOW,
    })
  })

  const assertRefused = (said: string) => assert.rejects(verify(said), VerificationError, said.slice(0, 200))

  test('takes the token that all others here are made from', async () => {
    assert.equal((await verify(token)).claims.iss, ISSUER)
  })

  test('refuses any text', () => assertHolds(fc.asyncProperty(text(), assertRefused)))

  test('refuses three parts of whatever they are, signed by nobody', () =>
    assertHolds(
      fc.asyncProperty(
        jsonObject({ alg: mostly('ES256', 'none', 'HS256'), kid: mostly('a-key'), typ: mostly('at+jwt', 'JWT') }),
        jsonObject({ iss: fc.constant(ISSUER), aud: fc.constant(AUDIENCE), exp: fc.integer() }),
        fc.uint8Array({ maxLength: 80 }),
        (header, payload, signature) =>
          assertRefused([JSON.stringify(header), JSON.stringify(payload), signature].map(base64url).join('.')),
      ),
    ))

  test('refuses the token with any of its characters changed, taken out or added', () =>
    assertHolds(
      fc.asyncProperty(
        fc.nat(),
        fc.string({ unit: 'binary-ascii', maxLength: 2 }),
        fc.nat({ max: 2 }),
        async (where, instead, taken) => {
          const at = where % token.length
          const changed = token.slice(0, at) + instead + token.slice(at + taken)
          if (changed !== token) await assertRefused(changed)
        },
      ),
    ))

  test('takes or refuses what its own key signed, and throws nothing else', () =>
    assertHolds(
      fc.asyncProperty(
        jsonObject(Object.fromEntries(Object.entries(claims).map(([name, value]) => [name, fc.constant(value)]))),
        jsonObject({ typ: mostly('at+jwt', 'JWT', 'logout+jwt') }),
        async (payload, { typ = 'at+jwt' }: { typ?: unknown }) => {
          try {
            const verified = await verify(await signToken(signer, payload, { typ }))
            assert.equal(verified.claims.iss, ISSUER)
            assert.ok([verified.claims.aud].flat().includes(AUDIENCE))
          } catch (error) {
            assert.ok(error instanceof VerificationError, `${(error as Error).stack}`)
          }
        },
      ),
    ))
})
