/**
 * Makes jws.json: signatures and keys at the edges of what an algorithm allows, for any verifier of JWS. Each case says
 * what it is and whether a verifier that keeps to RFC 7515, 7518, 8037 and FIPS 204 takes it. What no honest library
 * would write is made here from integers.
 *
 *   node tests/vectors/make-jws.ts > tests/vectors/jws.json
 *
 * Keys are made anew on each run, and only what a verifier may know of them is written.
 */
import {
  constants,
  createHash,
  createHmac,
  generateKeyPairSync,
  type KeyObject,
  privateEncrypt,
  randomBytes,
  sign,
} from 'node:crypto'

interface Case {
  readonly comment: string
  readonly jws: string
  readonly result: 'valid' | 'invalid'
}

interface Group {
  readonly algorithm: string
  /** A JWK; of an HMAC the secret in hex. */
  readonly key?: object
  readonly secret?: string
  readonly cases: Case[]
}

interface KeyCase {
  readonly comment: string
  readonly algorithm: string
  readonly key?: object
  readonly secret?: string
  readonly result: 'valid' | 'invalid'
}

const b64 = (bytes: string | Uint8Array): string => Buffer.from(bytes as string).toString('base64url')
const PAYLOAD = b64(JSON.stringify({ iss: 'https://id.example/', sub: 'auth0|ann' }))
const inputOf = (header: object | string): string =>
  `${b64(typeof header === 'string' ? header : JSON.stringify(header))}.${PAYLOAD}`
const plain = (alg: string): string => inputOf({ alg, kid: 'k' })

const toBig = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex') || '0'}`)
const toBytes = (value: bigint, length: number): Buffer =>
  Buffer.from(
    value
      .toString(16)
      .padStart(2 * length, '0')
      .slice(-2 * length),
    'hex',
  )
const modulo = (value: bigint, of: bigint): bigint => ((value % of) + of) % of
function power(base: bigint, exponent: bigint, of: bigint): bigint {
  let [result, square] = [1n, modulo(base, of)]
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % of
    square = (square * square) % of
  }
  return result
}

const groups: Group[] = []
const keys: KeyCase[] = []

function group(algorithm: string, key: Pick<Group, 'key' | 'secret'>) {
  const cases: Case[] = []
  groups.push({ algorithm, ...key, cases })
  const add =
    (result: Case['result']) =>
    (comment: string, signature: Uint8Array, input = plain(algorithm)) =>
      void cases.push({ comment, jws: `${input}.${b64(signature)}`, result })
  return { cases, valid: add('valid'), invalid: add('invalid') }
}

const publicJwk = (key: KeyObject, alg: string) => ({ ...key.export({ format: 'jwk' }), kid: 'k', alg, use: 'sig' })
const flipped = (bytes: Uint8Array, place: number, bit = 1): Buffer => {
  const copy = Buffer.from(bytes)
  copy[place] = (copy[place] as number) ^ bit
  return copy
}
/** The lengths that a verifier might read by halves, or to the end. */
function misshapen(invalid: (comment: string, signature: Uint8Array) => void, good: Buffer) {
  invalid('without its last byte', good.subarray(0, -1))
  invalid('without its first byte', good.subarray(1))
  invalid('with a zero byte behind it', Buffer.concat([good, Buffer.alloc(1)]))
  invalid('with a zero byte before it', Buffer.concat([Buffer.alloc(1), good]))
  invalid('twice', Buffer.concat([good, good]))
  invalid('half of it', good.subarray(0, good.length / 2))
  invalid('empty', Buffer.alloc(0))
  invalid('one zero byte', Buffer.alloc(1))
  invalid('all zero', Buffer.alloc(good.length))
  invalid('all ones', Buffer.alloc(good.length, 0xff))
  for (const place of [0, good.length >> 1, good.length - 1]) {
    invalid(`with the lowest bit of byte ${place} changed`, flipped(good, place))
    invalid(`with the highest bit of byte ${place} changed`, flipped(good, place, 0x80))
  }
}

// ES256

const P = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn
type Point = readonly [x: bigint, y: bigint] | null
const G: Point = [
  0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
  0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n,
]
const inverse = (value: bigint, of: bigint): bigint => power(value, of - 2n, of)

function sum(one: Point, other: Point): Point {
  if (!one) return other
  if (!other) return one
  const [x1, y1] = one
  const [x2, y2] = other
  if (x1 === x2 && modulo(y1 + y2, P) === 0n) return null
  const slope = x1 === x2 ? (3n * x1 * x1 - 3n) * inverse(2n * y1, P) : (y2 - y1) * inverse(modulo(x2 - x1, P), P)
  const x = modulo(slope * slope - x1 - x2, P)
  return [x, modulo(slope * (x1 - x) - y1, P)]
}
function times(scalar: bigint, point: Point): Point {
  let [result, double]: Point[] = [null, point]
  for (let rest = modulo(scalar, N); rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = sum(result as Point, double as Point)
    double = sum(double as Point, double as Point)
  }
  return result as Point
}
const rightSide = (x: bigint): bigint => modulo(x ** 3n - 3n * x + B, P)
const rootOf = (square: bigint): bigint => power(square, (P + 1n) / 4n, P)
const curveKey = (point: Point, alg = 'ES256') => ({
  kty: 'EC',
  crv: 'P-256',
  x: b64(toBytes(point?.[0] ?? 0n, 32)),
  y: b64(toBytes(point?.[1] ?? 0n, 32)),
  kid: 'k',
  alg,
  use: 'sig',
})
const digestOf = (input: string): bigint => toBig(createHash('sha256').update(input).digest())
const pairOf = (r: bigint, s: bigint): Buffer => Buffer.concat([toBytes(r, 32), toBytes(s, 32)])
/** The one key under which r and s, with the point that r is of, sign the input: Q = (sR − zG) / r. */
const keyFor = (r: bigint, s: bigint, point: Point, input: string): Point =>
  times(inverse(r, N), sum(times(s, point), times(N - modulo(digestOf(input), N), G)))

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  return Buffer.concat([
    Buffer.from(content.length < 128 ? [tag, content.length] : [tag, 0x81, content.length]),
    content,
  ])
}
const integer = (value: bigint): Buffer => {
  const bytes = toBytes(value, 33)
  return der(2, bytes.subarray(bytes[0] === 0 && (bytes[1] as number) < 0x80 ? 1 : 0))
}

{
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { valid, invalid } = group('ES256', { key: publicJwk(pair.publicKey, 'ES256') })
  const input = plain('ES256')
  const signed = (hash: string, text = input) =>
    sign(hash, Buffer.from(text), { key: pair.privateKey, dsaEncoding: 'ieee-p1363' })
  const good = signed('sha256')
  const [r, s] = [toBig(good.subarray(0, 32)), toBig(good.subarray(32))]
  valid('a signature', good)
  valid('the other s of the same signature, which ECDSA lets be', pairOf(r, N - s))
  misshapen(invalid, good)
  for (const [what, value] of Object.entries({
    '0': 0n,
    '1': 1n,
    'n − 1': N - 1n,
    n: N,
    'n + 1': N + 1n,
    p: P,
    'p + 1': P + 1n,
    '2²⁵⁶ − 1': 2n ** 256n - 1n,
  })) {
    invalid(`r is ${what}`, pairOf(value, s))
    invalid(`s is ${what}`, pairOf(r, value))
    for (const [also, other] of Object.entries({ '0': 0n, '1': 1n, n: N }))
      invalid(`r is ${what} and s is ${also}`, pairOf(value, other))
  }
  invalid('r and s in each other’s place', pairOf(s, r))
  invalid(
    'r and s the other way round in bytes',
    Buffer.concat([Buffer.from(good.subarray(0, 32)).reverse(), Buffer.from(good.subarray(32)).reverse()]),
  )
  invalid('n − r', pairOf(N - r, s))
  invalid('r and s padded to the width of P-384', Buffer.concat([toBytes(r, 48), toBytes(s, 48)]))
  invalid('r and s padded to the width of P-521', Buffer.concat([toBytes(r, 66), toBytes(s, 66)]))
  invalid('in DER', der(0x30, integer(r), integer(s)))
  invalid('in DER, with zeros before its integers', der(0x30, der(2, toBytes(r, 40)), der(2, toBytes(s, 40))))
  invalid('in DER, with something behind it', Buffer.concat([der(0x30, integer(r), integer(s)), Buffer.from([5, 0])]))
  invalid('in DER of 64 bytes', Buffer.concat([der(0x30, integer(r), integer(s)), Buffer.alloc(64)]).subarray(0, 64))
  invalid('over SHA-384', signed('sha384'))
  invalid('over SHA-512', signed('sha512'))
  invalid('over SHA-1', signed('sha1'))
  invalid(
    'over the digest',
    sign('sha256', createHash('sha256').update(input).digest(), { key: pair.privateKey, dsaEncoding: 'ieee-p1363' }),
  )
  invalid('over the payload alone', signed('sha256', PAYLOAD))
  invalid('of another text', signed('sha256', `${input} `))
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  invalid('of another key', sign('sha256', Buffer.from(input), { key: stranger.privateKey, dsaEncoding: 'ieee-p1363' }))
  const wider = generateKeyPairSync('ec', { namedCurve: 'P-384' })
  invalid('of a key on P-384', sign('sha384', Buffer.from(input), { key: wider.privateKey, dsaEncoding: 'ieee-p1363' }))

  // r is an x-coordinate between n and p, less n: the one place where the two moduli are seen to differ.
  let x = N + 1n
  while (power(rightSide(x), (P - 1n) / 2n, P) !== 1n) x++
  const far: Point = [x, rootOf(rightSide(x))]
  const edge = group('ES256', { key: curveKey(keyFor(x - N, 7n, far, input)) })
  edge.valid('r is an x-coordinate beyond n, less n', pairOf(x - N, 7n))
  edge.invalid('the same r with n not taken off', pairOf(x, 7n))
  edge.invalid('the same with s of n and more', pairOf(x - N, 7n + N))
  const smallest = group('ES256', {
    key: curveKey(keyFor((times(2n, G) as [bigint, bigint])[0], 1n, times(2n, G), input)),
  })
  smallest.valid('s is 1', pairOf((times(2n, G) as [bigint, bigint])[0], 1n))
  smallest.invalid('s is n + 1, which is 1 again', pairOf((times(2n, G) as [bigint, bigint])[0], N + 1n))
  smallest.invalid('s is 2', pairOf((times(2n, G) as [bigint, bigint])[0], 2n))
  const one = group('ES256', { key: curveKey(G) })
  const k = 0x1234567890abcdefn
  const [rOfK] = times(k, G) as [bigint, bigint]
  one.valid('of the key whose secret is 1', pairOf(rOfK, modulo(inverse(k, N) * (digestOf(input) + rOfK), N)))
  one.invalid('r is that key’s own x-coordinate, and s is 1', pairOf((G as [bigint, bigint])[0], 1n))

  const good256 = publicJwk(pair.publicKey, 'ES256') as unknown as { x: string; y: string }
  const key = (comment: string, changes: object, result: KeyCase['result'] = 'invalid') =>
    keys.push({ comment, algorithm: 'ES256', key: { ...good256, ...changes }, result })
  const point = good256 as { x: string; y: string }
  key('a key', {}, 'valid')
  key('a point that is not on the curve', { y: b64(flipped(Buffer.from(point.y, 'base64url'), 31)) })
  key('the point (0, 0), which some take for infinity', { x: b64(Buffer.alloc(32)), y: b64(Buffer.alloc(32)) })
  key('x and y in each other’s place', { x: point.y, y: point.x })
  key('an x of p and more', { x: b64(toBytes(P, 32)) })
  key('an x of 2²⁵⁶ − 1', { x: b64(Buffer.alloc(32, 0xff)) })
  key('no y', { y: undefined })
  key('an empty x', { x: '' })
  key('an x without its last byte', { x: b64(Buffer.from(point.x, 'base64url').subarray(0, 31)) })
  key('an x with a zero before it', { x: b64(Buffer.concat([Buffer.alloc(1), Buffer.from(point.x, 'base64url')])) })
  key('another curve’s name', { crv: 'P-384' })
  key('a point of P-384', { ...wider.publicKey.export({ format: 'jwk' }) })
  key('a point of P-384 under this curve’s name', { ...wider.publicKey.export({ format: 'jwk' }), crv: 'P-256' })
  key('a point of secp256k1', {
    ...generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey.export({ format: 'jwk' }),
  })
  key('for ES384', { alg: 'ES384' })
  key('for encryption', { use: 'enc' })
  key('only to sign with', { key_ops: ['sign'] })
  key('with its secret', { d: b64(randomBytes(32)) })
}

// RS256 and PS256

const SHA256_INFO = Buffer.from('3031300d060960864801650304020105000420', 'hex')

function blockOf(info: Uint8Array, size: number, filler = 0xff, type = 1): Buffer {
  const padding = Buffer.alloc(size - 3 - info.length, filler)
  return Buffer.concat([Buffer.from([0, type]), padding, Buffer.alloc(1), info])
}

function mask(seed: Uint8Array, length: number, hash: string): Buffer {
  const blocks: Buffer[] = []
  for (let index = 0; Buffer.concat(blocks).length < length; index++)
    blocks.push(
      createHash(hash)
        .update(seed)
        .update(toBytes(BigInt(index), 4))
        .digest(),
    )
  return Buffer.concat(blocks).subarray(0, length)
}

interface Pss {
  readonly hash?: string
  readonly maskHash?: string
  readonly saltLength?: number
  readonly trailer?: number
  readonly separator?: number
  readonly filler?: number
}

/** EMSA-PSS (RFC 8017 §9.1.1), with whatever is wrong about it. */
function pssBlock(
  input: string,
  size: number,
  { hash = 'sha256', maskHash = hash, saltLength = 32, trailer = 0xbc, separator = 1, filler = 0 }: Pss,
): Buffer {
  const salt = randomBytes(saltLength)
  const digest = createHash(hash).update(input).digest()
  const inner = createHash(hash).update(Buffer.alloc(8)).update(digest).update(salt).digest()
  const data = Buffer.concat([
    Buffer.alloc(size - salt.length - inner.length - 2, filler),
    Buffer.from([separator]),
    salt,
  ])
  const masked = Buffer.from(mask(inner, data.length, maskHash).map((byte, place) => byte ^ (data[place] as number)))
  masked[0] = (masked[0] as number) & 0x7f
  return Buffer.concat([masked, inner, Buffer.from([trailer])])
}

{
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const raw = (block: Buffer): Buffer =>
    privateEncrypt({ key: pair.privateKey, padding: constants.RSA_NO_PADDING }, block)
  const modulus = toBig(Buffer.from(String(pair.publicKey.export({ format: 'jwk' }).n), 'base64url'))
  const bytes = 256

  for (const alg of ['RS256', 'PS256'] as const) {
    const { valid, invalid } = group(alg, { key: publicJwk(pair.publicKey, alg) })
    const input = plain(alg)
    const digest = createHash('sha256').update(input).digest()
    const options =
      alg === 'RS256'
        ? { key: pair.privateKey }
        : { key: pair.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
    const other =
      alg === 'PS256'
        ? { key: pair.privateKey }
        : { key: pair.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
    const good = sign('sha256', Buffer.from(input), options)
    valid('a signature', good)
    misshapen(invalid, good)
    for (const [what, value] of Object.entries({
      '1': 1n,
      '2': 2n,
      'n − 1': modulus - 1n,
      n: modulus,
      'n + 1': modulus + 1n,
      'n less the signature': modulus - toBig(good),
    }))
      invalid(`the number ${what}`, toBytes(value, bytes))
    invalid('of the other padding', sign('sha256', Buffer.from(input), other))
    for (const hash of ['sha1', 'sha384', 'sha512']) invalid(`over ${hash}`, sign(hash, Buffer.from(input), options))
    invalid('of another text', sign('sha256', Buffer.from(`${input} `), options))
    invalid(
      'of another key',
      sign('sha256', Buffer.from(input), {
        ...options,
        key: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
      }),
    )
    // The same number again, if there is room for it: signatures are made until one is small enough.
    for (let round = 0; round < 4000; round++) {
      const text = `${inputOf({ alg, kid: 'k', round })}`
      const small = toBig(sign('sha256', Buffer.from(text), options))
      if (small + modulus >= 2n ** 2048n) continue
      valid('a small signature', toBytes(small, bytes), text)
      invalid('a small signature, and n more', toBytes(small + modulus, bytes), text)
      break
    }
    for (let round = 0; round < 20_000; round++) {
      const text = `${inputOf({ alg, kid: 'k', zero: round })}`
      const begun = sign('sha256', Buffer.from(text), options)
      if (begun[0] !== 0) continue
      valid('a signature that begins with a zero byte', begun, text)
      invalid('the same without its zero byte', begun.subarray(1), text)
      break
    }

    if (alg === 'RS256') {
      const info = Buffer.concat([SHA256_INFO, digest])
      valid('padded by hand', raw(blockOf(info, bytes)))
      const wrong = (comment: string, block: Buffer) => invalid(comment, raw(block))
      wrong('padded with zeros', blockOf(info, bytes, 0))
      wrong('padded as for encryption', blockOf(info, bytes, 0xff, 2))
      wrong('padded with block type 0', blockOf(info, bytes, 0, 0))
      wrong('with one byte of the padding changed', flipped(blockOf(info, bytes), 100))
      wrong('with the end of the padding changed', flipped(blockOf(info, bytes), bytes - info.length - 1))
      wrong('with the beginning changed', flipped(blockOf(info, bytes), 1, 2))
      for (const length of [8, 100])
        wrong(
          `with ${length} bytes of padding, and something behind the digest`,
          Buffer.concat([blockOf(info, 3 + length + info.length), randomBytes(bytes - 3 - length - info.length)]),
        )
      wrong('with zeros behind the digest', Buffer.concat([blockOf(info, bytes - 16), Buffer.alloc(16)]))
      wrong('of the digest alone', blockOf(digest, bytes))
      wrong(
        'with no parameters where there are to be null ones',
        blockOf(
          Buffer.concat([Buffer.from('302f300b0609608648016503040201', 'hex'), Buffer.from('0420', 'hex'), digest]),
          bytes,
        ),
      )
      wrong(
        'with parameters that are not null',
        blockOf(Buffer.concat([Buffer.from('3031300d060960864801650304020104000420', 'hex'), digest]), bytes),
      )
      wrong(
        'with a length in more bytes than it takes',
        blockOf(Buffer.concat([Buffer.from('308131300d060960864801650304020105000420', 'hex'), digest]), bytes),
      )
      wrong(
        'with a length that is not said',
        blockOf(
          Buffer.concat([Buffer.from('3080300d060960864801650304020105000420', 'hex'), digest, Buffer.alloc(2)]),
          bytes,
        ),
      )
      wrong(
        'with something behind the digest in its own structure',
        blockOf(
          Buffer.concat([Buffer.from('3033300d060960864801650304020105000420', 'hex'), digest, Buffer.from([5, 0])]),
          bytes,
        ),
      )
      wrong(
        'with the name of SHA-512 over a digest of SHA-256',
        blockOf(Buffer.concat([Buffer.from('3031300d060960864801650304020305000420', 'hex'), digest]), bytes),
      )
      wrong(
        'with the name of SHA-1 over a digest of SHA-256',
        blockOf(Buffer.concat([Buffer.from('302d300906052b0e03021a05000420', 'hex'), digest]), bytes),
      )
      wrong(
        'with a digest of which one bit is changed',
        blockOf(Buffer.concat([SHA256_INFO, flipped(digest, 31)]), bytes),
      )
      wrong(
        'with a digest of SHA-256 cut to 20 bytes',
        blockOf(Buffer.concat([Buffer.from('3021300906052b0e03021a05000414', 'hex'), digest.subarray(0, 20)]), bytes),
      )

      const three = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 })
      const cubed = group('RS256', { key: publicJwk(three.publicKey, 'RS256') })
      cubed.valid('with the exponent 3', sign('sha256', Buffer.from(input), three.privateKey))
      // Whoever stops reading at the digest takes any cube that begins as it should (Bleichenbacher, 2006).
      for (const length of [0, 1, 8]) {
        const head = blockOf(info, 3 + length + info.length)
        const target = toBig(Buffer.concat([head, Buffer.alloc(bytes - head.length)]))
        cubed.invalid(
          `a cube root that anybody takes, of ${length} bytes of padding`,
          toBytes(cubeRoot(target) + 1n, bytes),
        )
      }
    } else {
      valid('padded by hand', raw(pssBlock(input, bytes, {})))
      for (const saltLength of [0, 1, 20, 31, 33, 64, bytes - 34])
        invalid(`with a salt of ${saltLength} bytes`, raw(pssBlock(input, bytes, { saltLength })))
      invalid('masked by SHA-1', raw(pssBlock(input, bytes, { maskHash: 'sha1' })))
      invalid('masked by SHA-512', raw(pssBlock(input, bytes, { maskHash: 'sha512' })))
      invalid(
        'over SHA-512, masked by SHA-256, with a salt of 32 bytes',
        raw(pssBlock(input, bytes, { hash: 'sha512', maskHash: 'sha256' })),
      )
      for (const trailer of [0, 0xcc, 0xbd])
        invalid(`with ${trailer.toString(16)} at its end`, raw(pssBlock(input, bytes, { trailer })))
      for (const separator of [0, 2])
        invalid(`with ${separator} before the salt`, raw(pssBlock(input, bytes, { separator })))
      invalid('with ones where there are to be zeros', raw(pssBlock(input, bytes, { filler: 1 })))
    }
  }

  const good = publicJwk(pair.publicKey, 'RS256')
  const number = (value: bigint): string => b64(toBytes(value, Math.max(1, Math.ceil(value.toString(16).length / 2))))
  const key = (comment: string, changes: object, result: KeyCase['result'] = 'invalid') =>
    keys.push({ comment, algorithm: 'RS256', key: { ...good, ...changes }, result })
  const short = (modulusLength: number) =>
    generateKeyPairSync('rsa', { modulusLength }).publicKey.export({ format: 'jwk' })
  key('a key', {}, 'valid')
  key('a modulus of 512 bits', short(512))
  key('a modulus of 1024 bits', short(1024))
  key('a modulus of 2040 bits', short(2040))
  key('a modulus of 1024 bits with zeros before it', {
    n: b64(Buffer.concat([Buffer.alloc(128), Buffer.from(String(short(1024).n), 'base64url')])),
  })
  for (const [what, exponent] of Object.entries({ '0': 0n, '1': 1n, '2': 2n, '65536': 65536n }))
    key(`the exponent ${what}`, { e: number(exponent) })
  key('the exponent 1 with zeros before it', { e: b64(Buffer.from([0, 0, 1])) })
  key('an even modulus', { n: number(modulus - 1n) })
  key('no modulus', { n: undefined })
  key('an empty modulus', { n: '' })
  key('no exponent', { e: undefined })
  key('the modulus 0', { n: 'AA' })
  key('for PS256', { alg: 'PS256' })
  key('for encryption', { use: 'enc' })
  key('with its secret', { d: number(modulus >> 1n) })
  key('called a secret', { kty: 'oct' })

  // Everything about a token but its signature, under one key.
  const { cases } = group('RS256', { key: good })
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const strangerJwk = stranger.publicKey.export({ format: 'jwk' })
  const signed = (header: object | string, by = pair.privateKey): string => {
    const input = inputOf(header)
    return `${input}.${b64(sign('sha256', Buffer.from(input), by))}`
  }
  const take = (comment: string, jws: string) => cases.push({ comment, jws, result: 'valid' })
  const refuse = (comment: string, jws: string) => cases.push({ comment, jws, result: 'invalid' })
  const base = { alg: 'RS256', kid: 'k' }
  const bearing = {
    jwk: strangerJwk,
    jku: 'https://attacker.example/jwks.json',
    x5u: 'https://attacker.example/chain.pem',
    x5c: [stranger.publicKey.export({ format: 'der', type: 'spki' }).toString('base64')],
    x5t: b64(randomBytes(20)),
    'x5t#S256': b64(randomBytes(32)),
  }
  for (const [name, value] of Object.entries(bearing)) {
    refuse(`signed by the key that ${name} brings or names`, signed({ ...base, [name]: value }, stranger.privateKey))
    refuse(`the same without a kid`, signed({ alg: 'RS256', [name]: value }, stranger.privateKey))
    take(`with ${name}, which is not read`, signed({ ...base, [name]: value }))
  }
  for (const crit of [[], ['exp'], ['b64'], ['https://attacker.example/x'], ['alg'], 'exp', null, {}])
    refuse(`crit is ${JSON.stringify(crit)}`, signed({ ...base, crit }))
  refuse('b64 is false', signed({ ...base, b64: false }))
  refuse('b64 is false and critical', signed({ ...base, b64: false, crit: ['b64'] }))
  for (const alg of [
    'none',
    'None',
    'NONE',
    'nOnE',
    '',
    ' RS256',
    'RS256 ',
    'rs256',
    'RS256\u0000',
    'RSA',
    'SHA256withRSA',
    null,
    0,
    true,
    ['RS256'],
    { alg: 'RS256' },
  ])
    refuse(`alg is ${JSON.stringify(alg)}`, signed({ ...base, alg }))
  refuse('alg is left out', signed({ kid: 'k' }))
  for (const alg of ['none', 'None', 'nOnE'])
    refuse(`alg is ${alg}, without a signature`, `${inputOf({ ...base, alg })}.`)
  for (const alg of ['RS384', 'RS512', 'PS256', 'ES256', 'EdDSA', 'HS256'])
    refuse(`alg is ${alg} over a signature of RS256`, signed({ ...base, alg }))
  const pem = pair.publicKey.export({ format: 'pem', type: 'spki' }).toString()
  const secrets: Readonly<Record<string, string | Uint8Array>> = {
    'the key in PEM': pem,
    'the key in PEM without its last line break': pem.trimEnd(),
    'the key in PEM with spaces before it': ` \n${pem}`,
    'the key in PEM with other line breaks': pem.replaceAll('\n', '\r\n'),
    'the key in PEM on one line': pem.replaceAll('\n', ''),
    'the key as PKCS #1': pair.publicKey.export({ format: 'pem', type: 'pkcs1' }).toString(),
    'the key in DER': pair.publicKey.export({ format: 'der', type: 'spki' }),
    'the key as JWK': JSON.stringify(good),
    'the key’s modulus': Buffer.from(String(good.n), 'base64url'),
    'the key’s modulus as text': String(good.n),
    nothing: '',
    'a zero byte': Buffer.alloc(1),
    null: 'null',
    undefined: 'undefined',
    'the key’s name': 'k',
  }
  for (const [what, secret] of Object.entries(secrets))
    for (const alg of ['HS256', 'HS384', 'HS512']) {
      const input = inputOf({ ...base, alg })
      refuse(
        `${alg} with ${what} for a secret`,
        `${input}.${b64(createHmac(alg.replace('HS', 'sha'), secret).update(input).digest())}`,
      )
    }
  take('kid is left out', signed({ alg: 'RS256' }))
  for (const kid of [null, 0, '', 'other', ['k'], { k: 1 }, '../../dev/null', "k' or '1'='1"])
    refuse(`kid is ${JSON.stringify(kid)}`, signed({ ...base, kid }))
  for (const typ of [null, 0, '', [], {}]) refuse(`typ is ${JSON.stringify(typ)}`, signed({ ...base, typ }))
  for (const [what, header] of Object.entries({
    'alg twice': '{"alg":"RS256","alg":"none","kid":"k"}',
    'alg twice, the other way round': '{"alg":"none","alg":"RS256","kid":"k"}',
    'alg twice, once in disguise': '{"alg":"RS256","\\u0061lg":"none","kid":"k"}',
    'a list': '["RS256"]',
    'a text': '"RS256"',
    nothing: ' ',
    'half an object': '{"alg":"RS256"',
    'an object and something behind it': '{"alg":"RS256","kid":"k"}x',
    'a byte order mark before it': '\ufeff{"alg":"RS256","kid":"k"}',
    'a comma too many': '{"alg":"RS256","kid":"k",}',
    'single quotes': "{'alg':'RS256'}",
  }))
    refuse(`the header is or has ${what}`, signed(header))
  take('with spaces in the header', signed('{ "alg" : "RS256", "kid" : "k" }\n'))
  const whole = signed(base)
  const [head = '', body = '', end = ''] = whole.split('.')
  for (const [what, text] of Object.entries({
    'a space before it': ` ${whole}`,
    'a line break behind it': `${whole}\n`,
    'a tab in it': `${head}.\t${body}.${end}`,
    'padding behind a part': `${head}.${body}.${end}==`,
    'a dot too many': `${whole}.`,
    'five parts': `${head}.${body}.${end}.${body}.${end}`,
    'two parts': `${head}.${body}`,
    'an empty payload': `${head}..${end}`,
    'a comma for a dot': `${head},${body},${end}`,
    'the word Bearer before it': `Bearer ${whole}`,
    'stray bits in its last character': `${head}.${body}.${end.slice(0, -1)}${strayed(end.at(-1) ?? '')}`,
    'the other base64': `${head}.${body}.${Buffer.from(end, 'base64url').toString('base64')}`,
  }))
    refuse(`with ${what}`, text)
  refuse('as JSON', JSON.stringify({ protected: head, payload: body, signature: end }))
  refuse(
    'in JSON with an unprotected header',
    JSON.stringify({ protected: head, header: { kid: 'k' }, payload: body, signature: end }),
  )
}

/** Another character that decodes to the same bytes where it comes last of 342. */
function strayed(last: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return alphabet[alphabet.indexOf(last) ^ 1] ?? ''
}

function cubeRoot(value: bigint): bigint {
  let [low, high] = [0n, 1n << BigInt(Math.ceil(value.toString(2).length / 3) + 1)]
  while (low < high) {
    const middle = (low + high + 1n) >> 1n
    if (middle ** 3n <= value) low = middle
    else high = middle - 1n
  }
  return low
}

// EdDSA

const L = 2n ** 252n + 27742317777372353535851937790883648493n
const little = (bytes: Uint8Array): bigint => toBig(Buffer.from(bytes).reverse())
const toLittle = (value: bigint): Buffer => toBytes(value, 32).reverse()
const FIELD = 2n ** 255n - 19n

{
  const pair = generateKeyPairSync('ed25519')
  const jwk = publicJwk(pair.publicKey, 'EdDSA')
  const { valid, invalid } = group('EdDSA', { key: jwk })
  const input = plain('EdDSA')
  const good = sign(null, Buffer.from(input), pair.privateKey)
  const [point, scalar] = [good.subarray(0, 32), little(good.subarray(32))]
  const withScalar = (value: bigint): Buffer => Buffer.concat([point, toLittle(value)])
  valid('a signature', good)
  misshapen(invalid, good)
  for (let more = 1n; scalar + more * L < 2n ** 256n; more++)
    invalid(`S and ${more} times the order, which is S again`, withScalar(scalar + more * L))
  invalid('S is 0', withScalar(0n))
  invalid('S is the order', withScalar(L))
  invalid('S is the order less 1', withScalar(L - 1n))
  invalid('S is the order less S', withScalar(L - scalar))
  invalid('the sign of R is the other one', flipped(good, 31, 0x80))
  invalid('R is the neutral point and S is 0', Buffer.concat([toLittle(1n), toLittle(0n)]))
  invalid('R is the neutral point in another spelling, and S is 0', Buffer.concat([toLittle(FIELD + 1n), toLittle(0n)]))
  invalid('R is the key', Buffer.concat([Buffer.from(String(jwk.x), 'base64url'), good.subarray(32)]))
  invalid('S and R in each other’s place', Buffer.concat([good.subarray(32), point]))
  invalid('over the SHA-512 digest', sign(null, createHash('sha512').update(input).digest(), pair.privateKey))
  invalid('of another text', sign(null, Buffer.from(`${input} `), pair.privateKey))
  invalid('of another key', sign(null, Buffer.from(input), generateKeyPairSync('ed25519').privateKey))
  invalid('of a key on the other curve', sign(null, Buffer.from(input), generateKeyPairSync('ed448').privateKey))

  const key = (comment: string, changes: object, result: KeyCase['result'] = 'invalid') =>
    keys.push({ comment, algorithm: 'EdDSA', key: { ...jwk, ...changes }, result })
  key('a key', {}, 'valid')
  // Under a point of small order a signature says nothing of its text: R neutral and S zero is one of every eighth, or of all.
  const eighth = 0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n
  for (const [what, y] of Object.entries({
    'the neutral point': 1n,
    'the point of order 2': FIELD - 1n,
    'a point of order 4': 0n,
    'a point of order 8': eighth,
    'another point of order 8': FIELD - eighth,
    'a point of order 4 in another spelling': FIELD,
    'the neutral point in another spelling': FIELD + 1n,
  })) {
    key(what, { x: b64(toLittle(y)) })
    key(`${what}, with its sign`, { x: b64(toLittle(y + 2n ** 255n)) })
  }
  key('a number beyond the field', { x: b64(toLittle(FIELD + 3n)) })
  key('all ones', { x: b64(Buffer.alloc(32, 0xff)) })
  key('no point', { x: b64(toLittle(2n)) })
  key('31 bytes', { x: b64(Buffer.from(String(jwk.x), 'base64url').subarray(1)) })
  key('33 bytes', { x: b64(Buffer.concat([Buffer.from(String(jwk.x), 'base64url'), Buffer.alloc(1)])) })
  key('no bytes', { x: '' })
  key('a key to agree on keys with', { ...generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' }) })
  key('a key on the other curve', { ...generateKeyPairSync('ed448').publicKey.export({ format: 'jwk' }) })
  key('with its secret', { d: b64(randomBytes(32)) })
}

// ML-DSA-44

{
  const pair = generateKeyPairSync('ml-dsa-44')
  const jwk = publicJwk(pair.publicKey, 'ML-DSA-44')
  const { valid, invalid } = group('ML-DSA-44', { key: jwk })
  const input = Buffer.from(plain('ML-DSA-44'))
  const good = sign(null, input, pair.privateKey)
  valid('a signature', good)
  misshapen(invalid, good)
  invalid('with a context', sign(null, input, { key: pair.privateKey, context: Buffer.from('JWS') } as never))
  invalid(
    'with a context of one zero byte',
    sign(null, input, { key: pair.privateKey, context: Buffer.alloc(1) } as never),
  )
  invalid('over the SHA-512 digest', sign(null, createHash('sha512').update(input).digest(), pair.privateKey))
  invalid('of another text', sign(null, Buffer.concat([input, Buffer.alloc(1)]), pair.privateKey))
  invalid('of another key', sign(null, input, generateKeyPairSync('ml-dsa-44').privateKey))
  invalid('of a key of the next size', sign(null, input, generateKeyPairSync('ml-dsa-65').privateKey))
  // The hints: 80 places and 4 counts, each of which has one spelling alone (FIPS 204, algorithm 21).
  const hints = good.length - 84
  const used = good[good.length - 1] as number
  const changed = (change: (hint: Buffer) => Readonly<Record<number, number>>): Buffer => {
    const copy = Buffer.from(good)
    const hint = copy.subarray(hints)
    for (const [place, value] of Object.entries(change(hint))) hint[Number(place)] = value
    return copy
  }
  invalid(
    'with a place behind the last hint',
    changed(() => ({ [Math.min(used, 79)]: 7 })),
  )
  invalid(
    'with more hints than there may be',
    changed(() => ({ 83: 81 })),
  )
  invalid(
    'with counts that fall',
    changed(() => ({ 80: 80 })),
  )
  invalid(
    'with two hints in each other’s place',
    changed(hint => ({ 0: hint[1] as number, 1: hint[0] as number })),
  )
  invalid(
    'with one hint twice',
    changed(hint => ({ 1: hint[0] as number })),
  )
  invalid(
    'with no hints',
    changed(hint => Object.fromEntries([...hint.keys()].map(place => [place, 0]))),
  )
  invalid(
    'with a response out of range',
    Buffer.concat([good.subarray(0, 32), Buffer.alloc(hints - 32), good.subarray(hints)]),
  )
  invalid('with another challenge', Buffer.concat([randomBytes(32), good.subarray(32)]))

  const key = (comment: string, changes: object, result: KeyCase['result'] = 'invalid') =>
    keys.push({ comment, algorithm: 'ML-DSA-44', key: { ...jwk, ...changes }, result })
  const pub = Buffer.from(String((jwk as { pub?: string }).pub), 'base64url')
  key('a key', {}, 'valid')
  key('a byte less', { pub: b64(pub.subarray(1)) })
  key('a byte more', { pub: b64(Buffer.concat([pub, Buffer.alloc(1)])) })
  key('no bytes', { pub: '' })
  key('no name of its size', { alg: undefined })
  key('the name of another size', { alg: 'ML-DSA-65' })
  key('a key of another size', { ...publicJwk(generateKeyPairSync('ml-dsa-65').publicKey, 'ML-DSA-44') })
  key('with its secret', { priv: b64(randomBytes(32)) })
}

// HS256

{
  const secret = randomBytes(32)
  const { valid, invalid } = group('HS256', { secret: secret.toString('hex') })
  const input = plain('HS256')
  const tag = (key: Uint8Array | string, hash = 'sha256', text = input) => createHmac(hash, key).update(text).digest()
  const good = tag(secret)
  valid('a tag', good)
  misshapen(invalid, good)
  invalid('of SHA-384 cut to 32 bytes', tag(secret, 'sha384').subarray(0, 32))
  invalid('of SHA-512 cut to 32 bytes', tag(secret, 'sha512').subarray(0, 32))
  invalid('the digest of the secret and the text', createHash('sha256').update(secret).update(input).digest())
  invalid('the digest of the text', createHash('sha256').update(input).digest())
  invalid('of another text', tag(secret, 'sha256', `${input} `))
  invalid('with the secret in hex', tag(secret.toString('hex')))
  invalid('with the secret in base64', tag(secret.toString('base64')))
  invalid('with no secret', tag(''))
  invalid('with as many zeros for a secret', tag(Buffer.alloc(32)))

  const pem = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey
  const text = pem.export({ format: 'pem', type: 'spki' }).toString()
  const add = (comment: string, bytes: string | Uint8Array, result: KeyCase['result'] = 'invalid') =>
    keys.push({ comment, algorithm: 'HS256', secret: Buffer.from(bytes as string).toString('hex'), result })
  add('a secret', secret, 'valid')
  add('nothing', '')
  add('31 bytes', secret.subarray(1))
  add('a public key in PEM', text)
  add('the same behind spaces', ` \t\n${text}`)
  add('the same behind a byte order mark', `\ufeff${text}`)
  add('the same with other line breaks', text.replaceAll('\n', '\r\n'))
  add('the same on one line', text.replaceAll('\n', ' '))
  add('the same without its first and last line', text.replace(/-----[^-]+-----\n?/g, ''))
  add('the same key as PKCS #1', pem.export({ format: 'pem', type: 'pkcs1' }) as string)
  add('the same key in DER', pem.export({ format: 'der', type: 'spki' }) as Buffer)
  add('the same key in DER as PKCS #1', pem.export({ format: 'der', type: 'pkcs1' }) as Buffer)
  add('a public key as JWK', JSON.stringify(pem.export({ format: 'jwk' })))
  add('the same behind spaces, and with some in it', ` ${JSON.stringify(pem.export({ format: 'jwk' }), null, 2)}\n`)
  add('a set of public keys', JSON.stringify({ keys: [pem.export({ format: 'jwk' })] }))
  add('a certificate’s beginning', `-----BEGIN CERTIFICATE-----\n${'A'.repeat(64)}`)
}

process.stdout.write(`${JSON.stringify({ payload: PAYLOAD, groups, keys }, null, 1)}\n`)
