/**
 * Auth0's Lock as one file for a browser. It is published as hundreds, for bundlers, and so one makes it here, when the
 * page that shows it is first opened. Nothing of it is changed.
 */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'esbuild'

const HERE = fileURLToPath(new URL('.', import.meta.url))

/** What Lock 11 asks of Node's module of that name, which bundlers of its time brought along. */
const NODE_UTIL = `export const format = (text, ...values) => text.replace(/%[sd]/g, () => String(values.shift()))`

const nodeUtil: Plugin = {
  name: 'util',
  setup(builder) {
    builder.onResolve({ filter: /^util$/ }, ({ path }) => ({ path, namespace: 'util' }))
    builder.onLoad({ filter: /.*/, namespace: 'util' }, () => ({ contents: NODE_UTIL }))
  },
}

/** auth0-js says of its files that they are modules, and they are older than that: read without what it says, they are taken for what they are. */
const auth0Js: Plugin = {
  name: 'auth0-js',
  setup(builder) {
    builder.onResolve({ filter: /^auth0-js(?:\/|$)/ }, ({ path, resolveDir }) => ({
      path: createRequire(join(resolveDir, 'x.js')).resolve(path),
      namespace: 'auth0-js',
    }))
    builder.onLoad({ filter: /.*/, namespace: 'auth0-js' }, async ({ path }) => ({ contents: await readFile(path) }))
  },
}

/** `name`: of the package, where there are several. */
export async function bundleLock(name = 'auth0-lock'): Promise<Buffer> {
  const { build, stop } = await import('esbuild')
  try {
    const { outputFiles } = await build({
      stdin: { contents: `export { Auth0Lock } from '${name}'`, resolveDir: HERE },
      bundle: true,
      minify: true,
      write: false,
      format: 'esm',
      define: { 'process.env.NODE_ENV': '"production"', global: 'window' },
      plugins: [nodeUtil, auth0Js],
      logLevel: 'silent',
    })
    return Buffer.from(outputFiles[0]?.contents ?? [])
  } finally {
    // Its process is not needed any more.
    await stop()
  }
}
