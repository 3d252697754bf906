/**
 * What the Management API asks for: events by the person, the client and the type, consents of a client or an API, what
 * an application notes about a session or a refresh token, the certificates of keys, and tokens that were ended by name.
 */
import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import { type Dialect, textType } from '../dialect.ts'
import { CONCERNED_CLIENT, CONCERNED_USER } from '../events.ts'

export const whatIsLive = (dialect: Dialect): Migration => ({
  async up(db: Kysely<unknown>) {
    const text = textType(dialect)
    // Of what earlier versions wrote, and write meanwhile, the same expressions tell whom it is about: nothing is filled in.
    await db.schema.alterTable('events').addColumn('user', text).execute()
    await db.schema.createIndex('events_type').on('events').columns(['tenant', 'type', 'id']).execute()
    await sql`create index events_user on events (tenant, (${CONCERNED_USER}), id)`.execute(db)
    await sql`create index events_client on events (tenant, (${CONCERNED_CLIENT}), id)`.execute(db)

    // One row of each consent, the one that stands for itself, in the order in which they are listed.
    await sql`create index consents_client on consents (tenant, client, "user", audience, organization) where scope = ''`.execute(
      db,
    )
    await sql`create index consents_audience on consents (tenant, audience, "user", client, organization) where scope = ''`.execute(
      db,
    )

    await db.schema.alterTable('sessions').addColumn('metadata', text).execute()
    await db.schema.alterTable('families').addColumn('metadata', text).execute()
    await db.schema.alterTable('keys').addColumn('certificate', text).execute()

    await db.schema
      .createTable('ended_tokens')
      .addColumn('tenant', text, column => column.notNull())
      .addColumn('jti', text, column => column.notNull())
      .addColumn('audience', text, column => column.notNull())
      .addColumn('ended_at', 'bigint', column => column.notNull())
      .addColumn('expires_at', 'bigint', column => column.notNull())
      .addPrimaryKeyConstraint('ended_tokens_key', ['tenant', 'jti'])
      .execute()
    await db.schema.createIndex('ended_tokens_audience').on('ended_tokens').columns(['tenant', 'audience']).execute()
    await db.schema.createIndex('ended_tokens_expiry').on('ended_tokens').column('expires_at').execute()
  },
})
