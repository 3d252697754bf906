/**
 * What a document may say of a person that comes from elsewhere, and what is wrong with one: the `users` of a tenant file
 * and the rows of an import, by the same rules. What follows from it is theirs to decide.
 */
import { isDeepStrictEqual } from 'node:util'
import { checkMembers, type Member, type Problem, readMembers, unknownMembers } from '../config/members.ts'
import { isObject, type JsonObject } from '../kernel/json.ts'
import { emailKey, readEmailAddress } from '../policy/email-address.ts'
import {
  LONGEST_PASSWORD_BYTES,
  type PasswordProblem,
  passwordProblem,
  SHORTEST_PASSWORD,
} from '../policy/password-rule.js'
import { isName, isProfileText, LONGEST_PROFILE_TEXT } from '../policy/profile-text.ts'
import { readUsername } from '../policy/username.ts'
import type { ConnectionRecord } from '../store/connections.ts'
import type { Transaction } from '../store/store.ts'
import type { UserChanges, UserRecord } from '../store/users.ts'
import { databaseOptions, NO_USERNAMES, type UsernameRule, usernameSentence } from './database-options.ts'
import { hashProblem } from './password-hash.ts'
import { DATABASE_STRATEGY } from './users.ts'

export interface UserDocument {
  /** With its provider: `auth0|…`. Null when the address says who it is. */
  readonly id: string | null
  readonly email: string
  readonly password: string | null
  /** Of any format in `password-formats/`. */
  readonly passwordHash: string | null
  /** Null, here and below, for what the document leaves as it is. */
  readonly emailVerified: boolean | null
  readonly blocked: boolean | null
  /** As `readUsername` has it. */
  readonly username: string | null
  /** Names. */
  readonly roles: readonly string[] | null
  /** The claims that are given. */
  readonly profile: JsonObject
  readonly appMetadata: JsonObject | null
  readonly userMetadata: JsonObject | null
}

export interface ReadUser {
  /** Undefined when its form is at fault; means nothing while there are problems. */
  readonly user: UserDocument | undefined
  /** All of them, in sentences without secrets. */
  readonly problems: readonly Problem[]
  /** Members without a meaning, those of mappings as `address.planet`. */
  readonly unknown: readonly string[]
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

const MEMBERS_WITH_NAME = { ...MEMBERS, username: text } as const satisfies Readonly<Record<string, Member>>

const LONGEST_ID = 200
const MOST_METADATA_BYTES = 16 * 1024

/** The list of common passwords is left out here: an operator may know why, and nothing is read at a start that can wait. */
const NO_LIST = () => false

const PASSWORD_SENTENCES: Readonly<Record<PasswordProblem, string>> = {
  password_too_short: `The password is shorter than ${SHORTEST_PASSWORD} characters.`,
  password_too_long: `The password is longer than ${LONGEST_PASSWORD_BYTES} bytes.`,
  password_too_few_kinds: 'The password lacks a kind of character.',
  password_repeats: 'The password has one character too often in a row.',
  password_sequence: 'The password has characters in their order.',
  password_own_data: 'The password is made of the e-mail address.',
  password_common: 'The password is one of those that are tried first.',
  password_predictable: 'The password is a repetition or a row that is easy to guess.',
}

type Complain = (path: Problem['path'], message: string) => void

/** `usernames`: the rule of the database it is for, null for one without; where nobody says so, `username` has no meaning. */
export function readUserDocument(given: JsonObject, usernames?: UsernameRule | null): ReadUser {
  const members = usernames === undefined ? MEMBERS : MEMBERS_WITH_NAME
  const problems = checkMembers(members, given)
  const unknown = unknownMembers(members, given)
  if (problems.length > 0) return { user: undefined, problems, unknown }

  const complain: Complain = (path, message) => void problems.push({ path, message })
  const read = readMembers(MEMBERS_WITH_NAME, given)
  const address = readEmailAddress(read.email)
  if (address === undefined) complain(['email'], `"${read.email}" is not an e-mail address.`)
  // Kept even so: whatever else is wrong with its user is told beside it.
  const email = address ?? read.email
  const { password = null } = read
  checkPassword(email, password, complain)
  const passwordHash = readHash(given, password !== null, complain)
  const profile = readMembers(PROFILE, given)
  checkProfile([], profile, complain)
  const user: UserDocument = {
    id: read.user_id === undefined ? null : readUserId(read.user_id, complain),
    email,
    password,
    passwordHash,
    emailVerified: read.email_verified ?? null,
    blocked: read.blocked ?? null,
    username:
      usernames === undefined || read.username === undefined
        ? null
        : readUsernameOf(read.username, usernames, complain),
    roles: read.roles ? [...new Set(read.roles)] : null,
    profile: { ...profile },
    appMetadata: readMetadata(given, 'app_metadata', complain),
    userMetadata: readMetadata(given, 'user_metadata', complain),
  }
  return { user, problems, unknown }
}

/** Every text of it, however deep. */
function checkProfile(path: Problem['path'], profile: JsonObject, complain: Complain): void {
  for (const [name, value] of Object.entries(profile)) {
    const at = [...path, name]
    if (isObject(value)) checkProfile(at, value, complain)
    if (typeof value !== 'string') continue
    if (URLS.includes(name)) {
      if (value.length > LONGEST_URL) complain(at, `${name} is longer than ${LONGEST_URL} characters.`)
    } else if (!isProfileText(value, { lines: OF_LINES.includes(name) }))
      complain(
        at,
        `${name} must be 1 to ${LONGEST_PROFILE_TEXT} characters that can be seen${OF_LINES.includes(name) ? '' : ', on one line'}.`,
      )
  }
}

/** What a database asks beyond it, which is known once it is known which: a sentence, or undefined. */
export function documentPasswordProblem(
  password: string,
  email: string,
  { options }: Pick<ConnectionRecord, 'options'>,
): string | undefined {
  const { policy, words } = databaseOptions(options)
  if (words.includes(password.normalize('NFKC').toLowerCase())) return PASSWORD_SENTENCES.password_common
  const problem = passwordProblem(password, { own: [email], isCommon: NO_LIST, policy })
  if (problem === 'password_too_short') return `The password is shorter than ${policy.minimumLength} characters.`
  return problem && PASSWORD_SENTENCES[problem]
}

function checkPassword(email: string, password: string | null, complain: Complain) {
  const problem = password === null ? undefined : passwordProblem(password, { own: [email], isCommon: NO_LIST })
  if (problem) complain(['password'], PASSWORD_SENTENCES[problem])
}

const HASHES = ['password_hash', 'custom_password_hash'] as const

/** As it was exported: text, or an object, which is kept as its JSON. */
function readHash(given: JsonObject, hasPassword: boolean, complain: Complain): string | null {
  const names = HASHES.filter(name => given[name] !== undefined && given[name] !== null && given[name] !== '')
  const [name] = names
  if (name === undefined) return null
  if (hasPassword || names.length > 1)
    complain([], 'A user has one of password, password_hash and custom_password_hash.')
  const value = given[name]
  const hash = isObject(value) ? JSON.stringify(value) : String(value)
  const problem = hashProblem(hash)
  if (problem !== undefined) complain([name], `${name} cannot be imported. ${problem} See docs/importing-people.md.`)
  return hash
}

/** Ids of an export carry their provider; those of other providers belong to connections that are not here. */
function readUserId(given: string, complain: Complain): string {
  const prefix = `${DATABASE_STRATEGY}|`
  const subject = given.startsWith(prefix) ? given.slice(prefix.length) : given
  if (subject === '' || subject.includes('|') || /\s/.test(subject) || !isName(subject, LONGEST_ID))
    complain(['user_id'], `user_id must be ${prefix}… or what follows it: at most ${LONGEST_ID} characters, no spaces.`)
  return `${prefix}${subject}`
}

function readUsernameOf(given: string, rule: UsernameRule | null, complain: Complain): string | null {
  const username = rule ? readUsername(given, rule) : undefined
  if (username === undefined) complain(['username'], `${rule ? usernameSentence(rule) : NO_USERNAMES}.`)
  return username ?? null
}

function readMetadata(
  given: JsonObject,
  name: 'app_metadata' | 'user_metadata',
  complain: Complain,
): JsonObject | null {
  const metadata = given[name]
  if (metadata === undefined || metadata === null) return null
  if (!isObject(metadata)) {
    complain([name], `${name} must be a mapping.`)
    return null
  }
  if (Buffer.byteLength(JSON.stringify(metadata)) > MOST_METADATA_BYTES)
    complain([name], `${name} is larger than ${MOST_METADATA_BYTES / 1024} KiB.`)
  return metadata
}

/** Its hash may be dearer to check than any that is there. */
export const announceCost = (transaction: Transaction, tenant: string): void =>
  transaction.announce({ topic: 'cost-class', tenant, id: tenant })

/** A document says what it gives and leaves the rest alone: people change their own profiles. */
export function changesTo(before: UserRecord, entry: UserDocument): UserChanges {
  const isOtherAddress = before.email === null || emailKey(before.email) !== emailKey(entry.email)
  const after = {
    email: entry.email,
    // Nobody has proven a new address unless the file says so.
    emailVerified: entry.emailVerified ?? (before.emailVerified && !isOtherAddress),
    blocked: entry.blocked ?? before.blocked,
    username: entry.username ?? before.username,
    profile: { ...before.profile, ...entry.profile },
    appMetadata: entry.appMetadata ?? before.appMetadata,
    userMetadata: entry.userMetadata ?? before.userMetadata,
  }
  return Object.fromEntries(
    Object.entries(after).filter(([name, value]) => !isDeepStrictEqual(value, before[name as keyof typeof after])),
  )
}
