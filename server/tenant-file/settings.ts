/**
 * The `tenant` and `attackProtection` members of a tenant file. The first is merged into the settings: an export holds
 * dozens, a file written by hand two or three. The second is one of them. What the settings mean is `tenants/`'s to say.
 */
import { isDeepStrictEqual } from 'node:util'
import { changesBetween } from '../audit/changes.ts'
import type { Findings } from '../config/findings.ts'
import { type Member, readMembers } from '../config/members.ts'
import { DATABASE_STRATEGY } from '../identity/users.ts'
import { isAddressOrRange } from '../kernel/ip-ranges.ts'
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts'
import type { Nouns } from '../store/store.ts'
import { isSound } from './entries.ts'
import type { Exporting } from './export.ts'
import type { Planning, Step } from './plan.ts'
import type { ResourceServerPlan } from './resource-servers.ts'

const MEMBERS = {
  friendly_name: { is: 'text', optional: true },
  picture_url: { is: 'url', optional: true },
  colors: { is: 'object', optional: true, members: { primary: { is: 'text', optional: true } } },
  allowed_logout_urls: { is: 'urls', optional: true },
  flags: {
    is: 'object',
    optional: true,
    members: { enable_dynamic_client_registration: { is: 'boolean', optional: true } },
  },
  /** `immediate`, as where it is left out: whoever signs up is signed in. */
  signup: { is: 'text', oneOf: ['immediate', 'verify-first'], optional: true },
  default_audience: { is: 'text', optional: true },
  default_directory: { is: 'text', optional: true },
  session_lifetime: { is: 'hours', optional: true },
  idle_session_lifetime: { is: 'hours', optional: true },
} as const satisfies Readonly<Record<string, Member>>

const PATH = ['tenant'] as const
const PROTECTION_PATH = ['attackProtection'] as const
const COLOUR = /^#[0-9a-f]{6}$/i

const COUNTS = {
  enabled: { is: 'boolean', optional: true },
  allowlist: { is: 'texts', optional: true },
} as const satisfies Readonly<Record<string, Member>>
const STAGE = {
  max_attempts: { is: 'count', optional: true },
  rate: { is: 'count', optional: true },
} as const satisfies Readonly<Record<string, Member>>

const PROTECTION_MEMBERS = {
  bruteForceProtection: {
    is: 'object',
    optional: true,
    members: {
      ...COUNTS,
      shields: { is: 'texts', optional: true, oneOf: ['block', 'user_notification'] },
      mode: { is: 'text', optional: true, oneOf: ['count_per_identifier_and_ip', 'count_per_identifier'] },
      max_attempts: { is: 'count', optional: true },
    },
  },
  suspiciousIpThrottling: {
    is: 'object',
    optional: true,
    members: {
      ...COUNTS,
      shields: { is: 'texts', optional: true, oneOf: ['block', 'admin_notification'] },
      stage: {
        is: 'object',
        optional: true,
        members: {
          'pre-login': { is: 'object', optional: true, members: STAGE },
          'pre-user-registration': { is: 'object', optional: true, members: STAGE },
        },
      },
    },
  },
} as const satisfies Readonly<Record<string, Member>>

/** The settings as given, those without a meaning included, so that an export returns them. */
export function readSettings(document: JsonObject, findings: Findings): JsonObject {
  const attackProtection = readAttackProtection(document, findings)
  return { ...readTenant(document, findings), ...(attackProtection && { attackProtection }) }
}

/** What `policy/guessing.ts` reads. Undefined where the file does not speak of it. */
function readAttackProtection(document: JsonObject, findings: Findings): JsonObject | undefined {
  const given = document['attackProtection']
  if (given === undefined || given === null) return undefined
  if (!isObject(given)) {
    findings.fault(PROTECTION_PATH, 'attackProtection must be a mapping.')
    return undefined
  }
  if (!isSound('attackProtection', PROTECTION_MEMBERS, { path: PROTECTION_PATH, given }, findings)) return undefined
  const read = readMembers(PROTECTION_MEMBERS, given)
  for (const section of ['bruteForceProtection', 'suspiciousIpThrottling'] as const)
    for (const [index, entry] of (read[section]?.allowlist ?? []).entries())
      if (!isAddressOrRange(entry))
        findings.fault(
          [...PROTECTION_PATH, section, 'allowlist', index],
          `allowlist holds "${entry}", which is neither an IP address nor a range of them such as 10.0.0.0/8.`,
        )
  return given
}

function readTenant(document: JsonObject, findings: Findings): JsonObject {
  const given = document['tenant'] ?? {}
  if (!isObject(given)) {
    findings.fault(PATH, 'tenant must be a mapping.')
    return {}
  }
  if (!isSound('the tenant', MEMBERS, { path: PATH, given }, findings)) return {}
  const { colors, allowed_logout_urls: urls = [] } = readMembers(MEMBERS, given)
  if (colors?.primary !== undefined && !COLOUR.test(colors.primary))
    findings.fault([...PATH, 'colors', 'primary'], 'primary must be a colour such as "#0f6b4f".')
  for (const [index, url] of urls.entries())
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
): Promise<readonly Step[]> {
  const { default_audience: audience, default_directory: directory } = readMembers(MEMBERS, given)
  if (audience !== undefined && !(await apis.scopesOf(audience)))
    findings.fault([...PATH, 'default_audience'], `There is no API "${audience}".`)
  await checkDirectory(store, tenant, directory, findings)
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
export async function exportSettings({
  store,
  tenant,
}: Exporting): Promise<{ tenant: JsonObject | undefined; attackProtection: JsonValue | undefined }> {
  const { attackProtection, ...settings } = (await store.tenants.find(tenant))?.settings ?? {}
  return { tenant: Object.keys(settings).length > 0 ? settings : undefined, attackProtection }
}

async function checkDirectory(store: Nouns, tenant: string, directory: string | undefined, findings: Findings) {
  const found = directory === undefined ? undefined : await store.connections.findByName(tenant, directory)
  if (directory !== undefined && found?.strategy !== DATABASE_STRATEGY)
    findings.fault([...PATH, 'default_directory'], `There is no connection "${directory}" that has passwords.`)
}
