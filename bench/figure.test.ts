import assert from 'node:assert/strict'
import { it } from 'node:test'
import { holds, renderFigures } from './figure.ts'

const start = { name: 'start', bar: { under: 0.8 }, unit: 's' }
const ratio = { name: 'tokens', bar: { atLeast: 1.3 }, unit: '×' }

it('a figure at its upper bar misses it, and one at its lower bar holds it', () => {
  assert.equal(holds({ ...start, measured: 0.799 }), true)
  assert.equal(holds({ ...start, measured: 0.8 }), false)
  assert.equal(holds({ ...ratio, measured: 1.3 }), true)
  assert.equal(holds({ ...ratio, measured: 1.299 }), false)
})

it('a figure that could not be measured misses its bar', () => {
  assert.equal(holds({ ...start, measured: Number.NaN }), false)
  assert.equal(holds({ ...ratio, measured: Number.NaN }), false)
})

it('figures stand in columns, and a missed one cannot be overlooked', () => {
  const figures = [
    { ...start, measured: 0.3 },
    { name: 'memory', measured: 151.6, bar: { under: 140 }, unit: 'MiB' },
    { ...ratio, measured: 2.118, spread: { lower: 2.04, upper: 2.2 }, detail: '2000 to 944 a second' },
    { name: 'cost', measured: 38.2, bar: null, unit: 'ms' },
  ]
  assert.deepEqual(renderFigures(figures).split('\n'), [
    'start   0.30 s                 under 0.8 s     holds',
    'memory  152 MiB                under 140 MiB   MISSED',
    'tokens  2.12 ×   2.04 to 2.20  at least 1.3 ×  holds   2000 to 944 a second',
    'cost    38 ms',
  ])
})
