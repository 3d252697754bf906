/** Secrets that were made while nobody watched: each in a file of its own, which its owner reads and removes. */
import { mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { OperatorError } from '../kernel/errors.ts'
import { newSortableId } from '../kernel/ids.ts'

/** Ids and audiences may be longer than a file's name may be. */
const LONGEST_NAME = 150

/**
 * Writes the sentence where only this user can read it. Answers the file's path. `name` says what the secret is; what
 * was told before under the same name stays.
 * @throws OperatorError when it cannot be written.
 */
export function writeToldOnce(dataFolder: string, name: string, sentence: string): string {
  const stem = encodeURIComponent(name).slice(0, LONGEST_NAME)
  return naming(dataFolder, folder => {
    for (let count = 1; ; count++) {
      const file = join(folder, `${stem}${count === 1 ? '' : `-${count}`}.txt`)
      if (writeNew(file, `${sentence}\n`)) return file
    }
  })
}

/** Leaves nothing behind. Throws `OperatorError` when nothing can be told in the folder now. */
export function tryToldOnce(dataFolder: string): void {
  naming(dataFolder, folder => {
    const file = join(folder, `${newSortableId()}.txt`)
    writeNew(file, 'a trial\n')
    rmSync(file)
    try {
      rmdirSync(folder)
    } catch {
      // Somebody has not read what is in it.
    }
  })
}

function writeNew(file: string, text: string): boolean {
  try {
    writeFileSync(file, text, { mode: 0o600, flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function naming<T>(dataFolder: string, use: (folder: string) => T): T {
  const folder = join(dataFolder, 'told-once')
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    return use(folder)
  } catch (error) {
    throw new OperatorError(
      `${folder}, for secrets that no terminal is there to show, cannot be written to (${(error as NodeJS.ErrnoException).code}). Nothing may stand in its place, and this user must be able to write in it.`,
      { cause: error },
    )
  }
}
