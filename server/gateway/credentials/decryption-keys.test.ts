import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { before, describe, test } from 'node:test'
import { keySet } from '@latchkey/sdk/verify'
import { CompactEncrypt } from 'jose'
import { claims, createSigner, ISSUER, NOW, type Signer, signToken } from '../../../sdk/testing/forge.ts'
import { OperatorError } from '../../kernel/errors.ts'
import { Refused } from '../exchange.ts'
import type { EdgeIssuer } from '../issuers.ts'
import type { KeyFile } from '../plan.ts'
import { createTokenCache } from '../token-cache.ts'
import { createTokenReader } from './bearer.ts'
import { importDecryptionKeys } from './decryption-keys.ts'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const other = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })

const pem = (key: KeyObject): string => key.export({ format: 'pem', type: 'pkcs8' }) as string
const file = (key: KeyObject, kid: string | null = null, more: object = {}): KeyFile => {
  const isJwk = Object.keys(more).length > 0
  const text = isJwk ? JSON.stringify({ ...key.export({ format: 'jwk' }), ...more }) : pem(key)
  return { kid, text, file: 'api.pem' }
}

describe('an encrypted access token', () => {
  let signer: Signer
  let issuer: EdgeIssuer
  before(async () => {
    signer = await createSigner('ES256', 'k')
    issuer = {
      plan: { issuer: ISSUER, algorithms: ['ES256'] },
      keys: keySet([signer.key]),
      keysVersion: () => 0,
      revocations: null,
    } as unknown as EdgeIssuer
  })

  const encrypt = (text: string, key: KeyObject, header: object = {}): Promise<string> =>
    new CompactEncrypt(Buffer.from(text))
      .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', cty: 'JWT', ...header })
      .encrypt(key)

  const reader = async (...files: readonly KeyFile[]) => {
    const read = createTokenReader([issuer], createTokenCache(), await importDecryptionKeys(files))
    return async (token: string) => {
      try {
        return (await read(token, NOW)).claims['sub']
      } catch (error) {
        assert.ok(error instanceof Refused, String(error))
        return error.refusal.code
      }
    }
  }

  test('is opened with the API’s key, and is worth what is signed inside', async () => {
    const read = await reader(file(rsa.privateKey, 'first'), file(ec.privateKey, 'second'))
    const signed = await signToken(signer)
    assert.equal(await read(await encrypt(signed, rsa.publicKey, { kid: 'first' })), claims.sub)
    assert.equal(await read(await encrypt(signed, ec.publicKey, { kid: 'second', alg: 'ECDH-ES' })), claims.sub)
    assert.equal(await read(signed), claims.sub, 'one that is not encrypted is taken too')
    const forged = await signToken(await createSigner('ES256', 'k'))
    for (const inside of [forged, JSON.stringify(claims), 'a.b', `${signed}.x.y`])
      assert.equal(await read(await encrypt(inside, rsa.publicKey, { kid: 'first' })), 'invalid_token')
  })

  test('is known by what was sent, and every sending is another', async () => {
    const cache = createTokenCache()
    const read = createTokenReader([issuer], cache, await importDecryptionKeys([file(rsa.privateKey)]))
    const signed = await signToken(signer)
    const [one, two] = [await encrypt(signed, rsa.publicKey), await encrypt(signed, rsa.publicKey)]
    await read(one, NOW)
    assert.ok(!(read(one, NOW) instanceof Promise))
    assert.ok(read(two, NOW) instanceof Promise)
    await read(two, NOW)
    assert.equal(cache.size, 2)
  })

  test('that no key opens is refused, by a gateway with keys and by one without', async () => {
    const token = await encrypt(await signToken(signer), other.publicKey)
    assert.equal(await (await reader(file(rsa.privateKey)))(token), 'invalid_token')
    assert.equal(await (await reader())(token), 'invalid_token')
  })

  test('uses no other algorithm than the key’s own, where the key names one', async () => {
    const read = await reader(file(rsa.privateKey, null, { alg: 'RSA-OAEP-512' }))
    const signed = await signToken(signer)
    assert.equal(await read(await encrypt(signed, rsa.publicKey, { alg: 'RSA-OAEP-512' })), claims.sub)
    assert.equal(await read(await encrypt(signed, rsa.publicKey)), 'invalid_token')
  })

  test('needs a key that can open something, told apart from the others', async () => {
    const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
    const signing = generateKeyPairSync('ed25519').privateKey
    for (const files of [
      [file(small)],
      [file(signing)],
      [file(rsa.privateKey, null, { use: 'sig', alg: 'RS256' })],
      [file(rsa.privateKey), file(other.privateKey)],
      [file(rsa.privateKey, 'same'), file(other.privateKey, 'same')],
      [{ kid: null, text: pem(rsa.privateKey).slice(0, 200), file: 'api.pem' }],
    ])
      await assert.rejects(importDecryptionKeys(files), (error: unknown) => {
        assert.ok(error instanceof OperatorError, String(error))
        assert.ok(!error.message.includes('BEGIN'))
        return true
      })
  })
})
