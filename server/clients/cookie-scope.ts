/**
 * How the cookies of a tenant are set. An application on another site than ours finds the session in a hidden
 * frame only when the cookie is `SameSite=None`; where there is none such, `Lax` keeps it from every other site.
 */

import { readMembers } from '../config/members.ts'
import type { CookieScope } from '../http/cookies.ts'
import type { Bus } from '../kernel/bus.ts'
import { createCache } from '../kernel/cache.ts'
import type { Clock } from '../kernel/clock.ts'
import { type ClientRecord, everyClient } from '../store/clients.ts'
import type { Store } from '../store/store.ts'
import { CLIENT_MEMBERS, pageOriginsOf } from './metadata.ts'

export type FindCookieScope = (tenant: string, issuer: string) => Promise<CookieScope>

const CACHED_TENANTS = 1000

export function createCookieScope({ store, bus, clock }: { store: Store; bus: Bus; clock: Clock }): FindCookieScope {
  const crossSite = createCache<boolean>({
    limit: CACHED_TENANTS,
    clock,
    bus,
    topic: 'client',
    keyOf: ({ tenant }) => tenant,
  })

  const hasCrossSiteClient = async (tenant: string, issuer: string): Promise<boolean> => {
    for await (const client of everyClient(store, tenant))
      if (webOriginsOf(client).some(origin => isCrossSite(origin, issuer))) return true
    return false
  }

  return async (tenant, issuer) => {
    if (!issuer.startsWith('https:')) return { secure: false, sameSite: 'Lax' }
    return {
      secure: true,
      sameSite: (await crossSite.get(tenant, () => hasCrossSiteClient(tenant, issuer))) ? 'None' : 'Lax',
    }
  }
}

/** Those that ask for the session behind a page, and those that give a password for one. */
function webOriginsOf({ metadata }: ClientRecord): readonly string[] {
  const members = readMembers(CLIENT_MEMBERS, metadata)
  return members.cross_origin_authentication ? pageOriginsOf(members) : (members.web_origins ?? [])
}

/**
 * Whether a browser counts the two as different sites. Without the list of public suffixes only a host and what
 * is under it are surely one site; two names beside each other are taken for two, which is safe either way round.
 */
export function isCrossSite(origin: string, issuer: string): boolean {
  const page = URL.parse(origin)
  const server = new URL(issuer)
  if (!page) return false
  const isWithin = (inner: string, outer: string) => inner === outer || inner.endsWith(`.${outer}`)
  return (
    page.protocol !== server.protocol ||
    !(isWithin(page.hostname, server.hostname) || isWithin(server.hostname, page.hostname))
  )
}
