import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSlices } from './slices.ts'

const work = (milliseconds: number) => {
  const until = performance.now() + milliseconds
  while (performance.now() < until);
}

test('long work lets what is due run at least every few slices, and costs no turn while its slice lasts', async () => {
  let turns = 0
  let isDone = false
  const others = () => {
    turns++
    if (!isDone) setImmediate(others)
  }
  setImmediate(others)
  const giveWay = createSlices()
  for (let step = 0; step < 50; step++) {
    await giveWay()
    work(4)
  }
  isDone = true
  assert.ok(turns >= 10, `${turns} turns`)
  assert.equal(createSlices()(), undefined)
})
