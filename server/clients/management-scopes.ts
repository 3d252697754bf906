/** The scopes of the Management API, under Auth0's names: what may be done (`read`, `create`, …) with what. */

const VERBS = {
  create: 'Create',
  read: 'Read',
  update: 'Change',
  delete: 'Delete',
  // Auth0's one scope that is called otherwise: it shows which, and ends more.
  blacklist: 'List, and end by name,',
} as const
type Verb = keyof typeof VERBS

const ALL = ['create', 'read', 'update', 'delete'] as const

/** By name, each with how people call it and what may be done with it. */
const RESOURCES = {
  users: ['users', ALL],
  users_app_metadata: ['what administrators note of users', ALL],
  user_idp_tokens: ['what identity providers gave users', ['read']],
  user_custom_blocks: ['blocks of users', ['create', 'read', 'delete']],
  user_tickets: ['links for users', ['create']],
  users_by_email: ['users by their address', ['read']],
  clients: ['applications', ALL],
  client_keys: ['secrets of applications', ALL],
  client_credentials: ['keys of applications', ALL],
  client_grants: ['what applications may ask of APIs', ALL],
  resource_servers: ['APIs', ALL],
  connections: ['connections', ALL],
  connections_options: ['what connections are set to', ['read', 'update']],
  connections_keys: ['keys of connections', ['create', 'read', 'update']],
  roles: ['roles', ALL],
  role_members: ['who has which role', ['create', 'read', 'delete']],
  user_effective_roles: ['roles that users in fact have', ['read']],
  user_effective_permissions: ['what users in fact may do', ['read']],
  grants: ['what users allowed applications', ['read', 'delete']],
  sessions: ['sessions of users', ['read', 'update', 'delete']],
  refresh_tokens: ['refresh tokens of users', ['read', 'update', 'delete']],
  authentication_methods: ['how users prove who they are', ALL],
  guardian_enrollments: ['second factors of users', ['read', 'delete']],
  device_credentials: ['what devices of users hold', ALL],
  tokens: ['tokens', ['blacklist']],
  revocations: ['what is revoked, as it happens', ['read']],
  signing_keys: ['signing keys', ['create', 'read', 'update']],
  tenant_settings: ['settings of the tenant', ['read', 'update']],
  attack_protection: ['protection against attacks', ['read', 'update']],
  actions: ['actions', ['read']],
  anomaly_blocks: ['blocked addresses', ['read', 'delete']],
  email_provider: ['the mail server', ALL],
  email_templates: ['templates of mails', ALL],
  branding: ['how pages look', ALL],
  prompts: ['what pages say', ALL],
  custom_domains: ['domains of the tenant', ALL],
  logs: ['the log of what happened', ['read']],
  logs_users: ['the log of what users did', ['read']],
  stats: ['statistics', ['read']],
  organizations: ['organizations', ALL],
  organizations_summary: ['organizations in short', ['read']],
  organization_members: ['members of organizations', ALL],
  organization_member_roles: ['roles of members in organizations', ['create', 'read', 'delete']],
  organization_member_effective_roles: ['roles that members in fact have', ['read']],
  organization_connections: ['connections of organizations', ALL],
  organization_invitations: ['invitations to organizations', ['create', 'read', 'delete']],
  organization_client_grants: ['what applications may ask for organizations', ['create', 'read', 'delete']],
  organization_clients: ['applications of organizations', ALL],
  organization_discovery_domains: ['domains of organizations', ALL],
} as const satisfies Readonly<Record<string, readonly [string, readonly Verb[]]>>

type Resource = keyof typeof RESOURCES
export type ManagementScope = { [R in Resource]: `${(typeof RESOURCES)[R][1][number]}:${R}` }[Resource]

/** Each with what it means, for people. */
export const MANAGEMENT_SCOPES = Object.fromEntries(
  Object.entries(RESOURCES).flatMap(([resource, [name, verbs]]) =>
    verbs.map(verb => [`${verb}:${resource}`, `${VERBS[verb]} ${name}`]),
  ),
) as Readonly<Record<ManagementScope, string>>
