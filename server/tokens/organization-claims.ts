/** What tokens say of the organization they are given within, for the person and for machines alike. */
import type { JsonObject } from '../kernel/json.ts'
import type { Active } from './assert-active.ts'

/** Applications that asked by name compare that, and those that asked by id the id: both are there where names are known. */
export const organizationClaims = (
  { organization }: Active,
  { namesOrganizations }: { readonly namesOrganizations: boolean },
): JsonObject =>
  organization === null ? {} : { org_id: organization.id, ...(namesOrganizations && { org_name: organization.name }) }
