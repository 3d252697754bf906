/** `/user-blocks` and `/anomaly/blocks/ips`: where the brake on guessing passwords stands now, and letting go of it. */
import { isIP } from 'node:net'
import Type from 'typebox'
import { type Manager, managed, type Occasion, signInReleased } from '../audit/events.ts'
import { databaseOptions } from '../identity/database-options.ts'
import { holdsOf, isNetworkHeld, type NamedAccount, releaseAccount, releaseNetwork } from '../identity/sign-in-holds.ts'
import { DATABASE_STRATEGY } from '../identity/users.ts'
import type { Instant } from '../kernel/clock.ts'
import { emailKey, readEmailAddress } from '../policy/email-address.ts'
import { usernameKey } from '../policy/username.ts'
import type { ConnectionRecord } from '../store/connections.ts'
import { ManagementFault, notFound } from './fault.ts'
import { findUser } from './find-user.ts'
import { type Operation, operation } from './operation.ts'
import type { ApiServices } from './services.ts'

const BLOCKED_FOR = Type.Object({
  blocked_for: Type.Array(
    Type.Object({ identifier: Type.String(), ip: Type.Optional(Type.String()), connection: Type.String() }),
  ),
})
const IDENTIFIER = Type.String({ minLength: 1, maxLength: 254 })
/** Whether nobody is blocked where the tenant has switched the brake off. */
const CONSIDERING = { consider_brute_force_enablement: Type.Optional(Type.Boolean()) }
/** Databases in which a name is looked for. */
const MOST_DATABASES = 100

/** An account by one of its names. */
interface Account extends NamedAccount {
  readonly name: string
  readonly connectionName: string
  /** Whether tries at one account are held up in its connection. */
  readonly isGuarded: boolean
  /** Whose it is, if anybody’s. */
  readonly user: string | null
}

export const userBlocks: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/user-blocks',
    summary: 'Show from where wrong passwords have to wait, for a name to sign in with',
    scopes: ['read:users'],
    query: Type.Object({ identifier: IDENTIFIER, ...CONSIDERING }),
    answers: { 200: BLOCKED_FOR },
    async run({ tenant, query, now }, services) {
      const accounts = await accountsNamed(services, tenant, query.identifier)
      return blockedFor(services, tenant, accounts, query, now)
    },
  }),

  operation({
    method: 'DELETE',
    path: '/user-blocks',
    summary: 'Let wrong passwords be forgotten, for a name to sign in with',
    scopes: ['update:users'],
    query: Type.Object({ identifier: IDENTIFIER }),
    answers: { 204: null },
    async run({ tenant, query, client, now, occasion }, services) {
      const accounts = await accountsNamed(services, tenant, query.identifier)
      await release(services, accounts, { client: client.id }, occasion, now)
      return { status: 204 }
    },
  }),

  operation({
    method: 'GET',
    path: '/user-blocks/:id',
    summary: 'Show from where wrong passwords of a user have to wait',
    scopes: ['read:users'],
    query: Type.Object(CONSIDERING),
    answers: { 200: BLOCKED_FOR },
    async run({ tenant, path, query, now }, services) {
      return blockedFor(services, tenant, await accountsOf(services, tenant, path('id')), query, now)
    },
  }),

  operation({
    method: 'DELETE',
    path: '/user-blocks/:id',
    summary: 'Let wrong passwords of a user be forgotten',
    scopes: ['update:users'],
    answers: { 204: null },
    async run({ tenant, path, client, now, occasion }, services) {
      const accounts = await accountsOf(services, tenant, path('id'))
      await release(services, accounts, { client: client.id }, occasion, now)
      return { status: 204 }
    },
  }),

  operation({
    method: 'GET',
    path: '/anomaly/blocks/ips/:id',
    summary: 'Whether an address has to wait before it signs in or up',
    scopes: ['read:anomaly_blocks'],
    answers: { 200: null },
    async run({ tenant, path, now }, services) {
      const address = addressIn(path('id'))
      if (!(await isNetworkHeld(services, tenant, address, now)))
        throw notFound('inexistent_block', 'The address is not blocked.')
      return { status: 200 }
    },
  }),

  operation({
    method: 'DELETE',
    path: '/anomaly/blocks/ips/:id',
    summary: 'Let an address sign in and up again',
    scopes: ['delete:anomaly_blocks'],
    answers: { 204: null },
    async run({ tenant, path, client, occasion }, services) {
      const address = addressIn(path('id'))
      await releaseNetwork(services, tenant, address)
      await services.store.events.record([managed(occasion, { client: client.id }, 'block', address, 'removed')])
      return { status: 204 }
    },
  }),
]

/** By every name of the person in a database. */
async function accountsOf({ store }: ApiServices, tenant: string, id: string): Promise<Account[]> {
  const user = await findUser(store, tenant, id)
  const accounts: Account[] = []
  for (const identity of await store.users.identitiesOf(tenant, user.id)) {
    const connection = await store.connections.find(tenant, identity.connection)
    if (connection?.strategy !== DATABASE_STRATEGY) continue
    for (const key of [identity.emailKey, identity.usernameKey])
      if (key !== null) accounts.push(accountIn(connection, key, shownName(key, user), user.id))
  }
  return accounts
}

/** As the person writes it, where it is theirs. */
const shownName = (key: string, user: { readonly email: string | null; readonly username: string | null }): string =>
  [user.email, user.username].find(name => name !== null && [emailKey(name), usernameKey(name)].includes(key)) ?? key

/** In every database: that nobody has the name there does not keep others from guessing at it. */
async function accountsNamed({ store }: ApiServices, tenant: string, name: string): Promise<Account[]> {
  const email = readEmailAddress(name)
  const key = email === undefined ? { usernameKey: usernameKey(name) } : { emailKey: emailKey(email) }
  const databases = await store.connections.list(tenant, { strategies: [DATABASE_STRATEGY], limit: MOST_DATABASES })
  return Promise.all(
    databases.map(async connection => {
      const found = await store.users.findByIdentity(tenant, connection.id, key)
      return accountIn(connection, key.emailKey ?? key.usernameKey, name, found?.user.id ?? null)
    }),
  )
}

const accountIn = (
  { tenant, id, name: connectionName, options }: ConnectionRecord,
  key: string,
  name: string,
  user: string | null,
): Account => ({
  tenant,
  connection: id,
  connectionName,
  isGuarded: databaseOptions(options).isGuarded,
  key,
  name,
  user,
})

async function blockedFor(
  services: ApiServices,
  tenant: string,
  accounts: readonly Account[],
  query: { readonly consider_brute_force_enablement?: boolean },
  now: Instant,
) {
  const { guessing } = await services.tenants.find(tenant)
  const isOn = ({ isGuarded }: Account) => isGuarded && guessing.account !== null
  const meant = query.consider_brute_force_enablement === true ? accounts.filter(isOn) : accounts
  const held = await Promise.all(
    meant.map(async account => {
      const holds = await holdsOf(services, account, now)
      const networks = new Set(holds.map(({ network }) => network))
      return [...networks].map(network => ({
        identifier: account.name,
        ...(network !== null && { ip: network }),
        connection: account.connectionName,
      }))
    }),
  )
  return { status: 200, body: { blocked_for: held.flat() } } as const
}

async function release(
  services: ApiServices,
  accounts: readonly Account[],
  by: { readonly client: string } & Manager,
  occasion: Occasion,
  now: Instant,
): Promise<void> {
  for (const account of accounts) {
    if (!(await releaseAccount(services, account, now))) continue
    const event =
      account.user === null
        ? managed(occasion, by, 'block', account.connectionName, 'removed')
        : signInReleased(occasion, account.user, { machine: by.client })
    await services.store.events.record([event])
  }
}

function addressIn(text: string): string {
  if (isIP(text) === 0)
    throw new ManagementFault(400, 'invalid_uri', 'Path validation error: the id is an IP address, in IPv4 or IPv6.')
  return text
}
