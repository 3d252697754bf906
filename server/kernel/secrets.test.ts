import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { equalSecrets, hmacSha256, randomBytes, randomSecret, sha256 } from './secrets.ts'

describe('secrets', () => {
  test('are 32 random bytes as base64url, never the same', () => {
    const drawn = Array.from({ length: 1000 }, randomSecret)
    for (const secret of drawn) assert.match(secret, /^[\w-]{43}$/)
    assert.equal(new Set(drawn).size, 1000)
  })

  test("are nobody else's bytes, however many were drawn at once", () => {
    // More than one drawing holds, in lengths that do not fit it evenly.
    const drawn = Array.from({ length: 1000 }, (_, place) => randomBytes(12 + (place % 7)))
    const asDrawn = drawn.map(bytes => bytes.toString('hex'))
    assert.equal(new Set(asDrawn).size, 1000)
    for (const bytes of drawn.slice(1)) bytes.fill(0xff)
    randomBytes(32)
    assert.equal(drawn[0]?.toString('hex'), asDrawn[0])
    assert.ok(drawn.every((bytes, place) => bytes.length === 12 + (place % 7)))
  })

  test('more than is drawn at once is refused, not given short', () => {
    assert.throws(() => randomBytes(4097), RangeError)
  })

  // FIPS 180-2 appendix B.1 and RFC 4231 §4.3, as base64url.
  test('are digested as everybody does', () => {
    assert.equal(
      sha256('abc'),
      Buffer.from('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad', 'hex').toString('base64url'),
    )
    assert.equal(
      hmacSha256(Buffer.from('Jefe'), 'what do ya want for nothing?'),
      Buffer.from('5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843', 'hex').toString('base64url'),
    )
  })

  for (const [one, other, equal] of [
    ['secret', 'secret', true],
    ['', '', true],
    ['secret', 'Secret', false],
    ['secret', 'secret ', false],
    ['secret', '', false],
    ['é', 'é', true],
    ['é', 'e\u0301', false],
  ] as const)
    test(`${JSON.stringify(one)} and ${JSON.stringify(other)} are ${equal ? '' : 'not '}the same`, () =>
      assert.equal(equalSecrets(one, other), equal))
})
