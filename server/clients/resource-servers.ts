/** APIs: what their settings mean, resolved and cached. The issuer's own audiences are system APIs and need no row. */

import { type Member, readMembers } from '../config/members.ts'
import type { Bus } from '../kernel/bus.ts'
import { createCache } from '../kernel/cache.ts'
import type { Clock } from '../kernel/clock.ts'
import { DAY, HOUR, SECOND } from '../kernel/seconds.ts'
import { LONGEST_TOKEN_LIFE } from '../policy/lifetimes.ts'
import type { ResourceServerRecord } from '../store/resource-servers.ts'
import type { Store } from '../store/store.ts'
import { API_CLAIMS, type CustomClaim, readClaims } from './custom-claims.ts'
import { readTokenEncryption, type TokenEncryption, tokenEncryptionFault } from './token-encryption.ts'

export type TokenDialect = 'rfc9068_profile' | 'rfc9068_profile_authz' | 'access_token' | 'access_token_authz'

const USER_POLICIES = ['allow_all', 'deny_all', 'require_client_grant'] as const
const CLIENT_POLICIES = ['deny_all', 'require_client_grant'] as const
type UserPolicy = (typeof USER_POLICIES)[number]
type ClientPolicy = (typeof CLIENT_POLICIES)[number]

export interface ResourceServer {
  readonly tenant: string
  readonly id: string
  /** The audience. */
  readonly identifier: string
  readonly name: string
  readonly scopes: readonly string[]
  /** What each scope means, in the operator's words; those that have none are left out. */
  readonly descriptions: Readonly<Record<string, string>>
  readonly algorithm: string
  /** How often an API of this identifier was removed before. */
  readonly epoch: number
  /** Whether a person's scopes are cut to their permissions. */
  readonly enforcesPermissions: boolean
  /** Whether its tokens tell them. */
  readonly tellsPermissions: boolean
  /** Who is given tokens for it: on whose behalf, and whether that wants a client grant. */
  readonly takes: { readonly user: UserPolicy; readonly client: ClientPolicy }
  readonly dialect: TokenDialect
  /** Of access tokens for people, and for machines. */
  readonly lifetimeSeconds: number
  readonly machineLifetimeSeconds: number
  readonly allowsOfflineAccess: boolean
  /** The key that its tokens are encrypted to; null where they are only signed. */
  readonly encryption: TokenEncryption | null
  /** Of the operator's making, for the tokens that are for it. */
  readonly claims: readonly CustomClaim[]
}

/** What `signing_alg` may be. HS256 means the API shares a secret with us, valid for its audience alone. */
export const ACCESS_TOKEN_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA', 'ML-DSA-44', 'HS256'] as const

const PEOPLE_LIFETIME = HOUR / SECOND
const MACHINE_LIFETIME = DAY / SECOND

export const RESOURCE_SERVER_MEMBERS = {
  identifier: { is: 'text' },
  name: { is: 'text', optional: true },
  scopes: { is: 'any', optional: true },
  signing_alg: { is: 'text', oneOf: ACCESS_TOKEN_ALGORITHMS, optional: true },
  signing_secret: { is: 'text', optional: true },
  token_dialect: {
    is: 'text',
    oneOf: ['rfc9068_profile', 'rfc9068_profile_authz', 'access_token', 'access_token_authz'],
    optional: true,
  },
  token_lifetime: { is: 'seconds', optional: true },
  token_lifetime_for_web: { is: 'seconds', optional: true },
  allow_offline_access: { is: 'boolean', optional: true },
  token_encryption: { is: 'any', check: tokenEncryptionFault, optional: true },
  claims: { is: 'any', optional: true },
  enforce_policies: { is: 'boolean', optional: true },
  skip_consent_for_verifiable_first_party_clients: { is: 'boolean', optional: true },
  subject_type_authorization: {
    is: 'object',
    optional: true,
    members: {
      user: { is: 'object', optional: true, members: { policy: { is: 'text', oneOf: USER_POLICIES, optional: true } } },
      client: {
        is: 'object',
        optional: true,
        members: { policy: { is: 'text', oneOf: CLIENT_POLICIES, optional: true } },
      },
    },
  },
} as const satisfies Readonly<Record<string, Member>>

export function resolveResourceServer(record: ResourceServerRecord): ResourceServer {
  const settings = readMembers(RESOURCE_SERVER_MEMBERS, { ...record.settings, identifier: record.identifier })
  const scopes = (settings.scopes ?? []) as readonly { value: string; description?: string }[]
  const dialect = settings.token_dialect ?? 'rfc9068_profile'
  const { user, client } = settings.subject_type_authorization ?? {}
  const capped = (seconds: number) => Math.min(seconds, LONGEST_TOKEN_LIFE / SECOND)
  return {
    tenant: record.tenant,
    id: record.id,
    identifier: record.identifier,
    name: settings.name ?? record.identifier,
    scopes: scopes.map(scope => scope.value),
    descriptions: Object.fromEntries(
      scopes.flatMap(({ value, description }) => (description ? [[value, description]] : [])),
    ),
    algorithm: settings.signing_alg ?? 'RS256',
    epoch: record.epoch,
    enforcesPermissions: settings.enforce_policies ?? false,
    tellsPermissions: dialect.endsWith('_authz'),
    takes: { user: user?.policy ?? 'allow_all', client: client?.policy ?? 'require_client_grant' },
    dialect,
    lifetimeSeconds: capped(settings.token_lifetime ?? PEOPLE_LIFETIME),
    machineLifetimeSeconds: capped(settings.token_lifetime ?? MACHINE_LIFETIME),
    allowsOfflineAccess: settings.allow_offline_access ?? false,
    encryption: readTokenEncryption(settings.token_encryption),
    claims: readClaims(settings.claims, API_CLAIMS),
  }
}

export interface ResourceServers {
  find(tenant: string, identifier: string): Promise<ResourceServer | undefined>
}

const CACHED_RESOURCE_SERVERS = 10_000

export function createResourceServers({
  store,
  bus,
  clock,
}: {
  store: Store
  bus: Bus
  clock: Clock
}): ResourceServers {
  const keyOf = (tenant: string, identifier: string) => `${tenant} ${identifier}`
  const servers = createCache<ResourceServer | undefined>({
    limit: CACHED_RESOURCE_SERVERS,
    clock,
    bus,
    topic: 'resource-server',
    keyOf: ({ tenant, id }) => keyOf(tenant, id),
  })

  return {
    async find(tenant, identifier) {
      const key = keyOf(tenant, identifier)
      const server = await servers.get(key, async () => {
        const record = await store.resourceServers.findByIdentifier(tenant, identifier)
        return record && resolveResourceServer(record)
      })
      if (!server) servers.drop(key)
      return server
    },
  }
}
