/**
 * The settings of a tenant under Auth0's names: which there are, what is wrong with one, how a change is carried out and
 * what is told of them. They are kept as they were given, so that an export returns them; what those mean that have a
 * meaning here is `tenants.ts`'s, and of attack protection and branding, `attack-protection.ts`'s and `branding.ts`'s.
 */
import { DocumentFault, mustBeSound } from '../config/document-fault.ts'
import { type Members, readMembers } from '../config/members.ts'
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts'
import { DATABASE_STRATEGY } from '../store/connections.ts'
import type { Nouns, Transaction } from '../store/store.ts'
import { languages } from '../words/languages.ts'

/** Those that have a meaning here. */
export const SETTINGS = {
  friendly_name: { is: 'text', optional: true },
  picture_url: { is: 'url', optional: true },
  support_email: { is: 'text', optional: true },
  support_url: { is: 'url', optional: true },
  colors: { is: 'object', optional: true, members: { primary: { is: 'text', optional: true } } },
  allowed_logout_urls: { is: 'urls', optional: true },
  enabled_locales: { is: 'texts', optional: true },
  flags: {
    is: 'object',
    optional: true,
    members: {
      enable_dynamic_client_registration: { is: 'boolean', optional: true },
      enable_client_connections: { is: 'boolean', optional: true },
    },
  },
  session_cookie: {
    is: 'object',
    optional: true,
    members: { mode: { is: 'text', oneOf: ['persistent', 'non-persistent'] } },
  },
  /** `immediate`, as where it is left out: whoever signs up is signed in. */
  signup: { is: 'text', oneOf: ['immediate', 'verify-first'], optional: true },
  default_redirection_uri: { is: 'url', optional: true },
  allow_organization_name_in_authentication_api: { is: 'boolean', optional: true },
  default_audience: { is: 'text', optional: true },
  default_directory: { is: 'text', optional: true },
  session_lifetime: { is: 'hours', optional: true },
  idle_session_lifetime: { is: 'hours', optional: true },
} as const satisfies Members

const PAGE = { is: 'object', optional: true, members: { enabled: { is: 'boolean', optional: true } } } as const
const TRUTH = { is: 'boolean', optional: true } as const

/** Those that are kept and returned, and do nothing here. */
const KEPT = {
  change_password: PAGE,
  guardian_mfa_page: PAGE,
  error_page: { is: 'object', optional: true, members: {} },
  device_flow: { is: 'object', optional: true, members: {} },
  default_token_quota: { is: 'object', optional: true, members: {} },
  ephemeral_session_lifetime: { is: 'hours', optional: true },
  idle_ephemeral_session_lifetime: { is: 'hours', optional: true },
  sandbox_version: { is: 'text', optional: true },
  legacy_sandbox_version: { is: 'text', optional: true },
  security_headers: { is: 'object', optional: true, members: {} },
  sessions: { is: 'object', optional: true, members: {} },
  oidc_logout: { is: 'object', optional: true, members: {} },
  customize_mfa_in_postlogin_action: TRUTH,
  acr_values_supported: { is: 'texts', optional: true },
  mtls: { is: 'object', optional: true, members: {} },
  pushed_authorization_requests_supported: TRUTH,
  authorization_response_iss_parameter_supported: TRUTH,
  skip_non_verifiable_callback_uri_confirmation_prompt: TRUTH,
  resource_parameter_profile: { is: 'text', optional: true },
  client_id_metadata_document_supported: TRUTH,
  enable_ai_guide: TRUTH,
  phone_consolidated_experience: TRUTH,
  include_session_metadata_in_tenant_logs: TRUTH,
  dynamic_client_registration_security_mode: { is: 'text', optional: true },
  country_codes: { is: 'object', optional: true, members: {} },
} as const satisfies Members

/** Told by the API and not changed by it. */
const TOLD = ['sandbox_versions_available']
/** Of other parts, in the same document. */
const OF_OTHERS = ['attackProtection', 'branding', 'colors', 'signup']

const IN_MINUTES = [
  'session_lifetime',
  'idle_session_lifetime',
  'ephemeral_session_lifetime',
  'idle_ephemeral_session_lifetime',
] as const

const COLOUR = /^#[0-9a-f]{6}$/i
const LOCALE = /^[a-z]{2,3}(?:-[a-z0-9]{2,8})*$/i
const MOST_LISTED = 1000
const LONGEST_TEXT = 4096
/** In characters of JSON, pages of their own included. */
const LONGEST_SETTINGS = 512 * 1024

/** What is wrong beyond the form of each: the first sentence of `SETTINGS` says the rest. */
export function settingProblems(given: JsonObject): DocumentFault[] {
  const { colors, enabled_locales: locales = [] } = readMembers(SETTINGS, given)
  const faults: DocumentFault[] = []
  if (colors?.primary !== undefined && !COLOUR.test(colors.primary))
    faults.push(new DocumentFault('primary must be a colour such as "#0f6b4f".', ['colors', 'primary']))
  for (const [index, locale] of locales.entries())
    if (!LOCALE.test(locale) || locale.length > 35)
      faults.push(
        new DocumentFault(`enabled_locales holds "${locale.slice(0, 40)}", which is no language such as ko or pt-BR.`, [
          'enabled_locales',
          index,
        ]),
      )
  return faults
}

/** What a change says, in the form in which it is kept. What a file has brought may be sent back. Throws `DocumentFault`. */
function readChange(given: JsonObject, before: JsonObject): JsonObject {
  const change: Record<string, JsonValue> = {}
  for (const [name, value] of Object.entries(given)) {
    const base = IN_MINUTES.find(one => `${one}_in_minutes` === name)
    const isKnown = [SETTINGS, KEPT, before].some(known => Object.hasOwn(known, name)) || TOLD.includes(name)
    if (base === undefined && (!isKnown || OF_OTHERS.includes(name)))
      throw new DocumentFault(`There is no setting ${name.slice(0, 100)}.`, [name.slice(0, 100)])
    if (value === undefined || TOLD.includes(name)) continue
    // Both may be sent, and say the same; in minutes it is exact.
    if (base !== undefined) change[base] = hoursOf(name, value)
    else if (given[`${name}_in_minutes`] === undefined) change[name] = value
  }
  mustBeSound({ ...SETTINGS, ...KEPT }, change)
  const [fault] = settingProblems(change)
  if (fault) throw fault
  for (const [name, value] of Object.entries(change)) {
    if (typeof value === 'string' && value.length > LONGEST_TEXT)
      throw new DocumentFault(`${name} is longer than ${LONGEST_TEXT} characters.`, [name])
    if (Array.isArray(value) && value.length > MOST_LISTED)
      throw new DocumentFault(`${name} holds more than ${MOST_LISTED} entries.`, [name])
  }
  return change
}

function hoursOf(name: string, value: JsonValue): JsonValue {
  if (value === null) return null
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1)
    throw new DocumentFault(`${name} must be a whole number of minutes above 0.`, [name])
  return value / 60
}

/** What only the store can tell. */
export async function settingFaults(store: Nouns, tenant: string, change: JsonObject): Promise<DocumentFault[]> {
  const { default_audience: audience, default_directory: directory } = readMembers(SETTINGS, change)
  const faults: DocumentFault[] = []
  if (audience !== undefined && !(await store.resourceServers.findByIdentifier(tenant, audience)))
    faults.push(new DocumentFault(`There is no API "${audience}".`, ['default_audience']))
  if (directory !== undefined) {
    const found = await store.connections.findByName(tenant, directory)
    if (found?.strategy !== DATABASE_STRATEGY)
      faults.push(new DocumentFault(`There is no connection "${directory}" that has passwords.`, ['default_directory']))
  }
  return faults
}

/** Answers both documents. A null takes a setting back; flags are set one by one. Throws `DocumentFault`. */
export async function changeSettings(
  transaction: Transaction,
  tenant: string,
  given: JsonObject,
): Promise<{ readonly before: JsonObject; readonly after: JsonObject }> {
  return rewriteSettings(transaction, tenant, async before => {
    const change = readChange(given, before)
    const [fault] = await settingFaults(transaction, tenant, change)
    if (fault) throw fault
    return withChange(before, change)
  })
}

/** For every part that keeps something in them. */
export async function rewriteSettings(
  { tenants, announce }: Transaction,
  tenant: string,
  rewrite: (before: JsonObject) => JsonObject | Promise<JsonObject>,
): Promise<{ readonly before: JsonObject; readonly after: JsonObject }> {
  const record = await tenants.hold(tenant)
  if (!record) throw new TypeError(`There is no tenant ${tenant}`)
  const before = record.settings
  const after = await rewrite(before)
  if (JSON.stringify(after).length > LONGEST_SETTINGS)
    throw new DocumentFault(`The settings together are longer than ${LONGEST_SETTINGS / 1024} KiB.`)
  await tenants.changeSettings(tenant, after)
  announce({ topic: 'tenant', tenant, id: tenant })
  return { before, after }
}

export function withChange(before: JsonObject, change: JsonObject): JsonObject {
  const after: Record<string, JsonValue> = {}
  for (const [name, value] of Object.entries({ ...before, ...change }))
    if (value !== null && value !== undefined)
      after[name] =
        name === 'flags' && isObject(value) && isObject(before[name]) ? { ...before[name], ...value } : value
  return after
}

/** Auth0's defaults, where a reader would take their absence for something else. */
const DEFAULTS: JsonObject = {
  friendly_name: '',
  picture_url: '',
  support_email: '',
  support_url: '',
  default_audience: '',
  default_directory: '',
  allowed_logout_urls: [],
  session_lifetime: 168,
  idle_session_lifetime: 72,
  session_cookie: { mode: 'persistent' },
}

/** As the Management API has them. */
export function settingsToWire(settings: JsonObject): JsonObject {
  const own = Object.entries(settings).filter(([name]) => !OF_OTHERS.includes(name))
  const { flags } = settings
  return {
    ...DEFAULTS,
    // What pages offer where nobody says.
    enabled_locales: languages,
    ...Object.fromEntries(own),
    flags: { enable_dynamic_client_registration: false, ...(isObject(flags) && flags) },
    sandbox_versions_available: [],
  }
}
