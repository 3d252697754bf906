/** The folder where everything is that has no database of its own: made by whoever comes first, for its owner alone. */
import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { OperatorError } from '../kernel/errors.ts'
import { isOwnersAlone, OWNER_ONLY } from './owners-alone.js'

/**
 * Makes the folder with mode 0700 where it is missing; one that is there keeps the mode its owner gave it. To be
 * called before anything is written into it, because whatever is first makes it as it likes. Throws `OperatorError`.
 */
export function makeDataFolder(path: string): void {
  try {
    makeFolders(path)
  } catch (error) {
    throw new OperatorError(
      `The folder ${path} cannot be made: ${(error as Error).message}. Set LATCHKEY_DATA to one this user may write to.`,
      { cause: error },
    )
  }
}

/**
 * One after the other, from the first that is missing. Not by `recursive`: where a folder is there that takes none
 * (`/proc`), Node makes its parent, which exists, and tries again without end.
 */
function makeFolders(path: string): void {
  const missing: string[] = []
  for (let folder = resolve(path); !existsSync(folder); folder = dirname(folder)) missing.unshift(folder)
  for (const folder of missing)
    try {
      mkdirSync(folder, { mode: OWNER_ONLY })
    } catch (error) {
      // Another process that starts now was quicker.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !existsSync(folder)) throw error
    }
  if (!statSync(path).isDirectory()) throw new Error(`${path} is not a folder`)
}

/**
 * Whether the folder, made where it is missing, is this user's and nobody else's to look into: what is run from it was
 * put there by us. One of ours that was open to others is thrown away first. No folder is no reason not to start.
 */
export function makeCacheFolder(path: string): boolean {
  try {
    if (!isOwnersAlone(path)) rmSync(path, { recursive: true, force: true })
    makeFolders(path)
    return isOwnersAlone(path)
  } catch {
    return false
  }
}
