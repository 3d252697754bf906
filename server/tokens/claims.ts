/** What is said of a person: which scope opens which claims (OpenID Connect Core §5.4), and their values. */
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts'
import { toSeconds } from '../kernel/seconds.ts'
import type { UserRecord } from '../store/users.ts'

export const CLAIMS_OF_SCOPE = {
  profile: [
    'name',
    'given_name',
    'family_name',
    'middle_name',
    'nickname',
    'preferred_username',
    'profile',
    'picture',
    'website',
    'gender',
    'birthdate',
    'zoneinfo',
    'locale',
    'updated_at',
  ],
  email: ['email', 'email_verified'],
  address: ['address'],
  phone: ['phone_number', 'phone_number_verified'],
} as const satisfies Readonly<Record<string, readonly string[]>>

/** Scopes of the issuer itself. Every other belongs to an API. */
export const OPENID_SCOPES: readonly string[] = ['openid', ...Object.keys(CLAIMS_OF_SCOPE), 'offline_access']

/**
 * The claims of the scopes, and those named besides. Only what is known, and only in the form that OpenID Connect
 * Core §5.1 gives it: profiles come from many hands, and a client that reads a date wants a date. What is missing or
 * of another form is left out, never null or empty (§5.3.2).
 */
export function claimsOf(user: UserRecord, scopes: readonly string[], named: readonly string[] = []): JsonObject {
  const known: JsonObject = {
    phone_number_verified: typeof user.profile['phone_number'] === 'string' ? false : null,
    // What they sign in with, unless their profile says what they are to be called.
    preferred_username: user.username,
    ...user.profile,
    updated_at: toSeconds(user.updatedAt),
    // Never from the profile: an address there was verified by nobody.
    email: user.email,
    email_verified: user.email === null ? null : user.emailVerified,
  }
  const opened = Object.entries(CLAIMS_OF_SCOPE).flatMap(([scope, claims]) =>
    claims.filter(claim => scopes.includes(scope) || named.includes(claim)),
  )
  return Object.fromEntries(
    opened.flatMap(claim => {
      const value = inForm(claim, known[claim])
      return value === undefined ? [] : [[claim, value]]
    }),
  )
}

/** A year, a date, or a date of an unknown year (§5.1). */
const BIRTHDATE = /^(?:\d{4}|\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))$/

/** Undefined for a value that is not of the claim's form. */
function inForm(claim: string, value: JsonValue | undefined): JsonValue | undefined {
  if (claim.endsWith('_verified')) return typeof value === 'boolean' ? value : undefined
  if (claim === 'updated_at') return typeof value === 'number' ? value : undefined
  if (claim === 'address') return addressOf(value)
  if (claim === 'birthdate' && !BIRTHDATE.test(String(value))) return undefined
  return isText(value) ? value : undefined
}

const isText = (value: JsonValue | undefined): boolean => typeof value === 'string' && value.trim() !== ''

/** §5.1.1: an object of texts. */
function addressOf(value: JsonValue | undefined): JsonObject | undefined {
  const parts = isObject(value) ? Object.entries(value).filter(([, part]) => isText(part)) : []
  return parts.length > 0 ? Object.fromEntries(parts) : undefined
}
