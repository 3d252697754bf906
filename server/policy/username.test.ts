import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readUsername, usernameKey } from './username.ts'

const RULE = { shortest: 3, longest: 8 }

for (const [text, name] of [
  ['ann', 'ann'],
  [' Ann_9 ', 'Ann_9'],
  ["o'hara", "o'hara"],
  ['ＡＮＮ', 'ANN'],
  ['ann@home', 'ann@home'],
] as const)
  test(`"${text}" is kept as ${name}`, () => assert.equal(readUsername(text, RULE), name))

for (const [text, why] of [
  ['an', 'is too short'],
  ['ann123456', 'is too long'],
  ['a@b.co', 'is an address'],
  ['аnn', 'has a letter of another script'],
  ['a nn', 'has a space'],
  ['ann\u200b', 'has a letter that nobody sees'],
  ['a\0nn', 'has a zero'],
  ['', 'is nothing'],
] as const)
  test(`${JSON.stringify(text)} is none: it ${why}`, () => assert.equal(readUsername(text, RULE), undefined))

test('letter case and width make no other name of it, and a letter without its dot does', () => {
  assert.equal(usernameKey('ＡNN'), usernameKey('ann'))
  assert.notEqual(usernameKey('bıll'), usernameKey('bill'))
})
