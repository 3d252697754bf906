import assert from 'node:assert/strict'
import { generateKeyPairSync, publicEncrypt, randomBytes } from 'node:crypto'
import { before, describe, test } from 'node:test'
import { CompactEncrypt, type CryptoKey, exportJWK, generateKeyPair, type JWK } from 'jose'
import { ENCRYPTION_ALGORITHMS } from './encryption.ts'
import { AUDIENCE, base64url, claims, createSigner, ISSUER, NOW, type Signer, signToken } from './testing/forge.ts'
import {
  accessToken,
  type ContentEncryption,
  createVerifier,
  type DecryptionKey,
  decryptionKeySet,
  decryptToken,
  type EncryptionAlgorithm,
  importDecryptionKey,
  isEncrypted,
  keySet,
  type VerificationCode,
  VerificationError,
} from './verify.ts'

interface Pair {
  readonly publicKey: CryptoKey
  readonly privateJwk: JWK
  readonly opens: DecryptionKey
}

async function createPair(alg: EncryptionAlgorithm, kid?: string): Promise<Pair> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const privateJwk = await exportJWK(privateKey)
  return {
    publicKey,
    privateJwk,
    opens: await importDecryptionKey(privateJwk, { alg, ...(kid !== undefined && { kid }) }),
  }
}

/** Encrypts well, whatever is inside, with whatever header. */
async function encrypt(
  inner: string | Uint8Array,
  { publicKey, opens }: Pair,
  header: Record<string, unknown> = {},
): Promise<string> {
  const all = { alg: opens.alg, enc: 'A256GCM', cty: 'JWT', typ: 'at+jwt', kid: opens.kid, ...header }
  const definite = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
  const encryptor = new CompactEncrypt(typeof inner === 'string' ? Buffer.from(inner) : inner)
  return encryptor.setProtectedHeader(definite as { alg: string; enc: string }).encrypt(publicKey)
}

/** For this reason, and in words that hold nothing of the token. */
const refuses = (work: Promise<unknown>, code: VerificationCode, what: string = code) =>
  assert.rejects(
    work,
    (error: unknown) => {
      assert.ok(error instanceof VerificationError, String(error))
      assert.equal(error.code, code, what)
      assert.match(error.message, /^[\x20-\x7e]+$/)
      assert.equal(error.cause, undefined)
      return true
    },
    what,
  )

/** With another header than it was encrypted under. */
const withHeader = (token: string, header: string | object): string =>
  [base64url(typeof header === 'string' ? header : JSON.stringify(header)), ...token.split('.').slice(1)].join('.')
const headerOf = (token: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())
const withPart = (token: string, place: number, part: string): string =>
  token
    .split('.')
    .map((one, index) => (index === place ? part : one))
    .join('.')

describe('an encrypted token', () => {
  let signer: Signer
  let signed: string
  let rsa: Pair
  let ec: Pair
  before(async () => {
    signer = await createSigner('ES256', 'sig')
    signed = await signToken(signer)
    rsa = await createPair('RSA-OAEP-256', 'api')
    ec = await createPair('ECDH-ES', 'agreed')
  })
  const profile = accessToken({ issuer: ISSUER, audience: AUDIENCE })
  const verifier = (decryptionKeys: readonly DecryptionKey[], contentEncryption?: readonly ContentEncryption[]) =>
    createVerifier({
      ...{ keys: keySet([signer.key]), algorithms: ['ES256'] as const, profile, decryptionKeys, clock: () => NOW },
      ...(contentEncryption && { contentEncryption }),
    })

  for (const alg of ENCRYPTION_ALGORITHMS.keys() as IterableIterator<EncryptionAlgorithm>)
    test(`${alg} opens to the signed token inside, and one flipped bit of any part does not`, async () => {
      const pair = await createPair(alg, 'k')
      const token = await encrypt(signed, pair)
      assert.equal(isEncrypted(token), true)
      assert.equal(await decryptToken(token, [pair.opens]), signed)
      const verified = await verifier([pair.opens])(token)
      assert.deepEqual([verified.claims.sub, verified.header.kid], [claims.sub, 'sig'])

      for (const place of [1, 2, 3, 4]) {
        const part = Buffer.from(token.split('.')[place] ?? '', 'base64url')
        if (part.length === 0) continue
        for (const at of [0, part.length - 1]) {
          const changed = Buffer.from(part)
          changed[at] = (changed[at] ?? 0) ^ 1
          await refuses(decryptToken(withPart(token, place, base64url(changed)), [pair.opens]), 'cannot_decrypt')
        }
      }
    })

  test('of other content encryptions is opened where they are named, and not elsewhere', async () => {
    for (const enc of ['A128GCM', 'A256CBC-HS512', 'A128CBC-HS256'] as const) {
      const token = await encrypt(signed, ec, { enc })
      await refuses(decryptToken(token, [ec.opens]), 'algorithm_not_allowed')
      assert.equal((await verifier([ec.opens], [enc])(token)).claims.sub, claims.sub)
    }
    await refuses(verifier([ec.opens], ['A128GCM'])(await encrypt(signed, ec)), 'algorithm_not_allowed')
  })

  test('is five parts to whom has no key for any, and a signed one passes whoever has one', async () => {
    const token = await encrypt(signed, rsa)
    const verify = createVerifier({ keys: keySet([signer.key]), algorithms: ['ES256'], profile, clock: () => NOW })
    await refuses(verify(token), 'malformed')
    assert.equal((await verifier([rsa.opens])(signed)).claims.sub, claims.sub)
    for (const text of ['', 'a.b.c', 'a.b.c.d', 'a.b.c.d.e.f', '.'.repeat(20_000)])
      assert.equal(isEncrypted(text), false)
    await refuses(verifier([rsa.opens])(undefined as unknown as string), 'malformed')
  })

  test('that opens is worth what its signature is: anybody can encrypt to a public key', async () => {
    const stranger = await createSigner('ES256', 'sig')
    const verify = verifier([rsa.opens])
    await refuses(verify(await encrypt(await signToken(stranger), rsa)), 'bad_signature')
    const elsewhere = await signToken(signer, { ...claims, aud: 'https://other.example/api' })
    await refuses(
      verify(await encrypt(elsewhere, rsa)),
      'wrong_audience',
      'a token of another API, encrypted to this one',
    )
    const unsigned = `${base64url('{"alg":"none"}')}.${base64url(JSON.stringify(claims))}.`
    await refuses(verify(await encrypt(unsigned, rsa)), 'malformed')
    await refuses(verify(await encrypt(`${unsigned}AA`, rsa)), 'algorithm_not_allowed')
    await refuses(verify(await encrypt(JSON.stringify(claims), rsa)), 'malformed')
  })

  test('that is encrypted twice is refused, whichever keys there are', async () => {
    const twice = await encrypt(await encrypt(signed, ec), rsa)
    await refuses(verifier([rsa.opens, ec.opens])(twice), 'malformed')
    await refuses(decryptToken(twice, [rsa.opens]), 'malformed', 'nor is it handed on')
    await refuses(verifier([ec.opens])(await encrypt(await encrypt(signed, ec), ec)), 'malformed')
  })

  test('is opened by the key it names, or the one without a name, and never by one after the other', async () => {
    const other = await createPair('RSA-OAEP-256', 'other')
    const token = await encrypt(signed, rsa)
    assert.equal(await decryptToken(token, [other.opens, rsa.opens]), signed)
    await refuses(decryptToken(token, [other.opens]), 'unknown_key')
    await refuses(
      decryptToken(await encrypt(signed, rsa, { kid: 'other' }), [other.opens, rsa.opens]),
      'cannot_decrypt',
    )

    const nameless = await importDecryptionKey(rsa.privateJwk, { alg: 'RSA-OAEP-256' })
    assert.equal(await decryptToken(token, [other.opens, nameless]), signed)
    const anonymous = await encrypt(signed, rsa, { kid: undefined })
    assert.equal(await decryptToken(anonymous, [rsa.opens]), signed)
    assert.equal(await decryptToken(anonymous, [rsa.opens, ec.opens]), signed)
    await refuses(decryptToken(anonymous, [other.opens, rsa.opens]), 'unknown_key')
    for (const kid of ['', 7, null, ['api']])
      await refuses(decryptToken(withHeader(token, { ...headerOf(token), kid }), [nameless]), 'malformed')
  })

  test('cannot choose how a key is used', async () => {
    const token = await encrypt(signed, rsa)
    const asking = (header: Record<string, unknown>, keys = [rsa.opens, ec.opens]) =>
      decryptToken(withHeader(token, { ...headerOf(token), ...header }), keys)
    for (const alg of [
      'RSA-OAEP',
      'RSA1_5',
      'dir',
      'A256KW',
      'A256GCMKW',
      'PBES2-HS256+A128KW',
      'none',
      'constructor',
      7,
      undefined,
    ])
      await refuses(asking({ alg, p2c: 2_000_000_000, p2s: 'c2FsdA' }), 'algorithm_not_allowed', String(alg))
    for (const enc of ['A192GCM', 'A128GCM', 'none', 'constructor', 7, undefined])
      await refuses(asking({ enc }), 'algorithm_not_allowed', String(enc))
    // The same key for another hash, or another type, is no key for it.
    await refuses(asking({ alg: 'RSA-OAEP-384' }), 'unknown_key')
    await refuses(asking({ alg: 'ECDH-ES' }, [rsa.opens]), 'malformed')
    await refuses(asking({ alg: 'ECDH-ES+A256KW' }), 'unknown_key')
    // Keys that travel in the token are read by nobody.
    const brought = await encrypt(signed, rsa, { jwk: rsa.privateJwk, jku: 'https://evil.example/' })
    await refuses(decryptToken(brought, [(await createPair('RSA-OAEP-256', 'api')).opens]), 'cannot_decrypt')
  })

  test('asks for no extension and unpacks nothing', async () => {
    const token = await encrypt(signed, rsa)
    for (const header of [{ crit: ['exp'], exp: 1 }, { crit: [] }, { zip: 'DEF' }, { zip: null }])
      await refuses(
        decryptToken(withHeader(token, { ...headerOf(token), ...header }), [rsa.opens]),
        'unsupported_header',
        JSON.stringify(header),
      )
  })

  test('says that there is a token in it', async () => {
    assert.equal(await decryptToken(await encrypt(signed, rsa, { cty: 'application/jwt' }), [rsa.opens]), signed)
    for (const cty of [undefined, '', 'JWE', 'json', 7])
      await refuses(decryptToken(await encrypt(signed, rsa, { cty }), [rsa.opens]), 'wrong_type', String(cty))
  })

  test('of another spelling, shape or size costs nothing', async () => {
    const token = await encrypt(signed, rsa)
    const [header = '', key = '', iv = '', text = '', tag = ''] = token.split('.')
    for (const wrong of [
      ...[`${token}=`, ` ${token}`, `${token}\n`, `${header}.${key}.${iv}.${text}`, `${token}.${tag}`],
      ...[0, 2, 3, 4].map(place => withPart(token, place, '')),
      withPart(token, 1, ''),
      withPart(token, 2, base64url(randomBytes(16))),
      withPart(token, 4, base64url(randomBytes(15))),
      withPart(token, 4, base64url(Buffer.from(tag, 'base64url').subarray(0, 4))),
      withHeader(token, '{"alg":"RSA-OAEP-256","alg":"RSA-OAEP-256","enc":"A256GCM","cty":"JWT"}'),
      withHeader(token, '[]'),
    ])
      await refuses(decryptToken(wrong, [rsa.opens]), 'malformed', wrong.slice(-20))
    const agreed = await encrypt(signed, ec)
    await refuses(decryptToken(withPart(agreed, 1, 'AAAA'), [ec.opens]), 'malformed')
    await refuses(decryptToken(withPart(token, 3, 'A'.repeat(16 * 1024)), [rsa.opens]), 'too_large')
    await refuses(decryptToken('.'.repeat(10_000_000), [rsa.opens]), 'too_large')
  })

  test('reads alike whether its key, its padding, its text or its point is wrong', async () => {
    const token = await encrypt(signed, rsa)
    const spki = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey
    const agreed = await encrypt(signed, ec)
    const { epk } = headerOf(agreed) as { epk: JWK }
    const said = new Set<string>()
    for (const [wrong, keys] of [
      // Wrapped for somebody else, for us with another padding, of a wrong width, and no RSA at all.
      [withPart(token, 1, base64url(publicEncrypt(spki, randomBytes(32)))), [rsa.opens]],
      [withPart(token, 1, base64url(randomBytes(256))), [rsa.opens]],
      [withPart(token, 1, base64url(randomBytes(3))), [rsa.opens]],
      [withPart(token, 1, base64url(Buffer.alloc(256, 0xff))), [rsa.opens]],
      [withPart(token, 3, base64url(randomBytes(300))), [rsa.opens]],
      // RFC 7518 §4.6.1.1: a point that is on no curve, on another one, at infinity or missing.
      ...[
        { ...epk, x: base64url(randomBytes(32)) },
        { ...epk, crv: 'P-384' },
        { ...epk, x: '', y: '' },
        undefined,
        7,
      ].map(point => [withHeader(agreed, { ...headerOf(agreed), epk: point }), [ec.opens]] as const),
    ] as const)
      await decryptToken(wrong, keys).then(
        () => assert.fail('it was opened'),
        (error: VerificationError) => void said.add(`${error.code} ${error.message} ${error.cause}`),
      )
    assert.deepEqual([...said], ['cannot_decrypt the token cannot be decrypted undefined'])
  })
})

describe('a decryption key', () => {
  test('is private, of its algorithm’s type, and neither too short nor dearer than need be', async () => {
    const rsa = (modulusLength: number) =>
      generateKeyPairSync('rsa', { modulusLength }).privateKey.export({ format: 'jwk' }) as JWK
    const good = rsa(2048)
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }) as JWK
    const okp = generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' }) as JWK
    for (const [jwk, alg, why] of [
      [{ kty: 'RSA', n: good.n, e: good.e }, 'RSA-OAEP-256', /private/],
      [{ kty: 'oct', k: 'c2VjcmV0' }, 'RSA-OAEP-256', /private/],
      [undefined, 'RSA-OAEP-256', /private/],
      [good, 'ECDH-ES', /type of ECDH-ES/],
      [ec, 'RSA-OAEP-256', /type of RSA-OAEP-256/],
      [okp, 'ECDH-ES', /type of ECDH-ES/],
      [rsa(1024), 'RSA-OAEP-256', /1024 bits/],
      [{ ...good, n: Buffer.alloc(1024, 0xff).toString('base64url') }, 'RSA-OAEP-256', /8192 bits/],
      [{ ...good, use: 'sig' }, 'RSA-OAEP-256', /not for encryption/],
      [{ ...good, alg: 'RSA-OAEP-512' }, 'RSA-OAEP-256', /for RSA-OAEP-512/],
      [{ ...good, n: undefined }, 'RSA-OAEP-256', /0 bits/],
      [{ ...ec, x: 'AAAA' }, 'ECDH-ES', /cannot be read/],
      [good, 'RSA1_5', /unknown/],
      [good, 'dir', /unknown/],
      [good, undefined, /unknown/],
    ] as [JWK, EncryptionAlgorithm, RegExp][]) {
      const error = await importDecryptionKey(jwk, { alg }).then(
        () => assert.fail(String(why)),
        (thrown: Error) => thrown,
      )
      assert.ok(error instanceof TypeError)
      assert.match(error.message, why)
      for (const secret of [jwk?.d, jwk?.n]) if (secret) assert.ok(!`${error.message} ${error.stack}`.includes(secret))
    }
    const named = await importDecryptionKey({ ...good, alg: 'RSA-OAEP-256', kid: 'own', use: 'enc', key_ops: ['sign'] })
    assert.deepEqual([named.alg, named.kid], ['RSA-OAEP-256', 'own'])
  })

  test('is one of several of which no two answer to the same token', async () => {
    const key = await importDecryptionKey(
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }) as JWK,
      { alg: 'ECDH-ES', kid: 'k' },
    )
    assert.throws(() => decryptionKeySet([]), TypeError)
    assert.throws(() => decryptionKeySet([key, { ...key }]), TypeError)
    assert.equal(decryptionKeySet([key, { ...key, kid: 'other' }]).length, 2)
  })
})
