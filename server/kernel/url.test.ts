import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { originOf, withQuery } from './url.ts'

describe('members added to the query of a URL', () => {
  for (const [url, members, expected] of [
    ['https://app.example/cb', { code: 'a' }, 'https://app.example/cb?code=a'],
    ['https://app.example', { code: 'a' }, 'https://app.example?code=a'],
    ['https://app.example/cb?x=1', { code: 'a' }, 'https://app.example/cb?x=1&code=a'],
    ['https://app.example/cb?', { code: 'a' }, 'https://app.example/cb?code=a'],
    ['https://app.example/cb?x=1&', { code: 'a' }, 'https://app.example/cb?x=1&code=a'],
    ['https://app.example/cb?code=old', { code: 'a' }, 'https://app.example/cb?code=old&code=a'],
    ['https://app.example/cb', {}, 'https://app.example/cb'],
    ['com.example.app:/cb', { code: 'a' }, 'com.example.app:/cb?code=a'],
    ['https://app.example/%7e/ü?a=%2F;b', { code: 'a' }, 'https://app.example/%7e/ü?a=%2F;b&code=a'],
  ] as const)
    test(`${url} and ${JSON.stringify(members)}`, () => assert.equal(withQuery(url, members), expected))

  test('cannot add a member, a fragment or a header by their values', () => {
    const url = withQuery('https://app.example/cb', { state: 'a&code=stolen#x\r\nset-cookie: a=b' })
    assert.equal(url.includes('\r') || url.includes('\n') || url.includes('#'), false)
    const { searchParams } = new URL(url)
    assert.deepEqual([...searchParams.keys()], ['state'])
    assert.equal(searchParams.get('state'), 'a&code=stolen#x\r\nset-cookie: a=b')
  })
})

describe('a URL', () => {
  test('has an origin without path, default port and letter case', () =>
    assert.equal(originOf('HTTPS://App.Example:443/cb?x'), 'https://app.example'))
})
