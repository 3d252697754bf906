import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { aUser, NOW } from '../../tests/fixtures/records.ts'
import type { JsonObject } from '../kernel/json.ts'
import { claimsOf } from './claims.ts'

const ann = aUser({
  profile: { name: 'Ann', picture: 'https://a.example/p', phone_number: '+82 2 312 3456', address: { country: 'KR' } },
})

describe('what a scope opens', () => {
  for (const [scopes, names] of [
    [[], []],
    [['openid'], []],
    [['profile'], ['name', 'picture', 'updated_at']],
    [['email'], ['email', 'email_verified']],
    [['phone'], ['phone_number', 'phone_number_verified']],
    [['address'], ['address']],
    [
      ['openid', 'email', 'profile'],
      ['email', 'email_verified', 'name', 'picture', 'updated_at'],
    ],
    [['offline_access', 'read:videos', 'Profile'], []],
  ] as const)
    test(`${scopes.join(' ') || 'none'}: ${names.join(', ') || 'nothing'}`, () =>
      assert.deepEqual(Object.keys(claimsOf(ann, scopes)).sort(), [...names].sort()))

  test('is said in seconds where it is a time', () =>
    assert.equal(claimsOf(aUser({ updatedAt: NOW + 999 }), ['profile'])['updated_at'], NOW / 1000))

  test('is left out rather than null or empty, and kept when it is false or zero', () => {
    const claims = claimsOf(
      aUser({ profile: { name: '', nickname: null, gender: '0', website: '' }, emailVerified: false }),
      ['profile', 'email'],
    )
    assert.deepEqual(Object.keys(claims).sort(), ['email', 'email_verified', 'gender', 'updated_at'])
    assert.equal(claims['email_verified'], false)
  })
})

describe('what a profile cannot say', () => {
  test('an address that nobody verified', () => {
    const profile = { email: 'boss@example.com', email_verified: true }
    assert.deepEqual(claimsOf(aUser({ profile, email: null }), ['email']), {})
    assert.deepEqual(claimsOf(aUser({ profile, emailVerified: false }), ['email']), {
      email: 'ann@example.com',
      email_verified: false,
    })
  })

  test('when it was changed', () =>
    assert.notEqual(claimsOf(aUser({ profile: { updated_at: 7 } }), ['profile'])['updated_at'], 7))

  test('a claim that no scope opens', () => {
    const profile = { sub: 'auth0|eve', iss: 'https://evil.example/', aud: 'x', org_id: 'o', role: 'admin' }
    assert.deepEqual(Object.keys(claimsOf(aUser({ profile }), ['openid', 'profile'])), ['updated_at'])
  })
})

describe('a claim in another form than OpenID Connect gives it', () => {
  const said = (profile: Record<string, unknown>) =>
    claimsOf(aUser({ profile: profile as JsonObject }), ['profile', 'phone', 'address'])

  for (const [name, wrong] of [
    ['name', 7],
    ['name', '   '],
    ['nickname', ['ann']],
    ['birthdate', '1.4.1990'],
    ['birthdate', '1990-13-01'],
    ['birthdate', 1990],
    ['phone_number_verified', 'true'],
    ['address', 'Seoul'],
    ['address', { country: '' }],
  ] as const)
    test(`is left out: ${name} ${JSON.stringify(wrong)}`, () => assert.equal(said({ [name]: wrong })[name], undefined))

  test('is told in the forms that are right', () => {
    for (const birthdate of ['1990', '1990-04-01', '0000-04-01'])
      assert.equal(said({ birthdate })['birthdate'], birthdate)
    assert.deepEqual(said({ address: { country: 'KR', region: '' } })['address'], { country: 'KR' })
  })

  test('a number that nobody checked is told as that, and without a number nothing is', () => {
    assert.equal(said({ phone_number: '+82 2 312 3456' })['phone_number_verified'], false)
    assert.equal(said({})['phone_number_verified'], undefined)
  })
})

test('a claim named by itself is told without the others of its scope', () =>
  assert.deepEqual(Object.keys(claimsOf(ann, [], ['picture', 'email', 'unknown', 'sub'])), ['picture', 'email']))
