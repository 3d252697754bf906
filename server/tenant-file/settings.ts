/**
 * The `tenant` and `attackProtection` members of a tenant file. The first is merged into the settings: an export holds
 * dozens, a file written by hand two or three. The second is one of them. What the settings mean is `tenants/`'s to say.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Findings } from '../config/findings.ts'
import { checkMembers } from '../config/members.ts'
import type { Path } from '../config/yaml.ts'
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts'
import { DATABASE_STRATEGY } from '../store/connections.ts'
import type { ProtectionPart } from '../tenants/attack-protection.ts'
import { brandingToWire } from '../tenants/look.ts'
import { SETTINGS, settingFaults, settingProblems, settingsToWire, withChange } from '../tenants/settings.ts'
import type { ConnectionPlan } from './connections.ts'
import { tellProtection } from './elsewhere.ts'
import { isSound, tellUnused, without } from './entries.ts'
import type { Exporting } from './export.ts'
import { PAGE_SETTINGS, readPageSettings } from './pages.ts'
import { differences, type Planning, type Step } from './plan.ts'
import type { ResourceServerPlan } from './resource-servers.ts'

const PATH = ['tenant'] as const
const PROTECTION_PATH = ['attackProtection'] as const
const BRANDING_PATH = ['branding'] as const

/** The settings as given, those without a meaning included, so that an export returns them. */
export async function readSettings(document: JsonObject, findings: Findings): Promise<JsonObject> {
  const attackProtection = await readAttackProtection(document, findings)
  const branding = await readBranding(document, findings)
  return {
    ...readTenant(document, findings),
    ...readPageSettings(document, findings),
    ...(attackProtection && { attackProtection }),
    ...(branding && { branding }),
  }
}

/** Undefined where the file does not speak of it. Markup is told and not kept; an export writes an empty list of none. */
async function readBranding(document: JsonObject, findings: Findings): Promise<JsonObject | undefined> {
  const given = readMapping(document, BRANDING_PATH, findings)
  if (!given) return undefined
  const { templates, ...branding } = given
  if (Array.isArray(templates) ? templates.length > 0 : templates)
    findings.warn(
      [...BRANDING_PATH, 'templates'],
      'templates of the branding have no effect: pages on which people enter passwords take no markup.',
    )
  const { BRANDING } = await import('../tenants/branding.ts')
  isSound('the branding', BRANDING, { path: BRANDING_PATH, given: branding }, findings)
  return branding
}

/** Undefined where the file does not speak of it. */
function readMapping(
  document: JsonObject,
  [name]: readonly [string],
  findings: Findings,
  within: Path = [],
): JsonObject | undefined {
  const given = document[name]
  if (given === undefined || given === null) return undefined
  if (isObject(given)) return given
  findings.fault([...within, name], `${name} must be a mapping.`)
  return undefined
}

/** Parts that are known to nobody are not kept: one of Auth0's has a secret in it. */
async function readAttackProtection(document: JsonObject, findings: Findings): Promise<JsonObject | undefined> {
  const given = readMapping(document, PROTECTION_PATH, findings)
  if (!given) return undefined
  const { allowlistFaults, isDefaultProtection, KEPT_PARTS, PARTS } = await import('../tenants/attack-protection.ts')
  tellProtection(given, Object.keys(PARTS), isDefaultProtection, findings)
  const known: Record<string, JsonObject> = {}
  for (const [part, members] of Object.entries({ ...PARTS, ...KEPT_PARTS })) {
    const said = readMapping(given, [part], findings, PROTECTION_PATH)
    if (!said) continue
    const path = [...PROTECTION_PATH, part]
    const problems = checkMembers(members, said, path)
    for (const problem of problems) findings.fault(problem.path, problem.message)
    // A part that nothing is done with has been told of as a whole.
    if (Object.hasOwn(PARTS, part)) tellUnused(part, members, { path, given: said }, findings)
    if (problems.length > 0) continue
    for (const { path, message } of allowlistFaults(part as ProtectionPart, said))
      findings.fault([...PROTECTION_PATH, ...path], message)
    known[part] = said
  }
  return known
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
  const isDatabase =
    typeof directory === 'string' && (await connections.find(directory))?.strategy === DATABASE_STRATEGY
  for (const { path, message } of await settingFaults(store, tenant, given))
    if (!(isPlanned && path[0] === 'default_audience') && !(isDatabase && path[0] === 'default_directory'))
      findings.fault([...PATH, ...path], message)
  const before = await store.tenants.find(tenant)
  if (!before) throw new TypeError(`There is no tenant ${tenant}`)
  const settings = await withSettings(before.settings, given)
  const old = await inForce(before.settings)
  const wanted = await inForce(settings)
  if (isDeepStrictEqual(old, wanted)) return []
  return [
    {
      kind: 'tenant',
      id: tenant,
      name: before.name,
      change: 'changed',
      changes: differences(old, wanted),
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

/** As the Management API would change them: of what has parts, what is not spoken of stays, and a null takes a member back. */
async function withSettings(before: JsonObject, given: JsonObject): Promise<JsonObject> {
  const { attackProtection, branding } = given
  const change: Record<string, JsonValue | undefined> = { ...given }
  if (isObject(attackProtection)) {
    const { withProtection } = await import('../tenants/attack-protection.ts')
    change['attackProtection'] = withProtection(before, attackProtection)
  }
  if (isObject(branding)) {
    const { withChange: withBranding } = await import('../tenants/branding.ts')
    change['branding'] = withBranding(brandingToWire(before), branding)
  }
  return withChange(before, change)
}

/** What holds: an export of a tool spells out the defaults that a file by hand leaves out, and both mean the same. */
async function inForce(settings: JsonObject): Promise<JsonObject> {
  const { colors, signup = 'immediate' } = settings
  const { protectionInForce } = await import('../tenants/attack-protection.ts')
  return {
    ...settingsToWire(settings),
    ...{ signup, branding: brandingToWire(settings), attackProtection: protectionInForce(settings) },
    ...(colors !== undefined && { colors }),
  }
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
