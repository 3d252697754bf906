import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { compileRoutes } from '../match.ts'
import type { RoutePlan } from '../plan.ts'
import { covers } from './path-pattern.ts'

const matches = (pattern: string, path: string): boolean => {
  const route = { match: { host: null, path: pattern, methods: null }, cors: null } as unknown as RoutePlan
  return compileRoutes([route]).find({ method: 'GET', host: 'a', path }) !== undefined
}

const segment = fc.constantFrom('a', 'b', ':id', ':other')
const pattern = fc
  .tuple(fc.array(segment, { maxLength: 3 }), fc.constantFrom('', '/', '/*'))
  .map(([segments, end]) => `${segments.map(one => `/${one}`).join('')}${end}` || '/')
const path = fc
  .tuple(fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 4 }), fc.constantFrom('', '/'))
  .map(([segments, end]) => `${segments.map(one => `/${one}`).join('')}${end}` || '/')

describe('a pattern that covers another', () => {
  test('matches all that the other matches', () => {
    fc.assert(
      fc.property(pattern, pattern, path, (first, second, asked) => {
        if (covers(first, second) && matches(second, asked)) assert.ok(matches(first, asked))
      }),
      { numRuns: 5000 },
    )
  })

  const told: readonly (readonly [first: string, second: string, isCovered: boolean])[] = [
    ['/*', '/a/:id', true],
    ['/a/*', '/a/:id/*', true],
    ['/a/:id', '/a/b/', true],
    ['/a', '/a/', true],
    ['/a/', '/a', true],
    ['/a/*', '/a', false],
    ['/a/:id', '/a/*', false],
    ['/a/b', '/a/:id', false],
    ['/:id', '/', false],
  ]
  for (const [first, second, isCovered] of told)
    test(`${first} ${isCovered ? 'covers' : 'does not cover'} ${second}`, () =>
      assert.equal(covers(first, second), isCovered))
})
