import assert from 'node:assert/strict'
import { constants, createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { before, describe, test } from 'node:test'
import { type CryptoKey, exportSPKI, importJWK } from 'jose'
import { ALGORITHMS } from './algorithms.ts'
import type { JWK } from './jwk.ts'
import {
  AUDIENCE,
  base64url,
  claims,
  createSigner,
  ISSUER,
  NOW,
  type Signer,
  signText,
  signToken,
  signWith,
} from './testing/forge.ts'
import {
  type AlgorithmName,
  accessToken,
  createVerifier,
  importPublicKey,
  importSecret,
  type KeySource,
  keySet,
  type VerificationCode,
  VerificationError,
  type VerificationKey,
} from './verify.ts'

const profile = accessToken({ issuer: ISSUER, audience: AUDIENCE })
const clock = () => NOW

/** Refused for this reason, and without the token, or a piece of it, in what is said about it. */
const isRefusal = (code: VerificationCode, token: string) => (error: unknown) => {
  assert.ok(error instanceof VerificationError, String(error))
  assert.equal(error.code, code)
  assert.match(error.message, /^[\x20-\x7e]+$/)
  assert.doesNotMatch(error.message, /["\\]/)
  for (const part of String(token).split('.')) if (part.length > 8) assert.ok(!error.message.includes(part))
  return true
}

describe('every algorithm of the table', () => {
  for (const { name, kty } of ALGORITHMS.values()) {
    test(`${name} verifies, and one flipped bit of header, payload or signature does not`, async () => {
      const signer = kty === 'oct' ? await secretSigner(name as 'HS256') : await createSigner(name, 'k')
      const verify = createVerifier({ keys: keySet([signer.key]), algorithms: [name], profile, clock })
      const token = await signToken(signer)

      const verified = await verify(token)
      assert.equal(verified.claims.sub, claims.sub)
      assert.deepEqual(verified.header, { alg: name, kid: 'k', typ: 'at+jwt' })
      assert.equal(verified.key, signer.key)

      for (const index of [0, 1, 2]) {
        const parts = token.split('.').map(part => Buffer.from(part, 'base64url'))
        const part = parts[index] as Buffer
        // In the middle of the text, where a changed bit of JSON stays inside a value.
        const at = index === 2 ? 0 : part.length - 4
        part[at] = (part[at] as number) ^ 1
        await assert.rejects(verify(parts.map(base64url).join('.')), VerificationError)
      }
    })
  }
})

async function secretSigner(alg: 'HS256' | 'HS384' | 'HS512'): Promise<Signer> {
  const secret = crypto.getRandomValues(new Uint8Array(64))
  return { privateKey: secret, publicJwk: {}, key: await importSecret(secret, { alg, audience: AUDIENCE, kid: 'k' }) }
}

describe('a forged or misshapen token', () => {
  let rsa: Signer
  let ec: Signer
  let stranger: Signer
  const everything: AlgorithmName[] = ['RS256', 'PS256', 'ES256', 'HS256', 'HS384', 'HS512']

  before(async () => {
    ;[rsa, ec, stranger] = await Promise.all([
      createSigner('RS256', 'rsa'),
      createSigner('ES256', 'ec'),
      createSigner('RS256', 'stranger'),
    ])
  })

  const refuses = async (token: string, code: VerificationCode, keys: KeySource = keySet([rsa.key, ec.key])) => {
    const verify = createVerifier({ keys, algorithms: everything, profile, clock })
    await assert.rejects(verify(token), isRefusal(code, token))
  }
  const payload = JSON.stringify(claims)
  const rs256 = { name: 'RSASSA-PKCS1-v1_5' }

  for (const alg of [
    'none',
    'None',
    'NONE',
    'nOnE',
    '',
    ' ',
    'constructor',
    '__proto__',
    'rs256',
    'RS256 ',
    'A256KW',
  ]) {
    test(`alg ${JSON.stringify(alg)} is refused, signed or not`, async () => {
      const header = JSON.stringify({ alg, kid: 'rsa' })
      await refuses(`${base64url(header)}.${base64url(payload)}.AA`, 'algorithm_not_allowed')
      await refuses(await signText(header, payload, signWith(rsa, rs256)), 'algorithm_not_allowed')
      await refuses(`${base64url(header)}.${base64url(payload)}.`, 'malformed')
    })
  }

  test('an algorithm outside the allow-list is refused although the key and signature are good', async () => {
    const verify = createVerifier({ keys: keySet([rsa.key]), algorithms: ['ES256'], profile, clock })
    const token = await signToken(rsa)
    await assert.rejects(verify(token), isRefusal('algorithm_not_allowed', token))
  })

  test('a public key in any spelling does not verify as an HMAC secret', async () => {
    const spki = await exportSPKI((await importJWK(rsa.publicJwk, 'RS256', { extractable: true })) as CryptoKey)
    const spellings = [
      spki,
      spki.trim(),
      ` ${spki}`,
      `\n\t${spki}`,
      spki.replaceAll('\n', '\r\n'),
      JSON.stringify(rsa.publicJwk),
      rsa.publicJwk.n as string,
      '',
    ]
    const kidOnly: KeySource = async ({ kid }) => (kid === 'rsa' ? rsa.key : undefined)
    for (const alg of ['HS256', 'HS384', 'HS512'])
      for (const spelling of spellings) {
        const hash = alg.replace('HS', 'sha')
        const sign = (input: Buffer) => createHmac(hash, spelling).update(input).digest()
        const token = await signText(JSON.stringify({ alg, kid: 'rsa', typ: 'at+jwt' }), payload, sign)
        await refuses(token, 'unknown_key')
        await refuses(token, 'unknown_key', kidOnly)
      }
  })

  test('a key for RS256 does not serve PS256, nor the other way round', async () => {
    const header = JSON.stringify({ alg: 'PS256', kid: 'rsa' })
    await refuses(await signText(header, payload, signWith(rsa, rs256)), 'unknown_key')
    await refuses(await signText(header, payload, signWith(rsa, rs256)), 'unknown_key', async () => rsa.key)
  })

  test('a key that travels in the token is not believed', async () => {
    const jwk = stranger.publicJwk
    for (const extra of [
      { jwk },
      { jku: 'https://evil.example/jwks' },
      { x5u: 'https://evil.example/x5u' },
      { x5c: ['MIIB'] },
    ]) {
      await refuses(await signToken(stranger, claims, { ...extra, kid: 'rsa' }), 'bad_signature')
      await refuses(await signToken(stranger, claims, extra), 'unknown_key')
    }
  })

  test('members that carry keys do not disturb a token that is good without them', async () => {
    const verify = createVerifier({ keys: keySet([rsa.key]), algorithms: ['RS256'], profile, clock })
    await verify(await signToken(rsa, claims, { jwk: stranger.publicJwk, x5c: ['MIIB'] }))
  })

  test('a wrong kid is refused and no other key is tried', async () => {
    for (const kid of ['nobody', 'RSA', 'rsa ', 'ec', '../rsa', "' or 1=1"])
      await refuses(await signToken(rsa, claims, { kid }), 'unknown_key')
  })

  test('without a kid the only key for the algorithm serves, and two are no choice', async () => {
    const other = await createSigner('RS256', 'other')
    const token = await signToken(rsa, claims, { kid: undefined })
    const verify = createVerifier({ keys: keySet([rsa.key, ec.key]), algorithms: everything, profile, clock })
    await verify(token)
    await refuses(token, 'unknown_key', keySet([rsa.key, other.key]))
  })

  test('a kid or typ that is not text is refused before any key is looked up', async () => {
    const never: KeySource = async () => assert.fail('a key was looked up')
    for (const odd of [null, 1, true, ['rsa'], { toString: 'rsa' }, ''])
      for (const member of ['kid', 'typ']) {
        const header = JSON.stringify({ alg: 'RS256', kid: 'rsa', [member]: odd })
        await refuses(await signText(header, payload, signWith(rsa, rs256)), 'malformed', never)
      }
  })

  test('an extension that is critical, known or empty, is refused', async () => {
    for (const crit of [['exp'], ['b64'], [], null, 'exp', ['urn:x']]) {
      const header = JSON.stringify({ alg: 'RS256', kid: 'rsa', crit, exp: 1 })
      await refuses(await signText(header, payload, signWith(rsa, rs256)), 'unsupported_header')
    }
    for (const b64 of [true, false, null]) {
      const header = JSON.stringify({ alg: 'RS256', kid: 'rsa', b64 })
      await refuses(await signText(header, payload, signWith(rsa, rs256)), 'unsupported_header')
    }
  })

  test('a member named twice is refused, in the header and in the payload, also in disguise', async () => {
    const good = '{"alg":"RS256","kid":"rsa"}'
    for (const header of [
      '{"alg":"RS256","kid":"nobody","kid":"rsa"}',
      '{"alg":"none","kid":"rsa","alg":"RS256"}',
      '{"alg":"RS256","kid":"nobody","k\\u0069d":"rsa"}',
      '{"alg":"RS256","kid":"rsa","jwk":[{"a":{"kty":1,"kty":2}}]}',
    ])
      await refuses(await signText(header, payload, signWith(rsa, rs256)), 'malformed')
    const twice = payload.replace('{', '{"sub":"auth0|eve",')
    await refuses(await signText(good, twice, signWith(rsa, rs256)), 'malformed')
    const verify = createVerifier({ keys: keySet([rsa.key]), algorithms: ['RS256'], profile, clock })
    const harmless = payload.replace('{', '{"x":[{"sub":"\\"sub\\":"},{"sub":{"sub":1}}],')
    await verify(await signText(good, harmless, signWith(rsa, rs256)))
  })

  test('a header or payload that is not one JSON object in UTF-8 is refused', async () => {
    const good = '{"alg":"RS256","kid":"rsa","typ":"at+jwt"}'
    const odd = [
      'null',
      '[]',
      '"text"',
      '1',
      '{}{}',
      `${good},`,
      `\ufeff${good}`,
      '{"alg":"RS256"',
      ' ',
      Buffer.from([0xff, 0xfe, 0x7b, 0x7d]),
    ]
    for (const text of odd) {
      await refuses(await signText(text, payload, signWith(rsa, rs256)), 'malformed')
      await refuses(await signText(good, text, signWith(rsa, rs256)), 'malformed')
    }
    const overlong = Buffer.concat([Buffer.from('{"sub":"'), Buffer.from([0xc0, 0xaf]), Buffer.from('"}')])
    await refuses(await signText(good, overlong, signWith(rsa, rs256)), 'malformed')
  })

  test('another spelling of the same bytes is refused: padding, spaces, base64, stray bits, parts too many', async () => {
    const token = await signToken(ec)
    const [header, body, signature] = token.split('.') as [string, string, string]
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    // 64 bytes leave four unused bits in the last of 86 characters: sixteen spellings of one signature.
    const strayed = signature.slice(0, -1) + alphabet[alphabet.indexOf(signature.at(-1) as string) + 1]
    assert.deepEqual(Buffer.from(strayed, 'base64url'), Buffer.from(signature, 'base64url'))
    for (const spelling of [
      `${header}.${body}.${strayed}`,
      `${token}==`,
      `${header}=.${body}.${signature}`,
      ` ${token}`,
      `${token}\n`,
      `${header}.${body} .${signature}`,
      `${token}.`,
      `.${token}`,
      `${token}.${signature}`,
      `${header}..${signature}`,
      `.${body}.${signature}`,
      `${header}.${body}`,
      `${header}.${body}.`,
      `${header}.${body}.${signature.slice(0, -1)}+`,
      `${header}.${body}.${signature}\u0000`,
      `${header}.${body}.\uff21${signature.slice(1)}`,
      `Bearer ${token}`,
      '',
      '.',
      '..',
      '....',
    ])
      await refuses(spelling, 'malformed')
  })

  test('what is not text at all is refused, not crashed on', async () => {
    for (const odd of [undefined, null, 1, {}, [], ['a.b.c'], { split: () => [] }, Buffer.from('a.b.c')])
      await refuses(odd as unknown as string, 'malformed')
  })

  test('a token over 16 KiB is refused unread', async () => {
    const fat = await signToken(rsa, { ...claims, pad: 'x'.repeat(16 * 1024) })
    await refuses(fat, 'too_large')
    const most = await signToken(rsa, { ...claims, pad: 'x'.repeat(11_000) })
    await createVerifier({ keys: keySet([rsa.key]), algorithms: ['RS256'], profile, clock })(most)
  })

  test('a deeply nested header is refused without exhausting the stack', async () => {
    await refuses(await signText(`{"a":${'['.repeat(6000)}`, payload, signWith(rsa, rs256)), 'malformed')
  })

  test('ES256 with r and s of zero, of the group order, or of another length is refused', async () => {
    const order = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex')
    const zero = Buffer.alloc(32)
    const one = Buffer.concat([Buffer.alloc(31), Buffer.from([1])])
    const header = JSON.stringify({ alg: 'ES256', kid: 'ec', typ: 'at+jwt' })
    const values = [zero, one, order]
    for (const r of values)
      for (const s of values)
        await refuses(await signText(header, payload, () => Buffer.concat([r, s])), 'bad_signature')

    const good = Buffer.from((await signToken(ec)).split('.')[2] as string, 'base64url')
    const lengths = [
      good.subarray(0, 63),
      Buffer.concat([good, Buffer.from([0])]),
      Buffer.concat([zero, good]),
      Buffer.alloc(1),
    ]
    const [head, body] = (await signToken(ec)).split('.')
    for (const signature of lengths) await refuses(`${head}.${body}.${base64url(signature)}`, 'bad_signature')
  })

  test('ES256 in DER form is refused', async () => {
    const [head, body, signature] = (await signToken(ec)).split('.') as [string, string, string]
    const raw = Buffer.from(signature, 'base64url')
    const integer = (bytes: Buffer) => Buffer.concat([Buffer.from([2, 33, 0]), bytes])
    const der = Buffer.concat([Buffer.from([0x30, 70]), integer(raw.subarray(0, 32)), integer(raw.subarray(32))])
    await refuses(`${head}.${body}.${base64url(der)}`, 'bad_signature')
  })

  test('an RSA signature with a zero before or after it, or all zero, is refused', async () => {
    const [head, body, signature] = (await signToken(rsa)).split('.') as [string, string, string]
    const raw = Buffer.from(signature, 'base64url')
    const nul = Buffer.from([0])
    for (const odd of [
      Buffer.concat([nul, raw]),
      Buffer.concat([raw, nul]),
      Buffer.alloc(256),
      Buffer.alloc(256, 0xff),
      nul,
    ])
      await refuses(`${head}.${body}.${base64url(odd)}`, 'bad_signature')
  })

  test('a signature is not moved to another payload', async () => {
    const [head, , signature] = (await signToken(rsa)).split('.')
    await refuses(`${head}.${base64url(JSON.stringify({ ...claims, sub: 'auth0|eve' }))}.${signature}`, 'bad_signature')
  })
})

describe('making a verifier', () => {
  let key: VerificationKey
  before(async () => {
    key = (await createSigner('ES256', 'k')).key
  })

  test('without a sound allow-list it is an error of the caller', () => {
    for (const algorithms of [[], ['none'], ['RS256', 'none'], [''], undefined, 'RS256', ['constructor']])
      assert.throws(
        () => createVerifier({ keys: keySet([key]), algorithms: algorithms as AlgorithmName[], profile }),
        TypeError,
      )
  })

  test('without keys it is an error of the caller', () => {
    assert.throws(() => keySet([]), TypeError)
    assert.throws(() => keySet([key, key]), TypeError)
    assert.throws(
      () => createVerifier({ keys: undefined as unknown as KeySource, algorithms: ['ES256'], profile }),
      TypeError,
    )
  })

  test('what the key source throws is not mistaken for a bad token', async () => {
    const broken = createVerifier({
      keys: async () => {
        throw new RangeError('no network')
      },
      algorithms: ['ES256'],
      profile,
    })
    await assert.rejects(broken(await signToken(await createSigner('ES256', 'k'))), RangeError)
  })

  test('a JWK without alg is pinned to the algorithm it is imported for', async () => {
    const signer = await createSigner('RS256', 'k')
    const { alg: _, ...bare } = signer.publicJwk
    await assert.rejects(importPublicKey(bare), TypeError)
    const pinned = await importPublicKey(bare, 'PS256')
    const token = await signToken(signer)
    const verify = createVerifier({ keys: async () => pinned, algorithms: ['RS256', 'PS256'], profile, clock })
    await assert.rejects(verify(token), isRefusal('unknown_key', token))
  })
})

describe('an RSA key that takes its time', () => {
  // RFC 8017 §3.1: an exponent may be as long as the modulus. Whoever registers such a key has others wait for it.
  test('is verified with elsewhere, and by the same rules', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicExponent: 0x1000_0001 + 2,
    })
    for (const alg of ['RS256', 'PS256'] as const) {
      const key = await importPublicKey({ ...publicKey.export({ format: 'jwk' }), kid: 'slow', alg } as JWK, alg)
      const verify = createVerifier({
        keys: keySet([key]),
        algorithms: [alg],
        profile: accessToken({ issuer: ISSUER, audience: AUDIENCE }),
        clock: () => NOW,
      })
      const padding = alg === 'PS256' ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING
      const token = await signText(JSON.stringify({ alg, kid: 'slow', typ: 'at+jwt' }), JSON.stringify(claims), input =>
        sign('sha256', input, { key: privateKey, padding, saltLength: 32 }),
      )
      assert.equal((await verify(token)).claims.sub, claims.sub)
      const other = `${token.slice(0, -8)}${token.endsWith('AAAAAAAA') ? 'BBBBBBBB' : 'AAAAAAAA'}`
      await assert.rejects(verify(other), { code: 'bad_signature' })
    }
  })
})
