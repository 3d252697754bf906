/**
 * Which clients registered themselves, with the digest of the token by which each reads, changes and ends its
 * registration (RFC 7592). It goes with the client.
 */
import type { Database } from './schema.ts'

export interface Registrations {
  create(registration: { tenant: string; client: string; tokenHash: string }): Promise<void>
  /** The digest; undefined for a client that an operator made, or that is gone. */
  tokenHashOf(tenant: string, client: string): Promise<string | undefined>
}

export const registrationsIn = (db: Database): Registrations => ({
  async create({ tenant, client, tokenHash }) {
    await db.insertInto('registrations').values({ tenant, client, token_hash: tokenHash }).execute()
  },

  async tokenHashOf(tenant, client) {
    const row = await db
      .selectFrom('registrations')
      .select('token_hash')
      .where('tenant', '=', tenant)
      .where('client', '=', client)
      .executeTakeFirst()
    return row?.token_hash
  },
})
