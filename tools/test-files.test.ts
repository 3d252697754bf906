/** `npm test` and its halves: which files they run. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { matchesGlob } from 'node:path'
import { describe, it } from 'node:test'
import { files as inFlows } from '../tests/all/flows.ts'

const ROOT = new URL('../', import.meta.url)
const read = (file: string): string => readFileSync(new URL(file, ROOT), 'utf8')
const { scripts } = JSON.parse(read('package.json'))

/** What a script gives `node --test` to run: paths and patterns, in quotes or without. */
const named = (script: string): string[] =>
  scripts[script]
    .replace(/.*node --test /, '')
    .split(' ')
    .map((word: string) => word.replaceAll('"', ''))
    .filter((word: string) => word.endsWith('.ts') && !word.startsWith('-') && !word.startsWith('./'))

const [units = ''] = named('test:units')
const all = globSync('{server,sdk,examples,tools,bench,tests}/**/*.test.ts', { cwd: ROOT })

describe('every test file', () => {
  const timesIn = (patterns: readonly string[], file: string) =>
    patterns.filter(pattern => matchesGlob(file, pattern)).length

  it('is run once by `npm test`', () => {
    const patterns = named('test')
    assert.ok(timesIn(patterns, 'tests/all-units.ts') === 1 && timesIn(patterns, 'tests/all/flows-1.ts') === 1)
    const given = [...patterns, units, ...inFlows]
    assert.ok(all.length > 200)
    assert.deepEqual(
      all.filter(file => timesIn(given, file) !== 1),
      [],
    )
  })

  it('is one of a half', () => {
    assert.ok(read('tests/all-units.ts').includes(`globSync('${units}'`))
    assert.deepEqual(
      named('test:flows'),
      named('test').filter(pattern => !pattern.endsWith('/all-units.ts')),
    )
  })
})
