/** The `resourceServers` of a tenant file. The secret of an HS256 API goes to the keyring and into no setting. */
import { isDeepStrictEqual } from 'node:util'
import { changeApi, createApi } from '../clients/api-changes.ts'
import { apiProblems, apiToWire, isKey, SCOPE_MEMBERS } from '../clients/api-document.ts'
import { API_CLAIMS, readClaims } from '../clients/custom-claims.ts'
import { MANAGEMENT_SCOPES } from '../clients/management-scopes.ts'
import { RESOURCE_SERVER_MEMBERS } from '../clients/resource-servers.ts'
import { managementAudience } from '../clients/system-apis.ts'
import type { Findings } from '../config/findings.ts'
import { type Member, readMembers } from '../config/members.ts'
import type { Path } from '../config/yaml.ts'
import { newId } from '../kernel/ids.ts'
import { isObject, type JsonObject, type JsonValue, withoutNulls } from '../kernel/json.ts'
import { sha256 } from '../kernel/secrets.ts'
import type { ResourceServerRecord } from '../store/resource-servers.ts'
import { userinfoAudience } from '../tokens/access-token.ts'
import { OPENID_SCOPES } from '../tokens/claims.ts'
import { templateProblems } from '../tokens/custom-claims.ts'
import { type Entry, isSound, refuseRepeats, tellUnused, without } from './entries.ts'
import type { Exporting } from './export.ts'
import { differences, type Planning, type Step } from './plan.ts'

export interface ResourceServerEntry {
  readonly path: Path
  readonly identifier: string
  readonly scopes: readonly string[]
  readonly isHs256: boolean
  readonly secret: string | null
  readonly settings: JsonObject
}

const MEMBERS = {
  /** An export may name it; it is found by its identifier. */
  id: { is: 'text', optional: true },
  is_system: { is: 'boolean', optional: true },
  ...RESOURCE_SERVER_MEMBERS,
} as const satisfies Readonly<Record<string, Member>>

/**
 * Auth0's own APIs of any of its tenants, which an export names in grants and permissions: what may be done with one says
 * nothing of what may be done here.
 */
const OF_AUTH0 = /^https:\/\/[^/]+\/(?:api\/v2|me|my-org|mfa)\/$/

export const isOfAnother = (identifier: string): boolean => OF_AUTH0.test(identifier)

export function readResourceServers(entries: readonly Entry[], findings: Findings): readonly ResourceServerEntry[] {
  const servers = entries.flatMap(entry => readResourceServer(entry, findings))
  refuseRepeats(
    servers,
    ({ identifier }) => identifier,
    ({ identifier }) => `The API "${identifier}" is there twice.`,
    findings,
  )
  refuseRepeats(
    servers,
    ({ secret }) => secret && sha256(secret),
    () => 'Another API has this signing_secret too; whoever knows it could make tokens for both.',
    findings,
  )
  return servers
}

function readResourceServer(entry: Entry, findings: Findings): readonly ResourceServerEntry[] {
  const { path, given } = entry
  if (!isSound('an API', MEMBERS, entry, findings)) return []
  const { identifier, signing_alg, signing_secret: secret = null, is_system: isOwn } = readMembers(MEMBERS, given)
  if (isOwn) {
    findings.warn(path, `"${identifier}" is an API of the server that the file comes from, and is not made here.`)
    return []
  }
  const problems = apiProblems(given, OPENID_SCOPES)
  for (const problem of problems) findings.fault([...path, ...problem.path], problem.message)
  const isHs256 = signing_alg === 'HS256'
  const at = [...path, 'signing_secret']
  if (secret !== null && !isHs256) findings.warn(at, 'signing_secret is not kept, since signing_alg is not HS256.')
  return [
    {
      path,
      identifier,
      isHs256,
      secret: isHs256 ? secret : null,
      scopes: readScopes(given['scopes'], [...path, 'scopes'], findings),
      settings: without(given, 'identifier', 'signing_secret', 'id', 'is_system'),
    },
  ]
}

/** Those that are sound. What has no meaning of a scope is told, as everywhere. */
function readScopes(given: JsonValue | undefined, path: Path, findings: Findings): readonly string[] {
  if (!Array.isArray(given)) return []
  return given.flatMap((scope: JsonValue, index) => {
    if (!isObject(scope)) return []
    tellUnused('a scope', SCOPE_MEMBERS, { path: [...path, index], given: scope }, findings)
    return typeof scope['value'] === 'string' ? [scope['value']] : []
  })
}

export const exportResourceServers = async ({ store, tenant }: Exporting): Promise<JsonValue> =>
  (await store.resourceServers.list(tenant)).map(({ identifier, settings }) => ({ identifier, ...settings }))

export interface ResourceServerPlan {
  readonly steps: readonly Step[]
  /** Secrets for the keyring, by the API's id. */
  readonly secrets: readonly { readonly id: string; readonly secret: string }[]
  /** Identifiers of those that are to be made. */
  readonly made: readonly string[]
  /** Of an API of the server itself, in the file, or else in the store; undefined when there is none. */
  scopesOf(identifier: string): Promise<readonly string[] | undefined>
}

/** Said in warnings: a server that applies the file at its start has to come up after a revocation too. */
const NOTHING_ISSUED = 'No tokens are issued for the API until it has another.'

/** `issuers` are the tenant's: what they serve themselves is nobody's API. */
export async function planResourceServers(
  planning: Planning,
  entries: readonly ResourceServerEntry[],
  issuers: readonly string[],
): Promise<ResourceServerPlan> {
  const { store, keyring, tenant, findings, giveWay } = planning
  const management = issuers.map(managementAudience)
  const systemApis = [...issuers.map(userinfoAudience), ...management]
  const steps: Step[] = []
  const secrets: { id: string; secret: string }[] = []
  const made: string[] = []
  const byIdentifier = new Map(entries.map(entry => [entry.identifier, entry]))

  for (const entry of entries) {
    await giveWay()
    const { path, identifier, secret } = entry
    for (const problem of await templateProblems(readClaims(entry.settings['claims'], API_CLAIMS)))
      findings.fault([...path, ...problem.path], problem.message)
    if (systemApis.includes(identifier)) findings.fault(path, `"${identifier}" is an API of the server itself.`)
    const before = await store.resourceServers.findByIdentifier(tenant, identifier)
    const id = before?.id ?? newId('api')
    const current = (await keyring.apiSecrets(tenant, id)).find(({ state }) => state === 'current')
    if (entry.isHs256 && secret === null && !current) {
      // One that signs with HS256 already had a secret, which was revoked.
      if (before?.settings['signing_alg'] === 'HS256')
        findings.warn(path, `The API "${identifier}" has no secret any more. ${NOTHING_ISSUED}`)
      else findings.fault(path, `The API "${identifier}" signs with HS256 and needs a signing_secret.`)
    }
    if (secret !== null && (await isKey(secret, identifier)))
      findings.fault([...path, 'signing_secret'], 'signing_secret is a key that others may know, and not a secret.')
    const isAnother = secret !== null && !current?.key.equals(Buffer.from(secret))
    const isRevoked = isAnother && (await keyring.isRevokedApiSecret(tenant, secret))
    if (isRevoked)
      findings.warn(
        [...path, 'signing_secret'],
        `This signing_secret of the API "${identifier}" was revoked and is not taken again. ${current ? 'The API keeps the one it has.' : NOTHING_ISSUED}`,
      )
    const isNewSecret = isAnother && !isRevoked
    if (isNewSecret) secrets.push({ id, secret })
    if (!before) made.push(identifier)
    if (!before || isNewSecret || !isDeepStrictEqual(inForce(before, entry.settings), inForce(before, before.settings)))
      steps.push(stepFor(planning, entry, before, id, isNewSecret))
  }

  return {
    steps,
    secrets,
    made,
    async scopesOf(identifier) {
      if (management.includes(identifier)) return Object.keys(MANAGEMENT_SCOPES)
      const entry = byIdentifier.get(identifier)
      if (entry) return entry.scopes
      const record = await store.resourceServers.findByIdentifier(tenant, identifier)
      const scopes = record && ((record.settings['scopes'] ?? []) as readonly { readonly value: string }[])
      return scopes?.map(({ value }) => value)
    },
  }
}

/** With the defaults: a tool's export spells them out, a file by hand leaves them out, and both mean the same. */
const inForce = (api: ResourceServerRecord, settings: JsonObject): JsonObject =>
  apiToWire({ ...api, settings: withoutNulls(settings) })

const stepFor = (
  { tenant, clock }: Planning,
  { path, identifier, settings }: ResourceServerEntry,
  before: ResourceServerRecord | undefined,
  id: string,
  isNewSecret: boolean,
): Step => ({
  kind: 'resource-server',
  id,
  name: identifier,
  change: before ? 'changed' : 'created',
  changes: {
    ...(before
      ? differences(inForce(before, before.settings), inForce(before, settings))
      : differences(null, { identifier, ...settings })),
    ...(isNewSecret && { signing_secret: 'changed' }),
  },
  path,
  async write(transaction) {
    const now = clock()
    if (!before) {
      const api = { tenant, id, identifier, settings, createdAt: now, updatedAt: now }
      return (await createApi(transaction, api)) === 'created' ? 'written' : 'overtaken'
    }
    if (!isDeepStrictEqual(await transaction.resourceServers.hold(tenant, before.id), before)) return 'overtaken'
    await changeApi(transaction, before, settings, now)
    return 'written'
  },
})
