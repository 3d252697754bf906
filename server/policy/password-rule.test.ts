import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LONGEST_PASSWORD_BYTES, passwordProblem, SHORTEST_PASSWORD } from './password-rule.ts'

const EMAIL = 'Barbara@example.com'

describe('which passwords may be chosen', () => {
  for (const [password, problem, why] of [
    ['', 'password_too_short', 'nothing'],
    ['1234567', 'password_too_short', 'seven characters'],
    ['12345678', undefined, 'eight characters of one kind: no mixture is demanded'],
    ['💧💧💧💧', 'password_too_short', 'four characters that are eight UTF-16 units'],
    ['💧💧💧💧💧💧💧💧', undefined, 'eight characters outside the basic plane'],
    ['    8 8 ', undefined, 'spaces count, also at the ends'],
    ['가나다라마바사아', undefined, 'eight syllables'],
    ['a'.repeat(1024), undefined, '1,024 bytes'],
    ['a'.repeat(1025), 'password_too_long', '1,025 bytes'],
    ['가'.repeat(342), 'password_too_long', '342 characters of three bytes'],
    ['barbara@example.com', 'password_is_address', 'the address'],
    ['BARBARA@EXAMPLE.COM', 'password_is_address', 'the address in capitals'],
    ['bArBaRa', 'password_too_short', 'the name in the address, too short as well'],
    ['barbara@example.com!', undefined, 'the address and more'],
  ] as const)
    test(`${why}: ${problem ?? 'may'}`, () => assert.equal(passwordProblem(password, EMAIL), problem))

  test('the part before the @ may not be chosen, whatever its case', () =>
    assert.equal(passwordProblem('BARBARELLA', 'barbarella@example.com'), 'password_is_address'))

  test('the bounds are the ones that pages state', () => {
    assert.equal(SHORTEST_PASSWORD, 8)
    assert.equal(LONGEST_PASSWORD_BYTES, 1024)
  })
})
