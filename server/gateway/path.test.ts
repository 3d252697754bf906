import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { processorTime } from '../../tests/fixtures/processor-time.ts'
import { readTarget } from './path.ts'

const REFUSED: Readonly<Record<string, readonly string[]>> = {
  'is no path': ['', '*', 'videos', 'http://a.example/videos', '?a=b', 'x/../y'],
  'has a dot segment': ['/a/../b', '/a/./b', '/..', '/.', '/a/..', '/a/%2e%2e/b', '/a/%2E%2e', '/a/.%2e/b', '/%2e/a'],
  'has an escaped slash or backslash': ['/a%2fb', '/a%2Fb', '/a%5cb', '/a%5Cb', '/..%2fadmin'],
  'has a backslash': ['/a\\b', '/..\\admin'],
  'has a path parameter, which some services cut off': ['/a;x', '/public/..;/admin', '/a;/b', '/a%3bx', '/a%3Bx'],
  'is escaped twice': ['/a%252fb', '/%252e%252e/', '/a%25%32%66b', '/%2525', '/a%25%33%62'],
  'has an empty segment': ['//a', '/a//b', '//', '/a//'],
  'has a broken escape': ['/a%', '/a%2', '/a%zz', '/%u002e'],
  'is no UTF-8': ['/%c0%ae%c0%ae/', '/%ff', '/%c3', '/%e0%80%af', '/%ed%a0%80'],
  'has a control character': ['/a%00', '/a%0a', '/a%0d%0aX', '/a%7f', '/a\tb', '/a\u0000'],
  'has what no URI has': ['/a b', '/a"b', '/a<b', '/a|b', '/ä', '/a#b', '/a^b', '/a`b', '/{a}'],
  'has a query with what no URI has': ['/a?b#c', '/a?b c', '/a?ä', '/a?\u0000'],
  'is endless': [`/${'a'.repeat(8192)}`, `/?${'a'.repeat(8192)}`],
}

const TAKEN: Readonly<Record<string, string>> = {
  '/': '/',
  '/videos': '/videos',
  '/videos/': '/videos/',
  '/a.b/c-d_e~f': '/a.b/c-d_e~f',
  "/a!$&'()*+,=:@b": "/a!$&'()*+,=:@b",
  '/%61%2D%7e': '/a-~',
  '/a%2eb': '/a.b',
  '/...': '/...',
  '/.well-known/x': '/.well-known/x',
  '/%c3%a4': '/%C3%A4',
  '/%ed%95%9c': '/%ED%95%9C',
  '/100%25': '/100%25',
  '/a%20b': '/a%20b',
  '/a%3ab': '/a%3Ab',
}

describe('a target', () => {
  for (const [why, targets] of Object.entries(REFUSED))
    test(`that ${why} is refused`, () => {
      for (const target of targets) assert.equal(readTarget(target), undefined, target)
    })

  test('that can be read in one way is taken, in the one spelling that it has', () => {
    for (const [target, path] of Object.entries(TAKEN))
      assert.deepEqual(readTarget(target), { path, query: '' }, target)
  })

  test('keeps its query as it is', () => {
    assert.deepEqual(readTarget('/a?b=%2f..&c=?'), { path: '/a', query: '?b=%2f..&c=?' })
    assert.deepEqual(readTarget('/a?'), { path: '/a', query: '?' })
  })

  test('is read as the WHATWG URL parser of a service would read what is forwarded', () => {
    const part = fc.constantFrom(
      'a',
      'B',
      '.',
      '..',
      '%2e',
      '%2F',
      '/',
      '//',
      ';',
      '%25',
      '%32',
      '%65',
      '%c3%a4',
      '\\',
      '%',
      '?',
      '@',
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), parts => {
        const target = readTarget(`/${parts.join('')}`)
        if (!target) return
        const { pathname } = new URL(`http://service.example${target.path}`)
        assert.equal(pathname, target.path)
        // Whoever decodes it, once or twice, finds the segments that were matched.
        const segments = target.path.split('/').length
        const once = decodeURIComponent(target.path)
        assert.equal(once.split(/[/\\;]/).length, segments)
        assert.ok(!once.split('/').some(segment => segment === '.' || segment === '..'))
        assert.ok(!/%[0-9a-f]{2}/i.test(once), 'nothing is left to decode')
      }),
      { numRuns: 3000 },
    )
  })

  test('is read in a moment, however long it is and whatever it is made of', () => {
    for (const piece of ['%25', '%41', '%25%41', '/%25', '%c3%a4', '/a%25', '.', ',/', 'a']) {
      const path = `/${piece.repeat(8190 / piece.length)}`
      const took = processorTime(() => {
        for (let times = 0; times < 10; times++) readTarget(path)
      })
      // All but the worst of readings take some milliseconds, and that one a second.
      assert.ok(took < 1000, piece)
    }
  })

  test('that was read once is read again as the same', () => {
    fc.assert(
      fc.property(fc.webPath(), path => {
        const target = readTarget(path || '/')
        if (target) assert.deepEqual(readTarget(target.path + target.query), target)
      }),
    )
  })
})
