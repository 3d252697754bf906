import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readScimFilter } from './scim-filter.ts'
import { isMatched } from './search-match.ts'

const DOCUMENT = {
  name: 'acme',
  display_name: 'The "Acme" Company',
  created_at: '2026-05-05T10:00:00.000Z',
  metadata: { tier: 'gold', seats: '25' },
}
const isFound = (filter: string) => isMatched(readScimFilter(filter), DOCUMENT, new Set(['created_at']))

for (const [filter, expected] of [
  ['name eq "acme"', true],
  ['NAME eq "acme"', false],
  ['name EQ "ACME"', true],
  ['name ne "acme"', false],
  ['display_name co "\\"acme\\""', true],
  ['display_name sw "the" and display_name ew "pany"', true],
  ['display_name co "%%%"', false],
  ['metadata.tier pr', true],
  ['metadata.nothing pr', false],
  ['metadata.seats gt 24 and metadata.seats le 25', true],
  ['metadata.seats lt 25', false],
  ['created_at ge "2026-05-05" and created_at lt "2026-05-06"', true],
  ['created_at gt "2026-05-05"', false],
  ['name eq "x" or name eq "acme" and metadata.tier eq "gold"', true],
  ['(name eq "acme" or name eq "x") and metadata.tier eq "x"', false],
  ['not (name eq "x") and not(metadata.tier eq "x")', true],
] as const)
  test(`${filter} is ${expected}`, () => assert.equal(isFound(filter), expected))

for (const [filter, sentence] of [
  ['', 'a member is missing, at character 1'],
  ['name', 'an operator is missing, at character 5'],
  ['name eq', 'a value is missing, at character 8'],
  ['name eq acme', 'acme, which is no text in quotes, number, true or false, at character 9'],
  ['name like "x"', 'like, which is no operator, at character 6'],
  ['name eq "x', 'a text that is not closed, at character 8'],
  ['(name eq "x"', 'a parenthesis that is not closed, at character 13'],
  ['name eq "x")', 'an unexpected ), at character 12'],
  ['name co "ab"', 'fewer than 3 letters to be held or ended with, at character 6'],
  ['emails[type eq "work"] pr', 'emails[type, which is no member, at character 1'],
  ['not name eq "x"', 'not without a parenthesis, at character 5'],
  [`${'('.repeat(12)}name pr`, 'more than 10 levels, at character 12'],
  [`name eq "${'x'.repeat(2000)}"`, 'a filter of more than 2000 characters, at character 2001'],
] as const)
  test(`${filter.slice(0, 30)} is refused: ${sentence}`, () =>
    assert.throws(() => readScimFilter(filter), { message: sentence }))
