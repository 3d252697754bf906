import assert from 'node:assert/strict'
import { it } from 'node:test'
import { holds, renderFigures } from './figure.ts'

const start = { name: 'start', bar: 0.8, unit: 's' }

it('a figure at its bar misses it', () => {
  assert.equal(holds({ ...start, measured: 0.799 }), true)
  assert.equal(holds({ ...start, measured: 0.8 }), false)
})

it('a figure that could not be measured misses its bar', () => {
  assert.equal(holds({ ...start, measured: Number.NaN }), false)
})

it('figures stand in columns, and a missed one cannot be overlooked', () => {
  const figures = [
    { ...start, measured: 0.3 },
    { name: 'memory', measured: 151.6, bar: 140, unit: 'MiB' },
  ]
  assert.deepEqual(renderFigures(figures).split('\n'), [
    'start   0.30 s   under 0.8 s    holds',
    'memory  152 MiB  under 140 MiB  MISSED',
  ])
})
