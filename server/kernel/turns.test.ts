import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createTurns } from './turns.ts'

test('no more than so many have a turn at once, each comes to one in its order, and one that fails ends its own', async () => {
  const turn = createTurns(2)
  const begun: number[] = []
  const ends: (() => void)[] = []
  const all = [0, 1, 2, 3].map(index =>
    turn(async () => {
      begun.push(index)
      await new Promise<void>((resolve, reject) => ends.push(index === 0 ? () => reject(new Error('failed')) : resolve))
      return index
    }),
  )
  await nextTurn()
  assert.deepEqual(begun, [0, 1])
  ends[0]?.()
  await assert.rejects(all[0] as Promise<number>, /failed/)
  await nextTurn()
  assert.deepEqual(begun, [0, 1, 2])
  ends[1]?.()
  ends[2]?.()
  await nextTurn()
  ends[3]?.()
  assert.deepEqual(await Promise.all(all.slice(1)), [1, 2, 3])
})
