/**
 * Which route a request takes: the first of the file that fits its host, path and method. Without one there is no
 * passage. `explain` asks the same function why a route was passed over.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Access, RoutePlan } from './plan.ts'

export interface Asked {
  readonly method: string
  readonly host: string
  /** Normalised. */
  readonly path: string
}

export interface CompiledRoute {
  readonly plan: RoutePlan
  /** The pattern that is compared. */
  readonly path: string
  /** What does not fit; undefined when all does. */
  mismatch(asked: Asked): 'host' | 'path' | 'method' | undefined
}

export interface RouteTable {
  readonly routes: readonly CompiledRoute[]
  find(asked: Asked): RoutePlan | undefined
  /**
   * The route that the request gets by if it takes this one: many services do not tell `/Admin` or `/%61dmin` from `/admin`,
   * and this one would be asked for something else there.
   */
  evadedBy(route: RoutePlan, asked: Asked): RoutePlan | undefined
}

export function compileRoutes(plans: readonly RoutePlan[]): RouteTable {
  const routes = plans.map(plan => compile(plan))
  const find = finder(routes)
  const findLoosely = finder(plans.map(plan => compile(plan, loosely(plan.match.path))))
  return {
    routes,
    find,
    evadedBy(route, asked) {
      if (!READ_LOOSELY.test(asked.path)) return undefined
      const other = findLoosely({ ...asked, path: loosely(asked.path) })
      return other && other !== route && isOfOneService(route, other) && !asksAsMuch(route.access, other.access)
        ? other
        : undefined
    },
  }
}

/** What services are known to take for something else: a letter's case, and the escape of what needs none (RFC 3986 §3.3). */
const READ_LOOSELY = /[A-Z%]/
const NEEDS_NO_ESCAPE = "!$&'()*+,=:@"

const loosely = (path: string): string =>
  path
    .replace(/%(..)/g, (escaped, digits: string) => {
      const character = String.fromCharCode(Number.parseInt(digits, 16))
      return NEEDS_NO_ESCAPE.includes(character) ? character : escaped
    })
    .toLowerCase()

const isOfOneService = ({ upstream: one }: RoutePlan, { upstream: other }: RoutePlan): boolean =>
  one.targets.some(({ url }) => other.targets.some(target => target.url.host === url.host))

function asksAsMuch(one: Access, other: Access): boolean {
  if (other.kind === 'public' || other.kind === 'optional') return true
  if (one.kind === 'public' || one.kind !== other.kind) return false
  // Two lists of addresses look alike whatever they hold: only the very same one is.
  const isSameList = one.kind !== 'internal' || (other.kind === 'internal' && one.addresses === other.addresses)
  const asked = (access: Exclude<Access, { kind: 'public' }>) => [access.rule, 'clients' in access && access.clients]
  return isSameList && isDeepStrictEqual(asked(one), asked(other))
}

/** Routes are looked for by the first segment of the path, so that a file of hundreds costs no more than one of ten. */
function finder(routes: readonly CompiledRoute[]): RouteTable['find'] {
  const anywhere: CompiledRoute[] = []
  const under = new Map<string, CompiledRoute[]>()
  for (const route of routes) {
    const [, first = ''] = route.path.split('/')
    if (first === '*' || first.startsWith(':')) {
      anywhere.push(route)
      for (const list of under.values()) list.push(route)
    } else under.set(first, [...(under.get(first) ?? anywhere), route])
  }
  return asked => {
    const end = asked.path.indexOf('/', 1)
    const first = end < 0 ? asked.path.slice(1) : asked.path.slice(1, end)
    for (const route of under.get(first) ?? anywhere) if (!route.mismatch(asked)) return route.plan
    return undefined
  }
}

function compile(plan: RoutePlan, path = plan.match.path): CompiledRoute {
  const { host, methods } = plan.match
  const isHost = hostMatcher(host)
  const isPath = pathMatcher(path)
  const allowed = methods && new Set(methods.includes('GET') ? [...methods, 'HEAD'] : methods)
  return {
    plan,
    path,
    mismatch(asked) {
      if (!isHost(asked.host)) return 'host'
      if (!isPath(asked.path)) return 'path'
      return allowed === null || allowed.has(asked.method) || isPreflight(plan, asked.method) ? undefined : 'method'
    },
  }
}

/** A route that answers other origins answers what they ask first, whatever its methods are. */
const isPreflight = ({ cors }: RoutePlan, method: string): boolean => cors !== null && method === 'OPTIONS'

function hostMatcher(pattern: string | null): (host: string) => boolean {
  if (pattern === null) return () => true
  if (!pattern.startsWith('*.')) return host => host === pattern
  const ending = pattern.slice(1)
  return host => host.endsWith(ending) && host.length > ending.length
}

/**
 * With or without a slash at its end a path is one to most services, and so it is here: `/admin/` must not get by a route
 * for `/admin`.
 */
function pathMatcher(pattern: string): (path: string) => boolean {
  const isBelow = pattern.endsWith('/*')
  const fixed = isBelow ? pattern.slice(0, -1) : pattern.replace(/(?<=.)\/$/, '')
  if (!fixed.includes('/:')) return isBelow ? path => path.startsWith(fixed) : path => isSame(path, fixed)
  const parts = fixed.split('/')
  return path => {
    const asked = path.split('/')
    if (asked.at(-1) === '' && asked.length > parts.length && !isBelow) asked.pop()
    if (isBelow ? asked.length < parts.length : asked.length !== parts.length) return false
    // The last part of a pattern for what is below is empty, and anything may stand there.
    const compared = isBelow ? parts.length - 1 : parts.length
    for (let at = 1; at < compared; at++) {
      const [part, given] = [parts[at] ?? '', asked[at] ?? '']
      if (part.startsWith(':') ? given === '' : part !== given) return false
    }
    return true
  }
}

const isSame = (path: string, fixed: string): boolean =>
  path === fixed || (path.length === fixed.length + 1 && path.endsWith('/') && path.startsWith(fixed))
