/**
 * Who is calling, told to a service in headers: the claims that a route maps, as text that fits a header whatever a claim
 * holds. A claim that is not there is no header. That no client's copy goes on is `strip.ts`'s.
 */
import type { Instant } from '../kernel/clock.ts'
import { isObject, type JsonValue } from '../kernel/json.ts'
import type { Caller } from './exchange.ts'
import type { IdentityHeader, RoutePlan } from './plan.ts'

/** Name, value, name, value. */
export type IdentityHeaders = (route: RoutePlan, caller: Caller, now: Instant) => readonly string[]

/** What was told of a caller on one route, and on those before it: most callers ask for one or two. */
interface Told {
  readonly route: RoutePlan
  readonly headers: readonly string[]
  readonly before: Told | undefined
}

/**
 * What a caller is told as stays the same for as long as the caller is known: it is made once for each route. Of a hundred
 * thousand callers a map each would take as much as all else that is known of them.
 */
export function createIdentityHeaders(): (route: RoutePlan, caller: Caller) => readonly string[] {
  const made = new WeakMap<Caller, Told>()
  return (route, caller) => {
    if (route.identity.length === 0) return NONE
    const latest = made.get(caller)
    for (let told = latest; told; told = told.before) if (told.route === route) return told.headers
    const headers = route.identity.flatMap(identity => headerOf(identity, caller))
    made.set(caller, { route, headers, before: latest })
    return headers
  }
}

const NONE: readonly string[] = []

function headerOf({ header, claim }: IdentityHeader, { claims }: Caller): readonly string[] {
  const value = valueAt(claims, claim)
  return value === undefined || value === null ? NONE : [header, headerText(value)]
}

/** Undefined where a step leads nowhere. Only members of the claims' own count, whatever a step is called. */
export function valueAt(claims: JsonValue, steps: readonly string[]): JsonValue | undefined {
  let value: JsonValue | undefined = claims
  for (const step of steps) {
    if (Array.isArray(value))
      value = /^(?:0|[1-9]\d*)$/.test(step) ? (value as readonly JsonValue[])[Number(step)] : undefined
    else value = isObject(value) && Object.hasOwn(value, step) ? value[step] : undefined
  }
  return value
}

/**
 * A claim as the value of a header: text as it is where it is visible ASCII, everything else in it percent-encoded as
 * UTF-8, and the percent sign too, so that what was encoded can be told from what was there. Lists are joined by commas,
 * those within their items encoded; what is deeper is JSON.
 */
export function headerText(value: JsonValue): string {
  if (Array.isArray(value)) return value.map((item: JsonValue) => encoded(plain(item), COMMA_TOO)).join(',')
  return encoded(plain(value), NOT_PLAIN)
}

const plain = (value: JsonValue): string => (typeof value === 'string' ? value : JSON.stringify(value))

/** A space is neither visible nor, at an end, kept by HTTP. */
const NOT_PLAIN = /[^!-$&-~]/gu
const COMMA_TOO = /[^!-$&-+\--~]/gu

/** Half of a pair of surrogates is no character: it is told as Unicode tells what it cannot. */
const encoded = (text: string, what: RegExp): string => text.toWellFormed().replace(what, percentEncoded)

/** By bytes: `encodeURIComponent` leaves some of ASCII as it is. */
const percentEncoded = (character: string): string =>
  [...Buffer.from(character)].map(byte => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
