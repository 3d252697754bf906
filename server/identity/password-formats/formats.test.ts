import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { JsonObject } from '../../kernel/json.ts'
import { UnusableHash } from './format.ts'
import { formats, readForeignHash } from './formats.ts'
import { runOffThread } from './off-thread.ts'
import { MOST_WORK } from './work.ts'

interface Vector {
  readonly format: string
  readonly by: string
  readonly password: string
  readonly hash: string | JsonObject
}

/** Each made by the library whose format it is; `make-password-hashes.py` beside it says how. */
const VECTORS: readonly Vector[] = JSON.parse(
  readFileSync(new URL('../../../tests/vectors/password-hashes.json', import.meta.url), 'utf8'),
)
const textOf = ({ hash }: Pick<Vector, 'hash'>): string => (typeof hash === 'string' ? hash : JSON.stringify(hash))

describe('a password hash from elsewhere', () => {
  for (const [by, vectors] of Map.groupBy(VECTORS, ({ format, by }) => `${format}, by ${by}`))
    test(`is verified: ${by}`, async () => {
      for (const vector of vectors) {
        const { format, password } = vector
        const text = textOf(vector)
        assert.deepEqual(
          formats.filter(one => one.recognise(text)).map(({ name }) => name),
          [format],
          text,
        )
        const check = readForeignHash(text)
        assert.equal(check.refusal?.(password), undefined, text)
        assert.equal(await check.matches(password), true, text)
        const [first = '!'] = password
        assert.equal(await check.matches(`${first === 'X' ? 'Y' : 'X'}${password.slice(1)}`), false, text)
      }
    })

  test('is of every format in the list', () =>
    assert.deepEqual(
      formats.map(({ name }) => name).filter(name => !VECTORS.some(({ format }) => format === name)),
      [],
    ))

  test('is refused with a reason, and never by accident, when a character of it is missing or too many', () => {
    for (const vector of VECTORS.filter(({ hash }) => typeof hash === 'string')) {
      const text = textOf(vector)
      // What Drupal wrote a U before is a hash too.
      for (const broken of [`${text}\n`, ` ${text}`, `${text}$`, text.replace(/^U?./, '')])
        assert.throws(() => readForeignHash(broken), UnusableHash, JSON.stringify(broken))
      for (let length = 0; length < text.length; length += 7) {
        const cut = () => readForeignHash(text.slice(0, length))
        try {
          cut()
        } catch (error) {
          assert.ok(error instanceof UnusableHash)
        }
      }
    }
  })

  test('is sound or refused with a reason, whatever was done to it, and never dearer than the bound', () => {
    const pieces = fc.constantFrom(
      '$',
      '{',
      '}',
      '=',
      ',',
      ':',
      '"',
      '9'.repeat(9),
      '0',
      '-1',
      '\0',
      '\ufffd',
      'rounds=',
    )
    const broken = fc
      .tuple(fc.constantFrom(...VECTORS.map(textOf)), fc.nat(), fc.nat({ max: 12 }), pieces)
      .map(([text, at, length, piece]) => {
        const place = at % (text.length + 1)
        return text.slice(0, place) + piece + text.slice(place + length)
      })
    const judge = (text: string) => {
      try {
        assert.ok(readForeignHash(text).work <= MOST_WORK)
      } catch (error) {
        if (!(error instanceof UnusableHash)) throw error
      }
    }
    fc.assert(fc.property(fc.oneof(broken, fc.string(), fc.json()), judge), { numRuns: 3000, seed: 1 })
  })

  const SALT = 'c2FsdHNhbHRzYWx0'
  const DIGEST = 'A'.repeat(43)
  const auth0 = (changes: object) =>
    JSON.stringify({ algorithm: 'sha256', hash: { value: 'ab'.repeat(32), encoding: 'hex' }, ...changes })
  const keycloak = (changes: object) =>
    JSON.stringify({ algorithm: 'pbkdf2', hashIterations: 1000, salt: SALT, value: DIGEST, ...changes })
  const firebase = (changes: object) =>
    JSON.stringify({
      signerKey: SALT,
      saltSeparator: 'Bw==',
      salt: SALT,
      passwordHash: SALT.repeat(3),
      rounds: 8,
      memCost: 14,
      ...changes,
    })

  for (const [hash, why] of [
    ['', 'nothing'],
    ['correct horse battery staple', 'the password itself'],
    ['5f4dcc3b5aa765d61d8327deb882cf99', 'a digest that could be anything'],
    ['sha1$salt$0123456789012345678901234567890123456789', 'a digest that two systems write alike'],
    ['!', 'a password that nobody has'],
    ['x'.repeat(5000), 'endless'],
    ['{"algorithm":', 'half a document'],
    ['{"a":1}', 'a document of something else'],
    [`$argon2id$v=16$m=1024,t=2,p=1$${SALT}$${DIGEST}`, 'Argon2 of before it was settled'],
    [`$argon2id$m=1024,t=2,p=1$${SALT}$${DIGEST}`, 'Argon2 of no version, which is the old one'],
    [`$argon2x$v=19$m=1024,t=2,p=1$${SALT}$${DIGEST}`, 'Argon2 of no known variant'],
    [`$argon2id$v=19$m=262145,t=1,p=1$${SALT}$${DIGEST}`, 'Argon2 of too much memory'],
    [`$argon2id$v=19$m=262144,t=8,p=1$${SALT}$${DIGEST}`, 'Argon2 of too much work'],
    [`$argon2id$v=19$m=1024,t=4294967295,p=1$${SALT}$${DIGEST}`, 'Argon2 of endless passes'],
    ['$2x$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy', 'bcrypt with the bug of long ago'],
    ['$2b$15$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy', 'bcrypt at too great a cost'],
    ['$2b$31$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy', 'bcrypt at the greatest cost'],
    ['$2b$00$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy', 'bcrypt at no cost'],
    [`$pbkdf2-sha256$10000000$${SALT}$${DIGEST}`, 'PBKDF2 of too many iterations'],
    [`$pbkdf2-sha256$1000$${SALT}$AAAA`, 'PBKDF2 with a digest that guessing hits'],
    [`$pbkdf2-sha256$0$${SALT}$${DIGEST}`, 'PBKDF2 of no iteration'],
    [`$pbkdf2-sha256$i=1000,l=64$${SALT}$${DIGEST}`, 'PBKDF2 of another length than it says'],
    [`$pbkdf2-md4$1000$${SALT}$${DIGEST}`, 'PBKDF2 over a digest that is not there'],
    [`$pbkdf2-constructor$1000$${SALT}$${DIGEST}`, 'PBKDF2 over no digest'],
    [`pbkdf2_sha256$99999999$salt$${DIGEST}=`, 'Django with too many iterations'],
    [`pbkdf2_md5$1000$salt$${DIGEST}=`, 'Django over a digest it does not have'],
    [`$scrypt$ln=22,r=8,p=1$${SALT}$${DIGEST}`, 'scrypt of too much memory'],
    [`$scrypt$ln=16,r=8,p=99$${SALT}$${DIGEST}`, 'scrypt of too many lanes'],
    [`$scrypt$ln=1,r=1,p=3200000$${SALT}$${DIGEST}`, 'scrypt of more lanes than memory holds'],
    [`scrypt:1000:8:1$salt$${'ab'.repeat(32)}`, 'scrypt at a cost that is no power of two'],
    [`scrypt:1073741824:8:1$salt$${'ab'.repeat(32)}`, 'scrypt that would fill a server'],
    [`$6$rounds=99999999$salt$${'x'.repeat(86)}`, 'SHA-crypt of too many rounds'],
    [`$6$salt$${'x'.repeat(43)}`, 'SHA-crypt of the other length'],
    [`$P$U12345678${'x'.repeat(22)}`, 'phpass of too many rounds'],
    [`$P$.12345678${'x'.repeat(22)}`, 'phpass of hardly any'],
    [`$S$U12345678${'x'.repeat(43)}`, 'Drupal of too many rounds'],
    ['{SSHA}AAAA', 'LDAP with half a digest'],
    [`{SSHA}${Buffer.alloc(20).toString('base64')}`, 'LDAP without the salt that it says'],
    [`{SSHA}${Buffer.alloc(200).toString('base64')}`, 'LDAP with a salt without end'],
    ['{CLEARTEXT}password', 'LDAP in the clear'],
    ['{CRYPT}aaJv1Zk7o5XEY', 'LDAP with the crypt of old'],
    ['{CRYPT}{SSHA}AAAA', 'LDAP in LDAP'],
    [keycloak({ algorithm: 'pbkdf2-md5' }), 'Keycloak with an unknown algorithm'],
    [keycloak({ algorithm: 'constructor' }), 'Keycloak with a name that is no algorithm'],
    [keycloak({ hashIterations: 99_999_999 }), 'Keycloak with too many iterations'],
    [keycloak({ hashIterations: '1000' }), 'Keycloak with a number in words'],
    [keycloak({ salt: 7 }), 'Keycloak with a salt that is a number'],
    [keycloak({ credentialData: '[]' }), 'Keycloak with a list for data'],
    [keycloak({ algorithm: 'argon2', additionalParameters: { version: ['1.0'] } }), 'Keycloak with the old Argon2'],
    [firebase({ memCost: 31 }), 'Firebase of too much memory'],
    [firebase({ memCost: 500 }), 'Firebase of endless memory'],
    [firebase({ rounds: 0 }), 'Firebase of no rounds'],
    [firebase({ saltSeparator: undefined }), 'Firebase without a separator'],
    [auth0({ algorithm: 'md4' }), 'Auth0 with MD4, which nobody has any more'],
    [auth0({ algorithm: 'toString' }), 'Auth0 with a name that is no algorithm'],
    [auth0({ hash: { value: 'abcd', encoding: 'hex' } }), 'Auth0 with a digest that guessing hits'],
    [auth0({ hash: { value: 'not hex', encoding: 'hex' } }), 'Auth0 with hex that is none'],
    [auth0({ hash: 'abcd' }), 'Auth0 with text for a hash'],
    [auth0({ salt: { value: 'x', position: 'middle' } }), 'Auth0 with a salt in the middle'],
    [auth0({ password: { encoding: 'utf7' } }), 'Auth0 with an encoding that it does not have'],
    [auth0({ algorithm: 'scrypt', keylen: 32, cost: 2 ** 24 }), 'Auth0 scrypt of too much memory'],
    [auth0({ algorithm: 'scrypt', keylen: 64 }), 'Auth0 scrypt of another length than it says'],
    [auth0({ algorithm: 'scrypt' }), 'Auth0 scrypt of no length'],
    [auth0({ algorithm: 'hmac', hash: { value: 'ab'.repeat(32), digest: 'sha256' } }), 'Auth0 HMAC without a key'],
    [auth0({ algorithm: 'bcrypt', hash: { value: '$2b$15$x' } }), 'Auth0 with half a bcrypt'],
    [auth0({ algorithm: 'argon2', hash: { value: '{SSHA}AAAA' } }), 'Auth0 with another hash than it says'],
  ] as const)
    test(`is refused: ${why}`, () => {
      assert.throws(
        () => readForeignHash(hash),
        error => error instanceof UnusableHash && (hash.length < 20 || !error.message.includes(hash)),
      )
    })

  test('at the defaults of each system is within the bounds', () => {
    const bcrypt = '$2b$12$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy'
    for (const hash of [
      bcrypt,
      bcrypt.replace('$12$', '$14$'),
      `pbkdf2_sha256$1200000$salt$${DIGEST}=`,
      `pbkdf2:sha256:1000000$salt$${'ab'.repeat(32)}`,
      `scrypt:32768:8:1$salt$${'ab'.repeat(64)}`,
      `scrypt$16384$salt$8$5$${'A'.repeat(86)}==`,
      `$6$rounds=656000$salt$${'x'.repeat(86)}`,
      `$5$rounds=535000$salt$${'x'.repeat(43)}`,
      `$argon2id$v=19$m=102400,t=2,p=8$${SALT}$${DIGEST}`,
      `$argon2id$v=19$m=262144,t=3,p=1$${SALT}$${DIGEST}`,
      `$S$D12345678${'x'.repeat(43)}`,
      keycloak({ algorithm: 'pbkdf2-sha512', hashIterations: 210_000, value: 'A'.repeat(86) }),
      firebase({}),
    ])
      assert.ok(readForeignHash(hash).work <= MOST_WORK)
  })
})

describe('what bcrypt would not read', () => {
  const LONGER = 'x'.repeat(73)
  const bcrypt = VECTORS.filter(({ format, password }) => format === 'bcrypt' && password.length === 72)

  test('is never tried: a longer password than 72 bytes is refused, in letters of any length', () => {
    assert.ok(bcrypt.length > 0)
    for (const vector of bcrypt) {
      const { refusal } = readForeignHash(textOf(vector))
      assert.equal(refusal?.(vector.password), undefined)
      assert.equal(refusal?.(`${vector.password}!`), 'longer-than-72-bytes')
      assert.equal(refusal?.('\ube44'.repeat(25)), 'longer-than-72-bytes')
    }
  })

  test('is, where the system made a digest of it first, no matter', () => {
    for (const format of ['Django bcrypt over SHA-256', 'passlib bcrypt-sha256', 'WordPress'])
      assert.equal(
        readForeignHash(textOf(VECTORS.find(one => one.format === format) as Vector)).refusal?.(LONGER),
        undefined,
      )
  })
})

describe('a long password, where it is hashed in each round,', () => {
  const long = (bytes: number) => 'x'.repeat(bytes)
  const dearest = [`$6$rounds=656000$salt$${'x'.repeat(86)}`, `$5$rounds=660000$salt$${'x'.repeat(43)}`]
  const usual = [`$6$salt$${'x'.repeat(86)}`, `$P$B12345678${'x'.repeat(22)}`, `$S$D12345678${'x'.repeat(43)}`]

  test('is tried as long as it costs no more than any check may', () => {
    for (const hash of [...dearest, ...usual, `$S$H12345678${'x'.repeat(43)}`]) {
      const { work, workOf, refusal } = readForeignHash(hash)
      assert.ok(workOf)
      assert.equal(workOf(long(8)), work, 'a usual one costs what was reckoned at the import')
      for (let bytes = 0; bytes <= 1100; bytes += 20) {
        assert.ok(refusal?.(long(bytes)) !== undefined || workOf(long(bytes)) <= MOST_WORK, `${hash}: ${bytes}`)
        assert.ok(workOf(long(bytes + 20)) >= workOf(long(bytes)))
      }
    }
    for (const hash of usual) assert.equal(readForeignHash(hash).refusal?.(long(1024)), undefined, hash)
    for (const hash of dearest) {
      assert.equal(readForeignHash(hash).refusal?.(long(600)), undefined, hash)
      assert.equal(readForeignHash(hash).refusal?.(long(1024)), 'too-long-to-check', hash)
    }
  })

  test('is none that grew longer than a password may be when its letters were composed', () => {
    for (const hash of usual)
      assert.equal(readForeignHash(hash).refusal?.('\ufdfa'.repeat(341).normalize('NFKC')), 'too-long-to-check', hash)
  })

  test('costs what it is reckoned at, whatever the old system made of it first', () => {
    const migrated = readForeignHash(`U$P$B12345678${'x'.repeat(22)}`)
    assert.equal(migrated.workOf?.(long(1024)), migrated.work)
  })
})

test('a password is not cut to fit an encoding that lacks its letters', () => {
  const narrow = (encoding: string) =>
    readForeignHash(JSON.stringify({ algorithm: 'md5', hash: { value: 'ab'.repeat(16) }, password: { encoding } }))
      .refusal
  // Both end in the same byte.
  assert.equal(narrow('latin1')?.('\u0142'), 'not-in-its-encoding')
  assert.equal(narrow('latin1')?.('\u00e4'), undefined)
  assert.equal(narrow('ascii')?.('\u00e4'), 'not-in-its-encoding')
  assert.equal(narrow('utf16le')?.('\u0142'), undefined)
})

describe('hashes in JavaScript', () => {
  const password = Buffer.from('correct horse battery staple')

  test('leave the event loop free', async () => {
    const delay = monitorEventLoopDelay({ resolution: 5 })
    delay.enable()
    const began = performance.now()
    await Promise.all([1, 2, 3].map(() => runOffThread('chain', 'sha512', 'saltsalt', password, 60_000)))
    const took = performance.now() - began
    delay.disable()
    assert.ok(delay.max / 1e6 < took, `${delay.max / 1e6} ms of ${took} ms`)
    assert.ok(delay.percentile(90) / 1e6 < took / 4)
  })

  test('that fail say so, and the next one is computed', async () => {
    await assert.rejects(runOffThread('bcrypt', 'password', 7 as never))
    assert.equal((await runOffThread('chain', 'md5', 'saltsalt', password, 128)).length, 16)
  })
})
