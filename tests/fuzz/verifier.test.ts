/**
 * The verifier: no text makes it throw anything but its own refusal, and of a good token no change of a byte is taken. So it
 * is with tokens that are encrypted to its keys.
 */
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import fc from 'fast-check'
import { CompactEncrypt, exportJWK, generateKeyPair } from 'jose'
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
import {
  accessToken,
  createVerifier,
  importDecryptionKey,
  keySet,
  VerificationError,
  type Verifier,
} from '../../sdk/verify.ts'
import { jsonObject, mostly, text } from './arbitraries.ts'
import { assertHolds } from './budget.ts'

describe('The verifier', () => {
  let signer: Signer
  let token: string
  let encrypted: string
  let verify: Verifier
  before(async () => {
    signer = await createSigner('ES256', 'a-key')
    token = await signToken(signer)
    verify = createVerifier({
      keys: keySet([signer.key]),
      algorithms: ['ES256', 'RS256'],
      profile: accessToken({ issuer: ISSUER, audience: AUDIENCE }),
      clock: () => NOW,
      decryptionKeys: await Promise.all(
        (['ECDH-ES', 'RSA-OAEP-256'] as const).map(async alg => {
          const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
          const encryptor = new CompactEncrypt(Buffer.from(token))
          encrypted ??= await encryptor
            .setProtectedHeader({ alg, enc: 'A256GCM', cty: 'JWT', kid: 'opens' })
            .encrypt(publicKey)
          return importDecryptionKey(await exportJWK(privateKey), { alg, kid: 'opens' })
        }),
      ),
    })
  })

  const assertRefused = (said: string) => assert.rejects(verify(said), VerificationError, said.slice(0, 200))

  test('takes the token that all others here are made from', async () => {
    assert.equal((await verify(token)).claims.iss, ISSUER)
    assert.equal((await verify(encrypted)).claims.iss, ISSUER)
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

  test('refuses five parts of whatever they are', () =>
    assertHolds(
      fc.asyncProperty(
        jsonObject({
          alg: mostly('ECDH-ES', 'RSA-OAEP-256', 'dir'),
          enc: mostly('A256GCM', 'A128GCM'),
          cty: mostly('JWT'),
          kid: mostly('opens'),
          epk: fc.constantFrom<unknown>({ kty: 'EC', crv: 'P-256', x: 'AQ', y: 'Ag' }, {}, 7, null),
        }),
        mostly('', 'A'.repeat(342)),
        fc.uint8Array({ minLength: 1, maxLength: 80 }),
        (header, key, text) => {
          const [iv, tag] = [Buffer.alloc(12, 1), Buffer.alloc(16, 1)].map(base64url)
          return assertRefused([base64url(JSON.stringify(header)), key, iv, base64url(text), tag].join('.'))
        },
      ),
    ))

  test('refuses the token with any of its characters changed, taken out or added', () =>
    assertHolds(
      fc.asyncProperty(
        fc.nat(),
        fc.string({ unit: 'binary-ascii', maxLength: 2 }),
        fc.nat({ max: 2 }),
        async (where, instead, taken) => {
          for (const good of [token, encrypted]) {
            const at = where % good.length
            const changed = good.slice(0, at) + instead + good.slice(at + taken)
            if (changed !== good) await assertRefused(changed)
          }
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
