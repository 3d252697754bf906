import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isolatedName, isolatesAsMarkup, shownDescription, shownName } from './names.ts'

test('a name cannot turn the direction of the words around it', () => {
  assert.equal(shownName('abc\u202egnp.exe'), 'abc gnp.exe')
  assert.equal(isolatedName('abc\u2069\u202e'), '\u2068abc\u2069')
})

test('a name stays on one line', () => assert.equal(shownName('  24-Hour\r\n\t Video\u0000 '), '24-Hour Video'))

test('a joined emoji and a right-to-left name are kept as they are', () => {
  for (const name of ['👩‍🚀 Club', 'וידאו 24 שעות', 'نمی‌خواهم']) assert.equal(shownName(name), name)
})

test('a long name is cut between characters, never inside one', () => {
  const shown = shownName('🎬'.repeat(400))
  assert.equal([...shown].length, 80)
  assert.match(shown, /^(?:🎬)+…$/u)
})

test('a description may be longer than a name, but is cleaned and cut like one', () => {
  assert.equal(shownDescription('Upload\n\u202e videos'), 'Upload videos')
  assert.equal(shownDescription('\u200e \u2069'), '')
  assert.equal([...shownDescription('🎬'.repeat(400))].length, 240)
})

test('what follows a name without a space stays on its line', () => {
  assert.equal(isolatesAsMarkup(`${isolatedName('A')}에서`), '<bdi>A</bdi>\u2060에서')
  assert.equal(isolatesAsMarkup(`to ${isolatedName('A')} now`), 'to <bdi>A</bdi> now')
})
