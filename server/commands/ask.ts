/**
 * How a command gets something done: by the server that runs over the same data, or, where none does, by opening
 * the data itself. Either way the same operation runs (`operations/`).
 */
import { setTimeout as pause } from 'node:timers/promises'
import { loadSettings } from '../config/load.ts'
import type { Settings } from '../config/schema.ts'
import { askServer, ServerBusyError } from '../control/ask.ts'
import { versionOfLatchkey } from '../control/version.ts'
import type { JsonObject } from '../kernel/json.ts'
import { SECOND } from '../kernel/seconds.ts'
import { sha256 } from '../kernel/secrets.ts'
import type { GivenTo, OperationName, ResultOf } from '../operations/operations.ts'
import { FolderInUseError } from '../store/lock.ts'

/** Another command has the embedded database for a second; a server that starts has its socket soon; one that is busy, its turn. */
const WAIT = 10 * SECOND
const LOOK_EVERY = 100

/** @throws OperatorError for what the operator can mend. */
export async function ask<Name extends OperationName>(name: Name, given: GivenTo<Name>): Promise<ResultOf<Name>> {
  const settings = loadSettings(process.env)
  const deadline = Date.now() + WAIT
  const request = {
    version: versionOfLatchkey(),
    database: settings.databaseUrl === null ? null : sha256(settings.databaseUrl),
    operation: name,
    given,
  }
  for (;;) {
    try {
      const answer = await askServer(settings.dataFolder, request)
      return answer ? (answer.result as ResultOf<Name>) : await doHere(settings, name, given)
    } catch (error) {
      const isPassing = error instanceof FolderInUseError || error instanceof ServerBusyError
      if (!isPassing || Date.now() > deadline) throw error
      await pause(LOOK_EVERY)
    }
  }
}

/** Also for what must not wait for a server's consent. */
export async function doHere<Name extends OperationName>(
  settings: Settings,
  name: Name,
  given: GivenTo<Name>,
): Promise<ResultOf<Name>> {
  const { openOnce } = await import('../serve.ts')
  return openOnce(settings, latchkey => latchkey.operate(name, given as JsonObject)) as Promise<ResultOf<Name>>
}
