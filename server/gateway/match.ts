/**
 * Which route a request takes: the first of the file that fits its host, path and method. Without one there is no
 * passage. `explain` asks the same function why a route was passed over.
 */
import type { RoutePlan } from './plan.ts'

export interface Asked {
  readonly method: string
  readonly host: string
  /** Normalised. */
  readonly path: string
}

export interface CompiledRoute {
  readonly plan: RoutePlan
  /** What does not fit; undefined when all does. */
  mismatch(asked: Asked): 'host' | 'path' | 'method' | undefined
}

export interface RouteTable {
  readonly routes: readonly CompiledRoute[]
  find(asked: Asked): RoutePlan | undefined
}

/** Routes are looked for by the first segment of the path, so that a file of hundreds costs no more than one of ten. */
export function compileRoutes(plans: readonly RoutePlan[]): RouteTable {
  const routes = plans.map(compile)
  const anywhere: CompiledRoute[] = []
  const under = new Map<string, CompiledRoute[]>()
  for (const route of routes) {
    const [, first = ''] = route.plan.match.path.split('/')
    if (first === '*' || first.startsWith(':')) {
      anywhere.push(route)
      for (const list of under.values()) list.push(route)
    } else under.set(first, [...(under.get(first) ?? anywhere), route])
  }
  return {
    routes,
    find(asked) {
      const end = asked.path.indexOf('/', 1)
      const first = end < 0 ? asked.path.slice(1) : asked.path.slice(1, end)
      for (const route of under.get(first) ?? anywhere) if (!route.mismatch(asked)) return route.plan
      return undefined
    },
  }
}

function compile(plan: RoutePlan): CompiledRoute {
  const { host, path, methods } = plan.match
  const isHost = hostMatcher(host)
  const isPath = pathMatcher(path)
  const allowed = methods && new Set(methods.includes('GET') ? [...methods, 'HEAD'] : methods)
  return {
    plan,
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
