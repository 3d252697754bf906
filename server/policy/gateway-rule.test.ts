import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type GatewayRule, shortfall } from './gateway-rule.ts'

const NOW = 1_800_000_000_000
const NOTHING: GatewayRule = {
  scopes: [],
  permissions: [],
  organization: null,
  amr: [],
  acr: [],
  maxAgeSeconds: null,
}

const codeOf = (rule: Partial<GatewayRule>, claims: object = {}, scopes: readonly string[] = []) =>
  shortfall({ ...NOTHING, ...rule }, { claims: { ...claims }, scopes }, NOW)?.code

describe('a rule', () => {
  test('that asks for nothing is met by anybody', () => assert.equal(codeOf({}), undefined))

  test('of scopes wants every one of them', () => {
    const rule = { scopes: ['read:a', 'write:a'] }
    assert.equal(codeOf(rule, {}, ['write:a', 'read:a', 'more']), undefined)
    assert.equal(codeOf(rule, {}, ['read:a']), 'insufficient_scope')
    assert.equal(codeOf(rule, { permissions: ['read:a', 'write:a'] }), 'insufficient_scope')
  })

  test('of permissions wants every one of them, in a list', () => {
    const rule = { permissions: ['films:edit'] }
    assert.equal(codeOf(rule, { permissions: ['films:edit', 'films:read'] }), undefined)
    for (const permissions of [undefined, [], 'films:edit', ['films'], { 'films:edit': true }, null])
      assert.equal(codeOf(rule, { permissions }), 'insufficient_permission')
  })

  test('of an organization wants that one', () => {
    assert.equal(codeOf({ organization: 'org_1' }, { org_id: 'org_1' }), undefined)
    for (const org_id of [undefined, 'org_2', ['org_1'], ''])
      assert.equal(codeOf({ organization: 'org_1' }, { org_id }), 'wrong_organization')
  })

  test('of methods wants all of them, of context classes one', () => {
    assert.equal(codeOf({ amr: ['pwd', 'otp'] }, { amr: ['otp', 'pwd'] }), undefined)
    assert.equal(codeOf({ amr: ['pwd', 'otp'] }, { amr: ['pwd'] }), 'step_up')
    assert.equal(codeOf({ amr: ['otp'] }, { amr: 'otp' }), 'step_up')
    assert.equal(codeOf({ acr: ['gold', 'silver'] }, { acr: 'silver' }), undefined)
    for (const acr of [undefined, 'bronze', ['gold'], ''])
      assert.equal(codeOf({ acr: ['gold', 'silver'] }, { acr }), 'step_up')
  })

  test('of an age wants a sign-in no longer ago, give or take the difference of two clocks', () => {
    const rule = { maxAgeSeconds: 300 }
    assert.equal(codeOf(rule, { auth_time: NOW / 1000 - 300 }), undefined)
    assert.equal(codeOf(rule, { auth_time: NOW / 1000 - 306 }), 'step_up')
    for (const auth_time of [undefined, `${NOW / 1000}`, null]) assert.equal(codeOf(rule, { auth_time }), 'step_up')
  })

  test('says how to do better, and asks nobody to sign in again for what that would not give', () => {
    const step = shortfall(
      { ...NOTHING, maxAgeSeconds: 60, acr: ['gold'] },
      { claims: { acr: 'gold' }, scopes: [] },
      NOW,
    )
    assert.deepEqual(step?.challenge, { max_age: '60' })
    const both = { scopes: ['read:a'], maxAgeSeconds: 60 }
    assert.equal(codeOf(both), 'insufficient_scope')
    assert.deepEqual(shortfall({ ...NOTHING, ...both }, { claims: {}, scopes: [] }, NOW)?.challenge, {
      scope: 'read:a',
    })
  })
})
