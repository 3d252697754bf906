/**
 * A password that may not be chosen, as Auth0 says it: by the name of the error, which its SDKs and Lock choose their
 * words by, with the rules one by one and as lines of text.
 */
import type { JsonObject } from '../kernel/json.ts'
import {
  LEAST_POLICY,
  LONGEST_PASSWORD_BYTES,
  PASSWORD_KINDS,
  type PasswordKind,
  type PasswordPolicy,
  strengthRules,
} from '../policy/password-rule.js'
import type { ConnectionRecord } from '../store/connections.ts'
import type { ChosenPasswordProblem } from './choosable-password.ts'
import { databaseOptions } from './database-options.ts'

export interface PasswordError extends JsonObject {
  readonly name:
    | 'PasswordStrengthError'
    | 'PasswordDictionaryError'
    | 'PasswordNoUserInfoError'
    | 'PasswordHistoryError'
  /** A sentence in English. */
  readonly message: string
  readonly code: 'invalid_password'
  /** The rules with whether each is met, of a password that is too weak; else the sentence. */
  readonly description: string | JsonObject
  /** The same rules as lines of text, whatever the fault. */
  readonly policy: string
  readonly statusCode: 400
}

const WEAK = { name: 'PasswordStrengthError', message: 'Password is too weak' } as const

const ERRORS: Readonly<Record<ChosenPasswordProblem, Pick<PasswordError, 'name' | 'message'>>> = {
  password_too_short: WEAK,
  password_too_few_kinds: WEAK,
  password_repeats: WEAK,
  password_sequence: WEAK,
  password_predictable: WEAK,
  password_too_long: {
    name: 'PasswordStrengthError',
    message: `Password is longer than ${LONGEST_PASSWORD_BYTES} bytes`,
  },
  password_common: { name: 'PasswordDictionaryError', message: 'Password is too common' },
  password_own_data: { name: 'PasswordNoUserInfoError', message: 'Password contains user information' },
  password_used_before: { name: 'PasswordHistoryError', message: 'Password has previously been used' },
}

/** `password` is read and stands nowhere in what is answered. */
export function passwordError(
  problem: ChosenPasswordProblem,
  password: string,
  connection?: Pick<ConnectionRecord, 'options'>,
): PasswordError {
  const policy = connection ? databaseOptions(connection.options).policy : LEAST_POLICY
  const rules = rulesOf(password, policy)
  const { name, message } = ERRORS[problem]
  const isWeak = ERRORS[problem] === WEAK
  return {
    name,
    message,
    code: 'invalid_password',
    description: isWeak ? { rules: [...rules], verified: false } : message,
    policy: rules.map(lineOf).join('\n'),
    statusCode: 400,
  }
}

/** In Auth0's form and words. */
interface Rule extends JsonObject {
  readonly message: string
  readonly code: string
  readonly format: readonly (number | string)[]
  readonly verified: boolean
  readonly items?: readonly { readonly message: string; readonly code: string; readonly verified: boolean }[]
}

const KINDS: Readonly<Record<PasswordKind, { readonly message: string; readonly code: string }>> = {
  lowercase: { message: 'lower case letters (a-z)', code: 'lowerCase' },
  uppercase: { message: 'upper case letters (A-Z)', code: 'upperCase' },
  number: { message: 'numbers (i.e. 0-9)', code: 'numbers' },
  special: { message: 'special characters (e.g. !@#$%^&*)', code: 'specialCharacters' },
}

function rulesOf(password: string, policy: PasswordPolicy): Rule[] {
  const { minimumLength, kinds, longestRepeat } = policy
  return strengthRules(password, policy).map(({ problem, isMet }): Rule => {
    switch (problem) {
      case 'password_too_few_kinds': {
        const of = kinds?.of ?? []
        const isAll = kinds?.atLeast === of.length
        return {
          message: isAll ? 'Should contain:' : 'Contain at least %d of the following %d types of characters:',
          code: isAll ? 'shouldContain' : 'containsAtLeast',
          format: isAll ? [] : [kinds?.atLeast ?? 0, of.length],
          items: of.map(kind => ({ ...KINDS[kind], verified: PASSWORD_KINDS[kind].test(password) })),
          verified: isMet,
        }
      }
      case 'password_repeats':
        return {
          message: 'No more than %d identical characters in a row (e.g., "%s" not allowed)',
          code: 'identicalChars',
          format: [longestRepeat ?? 0, 'a'.repeat((longestRepeat ?? 0) + 1)],
          verified: isMet,
        }
      case 'password_sequence':
        return {
          message: 'No sequences of characters (e.g., "%s" not allowed)',
          code: 'sequentialChars',
          format: ['abc'],
          verified: isMet,
        }
      default:
        return {
          message: 'At least %d characters in length',
          code: 'lengthAtLeast',
          format: [minimumLength],
          verified: isMet,
        }
    }
  })
}

function lineOf({ message, format, items = [] }: Rule): string {
  const rest = [...format]
  const said = message.replace(/%[ds]/g, () => String(rest.shift() ?? ''))
  return [`* ${said}`, ...items.map(item => ` * ${item.message}`)].join('\n')
}
