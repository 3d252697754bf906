/** What the conformance suite stands on: a store on a real database, and records that differ only in what a test is about. */
import { createCipheriv, createDecipheriv } from 'node:crypto'
import { createMemoryBus } from '../../bus/memory.ts'
import type { Bus, BusMessage } from '../../kernel/bus.ts'
import { newSortableId } from '../../kernel/ids.ts'
import { type SealContext, SealError, type Sealer } from '../../kernel/sealer.ts'
import { DAY, HOUR, MINUTE } from '../../kernel/seconds.ts'
import { randomKey, randomSecret } from '../../kernel/secrets.ts'
import type { ApiKeyRecord } from '../api-keys.ts'
import type { AuthorizationRecord } from '../authorizations.ts'
import type { ClientGrantRecord, ClientRecord } from '../clients.ts'
import type { ConnectionRecord } from '../connections.ts'
import type { EventRecord } from '../events.ts'
import type { FamilyRecord } from '../families.ts'
import type { InvitationRecord } from '../invitations.ts'
import type { KeyRecord } from '../keys.ts'
import type { OrganizationRecord } from '../organizations.ts'
import type { Revocation } from '../revocations.ts'
import type { SessionRecord } from '../sessions.ts'
import type { Store, StoreOptions } from '../store.ts'
import type { NewTicket } from '../tickets.ts'
import type { IdentityRecord, UserRecord } from '../users.ts'

export interface OpenStore {
  readonly store: Store
  /** Statements past the store: what somebody who holds the database could do. Column names that are reserved words are quoted. */
  readonly execute: (sql: string) => Promise<void>
  readonly close: () => Promise<void>
}

export type OpenForTest = (options: StoreOptions) => Promise<OpenStore>

/** What each group of promises is tested with. One store serves them all, so each test makes a tenant of its own. */
export interface Stage {
  readonly store: Store
  readonly execute: (sql: string) => Promise<void>
  /** Every message published so far. */
  readonly published: BusMessage[]
}

export const NOW = 1_800_000_000_000

/** A small real one: the keyring's stands above the store. */
export function createTestSealer(): Sealer {
  const key = randomKey()
  const context = ({ purpose, tenant, record }: SealContext) => Buffer.from(JSON.stringify([purpose, tenant, record]))
  return {
    seal(where, plaintext) {
      const nonce = randomKey().subarray(0, 12)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(context(where))
      const sealed = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
      return `${nonce.toString('base64url')}.${sealed.toString('base64url')}`
    },
    open(where, sealed) {
      const [nonce, body] = sealed.split('.').map(part => Buffer.from(part, 'base64url')) as [Buffer, Buffer]
      const opening = createDecipheriv('aes-256-gcm', key, nonce).setAAD(context(where))
      opening.setAuthTag(body.subarray(-16))
      try {
        return Buffer.concat([opening.update(body.subarray(0, -16)), opening.final()])
      } catch {
        throw new SealError('does-not-open', 'The sealed value belongs elsewhere or was changed')
      }
    },
  }
}

/** A bus that remembers what passed. */
export function createRecordingBus(published: BusMessage[]): Bus {
  const bus = createMemoryBus()
  return {
    ...bus,
    publish(message) {
      published.push(message)
      bus.publish(message)
    },
  }
}

/** All at once, as far as the store lets them. */
export const inParallel = <T>(times: number, call: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: times }, (_, index) => call(index)))

/** How often each answer came. */
export const tally = (answers: readonly (string | boolean)[]): Record<string, number> =>
  Object.fromEntries([...Map.groupBy(answers, String)].map(([answer, those]) => [answer, those.length]))

export const newTenant = (): string => `ten_${randomSecret()}`

export const userOf = (tenant: string, more: Partial<UserRecord> = {}): UserRecord => ({
  tenant,
  id: 'auth0|ada',
  epoch: 0,
  blocked: false,
  email: 'Ada@Example.com',
  emailVerified: true,
  profile: { name: 'Ada' },
  appMetadata: {},
  userMetadata: {},
  createdAt: NOW,
  updatedAt: NOW,
  username: null,
  lastLoginAt: null,
  lastIp: null,
  loginsCount: 0,
  lastPasswordResetAt: null,
  ...more,
})

export const identityOf = (user: UserRecord, more: Partial<IdentityRecord> = {}): IdentityRecord => ({
  tenant: user.tenant,
  user: user.id,
  connection: 'con_passwords',
  provider: 'auth0',
  subject: user.id.slice('auth0|'.length),
  emailKey: user.email?.toLowerCase() ?? null,
  usernameKey: null,
  profile: null,
  ordinal: 0,
  ...more,
})

export const organizationOf = (tenant: string, more: Partial<OrganizationRecord> = {}): OrganizationRecord => ({
  tenant,
  id: 'org_1',
  name: 'acme',
  displayName: 'Acme',
  settings: { metadata: { plan: 'gold' } },
  createdAt: NOW,
  updatedAt: NOW,
  ...more,
})

export const invitationOf = (tenant: string, more: Partial<InvitationRecord> = {}): InvitationRecord => ({
  tenant,
  id: 'inv_1',
  organization: 'org_1',
  ticket: 'ticket',
  inviter: 'Bob',
  email: 'Ada@Example.com',
  client: 'app',
  connection: null,
  roles: ['rol_1'],
  appMetadata: { plan: 'gold' },
  userMetadata: {},
  isMailed: true,
  url: 'https://app.example/login',
  createdAt: NOW,
  expiresAt: NOW + DAY,
  ...more,
})

export const clientOf = (tenant: string, more: Partial<ClientRecord> = {}): ClientRecord => ({
  tenant,
  id: 'app',
  epoch: 0,
  metadata: { name: 'App', callbacks: ['https://app.example/callback'] },
  sealedSecret: 'sealed',
  credentials: [],
  createdAt: NOW,
  updatedAt: NOW,
  ...more,
})

export const connectionOf = (tenant: string, more: Partial<ConnectionRecord> = {}): ConnectionRecord => ({
  tenant,
  id: 'con_passwords',
  name: 'passwords',
  strategy: 'auth0',
  options: { passwordPolicy: 'good' },
  sealedOptions: null,
  settings: {},
  clients: null,
  ...more,
})

export const grantOf = (tenant: string, more: Partial<ClientGrantRecord> = {}): ClientGrantRecord => ({
  tenant,
  id: 'cgr_1',
  client: 'app',
  audience: 'https://api.example',
  subject: 'client',
  scopes: [],
  settings: {},
  ...more,
})

export const sessionOf = (
  tenant: string,
  more: Partial<Omit<SessionRecord, 'browser'>> = {},
): Omit<SessionRecord, 'browser'> => ({
  tenant,
  id: newSortableId(),
  user: 'auth0|ada',
  userEpoch: 0,
  connection: 'con_passwords',
  organization: null,
  proofs: [{ factor: 'password', amr: ['pwd'], at: NOW }],
  userAgent: null,
  createdAt: NOW,
  usedAt: NOW,
  idleExpiresAt: NOW + HOUR,
  expiresAt: NOW + DAY,
  endedAt: null,
  metadata: null,
  ...more,
})

export const authorizationOf = (tenant: string, more: Partial<AuthorizationRecord> = {}): AuthorizationRecord => ({
  tenant,
  id: 'authorization',
  subject: 'auth0|ada',
  client: 'app',
  organization: null,
  session: null,
  connection: 'con_passwords',
  audiences: { 'https://api.example': ['read:videos', 'write:videos'] },
  proofs: [{ factor: 'password', amr: ['pwd'], at: NOW }],
  request: { nonce: 'n' },
  userEpoch: 0,
  clientEpoch: 0,
  state: 'live',
  createdAt: NOW,
  expiresAt: NOW + DAY,
  ...more,
})

export const apiKeyOf = (tenant: string, more: Partial<ApiKeyRecord> = {}): ApiKeyRecord => ({
  tenant,
  id: 'lk_1',
  secretHash: 'hash',
  name: 'Nightly import',
  client: 'app',
  person: { id: 'auth0|ada', connection: 'con_passwords', epoch: 0 },
  audience: 'https://api.example',
  scopes: ['read:videos', 'write:videos'],
  clientEpoch: 0,
  state: 'live',
  createdAt: NOW,
  expiresAt: null,
  usedAt: null,
  keptUntil: null,
  ...more,
})

export const familyOf = (tenant: string, more: Partial<FamilyRecord> = {}): FamilyRecord => ({
  tenant,
  hash: 'family',
  authorization: 'authorization',
  client: 'app',
  user: 'auth0|ada',
  userEpoch: 0,
  clientEpoch: 0,
  generation: 1,
  keyId: 'mac',
  state: 'live',
  rotatedAt: NOW,
  createdAt: NOW,
  idleExpiresAt: NOW + HOUR,
  expiresAt: NOW + DAY,
  metadata: null,
  ...more,
})

export const ticketOf = (tenant: string, more: Partial<NewTicket> = {}): NewTicket => ({
  tenant,
  id: 'ticket',
  kind: 'code',
  data: { scope: 'openid' },
  createdAt: NOW,
  expiresAt: NOW + MINUTE,
  ...more,
})

export const eventOf = (tenant: string, more: Partial<EventRecord> = {}): EventRecord => ({
  id: newSortableId(),
  tenant,
  at: NOW,
  type: 'session.started',
  actor: { kind: 'user', id: 'auth0|ada', client: 'app', onBehalfOf: null },
  target: { kind: 'session', id: 'one' },
  requestId: 'req_1',
  details: { factor: 'password' },
  personal: { address: '192.0.2.1' },
  user: 'auth0|ada',
  ...more,
})

export const keyOf = (tenant: string, more: Partial<KeyRecord> = {}): KeyRecord => ({
  tenant,
  id: 'kid',
  purpose: 'token-signing',
  owner: '',
  algorithm: 'RS256',
  state: 'signing',
  publicKey: { kty: 'RSA' },
  sealedPrivate: 'sealed',
  createdAt: NOW,
  stateSince: NOW,
  dueAt: null,
  latestExpiry: 0,
  certificate: null,
  ...more,
})

export const revocationOf = (tenant: string, more: Partial<Revocation> = {}): Revocation => ({
  tenant,
  kind: 'authorization',
  id: 'authorization',
  epoch: null,
  at: NOW,
  expiresAt: NOW + DAY,
  ...more,
})
