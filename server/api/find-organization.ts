/** The organization that a path names, for every resource of it. */
import type { Doing } from '../identity/organization-management.ts'
import type { OrganizationRecord } from '../store/organizations.ts'
import type { Nouns } from '../store/store.ts'
import { notFound } from './fault.ts'
import type { Call } from './operation.ts'

export async function findOrganization(store: Nouns, tenant: string, id: string): Promise<OrganizationRecord> {
  const organization = await store.organizations.find(tenant, id)
  if (!organization) throw notFound('inexistent_organization', 'The organization does not exist.')
  return organization
}

/** The same for a change: until the transaction ends it is not removed. */
export async function holdOrganization(transaction: Nouns, tenant: string, id: string): Promise<OrganizationRecord> {
  await transaction.organizations.hold(tenant, id)
  return findOrganization(transaction, tenant, id)
}

/** Whose doing a change is. */
export const doingOf = ({ client, occasion }: Pick<Call<never, never>, 'client' | 'occasion'>): Doing => ({
  by: { client: client.id },
  occasion,
})
