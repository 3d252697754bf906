/**
 * From a tenant file to entries and what is wrong with them. Each section's file knows its own members; what only
 * the store can tell (whether a role exists) is asked when it is applied.
 */
import type { Findings } from '../config/findings.ts'
import { type OperatorFile, parseOperatorFile, readOperatorFile } from '../config/operator-file.ts'
import type { Yaml } from '../config/yaml.ts'
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts'
import { type ClientGrantEntry, readClientGrants } from './client-grants.ts'
import { type ClientEntry, readClients } from './clients.ts'
import { type ConnectionEntry, readConnections } from './connections.ts'
import { entriesOf } from './entries.ts'
import { takeIn } from './files-beside.ts'
import { KEPT_SECTIONS, type KeptEntries, readKept } from './kept.ts'
import { type Keywords, replaceKeywords, tellPlaceholders } from './keywords.ts'
import type { OrganizationEntry } from './organizations.ts'
import { type ResourceServerEntry, readResourceServers } from './resource-servers.ts'
import { type RoleEntry, readRoles } from './roles.ts'
import { readSettings } from './settings.ts'
import { readUsers, type UserEntry } from './users.ts'

export interface TenantFile {
  readonly name: string
  readonly settings: JsonObject
  readonly clients: readonly ClientEntry[]
  readonly resourceServers: readonly ResourceServerEntry[]
  readonly clientGrants: readonly ClientGrantEntry[]
  readonly connections: readonly ConnectionEntry[]
  readonly organizations: readonly OrganizationEntry[]
  readonly roles: readonly RoleEntry[]
  readonly users: readonly UserEntry[]
  readonly kept: KeptEntries
  /** Sections that are there as lists, empty ones too: what such a one does not name may be removed. */
  readonly lists: readonly string[]
  /** Holds what was found so far, and takes what is found when it is applied. Settled before anything is done. */
  readonly findings: Findings
}

/** As this process has read it, lines and all. */
export interface ParsedTenantFile extends TenantFile {
  readonly outline: Yaml['outline']
}

/** What every fault means, whoever finds it. */
export const OUTCOME = 'The tenant file cannot be applied; nothing was changed.'

/** What stands in `gateway` is read by a gateway, which may have nothing else of ours. */
const SECTIONS = [
  'tenant',
  'attackProtection',
  'branding',
  ...KEPT_SECTIONS,
  'clients',
  'resourceServers',
  'clientGrants',
  'databases',
  'connections',
  'organizations',
  'roles',
  'users',
  'gateway',
]

/** @throws OperatorError when the file cannot be read, is larger than 10 MiB or is not UTF-8. */
export const readTenantFile = (file: string): OperatorFile => readOperatorFile('tenant file', file)

/** What an export holds of things that the tenant does not have: an empty list, or a list of what is switched off. */
function isNothing(given: JsonValue | undefined): boolean {
  if (given === undefined || given === null || given === false || given === '') return true
  if (Array.isArray(given)) return given.every(isNothing)
  return isObject(given) && (given['enabled'] === false || Object.values(given).every(isNothing))
}

/** @throws OperatorError for what is no YAML. Other faults are findings. */
export async function parseTenantFile(file: OperatorFile, keywords: Keywords = {}): Promise<ParsedTenantFile> {
  const replace = (text: string) => replaceKeywords(text, keywords)
  const { value, findings, outline } = await parseOperatorFile({ ...file, text: replace(file.text) }, OUTCOME)
  findings.settle()
  const written = isObject(value) ? value : {}
  const document = file.folder === undefined ? written : takeIn(written, file.folder, findings, replace)
  if (!isObject(value)) findings.fault([], `The file must be a mapping of ${SECTIONS.join(', ')}.`)
  for (const [section, given] of Object.entries(document))
    if (!SECTIONS.includes(section) && !isNothing(given)) findings.unused('the file', [], section)
  tellPlaceholders(document, ['emailProvider', 'gateway'], findings)

  const list = (section: string) => entriesOf(document, [section], findings)
  const organizations = list('organizations')
  const sound = {
    settings: await readSettings(document, findings),
    clients: readClients(list('clients'), findings),
    resourceServers: readResourceServers(list('resourceServers'), findings),
    clientGrants: readClientGrants(list('clientGrants'), findings),
    connections: readConnections(document, findings),
    organizations:
      organizations.length > 0 ? (await import('./organizations.ts')).readOrganizations(organizations, findings) : [],
    roles: readRoles(list('roles'), findings),
    users: readUsers(list('users'), findings),
    kept: await readKept(document, findings),
    lists: SECTIONS.filter(section => Array.isArray(document[section])),
  }
  return { ...sound, name: file.name, findings, outline }
}
