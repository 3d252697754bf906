/** A user as the Management API, an export and a file show one: under Auth0's names. What is secret of one is nowhere in it. */
import type { Instant } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { NamedIdentity, Person } from '../store/people.ts'
import { DATABASE_STRATEGY } from './users.ts'

/** Strategies whose people are ours alone; everybody else is known elsewhere too. */
const OWN = new Set([DATABASE_STRATEGY, 'email', 'sms'])

const dateOf = (instant: Instant): string => new Date(instant).toISOString()

/** Members that are not known are left out. The profile's claims cannot pose as anything else. */
export function userToWire({ user, identities }: Person): JsonObject {
  const { phone_number_verified: phoneVerified, ...profile } = user.profile
  return {
    ...profile,
    ...('phone_number' in profile && { phone_verified: phoneVerified === true }),
    user_id: user.id,
    email: user.email ?? undefined,
    email_verified: user.email === null ? undefined : user.emailVerified,
    username: user.username ?? undefined,
    identities: identities.map(identityToWire),
    app_metadata: user.appMetadata,
    user_metadata: user.userMetadata,
    blocked: user.blocked ? true : undefined,
    created_at: dateOf(user.createdAt),
    updated_at: dateOf(user.updatedAt),
    last_login: user.lastLoginAt === null ? undefined : dateOf(user.lastLoginAt),
    last_ip: user.lastIp ?? undefined,
    logins_count: user.loginsCount,
    last_password_reset: user.lastPasswordResetAt === null ? undefined : dateOf(user.lastPasswordResetAt),
  }
}

/** The first one's profile is the user's own, and stands in no other place. */
export const identityToWire = ({
  connectionName,
  subject,
  provider,
  strategy,
  profile,
}: NamedIdentity): JsonObject => ({
  connection: connectionName,
  user_id: subject,
  provider,
  isSocial: !OWN.has(strategy),
  ...(profile !== null && { profileData: profile }),
})
