/**
 * What a client may ask of an API: as itself, or for people where the API wants that granted. Stored under Auth0's names;
 * here it gets its meaning.
 */

import { type Member, readMembers } from '../config/members.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { ClientGrantRecord, GrantSubject } from '../store/clients.ts'
import type { ResourceServer } from './resource-servers.ts'

export const ORGANIZATION_USAGES = ['deny', 'allow', 'require'] as const
export type OrganizationUsage = (typeof ORGANIZATION_USAGES)[number]

export const GRANT_SUBJECTS = ['client', 'user', 'anonymous_user'] as const satisfies readonly GrantSubject[]

/** Members of a grant besides the two that it is found by and its scopes. */
export const GRANT_SETTINGS = {
  organization_usage: { is: 'text', oneOf: ORGANIZATION_USAGES, optional: true },
  allow_any_organization: { is: 'boolean', optional: true },
  /** Every scope that the API has at the time, whatever `scope` holds. */
  allow_all_scopes: { is: 'boolean', optional: true },
  authorization_details_types: { is: 'texts', optional: true },
} as const satisfies Readonly<Record<string, Member>>

export interface ClientGrant {
  readonly id: string
  readonly audience: string
  readonly subject: GrantSubject
  /** As they are written. What of them there is, `scopesOf` says. */
  readonly scopes: readonly string[]
  readonly holdsAll: boolean
  readonly organizations: OrganizationUsage
  readonly takesAnyOrganization: boolean
}

export function resolveGrant({ id, audience, subject, scopes, settings }: ClientGrantRecord): ClientGrant {
  const read = readMembers(GRANT_SETTINGS, settings)
  return {
    id,
    audience,
    subject,
    scopes,
    holdsAll: read.allow_all_scopes ?? false,
    organizations: read.organization_usage ?? 'deny',
    takesAnyOrganization: read.allow_any_organization ?? false,
  }
}

type Holding = Pick<ClientGrant, 'scopes' | 'holdsAll'>
type Having = Pick<ResourceServer, 'scopes'>

/** Of caches both, so that what one makes of the other lives as long as they do. */
const cut = new WeakMap<Holding, { readonly api: Having; readonly scopes: readonly string[] }>()

/** The scopes that the grant holds of those the API has now. */
export function scopesOf(grant: Holding, api: Having): readonly string[] {
  const known = cut.get(grant)
  if (known?.api === api) return known.scopes
  const has = new Set(api.scopes)
  const scopes = grant.holdsAll ? api.scopes : grant.scopes.filter(scope => has.has(scope))
  cut.set(grant, { api, scopes })
  return scopes
}

/** As the Management API and an export say it. */
export const grantToWire = (record: ClientGrantRecord): JsonObject => ({
  id: record.id,
  ...(record.client === null ? { default_for: THIRD_PARTIES } : { client_id: record.client }),
  audience: record.audience,
  scope: record.scopes,
  ...record.settings,
  subject_type: record.subject,
})

/** Whom a grant without a client is for. */
export const THIRD_PARTIES = 'third_party_clients'
