/**
 * The `claims` map of a client or an API: which claims of the operator's own its tokens have, each taken from a place of
 * what is known (`user.app_metadata.plan`) or written by a template (`{{ user.name }} of {{ client.name }}`). What it
 * means is settled here; what it says of somebody, `tokens/custom-claims.ts` finds out for each token.
 */

import type { Problem } from '../config/members.ts'
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts'

export type TokenKind = 'id_token' | 'access_token'

export interface CustomClaim {
  readonly name: string
  readonly from:
    | { readonly is: 'path'; readonly steps: readonly (string | number)[] }
    | { readonly is: 'template'; readonly text: string }
  readonly in: readonly TokenKind[]
}

/** The tokens that a claim of a client's map may be in, and of an API's; in the first of them unless it says otherwise. */
export const CLIENT_CLAIMS = ['id_token', 'access_token'] as const satisfies readonly TokenKind[]
export const API_CLAIMS = ['access_token'] as const satisfies readonly TokenKind[]

/** What a path or a template begins with. */
const ROOTS = ['user', 'organization', 'client']

/**
 * Names that need no namespace: RFC 9068 §2.2.3.1's, and those of a profile, which say what a scope would. Of an address
 * nothing is said by these, since nobody would have verified it.
 */
const PLAIN_NAMES = [
  ...['roles', 'groups', 'entitlements'],
  ...['name', 'given_name', 'family_name', 'middle_name', 'nickname', 'preferred_username', 'profile', 'picture'],
  ...['website', 'gender', 'birthdate', 'zoneinfo', 'locale'],
]

const MOST_CLAIMS = 50
/** In characters. */
const LONGEST_NAME = 255
const LONGEST_SOURCE = 1000

/** Those that `claimProblems` finds sound, whichever way they came in: no other name gets into a token. */
export function readClaims(value: JsonValue | undefined, kinds: readonly TokenKind[]): readonly CustomClaim[] {
  if (!isObject(value)) return []
  return Object.entries(value).flatMap(([name, given]) => {
    if (nameFault(name) !== undefined || sourceFault(name, given, kinds) !== undefined) return []
    const { from, in: places } = isObject(given) ? given : { from: given, in: undefined }
    const source = typeof from === 'string' ? sourceOf(from) : undefined
    return source ? [{ name, from: source, in: (places as TokenKind[] | undefined) ?? [kinds[0] as TokenKind] }] : []
  })
}

/** What is wrong with a map, each fault at its claim. Whether a template can be parsed is `tokens/custom-claims.ts`'s to say. */
export function claimProblems(value: JsonValue | undefined, kinds: readonly TokenKind[]): Problem[] {
  if (value === undefined || value === null) return []
  if (!isObject(value)) return [{ path: ['claims'], message: 'claims must be a mapping of claims to what they say.' }]
  const count = Object.keys(value).length
  return [
    ...(count > MOST_CLAIMS
      ? [{ path: ['claims'], message: `claims holds ${count} claims; ${MOST_CLAIMS} are the most.` }]
      : []),
    ...Object.entries(value).flatMap(([name, given]) => {
      const message = nameFault(name) ?? sourceFault(name, given, kinds)
      return message === undefined ? [] : [{ path: ['claims', name], message }]
    }),
  ]
}

/** Auth0's rule: a URL that is nobody's but the operator's, or a name that collides with nothing. */
function nameFault(name: string): string | undefined {
  if (name.length > LONGEST_NAME) return `The name of a claim has at most ${LONGEST_NAME} characters.`
  if (PLAIN_NAMES.includes(name)) return undefined
  const url = URL.parse(name)
  if (url && (url.protocol === 'https:' || url.protocol === 'http:')) return undefined
  return `The claim "${name}" needs a namespace: a name that is a URL, such as https://example.com/${encodeURIComponent(name)}. Without one there are ${PLAIN_NAMES.join(', ')}.`
}

function sourceFault(name: string, given: JsonValue | undefined, kinds: readonly TokenKind[]): string | undefined {
  const { from, in: places, ...more } = isObject(given) ? given : { from: given, in: undefined }
  const [other] = Object.keys(more)
  if (other !== undefined) return `The claim "${name}" has a member "${other}"; from and in are all there are.`
  if (places !== undefined && !isListOf(kinds, places))
    return `The claim "${name}" can be in ${kinds.join(' and ')}, as a list.`
  if (typeof from !== 'string' || from === '') return `The claim "${name}" must say from where it is, as text.`
  if (from.length > LONGEST_SOURCE) return `The claim "${name}" is taken from at most ${LONGEST_SOURCE} characters.`
  if (sourceOf(from)) return undefined
  return `The claim "${name}" is neither a path from ${ROOTS.join(', ')} (user.app_metadata.plan) nor a template with {{ }}.`
}

const isListOf = (kinds: readonly string[], places: JsonValue): boolean =>
  Array.isArray(places) && places.length > 0 && places.every(place => kinds.includes(place))

const isTemplate = (text: string): boolean => /\{\{|\{%/.test(text)

function sourceOf(text: string): CustomClaim['from'] | undefined {
  if (isTemplate(text)) return { is: 'template', text }
  const steps = stepsOf(text)
  return steps && { is: 'path', steps }
}

/** `user.a.b`, `user['a b'][0]`, with or without a `$.` before it. */
function stepsOf(text: string): readonly (string | number)[] | undefined {
  const rest = text.replace(/^\$\./, '')
  const [root = ''] = /^\w+/.exec(rest) ?? []
  if (!ROOTS.includes(root)) return undefined
  const steps: (string | number)[] = [root]
  const step = /\.([A-Za-z_][\w-]*)|\[(\d{1,6})\]|\['([^'\\]+)'\]|\["([^"\\]+)"\]/y
  step.lastIndex = root.length
  while (step.lastIndex < rest.length) {
    const [, member, index, single, double] = step.exec(rest) ?? []
    const name = member ?? single ?? double
    if (name === undefined && index === undefined) return undefined
    steps.push(name ?? Number(index))
  }
  return steps
}

/** What a template may say of a client: what its operator called it and noted of it. */
export const clientFacts = (id: string, metadata: JsonObject): JsonObject => ({
  client_id: id,
  name: metadata['name'] ?? null,
  metadata: isObject(metadata['client_metadata']) ? metadata['client_metadata'] : {},
})
