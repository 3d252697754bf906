/**
 * What npm's scripts have Node load before the server (`--import`): on the right Node, and with what an earlier start
 * compiled. Plain JavaScript, because one line of TypeScript that is not compiled yet makes Node load its stripper, 16
 * MiB that are never given back. On a first start there is nothing yet, and whoever makes the folder switches the cache on.
 */
import './require-node.js'
import { existsSync } from 'node:fs'
import module from 'node:module'
import { join } from 'node:path'
import process from 'node:process'
import { isOwnersAlone } from '../server/store/owners-alone.js'

if (process.exitCode) process.exit()
const cache = join(process.env['LATCHKEY_DATA'] || './data', 'compile-cache')
try {
  if (existsSync(cache) && isOwnersAlone(cache)) module.enableCompileCache(cache)
} catch {
  // Another user's: whoever comes next says so, or goes on without.
}
