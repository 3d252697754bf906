/**
 * Attack protection under Auth0's names, in one member of the tenant's settings: what may be said of each part, and what
 * is told where nothing is. The first two parts are carried out (`policy/guessing.ts`); what the others say is kept.
 */
import { isDeepStrictEqual } from 'node:util'
import { DocumentFault, mustBeSound } from '../config/document-fault.ts'
import { type Members, readMembers } from '../config/members.ts'
import { isAddressOrRange } from '../kernel/ip-ranges.ts'
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts'
import type { Transaction } from '../store/store.ts'
import { rewriteSettings } from './settings.ts'

const ENABLED = { is: 'boolean', optional: true } as const
const LIST = { is: 'texts', optional: true } as const
const COUNTS = { enabled: ENABLED, allowlist: LIST } as const
const STAGE = {
  is: 'object',
  optional: true,
  members: { max_attempts: { is: 'count', optional: true }, rate: { is: 'count', optional: true } },
} as const satisfies Members[string]
const shields = (...oneOf: readonly string[]) => ({ is: 'texts', optional: true, oneOf }) as const
const policy = { is: 'text', optional: true, oneOf: ['never', 'when_risky', 'always'] } as const
const ANY = { is: 'object', optional: true, members: {} } as const

/** By their names in a tenant file; `stage` is merged member by member. */
export const PARTS = {
  bruteForceProtection: {
    ...COUNTS,
    shields: shields('block', 'user_notification'),
    mode: { is: 'text', optional: true, oneOf: ['count_per_identifier_and_ip', 'count_per_identifier'] },
    max_attempts: { is: 'count', optional: true },
  },
  suspiciousIpThrottling: {
    ...COUNTS,
    shields: shields('block', 'admin_notification'),
    stage: {
      is: 'object',
      optional: true,
      members: { 'pre-login': STAGE, 'pre-user-registration': STAGE },
    },
  },
} as const satisfies Readonly<Record<string, Members>>

/** Kept and returned, and nothing is done by them. */
export const KEPT_PARTS = {
  breachedPasswordDetection: {
    enabled: ENABLED,
    shields: shields('block', 'user_notification', 'admin_notification'),
    admin_notification_frequency: shields('immediately', 'daily', 'weekly', 'monthly'),
    method: { is: 'text', optional: true, oneOf: ['standard', 'enhanced'] },
    stage: ANY,
  },
  botDetection: {
    bot_detection_level: { is: 'text', optional: true, oneOf: ['low', 'medium', 'high'] },
    challenge_password_policy: policy,
    challenge_passwordless_policy: policy,
    challenge_password_reset_policy: policy,
    allowlist: LIST,
    monitoring_mode_enabled: ENABLED,
  },
} as const satisfies Readonly<Record<string, Members>>

const ALL_PARTS = { ...PARTS, ...KEPT_PARTS }
export type ProtectionPart = keyof typeof ALL_PARTS
export const protectionMembers = (part: ProtectionPart): Members => ALL_PARTS[part]

/** What holds where the tenant says nothing: `policy/guessing.ts` has the numbers of the first two. */
const DEFAULTS: Readonly<Record<ProtectionPart, JsonObject>> = {
  bruteForceProtection: {
    enabled: true,
    shields: ['block', 'user_notification'],
    allowlist: [],
    mode: 'count_per_identifier_and_ip',
    max_attempts: 10,
  },
  suspiciousIpThrottling: {
    enabled: true,
    shields: ['block', 'admin_notification'],
    allowlist: [],
    stage: {
      'pre-login': { max_attempts: 100, rate: 864_000 },
      'pre-user-registration': { max_attempts: 50, rate: 1200 },
    },
  },
  // There is no list of breached passwords to ask, so it is off until somebody says otherwise.
  breachedPasswordDetection: {
    enabled: false,
    shields: [],
    admin_notification_frequency: [],
    method: 'standard',
    stage: { 'pre-user-registration': { shields: [] }, 'pre-change-password': { shields: [] } },
  },
  botDetection: {
    bot_detection_level: 'low',
    challenge_password_policy: 'never',
    challenge_passwordless_policy: 'never',
    challenge_password_reset_policy: 'never',
    allowlist: [],
    monitoring_mode_enabled: false,
  },
}

/** Lists of which the order says nothing. */
const SETS: readonly string[] = ['shields', 'admin_notification_frequency', 'allowlist']

const MOST_LISTED = 1000

/** Beyond the form of each member: what a list of addresses holds. */
export function allowlistFaults(part: ProtectionPart, given: JsonObject): DocumentFault[] {
  const { allowlist = [] } = readMembers({ allowlist: LIST }, given)
  if (allowlist.length > MOST_LISTED)
    return [new DocumentFault(`allowlist holds more than ${MOST_LISTED} entries.`, [part, 'allowlist'])]
  return allowlist.flatMap((entry, index) =>
    isAddressOrRange(entry)
      ? []
      : [
          new DocumentFault(
            `allowlist holds "${entry.slice(0, 60)}", which is neither an IP address nor a range of them such as 10.0.0.0/8.`,
            [part, 'allowlist', index],
          ),
        ],
  )
}

/** A change of one part. Throws `DocumentFault`. */
export function readProtection(part: ProtectionPart, given: JsonObject): JsonObject {
  const members: Members = ALL_PARTS[part]
  const [unknown] = Object.keys(given).filter(name => !Object.hasOwn(members, name))
  if (unknown !== undefined) throw new DocumentFault(`There is no such member of ${part}.`, [unknown.slice(0, 100)])
  mustBeSound(members, given)
  const [fault] = allowlistFaults(part, given)
  if (fault) throw new DocumentFault(fault.message, fault.path.slice(1))
  if (JSON.stringify(given).length > 64 * 1024) throw new DocumentFault(`${part} is longer than 64 KiB.`)
  return given
}

/** Whether a part as given says nothing but what holds where nothing is said. */
export const isDefaultProtection = (part: string, given: JsonValue): boolean =>
  isObject(given) &&
  Object.hasOwn(ALL_PARTS, part) &&
  isDeepStrictEqual(inOrder(merged(DEFAULTS[part as ProtectionPart], given)), inOrder(DEFAULTS[part as ProtectionPart]))

export const protectionToWire = (settings: JsonObject, part: ProtectionPart): JsonObject =>
  merged(DEFAULTS[part], partOf(settings, part))

/** Answers the part as it was and as it is, as the API has it. */
export async function changeProtection(
  transaction: Transaction,
  tenant: string,
  part: ProtectionPart,
  change: JsonObject,
): Promise<{ readonly before: JsonObject; readonly after: JsonObject }> {
  const { before, after } = await rewriteSettings(transaction, tenant, settings => ({
    ...settings,
    attackProtection: {
      ...(isObject(settings['attackProtection']) && settings['attackProtection']),
      [part]: merged(partOf(settings, part), change),
    },
  }))
  return { before: protectionToWire(before, part), after: protectionToWire(after, part) }
}

/** What a change of several parts makes of the member of the settings: each part as by `changeProtection`. */
export const withProtection = (settings: JsonObject, change: JsonObject): JsonObject => ({
  ...(isObject(settings['attackProtection']) && settings['attackProtection']),
  ...Object.fromEntries(
    Object.entries(change).map(([part, said]) => [part, merged(partOf(settings, part), isObject(said) ? said : {})]),
  ),
})

/** Every part as it holds, whichever of them the settings speak of, and lists that are sets in one order. */
export const protectionInForce = (settings: JsonObject): JsonObject => ({
  ...(isObject(settings['attackProtection']) && settings['attackProtection']),
  ...Object.fromEntries(
    (Object.keys(ALL_PARTS) as ProtectionPart[]).map(part => [part, inOrder(protectionToWire(settings, part))]),
  ),
})

const inOrder = (part: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(part).map(([name, value]) => [
      name,
      isObject(value) ? inOrder(value) : SETS.includes(name) && Array.isArray(value) ? value.toSorted() : value,
    ]),
  )

function partOf(settings: JsonObject, part: string): JsonObject {
  const all = settings['attackProtection']
  const found = isObject(all) ? all[part] : undefined
  return isObject(found) ? found : {}
}

/** What a stage does not speak of stays as it is. */
function merged(before: JsonObject, change: JsonObject): JsonObject {
  const { stage } = change
  const old = before['stage']
  return { ...before, ...change, ...(isObject(stage) && isObject(old) && { stage: { ...old, ...stage } }) }
}
