import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { placesOf } from './find-operation.ts'
import { notBuiltPart } from './not-built.ts'
import { type Operation, operation } from './operation.ts'
import { operations } from './resources.ts'

const at = (method: Operation['method'], path: `/${string}`): Operation =>
  operation({
    method,
    path,
    summary: '',
    scopes: ['read:users'],
    answers: { 204: null },
    run: async () => ({ status: 204 }),
  })

describe('which operation a path asks for', () => {
  const find = placesOf([
    at('GET', '/organizations/:id'),
    at('PATCH', '/organizations/:id'),
    at('GET', '/organizations/name/:name'),
    at('GET', '/organizations/:id/members'),
  ])

  test('is found by its parts, a name before what may be anything', () => {
    assert.deepEqual(find(['organizations', 'org_1'])?.values, { id: 'org_1' })
    assert.deepEqual([...(find(['organizations', 'org_1'])?.operations.keys() ?? [])], ['GET', 'PATCH'])
    assert.equal(find(['organizations', 'name', 'acme'])?.path, '/organizations/name/:name')
    assert.equal(find(['organizations', 'name', 'members'])?.path, '/organizations/name/:name')
    assert.equal(find(['organizations', 'name'])?.values['id'], 'name')
  })

  test('is none for what is shorter, longer or empty', () => {
    for (const parts of [
      ['organizations'],
      ['organizations', ''],
      ['organizations', 'a', 'b', 'c'],
      ['constructor'],
      [],
    ])
      assert.equal(find(parts), undefined)
  })

  test('is one alone', () => {
    assert.throws(() => placesOf([at('GET', '/a'), at('GET', '/a')]), /there twice/)
    assert.doesNotThrow(() => placesOf(operations))
  })

  test('is not said to be missing where it is built', () => {
    for (const { method, path } of operations)
      assert.equal(notBuiltPart(path.slice(1).split('/')), undefined, `${method} ${path} stands in not-built.ts`)
  })
})
