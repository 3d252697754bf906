/**
 * A signature that says nothing and holds all the same: both halves zero (Java's ECDSA of 2022), a number beyond the
 * order of the curve, a point that vouches for everything, or no bytes at all. Shown wherever the server believes a
 * signature, for every algorithm; the verifier alone, on hundreds of such vectors, is `sdk/vectors.test.ts`.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openPlaces, type Place, signatureOf, takenOf, withSignature } from './places.ts'

let opened: Awaited<ReturnType<typeof openPlaces>>
before(async () => {
  opened = await openPlaces()
})
after(() => opened?.server.close())

/** Big-endian, `width` bytes. */
const bytesOf = (value: bigint, width: number): Buffer =>
  Buffer.from(value.toString(16).padStart(2 * width, '0'), 'hex')
const numberOf = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`)

/** Of P-256 (SEC 2, 2.4.2): its order and its field's prime. */
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const P = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn
/** Of Ed25519 (RFC 8032 §5.1), whose numbers are little-endian. */
const L = 2n ** 252n + 27742317777372353535851937790883648493n
const NEUTRAL = Buffer.from(`01${'00'.repeat(31)}`, 'hex')

type Signatures = Readonly<Record<string, Buffer>>

function ofCurve(signature: Buffer): Signatures {
  const [r, s] = [numberOf(signature.subarray(0, 32)), numberOf(signature.subarray(32))]
  const pairs = { '0, 0': [0n, 0n], '0, 1': [0n, 1n], '1, 0': [1n, 0n], '1, 1': [1n, 1n], 'n, n': [N, N] } as const
  const more = { 'n, 0': [N, 0n], '0, n': [0n, N], 'p, p': [P, P], 'r, 0': [r, 0n], '0, s': [0n, s], 's, r': [s, r] }
  const half = (value: bigint) => {
    const bytes = bytesOf(value, 32)
    const sound = (bytes[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes
    return Buffer.concat([Buffer.from([2, sound.length]), sound])
  }
  const der = Buffer.concat([half(r), half(s)])
  return {
    ...Object.fromEntries(
      Object.entries({ ...pairs, ...more }).map(([name, [one, other]]) => [
        `r and s of ${name}`,
        Buffer.concat([bytesOf(one, 32), bytesOf(other, 32)]),
      ]),
    ),
    'in ASN.1': Buffer.concat([Buffer.from([0x30, der.length]), der]),
  }
}

function ofEdwards(signature: Buffer): Signatures {
  const s = numberOf(Buffer.from(signature.subarray(32)).reverse())
  return {
    'the neutral point and 0': Buffer.concat([NEUTRAL, Buffer.alloc(32)]),
    'its own point and 0': Buffer.concat([signature.subarray(0, 32), Buffer.alloc(32)]),
    's beyond the order': Buffer.concat([signature.subarray(0, 32), bytesOf(s + L, 32).reverse()]),
  }
}

function ofRsa(signature: Buffer, modulus: string): Signatures {
  const n = numberOf(Buffer.from(modulus, 'base64url'))
  const s = numberOf(signature)
  const width = signature.length
  return {
    'the number 1': bytesOf(1n, width),
    'the modulus': bytesOf(n, width),
    'one below the modulus': bytesOf(n - 1n, width),
    'itself and the modulus': bytesOf(s + n, width + 1),
  }
}

function edges({ algorithm, jwk }: Place, signature: Buffer): Signatures {
  const { length } = signature
  const bent = (at: number) => {
    const bytes = Buffer.from(signature)
    bytes[at] = (bytes[at] ?? 0) ^ 1
    return bytes
  }
  return {
    'no bytes': Buffer.alloc(0),
    'one zero': Buffer.alloc(1),
    'all zeros': Buffer.alloc(length),
    'all ones': Buffer.alloc(length, 0xff),
    'its last byte cut off': signature.subarray(0, -1),
    'its first byte cut off': signature.subarray(1),
    'a zero before it': Buffer.concat([Buffer.alloc(1), signature]),
    'a zero after it': Buffer.concat([signature, Buffer.alloc(1)]),
    'itself twice': Buffer.concat([signature, signature]),
    'its first bit turned': bent(0),
    'its last bit turned': bent(length - 1),
    ...(algorithm === 'ES256' && ofCurve(signature)),
    ...(algorithm === 'EdDSA' && ofEdwards(signature)),
    ...(jwk?.['kty'] === 'RSA' && ofRsa(signature, jwk['n'] ?? '')),
  }
}

test('the honest signature is taken everywhere, or none of the rest would prove anything', async () => {
  for (const place of opened.places) assert.ok(await place.takes(await place.honest()), place.name)
  const played = new Set(opened.places.map(({ algorithm }) => algorithm))
  assert.deepEqual([...played].sort(), ['ES256', 'EdDSA', 'HS256', 'ML-DSA-44', 'PS256', 'RS256'])
})

test('no signature at the edge of its algorithm is taken anywhere', async () => {
  const taken: string[] = []
  for (const place of opened.places) {
    const token = await place.honest()
    const forged = Object.entries(edges(place, signatureOf(token))).map(
      ([said, bytes]) => [said, withSignature(token, bytes)] as const,
    )
    taken.push(...(await takenOf(place, Object.fromEntries(forged))))
  }
  assert.deepEqual(taken, [])
})

test('a signature has one spelling: with padding, another last character or white space it is none', async () => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const taken: string[] = []
  for (const place of opened.places) {
    const token = await place.honest()
    const last = alphabet.indexOf(token.at(-1) ?? '')
    const spelled: Record<string, string> = {
      'padding after it': `${token}=`,
      'another part after it': `${token}.`,
      'white space before it': token.replace(/\.([^.]*)$/, '. $1'),
      'a line end after it': `${token}\r\n.`,
    }
    // Two or four bits of the last character stand for nothing where the bytes do not fill it.
    if (signatureOf(token).length % 3 !== 0)
      spelled['stray bits in its last character'] = token.slice(0, -1) + (alphabet[last ^ 1] ?? '')
    taken.push(...(await takenOf(place, spelled)))
  }
  assert.deepEqual(taken, [])
})
