/** Tenants and hosts: which tenant a host is, and the settings that pages and sessions follow. Cached, and forgotten on change. */
import type { Bus } from '../kernel/bus.ts'
import { createCache } from '../kernel/cache.ts'
import type { Clock } from '../kernel/clock.ts'
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts'
import { DAY, HOUR } from '../kernel/seconds.ts'
import { type GuessingLimits, readGuessingLimits } from '../policy/guessing.ts'
import type { Store } from '../store/store.ts'
import type { HostRecord, TenantRecord } from '../store/tenants.ts'
import type { PromptTexts } from '../words/custom-text.ts'
import { type Language, languages, spokenLanguage } from '../words/languages.ts'
import { findTheme, lookOf } from './look.ts'
import { TEXT_DOCUMENT, textsIn } from './own-words.ts'

export interface Tenant {
  readonly id: string
  /** What people read: the friendly name. */
  readonly name: string
  readonly logoUrl: string | null
  readonly accent: string | null
  readonly faviconUrl: string | null
  readonly supportEmail: string | null
  readonly supportUrl: string | null
  /** Which of the languages spoken here its pages and mail speak, the first where nobody wishes for one; all where it says none of them. */
  readonly languages: readonly Language[]
  readonly logoutUrls: readonly string[]
  /** The audience of a request that names none, or null. */
  readonly defaultAudience: string | null
  readonly guessing: GuessingLimits
  /** Whether strangers may register clients. */
  readonly isRegistrationOpen: boolean
  /** Whether an account is made by a mailed link alone, so that the sign-up page tells of no address that it is taken. */
  readonly signsUpByMail: boolean
  /** Where people begin who were sent to no application in particular, or null. */
  readonly loginUrl: string | null
  /** Whether organizations are known to applications by name too, in requests and in tokens. */
  readonly namesOrganizations: boolean
  readonly session: {
    readonly lifetime: number
    readonly idleLifetime: number
    /** Whether a browser that is closed forgets it. */
    readonly endsWithBrowser: boolean
  }
}

export interface Tenants {
  find(id: string): Promise<Tenant>
  /** What its pages say in its own words. */
  findTexts(id: string, language: Language): Promise<PromptTexts>
  findHost(host: string): Promise<HostRecord | undefined>
  /** Of all tenants, as the store has them: for what has to know every name of this server, and seldom. */
  everyHost(): Promise<readonly string[]>
}

/** Auth0's defaults: a week, and three days without a visit. */
const SESSION_LIFETIME = 7 * DAY
const SESSION_IDLE_LIFETIME = 3 * DAY
const CACHED_TENANTS = 1000
const LISTED_AT_ONCE = 500

export function createTenants({ store, bus, clock }: { store: Store; bus: Bus; clock: Clock }): Tenants {
  const cached = { limit: CACHED_TENANTS, clock, bus, keyOf: ({ id }: { id: string }) => id }
  const tenants = createCache<Tenant>({ ...cached, topic: 'tenant' })
  const hosts = createCache<HostRecord | undefined>({ ...cached, topic: 'host' })

  const texts = createCache<PromptTexts>({
    ...cached,
    keyOf: ({ tenant, id }) => `${tenant} ${id}`,
    topic: TEXT_DOCUMENT,
  })

  return {
    find: id =>
      tenants.get(id, async () => {
        const [record, theme] = await Promise.all([store.tenants.find(id), findTheme(store, id)])
        if (!record) throw new Error(`Tenant ${id} has hosts but no row`)
        return resolveTenant(record, theme?.document)
      }),

    findTexts: (id, language) => texts.get(`${id} ${language}`, () => textsIn(store, id, language)),

    async findHost(host) {
      const found = await hosts.get(host, () => store.tenants.findHost(host))
      if (!found) hosts.drop(host)
      return found
    },

    async everyHost() {
      const listed: string[] = []
      for (let after: string | undefined; ; ) {
        const page = await store.tenants.list({ limit: LISTED_AT_ONCE, ...(after !== undefined && { after }) })
        const [first, ...rest] = page.map(({ id }) => id)
        if (first === undefined) return listed
        listed.push(...(await store.tenants.hostsOf(first, ...rest)).map(({ host }) => host))
        after = page.at(-1)?.id
      }
    },
  }
}

function resolveTenant(record: TenantRecord, theme: JsonObject | undefined): Tenant {
  const { settings } = record
  const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)
  const hours = (value: unknown, fallback: number): number =>
    typeof value === 'number' && value > 0 ? value * HOUR : fallback
  return {
    id: record.id,
    name: text(settings['friendly_name']) ?? record.name,
    ...lookOf(settings, theme),
    supportEmail: text(settings['support_email']),
    supportUrl: text(settings['support_url']),
    languages: languagesOf(settings['enabled_locales']),
    logoutUrls: (settings['allowed_logout_urls'] as readonly string[] | undefined) ?? [],
    defaultAudience: text(settings['default_audience']),
    guessing: readGuessingLimits(settings['attackProtection']),
    isRegistrationOpen: (settings['flags'] as JsonObject | undefined)?.['enable_dynamic_client_registration'] === true,
    signsUpByMail: settings['signup'] === 'verify-first',
    loginUrl: text(settings['default_redirection_uri']),
    namesOrganizations: settings['allow_organization_name_in_authentication_api'] === true,
    session: {
      lifetime: hours(settings['session_lifetime'], SESSION_LIFETIME),
      idleLifetime: hours(settings['idle_session_lifetime'], SESSION_IDLE_LIFETIME),
      endsWithBrowser: memberOf(settings['session_cookie'], 'mode') === 'non-persistent',
    },
  }
}

const memberOf = (document: JsonValue | undefined, name: string): JsonValue | undefined =>
  isObject(document) ? document[name] : undefined

function languagesOf(locales: JsonValue | undefined): readonly Language[] {
  const listed = Array.isArray(locales) ? (locales as readonly JsonValue[]) : []
  const spoken = listed.flatMap(locale => (typeof locale === 'string' ? (spokenLanguage(locale) ?? []) : []))
  return spoken.length > 0 ? [...new Set(spoken)] : languages
}
