/** Hashes that are exported as JSON objects: kept as the text of one, and read member by member. */
import { isObject, type JsonObject, type JsonValue } from '../../kernel/json.ts'
import { UnusableHash } from './format.ts'

/** Undefined for what is no JSON object. */
export function asDocument(hash: string): JsonObject | undefined {
  if (!hash.startsWith('{"')) return undefined
  try {
    const document: JsonValue = JSON.parse(hash)
    return isObject(document) ? document : undefined
  } catch {
    return undefined
  }
}

/** Throws for a document that does not have it. */
export function textOf(document: JsonObject, name: string): string {
  const value = document[name]
  if (typeof value !== 'string') throw new UnusableHash(`Its ${name} must be text.`)
  return value
}

export function numberOf(document: JsonObject, name: string, fallback?: number): number {
  const value = document[name] ?? fallback
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1)
    throw new UnusableHash(`Its ${name} must be a whole number above zero.`)
  return value
}

/** Empty where it is left out. */
export function objectOf(document: JsonObject, name: string): JsonObject {
  const value = document[name] ?? {}
  if (!isObject(value)) throw new UnusableHash(`Its ${name} must be an object.`)
  return value
}
