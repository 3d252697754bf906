import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { changesBetween } from '../audit/changes.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { Change } from '../tenant-file/plan.ts'
import { planLines, tally } from './plan-lines.ts'

const linesOf = (before: JsonObject | null, after: JsonObject | null, secrets: readonly string[] = []) =>
  planLines(changeOf(before, after, secrets), (_sign, line) => line)

const changeOf = (before: JsonObject | null, after: JsonObject | null, secrets: readonly string[] = []): Change => ({
  ...{ kind: 'client', id: 'films', name: 'Films' },
  change: before === null ? 'created' : after === null ? 'removed' : 'changed',
  changes: changesBetween(before, after, secrets, 10_000),
})

describe('a plan for people', () => {
  test('says of what changes where it differs, however deep that is, and nothing else of it', () => {
    const before = {
      lifetime: 168,
      callbacks: ['https://a.example/', 'https://b.example/'],
      scopes: [{ value: 'read', description: 'See films' }, { value: 'write' }],
      options: { policy: { level: 'low', words: ['x'] }, kept: true, old: { a: 1 } },
      order: [1, 2],
      client_secret: 'was',
      flag: null,
    }
    const after = {
      lifetime: 12,
      callbacks: ['https://b.example/', 'https://c.example/'],
      scopes: [{ value: 'read', description: 'See all films' }, { value: 'burn' }],
      options: { policy: { level: 'good', words: ['x'] }, kept: true, new: { a: { b: 'c' } } },
      order: [2, 1],
      client_secret: 'is',
    }
    assert.deepEqual(linesOf(before, after, ['client_secret']), [
      '~ client Films (films)',
      '    ~ lifetime: 168 -> 12',
      '    - callbacks: "https://a.example/"',
      '    + callbacks: "https://c.example/"',
      '    ~ scopes[read].description: "See films" -> "See all films"',
      '    - scopes[write].value: "write"',
      '    + scopes[burn].value: "burn"',
      '    ~ options.policy.level: "low" -> "good"',
      '    - options.old.a: 1',
      '    + options.new.a.b: "c"',
      '    ~ order: in another order',
      '    ~ client_secret: changed, and not shown',
      '    - flag: null',
    ])
  })

  test('is short of long things, and harmless to a terminal', () => {
    const made = linesOf(null, {
      body: 'x'.repeat(5000),
      page: 'y'.repeat(50_000),
      name: 'red \u001b[31m\u009b \u202eevil',
      many: Array.from({ length: 90 }, (_, index) => `https://${index}.example/`),
    })
    assert.equal(made[0], '+ client Films')
    assert.match(made[1] ?? '', /^ {4}\+ body: "x{119}… \(5,002 characters\)$/)
    assert.equal(made[2], '    + page: (50,002 characters)')
    assert.doesNotMatch(made.join(''), /[\p{Cc}\p{Cf}]/u)
    assert.equal(made.at(-1), '    … and 53 more lines')
    assert.equal(made.length, 42)
  })

  test('names what is removed without what it was, and counts at the end', () => {
    const gone = changeOf({ name: 'Films' }, null)
    assert.deepEqual(
      planLines(gone, (sign, line) => `<${sign}>${line}`),
      ['<->- client Films (films)'],
    )
    assert.equal(tally([gone, changeOf(null, {}), gone]), '2 removed, 1 created')
  })
})
