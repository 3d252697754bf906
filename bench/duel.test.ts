import assert from 'node:assert/strict'
import { it } from 'node:test'
import { duel, ratioOf, spreadOf } from './duel.ts'

it('parties take turns, there and back again, after each has warmed up', async () => {
  const order: string[] = []
  const party = (name: string) => ({
    name,
    work: async (milliseconds: number) => {
      order.push(`${name}${milliseconds}`)
      return milliseconds
    },
  })
  await duel([party('a'), party('b')], { rounds: 2, slice: 1, warmUp: 9 })
  assert.deepEqual(order, ['a9', 'b9', 'a1', 'b1', 'b1', 'a1'])
})

it('a ratio is the median of the ratios of neighbours, so that a slow minute falls on both', () => {
  const rates = { a: [20, 10, 200], b: [10, 5, 100] }
  assert.deepEqual(ratioOf(rates, 'a', 'b'), { median: 2, lower: 2, upper: 2 })
})

it('the middle half lies between the quartiles', () => {
  assert.deepEqual(spreadOf([5, 1, 4, 2, 3]), { median: 3, lower: 2, upper: 4 })
  assert.deepEqual(spreadOf([1, 2]), { median: 1.5, lower: 1.25, upper: 1.75 })
})
