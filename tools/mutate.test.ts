import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { because, by, must } from '../tests/conformance/demand.ts'
import type { Mutation } from '../tests/conformance/mutation.ts'
import { mutationsOf } from '../tests/conformance/mutations.ts'
import { type Plan, plans } from '../tests/conformance/plans.ts'
import { readFromRepository } from './conformance.ts'
import { findStale, type Result, trialsOf, verdictOf } from './mutate.ts'

describe('the mutations', () => {
  it('of this repository break each module of which something is proven, in a place that is there once', () =>
    assert.deepEqual(findStale(plans, readFromRepository, mutationsOf), []))
})

const BROKEN: Mutation = { file: 'shop.ts', from: 'open()', to: '' }

const planOf = (changes: Partial<Plan> = {}): Plan => ({
  title: 'Trade',
  about: '',
  demands: {
    shop: { door: must('It opens.', by('shop.test.ts')('shop: it opens')) },
    mill: { wheel: must('It turns.', because('There is no water.')) },
  },
  modules: ['shop', 'mill'],
  insistedOn: 'in the test',
  ...changes,
})

describe('a mutation', () => {
  const faultsOf = (mutations: readonly Mutation[], source: string | undefined = 'open(); shut()') =>
    findStale(
      [planOf()],
      file => (file === 'shop.ts' ? source : undefined),
      (_plan, module) => (module === 'shop' ? mutations : []),
    )

  it('is sound that replaces what is in its file once', () => assert.deepEqual(faultsOf([BROKEN]), []))

  it('is demanded of each module that is proven, and of no other', () =>
    assert.deepEqual(faultsOf([]), ['Trade: nothing breaks shop']))

  it('is demanded of each subject of a list that is of no modules', () =>
    assert.deepEqual(
      findStale(
        [planOf({ modules: null })],
        () => '',
        () => [],
      ),
      ['Trade: nothing breaks shop'],
    ))

  it('is stale when what it replaces is there no longer, or in several places', () => {
    assert.deepEqual(faultsOf([BROKEN], 'shut()'), ['shop: what is to be broken is in shop.ts 0 times: open()'])
    assert.deepEqual(faultsOf([BROKEN], 'open(); open()'), ['shop: what is to be broken is in shop.ts 2 times: open()'])
    const elsewhere = { ...BROKEN, file: 'stall.ts' }
    assert.deepEqual(faultsOf([elsewhere]), ['shop: what is to be broken is in stall.ts 0 times: open()'])
  })

  it('changes something', () =>
    assert.deepEqual(faultsOf([{ ...BROKEN, to: 'open()' }]), ['shop: nothing is broken in shop.ts: open()']))
})

describe('a trial', () => {
  const find = (plan: string, module: string): readonly Mutation[] =>
    module !== 'shop' ? [] : plan === 'Market' ? [BROKEN, { ...BROKEN, to: 'shut()' }] : [BROKEN]
  const market = planOf({ title: 'Market' })

  it('is one for all plans that share a mutation', () => {
    const trials = trialsOf([planOf(), market], find, [])
    assert.deepEqual(
      trials.map(({ module, mutation, files, own }) => [module, mutation.to, files, [...own.keys()]]),
      [
        ['shop', '', ['shop.test.ts'], ['Trade', 'Market']],
        ['shop', 'shut()', ['shop.test.ts'], ['Market']],
      ],
    )
  })

  it('is made of the modules that were named', () => {
    assert.equal(trialsOf([planOf()], find, ['shop']).length, 1)
    assert.deepEqual(trialsOf([planOf()], find, ['mill', 'sho']), [])
  })

  it('is of the tests that are called by the module, outside the other flows', () => {
    const own = trialsOf([planOf()], find, [])[0]?.own.get('Trade')
    assert.ok(own)
    assert.match('The shop, on sqlite shop: it opens', own)
    assert.match('shop: it opens', own)
    assert.doesNotMatch('The shop, on sqlite workshop: it opens', own)
    assert.doesNotMatch('The shop, on sqlite shop-window: it opens', own)
    assert.doesNotMatch('The shop, in other flows code token by fragment shop: it opens', own)
  })

  it('is of the tests that the proofs name, where there are no modules to call them by', () => {
    const proof = by('shop.test.ts')('door: it opens (twice)')
    const list = planOf({ modules: null, demands: { shop: { door: must('It opens.', proof) } } })
    const own = trialsOf([list], find, [])[0]?.own.get('Trade')
    assert.ok(own)
    assert.match('The shop, on sqlite door: it opens (twice)', own)
    assert.match('door: it opens (twice)', own)
    assert.doesNotMatch('The shop, on sqlite door: it opens (twice) and shuts', own)
    assert.doesNotMatch('The shop, on sqlite trapdoor: it opens (twice)', own)
    assert.doesNotMatch('The shop, in other flows code token by fragment door: it opens (twice)', own)
  })

  it('is of the tests of one other flow where it names one', () => {
    const ownIn = (flow: string) =>
      trialsOf([planOf()], () => [{ ...BROKEN, flow }], [])[0]?.own.get('Trade') ?? assert.fail()
    const own = ownIn('id_token token by fragment')
    assert.match('The shop, in other flows id_token token by fragment shop: it opens', own)
    assert.doesNotMatch('The shop, in other flows code id_token token by fragment shop: it opens', own)
    assert.doesNotMatch('The shop, on sqlite shop: it opens', own)
    assert.match('The basic plan with form_post, on sqlite shop: it opens', ownIn('code by form_post'))
    assert.doesNotMatch('The basic plan with form_post, on sqlite shop: it opens', own)
  })
})

describe('a verdict', () => {
  const judged = (...results: readonly (readonly [string, Result['outcome']])[]) =>
    verdictOf(
      /(?:^| )shop: /,
      results.map(([name, outcome]) => ({ name, outcome, seen: '' })),
    )

  it('is “noticed” when a test of the module failed by what it saw', () =>
    assert.equal(judged(['shop: it opens', 'passed'], ['shop: it sells', 'failed']), 'noticed'))

  it('is “lived” when none did, whatever became of others', () =>
    assert.equal(judged(['shop: it opens', 'passed'], ['bakery: it bakes', 'failed']), 'lived'))

  it('is neither when no test came to look', () => {
    assert.equal(judged(), 'was not tried')
    assert.equal(judged(['shop: it opens', 'hindered'], ['shop.test.ts', 'failed']), 'was not tried')
  })
})
