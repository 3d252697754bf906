/**
 * The `databases` and `connections` of a tenant file: what an entry leaves out stays as it is. Its options are replaced
 * whole, but for the secrets among them, which exports leave out; no plan and no event shows one.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Findings } from '../config/findings.ts'
import type { Member } from '../config/members.ts'
import type { Path } from '../config/yaml.ts'
import {
  CONNECTION_MEMBERS,
  CONNECTION_NAME,
  MOST_CLIENTS,
  optionProblems,
  STRATEGIES,
} from '../identity/connection-document.ts'
import { keepSecrets, splitSecrets, withoutSecrets } from '../identity/connection-secrets.ts'
import {
  CONNECTION_SETTINGS,
  type ConnectionDocument,
  connectionChanges,
  connectionSettings,
  newConnectionId,
  servedClients,
} from '../identity/connections.ts'
import { DATABASE_OPTIONS } from '../identity/database-options.ts'
import { DATABASE_CONNECTION } from '../identity/users.ts'
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts'
import { type ConnectionRecord, DATABASE_STRATEGY, EMAIL_STRATEGY } from '../store/connections.ts'
import type { ClientPlan } from './clients.ts'
import { type Entry, entriesOf, isSound, refuseRepeats, tellUnused, without } from './entries.ts'
import type { Exporting } from './export.ts'
import { isPlaceholder } from './keywords.ts'
import { differences, type Planning, type Step } from './plan.ts'

export interface ConnectionEntry {
  readonly path: Path
  readonly name: string
  readonly strategy: string
  /** Null: not spoken of, and so for the clients. */
  readonly options: JsonObject | null
  readonly settings: JsonObject
  /** Ids or names. */
  readonly clients: readonly string[] | null
}

const MEMBERS = {
  /** An export may name it; it is found by its name. */
  id: { is: 'text', optional: true },
  name: { is: 'text' },
  strategy: { is: 'text', oneOf: STRATEGIES, optional: true },
  enabled_clients: { is: 'texts', optional: true },
  ...CONNECTION_MEMBERS,
} as const satisfies Readonly<Record<string, Member>>

const NAME = new RegExp(CONNECTION_NAME)

/** Told by their own sentence, or of no meaning by now for Auth0 either, whose exports have them. */
const SILENT = ['authentication_methods', 'configuration', 'customScripts', 'mfa', 'strategy_version']

/** The document without the words that stand for secrets of connections: those there are stay, as where one is left out. */
export function leaveSecrets(document: JsonObject, findings: Findings): JsonObject {
  const inEntry = (entry: JsonValue, path: Path): JsonValue => {
    if (!isObject(entry) || !isObject(entry['options'] ?? null)) return entry
    const { options, left } = withoutSecrets(entry['options'] as JsonObject, isPlaceholder)
    for (const [at, word] of left)
      findings.warn(
        [...path, 'options', ...at],
        `${at.at(-1)} of the connection "${entry['name']}" stays as it is: give ${word} a value with --keywords.`,
      )
    return left.length > 0 ? { ...entry, options } : entry
  }
  const left = ['databases', 'connections'].flatMap(section => {
    const entries = document[section]
    return Array.isArray(entries)
      ? [[section, entries.map((entry: JsonValue, index) => inEntry(entry, [section, index]))]]
      : []
  })
  return left.length > 0 ? { ...document, ...Object.fromEntries(left) } : document
}

export function readConnections(document: JsonObject, findings: Findings): readonly ConnectionEntry[] {
  const connections = [
    ...entriesOf(document, ['databases'], findings).flatMap(entry => readConnection(entry, true, findings)),
    ...entriesOf(document, ['connections'], findings).flatMap(entry => readConnection(entry, false, findings)),
  ]
  refuseRepeats(
    connections,
    ({ name }) => name,
    ({ name }) => `The connection "${name}" is there twice.`,
    findings,
  )
  return connections
}

function readConnection(entry: Entry, isDatabase: boolean, findings: Findings): readonly ConnectionEntry[] {
  const { path, given } = entry
  if (!isSound(isDatabase ? 'a database' : 'a connection', MEMBERS, entry, findings)) return []
  const name = given['name'] as string
  const strategy = (given['strategy'] as string | undefined) ?? (isDatabase ? DATABASE_STRATEGY : undefined)
  if (!NAME.test(name))
    findings.fault(
      [...path, 'name'],
      'name must be 1 to 128 letters, digits and hyphens, and neither begin nor end with a hyphen.',
    )
  if (strategy === undefined) findings.fault(path, 'strategy is missing.')
  else if (isDatabase && strategy !== DATABASE_STRATEGY)
    findings.fault([...path, 'strategy'], `The strategy of a database is ${DATABASE_STRATEGY}.`)
  const options = isObject(given['options']) ? given['options'] : null
  tellConnection({ path, name, strategy: strategy ?? '', options: options ?? {} }, findings)
  for (const problem of optionProblems(strategy ?? '', options ?? {}))
    findings.fault([...path, 'options', ...problem.path], `options: ${problem.message}`)
  const clients = (given['enabled_clients'] ?? null) as readonly string[] | null
  if (clients && clients.length > MOST_CLIENTS)
    findings.fault([...path, 'enabled_clients'], `enabled_clients names more than ${MOST_CLIENTS}.`)
  const settings = Object.fromEntries(
    CONNECTION_SETTINGS.flatMap(setting => {
      const value = given[setting]
      return value === undefined || value === null ? [] : [[setting, value]]
    }),
  )
  return [{ path, name, strategy: strategy ?? '', options, settings, clients }]
}

/** What of it nobody signs in by, though it is kept. */
function tellConnection(
  { path, name, strategy, options }: Pick<ConnectionEntry, 'path' | 'name' | 'strategy'> & { options: JsonObject },
  findings: Findings,
): void {
  if (strategy !== DATABASE_STRATEGY) {
    if (strategy !== '' && strategy !== EMAIL_STRATEGY)
      findings.warn(
        path,
        `The connection "${name}" is kept, and nobody signs in by it: ${strategy} is not spoken here.`,
      )
    return
  }
  const at = [...path, 'options']
  if (options['enabledDatabaseCustomization'] === true)
    findings.warn(
      [...at, 'enabledDatabaseCustomization'],
      `The scripts of the database "${name}" are kept and not run: whoever is known to them alone cannot sign in until they are imported.`,
    )
  const { authentication_methods: methods } = options
  for (const [method, said] of Object.entries(isObject(methods) ? methods : {}))
    if (isObject(said) && (said['enabled'] === true) !== (method === 'password'))
      findings.warn(
        [...at, 'authentication_methods', method],
        `${method} of the database "${name}" has no effect: people sign in to it with a password, and with nothing else.`,
      )
  tellUnused('the options of a database', DATABASE_OPTIONS, { path: at, given: without(options, ...SILENT) }, findings)
}

/** The default database is every tenant's, and serves every client until somebody says whom; others have a list. */
export async function exportConnections(
  { store, tenant }: Exporting,
  { ofPasswords }: { readonly ofPasswords: boolean },
): Promise<JsonValue | undefined> {
  const exported: JsonObject[] = []
  for (const connection of await store.connections.list(tenant)) {
    const { name, strategy, settings, options, clients } = connection
    if ((strategy === DATABASE_STRATEGY) !== ofPasswords) continue
    const isEverybodys = clients === null && name === DATABASE_CONNECTION
    exported.push({
      name,
      strategy,
      ...settings,
      ...(!isEverybodys && { enabled_clients: await servedClients(store, connection) }),
      options,
    })
  }
  return exported.length > 0 ? exported : undefined
}

export interface ConnectionPlan {
  readonly steps: readonly Step[]
  /** As it will be, in the file, or else in the store; its clients may be others by then. */
  find(name: string): Promise<ConnectionRecord | undefined>
}

export async function planConnections(
  planning: Planning,
  entries: readonly ConnectionEntry[],
  clients: ClientPlan,
  settings: JsonObject,
): Promise<ConnectionPlan> {
  const { store, tenant, findings, giveWay } = planning
  const flags = settings['flags'] ?? (await store.tenants.find(tenant))?.settings['flags']
  const added = isObject(flags) && flags['enable_client_connections'] === false ? [] : clients.added
  const steps: Step[] = []
  const planned = new Map<string, ConnectionRecord>()
  for (const entry of entries) {
    await giveWay()
    const before = await store.connections.findByName(tenant, entry.name)
    if (before && before.strategy !== entry.strategy) {
      findings.fault(
        [...entry.path, 'strategy'],
        `The connection "${entry.name}" is there with the strategy ${before.strategy}, which cannot be changed.`,
      )
      continue
    }
    const served = entry.clients && (await idsOf(entry, entry.clients, clients, findings))
    const { step, after } = await planConnection(planning, entry, before, served, added)
    planned.set(entry.name, after)
    if (step) steps.push(step)
  }
  return { steps, find: async name => planned.get(name) ?? store.connections.findByName(tenant, name) }
}

/** In their order, each once. */
async function idsOf(
  { path }: ConnectionEntry,
  named: readonly string[],
  clients: ClientPlan,
  findings: Findings,
): Promise<readonly string[]> {
  const ids = new Set<string>()
  for (const [index, name] of named.entries()) {
    const id = await clients.find(name)
    const at = [...path, 'enabled_clients', index]
    if (id === 'unknown') findings.fault(at, `There is no client with the id or name "${name}".`)
    else if (id === 'ambiguous') findings.fault(at, `Several clients are called "${name}"; name one by its id.`)
    else ids.add(id)
  }
  return [...ids].sort()
}

async function planConnection(
  { store, connections, tenant }: Planning,
  { path, name, strategy, options, settings, clients: named }: ConnectionEntry,
  before: ConnectionRecord | undefined,
  served: readonly string[] | null,
  added: readonly string[],
): Promise<{ readonly after: ConnectionRecord; readonly step?: Step }> {
  const id = before?.id ?? newConnectionId()
  const said = (given: JsonObject) => connectionSettings(name, given)
  const opened = before ? connections.openOptions(before) : {}
  const kept = options && keepSecrets(options, opened)
  const split = splitSecrets(kept ?? opened)
  const isSecretChanged = !isDeepStrictEqual(split.secrets, splitSecrets(opened).secrets)
  // A client that the file makes is put on every list there is, which one that names its clients does not mean.
  const listed = before && [...new Set([...(await servedClients(store, before)), ...added])].sort()
  const isServingOthers = served !== null && named !== null && !isDeepStrictEqual(listed ?? null, served)
  const wanted: ConnectionDocument = {
    ...(kept && (!before || isSecretChanged || !isDeepStrictEqual(split.options, before.options)) && { options: kept }),
    ...(!isDeepStrictEqual(said({ ...before?.settings, ...settings }), said(before?.settings ?? {})) && { settings }),
    ...((isServingOthers || (!before && served)) && { clients: served }),
  }
  if (before && Object.keys(wanted).length === 0) return { after: before }
  const after: ConnectionRecord = {
    tenant,
    id,
    name,
    strategy,
    options: split.options,
    sealedOptions: null,
    settings: { ...before?.settings, ...settings },
    clients: isServingOthers ? served : (before?.clients ?? (before ? null : [])),
  }
  const told = before && isServingOthers ? { ...before, clients: before.clients && (listed ?? null) } : (before ?? null)
  const step: Step = {
    kind: 'connection',
    id,
    name,
    change: before ? 'changed' : 'created',
    changes: connectionChanges(told, after, isSecretChanged, differences),
    path,
    async write(transaction) {
      if (!before) {
        const made = await connections.create(transaction, { tenant, id, name, strategy, ...wanted })
        return made === 'taken' ? 'overtaken' : 'written'
      }
      const now = await transaction.connections.find(tenant, id)
      // Whom it serves is not looked at: clients of this file may have come to it just now.
      if (!now || !isDeepStrictEqual({ ...now, clients: null }, { ...before, clients: null })) return 'overtaken'
      return (await connections.change(transaction, before, wanted)) === 'gone' ? 'overtaken' : 'written'
    },
  }
  return { step, after }
}
