/**
 * How many people a search finds. Counting looks at each of them, so that a search is counted at most once in ten seconds;
 * what a page itself shows of the end is exact at once.
 */
import { type Cache, createCache } from '../kernel/cache.ts'
import { SECOND } from '../kernel/seconds.ts'
import { sha256 } from '../kernel/secrets.ts'
import type { PeopleSearch } from '../store/people.ts'
import type { ApiServices } from './services.ts'

const COUNTED_ANEW_AFTER = 10 * SECOND
const REMEMBERED = 1000

const caches = new WeakMap<object, Cache<number>>()

/** Of one server: by its store. */
function cacheOf({ store, clock, bus }: ApiServices): Cache<number> {
  const known = caches.get(store)
  if (known) return known
  const options = { limit: REMEMBERED, clock, bus, topic: 'people-total', longestAge: COUNTED_ANEW_AFTER }
  const made = createCache<number>({ ...options, keyOf: ({ tenant, id }) => `${tenant} ${id}` })
  caches.set(store, made)
  return made
}

/** `page`: what was found of it, and how much of it was wanted. */
export async function totalOf(
  services: ApiServices,
  tenant: string,
  search: PeopleSearch,
  page: { readonly start: number; readonly limit: number; readonly found: number },
): Promise<number> {
  const { start, limit, found } = page
  const isTheEnd = found < limit && (found > 0 || start === 0)
  if (isTheEnd) return start + found
  const key = `${tenant} ${sha256(JSON.stringify(search))}`
  return Math.max(start + found, await cacheOf(services).get(key, () => services.store.people.count(tenant, search)))
}
