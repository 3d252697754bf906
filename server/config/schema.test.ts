import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DAY, SECOND } from '../kernel/seconds.ts'
import { loadSettings } from './load.ts'
import { type Option, options, type Settings } from './schema.ts'

const UNITS: Readonly<Record<string, number>> = { MiB: 1024 * 1024, seconds: SECOND, days: DAY }

const all = Object.entries(options) as [keyof Settings, Option][]

describe('the table of settings, from which the manual is printed', () => {
  test('names every variable once, with our prefix', () => {
    const names = all.map(([, option]) => option.name)
    assert.equal(new Set(names).size, names.length)
    for (const name of names) assert.match(name, /^LATCHKEY_[A-Z_]+$/)
  })

  for (const [, option] of all)
    test(`${option.name} says what it is in whole sentences, and its default`, () => {
      assert.match(option.sentence, /^[A-Z].*\.$/s)
      assert.notEqual(option.default, '')
    })

  test('states each default that can be written as it is read', () => {
    const settings = loadSettings({})
    for (const [member, option] of all) {
      const read = settings[member]
      const value = typeof read === 'number' ? read / (UNITS[option.unit ?? ''] ?? 1) : read
      // Paths are resolved, and what is none or made has no spelling.
      if (typeof value === 'number' || (typeof value === 'string' && !value.startsWith('/')))
        assert.equal(String(value), option.default, option.name)
    }
  })
})
