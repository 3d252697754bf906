/** The folder where everything is that has no database of its own: made by whoever comes first, for its owner alone. */
import { mkdirSync } from 'node:fs'
import { OperatorError } from '../kernel/errors.ts'

/**
 * Makes the folder with mode 0700 where it is missing; one that is there keeps the mode its owner gave it. To be
 * called before anything is written into it, because whatever is first makes it as it likes. Throws `OperatorError`.
 */
export function makeDataFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new OperatorError(
      `The folder ${path} cannot be made: ${(error as Error).message}. Set LATCHKEY_DATA to one this user may write to.`,
      { cause: error },
    )
  }
}
