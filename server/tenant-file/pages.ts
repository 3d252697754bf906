/**
 * The `pages` of a tenant file, as auth0-deploy-cli has them. They are kept where the Management API finds them, one with
 * the settings of all clients and the others with the tenant's, and pages on which people enter passwords take no markup.
 */

import { globalClientId, globalClientName } from '../clients/client-document.ts'
import type { Findings } from '../config/findings.ts'
import type { Members } from '../config/members.ts'
import type { JsonObject, JsonValue } from '../kernel/json.ts'
import { entriesOf, isSound, refuseRepeats, without } from './entries.ts'
import type { Kept } from './kept.ts'

const SECTION = 'pages'
const LOGIN = 'login'
/** The others, by the setting of the tenant that each is. */
export const PAGE_SETTINGS = {
  guardian_multifactor: 'guardian_mfa_page',
  password_reset: 'change_password',
  error_page: 'error_page',
} as const

const text = { is: 'any', optional: true } as const
const flag = { is: 'boolean', optional: true } as const
const MEMBERS = {
  name: { is: 'text', oneOf: [LOGIN, ...Object.keys(PAGE_SETTINGS)] },
  html: text,
  url: { is: 'url', optional: true },
  enabled: flag,
  show_log_link: flag,
} as const satisfies Members

/** By their names. What is wrong with them is told once, by whoever asks for the tenant's. */
function readPages(document: JsonObject, findings: Findings): ReadonlyMap<string, JsonObject> {
  const entries = entriesOf(document, [SECTION], findings)
  const sound = entries.filter(entry => isSound('a page', MEMBERS, entry, findings))
  refuseRepeats(
    sound,
    ({ given }) => String(given['name']),
    ({ given }) => `The page "${given['name']}" is there twice.`,
    findings,
  )
  for (const { path, given } of sound)
    if (given['html'] && given['enabled'] !== false)
      findings.warn(path, `The page "${given['name']}" is kept and not shown: pages here take no markup.`)
  return new Map(sound.map(({ given }) => [String(given['name']), without(given, 'name')]))
}

/** Those that are settings of the tenant, under the names of settings. */
export function readPageSettings(document: JsonObject, findings: Findings): JsonObject {
  const pages = readPages(document, findings)
  return Object.fromEntries(
    Object.entries(PAGE_SETTINGS).flatMap(([name, setting]) => {
      const page = pages.get(name)
      return page ? [[setting, page]] : []
    }),
  )
}

/** Takes them out of the settings again. */
export const exportPageSettings = (settings: JsonObject): readonly JsonObject[] =>
  Object.entries(PAGE_SETTINGS).flatMap(([name, setting]) => {
    const page = settings[setting]
    return typeof page === 'object' && page !== null ? [{ name, ...(page as JsonObject) }] : []
  })

const toPage = ({ custom_login_page: html, custom_login_page_on: enabled }: JsonObject): JsonObject => ({
  ...(html !== undefined && { html }),
  enabled: enabled ?? true,
})

export const loginPage: Kept = {
  kind: 'client',
  idOf: globalClientId,

  async read(document, findings) {
    const page = readPages(document, findings).get(LOGIN)
    return page ? [{ path: [SECTION], name: LOGIN, given: { enabled: true, ...page } }] : []
  },

  async find({ documents }, tenant) {
    const { data = {} } = (await documents.find(globalClientName(tenant))) ?? {}
    return data['custom_login_page'] === undefined && data['custom_login_page_on'] === undefined
      ? undefined
      : toPage(data)
  },

  async put({ documents }, tenant, _name, { html, enabled }, now) {
    const name = globalClientName(tenant)
    const before = (await documents.find(name))?.data ?? {}
    const data = {
      ...without(before, 'custom_login_page', 'custom_login_page_on'),
      ...(html !== undefined && { custom_login_page: html }),
      custom_login_page_on: enabled ?? true,
    }
    await documents.put({ ...name, data, sealed: null, createdAt: now, updatedAt: now })
    return 'put'
  },

  async export(nouns, tenant): Promise<JsonValue | undefined> {
    const page = await loginPage.find(nouns, tenant, LOGIN)
    return page && { name: LOGIN, ...page }
  },
}
