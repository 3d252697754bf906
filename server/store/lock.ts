/** One process owns an embedded database. What lies in the folder besides is not looked at. */
import { chmodSync, closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { OperatorError } from '../kernel/errors.ts'

/** Another process has the folder, and may let go of it. */
export class FolderInUseError extends OperatorError {}

export interface FolderLock {
  release(): void
}

const SQLITE_BUSY = 5
/** What is collected as garbage lets go of its lock, and nobody need keep what they will never release. */
const held = new Set<DatabaseSync>()

/**
 * Takes the folder for this process until it is released or the process ends, however it ends: the lock is the
 * operating system's, on a file `lock.db`, so that a killed process leaves nothing to clean up.
 *
 * Throws a `FolderInUseError` when another process has it, an `OperatorError` when it cannot be written to.
 */
export function lockDatabase(folder: string): FolderLock {
  let database: DatabaseSync | undefined
  try {
    const file = join(folder, 'lock.db')
    keepToOwner(file)
    database = new DatabaseSync(file, { timeout: 0 })
    database.exec('begin exclusive')
  } catch (error) {
    database?.close()
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) {
      throw new FolderInUseError(
        `Another Latchkey process is using ${folder}. Stop it, or give this one a folder of its own with LATCHKEY_DATA; several processes share a PostgreSQL database (LATCHKEY_DATABASE_URL).`,
      )
    }
    throw new OperatorError(
      `The folder ${folder} cannot be used for data: its lock.db cannot be locked (${(error as Error).message}). Check that it exists and that this user may write to it.`,
      { cause: error },
    )
  }
  const owned = database
  held.add(owned)
  return {
    release: () => {
      if (held.delete(owned)) owned.close()
    },
  }
}

/**
 * Whoever can read the file can hold a lock on it that keeps us out. A file that is there is not opened: closing
 * it again would let go of the lock this very process may have on it (POSIX's rule for `fcntl`).
 */
function keepToOwner(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    chmodSync(file, 0o600)
  }
}
