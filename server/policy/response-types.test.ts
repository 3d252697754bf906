import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  answersWith,
  carriesToken,
  knownResponseType,
  RESPONSE_TYPE_SPELLINGS,
  RESPONSE_TYPES,
  responseTypesOf,
} from './response-types.ts'

describe('a response type', () => {
  for (const [asked, known] of [
    ['code', 'code'],
    ['token id_token', 'id_token token'],
    ['token id_token code', 'code id_token token'],
    ['id_token code', 'code id_token'],
  ] as const)
    test(`is the same in any order: ${asked}`, () => assert.equal(knownResponseType(asked), known))

  for (const asked of ['', 'none', 'cookie', 'Code', 'code code', 'code  token', ' code', 'code cookie', 'constructor'])
    test(`is not "${asked}"`, () => assert.equal(knownResponseType(asked), undefined))

  test('is written in fifteen ways, each of which is known', () => {
    assert.equal(new Set(RESPONSE_TYPE_SPELLINGS).size, 15)
    assert.deepEqual(new Set(RESPONSE_TYPE_SPELLINGS.map(knownResponseType)), new Set(RESPONSE_TYPES))
  })

  test('holds a token unless it is a code alone', () =>
    assert.deepEqual(
      RESPONSE_TYPES.filter(type => !carriesToken(type)),
      ['code'],
    ))

  test('answers with what it names, and not with what a name begins like', () => {
    assert.ok(answersWith('code id_token', 'id_token'))
    assert.ok(!answersWith('code id_token', 'token'))
  })

  test('can be answered where each of its members can', () => {
    assert.deepEqual(responseTypesOf(['code']), ['code'])
    assert.deepEqual(responseTypesOf(['id_token', 'code']), ['code', 'id_token', 'code id_token'])
    assert.deepEqual(responseTypesOf([]), [])
  })
})
