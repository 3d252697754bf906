import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { localPath } from './local-path.ts'

describe('where a browser goes on to after it signed in', () => {
  test('is a path of this host, as it was', () => {
    for (const path of [
      '/',
      '/videos',
      '/videos/?page=2&sort=a%20b',
      '/a//b',
      '/%2f%2fevil.example',
      "/it's?q=(1)~@:;,",
      '/x?next=https://evil.example/',
    ])
      assert.equal(localPath(path), path)
  })

  test('is never another host, in whichever way a browser would read one', () => {
    for (const path of [
      undefined,
      '',
      'videos',
      'https://evil.example/',
      '//evil.example',
      '///evil.example',
      '/\\evil.example',
      '\\/evil.example',
      '/\\/evil.example',
      '/\t/evil.example',
      '/\n/evil.example',
      '\t//evil.example',
      ' //evil.example',
      '/ /evil.example',
      '/.//evil.example',
      '/..//evil.example',
      '/a/..//evil.example',
      '/%2e//evil.example',
      'javascript:alert(1)',
      '/x\r\nset-cookie: a=b',
      '/x\\y',
      '/x\u0000',
      '/ü',
      '?x',
      '#x',
      '@evil.example',
      `/${'x'.repeat(1024)}`,
    ])
      assert.equal(localPath(path), undefined, JSON.stringify(path))
  })
})
