/**
 * Makes a tenant what its file says. Everything is read, compared and hashed first; what differs is then written
 * in one transaction, with an event each. A file with a fault changes nothing, and neither does one applied before.
 */
import { shortened } from '../audit/changes.ts'
import { managed } from '../audit/events.ts'
import { CLIENT_MEMBERS } from '../clients/metadata.ts'
import { RESOURCE_SERVER_MEMBERS } from '../clients/resource-servers.ts'
import { readMembers } from '../config/members.ts'
import type { OperatorFile } from '../config/operator-file.ts'
import { OperatorError } from '../kernel/errors.ts'
import { createSlices } from '../kernel/slices.ts'
import type { PairAlgorithmName } from '../keys/algorithms.ts'
import { planClientGrants } from './client-grants.ts'
import { planClients } from './clients.ts'
import { planConnections } from './connections.ts'
import { planKept } from './kept.ts'
import type { Change, Planning, Step } from './plan.ts'
import { parseTenantFile, type TenantFile } from './read.ts'
import { planResourceServers } from './resource-servers.ts'
import { planRoles } from './roles.ts'
import { planSettings } from './settings.ts'
import { findRoles, planUsers } from './user-changes.ts'

export type Services = Pick<Planning, 'store' | 'clients' | 'connections' | 'keyring' | 'clock'>

export interface Wish {
  /** Whether what a list of the file does not name is removed. */
  readonly removes?: boolean
}

export interface Applied {
  /** In the order written; empty when everything was as the file says. */
  readonly changes: readonly Change[]
  /** Secrets that were made, to be told once: nothing else returns them. */
  readonly secrets: readonly {
    readonly kind: 'client'
    readonly id: string
    readonly name: string
    readonly secret: string
  }[]
  /** Each `file:line: sentence`. */
  readonly warnings: readonly string[]
}

/** What would be done, and nothing done. */
export type Planned = Pick<Applied, 'changes' | 'warnings'>

const FILE = { operator: 'tenant-file' } as const

/** A few milliseconds' worth. */
const EVENTS_AT_ONCE = 100

/** Nodes that start together apply the same file; whoever comes second finds most of it done and looks again. */
const ATTEMPTS = 5

/** `applyParsed` of a file that nobody has parsed, for a process that answers nobody yet: parsing stands in the way of all else. */
export const applyTenantFile = async (services: Services, tenant: string, file: OperatorFile): Promise<Applied> =>
  applyParsed(services, tenant, await parseTenantFile(file))

/**
 * The tenant, its hosts and its database of passwords exist.
 * @throws OperatorError that lists every fault of the file with its line; then nothing was changed.
 */
export async function applyParsed(
  services: Services,
  tenant: string,
  document: TenantFile,
  wish: Wish = {},
): Promise<Applied> {
  const { findings } = document
  const planning = await begin(services, tenant, document, false)
  for (let attempt = 1; ; attempt++) {
    const plan = await planAll(planning, document, wish)
    await readyKeys(planning, document, plan.apiSecrets)
    for (const identifier of plan.madeApis) await planning.store.removals.finishApi(planning.tenant, identifier, 500)
    const overtaken = await commit(planning, plan.steps)
    if (overtaken === undefined)
      return {
        changes: plan.steps.map(toChange),
        secrets: plan.made.map(one => ({ kind: 'client', ...one })),
        warnings: findings.warnings(),
      }
    if (attempt === ATTEMPTS)
      throw new OperatorError(
        findings.at(
          overtaken.path,
          `The ${overtaken.kind} ${overtaken.id} cannot be ${overtaken.change}: its id was another's who was removed, or others keep changing it. Nothing was changed.`,
        ),
      )
  }
}

/** What `applyParsed` would do now. Throws as it does. */
export async function planParsed(
  services: Services,
  tenant: string,
  document: TenantFile,
  wish: Wish = {},
): Promise<Planned> {
  const { steps } = await planAll(await begin(services, tenant, document, true), document, wish)
  return { changes: steps.map(toChange), warnings: document.findings.warnings() }
}

async function begin(services: Services, tenant: string, document: TenantFile, isForShow: boolean): Promise<Planning> {
  const { findings } = document
  const planning: Planning = { ...services, tenant, findings, giveWay: createSlices(), isForShow }
  await lookUpRoles(planning, document)
  findings.settle()
  return planning
}

const toChange = ({ kind, id, name, change, changes }: Step): Change => ({ kind, id, name, change, changes })

/** Of what only the store can tell, the one part that no fault in the form of the file can have caused: told with those. */
async function lookUpRoles(planning: Planning, file: TenantFile): Promise<void> {
  const roles = await planRoles(planning, file.roles)
  for (const user of file.users) {
    await planning.giveWay()
    await findRoles(planning.findings, user, roles)
  }
}

async function planAll(planning: Planning, file: TenantFile, { removes = false }: Wish) {
  const { store, tenant, findings } = planning
  const issuers = (await store.tenants.hostsOf(tenant)).map(host => host.issuer)
  const apis = await planResourceServers(planning, file.resourceServers, issuers)
  const clients = await planClients(planning, file.clients)
  const grants = await planClientGrants(planning, file.clientGrants, clients, apis)
  const connections = await planConnections(planning, file.connections, clients, file.settings)
  const plans = { clients, grants, connections }
  const organizations =
    file.organizations.length > 0
      ? await (await import('./organizations.ts')).planOrganizations(planning, file.organizations, plans)
      : []
  const roles = await planRoles(planning, file.roles, apis)
  const settings = await planSettings(planning, file.settings, apis, connections)
  const kept = await planKept(planning, file.kept)
  const users = await planUsers(planning, file.users, roles, connections)
  const removals = removes ? await (await import('./removals.ts')).planRemovals(planning, file, clients) : []
  findings.settle()
  return {
    // In the order in which they lean on each other.
    steps: [
      ...settings,
      ...apis.steps,
      ...clients.steps,
      ...grants.steps,
      ...connections.steps,
      ...organizations,
      ...roles.steps,
      ...kept,
      ...users,
      ...removals,
    ],
    apiSecrets: apis.secrets,
    madeApis: apis.made,
    made: clients.made,
  }
}

/**
 * The keyring has transactions of its own, and comes first: an API is never stored without the secret it signs
 * with, and a key is published before a setting lets it sign. What a crash leaves behind here, nobody uses.
 */
async function readyKeys(
  { keyring, tenant, giveWay }: Planning,
  { clients, resourceServers }: TenantFile,
  secrets: readonly { readonly id: string; readonly secret: string }[],
): Promise<void> {
  const pairs = new Set<PairAlgorithmName>()
  for (const { metadata } of clients) {
    await giveWay()
    const { alg } = readMembers(CLIENT_MEMBERS, metadata).jwt_configuration ?? {}
    if (alg !== undefined) pairs.add(alg)
  }
  for (const { settings } of resourceServers) {
    await giveWay()
    const { signing_alg: alg } = readMembers(RESOURCE_SERVER_MEMBERS, settings)
    if (alg !== undefined && alg !== 'HS256') pairs.add(alg)
  }
  for (const algorithm of pairs) await keyring.signer(tenant, algorithm)
  for (const { id, secret } of secrets) await keyring.putApiSecret(tenant, id, secret, 'tenant-file')
}

/** The step that found the store changed since it was planned, or nothing when all is written. */
async function commit({ store, tenant, clock, giveWay }: Planning, steps: readonly Step[]): Promise<Step | undefined> {
  if (steps.length === 0) return undefined
  try {
    await store.transaction(async transaction => {
      const occasion = { tenant, at: clock(), requestId: 'tenant-file', address: null, userAgent: null }
      for (const step of steps) {
        await giveWay()
        if ((await step.write(transaction, { by: FILE, occasion })) === 'overtaken') throw new Overtaken(step)
      }
      const untold = steps.filter(({ isTold }) => !isTold)
      for (let from = 0; from < untold.length; from += EVENTS_AT_ONCE) {
        await giveWay()
        const some = untold.slice(from, from + EVENTS_AT_ONCE)
        await transaction.events.record(
          some.map(({ kind, id, change, changes }) => managed(occasion, FILE, kind, id, change, shortened(changes))),
        )
      }
    })
    return undefined
  } catch (error) {
    if (error instanceof Overtaken) return error.step
    throw error
  }
}

/** Thrown so that the transaction rolls back. */
class Overtaken extends Error {
  override readonly name = 'Overtaken'
  readonly step: Step

  constructor(step: Step) {
    super('the store changed while the plan was made')
    this.step = step
  }
}
