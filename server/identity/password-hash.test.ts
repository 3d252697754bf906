import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { hashSync } from 'bcryptjs'
import { hashPassword, hashProblem, isOutdated, verifyNothing, verifyPassword } from './password-hash.ts'

/**
 * Made by the reference implementation, Debian's `argon2` 0~20171227:
 * `printf %s '<password>' | argon2 '<salt>' -id -t <passes> -k <KiB> -p <lanes> -l 32 -e`
 */
const VECTORS = [
  {
    password: 'correct horse battery staple',
    phc: '$argon2id$v=19$m=19456,t=2,p=1$bGF0Y2hrZXlzYWx0c2FsdA$iNrlajReNgSPkneZ5Z2ccJ2E3lL6kTi0LG3YbG50P2U',
    ours: true,
  },
  {
    password: 'p\u00e4ssw\u00f6rd 1',
    phc: '$argon2id$v=19$m=19456,t=2,p=1$bGF0Y2hrZXlzYWx0c2FsdA$13ZvQeBKVnXTBCkIhnpARX0M4RToZlltQZMcIYTwRqU',
    ours: true,
  },
  {
    password: '\uac00\ub098\ub2e4 1',
    phc: '$argon2id$v=19$m=65536,t=3,p=4$MDEyMzQ1Njc4OWFiY2RlZg$ZxMEut0afh2EMA/MAIjRZWGteH0QATCsVYzYnjVu1B8',
    ours: false,
  },
] as const
const [PLAIN, UMLAUTS] = VECTORS

describe('a password hash of another implementation', () => {
  for (const { password, phc, ours } of VECTORS) {
    test(`${phc.slice(0, 33)}… is verified`, async () => {
      assert.equal(hashProblem(phc), undefined)
      assert.equal((await verifyPassword(password, phc)).matches, true)
      assert.equal((await verifyPassword(`${password} `, phc)).matches, false)
      assert.equal((await verifyPassword('', phc)).matches, false)
    })
    test(`${phc.slice(0, 33)}… is ${ours ? 'at our cost' : 'to be replaced'}`, () =>
      assert.equal(isOutdated(phc), !ours))
  }

  for (const [typed, why] of [
    ['pa\u0308sswo\u0308rd 1', 'letters composed by another keyboard'],
    ['p\u00e4ssw\u00f6rd \u2460', 'a compatibility form of 1'],
    ['p\u00e4ssw\u00f6rd\u00a01', 'a space that does not break'],
  ] as const)
    test(`is verified for the same password with ${why}`, async () =>
      assert.equal((await verifyPassword(typed, UMLAUTS.phc)).matches, true))

  test('is not verified for the same password in another case', async () =>
    assert.equal((await verifyPassword('P\u00c4SSW\u00d6RD 1', UMLAUTS.phc)).matches, false))
})

describe('a password hash of our own', () => {
  test('is verified, is at our cost, and is another each time', async () => {
    const [one, other] = await Promise.all([hashPassword('a fine passphrase'), hashPassword('a fine passphrase')])
    assert.match(one, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    assert.notEqual(one, other)
    assert.equal(isOutdated(one), false)
    assert.equal((await verifyPassword('a fine passphrase', one)).matches, true)
    assert.equal((await verifyPassword('a fine passphrase', other)).matches, true)
  })

  test('does not verify when a bit of it is changed', async () => {
    const changed = PLAIN.phc.replace('$iNrl', '$jNrl')
    assert.equal(hashProblem(changed), undefined)
    assert.equal((await verifyPassword(PLAIN.password, changed)).matches, false)
  })
})

describe('a hash that cannot be verified here', () => {
  const [, , , , salt, tag] = PLAIN.phc.split('$')
  const withCost = (cost: string) => `$argon2id$v=19$${cost}$${salt}$${tag}`

  for (const [phc, why] of [
    ['', 'nothing'],
    ['correct horse battery staple', 'the password itself'],
    [PLAIN.phc.replace('v=19', 'v=16'), 'an older version'],
    [withCost('m=262145,t=2,p=1'), 'more memory than 256 MiB'],
    [withCost('m=19456,t=17,p=1'), 'more than sixteen passes'],
    [withCost('m=19456,t=2,p=17'), 'more than sixteen lanes'],
    [withCost('m=7,t=2,p=1'), 'less memory than the algorithm needs'],
    [withCost('m=15,t=2,p=2'), 'less memory than its lanes need'],
    [withCost('m=19456,t=0,p=1'), 'no pass'],
    [withCost('m=19456,t=2,p=0'), 'no lane'],
    [withCost('t=2,m=19456,p=1'), 'its costs in another order'],
    [`$argon2id$v=19$m=19456,t=2,p=1$c2hvcnQ$${tag}`, 'a salt that is too short'],
    [`$argon2id$v=19$m=19456,t=2,p=1$${salt}$AAAA`, 'a tag so short that guessing hits it'],
    [`$argon2id$v=19$m=19456,t=2,p=1$${salt}$`, 'no tag, which anything would equal'],
    [`${PLAIN.phc}\n`, 'a line break after it'],
  ] as const)
    test(`${why} is no password's, and is replaced`, async () => {
      assert.notEqual(hashProblem(phc), undefined)
      assert.equal((await verifyPassword(PLAIN.password, phc)).matches, false)
      assert.equal(isOutdated(phc), true)
    })
})

describe('a password that was hashed elsewhere as it was typed', () => {
  /** Made by argon2-cffi, of `\u2460 und \u00e4 zwei`, whose first letter is a compatibility form of 1. */
  const AS_TYPED = '$argon2id$v=19$m=64,t=2,p=1$bGF0Y2hrZXlzYWx0c2FsdA$sn8yJCl1/3SngbpGoIRrNsN+0dOZiyMY8vHpnoA+Jgw'
  const TYPED = '\u2460 und \u00e4 zwei'

  test('is verified, and hashed anew as we compose it', async () => {
    assert.deepEqual(await verifyPassword(TYPED, AS_TYPED), { matches: true, isOutdated: true, refusal: null })
    assert.equal((await verifyPassword('1 und \u00e4 zwei', AS_TYPED)).matches, false)
    const ours = await hashPassword(TYPED)
    assert.deepEqual(await verifyPassword('1 und a\u0308 zwei', ours), {
      matches: true,
      isOutdated: false,
      refusal: null,
    })
  })

  test('with a NUL byte matches no hash from elsewhere, as C read passwords to the first of them', async () => {
    const { matches, refusal } = await verifyPassword(`${TYPED}\0`, AS_TYPED)
    assert.deepEqual([matches, refusal], [false, 'nul'])
    // What HMAC fills its key up with: without the refusal it would be the same password.
    const empty = '$pbkdf2-sha256$1000$c2FsdHNhbHQ$PpinISwizSIDNXIv2WkSbqLC9+mlnZF/mGzDnYH6ozg'
    assert.equal((await verifyPassword('abc', empty)).matches, true)
    assert.deepEqual(await verifyPassword('abc\0', empty), { matches: false, isOutdated: true, refusal: 'nul' })
  })

  test('longer than bcrypt reads is told to the operator and never tried', async () => {
    const bcrypt = '$2b$04$M0AYbBQm6wjYI8Ml8HQxE.DU70mrw71LFXYRoVUXl3DBoBaHRH.QG'
    const beginning = 'x'.repeat(71)
    assert.equal((await verifyPassword(`${beginning}!`, bcrypt)).matches, true)
    assert.deepEqual(await verifyPassword(`${beginning}!?`, bcrypt), {
      matches: false,
      isOutdated: true,
      refusal: 'longer-than-72-bytes',
    })
  })

  test('is no longer than bcrypt reads when its letters are composed either, or is not tried so', async () => {
    // A letter that is composed as eighteen: 9 bytes become 99.
    const typed = '\ufdfa'.repeat(3)
    const beginning = Buffer.from(typed.normalize('NFKC')).subarray(0, 72).toString()
    assert.equal((await verifyPassword(typed, hashSync(beginning, 4))).matches, false)
    assert.equal((await verifyPassword(typed, hashSync(typed, 4))).matches, true)
  })
})

test('an account that does not exist costs a real check, and is never signed in to', async () => {
  for (const password of ['', PLAIN.password, 'x'.repeat(1024)]) assert.equal(await verifyNothing(password), false)
})
