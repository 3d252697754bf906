/** What changed of a document, member by member, as an event tells it: secrets left out, and nothing longer than is worth keeping. */
import { isDeepStrictEqual } from 'node:util'
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts'

/** In characters of JSON: a page template would fill the log. */
const LONGEST = 1000

/**
 * `before` is null for what is new, `after` for what is gone. Of a member in `secrets` it is told that it changed, and not
 * from what or to what; a name with a dot is a member of a member: `options.client_secret`.
 */
export function changesBetween(
  before: JsonObject | null,
  after: JsonObject | null,
  secrets: readonly string[] = [],
  longest = LONGEST,
): JsonObject {
  const names = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])
  const changes: Record<string, JsonValue> = {}
  for (const name of names) {
    const [old, current] = [before?.[name], after?.[name]]
    if (isDeepStrictEqual(old, current)) continue
    if (secrets.includes(name)) changes[name] = 'changed'
    else {
      const within = secrets.flatMap(secret => (secret.startsWith(`${name}.`) ? [secret.slice(name.length + 1)] : []))
      changes[name] = {
        ...(old !== undefined && { before: told(old, within, longest) }),
        ...(current !== undefined && { after: told(current, within, longest) }),
      }
    }
  }
  return changes
}

/** For an event, what was told at greater length. */
export const shortened = (changes: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(changes).map(([name, change]) => [
      name,
      isObject(change)
        ? Object.fromEntries(Object.entries(change).map(([when, value]) => [when, told(value ?? null, [], LONGEST)]))
        : change,
    ]),
  )

function told(value: JsonValue, secrets: readonly string[], longest: number): JsonValue {
  const shown = secrets.length > 0 ? without(value, secrets) : value
  const length = JSON.stringify(shown).length
  return length > longest ? { length } : shown
}

function without(value: JsonValue, secrets: readonly string[]): JsonValue {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]) => {
      if (secrets.includes(name) || member === undefined) return []
      const within = secrets.flatMap(secret => (secret.startsWith(`${name}.`) ? [secret.slice(name.length + 1)] : []))
      return [[name, within.length > 0 ? without(member, within) : member]]
    }),
  )
}
