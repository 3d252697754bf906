/** Domains that an organization says are its own. */
import { onlyGiven, toFlag } from './columns.ts'
import { type Page, pageOf } from './pages.ts'
import type { Database, DiscoveryDomainsTable } from './schema.ts'

export interface DiscoveryDomainRecord {
  readonly tenant: string
  readonly id: string
  readonly organization: string
  /** In lower case; unique in its organization. */
  readonly domain: string
  readonly isVerified: boolean
  /** Whether it may lead people to the organization. */
  readonly isUsed: boolean
  /** What a DNS record of the domain has to say. */
  readonly proof: string
}

export interface DiscoveryDomains {
  create(domain: DiscoveryDomainRecord): Promise<'created' | 'taken'>
  find(tenant: string, organization: string, id: string): Promise<DiscoveryDomainRecord | undefined>
  findByName(tenant: string, organization: string, domain: string): Promise<DiscoveryDomainRecord | undefined>
  change(
    tenant: string,
    organization: string,
    id: string,
    changes: Partial<Pick<DiscoveryDomainRecord, 'isVerified' | 'isUsed'>>,
  ): Promise<'changed' | 'gone'>
  remove(tenant: string, organization: string, id: string): Promise<'removed' | 'gone'>
  /** By id. */
  list(tenant: string, organization: string, page: Page): Promise<DiscoveryDomainRecord[]>
}

const toRecord = (row: DiscoveryDomainsTable): DiscoveryDomainRecord => ({
  tenant: row.tenant,
  id: row.id,
  organization: row.organization,
  domain: row.domain,
  isVerified: row.verified === 1,
  isUsed: row.used === 1,
  proof: row.proof,
})

export const discoveryDomainsIn = (db: Database): DiscoveryDomains => {
  const ofOrganization = (tenant: string, organization: string) =>
    db.selectFrom('discovery_domains').selectAll().where('tenant', '=', tenant).where('organization', '=', organization)

  return {
    async create({ tenant, id, organization, domain, isVerified, isUsed, proof }) {
      const created = await db
        .insertInto('discovery_domains')
        .values({ tenant, id, organization, domain, verified: toFlag(isVerified), used: toFlag(isUsed), proof })
        .onConflict(conflict => conflict.doNothing())
        .returning('id')
        .executeTakeFirst()
      return created ? 'created' : 'taken'
    },

    async find(tenant, organization, id) {
      const row = await ofOrganization(tenant, organization).where('id', '=', id).executeTakeFirst()
      return row && toRecord(row)
    },

    async findByName(tenant, organization, domain) {
      const row = await ofOrganization(tenant, organization).where('domain', '=', domain).executeTakeFirst()
      return row && toRecord(row)
    },

    async change(tenant, organization, id, { isVerified, isUsed }) {
      const changed = await db
        .updateTable('discovery_domains')
        .set({
          id,
          ...onlyGiven({
            verified: isVerified === undefined ? undefined : toFlag(isVerified),
            used: isUsed === undefined ? undefined : toFlag(isUsed),
          }),
        })
        .where('tenant', '=', tenant)
        .where('organization', '=', organization)
        .where('id', '=', id)
        .returning('id')
        .executeTakeFirst()
      return changed ? 'changed' : 'gone'
    },

    async remove(tenant, organization, id) {
      const removed = await db
        .deleteFrom('discovery_domains')
        .where('tenant', '=', tenant)
        .where('organization', '=', organization)
        .where('id', '=', id)
        .returning('id')
        .executeTakeFirst()
      return removed ? 'removed' : 'gone'
    },

    async list(tenant, organization, { after, ...page }) {
      const rows = await ofOrganization(tenant, organization)
        .$if(after !== undefined, query => query.where('id', '>', after ?? ''))
        .orderBy('id')
        .$call(pageOf(page))
        .execute()
      return rows.map(toRecord)
    },
  }
}
