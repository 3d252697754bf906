import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import { inspect } from 'node:util'
import { sql } from 'kysely'
import pg from 'pg'
import { createDatabase, MIGRATED, type TestDatabase } from '../../tests/fixtures/postgres.ts'
import { createMemoryBus } from '../bus/memory.ts'
import { OperatorError } from '../kernel/errors.ts'
import { readSearchQuery, SearchTooLong } from '../policy/search-query.ts'
import { authorizationsIn } from './authorizations.ts'
import { clientOf, createTestSealer, inParallel, NOW, newTenant } from './conformance/stage.ts'
import { describeStore } from './conformance.ts'
import { consentsIn } from './consents.ts'
import { familiesIn } from './families.ts'
import { peopleIn } from './people.ts'
import { permissionsIn } from './permissions.ts'
import { openPostgres, openPostgresDatabase, reach } from './postgres.ts'
import { openPostgresBus } from './postgres-notify.ts'
import { rolesIn } from './roles.ts'
import type { Database } from './schema.ts'
import { sessionsIn } from './sessions.ts'
import { openSqlite } from './sqlite.ts'
import { usersIn } from './users.ts'

const options = { clock: () => NOW, sealer: createTestSealer(), bus: createMemoryBus() }

async function query<Row extends object>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Row>(sql)).rows
  } finally {
    await client.end()
  }
}

describeStore('PostgreSQL', async given => {
  const database = await createDatabase()
  const store = await openPostgres(database.url, { ...given, poolSize: 16 })
  return {
    store,
    execute: async sql => void (await query(database.url, sql)),
    async close() {
      await store.close()
      await database.drop()
    },
  }
})

describe('a PostgreSQL database', () => {
  let database: TestDatabase
  before(async () => {
    database = await createDatabase()
  })
  after(() => database.drop())

  /** Ends every connection of the store, as a restarted or failed-over server does. */
  const cut = () =>
    query(
      database.url,
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'latchkey'`,
    )

  test('opened by five nodes at once is migrated once, and all of them work', async () => {
    const stores = await inParallel(5, () => openPostgres(database.url, options))
    const tenant = newTenant()
    assert.equal(await stores[0]?.clients.create(clientOf(tenant)), 'created')
    for (const store of stores) assert.notEqual(await store.clients.find(tenant, 'app'), undefined)
    await Promise.all(stores.map(store => store.close()))
    const applied = await query(database.url, 'select name from kysely_migration')
    assert.equal(applied.length, readdirSync(new URL('./migrations/', import.meta.url)).length)
  })

  test('that gives up a search says so, and not that it is broken', async () => {
    const store = await openPostgres(database.url, options)
    const other = new pg.Client({ connectionString: database.url })
    await other.connect()
    await other.query('begin; lock table users in access exclusive mode')
    const counting = assert.rejects(
      store.people.count(newTenant(), { query: readSearchQuery('blocked:true'), connection: null }),
      SearchTooLong,
    )
    const canceled = `select pg_cancel_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'latchkey' and wait_event_type = 'Lock'`
    while ((await query(database.url, canceled)).length === 0);
    await counting
    await other.query('rollback')
    await other.end()
    await store.close()
  })

  test('has the tables and columns of an embedded one', async () => {
    const store = await openPostgres(database.url, options)
    await store.close()
    const theirs = await query<{ column: string }>(
      database.url,
      `select table_name || '.' || column_name || case is_nullable when 'YES' then '?' else '' end as "column"
        from information_schema.columns where table_schema = 'public'`,
    )
    const folder = mkdtempSync(join(tmpdir(), 'latchkey-store-'))
    const file = join(folder, 'latchkey.db')
    await (await openSqlite(file, options)).close()
    const embedded = new DatabaseSync(file)
    const ours = embedded
      .prepare(
        `select t.name || '.' || c.name || case c."notnull" when 1 then '' else '?' end as "column"
          from sqlite_master t, pragma_table_info(t.name) c where t.type = 'table'`,
      )
      .all()
    embedded.close()
    rmSync(folder, { recursive: true })
    const own = (rows: { column?: unknown }[]) =>
      rows
        .map(row => String(row.column))
        .filter(column => !column.startsWith('kysely_'))
        .sort()
    assert.ok(own(ours).length > 100)
    assert.deepEqual(own(theirs), own(ours))
  })

  test('compares text byte by byte, whatever its own locale is', async () => {
    await (await openPostgres(database.url, options)).close()
    const columns = await query<{ collation: string | null }>(
      database.url,
      `select distinct collation_name as collation from information_schema.columns
        where table_schema = 'public' and data_type = 'text'`,
    )
    assert.deepEqual(columns, [{ collation: 'C' }])
  })

  test('that goes away while nobody asks does not end the process, and the next query works', async () => {
    const store = await openPostgres(database.url, options)
    await inParallel(4, () => store.ping())
    await cut()
    // The pool hears of it by its sockets, not by the statement that cut them.
    await new Promise(resolve => setTimeout(resolve, 100))
    await store.ping()
    await store.close()
  })

  test('that goes away in the middle of a transaction fails that transaction alone', async () => {
    const store = await openPostgres(database.url, options)
    const tenant = newTenant()
    const writing = store.transaction(async transaction => {
      await transaction.clients.create(clientOf(tenant))
      await cut()
      await new Promise(resolve => setTimeout(resolve, 100))
      await transaction.clients.find(tenant, 'app')
    })
    await assert.rejects(writing)
    assert.equal(await store.clients.find(tenant, 'app'), undefined)
    assert.equal(await store.clients.create(clientOf(tenant)), 'created')
    await store.close()
  })

  test('of a newer version is refused in a sentence', async () => {
    const newer = await createDatabase()
    await (await openPostgres(newer.url, options)).close()
    await query(newer.url, `insert into kysely_migration values ('0002-of-the-future', '2030-01-01T00:00:00.000Z')`)
    await assert.rejects(openPostgres(newer.url, options), { name: 'OperatorError', message: /newer Latchkey/ })
    await newer.drop()
  })

  test('that cannot be reached is named without its password', async () => {
    const lost = new URL(database.url)
    lost.port = '1'
    lost.password = 'hunter2'
    await assert.rejects(
      openPostgres(lost.href, options),
      error =>
        error instanceof OperatorError && error.message.includes('127.0.0.1:1') && !error.message.includes('hunter2'),
    )
  })

  for (const url of ['not a url with hunter2', 'postgres://user:hunter2@host:abc/latchkey', 'postgres://a:hun/ter2@b/'])
    test(`whose URL cannot be read (${url}) is not named at all`, async () => {
      const says = (error: unknown) => error instanceof OperatorError && !/hun|ter2|abc/.test(inspect(error))
      await assert.rejects(openPostgres(url, options), says)
      await assert.rejects(
        reach(url, () => openPostgresBus(url)),
        says,
      )
    })
})

/** Rows of each table that one tenant has, all of them in one connection, of one client and for one API. */
const MANY = 2000
/** What is asked about one of them looks at no more, with every index entry on the way counted besides its row. */
const FEW = 30

describe('a PostgreSQL database that has not counted its rows yet', () => {
  let database: TestDatabase
  let db: Database
  before(async () => {
    database = await createDatabase({ template: MIGRATED })
    db = await openPostgresDatabase(database.url)
    await fill(db)
  })
  after(async () => {
    await db.destroy()
    await database.drop()
  })

  const tenant = 'default'
  const user = 'user-200'
  const asked: Readonly<Record<string, (db: Database) => Promise<unknown>>> = {
    'a person by id': db => peopleIn(db).find(tenant, user),
    'a person by what they are': db => peopleIn(db).page(tenant, pageOf('email:"200@example.com"')),
    'a person by a member of metadata': db => peopleIn(db).page(tenant, pageOf('app_metadata.account:"200"')),
    'whoever signs in, by address': db => usersIn(db).findByEmailKey(tenant, 'connection-1', '200@example.com'),
    'whoever signs in, by name': db => usersIn(db).findByUsernameKey(tenant, 'connection-1', 'name-200'),
    'whoever signs in, as their provider knows them': db =>
      usersIn(db).findByIdentity(tenant, 'connection-1', { subject: '200' }),
    'nobody, by address': async db =>
      (await usersIn(db).findByEmailKey(tenant, 'connection-1', 'nobody@example.com')) ?? 'nobody',
    'what somebody is known by': db => usersIn(db).identitiesOf(tenant, user),
    'a changed address': db =>
      usersIn(db).change(tenant, user, { email: 'new@example.com' }, NOW, {
        connection: 'connection-1',
        emailKey: 'new@example.com',
      }),
    'what somebody allowed a client': db => consentsIn(db).of(tenant, user, 'client-1'),
    'an allowance that is taken back': db => consentsIn(db).withdraw(tenant, user, 'client-1'),
    'what somebody may do at an API': db => permissionsIn(db).held(tenant, user, null, 'api'),
    'a role that is taken away': db => rolesIn(db).take(tenant, user, null, ['role']),
    'a session by its browser': db => sessionsIn(db).inBrowser(tenant, 'hash-200', NOW),
    'the sessions of a person': db => sessionsIn(db).liveOf(tenant, user, NOW),
    'those within an organization': db => sessionsIn(db).endWithin(tenant, user, 'organization', NOW),
    'an authorization with all it hangs on': db => authorizationsIn(db).standing(tenant, 'authorization-200'),
    'a refresh': db =>
      familiesIn(db).redeem({
        tenant,
        hash: 'family-200',
        client: 'client-1',
        generation: 0,
        now: NOW,
        idleExpiresAt: FAR,
        advance: true,
      }),
    'the refresh tokens of a person': db => familiesIn(db).liveOf(tenant, user, NOW),
  }

  // Where the planner takes one index for another depends on how many rows it believes in, and it believes what it is told.
  for (const rows of [20_000, 100_000])
    test(`of ${rows} reads few for what is asked about one person`, async () => {
      await pretend(db, rows)
      const more: Record<string, number> = {}
      for (const [what, ask] of Object.entries(asked)) {
        const { looked, answer } = await lookedAt(db, ask)
        assert.ok(Array.isArray(answer) ? answer.length > 0 : answer, `Nothing was found: ${what}`)
        if (looked > FEW) more[what] = looked
      }
      assert.deepEqual(more, {})
    })
})

const FAR = NOW + 1_000_000_000
const pageOf = (text: string) => ({
  query: readSearchQuery(text),
  connection: null,
  order: { by: 'user_id', descending: false } as const,
  offset: 0,
  limit: 50,
})

async function fill(db: Database): Promise<void> {
  const each = `from generate_series(1, ${MANY}) as n`
  const tables: Readonly<Record<string, string>> = {
    tenants: `(id, name, settings, created_at) values ('default', 'default', '{}', 1)`,
    clients: `(tenant, id, epoch, metadata, credentials, created_at, updated_at) values ('default', 'client-1', 0, '{}', '[]', 1, 1)`,
    connections: `(tenant, id, name, strategy, options) values ('default', 'connection-1', 'people', 'auth0', '{}')`,
    roles: `(tenant, id, name, description) values ('default', 'role', 'role', '')`,
    users: `(tenant, id, epoch, blocked, email, email_verified, profile, app_metadata, user_metadata, created_at, updated_at)
      select 'default', 'user-' || n, 0, 0, n || '@example.com', 1, '{}', '{}', '{}', n, n ${each}`,
    identities: `(tenant, "user", connection, provider, subject, email_key, username_key)
      select 'default', 'user-' || n, 'connection-1', 'auth0', n, n || '@example.com', 'name-' || n ${each}`,
    user_attributes: `(tenant, path, value, "user")
      select 'default', path, n || rest, 'user-' || n ${each}, (values ('email', '@example.com'), ('app_metadata.account', '')) as its(path, rest)`,
    consents: `(tenant, "user", client, audience, organization, scope, given_at)
      select 'default', 'user-' || n, 'client-1', 'api', '', '', 1 ${each}`,
    user_permissions: `(tenant, "user", audience, permission) select 'default', 'user-' || n, 'api', 'read' ${each}`,
    user_roles: `(tenant, "user", organization, role) select 'default', 'user-' || n, '', 'role' ${each}`,
    browsers: `(tenant, id, secret_hash, begun) select 'default', 'browser-' || n, 'hash-' || n, 1 ${each}`,
    sessions: `(tenant, id, browser, ordinal, "user", user_epoch, connection, organization, proofs, created_at, used_at, idle_expires_at, expires_at, live_until)
      select 'default', 'session-' || n, 'browser-' || n, 1, 'user-' || n, 0, 'connection-1', 'organization', '[]', 1, 1, ${FAR}, ${FAR}, ${FAR} ${each}`,
    authorizations: `(tenant, id, subject, client, session, connection, audiences, proofs, request, user_epoch, client_epoch, state, created_at, expires_at)
      select 'default', 'authorization-' || n, 'user-' || n, 'client-1', 'session-' || n, 'connection-1', '[]', '[]', '{}', 0, 0, 'live', 1, ${FAR} ${each}`,
    families: `(tenant, hash, "authorization", client, "user", user_epoch, client_epoch, generation, key_id, state, rotated_at, created_at, idle_expires_at, expires_at)
      select 'default', 'family-' || n, 'authorization-' || n, 'client-1', 'user-' || n, 0, 0, 0, 'key', 'live', 1, 1, ${FAR}, ${FAR} ${each}`,
  }
  for (const [table, rows] of Object.entries(tables))
    await sql`insert into ${sql.table(table)} ${sql.raw(rows)}`.execute(db)
}

/** Tables that grow are as large as that to whoever plans a statement; what stands in their columns is not known. */
const pretend = (db: Database, rows: number) =>
  sql`update pg_class set reltuples = ${rows}, relpages = pg_relation_size(oid) / 8192
    where relkind = 'r' and relnamespace = 'public'::regnamespace and pg_relation_size(oid) > 8192`.execute(db)

/** Rows and index entries that were read for it. Nothing of it stays. */
async function lookedAt(db: Database, ask: (db: Database) => Promise<unknown>) {
  const looked = async (transaction: Database) => {
    const { rows } = await sql<{ looked: number }>`select sum(pg_stat_get_xact_tuples_returned(oid))::int as looked
      from pg_class where relkind in ('r', 'i') and relnamespace = 'public'::regnamespace`.execute(transaction)
    return rows[0]?.looked ?? 0
  }
  const transaction = await db.startTransaction().execute()
  try {
    const before = await looked(transaction)
    const answer = await ask(transaction)
    return { answer, looked: (await looked(transaction)) - before }
  } finally {
    await transaction.rollback().execute()
  }
}
