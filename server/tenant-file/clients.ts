/**
 * The `clients` of a tenant file. An entry is all there is to say of its client: what it leaves out has its
 * default again. Only a secret that it leaves out stays, because exports hold none.
 */
import { isDeepStrictEqual } from 'node:util'
import { clientToWire, SECRET_MEMBERS } from '../clients/client-document.ts'
import { CLIENT_CLAIMS, readClaims } from '../clients/custom-claims.ts'
import { CLIENT_MEMBERS, clientProblems, needsSecret } from '../clients/metadata.ts'
import type { Findings } from '../config/findings.ts'
import { type Member, readMembers } from '../config/members.ts'
import type { Path } from '../config/yaml.ts'
import { newClientId } from '../kernel/ids.ts'
import { type JsonObject, type JsonValue, withoutNulls } from '../kernel/json.ts'
import { randomSecret } from '../kernel/secrets.ts'
import { type ClientRecord, everyClient } from '../store/clients.ts'
import type { Store } from '../store/store.ts'
import { templateProblems } from '../tokens/custom-claims.ts'
import { type Entry, isSound, refuseRepeats, without } from './entries.ts'
import type { Exporting } from './export.ts'
import { differences, type Planning, type Step } from './plan.ts'

export interface ClientEntry {
  readonly path: Path
  /** Null in an export: then the client is the one of that name. */
  readonly id: string | null
  readonly name: string
  readonly secret: string | null
  readonly metadata: JsonObject
}

const MEMBERS = {
  client_id: { is: 'text', optional: true },
  client_secret: { is: 'text', optional: true },
  ...CLIENT_MEMBERS,
  /** Of every client of an export, and without meaning where there is no page. */
  custom_login_page_on: { is: 'boolean', optional: true },
} as const satisfies Readonly<Record<string, Member>>

/** By their ids, since two may share a name; secrets stay. */
export async function exportClients({ store, tenant }: Exporting): Promise<JsonValue> {
  const exported: JsonObject[] = []
  for await (const { id, metadata } of everyClient(store, tenant)) exported.push({ client_id: id, ...metadata })
  return exported
}

/** Members whose URLs are compared byte for byte, so that a pattern among them can only disappoint. */
const COMPARED = ['callbacks', 'allowed_logout_urls', 'web_origins', 'allowed_origins'] as const

/** RFC 6749 appendix A.1 allows spaces too, which nobody would see at the end of one. */
const CLIENT_ID = /^[\x21-\x7e]{1,255}$/

export function readClients(entries: readonly Entry[], findings: Findings): readonly ClientEntry[] {
  const clients = entries.flatMap(entry => readClient(entry, findings))
  refuseRepeats(
    clients,
    ({ id }) => id,
    ({ id }) => `client_id "${id}" is there twice.`,
    findings,
  )
  const namesakes = Map.groupBy(clients, ({ name }) => name)
  for (const { path, id, name } of clients)
    if (id === null && (namesakes.get(name)?.length ?? 0) > 1)
      findings.fault(path, `Another client is called "${name}" too; give this one a client_id.`)
  return clients
}

function readClient(entry: Entry, findings: Findings): readonly ClientEntry[] {
  const { path, given } = entry
  if (!isSound('a client', MEMBERS, entry, findings)) return []
  const { client_id: id = null, client_secret: secret = null, name, ...read } = readMembers(MEMBERS, given)
  for (const problem of clientProblems(given, secret)) findings.fault([...path, ...problem.path], problem.message)
  if (id !== null && !CLIENT_ID.test(id))
    findings.fault([...path, 'client_id'], 'client_id must be 1 to 255 visible ASCII characters.')
  for (const member of COMPARED)
    for (const [index, url] of (read[member] ?? []).entries())
      if (url.includes('*'))
        findings.warn([...path, member, index], `${member} holds the pattern ${url}, which is kept and never matches.`)
  return [{ path, id, name, secret, metadata: without(given, 'client_id', 'client_secret') }]
}

export interface ClientPlan {
  readonly steps: readonly Step[]
  /** Secrets that were made because nobody gave one. */
  readonly made: readonly { readonly id: string; readonly name: string; readonly secret: string }[]
  /** Ids of those that come to every connection with a list as they are made (`clients/clients.ts`). */
  readonly added: readonly string[]
  /** Whether the file has an entry for the client of that id. */
  isNamed(id: string): boolean
  /** The client's id by its id or else its name, in the file or else in the store. */
  find(idOrName: string): Promise<string | 'unknown' | 'ambiguous'>
}

export async function planClients(planning: Planning, entries: readonly ClientEntry[]): Promise<ClientPlan> {
  const { store, tenant, findings, giveWay } = planning
  const stored = storedByName(store, tenant)
  const steps: Step[] = []
  const added: string[] = []
  const made: { id: string; name: string; secret: string }[] = []
  const planned = new Map<string, ClientEntry>()
  const plannedByName = new Map<string, string[]>()

  for (const entry of entries) {
    await giveWay()
    for (const problem of await templateProblems(readClaims(entry.metadata['claims'], CLIENT_CLAIMS)))
      findings.fault([...entry.path, ...problem.path], problem.message)
    const namesakes = entry.id === null ? await stored(entry.name) : []
    if (namesakes.length > 1) {
      findings.fault(entry.path, `Several clients are called "${entry.name}" already; give this one its client_id.`)
      continue
    }
    const before = entry.id === null ? namesakes[0] : await store.clients.find(tenant, entry.id)
    const id = entry.id ?? before?.id ?? newClientId()
    planned.set(id, entry)
    const sameName = plannedByName.get(entry.name)
    if (sameName) sameName.push(id)
    else plannedByName.set(entry.name, [id])
    const lacksSecret = entry.secret === null && !before?.sealedSecret && needsSecret(entry.metadata)
    const secret = lacksSecret ? randomSecret() : entry.secret
    if (lacksSecret && secret !== null) made.push({ id, name: entry.name, secret })
    const step = before ? change(planning, entry, before, secret) : create(planning, entry, id, secret)
    if (step) steps.push(step)
    if (!before && entry.metadata['is_first_party'] !== false) added.push(id)
  }

  return {
    steps,
    made,
    added,
    isNamed: id => planned.has(id),
    async find(idOrName) {
      if (planned.has(idOrName) || (await store.clients.find(tenant, idOrName))) return idOrName
      const ids = plannedByName.get(idOrName) ?? []
      // The file may have given a client that is stored another name.
      const others = (await stored(idOrName)).map(({ id }) => id).filter(id => !planned.has(id))
      const [found, ...more] = [...ids, ...others]
      return found === undefined ? 'unknown' : more.length > 0 ? 'ambiguous' : found
    },
  }
}

const create = (
  { clients, tenant }: Planning,
  { path, metadata }: ClientEntry,
  id: string,
  secret: string | null,
): Step => ({
  kind: 'client',
  id,
  name: metadata['name'] as string,
  change: 'created',
  changes: differences(null, { client_id: id, ...metadata }, SECRET_MEMBERS),
  path,
  write: async transaction =>
    (await clients.create(transaction, { tenant, id, metadata, secret })) === 'created' ? 'written' : 'overtaken',
})

function change(
  { clients, tenant }: Planning,
  { path, metadata }: ClientEntry,
  before: ClientRecord,
  secret: string | null,
): Step | undefined {
  const { id } = before
  // A tool's export spells out the defaults that a file by hand leaves out: both mean the same client.
  const [old, wanted] = [inForce(before, before.metadata), inForce(before, metadata)]
  const changes = {
    ...(!isDeepStrictEqual(old, wanted) && { metadata }),
    ...(secret !== null && secret !== clients.openSecret(before) && { secret }),
  }
  if (Object.keys(changes).length === 0) return undefined
  return {
    kind: 'client',
    id,
    name: metadata['name'] as string,
    change: 'changed',
    changes: {
      ...differences(old, wanted, SECRET_MEMBERS),
      ...('secret' in changes && { client_secret: 'changed' }),
    },
    path,
    async write(transaction) {
      if (!isDeepStrictEqual(await transaction.clients.find(tenant, id), before)) return 'overtaken'
      await clients.change(transaction, { tenant, id }, changes)
      return 'written'
    },
  }
}

const inForce = (client: ClientRecord, metadata: JsonObject): JsonObject =>
  clientToWire({ ...client, metadata: withoutNulls(metadata) }, client.tenant)

/** The tenant's clients by name, read when a name is first asked for: a file that gives ids never asks. */
function storedByName(store: Store, tenant: string): (name: string) => Promise<readonly ClientRecord[]> {
  const read = async () =>
    Map.groupBy(await Array.fromAsync(everyClient(store, tenant)), client => client.metadata['name'])
  let reading: ReturnType<typeof read> | undefined
  return async name => {
    reading ??= read()
    return (await reading).get(name) ?? []
  }
}
