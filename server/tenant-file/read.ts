/**
 * From a tenant file to entries and what is wrong with them. Each section's file knows its own members; what only
 * the store can tell (whether a role exists) is asked when it is applied.
 */
import type { Findings } from '../config/findings.ts'
import { type OperatorFile, parseOperatorFile, readOperatorFile } from '../config/operator-file.ts'
import type { Yaml } from '../config/yaml.ts'
import { isObject, type JsonObject } from '../kernel/json.ts'
import { type ClientGrantEntry, readClientGrants } from './client-grants.ts'
import { type ClientEntry, readClients } from './clients.ts'
import { type ConnectionEntry, leaveSecrets, readConnections } from './connections.ts'
import { tellSections } from './elsewhere.ts'
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

/** Whose own reader tells the words in it. */
const OWN_WORDS = ['emailProvider', 'gateway']

/** @throws OperatorError when the file cannot be read, is larger than 10 MiB or is not UTF-8. */
export const readTenantFile = (file: string): OperatorFile => readOperatorFile('tenant file', file)

/** @throws OperatorError for what is no YAML. Other faults are findings. */
export async function parseTenantFile(file: OperatorFile, keywords: Keywords = {}): Promise<ParsedTenantFile> {
  const replace = (text: string) => replaceKeywords(text, keywords)
  const { value, findings, outline } = await parseOperatorFile({ ...file, text: replace(file.text) }, OUTCOME)
  findings.settle()
  const written = isObject(value) ? value : {}
  const whole = file.folder === undefined ? written : takeIn(written, file.folder, findings, replace)
  const document = leaveSecrets(whole, findings)
  if (!isObject(value)) findings.fault([], `The file must be a mapping of ${SECTIONS.join(', ')}.`)
  tellSections(document, SECTIONS, findings)
  tellPlaceholders(
    document,
    SECTIONS.filter(section => !OWN_WORDS.includes(section)),
    findings,
  )

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
