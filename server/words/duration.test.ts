import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DAY, HOUR, MINUTE, SECOND } from '../kernel/seconds.ts'
import { duration } from './duration.ts'

test('a length of time is said in its largest whole unit', () => {
  const said = [HOUR, 3 * DAY, DAY, 36 * HOUR, 90 * MINUTE, 10 * MINUTE].map(length => duration('en', length))
  assert.deepEqual(said, ['1 hour', '3 days', '1 day', '36 hours', '90 minutes', '10 minutes'])
  assert.deepEqual(
    [HOUR, 3 * DAY, 10 * MINUTE].map(length => duration('ko', length)),
    ['1시간', '3일', '10분'],
  )
})

test('what is left of a minute counts as one, so that nothing is good for no time at all', () => {
  assert.equal(duration('en', SECOND), '1 minute')
  assert.equal(duration('en', MINUTE + 1), '2 minutes')
})
