import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Rule } from '../kernel/counter.ts'
import { HOUR, MINUTE, SECOND } from '../kernel/seconds.ts'
import { doubling, type Standing, step, stepBack } from './rate.ts'

const NOW = 1_800_000_000_000
const RULE: Rule = { free: 3, pauses: [MINUTE, 2 * MINUTE, 10 * MINUTE], forgets: HOUR }
/** Of so many tries just now, with a pause that is over. */
const after = (tries: number, freeAt = NOW): Standing => ({ emptyAt: NOW + tries * HOUR, freeAt })

describe('a try', () => {
  for (const [standing, tries, pause, why] of [
    [undefined, 1, 0, 'the first ever'],
    [after(1), 2, 0, 'the second'],
    [after(2), 3, MINUTE, 'the last free one, which begins a pause'],
    [after(3), 4, 2 * MINUTE, 'the one after the pause, which begins a longer one'],
    [after(4), 5, 10 * MINUTE, 'the next'],
    [after(40), 41, 10 * MINUTE, 'any later one, after which the longest pause follows'],
    [{ emptyAt: NOW - 5 * HOUR, freeAt: NOW - HOUR }, 1, 0, 'one after all others were forgotten'],
    [{ emptyAt: NOW + 1.5 * HOUR, freeAt: NOW }, 3, MINUTE, 'one while another is half forgotten, which counts whole'],
  ] as const)
    test(`goes through: ${why}`, () => {
      const made = step(standing, RULE, NOW)
      assert.ok(made.may)
      assert.deepEqual([made.tries, made.standing.freeAt], [tries, pause === 0 ? 0 : NOW + pause])
    })

  test('goes through though one that began later was counted before it, here or by a clock that is ahead', () => {
    const made = step(undefined, RULE, NOW)
    assert.ok(made.may)
    assert.ok(step(made.standing, RULE, NOW - 5 * SECOND).may)
    const back = stepBack(after(2, NOW + MINUTE), { rule: RULE, freeAt: NOW + MINUTE }, NOW)
    assert.ok(step(back, RULE, NOW - 5 * SECOND).may)
  })

  for (const freeAt of [NOW + 1, NOW + 10 * MINUTE])
    test(`has to wait while a pause lasts, and lengthens it by nothing (${freeAt - NOW} ms)`, () =>
      assert.deepEqual(step(after(3, freeAt), RULE, NOW), { may: false, freeAt }))

  test('with a clock set back by a day waits no longer than until the pause was to end', () => {
    const standing = after(3, NOW + MINUTE)
    assert.deepEqual(step(standing, RULE, NOW - 24 * HOUR), { may: false, freeAt: NOW + MINUTE })
  })

  test('at a steady pace goes through for ever when no more come than are forgotten', () => {
    const bucket: Rule = { free: 5, pauses: [SECOND], forgets: SECOND }
    let standing: Standing | undefined
    for (let at = NOW; at < NOW + 500 * SECOND; at += SECOND) {
      const made = step(standing, bucket, at)
      assert.ok(made.may)
      standing = made.standing
    }
  })
})

describe('a try that was none', () => {
  test('takes its pause with it, and leaves one that another began', () => {
    const made = step(after(2), RULE, NOW)
    assert.ok(made.may)
    const { standing } = made
    assert.deepEqual(stepBack(standing, { rule: RULE, freeAt: standing.freeAt }, NOW), after(2, 0))
    assert.deepEqual(stepBack(standing, { rule: RULE, freeAt: NOW }, NOW), after(2, NOW + MINUTE))
  })

  test('leaves nothing behind when it was the only one', () =>
    assert.equal(stepBack(after(1), { rule: RULE, freeAt: NOW }, NOW), undefined))
})

test('pauses double up to the longest', () => {
  assert.deepEqual(doubling(1, 10), [1, 2, 4, 8, 10])
  assert.deepEqual(doubling(5, 5), [5])
})
