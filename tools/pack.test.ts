import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { publishedManifest } from './pack.ts'

describe('the manifest of a package', () => {
  test('names JavaScript and declarations where that of the sources names TypeScript', () =>
    assert.deepEqual(
      publishedManifest(
        {
          name: 'p',
          version: '1.0.0',
          bin: { p: 'main.ts' },
          exports: { './a': './deep/a.ts', './package.json': './package.json' },
          dependencies: { jose: '6.0.0' },
        },
        ['LICENSE'],
      ),
      {
        name: 'p',
        version: '1.0.0',
        bin: { p: './dist/main.js' },
        exports: {
          './a': { types: './dist/deep/a.d.ts', default: './dist/deep/a.js' },
          './package.json': './package.json',
        },
        dependencies: { jose: '6.0.0' },
        files: ['dist', 'LICENSE'],
      },
    ))

  test('has no scripts, which would run where it is installed and lead nowhere', () =>
    assert.deepEqual(publishedManifest({ name: 'p', scripts: { prepack: 'node ../tools/pack.ts' } }, []), {
      name: 'p',
      files: ['dist'],
    }))
})
