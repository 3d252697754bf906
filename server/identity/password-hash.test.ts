import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { hashPassword, isOutdated, isVerifiable, verifyNothing, verifyPassword } from './password-hash.ts'

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
      assert.equal(isVerifiable(phc), true)
      assert.equal(await verifyPassword(password, phc), true)
      assert.equal(await verifyPassword(`${password} `, phc), false)
      assert.equal(await verifyPassword('', phc), false)
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
      assert.equal(await verifyPassword(typed, UMLAUTS.phc), true))

  test('is not verified for the same password in another case', async () =>
    assert.equal(await verifyPassword('P\u00c4SSW\u00d6RD 1', UMLAUTS.phc), false))
})

describe('a password hash of our own', () => {
  test('is verified, is at our cost, and is another each time', async () => {
    const [one, other] = await Promise.all([hashPassword('a fine passphrase'), hashPassword('a fine passphrase')])
    assert.match(one, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    assert.notEqual(one, other)
    assert.equal(isOutdated(one), false)
    assert.equal(await verifyPassword('a fine passphrase', one), true)
    assert.equal(await verifyPassword('a fine passphrase', other), true)
  })

  test('does not verify when a bit of it is changed', async () => {
    const changed = PLAIN.phc.replace('$iNrl', '$jNrl')
    assert.equal(isVerifiable(changed), true)
    assert.equal(await verifyPassword(PLAIN.password, changed), false)
  })
})

describe('a hash that cannot be verified here', () => {
  const [, , , , salt, tag] = PLAIN.phc.split('$')
  const withCost = (cost: string) => `$argon2id$v=19$${cost}$${salt}$${tag}`

  for (const [phc, why] of [
    ['', 'nothing'],
    ['correct horse battery staple', 'the password itself'],
    [PLAIN.phc.replace('argon2id', 'argon2i'), 'another variant'],
    [PLAIN.phc.replace('v=19', 'v=16'), 'an older version'],
    ['$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy', 'bcrypt'],
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
      assert.equal(isVerifiable(phc), false)
      assert.equal(await verifyPassword(PLAIN.password, phc), false)
      assert.equal(isOutdated(phc), true)
    })
})

test('an account that does not exist costs a real check, and is never signed in to', async () => {
  for (const password of ['', PLAIN.password, 'x'.repeat(1024)]) assert.equal(await verifyNothing(password), false)
})
