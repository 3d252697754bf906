/**
 * The `tenant` and `attackProtection` members of a tenant file. The first is merged into the settings: an export holds
 * dozens, a file written by hand two or three. The second is one of them. What the settings mean is `tenants/`'s to say.
 */
import { isDeepStrictEqual } from 'node:util'
import { changesBetween } from '../audit/changes.ts'
import type { Findings } from '../config/findings.ts'
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts'
import { DATABASE_STRATEGY } from '../store/connections.ts'
import type { ProtectionPart } from '../tenants/attack-protection.ts'
import { SETTINGS, settingFaults, settingProblems, withChange } from '../tenants/settings.ts'
import type { ConnectionPlan } from './connections.ts'
import { isSound, without } from './entries.ts'
import type { Exporting } from './export.ts'
import { PAGE_SETTINGS, readPageSettings } from './pages.ts'
import type { Planning, Step } from './plan.ts'
import type { ResourceServerPlan } from './resource-servers.ts'

const PATH = ['tenant'] as const
const PROTECTION_PATH = ['attackProtection'] as const
const BRANDING_PATH = ['branding'] as const

/** The settings as given, those without a meaning included, so that an export returns them. */
export async function readSettings(document: JsonObject, findings: Findings): Promise<JsonObject> {
  const attackProtection = await readAttackProtection(document, findings)
  const branding = readMapping(document, BRANDING_PATH, findings)
  if (branding) {
    const { BRANDING } = await import('../tenants/branding.ts')
    isSound('the branding', BRANDING, { path: BRANDING_PATH, given: branding }, findings)
  }
  return {
    ...readTenant(document, findings),
    ...readPageSettings(document, findings),
    ...(attackProtection && { attackProtection }),
    ...(branding && { branding: withChange({}, branding) }),
  }
}

/** Undefined where the file does not speak of it. */
function readMapping(document: JsonObject, path: readonly [string], findings: Findings): JsonObject | undefined {
  const [name] = path
  const given = document[name]
  if (given === undefined || given === null) return undefined
  if (isObject(given)) return given
  findings.fault(path, `${name} must be a mapping.`)
  return undefined
}

/** What `policy/guessing.ts` reads. */
async function readAttackProtection(document: JsonObject, findings: Findings): Promise<JsonObject | undefined> {
  const given = readMapping(document, PROTECTION_PATH, findings)
  if (!given) return undefined
  const { allowlistFaults, PARTS } = await import('../tenants/attack-protection.ts')
  const members = {
    bruteForceProtection: { is: 'object', optional: true, members: PARTS.bruteForceProtection },
    suspiciousIpThrottling: { is: 'object', optional: true, members: PARTS.suspiciousIpThrottling },
  } as const
  if (!isSound('attackProtection', members, { path: PROTECTION_PATH, given }, findings)) return undefined
  for (const [part, said] of Object.entries(given))
    if (Object.hasOwn(PARTS, part) && isObject(said))
      for (const { path, message } of allowlistFaults(part as ProtectionPart, said))
        findings.fault([...PROTECTION_PATH, ...path], message)
  return given
}

function readTenant(document: JsonObject, findings: Findings): JsonObject {
  const given = readMapping(document, PATH, findings) ?? {}
  if (!isSound('the tenant', SETTINGS, { path: PATH, given }, findings)) return {}
  for (const { path, message } of settingProblems(given)) findings.fault([...PATH, ...path], message)
  const { allowed_logout_urls: urls } = given
  for (const [index, url] of (Array.isArray(urls) ? (urls as readonly string[]) : []).entries())
    if (url.includes('*'))
      findings.warn(
        [...PATH, 'allowed_logout_urls', index],
        `allowed_logout_urls holds the pattern ${url}, which is kept and never matches.`,
      )
  return given
}

export async function planSettings(
  { store, tenant, findings }: Planning,
  given: JsonObject,
  apis: ResourceServerPlan,
  connections: ConnectionPlan,
): Promise<readonly Step[]> {
  const { default_audience: audience, default_directory: directory } = given
  // An API or a database of the same file is not in the store yet.
  const isPlanned = typeof audience === 'string' && audience !== '' && (await apis.scopesOf(audience)) !== undefined
  const isDatabase = typeof directory === 'string' && (await connections.strategyOf(directory)) === DATABASE_STRATEGY
  for (const { path, message } of await settingFaults(store, tenant, given))
    if (!(isPlanned && path[0] === 'default_audience') && !(isDatabase && path[0] === 'default_directory'))
      findings.fault([...PATH, ...path], message)
  const before = await store.tenants.find(tenant)
  if (!before) throw new TypeError(`There is no tenant ${tenant}`)
  const settings = { ...before.settings, ...given }
  if (isDeepStrictEqual(settings, before.settings)) return []
  return [
    {
      kind: 'tenant',
      id: tenant,
      name: before.name,
      change: 'changed',
      changes: changesBetween(before.settings, settings),
      path: PATH,
      async write({ tenants, announce }) {
        if (!isDeepStrictEqual(await tenants.find(tenant), before)) return 'overtaken'
        await tenants.changeSettings(tenant, settings)
        announce({ topic: 'tenant', tenant, id: tenant })
        return 'written'
      },
    },
  ]
}

/** What they are made of, each by its member of the file. */
export async function exportSettings({ store, tenant }: Exporting): Promise<{
  tenant: JsonObject | undefined
  attackProtection: JsonValue | undefined
  branding: JsonValue | undefined
}> {
  const { attackProtection, branding, ...rest } = (await store.tenants.find(tenant))?.settings ?? {}
  const settings = without(rest, ...Object.values(PAGE_SETTINGS))
  return { tenant: Object.keys(settings).length > 0 ? settings : undefined, attackProtection, branding }
}
