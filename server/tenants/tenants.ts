/** Tenants and hosts: which tenant a host is, and the settings that pages and sessions follow. Cached, and forgotten on change. */
import type { Bus } from '../kernel/bus.ts'
import { createCache } from '../kernel/cache.ts'
import type { Clock } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import { DAY, HOUR } from '../kernel/seconds.ts'
import { type GuessingLimits, readGuessingLimits } from '../policy/guessing.ts'
import type { Store } from '../store/store.ts'
import type { HostRecord, TenantRecord } from '../store/tenants.ts'

export interface Tenant {
  readonly id: string
  /** What people read: the friendly name. */
  readonly name: string
  readonly logoUrl: string | null
  readonly accent: string | null
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
  readonly session: { readonly lifetime: number; readonly idleLifetime: number }
}

export interface Tenants {
  find(id: string): Promise<Tenant>
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

  return {
    find: id =>
      tenants.get(id, async () => {
        const record = await store.tenants.find(id)
        if (!record) throw new Error(`Tenant ${id} has hosts but no row`)
        return resolveTenant(record)
      }),

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

function resolveTenant(record: TenantRecord): Tenant {
  const { settings } = record
  const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)
  const hours = (value: unknown, fallback: number): number =>
    typeof value === 'number' && value > 0 ? value * HOUR : fallback
  const colours = settings['colors'] as JsonObject | undefined
  return {
    id: record.id,
    name: text(settings['friendly_name']) ?? record.name,
    logoUrl: text(settings['picture_url']),
    accent: text(colours?.['primary']),
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
    },
  }
}
