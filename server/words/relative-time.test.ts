import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DAY, HOUR, MINUTE } from '../kernel/seconds.ts'
import { timeAgo } from './relative-time.ts'

for (const [elapsed, english, korean] of [
  [-HOUR, 'now', '지금'],
  [0, 'now', '지금'],
  [MINUTE - 1, 'now', '지금'],
  [MINUTE, '1 minute ago', '1분 전'],
  [HOUR - 1, '59 minutes ago', '59분 전'],
  [HOUR, '1 hour ago', '1시간 전'],
  [DAY, 'yesterday', '어제'],
  [2 * DAY, '2 days ago', '그저께'],
  [7 * DAY, 'last week', '지난주'],
  [29 * DAY, '4 weeks ago', '4주 전'],
  [60 * DAY, '2 months ago', '2개월 전'],
  [800 * DAY, '2 years ago', '2년 전'],
] as const)
  test(`${elapsed} ms ago is ${english}`, () => {
    assert.equal(timeAgo('en', elapsed), english)
    assert.equal(timeAgo('ko', elapsed), korean)
  })
