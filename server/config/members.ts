/**
 * Reading documents that operators write: which members have a meaning, of which form, and what is wrong with
 * one that has another. The same table checks a tenant file and types what is read from it.
 */
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts'
import { DAY, HOUR, SECOND } from '../kernel/seconds.ts'

export type Member = {
  readonly optional?: boolean
} & (
  | { readonly is: 'text' | 'texts'; readonly oneOf?: readonly string[] }
  | { readonly is: 'boolean' | 'url' | 'urls' | 'seconds' | 'hours' | 'count' }
  /** Of a form that `check` knows: what is wrong, as a sentence that begins with the name. */
  | { readonly is: 'any'; readonly check?: (value: JsonValue, name: string) => string | undefined }
  | { readonly is: 'object'; readonly members: Members }
)
export type Members = { readonly [name: string]: Member }

type Form<M extends Member> = M extends { is: 'text'; oneOf: readonly (infer T)[] }
  ? T
  : M extends { is: 'texts'; oneOf: readonly (infer T)[] }
    ? readonly T[]
    : M extends { is: 'text' | 'url' }
      ? string
      : M extends { is: 'texts' | 'urls' }
        ? readonly string[]
        : M extends { is: 'boolean' }
          ? boolean
          : M extends { is: 'seconds' | 'hours' | 'count' }
            ? number
            : M extends { is: 'object'; members: infer N extends Members }
              ? Read<N>
              : JsonValue
export type Read<M extends Members> = {
  readonly [K in keyof M as M[K] extends { optional: true } ? never : K]: Form<M[K]>
} & { readonly [K in keyof M as M[K] extends { optional: true } ? K : never]?: Form<M[K]> | undefined }

/** Where in the document, from the outside in: `['refresh_token', 'leeway']`. */
export interface Problem {
  readonly path: readonly (string | number)[]
  readonly message: string
}

/** Every fault of form, not just the first, and of a list of URLs each at its own. Unknown members are `unknownMembers`' business. */
export function checkMembers(
  members: Members,
  document: JsonObject,
  path: readonly (string | number)[] = [],
): Problem[] {
  const problems: Problem[] = []
  for (const name of Object.keys(members)) {
    const member = members[name] as Member
    const value = document[name]
    if (isUnset(value, member)) {
      if (!member.optional) problems.push({ path: [...path, name], message: `${name} is missing.` })
    } else problems.push(...problemsOf(name, member, value, path))
  }
  return problems
}

function problemsOf(name: string, member: Member, value: JsonValue, path: Problem['path']): readonly Problem[] {
  if (member.is === 'object' && isObject(value)) return checkMembers(member.members, value, [...path, name])
  if (member.is === 'urls' && isTexts(value))
    return value.flatMap((url, index) => urlProblems(url, name, [...path, name, index]))
  const message = member.is === 'object' ? `${name} must be a mapping.` : FAULTS[member.is](value, name, member)
  return message ? [{ path: [...path, name], message }] : []
}

/** Members that have no meaning here, so that nobody believes they do. */
export const unknownMembers = (members: Members, document: JsonObject): string[] =>
  Object.entries(document).flatMap(([name, value]) => {
    // A member called "constructor" is unknown too.
    const member = Object.hasOwn(members, name) ? members[name] : undefined
    if (!member) return [name]
    return member.is === 'object' && isObject(value)
      ? unknownMembers(member.members, value).map(inner => `${name}.${inner}`)
      : []
  })

/** The known members of a document that `checkMembers` found sound; what is not set is left out. */
export function readMembers<const M extends Members>(members: M, document: JsonObject): Read<M> {
  const read: Record<string, unknown> = {}
  for (const name of Object.keys(members)) {
    const member = members[name] as Member
    const value = document[name]
    if (isUnset(value, member)) continue
    read[name] = member.is === 'object' ? readMembers(member.members, value as JsonObject) : value
  }
  return read as Read<M>
}

/** An export writes null for what is not set, and for text that nobody filled in an empty one. */
const isUnset = (value: JsonValue | undefined, member: Member): value is undefined | null =>
  value === undefined ||
  value === null ||
  (value === '' && member.optional === true && (member.is === 'text' || member.is === 'url'))

/** For a member of which only certain texts are known. */
function notAllowed(texts: readonly string[], name: string, member: Member): string | undefined {
  const allowed = 'oneOf' in member ? member.oneOf : undefined
  const other = allowed && texts.find(text => !allowed.includes(text))
  return other === undefined ? undefined : `${name} must be one of ${allowed?.join(', ')}, not ${other}.`
}

type Fault = (value: JsonValue, name: string, member: Member) => string | undefined

const isTexts = (value: JsonValue): value is readonly string[] =>
  Array.isArray(value) && value.every(item => typeof item === 'string')

/** Longer is a slip, and far below what no longer adds up exactly in milliseconds. */
const LONGEST = 100 * 365 * DAY

const isUpTo = (value: JsonValue, most: number): value is number =>
  typeof value === 'number' && value >= 0 && value <= most

/** What a browser would run, or take from the one who sent it, instead of fetching it from somebody. */
const RUNS = /^(?:javascript|data|vbscript|blob):$/

const isUrl = (text: string): boolean => {
  // The parser drops what a browser drops too, such as a line break within the scheme.
  const url = URL.parse(text)
  return url !== null && !RUNS.test(url.protocol)
}

/** RFC 6749 §3.1.2: where a browser is sent, the fragment is the answer's. */
const urlProblems = (url: string, name: string, path: Problem['path']): Problem[] =>
  isUrl(url) && !url.includes('#')
    ? []
    : [{ path, message: `${name} holds "${url}", which is not a URL without a fragment that leads somewhere.` }]

const FAULTS: Readonly<Record<Exclude<Member['is'], 'object'>, Fault>> = {
  text: (value, name, member) => {
    if (typeof value === 'number' || typeof value === 'boolean') return `${name} must be text; put it in quotes.`
    if (typeof value !== 'string' || value === '') return `${name} must be text.`
    return notAllowed([value], name, member)
  },
  texts: (value, name, member) =>
    isTexts(value) ? notAllowed(value, name, member) : `${name} must be a list of texts.`,
  boolean: (value, name) => (typeof value === 'boolean' ? undefined : `${name} must be true or false.`),
  seconds: (value, name) =>
    isUpTo(value, LONGEST / SECOND) && Number.isInteger(value)
      ? undefined
      : `${name} must be a whole number of seconds, at most a hundred years.`,
  hours: (value, name) =>
    isUpTo(value, LONGEST / HOUR) && value > 0 ? undefined : `${name} must be a number of hours above 0.`,
  count: (value, name) =>
    isUpTo(value, LONGEST) && Number.isInteger(value) && value > 0
      ? undefined
      : `${name} must be a whole number above 0.`,
  url: (value, name) => (typeof value === 'string' && isUrl(value) ? undefined : `${name} must be a URL to fetch.`),
  urls: (value, name) => (isTexts(value) ? undefined : `${name} must be a list of URLs.`),
  any: (value, name, member) => ('check' in member ? member.check?.(value, name) : undefined),
}
