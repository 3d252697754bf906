import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { JsonObject } from '../kernel/json.ts'
import { type PasswordProblem, passwordProblem } from '../policy/password-rule.js'
import { databaseOptionProblems, databaseOptions } from './database-options.ts'

const problemOf = (options: JsonObject, password: string, own: readonly string[] = []) =>
  passwordProblem(password, { own, isCommon: () => false, policy: databaseOptions(options).policy })

describe('a database’s password policy', () => {
  const complexity = (members: JsonObject) => ({ password_options: { complexity: members } })
  const all = ['lowercase', 'uppercase', 'number', 'special']
  for (const [options, password, problem] of [
    [{}, 'monsoonlamp', undefined],
    // The floor holds under every level.
    [{ passwordPolicy: 'none' }, 'monsoon', 'password_too_short'],
    [{ passwordPolicy: 'low' }, 'monsoo', 'password_too_short'],
    [{ passwordPolicy: 'low' }, 'monsoonlamp', undefined],
    [{ passwordPolicy: 'fair' }, 'monsoonlamp4', 'password_too_few_kinds'],
    [{ passwordPolicy: 'fair' }, 'Monsoonlamp4', undefined],
    [{ passwordPolicy: 'good' }, 'Monsoonlamp', 'password_too_few_kinds'],
    [{ passwordPolicy: 'good' }, 'Monsoonlamp!', undefined],
    [{ passwordPolicy: 'good' }, 'monsoonlamp4!', undefined],
    [{ passwordPolicy: 'excellent' }, 'Monsoon4!', 'password_too_short'],
    [{ passwordPolicy: 'excellent' }, 'Monsoooonlamp4', 'password_repeats'],
    [{ passwordPolicy: 'excellent' }, 'Monsoonlamp4', undefined],
    [
      { passwordPolicy: 'excellent', password_complexity_options: { min_length: 14 } },
      'Monsoonlamp4',
      'password_too_short',
    ],
    [{ password_complexity_options: { min_length: 3 } }, 'monsoon', 'password_too_short'],
    [complexity({ min_length: 12 }), 'monsoonlamp', 'password_too_short'],
    [complexity({ character_types: ['special'] }), 'monsoonlamp', 'password_too_few_kinds'],
    [complexity({ character_types: all }), 'Monsoonlamp4', 'password_too_few_kinds'],
    [complexity({ character_types: all, character_type_rule: 'three_of_four' }), 'Monsoonlamp4', undefined],
    [complexity({ identical_characters: 'block' }), 'monsooonlamp', 'password_repeats'],
    [complexity({ sequential_characters: 'block' }), 'monsoonlamp678', 'password_sequence'],
    [complexity({ sequential_characters: 'block' }), 'monsoonlampcba', 'password_sequence'],
    [complexity({ sequential_characters: 'block' }), 'monsoonlamp67', undefined],
  ] as [JsonObject, string, PasswordProblem | undefined][])
    test(`${JSON.stringify(options)}: ${password} ${problem ?? 'will do'}`, () =>
      assert.equal(problemOf(options, password), problem))

  test('that forbids personal data refuses it wherever it stands', () => {
    const own = ['ann.example@mail.example']
    assert.equal(problemOf({}, 'a lighthouse for ann in the fog', own), undefined)
    for (const options of [
      { password_no_personal_info: { enable: true } },
      { password_options: { profile_data: { active: true } } },
    ])
      assert.equal(problemOf(options, 'a lighthouse for ann in the fog', own), 'password_own_data')
  })

  test('has words of its own, and remembers as many as it says', () => {
    const old = databaseOptions({
      password_dictionary: { enable: true, dictionary: ['Lighthouse'] },
      password_history: { enable: true },
    })
    assert.deepEqual([old.words, old.remembers], [['lighthouse'], 5])
    const recent = databaseOptions({
      password_dictionary: { enable: true, dictionary: ['x'] },
      password_history: { enable: true, size: 9 },
      password_options: { dictionary: { active: true, custom: ['Fog'] }, history: { active: false, size: 3 } },
    })
    assert.deepEqual([recent.words, recent.remembers], [['fog'], 0])
  })
})

test('usernames are asked for in either of Auth0’s forms, within the bounds they name', () => {
  assert.equal(databaseOptions({}).username, null)
  assert.deepEqual(databaseOptions({ requires_username: true }).username, {
    isRequired: true,
    shortest: 1,
    longest: 15,
  })
  assert.deepEqual(
    databaseOptions({ requires_username: true, validation: { username: { min: 4, max: 20 } } }).username,
    { isRequired: true, shortest: 4, longest: 20 },
  )
  const username = { identifier: { active: true }, signup: { status: 'optional' }, validation: { min_length: 2 } }
  assert.deepEqual(databaseOptions({ attributes: { username } }).username, {
    isRequired: false,
    shortest: 2,
    longest: 15,
  })
  assert.equal(databaseOptions({ attributes: { username: { identifier: { active: false } } } }).username, null)
})

describe('options that are at fault', () => {
  for (const [options, path] of [
    [{ passwordPolicy: 'superb' }, 'passwordPolicy'],
    [{ password_complexity_options: { min_length: 0 } }, 'password_complexity_options.min_length'],
    [{ password_complexity_options: { min_length: 1e9 } }, 'password_complexity_options.min_length'],
    [{ password_history: { enable: true, size: 25 } }, 'password_history.size'],
    [{ password_history: { enable: 'yes' } }, 'password_history.enable'],
    [{ password_dictionary: { enable: true, dictionary: Array(201).fill('x') } }, 'password_dictionary.dictionary'],
    [
      { password_options: { complexity: { character_types: ['emoji'] } } },
      'password_options.complexity.character_types',
    ],
    [{ validation: { username: { min: 9, max: 3 } } }, 'validation.username.min'],
    [{ import_mode: true }, 'import_mode'],
    [{ attributes: { username: { identifier: { active: 1 } } } }, 'attributes.username.identifier.active'],
  ] as [JsonObject, string][]) {
    test(`${path} is named`, () =>
      assert.deepEqual(
        databaseOptionProblems(options).map(problem => problem.path.join('.')),
        [path],
      ))
    test(`${path} makes nothing of the rest mean anything else`, () => {
      const { policy, isSignUpOpen } = databaseOptions({ disable_signup: true, ...options })
      assert.deepEqual([isSignUpOpen, policy.minimumLength], [false, 8])
    })
  }

  test('are not those that have no meaning here, nor those that nobody filled in', () =>
    assert.deepEqual(
      databaseOptionProblems({ mfa: { active: true }, anything: [1], passwordPolicy: null, import_mode: false }),
      [],
    ))
})
