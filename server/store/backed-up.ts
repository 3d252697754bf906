/**
 * Which tables a backup holds, whoever takes it: what people and operators would miss. What is over in minutes, or would
 * be done a second time, stays behind. A table that is not here does not compile.
 */
import type { Tables } from './schema.ts'

interface Kept {
  /** Columns that say something of the database that was left, and nothing in another. */
  readonly emptied?: readonly string[]
}

/** In an order in which every row finds those that it refers to. */
const TABLES: { readonly [Table in keyof Tables]: Kept | 'left behind' } = {
  tenants: {},
  hosts: {},
  custom_domains: {},
  email_providers: {},
  connections: {},
  connection_clients: {},
  users: {},
  identities: {},
  user_attributes: {},
  roles: {},
  role_permissions: {},
  user_roles: {},
  user_permissions: {},
  credentials: {},
  devices: {},
  pairwise_subjects: {},
  clients: {},
  client_grants: {},
  other_grants: {},
  removals: {},
  registrations: {},
  resource_servers: {},
  consents: {},
  organizations: {},
  organization_members: {},
  organization_connections: {},
  organization_clients: {},
  organization_grants: {},
  discovery_domains: {},
  browsers: {},
  sessions: {},
  session_clients: {},
  authorizations: {},
  families: {},
  api_keys: {},
  documents: {},
  keys: {},
  revocations: {},
  ended_tokens: {},
  revocation_head: {},
  // Numbers of transactions, which each database counts for itself.
  events: { emptied: ['written_in'] },
  event_cursors: 'left behind',
  // Codes, sign-ins under way and mailed links: one that was used since would open again.
  tickets: 'left behind',
  // Done since, or done a second time.
  jobs: 'left behind',
  job_parts: 'left behind',
  job_errors: 'left behind',
  // Sent since, or wanted by nobody any more.
  mails: 'left behind',
  // One that was taken since would open again.
  invitations: 'left behind',
  logout_deliveries: 'left behind',
  // Forgotten within hours.
  counters: 'left behind',
}

export type BackedUpTable = keyof Tables & string

const isKept = ([, kept]: [string, Kept | 'left behind']): boolean => kept !== 'left behind'

export const BACKED_UP = Object.entries(TABLES)
  .filter(isKept)
  .map(([table]) => table) as readonly BackedUpTable[]

export const LEFT_BEHIND = Object.keys(TABLES).filter(table => !BACKED_UP.includes(table as BackedUpTable))

export const isBackedUp = (table: string): table is BackedUpTable => BACKED_UP.includes(table as BackedUpTable)

export const emptiedIn = (table: BackedUpTable): readonly string[] => {
  const kept = TABLES[table]
  return (kept !== 'left behind' && kept.emptied) || []
}
