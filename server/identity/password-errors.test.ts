import assert from 'node:assert/strict'
import { test } from 'node:test'
import { passwordError } from './password-errors.ts'

const good = {
  options: { passwordPolicy: 'good', password_options: { complexity: { identical_characters: 'block' } } },
}

test('a weak password is told rule by rule in Auth0’s form, and as lines of text', () => {
  assert.deepEqual(passwordError('password_too_few_kinds', 'monsoonlamp', good), {
    name: 'PasswordStrengthError',
    message: 'Password is too weak',
    code: 'invalid_password',
    description: {
      rules: [
        { message: 'At least %d characters in length', code: 'lengthAtLeast', format: [8], verified: true },
        {
          message: 'Contain at least %d of the following %d types of characters:',
          code: 'containsAtLeast',
          format: [3, 4],
          items: [
            { message: 'lower case letters (a-z)', code: 'lowerCase', verified: true },
            { message: 'upper case letters (A-Z)', code: 'upperCase', verified: false },
            { message: 'numbers (i.e. 0-9)', code: 'numbers', verified: false },
            { message: 'special characters (e.g. !@#$%^&*)', code: 'specialCharacters', verified: false },
          ],
          verified: false,
        },
        {
          message: 'No more than %d identical characters in a row (e.g., "%s" not allowed)',
          code: 'identicalChars',
          format: [2, 'aaa'],
          verified: true,
        },
      ],
      verified: false,
    },
    policy: [
      '* At least 8 characters in length',
      '* Contain at least 3 of the following 4 types of characters:',
      ' * lower case letters (a-z)',
      ' * upper case letters (A-Z)',
      ' * numbers (i.e. 0-9)',
      ' * special characters (e.g. !@#$%^&*)',
      '* No more than 2 identical characters in a row (e.g., "aaa" not allowed)',
    ].join('\n'),
    statusCode: 400,
  })
})

test('each other fault has Auth0’s name, and says nothing of the password', () => {
  const names = (['password_common', 'password_own_data', 'password_used_before'] as const).map(problem => {
    const error = passwordError(problem, 'hunter2 and more')
    assert.doesNotMatch(JSON.stringify(error), /hunter2/)
    assert.equal(error.description, error.message)
    return error.name
  })
  assert.deepEqual(names, ['PasswordDictionaryError', 'PasswordNoUserInfoError', 'PasswordHistoryError'])
})
