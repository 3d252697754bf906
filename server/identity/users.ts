/** People: how they come to be, and how they are found by what they type. */
import type { Clock, Instant } from '../kernel/clock.ts'
import { newId, newObjectId, newSortableId } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import { emailKey } from '../policy/email-address.ts'
import { usernameKey } from '../policy/username.ts'
import { type ConnectionRecord, DATABASE_STRATEGY } from '../store/connections.ts'
import { type CredentialRecord, FIRST_PASSWORD } from '../store/credentials.ts'
import type { Nouns, Transaction } from '../store/store.ts'
import type { IdentityRecord, UserRecord } from '../store/users.ts'
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

export interface NewUser {
  /** Null for somebody who has a username. */
  readonly email: string | null
  readonly emailVerified: boolean
  /** As `readUsername` has it. */
  readonly username?: string | null
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
    profile: { ...defaultProfile(person), ...person.profile },
    appMetadata: person.appMetadata ?? {},
    userMetadata: person.userMetadata ?? {},
    createdAt: now,
    updatedAt: now,
    username: person.username ?? null,
    lastLoginAt: null,
    lastIp: null,
    loginsCount: 0,
    lastPasswordResetAt: null,
  }
  const identity = {
    tenant,
    user: user.id,
    connection: connection.id,
    provider: connection.strategy,
    subject,
    emailKey: person.email === null ? null : emailKey(person.email),
    usernameKey: typeof person.username === 'string' ? usernameKey(person.username) : null,
    profile: null,
    ordinal: 0,
  }
  return { user, identity, password: person.passwordHash === null ? null : passwordFor(user, person.passwordHash, now) }
}

/**
 * Where mail goes for somebody who was found by an address: as it was registered, and never as it was typed. What is typed
 * may be another mailbox, since `emailKey` takes addresses for one that mail systems do not.
 */
export function addressOf({ user, identity }: { readonly user: UserRecord; readonly identity: IdentityRecord }) {
  if (identity.ordinal === 0) return user.email
  const registered = identity.profile?.['email']
  return typeof registered === 'string' ? registered : identity.emailKey
}

/** Of the person's first identity, unless told of which. */
export const passwordOf = async (
  nouns: Nouns,
  tenant: string,
  user: string,
  passwordId: string = FIRST_PASSWORD,
): Promise<CredentialRecord | undefined> =>
  (await nouns.credentials.of(tenant, user, 'password')).find(({ id }) => id === passwordId)

/** A password that may not be chosen again. Its public part is the id of the password that it was. */
const FORMER_PASSWORD = 'former-password'

/** The one they have, and as many before it as the connection remembers. */
export async function formerPasswordsOf(
  { credentials }: Nouns,
  { tenant, id }: Pick<UserRecord, 'tenant' | 'id'>,
  remembers: number,
  passwordId: string = FIRST_PASSWORD,
): Promise<string[]> {
  const current = (await credentials.of(tenant, id, 'password')).filter(one => one.id === passwordId)
  const former = (await credentials.of(tenant, id, FORMER_PASSWORD)).filter(one => one.publicPart === passwordId)
  return [...current, ...former.slice(-remembers)].map(({ secret }) => secret)
}

/** In the place of the one they had. `remembers`: how many former ones are kept, by the options of the connection. */
export async function setPassword(
  { credentials, users }: Nouns,
  whose: Pick<UserRecord, 'tenant' | 'id'>,
  hash: string,
  clock: Clock,
  { id = FIRST_PASSWORD, remembers = 0 }: { readonly id?: string; readonly remembers?: number } = {},
): Promise<void> {
  const { tenant, id: user } = whose
  const now = clock()
  const former = remembers > 0 ? (await credentials.of(tenant, user, 'password')).find(one => one.id === id) : undefined
  if (former) {
    const kept = { kind: FORMER_PASSWORD, id: newSortableId(), publicPart: id }
    // Nobody is let in by it, so that it holds up no failure, however dear it was.
    await credentials.put({ ...former, ...kept, createdAt: now, costClass: 0 })
    await credentials.keepNewest({ tenant, user, kind: FORMER_PASSWORD, publicPart: id }, remembers)
  }
  await credentials.put(passwordFor(whose, hash, now, id))
  await users.notePasswordReset(tenant, user, now)
}

const passwordFor = (
  user: Pick<UserRecord, 'tenant' | 'id'>,
  hash: string,
  now: Instant,
  id: string = FIRST_PASSWORD,
): CredentialRecord => ({
  tenant: user.tenant,
  user: user.id,
  kind: 'password',
  id,
  publicPart: '',
  secret: hash,
  counter: 0,
  createdAt: now,
  costClass: costClassOf(workOf(hash)),
})

/** What Auth0 fills in for a person of whom only the address and the username are known, and its SDKs show. */
const defaultProfile = ({ email, username }: Pick<NewUser, 'email' | 'username'>): JsonObject => {
  const name = email ?? username ?? ''
  return { name, nickname: username ?? name.split('@')[0] ?? name }
}
