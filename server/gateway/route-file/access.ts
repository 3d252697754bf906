/** The `access` member of a route: who may pass. What is left out asks for nothing, but `access` itself is never left out. */
import { isObject, type JsonObject } from '../../kernel/json.ts'
import { addresses, seconds, setOf, text, textMatching } from './forms.ts'
import { type Form, fault, isWhole, type Members, mapping, perhaps, type Read, readMembers, usually } from './member.ts'

/** RFC 6749 §3.3. */
const scope = textMatching('a scope: visible characters without a space, a quote or a backslash', /^[!#-[\]-~]+$/)

export const RULE = {
  audience: perhaps(text, 'For whom the token has to be: its `aud`, or one of it.', "the file's `audience`"),
  scopes: usually(setOf(scope), [], 'All of these have to be in its `scope`.'),
  permissions: usually(setOf(text), [], 'All of these have to be in its `permissions`.'),
  organization: perhaps(text, 'What its `org_id` has to be.'),
  amr: usually(setOf(text), [], 'All of these have to be in its `amr`: how the person signed in, such as `mfa`.'),
  acr: usually(setOf(text), [], 'Its `acr` has to be one of these.'),
  max_age: perhaps(seconds({ least: 1000 }), 'How long ago the person may have signed in, by `auth_time`.'),
} satisfies Members

export const INTERNAL = {
  clients: usually(setOf(text), [], 'The client ids of which a machine token of their own lets pass.'),
  addresses: perhaps(addresses, 'Addresses and ranges that pass without a token.'),
  audience: perhaps(text, 'For whom those tokens have to be.', "the file's `audience`"),
} satisfies Members

export type AccessRead =
  | { readonly kind: 'public' }
  | { readonly kind: 'optional' | 'required'; readonly rule: Read<typeof RULE> }
  | { readonly kind: 'internal'; readonly internal: Read<typeof INTERNAL> | null }

const SAYS =
  'public, optional, required, internal, or a mapping of what is asked for: audience, scopes, permissions, organization, amr, acr, max_age'

const NOTHING: Read<typeof RULE> = {
  audience: null,
  scopes: [],
  permissions: [],
  organization: null,
  amr: [],
  acr: [],
  max_age: null,
}

const optional = mapping('optional access', RULE)
const internal = mapping('internal access', INTERNAL)

export const access: Form<AccessRead> = {
  says: SAYS,
  members: RULE,
  read(value, path, reading) {
    if (value === 'public') return { kind: 'public' }
    if (value === 'optional' || value === 'required') return { kind: value, rule: NOTHING }
    if (value === 'internal') return { kind: 'internal', internal: null }
    if (!isObject(value)) return fault(reading, path, SAYS)
    const inner = only(value)
    if (inner === 'optional') {
      const rule = optional.read(value[inner] ?? null, [...path, inner], reading)
      return rule && { kind: 'optional', rule }
    }
    if (inner === 'internal') {
      const found = internal.read(value[inner] ?? null, [...path, inner], reading)
      return found && { kind: 'internal', internal: found }
    }
    const rule = readMembers('access', RULE, value, path, reading)
    return isWhole(RULE, rule) ? { kind: 'required', rule } : undefined
  },
}

const only = (value: JsonObject): string | undefined => {
  const names = Object.keys(value)
  return names.length === 1 ? names[0] : undefined
}
