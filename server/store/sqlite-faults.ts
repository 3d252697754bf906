/**
 * What can be wrong with an embedded database without a fault of ours: the file, its folder, its disk. Each is said
 * in a sentence that names the file; any other error of SQLite is a bug and keeps its stack.
 */
import type { DatabaseSync } from 'node:sqlite'
import { OperatorError, UnavailableError } from '../kernel/errors.ts'

/** By SQLite's primary result code (https://sqlite.org/rescode.html). */
const ADVICE: Readonly<Record<number, string>> = {
  5: 'Another program holds it: wait until that is done, or stop it.',
  8: 'This user has to be able to write to it and to its folder.',
  10: 'The disk or the file system under it has failed to read or to write; its log says more.',
  11: 'It is damaged. Stop everything that uses it and put back a backup.',
  13: 'The disk is full. Make room on it.',
  14: 'This user has to be able to read and write it and its folder.',
  26: 'It is not a database, or a damaged one. Put back a backup, or give LATCHKEY_DATA a folder of its own.',
}

/** Of these, those that may be over in a moment, and then nothing has to be started again. */
const PASSING: ReadonlySet<number> = new Set([5, 8, 10, 13, 14])

/**
 * What the work answers; a fault that the operator can mend is thrown as an `OperatorError`, and as an
 * `UnavailableError` where whoever asked may ask again.
 */
export function naming<T>(file: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    const code = resultCodeOf(error)
    const advice = ADVICE[code]
    if (advice === undefined) throw error
    const Fault = PASSING.has(code) ? UnavailableError : OperatorError
    throw new Fault(`The database ${file} cannot be used: ${(error as Error).message}. ${advice}`, {
      cause: error,
    })
  }
}

/** SQLite's own, or the one it would have given if it had asked the system instead of us. */
function resultCodeOf(error: unknown): number {
  const { errcode, code, syscall } = error as { errcode?: number; code?: string; syscall?: string }
  // The upper bits say more of the same: SQLITE_IOERR_READ, SQLITE_CORRUPT_INDEX.
  if (errcode !== undefined) return errcode & 0xff
  if (syscall === undefined) return 0
  return SYSTEM[code ?? ''] ?? 14
}

const SYSTEM: Readonly<Record<string, number>> = { EIO: 10, ENOSPC: 13, EDQUOT: 13 }

/** Somebody else's database would be given our tables without a question. */
export function refuseForeign(file: string, database: DatabaseSync): void {
  const tables = database.prepare("select name from sqlite_master where type = 'table'").all()
  if (tables.length === 0 || tables.some(({ name }) => name === 'kysely_migration')) return
  throw new OperatorError(
    `The database ${file} is not one of Latchkey's: it holds tables of something else. Give LATCHKEY_DATA a folder of its own.`,
  )
}
