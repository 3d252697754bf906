/** Brings a database to the form this version reads. What each step does is in `migrations/`. */
import { sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { OperatorError } from '../kernel/errors.ts'
import { type Dialect, dialectOf } from './dialect.ts'
import { ground } from './migrations/0001-ground.ts'
import { mails } from './migrations/0002-mails.ts'
import { accounts } from './migrations/0003-accounts.ts'
import { signingAlgorithms } from './migrations/0004-signing-algorithms.ts'
import { pairwiseSubjects } from './migrations/0005-pairwise-subjects.ts'
import { registrations } from './migrations/0006-registrations.ts'
import { revocationNames } from './migrations/0007-revocation-names.ts'
import { eventOrder } from './migrations/0008-event-order.ts'
import { logout } from './migrations/0009-logout.ts'
import { guessing } from './migrations/0010-guessing.ts'
import { revocationStream } from './migrations/0011-revocation-stream.ts'
import { costClasses } from './migrations/0013-cost-classes.ts'
import { apiKeys } from './migrations/0014-api-keys.ts'
import { documents } from './migrations/0015-documents.ts'
import { people } from './migrations/0016-people.ts'
import { whatIsLive } from './migrations/0017-what-is-live.ts'
import { permissions } from './migrations/0018-permissions.ts'
import { connections } from './migrations/0019-connections.ts'
import { organizations } from './migrations/0021-organizations.ts'
import { jobs } from './migrations/0022-jobs.ts'
import { mailAndDomains } from './migrations/0023-mail-and-domains.ts'
import type { Database } from './schema.ts'

/** In order of name, which is the order they run in. */
const migrationsFor = (dialect: Dialect): Record<string, Migration> => ({
  '0001-ground': ground(dialect),
  '0002-mails': mails(dialect),
  '0003-accounts': accounts(dialect),
  '0004-signing-algorithms': signingAlgorithms(dialect),
  '0005-pairwise-subjects': pairwiseSubjects(dialect),
  '0006-registrations': registrations(dialect),
  '0007-revocation-names': revocationNames(),
  '0008-event-order': eventOrder(dialect),
  '0009-logout': logout(dialect),
  '0010-guessing': guessing(dialect),
  '0011-revocation-stream': revocationStream,
  '0013-cost-classes': costClasses,
  '0014-api-keys': apiKeys(dialect),
  '0015-documents': documents(dialect),
  '0016-people': people(dialect),
  '0017-what-is-live': whatIsLive(dialect),
  '0018-permissions': permissions(dialect),
  '0019-connections': connections(dialect),
  '0021-organizations': organizations(dialect),
  '0022-jobs': jobs(dialect),
  '0023-mail-and-domains': mailAndDomains(dialect),
})

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
  const known = Object.keys(migrationsFor(dialectOf(db)))
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
  const migrations = migrationsFor(dialectOf(db))
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => migrations },
  })
  const { error } = await migrator.migrateToLatest()
  if (error) throw error
}

/**
 * Inside a transaction of the caller: the form that exactly these migrations give, or the latest.
 * @throws OperatorError for migrations that this version does not know in this order.
 */
export async function migrateTo(db: Database, migrations: readonly string[] | 'latest'): Promise<void> {
  const all = migrationsFor(dialectOf(db))
  const known = Object.keys(all)
  const wanted = migrations === 'latest' ? known : migrations
  const unknown = wanted.filter((name, place) => name !== known[place])
  if (unknown.length > 0)
    throw new OperatorError(
      `The backup was made by a newer Latchkey, or by one that this is no successor of (${unknown.join(', ')}). Restore it with the version that made it.`,
    )
  const migrator = new Migrator({ db, provider: { getMigrations: async () => all } })
  const { error } = await migrator.migrateTo(wanted.at(-1) ?? '')
  if (error) throw error
}
