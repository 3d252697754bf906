/** The `users` of a tenant file: what an entry may say of a person. What follows from it is `user-changes.ts`'s. */

import type { Findings } from '../config/findings.ts'
import { type Member, readMembers } from '../config/members.ts'
import type { Path } from '../config/yaml.ts'
import { hashProblem } from '../identity/password-hash.ts'
import { DATABASE_STRATEGY } from '../identity/users.ts'
import { isObject, type JsonObject } from '../kernel/json.ts'
import { emailKey, readEmailAddress } from '../policy/email-address.ts'
import {
  LONGEST_PASSWORD_BYTES,
  type PasswordProblem,
  passwordProblem,
  SHORTEST_PASSWORD,
} from '../policy/password-rule.js'
import { isProfileText, LONGEST_PROFILE_TEXT } from '../policy/profile-text.ts'
import { type Entry, isName, isSound, refuseRepeats } from './entries.ts'

export interface UserEntry {
  readonly path: Path
  /** With its provider: `auth0|…`. Null when the address says who it is. */
  readonly id: string | null
  readonly email: string
  readonly password: string | null
  /** Of any format in `identity/password-formats/`. */
  readonly passwordHash: string | null
  /** Null, here and below, for what the file leaves as it is. */
  readonly emailVerified: boolean | null
  readonly blocked: boolean | null
  readonly roles: readonly string[] | null
  /** The claims that the file gives. */
  readonly profile: JsonObject
  readonly appMetadata: JsonObject | null
  readonly userMetadata: JsonObject | null
}

const text = { is: 'text', optional: true } as const
const url = { is: 'url', optional: true } as const
const flag = { is: 'boolean', optional: true } as const
const any = { is: 'any', optional: true } as const

/** OpenID Connect Core §5.1, but for what stands elsewhere (the e-mail) and what nobody can claim (`updated_at`). */
const PROFILE = {
  name: text,
  given_name: text,
  family_name: text,
  middle_name: text,
  nickname: text,
  preferred_username: text,
  profile: url,
  picture: url,
  website: url,
  gender: text,
  birthdate: text,
  zoneinfo: text,
  locale: text,
  phone_number: text,
  phone_number_verified: flag,
  address: {
    is: 'object',
    optional: true,
    members: {
      formatted: text,
      street_address: text,
      locality: text,
      region: text,
      postal_code: text,
      country: text,
    },
  },
} as const satisfies Readonly<Record<string, Member>>

const URLS: readonly string[] = ['profile', 'picture', 'website']
const LONGEST_URL = 2000
/** OpenID Connect Core §5.1.1. */
const OF_LINES: readonly string[] = ['formatted', 'street_address']

const MEMBERS = {
  user_id: text,
  email: { is: 'text' },
  password: text,
  password_hash: any,
  custom_password_hash: any,
  email_verified: flag,
  blocked: flag,
  roles: { is: 'texts', optional: true },
  app_metadata: any,
  user_metadata: any,
  ...PROFILE,
} as const satisfies Readonly<Record<string, Member>>

const LONGEST_ID = 200
const MOST_METADATA_BYTES = 16 * 1024

/** The list of common passwords is left out here: an operator may know why, and nothing is read at a start that can wait. */
const NO_LIST = () => false

const PASSWORD_SENTENCES: Readonly<Record<PasswordProblem, string>> = {
  password_too_short: `The password is shorter than ${SHORTEST_PASSWORD} characters.`,
  password_too_long: `The password is longer than ${LONGEST_PASSWORD_BYTES} bytes.`,
  password_own_data: 'The password is made of the e-mail address.',
  password_common: 'The password is one of those that are tried first.',
  password_predictable: 'The password is a repetition or a row that is easy to guess.',
}

export function readUsers(entries: readonly Entry[], findings: Findings): readonly UserEntry[] {
  const users = entries.flatMap(entry => readUser(entry, findings))
  refuseRepeats(
    users,
    ({ id }) => id,
    ({ id }) => `user_id "${id}" is there twice.`,
    findings,
  )
  refuseRepeats(
    users,
    ({ email }) => emailKey(email),
    ({ email }) => `Another user has the address ${email} too; letter case does not count.`,
    findings,
  )
  return users
}

function readUser(entry: Entry, findings: Findings): readonly UserEntry[] {
  const { path, given } = entry
  if (!isSound('a user', MEMBERS, entry, findings)) return []
  const read = readMembers(MEMBERS, given)
  const address = readEmailAddress(read.email)
  if (address === undefined) findings.fault([...path, 'email'], `"${read.email}" is not an e-mail address.`)
  // Kept even so: whatever else is wrong with its user is told beside it.
  const email = address ?? read.email
  const { password = null } = read
  checkPassword(path, email, password, findings)
  const passwordHash = readHash(entry, password !== null, findings)
  const profile = readMembers(PROFILE, given)
  checkProfile(path, profile, findings)
  return [
    {
      path,
      id: read.user_id === undefined ? null : readUserId(read.user_id, [...path, 'user_id'], findings),
      email,
      password,
      passwordHash,
      emailVerified: read.email_verified ?? null,
      blocked: read.blocked ?? null,
      roles: read.roles ? [...new Set(read.roles)] : null,
      profile: { ...profile },
      appMetadata: readMetadata(given, 'app_metadata', path, findings),
      userMetadata: readMetadata(given, 'user_metadata', path, findings),
    },
  ]
}

/** Every text of it, however deep. */
function checkProfile(path: Path, profile: JsonObject, findings: Findings): void {
  for (const [name, value] of Object.entries(profile)) {
    const at = [...path, name]
    if (isObject(value)) checkProfile(at, value, findings)
    if (typeof value !== 'string') continue
    if (URLS.includes(name)) {
      if (value.length > LONGEST_URL) findings.fault(at, `${name} is longer than ${LONGEST_URL} characters.`)
    } else if (!isProfileText(value, { lines: OF_LINES.includes(name) }))
      findings.fault(
        at,
        `${name} must be 1 to ${LONGEST_PROFILE_TEXT} characters that can be seen${OF_LINES.includes(name) ? '' : ', on one line'}.`,
      )
  }
}

function checkPassword(path: Path, email: string, password: string | null, findings: Findings) {
  const problem = password === null ? undefined : passwordProblem(password, { own: [email], isCommon: NO_LIST })
  if (problem) findings.fault([...path, 'password'], PASSWORD_SENTENCES[problem])
}

const HASHES = ['password_hash', 'custom_password_hash'] as const

/** As it was exported: text, or an object, which is kept as its JSON. */
function readHash({ path, given }: Entry, hasPassword: boolean, findings: Findings): string | null {
  const names = HASHES.filter(name => given[name] !== undefined && given[name] !== null && given[name] !== '')
  const [name] = names
  if (name === undefined) return null
  if (hasPassword || names.length > 1)
    findings.fault(path, 'A user has one of password, password_hash and custom_password_hash.')
  const value = given[name]
  const hash = isObject(value) ? JSON.stringify(value) : String(value)
  const problem = hashProblem(hash)
  if (problem !== undefined)
    findings.fault([...path, name], `${name} cannot be imported. ${problem} See docs/importing-people.md.`)
  return hash
}

/** Ids of an export carry their provider; those of other providers belong to connections that are not here. */
function readUserId(given: string, path: Path, findings: Findings): string {
  const prefix = `${DATABASE_STRATEGY}|`
  const subject = given.startsWith(prefix) ? given.slice(prefix.length) : given
  if (subject === '' || subject.includes('|') || /\s/.test(subject) || !isName(subject, LONGEST_ID))
    findings.fault(path, `user_id must be ${prefix}… or what follows it: at most ${LONGEST_ID} characters, no spaces.`)
  return `${prefix}${subject}`
}

function readMetadata(
  given: JsonObject,
  name: 'app_metadata' | 'user_metadata',
  path: Path,
  findings: Findings,
): JsonObject | null {
  const metadata = given[name]
  if (metadata === undefined || metadata === null) return null
  if (!isObject(metadata)) {
    findings.fault([...path, name], `${name} must be a mapping.`)
    return null
  }
  if (Buffer.byteLength(JSON.stringify(metadata)) > MOST_METADATA_BYTES)
    findings.fault([...path, name], `${name} is larger than ${MOST_METADATA_BYTES / 1024} KiB.`)
  return metadata
}
