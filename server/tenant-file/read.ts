/**
 * From a tenant file to entries and what is wrong with them. Each section's file knows its own members; what only
 * the store can tell (whether a role exists) is asked when it is applied.
 */
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { OperatorError } from '../kernel/errors.ts'
import { isObject, type JsonObject } from '../kernel/json.ts'
import { type ClientGrantEntry, readClientGrants } from './client-grants.ts'
import { type ClientEntry, readClients } from './clients.ts'
import { entriesOf } from './entries.ts'
import { createFindings, type Findings } from './findings.ts'
import { type ResourceServerEntry, readResourceServers } from './resource-servers.ts'
import { type RoleEntry, readRoles } from './roles.ts'
import { readSettings } from './settings.ts'
import { readUsers, type UserEntry } from './users.ts'
import { readYaml, type Yaml } from './yaml.ts'

/** A file as it was read, by whoever may read it: what is done with it may be done in another process. */
export interface TenantFileText {
  /** What faults and warnings call the file. */
  readonly name: string
  readonly text: string
}

export interface TenantFile {
  readonly name: string
  readonly settings: JsonObject
  readonly clients: readonly ClientEntry[]
  readonly resourceServers: readonly ResourceServerEntry[]
  readonly clientGrants: readonly ClientGrantEntry[]
  readonly roles: readonly RoleEntry[]
  readonly users: readonly UserEntry[]
  /** Holds what was found so far, and takes what is found when it is applied. Settled before anything is done. */
  readonly findings: Findings
}

/** As this process has read it, lines and all. */
export interface ParsedTenantFile extends TenantFile {
  readonly outline: Yaml['outline']
}

const MOST_BYTES = 10 * 1024 * 1024
const SECTIONS = ['tenant', 'attackProtection', 'clients', 'resourceServers', 'clientGrants', 'roles', 'users']

/** @throws OperatorError when the file cannot be read, is larger than 10 MiB or is not UTF-8. */
export function readTenantFile(file: string): TenantFileText {
  const bytes = readBounded(file)
  try {
    return { name: basename(file), text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) }
  } catch (error) {
    throw new OperatorError(`The tenant file ${file} is not UTF-8 text.`, { cause: error })
  }
}

/** @throws OperatorError for what is no YAML. Other faults are findings. */
export async function parseTenantFile({ name, text }: TenantFileText): Promise<ParsedTenantFile> {
  const { value, faults, lineOf, outline } = await readYaml(text)
  // What is no YAML has no members to name a place by: the path is the line itself.
  const syntax = createFindings(name, ([line]) => Number(line))
  for (const { line, sentence } of faults) syntax.fault([line], sentence)
  syntax.settle()

  const findings = createFindings(name, lineOf)
  const document = isObject(value) ? value : {}
  if (!isObject(value)) findings.fault([], `The file must be a mapping of ${SECTIONS.join(', ')}.`)
  for (const section of Object.keys(document)) if (!SECTIONS.includes(section)) findings.unused('the file', [], section)

  const list = (section: string) => entriesOf(document, [section], findings)
  const sound = {
    settings: readSettings(document, findings),
    clients: readClients(list('clients'), findings),
    resourceServers: readResourceServers(list('resourceServers'), findings),
    clientGrants: readClientGrants(list('clientGrants'), findings),
    roles: readRoles(list('roles'), findings),
    users: readUsers(list('users'), findings),
  }
  return { ...sound, name, findings, outline }
}

/** The size is asked of the open file, so that the file read is the file measured. */
function readBounded(file: string): Buffer {
  let descriptor: number | undefined
  try {
    descriptor = openSync(file, 'r')
    if (fstatSync(descriptor).size > MOST_BYTES)
      throw new OperatorError(`The tenant file ${file} is larger than ${MOST_BYTES / 1024 / 1024} MiB.`)
    return readFileSync(descriptor)
  } catch (error) {
    if (error instanceof Error && 'syscall' in error)
      throw new OperatorError(`The tenant file ${file} cannot be read: ${error.message}.`, { cause: error })
    throw error
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}
