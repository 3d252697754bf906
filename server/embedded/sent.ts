/** What a page of an application sent: a JSON object, as Auth0's SDKs send it, or a form. */
import type { Incoming } from '../http/route.ts'
import { isObject, type JsonObject } from '../kernel/json.ts'
import { Refused } from './refused.ts'

export interface Sent {
  /** Undefined where it is left out, null or empty. Throws `Refused` for what is no text. */
  text(name: string): string | undefined
  /** The same, and a number as it is written. */
  printed(name: string): string | undefined
  /** Throws `Refused` where it is missing. */
  required(name: string): string
  /** Undefined where it is left out or null. Throws `Refused` for what is no object. */
  object(name: string): JsonObject | undefined
  /** Whether it is there and true. Throws `Refused` for what is neither true nor false. */
  flag(name: string): boolean
}

export function sentIn({ document, body }: Incoming): Sent {
  if (body.repeated.length > 0) throw new Refused(400, 'invalid_request', 'A parameter is sent more than once.')
  const members: JsonObject = document ?? Object.fromEntries(body.names.map(name => [name, body.get(name) ?? null]))
  const given = (name: string) => (Object.hasOwn(members, name) ? (members[name] ?? undefined) : undefined)

  const text: Sent['text'] = name => {
    const value = given(name)
    if (value === undefined || value === '') return undefined
    if (typeof value !== 'string') throw new Refused(400, 'invalid_request', `${name} must be a string.`)
    return value
  }
  return {
    text,
    printed(name) {
      const value = given(name)
      return typeof value === 'number' ? String(value) : text(name)
    },
    required(name) {
      const value = text(name)
      if (value === undefined) throw new Refused(400, 'invalid_request', `${name} is required.`)
      return value
    },
    object(name) {
      const value = given(name)
      if (value === undefined) return undefined
      if (!isObject(value)) throw new Refused(400, 'invalid_request', `${name} must be an object.`)
      return value
    },
    flag(name) {
      const value = given(name) ?? false
      if (typeof value !== 'boolean') throw new Refused(400, 'invalid_request', `${name} must be true or false.`)
      return value
    },
  }
}
