/**
 * Domains that a tenant asks for, and the proof that each is its own. Any number of tenants may ask for one; which of
 * them it answers for is a row of `hosts`, put there in the transaction that confirms it.
 */
import type { Instant } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import { onlyGiven, toFlag, toObject, toText } from './columns.ts'
import type { CustomDomainsTable, Database } from './schema.ts'

export interface CustomDomainRecord {
  readonly tenant: string
  readonly id: string
  /** A host name in lower case, without a port. */
  readonly domain: string
  /** What has to stand in the DNS. Not a secret: whoever asks the DNS reads it. */
  readonly proof: string
  /** What else the API keeps of it, under Auth0's names. */
  readonly document: JsonObject
  /** Of one in the tenant at most. */
  readonly isDefault: boolean
  readonly createdAt: Instant
  /** Null until the proof was found. */
  readonly verifiedAt: Instant | null
}

export interface CustomDomains {
  /** `taken` when the tenant has the domain or the id; inside a transaction that leaves it usable. */
  create(domain: CustomDomainRecord): Promise<'created' | 'taken'>
  find(tenant: string, id: string): Promise<CustomDomainRecord | undefined>
  findByDomain(tenant: string, domain: string): Promise<CustomDomainRecord | undefined>
  /** In the order in which they were made. */
  list(tenant: string, limit: number): Promise<CustomDomainRecord[]>
  /** `false` when there is none. */
  change(
    tenant: string,
    id: string,
    change: Partial<Pick<CustomDomainRecord, 'document' | 'verifiedAt'>>,
  ): Promise<boolean>
  /** The one that is the default from now on, and no other; null for none of them. */
  makeDefault(tenant: string, id: string | null): Promise<void>
  findDefault(tenant: string): Promise<CustomDomainRecord | undefined>
  /** `false` when there was none. */
  remove(tenant: string, id: string): Promise<boolean>
}

const toRecord = (row: CustomDomainsTable): CustomDomainRecord => ({
  tenant: row.tenant,
  id: row.id,
  domain: row.domain,
  proof: row.proof,
  document: toObject(row.document),
  isDefault: row.is_default === 1,
  createdAt: row.created_at,
  verifiedAt: row.verified_at,
})

export const customDomainsIn = (db: Database): CustomDomains => {
  const ofTenant = (tenant: string) => db.selectFrom('custom_domains').selectAll().where('tenant', '=', tenant)
  return {
    async create(domain) {
      const created = await db
        .insertInto('custom_domains')
        .values({
          tenant: domain.tenant,
          id: domain.id,
          domain: domain.domain,
          proof: domain.proof,
          document: toText(domain.document),
          is_default: toFlag(domain.isDefault),
          created_at: domain.createdAt,
          verified_at: domain.verifiedAt,
        })
        .onConflict(conflict => conflict.doNothing())
        .returning('id')
        .executeTakeFirst()
      return created ? 'created' : 'taken'
    },

    async find(tenant, id) {
      const row = await ofTenant(tenant).where('id', '=', id).executeTakeFirst()
      return row && toRecord(row)
    },

    async findByDomain(tenant, domain) {
      const row = await ofTenant(tenant).where('domain', '=', domain).executeTakeFirst()
      return row && toRecord(row)
    },

    async list(tenant, limit) {
      const rows = await ofTenant(tenant).orderBy('created_at').orderBy('id').limit(limit).execute()
      return rows.map(toRecord)
    },

    async change(tenant, id, { document, verifiedAt }) {
      const row = onlyGiven({ document: document && toText(document), verified_at: verifiedAt })
      const changed = await db
        .updateTable('custom_domains')
        .set({ id, ...row })
        .where('tenant', '=', tenant)
        .where('id', '=', id)
        .returning('id')
        .executeTakeFirst()
      return changed !== undefined
    },

    async makeDefault(tenant, id) {
      await db
        .updateTable('custom_domains')
        .set(row => ({
          is_default: row
            .case()
            .when('id', '=', id ?? '')
            .then(1)
            .else(0)
            .end(),
        }))
        .where('tenant', '=', tenant)
        .execute()
    },

    async findDefault(tenant) {
      const row = await ofTenant(tenant).where('is_default', '=', 1).executeTakeFirst()
      return row && toRecord(row)
    },

    async remove(tenant, id) {
      const removed = await db
        .deleteFrom('custom_domains')
        .where('tenant', '=', tenant)
        .where('id', '=', id)
        .returning('id')
        .executeTakeFirst()
      return removed !== undefined
    },
  }
}
