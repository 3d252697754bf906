import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { because, by, type Demand, must } from '../tests/conformance/demand.ts'
import {
  BACK_CHANNEL_MODULES,
  BASIC_MODULES,
  CONFIG_MODULES,
  DYNAMIC_MODULES,
  FRONT_CHANNEL_MODULES,
  HYBRID_MODULES,
  IMPLICIT_MODULES,
  SESSION_MODULES,
  SIGN_OUT_MODULES,
  THIRD_PARTY_LOGIN_MODULES,
} from '../tests/conformance/modules.ts'
import { type Plan, plans } from '../tests/conformance/plans.ts'
import { findFaults, readChecks, readFromRepository } from './conformance.ts'

describe('the conformance plans', () => {
  it('of this repository are complete, and every demand is proven or explained', () =>
    assert.deepEqual(findFaults(plans, readFromRepository, readChecks()), []))

  it('have as many modules as the suite', () => {
    const all: readonly (readonly string[])[] = [
      BASIC_MODULES,
      CONFIG_MODULES,
      DYNAMIC_MODULES,
      THIRD_PARTY_LOGIN_MODULES,
      SIGN_OUT_MODULES,
      BACK_CHANNEL_MODULES,
      FRONT_CHANNEL_MODULES,
      SESSION_MODULES,
    ]
    const sizes = all.map(names => new Set(names).size)
    assert.deepEqual(sizes, [38, 1, 23, 2, 11, 2, 2, 2])
    const listed = plans.flatMap(({ modules }) => (modules ? [modules] : []))
    const [first, ...rest] = all
    assert.deepEqual(listed, [first, IMPLICIT_MODULES, HYBRID_MODULES, HYBRID_MODULES, ...rest])
  })
})

describe('a plan', () => {
  const SOURCE = `
test('shop: it opens', async () => {
  insist('shop#door', true)
})
test('shop: it sells', async () => {
  insist('shop#till', true)
})
test('bakery: it bakes', () => insist('shop#oven', true))
test('shop: it is shut', { skip: true }, () => insist('shop#night', true))
`
  const inTests = by('shop.test.ts')
  const opens = inTests('shop: it opens')

  const faultsOf = (asked: Readonly<Record<string, Demand>>, changes: Partial<Plan> = {}, checks = '') => {
    const demands = { shop: asked }
    const plan: Plan = { title: 'Trade', about: '', demands, modules: ['shop'], insistedOn: 'in the test', ...changes }
    return findFaults([plan], file => (file === 'shop.test.ts' ? SOURCE : undefined), checks)
  }

  it('whose demands are proven or explained has no fault', () =>
    assert.deepEqual(
      faultsOf({ door: must('There is a door.', opens), roof: must('…', because('Nobody has built a roof yet.')) }),
      [],
    ))

  it('cannot have a demand with neither proof nor reason, or with both', () => {
    const neither = { grade: 'must', says: 'There is a door.' } as unknown as Demand
    const both: Demand = { ...must('There is a door.', opens), ...because('Nobody has built a door yet.') }
    const fault = 'shop#door: it needs a proof or a reason, and not both'
    assert.deepEqual(faultsOf({ door: neither }), [fault])
    assert.deepEqual(faultsOf({ door: both }), [fault])
  })

  it('cannot be satisfied with a reason that is none', () =>
    assert.deepEqual(faultsOf({ door: must('…', because('later')) }), ['shop#door: its reason explains nothing']))

  it('cannot name a file or a test that is not there', () => {
    assert.deepEqual(faultsOf({ door: must('…', by('pub.test.ts')('shop: it opens')) }), [
      'shop#door: there is no file pub.test.ts',
    ])
    assert.deepEqual(faultsOf({ door: must('…', inTests('shop: it op')) }), [
      'shop#door: shop.test.ts has no test “shop: it op”',
    ])
  })

  it('cannot name a test that may be skipped', () => {
    assert.deepEqual(faultsOf({ night: must('…', inTests('shop: it is shut')) }), [
      'shop#night: shop.test.ts has no test “shop: it is shut”',
    ])
    for (const way of ['skip', 'only', 'todo']) {
      const door = must('…', opens)
      const plan: Plan = { title: '', about: '', demands: { shop: { door } }, modules: ['shop'], insistedOn: null }
      const faults = findFaults([plan], () => `${SOURCE}describe.${way}('', () => {})`, '')
      assert.deepEqual(faults, ['shop#door: not every test of shop.test.ts runs'])
    }
  })

  it('cannot name a test that does not insist on the demand, or one of another module', () => {
    assert.deepEqual(faultsOf({ till: must('…', opens) }), ['shop#till: nothing insists on it in the test'])
    assert.deepEqual(faultsOf({ oven: must('…', inTests('bakery: it bakes')) }), [
      'shop#oven: the test “bakery: it bakes” is of another module',
    ])
  })

  it('whose demands are asked in every module needs them in the checks', () => {
    const everywhere = { modules: null, insistedOn: 'in the checks' } as const
    const demands = { door: must('…', opens) }
    assert.deepEqual(faultsOf(demands, everywhere, "insist('shop#door', true)"), [])
    assert.deepEqual(faultsOf(demands, everywhere, "insist('shop#door-mat', true)"), [
      'shop#door: nothing insists on it in the checks',
    ])
  })

  it('has to ask something in each of its modules, and in no others', () => {
    assert.deepEqual(faultsOf({}), ['Trade: nothing is asked in shop'])
    assert.deepEqual(faultsOf({ door: must('…', opens) }, { modules: ['shop', 'pub'] }), [
      'Trade: nothing is asked in pub',
    ])
    assert.deepEqual(faultsOf({ door: must('…', opens) }, { modules: [] }), ['Trade: there is no module shop'])
  })
})
