/** People: how they come to be, and how they are found by what they type. */
import type { Clock, Instant } from '../kernel/clock.ts'
import { newId, newObjectId } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import { emailKey } from '../policy/email-address.ts'
import { type ConnectionRecord, DATABASE_STRATEGY } from '../store/connections.ts'
import { type CredentialRecord, FIRST_PASSWORD } from '../store/credentials.ts'
import type { Nouns, Transaction } from '../store/store.ts'
import type { UserRecord } from '../store/users.ts'
import type { NewPerson } from '../store/users-at-once.ts'
import { costClassOf } from './failure-holds.ts'
import { workOf } from './password-hash.ts'

export { DATABASE_STRATEGY }

/** The database of passwords that every tenant begins with, under Auth0's name for it. */
export const DATABASE_CONNECTION = 'Username-Password-Authentication'

/** To be called once, in the transaction that makes the tenant. */
export async function createDatabase(transaction: Transaction, tenant: string): Promise<ConnectionRecord> {
  const id = newId('con')
  const connection = {
    tenant,
    id,
    name: DATABASE_CONNECTION,
    strategy: DATABASE_STRATEGY,
    options: {},
    sealedOptions: null,
    settings: {},
    clients: null,
  }
  await transaction.connections.create(connection)
  return connection
}

/** Every tenant has one from its first day. */
export async function databaseOf(nouns: Nouns, tenant: string): Promise<ConnectionRecord> {
  const connection = await nouns.connections.findByName(tenant, DATABASE_CONNECTION)
  if (!connection) throw new Error(`Tenant ${tenant} has no ${DATABASE_CONNECTION}`)
  return connection
}

/** Where a password is looked for when nobody says where: the setting of that name, or the database there always is. */
export async function defaultDirectoryOf(nouns: Nouns, tenant: string): Promise<ConnectionRecord> {
  const named = (await nouns.tenants.find(tenant))?.settings['default_directory']
  const connection =
    typeof named === 'string' && named !== '' ? await nouns.connections.findByName(tenant, named) : undefined
  return connection?.strategy === DATABASE_STRATEGY ? connection : databaseOf(nouns, tenant)
}

export interface NewUser {
  readonly email: string
  readonly emailVerified: boolean
  /** A PHC string; null for somebody who signs in without a password. */
  readonly passwordHash: string | null
  /** With or without its `auth0|`; one is made when it is left out. */
  readonly id?: string
  readonly blocked?: boolean
  readonly profile?: JsonObject
  readonly appMetadata?: JsonObject
  readonly userMetadata?: JsonObject
}

/** Writes the user, the identity and the password, if there is one. `taken` writes nothing and leaves the transaction usable. */
export async function createUser(
  transaction: Transaction,
  connection: ConnectionRecord,
  person: NewUser,
  clock: Clock,
): Promise<UserRecord | 'taken'> {
  const { user, identity, password } = newPerson(connection, person, clock())
  if ((await transaction.users.create(user, identity)) === 'taken') return 'taken'
  if (password) await transaction.credentials.put(password)
  return user
}

/** What is written of somebody who is new in a database of passwords. */
export function newPerson(connection: ConnectionRecord, person: NewUser, now: Instant): NewPerson {
  const { tenant } = connection
  const subject = (person.id ?? newObjectId()).replace(/^auth0\|/, '')
  const user: UserRecord = {
    tenant,
    id: `${connection.strategy}|${subject}`,
    epoch: 0,
    blocked: person.blocked ?? false,
    email: person.email,
    emailVerified: person.emailVerified,
    profile: { ...defaultProfile(person.email), ...person.profile },
    appMetadata: person.appMetadata ?? {},
    userMetadata: person.userMetadata ?? {},
    createdAt: now,
    updatedAt: now,
    username: null,
    lastLoginAt: null,
    lastIp: null,
    loginsCount: 0,
  }
  const identity = {
    tenant,
    user: user.id,
    connection: connection.id,
    provider: connection.strategy,
    subject,
    emailKey: emailKey(person.email),
    usernameKey: null,
    profile: null,
    ordinal: 0,
  }
  return { user, identity, password: person.passwordHash === null ? null : passwordFor(user, person.passwordHash, now) }
}

/** Of the person's first identity. */
export const passwordOf = async (nouns: Nouns, tenant: string, user: string): Promise<CredentialRecord | undefined> =>
  (await nouns.credentials.of(tenant, user, 'password')).find(({ id }) => id === FIRST_PASSWORD)

export const setPassword = (
  nouns: Nouns,
  user: Pick<UserRecord, 'tenant' | 'id'>,
  hash: string,
  clock: Clock,
): Promise<void> => nouns.credentials.put(passwordFor(user, hash, clock()))

const passwordFor = (user: Pick<UserRecord, 'tenant' | 'id'>, hash: string, now: Instant): CredentialRecord => ({
  tenant: user.tenant,
  user: user.id,
  kind: 'password',
  id: FIRST_PASSWORD,
  publicPart: '',
  secret: hash,
  counter: 0,
  createdAt: now,
  costClass: costClassOf(workOf(hash)),
})

/** What Auth0 fills in for a person of whom only the address is known, and its SDKs show. */
const defaultProfile = (email: string): JsonObject => ({ name: email, nickname: email.split('@')[0] ?? email })
