import assert from 'node:assert/strict'
import { test } from 'node:test'
import { initialsOf } from './initials.ts'

for (const [name, initials, why] of [
  ['Ann Example', 'AE', 'the first and the last word count'],
  ['Ann Mary van der Example', 'AE', 'words between do not'],
  ['ann', 'AN', 'one word gives two letters'],
  ['ann@example.com', 'AC', 'an address is words too'],
  ['김민준', '민준', 'a Korean name is told by its given part'],
  ['김준', '김준', 'a short one is shown whole'],
  ['남궁민수', '민수', 'a family name may have two syllables'],
  ['김 민준', '민준', 'a space after the family name changes nothing'],
  ['김민준'.normalize('NFD'), '민준', 'syllables may come in pieces'],
  ['김민준 (Minjun Kim)', '민준', 'what is added in other letters is passed over'],
  ['Minjun Kim (김민준)', 'MK', 'whichever comes first'],
  ['Minjun (김민준)', 'MI', 'also beside a single word'],
  ['山田 太郎', '太郎', 'Japanese names likewise'],
  ['וידאו שעות', 'וש', 'right-to-left names keep the order of reading'],
  ['“Bob” (Smith)', 'BS', 'signs around words are no letters'],
  ['E\u0301lodie Zola', 'ÉZ', 'an accent stays on its letter'],
  ['ﬁona', 'FI', 'a letter that grows in upper case stays within two'],
  ['हिन्दी', 'हिन्दी', 'a cluster is one letter'],
  ['24-Hour', '2H', 'digits count'],
  ['🎬 … !', '', 'a name without letters has none'],
  ['', '', 'nor has an empty one'],
] as const) {
  test(`the initials of ${JSON.stringify(name)} are ${initials || 'nothing'}: ${why}`, () =>
    assert.equal(initialsOf(name), initials))
}

test('the initials of an organization are the first letters of its name, in every script', () => {
  for (const [name, initials] of [
    ['한빛 영상', '한빛'],
    ['山田製作所', '山田'],
    ['Acme Inc.', 'AI'],
    ['Lantern', 'LA'],
  ] as const)
    assert.equal(initialsOf(name, 'organization'), initials)
})
