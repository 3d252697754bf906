/** Which Latchkey this is, as its package says. */
import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'

/** Looked for: a checkout’s sources and the JavaScript of a published package lie differently below the manifest. */
export function versionOfLatchkey(): string {
  const manifest = findPackageJSON(import.meta.url)
  if (manifest === undefined) throw new Error('Latchkey is not in a package')
  return JSON.parse(readFileSync(manifest, 'utf8')).version
}
