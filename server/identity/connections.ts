/**
 * Connections: which vouches for whom, and for which clients; cached, as a refresh asks whether the one that vouched for
 * a person is still there and serves the client. Stored under Auth0's names, secrets in the options sealed apart. What
 * the options of a database mean is `database-options.ts`'s.
 */
import { changesBetween } from '../audit/changes.ts'
import type { Bus } from '../kernel/bus.ts'
import { createCache } from '../kernel/cache.ts'
import type { Clock, Instant } from '../kernel/clock.ts'
import { newId } from '../kernel/ids.ts'
import { isObject, type JsonObject, withoutNulls } from '../kernel/json.ts'
import type { Sealer } from '../kernel/sealer.ts'
import { type ConnectionRecord, sealContextOfConnection } from '../store/connections.ts'
import type { Nouns, Store, Transaction } from '../store/store.ts'
import { joinSecrets, splitSecrets } from './connection-secrets.ts'

/** What is written of a connection, under Auth0's names. Members left out stay as they are; null takes one away. */
export interface ConnectionDocument {
  /** Replaced whole. */
  readonly options?: JsonObject
  /** Of `SETTINGS`. */
  readonly settings?: JsonObject
  /** Ids; null for every client. */
  readonly clients?: readonly string[] | null
}

/** What is said of a connection besides its name, strategy, options and clients. */
export const CONNECTION_SETTINGS = [
  'display_name',
  'realms',
  'is_domain_connection',
  'show_as_button',
  'metadata',
  'authentication',
  'connected_accounts',
  'cross_app_access_requesting_app',
] as const

export interface Connections {
  find(tenant: string, id: string): Promise<ConnectionRecord | undefined>
  /** Without `clients` it serves none, as with Auth0. `taken`, and nothing written, where the name is another's. */
  create(
    transaction: Transaction,
    connection: ConnectionDocument & {
      readonly tenant: string
      /** A new one where it is left out. */
      readonly id?: string
      readonly name: string
      readonly strategy: string
    },
  ): Promise<ConnectionRecord | 'taken'>
  change(
    transaction: Transaction,
    connection: Pick<ConnectionRecord, 'tenant' | 'id'>,
    changes: ConnectionDocument,
  ): Promise<ConnectionRecord | 'gone'>
  /** Each is switched on or off; of one that serves every client a list is made first. */
  changeClients(
    transaction: Transaction,
    connection: ConnectionRecord,
    changes: readonly { readonly client: string; readonly isServed: boolean }[],
  ): Promise<void>
  /** Nobody comes in through it from this instant on. Its people are removed by `connection-removal.ts`. */
  remove(
    transaction: Transaction,
    connection: Pick<ConnectionRecord, 'tenant' | 'id'>,
    at: Instant,
  ): Promise<'removed' | 'gone'>
  /** The options with their secrets, for those who may read them. */
  openOptions(connection: ConnectionRecord): JsonObject
}

/** The person's own page as a client: it stands in no table. The space keeps it apart from everything registered. */
export const ACCOUNT_PAGE = 'account page'

/**
 * Whether people come to the client through the connection, if it is for signing in at all. Clients of others have no list to be on: a connection of the
 * domain is theirs too, as with Auth0. The person's own page is everybody's.
 */
export const serves = (
  { clients, settings }: Pick<ConnectionRecord, 'clients' | 'settings'>,
  client: { readonly id: string; readonly isFirstParty: boolean },
): boolean =>
  isForSigningIn(settings) &&
  (clients === null ||
    clients.includes(client.id) ||
    client.id === ACCOUNT_PAGE ||
    (!client.isFirstParty && settings['is_domain_connection'] === true))

const isForSigningIn = ({ authentication }: JsonObject): boolean =>
  !isObject(authentication) || authentication['active'] !== false

/** Told with the change of a connection, and of its end, which has work to do. */
export const CONNECTION_TOPIC = 'connection'
export const REMOVED_CONNECTION_TOPIC = 'removed-connection'

const CACHED_CONNECTIONS = 10_000

export function createConnections({
  store,
  sealer,
  bus,
  clock,
}: {
  store: Store
  sealer: Sealer
  bus: Bus
  clock: Clock
}): Connections {
  const keyOf = (connection: { tenant: string; id: string }) => `${connection.tenant} ${connection.id}`
  const connections = createCache<ConnectionRecord | undefined>({
    limit: CACHED_CONNECTIONS,
    clock,
    bus,
    topic: CONNECTION_TOPIC,
    keyOf,
  })
  const told = (transaction: Transaction, { tenant, id }: Pick<ConnectionRecord, 'tenant' | 'id'>): void =>
    transaction.announce({ topic: CONNECTION_TOPIC, tenant, id })

  function sealing(where: { tenant: string; id: string }, given: JsonObject) {
    const { options, secrets } = splitSecrets(given)
    const sealedOptions = secrets === null ? null : sealer.seal(sealContextOfConnection(where), JSON.stringify(secrets))
    return { options, sealedOptions }
  }

  return {
    find: (tenant, id) => connections.get(keyOf({ tenant, id }), () => store.connections.find(tenant, id)),

    async create(transaction, connection) {
      const { tenant, id = newConnectionId(), name, strategy, options = {}, settings = {}, clients = [] } = connection
      const sealed = sealing({ tenant, id }, options)
      const record = { tenant, id, name, strategy, ...sealed, settings: withoutNulls(settings), clients }
      if ((await transaction.connections.create(record)) === 'taken') return 'taken'
      told(transaction, record)
      return record
    },

    async change(transaction, { tenant, id }, { options, settings, clients }) {
      // Held, so that two changes of what is said of it are both in it.
      const before = await transaction.connections.hold(tenant, id)
      if (!before) return 'gone'
      const outcome = await transaction.connections.change(tenant, id, {
        ...(options && sealing({ tenant, id }, options)),
        ...(settings && { settings: withoutNulls({ ...before.settings, ...settings }) }),
      })
      if (outcome === 'gone') return 'gone'
      if (clients !== undefined) await transaction.connections.serve(tenant, id, clients)
      told(transaction, before)
      return (await transaction.connections.find(tenant, id)) ?? 'gone'
    },

    async changeClients(transaction, connection, changes) {
      const { tenant, id } = connection
      const last = new Map(changes.map(({ client, isServed }) => [client, isServed]))
      const of = (wanted: boolean) => [...last].filter(([, isServed]) => isServed === wanted).map(([client]) => client)
      await transaction.connections.settleClients(tenant, id)
      await transaction.connections.putOnList(tenant, id, of(true))
      await transaction.connections.takeOffList(tenant, id, of(false))
      told(transaction, connection)
    },

    async remove(transaction, { tenant, id }, at) {
      const outcome = await transaction.connections.remove(tenant, id, at)
      told(transaction, { tenant, id })
      transaction.announce({ topic: REMOVED_CONNECTION_TOPIC, tenant, id })
      return outcome
    },

    openOptions(connection) {
      const { options, sealedOptions } = connection
      if (sealedOptions === null) return options
      return joinSecrets(
        options,
        JSON.parse(sealer.open(sealContextOfConnection(connection), sealedOptions).toString()),
      )
    },
  }
}

export const newConnectionId = (): string => newId('con')

/** As Auth0 has it. `options` are those that whoever asks may read. The older `enabled_clients` lists what it serves now. */
export const connectionToWire = (
  { id, name, strategy, settings }: ConnectionRecord,
  options: JsonObject,
  clients: readonly string[],
): JsonObject => ({
  id,
  name,
  strategy,
  ...connectionSettings(name, settings),
  options,
  enabled_clients: clients,
})

/** With the defaults that somebody would look for. */
export const connectionSettings = (name: string, settings: JsonObject): JsonObject => ({
  ...settings,
  realms: settings['realms'] ?? [name],
  is_domain_connection: settings['is_domain_connection'] ?? false,
})

/** For events and plans: without secrets, and with who is served in the words of the list. */
const shown = (connection: ConnectionRecord): JsonObject => ({
  ...connectionToWire(connection, connection.options, []),
  enabled_clients: connection.clients ?? 'every client',
})

export function connectionChanges(
  before: ConnectionRecord | null,
  after: ConnectionRecord | null,
  isSecretChanged: boolean,
  tell = changesBetween,
): JsonObject {
  const changes = tell(before && shown(before), after && shown(after))
  return isSecretChanged ? { ...changes, 'options (secret)': 'changed' } : changes
}

const LISTED_AT_ONCE = 500

/** Ids of all that it serves: of one that serves every client, those there are. */
export async function servedClients({ connections }: Nouns, connection: ConnectionRecord): Promise<readonly string[]> {
  if (connection.clients !== null) return connection.clients
  const listed: string[] = []
  for (;;) {
    const after = listed.at(-1)
    const page = await connections.clientsOf(connection.tenant, connection.id, {
      ...(after !== undefined && { after }),
      limit: LISTED_AT_ONCE,
    })
    listed.push(...page)
    if (page.length < LISTED_AT_ONCE) return listed
  }
}
