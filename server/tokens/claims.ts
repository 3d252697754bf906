/** What is said of a person: which scope opens which claims (OpenID Connect Core §5.4), and their values. */
import type { JsonObject } from '../kernel/json.ts'
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

/** Only what is known: a claim without a value is left out, never null or empty (§5.3.2). */
export function claimsOf(user: UserRecord, scopes: readonly string[]): JsonObject {
  const known: JsonObject = {
    ...user.profile,
    updated_at: toSeconds(user.updatedAt),
    // Never from the profile: an address there was verified by nobody.
    email: user.email,
    email_verified: user.email === null ? null : user.emailVerified,
  }
  const opened = Object.entries(CLAIMS_OF_SCOPE).flatMap(([scope, claims]): readonly string[] =>
    scopes.includes(scope) ? claims : [],
  )
  return Object.fromEntries(
    opened
      .map(claim => [claim, known[claim]])
      .filter(([, value]) => value !== undefined && value !== null && value !== ''),
  )
}
