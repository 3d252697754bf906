/** Brings a database to the form this version reads. What each step does is in `migrations/`. */
import { sql } from 'kysely'
import type { Migration, Migrator } from 'kysely/migration'
import { OperatorError } from '../kernel/errors.ts'
import { type Dialect, dialectOf } from './dialect.ts'
import type { Database } from './schema.ts'

/** In order of name, which is the order they run in. Each is loaded where one has to run: most starts find nothing to do. */
const MIGRATIONS: Record<string, (dialect: Dialect) => Promise<Migration>> = {
  '0001-ground': async dialect => (await import('./migrations/0001-ground.ts')).ground(dialect),
  '0002-mails': async dialect => (await import('./migrations/0002-mails.ts')).mails(dialect),
  '0003-accounts': async dialect => (await import('./migrations/0003-accounts.ts')).accounts(dialect),
  '0004-signing-algorithms': async dialect =>
    (await import('./migrations/0004-signing-algorithms.ts')).signingAlgorithms(dialect),
  '0005-pairwise-subjects': async dialect =>
    (await import('./migrations/0005-pairwise-subjects.ts')).pairwiseSubjects(dialect),
  '0006-registrations': async dialect => (await import('./migrations/0006-registrations.ts')).registrations(dialect),
  '0007-revocation-names': async () => (await import('./migrations/0007-revocation-names.ts')).revocationNames(),
  '0008-event-order': async dialect => (await import('./migrations/0008-event-order.ts')).eventOrder(dialect),
  '0009-logout': async dialect => (await import('./migrations/0009-logout.ts')).logout(dialect),
  '0010-guessing': async dialect => (await import('./migrations/0010-guessing.ts')).guessing(dialect),
  '0011-revocation-stream': async () => (await import('./migrations/0011-revocation-stream.ts')).revocationStream,
  '0013-cost-classes': async () => (await import('./migrations/0013-cost-classes.ts')).costClasses,
  '0014-api-keys': async dialect => (await import('./migrations/0014-api-keys.ts')).apiKeys(dialect),
  '0015-documents': async dialect => (await import('./migrations/0015-documents.ts')).documents(dialect),
  '0016-people': async dialect => (await import('./migrations/0016-people.ts')).people(dialect),
  '0017-what-is-live': async dialect => (await import('./migrations/0017-what-is-live.ts')).whatIsLive(dialect),
  '0018-permissions': async dialect => (await import('./migrations/0018-permissions.ts')).permissions(dialect),
  '0019-connections': async dialect => (await import('./migrations/0019-connections.ts')).connections(dialect),
  '0021-organizations': async dialect => (await import('./migrations/0021-organizations.ts')).organizations(dialect),
  '0022-jobs': async dialect => (await import('./migrations/0022-jobs.ts')).jobs(dialect),
  '0023-mail-and-domains': async dialect =>
    (await import('./migrations/0023-mail-and-domains.ts')).mailAndDomains(dialect),
  '0024-found-by-few': async () => (await import('./migrations/0024-found-by-few.ts')).foundByFew,
  '0026-traces': async dialect => (await import('./migrations/0026-traces.ts')).traces(dialect),
  '0027-last-password-reset': async () => (await import('./migrations/0027-last-password-reset.ts')).lastPasswordReset,
}

/** What has been applied, by name. A database without the table is a new one. */
export async function appliedIn(db: Database): Promise<string[]> {
  try {
    const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db)
    return rows.map(row => row.name)
  } catch (error) {
    const { code, message } = error as { code?: string; message?: string }
    if (code === '42P01' || message?.includes('no such table')) return []
    throw error
  }
}

/** Whether anything is left to do. Throws an `OperatorError` for a database that a newer version has migrated. */
export async function isMigrated(db: Database): Promise<boolean> {
  const known = Object.keys(MIGRATIONS)
  const applied = await appliedIn(db)
  const unknown = applied.filter(name => !known.includes(name))
  if (unknown.length > 0) {
    throw new OperatorError(
      `The database was migrated by a newer Latchkey (${unknown.join(', ')}). Start that version, or restore a backup made by this one.`,
    )
  }
  return known.every(name => applied.includes(name))
}

/**
 * Applies what is missing, all of it or nothing. Of several processes that start at once, one migrates and the
 * others wait for it (an advisory lock on PostgreSQL; an embedded database has one process).
 */
export async function migrate(db: Database): Promise<void> {
  if (await isMigrated(db)) return
  const { error } = await (await migratorOf(db)).migrateToLatest()
  if (error) throw error
}

async function migratorOf(db: Database): Promise<Migrator> {
  const { Migrator } = await import('kysely/migration')
  const dialect = dialectOf(db)
  const getMigrations = async (): Promise<Record<string, Migration>> => {
    const loaded = Object.entries(MIGRATIONS).map(async ([name, load]) => [name, await load(dialect)] as const)
    return Object.fromEntries(await Promise.all(loaded))
  }
  return new Migrator({ db, provider: { getMigrations } })
}

/**
 * Inside a transaction of the caller: the form that exactly these migrations give, or the latest.
 * @throws OperatorError for migrations that this version does not know in this order.
 */
export async function migrateTo(db: Database, migrations: readonly string[] | 'latest'): Promise<void> {
  const known = Object.keys(MIGRATIONS)
  const wanted = migrations === 'latest' ? known : migrations
  const unknown = wanted.filter((name, place) => name !== known[place])
  if (unknown.length > 0)
    throw new OperatorError(
      `The backup was made by a newer Latchkey, or by one that this is no successor of (${unknown.join(', ')}). Restore it with the version that made it.`,
    )
  const { error } = await (await migratorOf(db)).migrateTo(wanted.at(-1) ?? '')
  if (error) throw error
}
