import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { authenticatedAt, authenticationContext, methodsOf } from './proof.ts'

const password = (at: number) => ({ factor: 'password', amr: ['pwd'], at })
const code = (at: number) => ({ factor: 'totp', amr: ['otp'], at })

describe('what follows from proofs', () => {
  test('auth_time is the latest, in whatever order they are kept', () => {
    assert.equal(authenticatedAt([password(5)]), 5)
    assert.equal(authenticatedAt([code(9), password(5)]), 9)
    assert.equal(authenticatedAt([password(5), code(9)]), 9)
  })

  test('amr holds each method once, in the order they were given', () => {
    assert.deepEqual(methodsOf([password(1)]), ['pwd'])
    assert.deepEqual(methodsOf([{ factor: 'passkey', amr: ['hwk', 'user'], at: 1 }]), ['hwk', 'user'])
  })

  test('mfa is said when two factors were proven, and not when one was proven twice', () => {
    assert.deepEqual(methodsOf([password(1), code(2)]), ['pwd', 'otp', 'mfa'])
    assert.deepEqual(methodsOf([password(1), password(2)]), ['pwd'])
  })

  test('mfa is not said of one factor that has two methods', () =>
    assert.deepEqual(methodsOf([{ factor: 'passkey', amr: ['hwk', 'user'], at: 1 }]).includes('mfa'), false))

  test('acr counts the kinds of proof, not the proofs', () => {
    assert.equal(authenticationContext([password(1)]), '1')
    assert.equal(authenticationContext([password(1), password(2)]), '1')
    assert.equal(authenticationContext([password(1), code(2)]), '2')
  })
})
