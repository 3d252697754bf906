/** `latchkey migrate`: brings the database to the form that this version reads. */
import { loadSettings } from '../config/load.ts'
import { type Answering, answer } from './answer.ts'
import { ask, doHere } from './ask.ts'

/**
 * An embedded database is migrated by its server at the start. PostgreSQL is, here, also while servers of the version
 * before still run: migrations only expand, and theirs is not to stop the first step of an upgrade.
 */
export async function migrate(given: Answering): Promise<void> {
  const settings = loadSettings(process.env)
  const done = settings.databaseUrl === null ? await ask('migrate', {}) : await doHere(settings, 'migrate', {})
  answer(given, done, () => ['The database is up to date.'])
}
