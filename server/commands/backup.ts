/**
 * `latchkey backup` and `latchkey restore`: what the operator types and reads. What is done is `backup/backup.ts`, in this
 * process: a backup reads beside the server, whose requests never wait for it, and a restore wants no server at all.
 */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { restoreBackup, takeBackup } from '../backup/backup.ts'
import { loadSettings } from '../config/load.ts'
import type { Settings } from '../config/schema.ts'
import { versionOfLatchkey } from '../control/version.ts'
import { systemClock } from '../kernel/clock.ts'
import { OperatorError } from '../kernel/errors.ts'
import { lockDatabase } from '../store/lock.ts'
import type { Place } from '../store/snapshot.ts'
import { type Answering, answer, toMinute } from './answer.ts'

export async function backUp(path: string, given: Answering): Promise<void> {
  const settings = loadSettings(process.env)
  const place = placeOf(settings)
  if ('file' in place && !existsSync(place.file))
    throw new OperatorError(`There is no database in ${settings.dataFolder} to take a backup of.`)
  const options = { latchkey: versionOfLatchkey(), clock: systemClock }
  const taken = await takeBackup(place, resolve(path), options)
  answer(given, taken, () => [
    `${taken.rows} rows are in ${taken.file}, whoever has it knows everybody's names and addresses.`,
    `To restore it, the master key ${taken.masterKeys.join(' and ')} is needed, which is not in it: keep a copy of ${settings.masterKeyFile} in another place.`,
  ])
}

export async function restore(path: string, given: Answering & { 'keep-sign-ins'?: boolean | undefined }) {
  const settings = loadSettings(process.env)
  const keepSignIns = given['keep-sign-ins'] ?? false
  const lock = settings.databaseUrl === null ? lockDatabase(settings.dataFolder) : undefined
  try {
    const options = { masterKeyFile: settings.masterKeyFile, keepSignIns }
    const restored = await restoreBackup(placeOf(settings), resolve(path), options)
    answer(given, restored, () => [
      `${restored.rows} rows are restored as they were on ${toMinute(restored.madeAt)}.`,
      keepSignIns
        ? 'Whoever was signed in then is signed in again, also where that was ended since.'
        : 'Everybody signs in again, and applications with them: what was ended since the backup must not come back.',
    ])
  } finally {
    lock?.release()
  }
}

const placeOf = ({ databaseUrl, dataFolder }: Settings): Place =>
  databaseUrl === null ? { file: `${dataFolder}/latchkey.db` } : { url: databaseUrl }
