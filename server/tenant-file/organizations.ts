/**
 * The `organizations` of a tenant file, with what belongs to them but people. What an entry leaves out stays as it is; a
 * list that it has is all there is of it.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Findings } from '../config/findings.ts'
import { checkMembers, type Member, type Members, readMembers } from '../config/members.ts'
import type { Path } from '../config/yaml.ts'
import {
  CONNECTION_DEFAULTS,
  DISCOVERY_DOMAIN,
  enabledConnectionFault,
  LONGEST_ORGANIZATION_TEXT,
  MOST_ORGANIZATION_METADATA,
  ORGANIZATION_COLOUR,
} from '../identity/organization-documents.ts'
import {
  addConnection,
  allowGrant,
  associateClient,
  changeConnection,
  changeDomain,
  changeOrganization,
  createDomain,
  createOrganization,
  type Doing,
  disallowGrant,
  dissociateClient,
  removeConnection,
  removeDomain,
} from '../identity/organization-management.ts'
import { isObject, type JsonObject, type JsonValue, withoutNulls } from '../kernel/json.ts'
import { organizationNameFault } from '../policy/organization-name.ts'
import type { ClientGrantRecord } from '../store/clients.ts'
import type { DiscoveryDomainRecord } from '../store/discovery-domains.ts'
import type { OrganizationConnectionRecord } from '../store/organization-connections.ts'
import type { OrganizationRecord } from '../store/organizations.ts'
import type { Nouns, Transaction } from '../store/store.ts'
import type { ClientGrantPlan } from './client-grants.ts'
import type { ClientPlan } from './clients.ts'
import type { ConnectionPlan } from './connections.ts'
import { type Entry, entriesOf, isSound, refuseRepeats, tellUnused } from './entries.ts'
import type { Exporting } from './export.ts'
import { differences, type Planning, type Step } from './plan.ts'

export interface OrganizationEntry {
  readonly path: Path
  readonly name: string
  readonly displayName: string | null
  readonly settings: JsonObject
  /** Null: not spoken of, and so for the other lists. Each entry under the file's names. */
  readonly connections: readonly Part[] | null
  readonly clientGrants: readonly Part[] | null
  readonly clients: readonly Part[] | null
  readonly domains: readonly Part[] | null
}
interface Part {
  readonly path: Path
  readonly given: JsonObject
}

const flag = { is: 'boolean', optional: true } as const
const isText = (value: JsonValue | undefined): boolean =>
  typeof value === 'string' && value.length <= LONGEST_ORGANIZATION_TEXT

const shortText = (value: JsonValue, name: string): string | undefined =>
  isText(value) && value !== '' ? undefined : `${name} must be text of 1 to ${LONGEST_ORGANIZATION_TEXT} characters.`
const colour = (value: JsonValue, name: string): string | undefined =>
  typeof value === 'string' && new RegExp(ORGANIZATION_COLOUR).test(value)
    ? undefined
    : `${name} must be a colour such as #0059d6.`
const logo = (value: JsonValue, name: string): string | undefined =>
  typeof value === 'string' && value.startsWith('https://') && value.length <= 2048
    ? undefined
    : `${name} must be a URL that begins with https://.`
const metadata = (value: JsonValue, name: string): string | undefined =>
  isObject(value) &&
  Object.keys(value).length <= MOST_ORGANIZATION_METADATA &&
  Object.entries(value).every(([key, item]) => isText(key) && key !== '' && isText(item))
    ? undefined
    : `${name} must be a mapping of at most ${MOST_ORGANIZATION_METADATA} texts of at most ${LONGEST_ORGANIZATION_TEXT} characters.`

const COLOUR = { is: 'any', check: colour } as const
const SETTINGS = {
  branding: {
    is: 'object',
    optional: true,
    members: {
      logo_url: { is: 'any', check: logo, optional: true },
      colors: { is: 'object', optional: true, members: { primary: COLOUR, page_background: COLOUR } },
    },
  },
  metadata: { is: 'any', check: metadata, optional: true },
  token_quota: { is: 'any', optional: true },
  third_party_client_access: { is: 'text', oneOf: ['block', 'allow'], optional: true },
  is_app_entitlement_active: flag,
} as const satisfies Members

const LIST = { is: 'any', optional: true } as const
const MEMBERS = {
  /** An export may name it; it is found by its name. */
  id: { is: 'text', optional: true },
  name: { is: 'text' },
  display_name: { is: 'any', check: shortText, optional: true },
  ...SETTINGS,
  connections: LIST,
  client_grants: LIST,
  clients: LIST,
  discovery_domains: LIST,
} as const satisfies Readonly<Record<string, Member>>

const CONNECTION = {
  name: { is: 'text' },
  assign_membership_on_login: flag,
  show_as_button: flag,
  is_signup_enabled: flag,
  organization_connection_name: { is: 'text', optional: true },
  organization_access_level: { is: 'text', optional: true },
  is_enabled: flag,
} as const satisfies Members
const GRANT = { client_id: { is: 'text' }, audience: { is: 'text', optional: true } } as const satisfies Members
const CLIENT = { client_id: { is: 'text' }, use_for_member_access: flag } as const satisfies Members
const DOMAIN = {
  /** What an export tells of one. */
  id: { is: 'text', optional: true },
  verification_txt: { is: 'text', optional: true },
  verification_host: { is: 'text', optional: true },
  domain: { is: 'text' },
  status: { is: 'text', oneOf: ['pending', 'verified'], optional: true },
  use_for_organization_discovery: flag,
} as const satisfies Members

export function readOrganizations(entries: readonly Entry[], findings: Findings): readonly OrganizationEntry[] {
  const organizations = entries.flatMap(entry => readOrganization(entry, findings))
  refuseRepeats(
    organizations,
    ({ name }) => name,
    ({ name }) => `The organization "${name}" is there twice.`,
    findings,
  )
  return organizations
}

function readOrganization(entry: Entry, findings: Findings): readonly OrganizationEntry[] {
  const { path, given } = entry
  if (!isSound('an organization', MEMBERS, entry, findings)) return []
  const { name, display_name: displayName = null } = readMembers(MEMBERS, given)
  const fault = organizationNameFault(name)
  if (fault !== undefined) findings.fault([...path, 'name'], `name ${fault}.`)
  const settings = Object.fromEntries(
    Object.keys(SETTINGS).flatMap(setting => {
      const value = given[setting]
      return value === undefined || value === null ? [] : [[setting, value]]
    }),
  )
  const part = (member: string, kind: string, members: Members, key: (given: JsonObject) => string) =>
    readParts(given, [...path, member], kind, members, key, findings)
  const domains = part('discovery_domains', 'a domain', DOMAIN, ({ domain }) => String(domain).toLowerCase())
  for (const one of domains ?? [])
    if (!new RegExp(DISCOVERY_DOMAIN).test(String(one.given['domain'])))
      findings.fault(one.path, `"${one.given['domain']}" is not the name of a domain.`)
  return [
    {
      path,
      name,
      displayName: displayName as string | null,
      settings,
      connections: part('connections', 'a connection of an organization', CONNECTION, ({ name }) => String(name)),
      clientGrants: part('client_grants', 'a grant of an organization', GRANT, ({ client_id, audience }) =>
        JSON.stringify([client_id, audience ?? null]),
      ),
      clients: part('clients', 'a client of an organization', CLIENT, ({ client_id }) => String(client_id)),
      domains,
    },
  ]
}

function readParts(
  given: JsonObject,
  path: Path,
  kind: string,
  members: Members,
  key: (given: JsonObject) => string,
  findings: Findings,
): readonly Part[] | null {
  const member = path.at(-1) as string
  if (given[member] === undefined || given[member] === null) return null
  const parts = entriesOf(given, path, findings).flatMap(part => {
    const problems = checkMembers(members, part.given, part.path)
    for (const problem of problems) findings.fault(problem.path, problem.message)
    tellUnused(kind, members, part, findings)
    return problems.length > 0 ? [] : [part]
  })
  refuseRepeats(
    parts,
    part => key(part.given),
    part => `This one of ${member} is there twice: ${key(part.given)}.`,
    findings,
  )
  return parts
}

/** An organization with what belongs to it, under the file's names and in an order of its own: what is compared, told and exported. */
interface Whole {
  readonly display_name: string
  readonly settings: JsonObject
  readonly connections: readonly JsonObject[]
  readonly client_grants: readonly JsonObject[]
  readonly clients: readonly JsonObject[]
  readonly discovery_domains: readonly JsonObject[]
}

const toDocument = ({ settings, ...rest }: Whole): JsonObject => ({
  ...{ display_name: rest.display_name, ...settings },
  ...{ connections: rest.connections, client_grants: rest.client_grants },
  ...{ clients: rest.clients, discovery_domains: rest.discovery_domains },
})

const LISTED_AT_ONCE = 500

async function everyPage<T>(page: (after: T | undefined) => Promise<readonly T[]>): Promise<readonly T[]> {
  const all: T[] = []
  for (;;) {
    const some = await page(all.at(-1))
    all.push(...some)
    if (some.length < LISTED_AT_ONCE) return all
  }
}

const domainsOf = ({ discoveryDomains }: Nouns, { tenant, id }: OrganizationRecord) =>
  everyPage<DiscoveryDomainRecord>(last =>
    discoveryDomains.list(tenant, id, { ...(last && { after: last.id }), limit: LISTED_AT_ONCE }),
  )

async function grantsOf(nouns: Nouns, { tenant, id }: OrganizationRecord): Promise<readonly ClientGrantRecord[]> {
  const grants: ClientGrantRecord[] = []
  for (const grant of await nouns.organizationClients.grantsOf(tenant, id)) {
    const found = await nouns.clients.findGrant(tenant, grant)
    if (found) grants.push(found)
  }
  return grants
}

const connectionShown = ({ name, settings }: Pick<OrganizationConnectionRecord, 'name' | 'settings'>): JsonObject => {
  const { is_enabled: isEnabled, ...rest } = settings
  // Some exports say of each that it is, others of none.
  return { name, ...CONNECTION_DEFAULTS, ...rest, ...(isEnabled === false && { is_enabled: false }) }
}
const domainShown = ({
  domain,
  isVerified,
  isUsed,
}: Omit<DiscoveryDomainRecord, 'tenant' | 'id' | 'organization' | 'proof'>) => ({
  domain,
  status: isVerified ? 'verified' : 'pending',
  use_for_organization_discovery: isUsed,
})
const sorted = (documents: readonly JsonObject[]): readonly JsonObject[] =>
  documents.toSorted((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1))

async function wholeOf(nouns: Nouns, organization: OrganizationRecord): Promise<Whole> {
  const { tenant, id, displayName, settings } = organization
  const connections = await nouns.organizationConnections.list(tenant, id)
  const clients = await everyPage<{ client: string; isForMembers: boolean }>(last =>
    nouns.organizationClients.list(tenant, id, { ...(last && { after: last.client }), limit: LISTED_AT_ONCE }),
  )
  return {
    display_name: displayName,
    settings,
    connections: sorted(connections.map(connectionShown)),
    client_grants: sorted(
      (await grantsOf(nouns, organization)).flatMap(({ client, audience }) =>
        client === null ? [] : [{ client_id: client, audience }],
      ),
    ),
    clients: sorted(
      clients.map(({ client, isForMembers }) => ({ client_id: client, use_for_member_access: isForMembers })),
    ),
    discovery_domains: sorted((await domainsOf(nouns, organization)).map(domainShown)),
  }
}

export const everyOrganization = (nouns: Nouns, tenant: string): Promise<readonly OrganizationRecord[]> =>
  everyPage<OrganizationRecord>(last =>
    nouns.organizations.list(tenant, { by: 'name', ...(last && { after: last }), limit: LISTED_AT_ONCE }),
  )

export async function exportOrganizations({ store, tenant }: Exporting): Promise<JsonValue | undefined> {
  const exported: JsonObject[] = []
  for (const organization of await everyOrganization(store, tenant))
    exported.push({ name: organization.name, ...toDocument(await wholeOf(store, organization)) })
  return exported.length > 0 ? exported : undefined
}

interface Others {
  readonly clients: ClientPlan
  readonly grants: ClientGrantPlan
  readonly connections: ConnectionPlan
}

const NOTHING: Whole = {
  display_name: '',
  settings: {},
  connections: [],
  client_grants: [],
  clients: [],
  discovery_domains: [],
}

export async function planOrganizations(
  planning: Planning,
  entries: readonly OrganizationEntry[],
  others: Others,
): Promise<readonly Step[]> {
  const { store, tenant, giveWay } = planning
  const steps: Step[] = []
  for (const entry of entries) {
    await giveWay()
    const { path, name } = entry
    const before = await store.organizations.findByName(tenant, name)
    const whole = before ? await wholeOf(store, before) : { ...NOTHING, display_name: entry.displayName ?? name }
    const wanted = await wantedWhole(planning, entry, whole, others)
    if (before && isDeepStrictEqual(wanted, whole)) continue
    steps.push({
      kind: 'organization',
      id: before?.id ?? name,
      name,
      change: before ? 'changed' : 'created',
      changes: differences(
        before ? toDocument(whole) : null,
        before ? toDocument(wanted) : { name, ...toDocument(wanted) },
      ),
      path,
      isTold: true,
      async write(transaction, doing) {
        const organization = before ?? (await create(transaction, tenant, name, wanted, doing))
        if (organization === 'taken') return 'overtaken'
        if (before) {
          if (!(await transaction.organizations.hold(tenant, before.id))) return 'overtaken'
          const now = await transaction.organizations.find(tenant, before.id)
          if (!now || !isDeepStrictEqual(await wholeOf(transaction, now), whole)) return 'overtaken'
          if ((await change(transaction, before, wanted, doing)) !== 'changed') return 'overtaken'
        }
        return settleParts(transaction, organization, wanted, doing)
      },
    })
  }
  return steps
}

/** As the organization is to be. What is named and not there is a fault. */
async function wantedWhole(
  { findings }: Planning,
  entry: OrganizationEntry,
  before: Whole,
  { clients, grants, connections }: Others,
): Promise<Whole> {
  const idOf = async ({ path, given }: Part): Promise<string | undefined> => {
    const name = String(given['client_id'])
    const id = await clients.find(name)
    if (id === 'unknown') findings.fault(path, `There is no client with the id or name "${name}".`)
    else if (id === 'ambiguous') findings.fault(path, `Several clients are called "${name}"; name one by its id.`)
    else return id
    return undefined
  }

  const enabled: JsonObject[] = []
  for (const { path, given } of entry.connections ?? []) {
    const { name, ...settings } = withoutNulls(given)
    const strategy = (await connections.find(String(name)))?.strategy
    const fault = strategy === undefined ? undefined : enabledConnectionFault(settings, { strategy })
    if (strategy === undefined) findings.fault(path, `There is no connection "${name}".`)
    if (fault !== undefined) findings.fault([...path, 'is_signup_enabled'], `is_signup_enabled ${fault}.`)
    enabled.push(connectionShown({ name: String(name), settings }))
  }

  const granted = new Map<string, JsonObject>()
  for (const part of entry.clientGrants ?? []) {
    const id = await idOf(part)
    if (id === undefined) continue
    const { audience: named } = part.given
    const found = (await grants.of(id)).filter(({ audience }) => (named ?? audience) === audience)
    if (found.length === 0)
      findings.fault(
        part.path,
        `The client "${part.given['client_id']}" has no client grant${named ? ` for "${named}"` : ''}.`,
      )
    for (const { audience } of found) granted.set(JSON.stringify([id, audience]), { client_id: id, audience })
  }

  const associated: JsonObject[] = []
  for (const part of entry.clients ?? []) {
    const id = await idOf(part)
    if (id !== undefined)
      associated.push({ client_id: id, use_for_member_access: part.given['use_for_member_access'] ?? false })
  }

  const domains = (entry.domains ?? []).map(({ given }) =>
    domainShown({
      domain: String(given['domain']).toLowerCase(),
      isVerified: given['status'] === 'verified',
      isUsed: given['use_for_organization_discovery'] !== false,
    }),
  )
  return {
    display_name: entry.displayName ?? before.display_name,
    settings: { ...before.settings, ...entry.settings },
    connections: entry.connections ? sorted(enabled) : before.connections,
    client_grants: entry.clientGrants ? sorted([...granted.values()]) : before.client_grants,
    clients: entry.clients ? sorted(associated) : before.clients,
    discovery_domains: entry.domains ? sorted(domains) : before.discovery_domains,
  }
}

const create = (
  transaction: Transaction,
  tenant: string,
  name: string,
  { display_name, settings }: Whole,
  doing: Doing,
) => createOrganization(transaction, { tenant, name, displayName: display_name, settings }, doing)

async function change(
  transaction: Transaction,
  before: OrganizationRecord,
  { display_name, settings }: Whole,
  doing: Doing,
): Promise<'changed' | 'taken' | 'gone'> {
  const said = (before.settings['metadata'] ?? {}) as JsonObject
  const metadata = {
    ...Object.fromEntries(Object.keys(said).map(name => [name, null])),
    ...(settings['metadata'] as JsonObject),
  }
  const changes = {
    displayName: display_name,
    settings: { ...settings, ...(settings['metadata'] !== undefined && { metadata }) },
  }
  if (before.displayName === display_name && isDeepStrictEqual(before.settings, settings)) return 'changed'
  const outcome = await changeOrganization(transaction, before, changes, doing)
  return typeof outcome === 'string' ? outcome : 'changed'
}

/** What belongs to it, each by the verb that tells it. */
async function settleParts(
  transaction: Transaction,
  organization: OrganizationRecord,
  wanted: Whole,
  doing: Doing,
): Promise<'written' | 'overtaken'> {
  const { tenant, id } = organization
  const here = { tenant, organization: id }

  const enabled = new Map((await transaction.organizationConnections.list(tenant, id)).map(one => [one.name, one]))
  for (const { name, ...settings } of wanted.connections) {
    const before = enabled.get(String(name))
    enabled.delete(String(name))
    if (before && isDeepStrictEqual(connectionShown(before), connectionShown({ name: before.name, settings }))) continue
    if (before) await changeConnection(transaction, before, settings, doing)
    else {
      const connection = await transaction.connections.findByName(tenant, String(name))
      if (!connection) return 'overtaken'
      await addConnection(transaction, { ...here, connection: connection.id }, settings, doing)
    }
  }
  for (const before of enabled.values()) await removeConnection(transaction, before, doing)

  const allowed = new Map((await grantsOf(transaction, organization)).map(grant => [grant.id, grant]))
  for (const { client_id: client, audience } of wanted.client_grants)
    for (const grant of await transaction.clients.grantsOf(tenant, String(client)))
      if (grant.audience === audience && !allowed.delete(grant.id))
        await allowGrant(transaction, organization, grant.id, doing)
  for (const before of allowed.values())
    if (before.client !== null) await disallowGrant(transaction, organization, before.id, doing)

  const clients = new Set((await wholeOf(transaction, organization)).clients.map(({ client_id }) => String(client_id)))
  for (const { client_id: client, use_for_member_access: isForMembers } of wanted.clients) {
    clients.delete(String(client))
    await associateClient(
      transaction,
      organization,
      { client: String(client), isForMembers: isForMembers === true },
      doing,
    )
  }
  for (const client of clients) await dissociateClient(transaction, organization, client, doing)

  const domains = new Map((await domainsOf(transaction, organization)).map(one => [one.domain, one]))
  for (const { domain, status, use_for_organization_discovery: isUsed } of wanted.discovery_domains) {
    const before = domains.get(String(domain))
    domains.delete(String(domain))
    const said = { isVerified: status === 'verified', isUsed: isUsed === true }
    if (before) await changeDomain(transaction, before, said, doing)
    else await createDomain(transaction, organization, { domain: String(domain), ...said }, doing)
  }
  for (const before of domains.values()) await removeDomain(transaction, before, doing)
  return 'written'
}
