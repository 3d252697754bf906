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
export function foldAttribute(value: string): string {
  const folded = fold(value)
  return folded.length <= VALUE_LENGTH ? folded : [...folded].slice(0, VALUE_LENGTH).join('')
}

const fold = (value: string): string => value.normalize('NFKC').toLowerCase()

/** What a folded value may look like. */
export const foldPattern = (pattern: readonly PatternPart[]): readonly PatternPart[] =>
  pattern.map(part => ('literal' in part ? { literal: fold(part.literal) } : part))

function flatten(into: Attribute[], path: string, value: JsonValue | undefined, depth = 0): void {
  if (value === null || value === undefined || path.length > PATH_LENGTH || depth > DEPTH) return
  if (Array.isArray(value)) {
    for (const element of value) flatten(into, path, element, depth + 1)
  } else if (isObject(value)) {
    for (const [member, inner] of Object.entries(value)) flatten(into, `${path}.${member}`, inner, depth + 1)
  } else if (into.length < ATTRIBUTES_PER_USER) {
    const folded = foldAttribute(String(value))
    if (!into.some(other => other.path === path && other.value === folded)) into.push({ path, value: folded })
  }
}

/** A claim of such a name would answer searches for what it is not. */
const RESERVED = new Set(['email', 'blocked', 'username', 'app_metadata', 'user_metadata'])
const isOwnPath = (claim: string): boolean => !RESERVED.has(claim) && !claim.includes('.')

/** Each pair once, at most 200: the e-mail, the profile's claims and what administrators wrote come before the rest. */
export function attributesOf(user: UserRecord): Attribute[] {
  const attributes: Attribute[] = []
  flatten(attributes, 'email', user.email)
  flatten(attributes, 'blocked', user.blocked)
  flatten(attributes, 'username', user.username)
  for (const [claim, value] of Object.entries(user.profile)) if (isOwnPath(claim)) flatten(attributes, claim, value)
  flatten(attributes, 'app_metadata', user.appMetadata)
  flatten(attributes, 'user_metadata', user.userMetadata)
  return attributes
}
