/**
 * Tokens that are encrypted to an API, at an API that opens them with the SDK as any would: parts of two genuine ones
 * swapped, one for another API encrypted anew, what nobody signed, what is encrypted twice, and headers that ask for
 * less. Anybody has the public key, so that opening proves nothing.
 */
import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { remoteKeys } from '@latchkey/sdk/jwks'
import {
  accessToken,
  createVerifier,
  importDecryptionKey,
  type JWK,
  type VerificationCode,
  VerificationError,
  type Verifier,
} from '@latchkey/sdk/verify'
import { CompactEncrypt, compactDecrypt } from 'jose'
import { type RunningServer, startServer } from '../fixtures/server.ts'
import { API, askToken, claimsOf, MACHINE, tenantFile } from './stage.ts'

const OTHER_API = 'https://other.example/api'
const mine = generateKeyPairSync('rsa', { modulusLength: 2048 })
const others = generateKeyPairSync('rsa', { modulusLength: 2048 })

const encryptedTo = (key: KeyObject, kid: string) => ({
  format: 'compact-nested-jwe',
  encryption_key: { alg: 'RSA-OAEP-256', kid, pem: key.export({ format: 'pem', type: 'spki' }).toString() },
})

describe('An encrypted token', () => {
  let server: RunningServer
  let api: Verifier
  let genuine: string
  let signed: string

  before(async () => {
    server = await startServer({
      store: 'sqlite',
      tenantFile: {
        ...tenantFile,
        resourceServers: [
          { identifier: API, name: 'Videos', scopes: [], token_encryption: encryptedTo(mine.publicKey, 'videos') },
          {
            identifier: OTHER_API,
            name: 'Other',
            scopes: [],
            token_encryption: encryptedTo(others.publicKey, 'other'),
          },
        ],
        clientGrants: [API, OTHER_API].map(audience => ({ client_id: MACHINE.client_id, audience, scope: [] })),
      },
    })
    // One process serves both APIs, as a gateway does, and has both keys.
    const keys = Object.entries({ videos: mine, other: others }).map(([kid, { privateKey }]) =>
      importDecryptionKey(privateKey.export({ format: 'jwk' }) as JWK, { alg: 'RSA-OAEP-256', kid }),
    )
    api = createVerifier({
      keys: remoteKeys({ issuer: server.issuer, algorithms: ['RS256'] }),
      algorithms: ['RS256'],
      profile: accessToken({ issuer: server.issuer, audience: API }),
      decryptionKeys: await Promise.all(keys),
    })
    genuine = await issued(API)
    signed = await opened(genuine, mine.privateKey)
  })
  after(() => server?.close())

  const issued = async (audience: string): Promise<string> =>
    String((await askToken(server, { grant_type: 'client_credentials', ...MACHINE, audience })).json()['access_token'])
  const opened = async (token: string, key: KeyObject): Promise<string> =>
    Buffer.from((await compactDecrypt(token, key)).plaintext).toString()
  const encrypted = (text: string, kid = 'videos', key = mine.publicKey): Promise<string> =>
    new CompactEncrypt(Buffer.from(text))
      .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', cty: 'JWT', kid })
      .encrypt(key)
  const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

  const refuses = (token: string, ...codes: VerificationCode[]) =>
    assert.rejects(api(token), (error: unknown) => {
      assert.ok(error instanceof VerificationError && codes.includes(error.code), String(error))
      return true
    })

  test('passes as it was issued', async () => {
    assert.equal((await api(genuine)).claims.sub, 'machine@clients')
  })

  test('with a part of another genuine one is refused, whichever part', async () => {
    const [one, other] = [genuine.split('.'), (await issued(API)).split('.')]
    for (const place of [1, 2, 3, 4])
      await refuses(
        one.map((part, index) => (index === place ? String(other[place]) : part)).join('.'),
        'cannot_decrypt',
      )
  })

  test('of another API is none for this one, also encrypted anew, to its key and under its name', async () => {
    const theirs = await issued(OTHER_API)
    await refuses(theirs, 'wrong_audience')
    await refuses(await encrypted(await opened(theirs, others.privateKey)), 'wrong_audience')
    await refuses(await encrypted(signed, 'other'), 'cannot_decrypt')
  })

  test('is not believed for being encrypted: what is inside was signed by the issuer, or by nobody', async () => {
    const claims = claimsOf(signed)
    const [header, payload, signature] = signed.split('.')
    const unsigned = `${base64url({ alg: 'none', typ: 'at+jwt' })}.${base64url(claims)}.`
    await refuses(await encrypted(unsigned), 'malformed')
    await refuses(await encrypted(`${unsigned}AAAA`), 'algorithm_not_allowed')
    await refuses(await encrypted(JSON.stringify(claims)), 'malformed')
    const richer = base64url({ ...claims, sub: 'auth0|admin', scope: 'write:videos' })
    await refuses(await encrypted(`${header}.${richer}.${signature}`), 'bad_signature')
    await refuses(await encrypted(`${header}.${payload}.${randomBytes(256).toString('base64url')}`), 'bad_signature')
  })

  test('is encrypted once', async () => {
    await refuses(await encrypted(genuine), 'malformed')
    await refuses(await encrypted(await encrypted(signed)), 'malformed')
  })

  test('cannot ask to be opened in a cheaper, a dearer or an older way', async () => {
    const header = JSON.parse(Buffer.from(genuine.split('.')[0] ?? '', 'base64url').toString())
    for (const [asked, code] of [
      [{ alg: 'RSA1_5' }, 'algorithm_not_allowed'],
      [{ alg: 'dir' }, 'algorithm_not_allowed'],
      [{ alg: 'PBES2-HS512+A256KW', p2c: 2_000_000_000, p2s: 'c2FsdA' }, 'algorithm_not_allowed'],
      [{ enc: 'A128CBC-HS256' }, 'algorithm_not_allowed'],
      [{ zip: 'DEF' }, 'unsupported_header'],
      [{ crit: ['p2c'] }, 'unsupported_header'],
      [{ kid: 'nobody’s' }, 'unknown_key'],
      [{ cty: 'JOSE' }, 'wrong_type'],
    ] as const)
      await refuses([base64url({ ...header, ...asked }), ...genuine.split('.').slice(1)].join('.'), code)
    await refuses(`${genuine.slice(0, -20)}${'A'.repeat(20_000)}`, 'too_large')
  })
})
