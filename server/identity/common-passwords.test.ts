import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { dictionary } from '@zxcvbn-ts/language-common'
import { findPasswordProblem } from './choosable-password.ts'
import { COMMON_PASSWORDS_FILE, loadCommonPasswords, packPasswords } from './common-passwords.ts'

const list = dictionary['passwords-common'] ?? []

describe('the list of common passwords', () => {
  test('is the library’s; otherwise `npm run generate` prints it anew', () =>
    assert.ok(readFileSync(COMMON_PASSWORDS_FILE).equals(packPasswords(list))))

  test('says yes to everything on it, the first and the last in order too', async () => {
    const isCommon = await loadCommonPasswords()
    assert.ok(list.length > 40_000)
    assert.deepEqual(
      list.filter(password => !isCommon(password)),
      [],
    )
  })

  test('says no to everything else', async () => {
    const isCommon = await loadCommonPasswords()
    for (let count = 0; count < 20_000; count += 1) assert.equal(isCommon(`nobody's ${count} own`), false)
  })

  test('is what a choice is measured by, beside what is known of the person', async () => {
    assert.equal(await findPasswordProblem('Sunshine1!', []), 'password_common')
    assert.equal(
      await findPasswordProblem('Moonlight Media!', ['Moonlight Media', null, undefined]),
      'password_own_data',
    )
    assert.equal(await findPasswordProblem('seven quiet magpies', ['ann@example.com', null]), undefined)
  })
})
