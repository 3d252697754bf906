/**
 * What the options of a database of passwords mean: which passwords may be chosen in it, which names people sign in
 * with, and whether they may make accounts. They are stored under Auth0's names as they were given; here every default
 * is settled. Members of another form mean nothing, and `databaseOptionProblems` says so to whoever writes them.
 */
import { checkMembers, type Member, type Problem, type Read, readMembers } from '../config/members.ts'
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts'
import { type PasswordKind, type PasswordPolicy, SHORTEST_PASSWORD } from '../policy/password-rule.js'

export interface UsernameRule {
  readonly isRequired: boolean
  /** In characters. */
  readonly shortest: number
  readonly longest: number
}

export const NO_USERNAMES = 'username cannot be set for connections without requires_username'
export const usernameSentence = ({ shortest, longest }: UsernameRule): string =>
  `username must be ${shortest} to ${longest} of the characters a to z, digits and _ + - . ! # $ ' ^ \` ~ @, and no e-mail address`

export interface DatabaseOptions {
  readonly policy: PasswordPolicy
  /** Words that may not be chosen as a password, in lower case. */
  readonly words: readonly string[]
  /** How many former passwords may not be chosen again. */
  readonly remembers: number
  /** Null where people have no names to sign in with but their address. */
  readonly username: UsernameRule | null
  readonly isSignUpOpen: boolean
  /** Whether they may have a link to a new password mailed to them. */
  readonly isResetOpen: boolean
  /** Whether wrong passwords of one account are held up, as the tenant has it. */
  readonly isGuarded: boolean
}

const flag = { is: 'boolean', optional: true } as const
const ON = { enable: flag } as const

const LEVELS = ['none', 'low', 'fair', 'good', 'excellent'] as const
const KINDS = ['lowercase', 'uppercase', 'number', 'special'] as const satisfies readonly PasswordKind[]
const BLOCKS = { is: 'text', oneOf: ['allow', 'block'], optional: true } as const
const STATUS = { is: 'text', oneOf: ['required', 'optional', 'inactive'], optional: true } as const
const IDENTIFIER = { is: 'object', optional: true, members: { active: flag } } as const

const MOST_WORDS = 200
const LONGEST_WORD = 50
const MOST_REMEMBERED = 24
/** Auth0's most for `min_length`; nobody remembers more. */
const LONGEST_MINIMUM = 128
/** Auth0's. */
const USERNAME = { shortest: 1, longest: 15 } as const
const LONGEST_USERNAME = 128

const words = (value: JsonValue, name: string): string | undefined =>
  Array.isArray(value) &&
  value.length <= MOST_WORDS &&
  value.every(word => typeof word === 'string' && word !== '' && [...word].length <= LONGEST_WORD)
    ? undefined
    : `${name} must be a list of at most ${MOST_WORDS} words of 1 to ${LONGEST_WORD} characters.`

const upTo =
  (most: number) =>
  (value: JsonValue, name: string): string | undefined =>
    Number.isInteger(value) && Number(value) >= 1 && Number(value) <= most
      ? undefined
      : `${name} must be a whole number from 1 to ${most}.`

const numberUpTo = (most: number) => ({ is: 'any', check: upTo(most), optional: true }) as const
const wordList = { is: 'any', check: words, optional: true } as const

/** Those that have a meaning here. */
export const DATABASE_OPTIONS = {
  passwordPolicy: { is: 'text', oneOf: LEVELS, optional: true },
  password_complexity_options: {
    is: 'object',
    optional: true,
    members: { min_length: numberUpTo(LONGEST_MINIMUM) },
  },
  password_history: { is: 'object', optional: true, members: { ...ON, size: numberUpTo(MOST_REMEMBERED) } },
  password_no_personal_info: { is: 'object', optional: true, members: ON },
  password_dictionary: { is: 'object', optional: true, members: { ...ON, dictionary: wordList } },
  /** Auth0's newer form, which comes before the older where both speak. */
  password_options: {
    is: 'object',
    optional: true,
    members: {
      complexity: {
        is: 'object',
        optional: true,
        members: {
          min_length: numberUpTo(LONGEST_MINIMUM),
          character_types: { is: 'texts', oneOf: KINDS, optional: true },
          character_type_rule: { is: 'text', oneOf: ['all', 'three_of_four'], optional: true },
          identical_characters: BLOCKS,
          sequential_characters: BLOCKS,
          /** No password is ever cut short here. */
          max_length_exceeded: { is: 'text', oneOf: ['truncate', 'error'], optional: true },
        },
      },
      history: { is: 'object', optional: true, members: { active: flag, size: numberUpTo(MOST_REMEMBERED) } },
      profile_data: { is: 'object', optional: true, members: { active: flag } },
      dictionary: { is: 'object', optional: true, members: { active: flag, custom: wordList } },
    },
  },
  disable_signup: flag,
  disable_self_service_change_password: flag,
  brute_force_protection: flag,
  requires_username: flag,
  import_mode: flag,
  enabledDatabaseCustomization: flag,
  validation: {
    is: 'object',
    optional: true,
    members: {
      username: {
        is: 'object',
        optional: true,
        members: { min: numberUpTo(LONGEST_USERNAME), max: numberUpTo(LONGEST_USERNAME) },
      },
    },
  },
  attributes: {
    is: 'object',
    optional: true,
    members: {
      email: {
        is: 'object',
        optional: true,
        members: { identifier: IDENTIFIER, signup: { is: 'object', optional: true, members: { status: STATUS } } },
      },
      username: {
        is: 'object',
        optional: true,
        members: {
          identifier: IDENTIFIER,
          signup: { is: 'object', optional: true, members: { status: STATUS } },
          validation: {
            is: 'object',
            optional: true,
            members: { min_length: numberUpTo(LONGEST_USERNAME), max_length: numberUpTo(LONGEST_USERNAME) },
          },
        },
      },
    },
  },
} as const satisfies Readonly<Record<string, Member>>

type Given = Read<typeof DATABASE_OPTIONS>
type Level = (typeof LEVELS)[number]

/** What each of Auth0's levels asks, beside what every password here is asked. */
const LEVEL_RULES: Readonly<Record<Level, Pick<PasswordPolicy, 'minimumLength' | 'kinds' | 'longestRepeat'>>> = {
  none: { minimumLength: 1, kinds: null, longestRepeat: null },
  low: { minimumLength: 6, kinds: null, longestRepeat: null },
  fair: { minimumLength: 8, kinds: { of: ['lowercase', 'uppercase', 'number'], atLeast: 3 }, longestRepeat: null },
  good: { minimumLength: 8, kinds: { of: KINDS, atLeast: 3 }, longestRepeat: null },
  excellent: { minimumLength: 10, kinds: { of: KINDS, atLeast: 3 }, longestRepeat: 2 },
}

/** Auth0's, where history is on and says no size. */
const REMEMBERED = 5

/** Read anew for each use: there are few, and connections are changed behind nobody's back. */
export function databaseOptions(options: JsonObject): DatabaseOptions {
  const given = readMembers(DATABASE_OPTIONS, withoutFaults(options))
  const { complexity, history, profile_data: profile, dictionary } = given.password_options ?? {}
  const level = LEVEL_RULES[given.passwordPolicy ?? 'none']
  const minimum = numberOf(complexity?.min_length ?? given.password_complexity_options?.min_length)
  const remembers = history
    ? history.active === true && (numberOf(history.size) ?? REMEMBERED)
    : given.password_history?.enable === true && (numberOf(given.password_history.size) ?? REMEMBERED)
  return {
    policy: {
      minimumLength: Math.max(SHORTEST_PASSWORD, minimum ?? level.minimumLength),
      kinds: kindsOf(complexity) ?? level.kinds,
      longestRepeat: complexity?.identical_characters === 'block' ? 2 : level.longestRepeat,
      forbidsSequences: complexity?.sequential_characters === 'block',
      forbidsOwnData: profile?.active ?? given.password_no_personal_info?.enable ?? false,
    },
    words: wordsOf(dictionary ?? null) ?? wordsOf(given.password_dictionary ?? null) ?? [],
    remembers: remembers || 0,
    username: usernameRule(given),
    isSignUpOpen: given.disable_signup !== true,
    isResetOpen: given.disable_self_service_change_password !== true,
    isGuarded: given.brute_force_protection !== false,
  }
}

type Complexity = NonNullable<Given['password_options']>['complexity']

function kindsOf(complexity: Complexity): PasswordPolicy['kinds'] | undefined {
  const of = [...new Set(complexity?.character_types)]
  if (of.length === 0) return undefined
  return {
    of,
    atLeast: complexity?.character_type_rule === 'three_of_four' && of.length === KINDS.length ? 3 : of.length,
  }
}

interface Dictionary {
  readonly active?: boolean | undefined
  readonly enable?: boolean | undefined
  readonly custom?: JsonValue | undefined
  readonly dictionary?: JsonValue | undefined
}

function wordsOf(dictionary: Dictionary | null): readonly string[] | undefined {
  if (!dictionary) return undefined
  if (dictionary.active !== true && dictionary.enable !== true) return []
  const list = dictionary.custom ?? dictionary.dictionary
  return Array.isArray(list) ? list.map(word => String(word).normalize('NFKC').toLowerCase()) : []
}

function usernameRule({ attributes, requires_username, validation }: Given): UsernameRule | null {
  const attribute = attributes?.username
  const isAttribute = attribute?.identifier?.active === true && attribute.signup?.status !== 'inactive'
  if (!isAttribute && requires_username !== true) return null
  const { min, max } = validation?.username ?? {}
  const longest = numberOf(isAttribute ? attribute.validation?.max_length : max) ?? USERNAME.longest
  return {
    isRequired: requires_username === true || attribute?.signup?.status !== 'optional',
    shortest: Math.min(numberOf(isAttribute ? attribute.validation?.min_length : min) ?? USERNAME.shortest, longest),
    longest,
  }
}

const numberOf = (value: JsonValue | undefined): number | undefined => (typeof value === 'number' ? value : undefined)

/** Members of a form that nobody checked, such as those of a connection that was another's, mean nothing. */
function withoutFaults(options: JsonObject): JsonObject {
  const faulty = new Set(checkMembers(DATABASE_OPTIONS, options).map(({ path }) => path[0]))
  return faulty.size === 0 ? options : Object.fromEntries(Object.entries(options).filter(([name]) => !faulty.has(name)))
}

/** What is wrong with the options of a database, each with its place. Members without a meaning are kept and mean nothing. */
export function databaseOptionProblems(options: JsonObject): Problem[] {
  const problems = checkMembers(DATABASE_OPTIONS, options)
  const length = options['validation']
  const { min, max } = (isObject(length) && isObject(length['username']) ? length['username'] : {}) as JsonObject
  if (typeof min === 'number' && typeof max === 'number' && min > max)
    problems.push({ path: ['validation', 'username', 'min'], message: 'min must not be greater than max.' })
  // Nobody asks another store for people who are not here yet: a database that says so would turn everybody away.
  if (options['import_mode'] === true)
    problems.push({
      path: ['import_mode'],
      message: 'import_mode is not supported. Import the people instead: see jobs/users-imports.',
    })
  return problems
}
