/**
 * The tables as rows come back from them, for both databases: text, whole numbers and nothing else. Instants are
 * milliseconds, booleans 0 or 1, documents JSON text. What the columns mean is said in each noun's file;
 * `migrations/` makes them.
 */
import type { Kysely } from 'kysely'

export interface TenantsTable {
  id: string
  name: string
  settings: string
  created_at: number
}

export interface HostsTable {
  host: string
  tenant: string
  issuer: string
}

export interface UsersTable {
  tenant: string
  id: string
  epoch: number
  blocked: number
  email: string | null
  email_verified: number
  profile: string
  app_metadata: string
  user_metadata: string
  created_at: number
  updated_at: number
  username: string | null
  last_login_at: number | null
  last_ip: string | null
  logins_count: number
  last_password_reset_at: number | null
  /** Set on a tombstone: the row is kept so that the id is never given again. */
  removed_at: number | null
}

export interface IdentitiesTable {
  tenant: string
  user: string
  connection: string
  provider: string
  subject: string
  email_key: string | null
  username_key: string | null
  profile: string | null
  ordinal: number
}

export interface UserAttributesTable {
  tenant: string
  path: string
  value: string
  user: string
}

export interface RolesTable {
  tenant: string
  id: string
  name: string
  description: string
  removed_at: number | null
}

export interface RolePermissionsTable {
  tenant: string
  role: string
  audience: string
  permission: string
}

export interface UserPermissionsTable {
  tenant: string
  user: string
  audience: string
  permission: string
}

/** In `user_roles` and `consents` the empty organization means none: a null would make every row of a unique key different. */
export interface UserRolesTable {
  tenant: string
  user: string
  organization: string
  role: string
}

export interface ConnectionsTable {
  tenant: string
  id: string
  name: string
  strategy: string
  options: string
  sealed_options: string | null
  settings: string
  serves_every_client: number
  /** Set on a tombstone, until its people are gone. */
  removed_at: number | null
}

/** Of connections that do not serve every client. */
export interface ConnectionClientsTable {
  tenant: string
  connection: string
  client: string
}

export interface CredentialsTable {
  tenant: string
  user: string
  kind: string
  id: string
  public_part: string
  secret: string
  counter: number
  created_at: number
  cost_class: number
}

export interface ClientsTable {
  tenant: string
  id: string
  epoch: number
  metadata: string
  sealed_secret: string | null
  signing_algorithm: string | null
  credentials: string
  created_at: number
  updated_at: number
  removed_at: number | null
}

export interface ClientGrantsTable {
  tenant: string
  id: string
  client: string
  audience: string
  scopes: string
  settings: string
}

/** An empty client stands for every client of somebody else's. */
export interface OtherGrantsTable {
  tenant: string
  id: string
  client: string
  audience: string
  subject: string
  scopes: string
  settings: string
}

export interface ResourceServersTable {
  tenant: string
  id: string
  epoch: number
  identifier: string
  settings: string
  signing_algorithm: string | null
  created_at: number
  updated_at: number
  removed_at: number | null
}

export interface RemovalsTable {
  tenant: string
  kind: string
  id: string
  /** From then on. */
  at: number
  /** Of events, the last that was emptied; null before the first. */
  seen: string | null
}

/** One row per scope, so that adding some needs no reading first; the empty scope stands for the consent itself. */
export interface ConsentsTable {
  tenant: string
  user: string
  client: string
  audience: string
  organization: string
  scope: string
  given_at: number
}

export interface AuthorizationsTable {
  tenant: string
  id: string
  subject: string
  client: string
  organization: string | null
  session: string | null
  connection: string
  audiences: string
  proofs: string
  request: string
  user_epoch: number
  client_epoch: number
  state: string
  created_at: number
  expires_at: number
}

export interface BrowsersTable {
  tenant: string
  id: string
  secret_hash: string
  /** How often somebody signed in, or chose an account, in it: orders its sessions. */
  begun: number
}

export interface SessionsTable {
  tenant: string
  id: string
  browser: string
  ordinal: number
  user: string
  user_epoch: number
  connection: string
  organization: string | null
  proofs: string
  user_agent: string | null
  created_at: number
  used_at: number
  idle_expires_at: number
  expires_at: number
  /** The earliest of the two limits and the end: what the purge goes by, with one index. */
  live_until: number
  ended_at: number | null
  /** What an application notes about it; null for nothing. */
  metadata: string | null
}

export interface FamiliesTable {
  tenant: string
  hash: string
  authorization: string
  client: string
  user: string
  user_epoch: number
  client_epoch: number
  generation: number
  key_id: string
  state: string
  rotated_at: number
  created_at: number
  idle_expires_at: number
  expires_at: number
  metadata: string | null
}

export interface TicketsTable {
  tenant: string
  kind: string
  id: string
  secret_hash: string | null
  browser_hash: string | null
  handle_hash: string | null
  subject: string | null
  authorization: string | null
  attempts: number
  version: number
  state: string
  data: string
  created_at: number
  expires_at: number
  consumed_at: number | null
}

export interface MailsTable {
  tenant: string
  id: string
  letter: string
  attempts: number
  created_at: number
  due_at: number
  give_up_at: number
}

export interface EventsTable {
  tenant: string
  id: string
  at: number
  type: string
  actor_kind: string
  actor_id: string
  actor_client: string | null
  on_behalf_of: string | null
  target_kind: string | null
  target_id: string | null
  request_id: string
  details: string
  personal: string
  /** Whom it is about, where neither the actor nor the target says so. */
  user: string | null
  /** The transaction that wrote it, by `commit-order.ts`; null in a row from before there was the column. */
  written_in: number | null
}

export interface EventCursorsTable {
  name: string
  next: number
  pending: string
}

export interface RegistrationsTable {
  tenant: string
  client: string
  token_hash: string
}

export interface PairwiseSubjectsTable {
  tenant: string
  subject: string
  user: string
}

export interface SessionClientsTable {
  tenant: string
  session: string
  channel: string
  client: string
  user: string
  issuer: string
  expires_at: number
}

export interface LogoutDeliveriesTable {
  tenant: string
  id: string
  client: string
  initiator: string
  session: string
  user: string
  issuer: string
  attempts: number
  created_at: number
  due_at: number
  give_up_at: number
}

export interface RevocationsTable {
  number: number
  tenant: string
  kind: string
  id: string
  epoch: number | null
  at: number
  expires_at: number
}

/** One row. Whoever updates it holds its lock until the commit, which is what puts the log in commit order. */
export interface RevocationHeadTable {
  id: number
  number: number
}

export interface KeysTable {
  tenant: string
  id: string
  purpose: string
  owner: string
  algorithm: string
  state: string
  public_key: string | null
  sealed_private: string | null
  created_at: number
  state_since: number
  due_at: number | null
  latest_expiry: number
  /** In PEM; null in a row from before there was the column, and of a secret. */
  certificate: string | null
}

/** A row whose `empty_at` is past says nothing any more. */
export interface CountersTable {
  tenant: string
  key: string
  empty_at: number
  free_at: number
}

export interface DevicesTable {
  tenant: string
  user: string
  browser_hash: string
  used_at: number
  expires_at: number
}

export interface ApiKeysTable {
  tenant: string
  id: string
  secret_hash: string
  name: string
  client: string
  user: string | null
  connection: string | null
  audience: string
  scopes: string
  user_epoch: number | null
  client_epoch: number
  state: string
  created_at: number
  expires_at: number | null
  used_at: number | null
  kept_until: number | null
}

export interface EmailProvidersTable {
  tenant: string
  document: string
  sealed_credentials: string
}

export interface CustomDomainsTable {
  tenant: string
  id: string
  domain: string
  proof: string
  document: string
  is_default: number
  created_at: number
  verified_at: number | null
}

export interface OrganizationsTable {
  tenant: string
  id: string
  name: string
  display_name: string
  settings: string
  created_at: number
  updated_at: number
  removed_at: number | null
}

export interface OrganizationMembersTable {
  tenant: string
  organization: string
  user: string
  since: number
}

export interface OrganizationConnectionsTable {
  tenant: string
  organization: string
  connection: string
  settings: string
}

export interface OrganizationClientsTable {
  tenant: string
  organization: string
  client: string
  for_members: number
}

export interface OrganizationGrantsTable {
  tenant: string
  organization: string
  grant: string
}

export interface InvitationsTable {
  tenant: string
  id: string
  organization: string
  ticket_hash: string
  ticket: string
  inviter: string
  email: string
  client: string
  connection: string | null
  roles: string
  app_metadata: string
  user_metadata: string
  mailed: number
  url: string
  created_at: number
  expires_at: number
}

export interface DiscoveryDomainsTable {
  tenant: string
  id: string
  organization: string
  domain: string
  verified: number
  used: number
  proof: string
}

export interface DocumentsTable {
  tenant: string
  kind: string
  id: string
  data: string
  sealed: string | null
  created_at: number
  updated_at: number
}

/** Access tokens that somebody ended by their `jti`, for whoever asks which; what refuses them is the log of revocations. */
export interface EndedTokensTable {
  tenant: string
  jti: string
  audience: string
  ended_at: number
  expires_at: number
}

export interface JobsTable {
  tenant: string
  id: string
  type: string
  status: string
  connection: string | null
  asked: string
  asked_by: string
  progress: string
  size: number
  done: number
  inserted: number
  updated: number
  failed: number
  failure: string | null
  created_at: number
  started_at: number | null
  ended_at: number | null
  attempts: number
  /** Null while it is received, and once it is over. */
  due_at: number | null
  kept_until: number
}

export interface JobPartsTable {
  tenant: string
  job: string
  place: number
  bytes: Uint8Array
}

export interface JobErrorsTable {
  tenant: string
  job: string
  place: number
  error: string
}

export interface Tables {
  tenants: TenantsTable
  hosts: HostsTable
  users: UsersTable
  identities: IdentitiesTable
  user_attributes: UserAttributesTable
  roles: RolesTable
  role_permissions: RolePermissionsTable
  user_roles: UserRolesTable
  user_permissions: UserPermissionsTable
  connections: ConnectionsTable
  connection_clients: ConnectionClientsTable
  credentials: CredentialsTable
  clients: ClientsTable
  client_grants: ClientGrantsTable
  other_grants: OtherGrantsTable
  removals: RemovalsTable
  resource_servers: ResourceServersTable
  consents: ConsentsTable
  authorizations: AuthorizationsTable
  browsers: BrowsersTable
  sessions: SessionsTable
  families: FamiliesTable
  tickets: TicketsTable
  mails: MailsTable
  email_providers: EmailProvidersTable
  custom_domains: CustomDomainsTable
  events: EventsTable
  event_cursors: EventCursorsTable
  session_clients: SessionClientsTable
  pairwise_subjects: PairwiseSubjectsTable
  registrations: RegistrationsTable
  logout_deliveries: LogoutDeliveriesTable
  revocations: RevocationsTable
  revocation_head: RevocationHeadTable
  keys: KeysTable
  counters: CountersTable
  devices: DevicesTable
  api_keys: ApiKeysTable
  organizations: OrganizationsTable
  organization_members: OrganizationMembersTable
  organization_connections: OrganizationConnectionsTable
  organization_clients: OrganizationClientsTable
  organization_grants: OrganizationGrantsTable
  invitations: InvitationsTable
  discovery_domains: DiscoveryDomainsTable
  ended_tokens: EndedTokensTable
  documents: DocumentsTable
  jobs: JobsTable
  job_parts: JobPartsTable
  job_errors: JobErrorsTable
}

/** A database or a transaction in it: nouns are written against either. */
export type Database = Kysely<Tables>
