/**
 * The ground floor: every table of the first release. Migrations only expand, and none is edited once it has
 * been released. Columns are text and bigint alone, so that both databases hold the same values; the tenant
 * leads every key, so that no look-up can cross it and each tenant's rows lie together.
 *
 * Foreign keys join only what is written together and has no meaning alone. What people are given (sessions,
 * authorizations, tickets) is tied by joins instead: a deleted user's are dead at once and leave in batches.
 */
import { type CreateTableBuilder, type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import { type Dialect, textType } from '../dialect.ts'

/** The question mark allows null. */
type ColumnType = 'text' | 'text?' | 'integer' | 'integer?'

/** A table in data, free of `schema.ts`: that one describes the present, this stays as it was. */
interface Table<Column extends string = string> {
  readonly name: string
  readonly columns: Readonly<Record<Column, ColumnType>>
  readonly key: readonly NoInfer<Column>[]
  readonly unique?: Readonly<Record<string, readonly NoInfer<Column>[]>>
  readonly indexes?: Readonly<Record<string, readonly NoInfer<Column>[]>>
  /** Which columns name a row of that table by its whole key. */
  readonly references?: Readonly<Record<string, readonly NoInfer<Column>[]>>
}

/** Checks that keys and indexes name columns of their table. */
const table = <Column extends string>(name: string, definition: Omit<Table<Column>, 'name'>): Table => ({
  name,
  ...definition,
})

const TABLES: readonly Table[] = [
  table('tenants', {
    columns: { id: 'text', name: 'text', settings: 'text', created_at: 'integer' },
    key: ['id'],
    unique: { tenants_name: ['name'] },
  }),
  table('hosts', {
    columns: { host: 'text', tenant: 'text', issuer: 'text' },
    key: ['host'],
    indexes: { hosts_tenant: ['tenant'] },
    references: { tenants: ['tenant'] },
  }),
  table('users', {
    columns: {
      tenant: 'text',
      id: 'text',
      epoch: 'integer',
      blocked: 'integer',
      email: 'text?',
      email_verified: 'integer',
      profile: 'text',
      app_metadata: 'text',
      user_metadata: 'text',
      created_at: 'integer',
      updated_at: 'integer',
      removed_at: 'integer?',
    },
    key: ['tenant', 'id'],
  }),
  table('identities', {
    columns: {
      tenant: 'text',
      connection: 'text',
      subject: 'text',
      user: 'text',
      provider: 'text',
      email_key: 'text?',
    },
    key: ['tenant', 'connection', 'subject'],
    unique: { identities_email: ['tenant', 'connection', 'email_key'] },
    indexes: { identities_user: ['tenant', 'user'] },
    references: { users: ['tenant', 'user'] },
  }),
  table('user_attributes', {
    columns: { tenant: 'text', path: 'text', value: 'text', user: 'text' },
    key: ['tenant', 'path', 'value', 'user'],
    indexes: { user_attributes_user: ['tenant', 'user'] },
    references: { users: ['tenant', 'user'] },
  }),
  table('roles', {
    columns: { tenant: 'text', id: 'text', name: 'text', description: 'text' },
    key: ['tenant', 'id'],
    unique: { roles_name: ['tenant', 'name'] },
  }),
  table('user_roles', {
    columns: { tenant: 'text', user: 'text', organization: 'text', role: 'text' },
    key: ['tenant', 'user', 'organization', 'role'],
    indexes: { user_roles_role: ['tenant', 'role'] },
    references: { users: ['tenant', 'user'], roles: ['tenant', 'role'] },
  }),
  table('connections', {
    columns: { tenant: 'text', id: 'text', name: 'text', strategy: 'text', options: 'text' },
    key: ['tenant', 'id'],
    unique: { connections_name: ['tenant', 'name'] },
  }),
  table('credentials', {
    columns: {
      tenant: 'text',
      user: 'text',
      kind: 'text',
      id: 'text',
      public_part: 'text',
      secret: 'text',
      counter: 'integer',
      created_at: 'integer',
    },
    key: ['tenant', 'user', 'kind', 'id'],
    references: { users: ['tenant', 'user'] },
  }),
  table('clients', {
    columns: {
      tenant: 'text',
      id: 'text',
      epoch: 'integer',
      metadata: 'text',
      sealed_secret: 'text?',
      created_at: 'integer',
      updated_at: 'integer',
      removed_at: 'integer?',
    },
    key: ['tenant', 'id'],
  }),
  table('client_grants', {
    columns: { tenant: 'text', client: 'text', audience: 'text', id: 'text', scopes: 'text' },
    key: ['tenant', 'client', 'audience'],
    unique: { client_grants_id: ['tenant', 'id'] },
    references: { clients: ['tenant', 'client'] },
  }),
  table('resource_servers', {
    columns: {
      tenant: 'text',
      id: 'text',
      identifier: 'text',
      settings: 'text',
      created_at: 'integer',
      updated_at: 'integer',
    },
    key: ['tenant', 'id'],
    unique: { resource_servers_identifier: ['tenant', 'identifier'] },
  }),
  table('consents', {
    columns: {
      tenant: 'text',
      user: 'text',
      client: 'text',
      audience: 'text',
      organization: 'text',
      scope: 'text',
      given_at: 'integer',
    },
    key: ['tenant', 'user', 'client', 'audience', 'organization', 'scope'],
  }),
  table('authorizations', {
    columns: {
      tenant: 'text',
      id: 'text',
      subject: 'text',
      client: 'text',
      organization: 'text?',
      session: 'text?',
      connection: 'text',
      audiences: 'text',
      proofs: 'text',
      request: 'text',
      user_epoch: 'integer',
      client_epoch: 'integer',
      state: 'text',
      created_at: 'integer',
      expires_at: 'integer',
    },
    key: ['tenant', 'id'],
    indexes: { authorizations_session: ['tenant', 'session'], authorizations_expiry: ['expires_at'] },
  }),
  table('browsers', {
    columns: { tenant: 'text', id: 'text', secret_hash: 'text', begun: 'integer' },
    key: ['tenant', 'id'],
    unique: { browsers_secret: ['tenant', 'secret_hash'] },
  }),
  table('sessions', {
    columns: {
      tenant: 'text',
      id: 'text',
      browser: 'text',
      ordinal: 'integer',
      user: 'text',
      user_epoch: 'integer',
      connection: 'text',
      organization: 'text?',
      proofs: 'text',
      created_at: 'integer',
      used_at: 'integer',
      idle_expires_at: 'integer',
      expires_at: 'integer',
      live_until: 'integer',
      ended_at: 'integer?',
    },
    key: ['tenant', 'id'],
    indexes: {
      sessions_browser: ['tenant', 'browser'],
      sessions_user: ['tenant', 'user'],
      sessions_live_until: ['live_until'],
    },
  }),
  table('families', {
    columns: {
      tenant: 'text',
      hash: 'text',
      authorization: 'text',
      client: 'text',
      user: 'text',
      user_epoch: 'integer',
      client_epoch: 'integer',
      generation: 'integer',
      key_id: 'text',
      state: 'text',
      rotated_at: 'integer',
      created_at: 'integer',
      idle_expires_at: 'integer',
      expires_at: 'integer',
    },
    key: ['tenant', 'hash'],
    indexes: { families_authorization: ['tenant', 'authorization'] },
  }),
  table('tickets', {
    columns: {
      tenant: 'text',
      kind: 'text',
      id: 'text',
      secret_hash: 'text?',
      browser_hash: 'text?',
      handle_hash: 'text?',
      subject: 'text?',
      authorization: 'text?',
      attempts: 'integer',
      version: 'integer',
      state: 'text',
      data: 'text',
      created_at: 'integer',
      expires_at: 'integer',
      consumed_at: 'integer?',
    },
    key: ['tenant', 'kind', 'id'],
    indexes: { tickets_authorization: ['tenant', 'authorization'], tickets_handle: ['tenant', 'handle_hash'] },
  }),
  table('events', {
    columns: {
      tenant: 'text',
      id: 'text',
      at: 'integer',
      type: 'text',
      actor_kind: 'text',
      actor_id: 'text',
      actor_client: 'text?',
      on_behalf_of: 'text?',
      target_kind: 'text?',
      target_id: 'text?',
      request_id: 'text',
      details: 'text',
      personal: 'text',
    },
    key: ['tenant', 'id'],
    indexes: { events_at: ['at'] },
  }),
  table('revocations', {
    columns: {
      number: 'integer',
      tenant: 'text',
      kind: 'text',
      id: 'text',
      epoch: 'integer?',
      at: 'integer',
      expires_at: 'integer',
    },
    key: ['number'],
    indexes: { revocations_expiry: ['expires_at'] },
  }),
  table('revocation_head', {
    columns: { id: 'integer', number: 'integer' },
    key: ['id'],
  }),
  table('keys', {
    columns: {
      tenant: 'text',
      id: 'text',
      purpose: 'text',
      owner: 'text',
      algorithm: 'text',
      state: 'text',
      public_key: 'text?',
      sealed_private: 'text?',
      created_at: 'integer',
      state_since: 'integer',
      due_at: 'integer?',
      latest_expiry: 'integer',
    },
    key: ['tenant', 'id'],
  }),
]

/** Indexes over some rows only; SQL, because both databases want the condition in the words the queries use. */
const PARTIAL_INDEXES = [
  // Spent codes leave with their authorization: outside this index they cost the purge nothing.
  sql`create index tickets_expiry on tickets (expires_at) where consumed_at is null or "authorization" is null`,
  sql`create index keys_due on keys (due_at) where due_at is not null`,
  sql`create unique index keys_one_signing on keys (tenant, purpose, owner, algorithm) where state = 'signing'`,
  sql`create unique index keys_one_current on keys (tenant, purpose, owner, algorithm) where state = 'current'`,
]

async function createIndex(db: Kysely<unknown>, create: string, index: string, on: string, by: readonly string[]) {
  const columns = sql.join(by.map(column => sql.ref(column)))
  await sql`${sql.raw(create)} ${sql.id(index)} on ${sql.table(on)} (${columns})`.execute(db)
}

export const ground = (dialect: Dialect): Migration => ({
  async up(db: Kysely<unknown>) {
    for (const { name, columns, key, unique = {}, indexes = {}, references = {} } of TABLES) {
      let create: CreateTableBuilder<string, string> = db.schema.createTable(name)
      for (const [column, type] of Object.entries(columns)) {
        create = create.addColumn(column, type.startsWith('text') ? textType(dialect) : 'bigint', definition =>
          type.endsWith('?') ? definition : definition.notNull(),
        )
      }
      create = create.addPrimaryKeyConstraint(`${name}_key`, [...key])
      for (const [target, by] of Object.entries(references)) {
        const theirs = TABLES.find(other => other.name === target)?.key ?? []
        create = create.addForeignKeyConstraint(`${name}_${target}`, [...by], target, [...theirs])
      }
      await create.execute()
      for (const [index, by] of Object.entries(unique)) await createIndex(db, 'create unique index', index, name, by)
      for (const [index, by] of Object.entries(indexes)) await createIndex(db, 'create index', index, name, by)
    }
    for (const index of PARTIAL_INDEXES) await index.execute(db)
    await sql`insert into revocation_head (id, number) values (1, 0)`.execute(db)
  },
})
