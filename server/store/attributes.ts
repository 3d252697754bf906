/** What of a user can be searched for, as flat (path, value) pairs. The table they stand in belongs to `users.ts`. */
import { isObject, type JsonValue } from '../kernel/json.ts'
import type { PatternPart } from '../policy/search-query.ts'
import type { UserRecord } from './users.ts'

export interface Attribute {
  /** `email`, `name`, `address.locality`, `user_metadata.plan`, … */
  readonly path: string
  /** Folded. */
  readonly value: string
}

/**
 * People fill their own metadata, so what it may cost the index is bounded: PostgreSQL refuses an index row over
 * 2,704 bytes, and these three texts of at most four bytes a character stay below it.
 */
const PATH_LENGTH = 200
const VALUE_LENGTH = 200
const ATTRIBUTES_PER_USER = 200
const DEPTH = 4

/** NFKC, lower case, the first 200 characters: longer values are found by their beginning. */
export const foldAttribute = (value: string): string => [...fold(value)].slice(0, VALUE_LENGTH).join('')

const fold = (value: string): string => value.normalize('NFKC').toLowerCase()

/** What a folded value may look like. */
export const foldPattern = (pattern: readonly PatternPart[]): readonly PatternPart[] =>
  pattern.map(part => ('literal' in part ? { literal: fold(part.literal) } : part))

function* flatten(path: string, value: JsonValue | undefined, depth = 0): Generator<Attribute> {
  if (value === null || value === undefined || path.length > PATH_LENGTH || depth > DEPTH) return
  if (Array.isArray(value)) {
    for (const element of value) yield* flatten(path, element, depth + 1)
  } else if (isObject(value)) {
    for (const [member, inner] of Object.entries(value)) yield* flatten(`${path}.${member}`, inner, depth + 1)
  } else {
    yield { path, value: foldAttribute(String(value)) }
  }
}

/** A claim of such a name would answer searches for what it is not. */
const RESERVED = new Set(['email', 'blocked', 'username', 'app_metadata', 'user_metadata'])
const isOwnPath = (claim: string): boolean => !RESERVED.has(claim) && !claim.includes('.')

function* allOf(user: UserRecord): Generator<Attribute> {
  yield* flatten('email', user.email)
  yield* flatten('blocked', user.blocked)
  yield* flatten('username', user.username)
  for (const [claim, value] of Object.entries(user.profile)) if (isOwnPath(claim)) yield* flatten(claim, value)
  yield* flatten('app_metadata', user.appMetadata)
  yield* flatten('user_metadata', user.userMetadata)
}

/** Each pair once, at most 200: the e-mail, the profile's claims and what administrators wrote come before the rest. */
export function attributesOf(user: UserRecord): Attribute[] {
  const attributes = new Map<string, Attribute>()
  for (const attribute of allOf(user)) {
    if (attributes.size === ATTRIBUTES_PER_USER) break
    attributes.set(JSON.stringify([attribute.path, attribute.value]), attribute)
  }
  return [...attributes.values()]
}
