/**
 * Whether a folder is one user's own. Plain JavaScript, because it is asked before any TypeScript is read: a checkout's
 * `tools/begin.js` asks it of what an earlier start compiled.
 */
import { lstatSync } from 'node:fs'

export const OWNER_ONLY = 0o700

/**
 * True of what is missing too.
 * @param {string} path
 * @throws Error for what is not ours to remove: another user's, or no folder.
 */
export function isOwnersAlone(path) {
  const status = lstatSync(path, { throwIfNoEntry: false })
  if (!status) return true
  if (!status.isDirectory() || status.uid !== process.getuid?.())
    throw new Error(`${path} is not a folder of this user`)
  return (status.mode & 0o777) === OWNER_ONLY
}
