import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isProfileText } from './profile-text.ts'

describe('what a person may be called', () => {
  for (const name of ['Ann', '김하늘', 'José María', 'علی\u200cرضا', '👩\u200d🚀', 'x'.repeat(300), '😀'.repeat(300)])
    test(`${JSON.stringify(name.slice(0, 20))} may be a name`, () => assert.ok(isProfileText(name)))

  for (const [name, why] of [
    ['', 'nothing'],
    [' \u3000', 'blanks'],
    ['\u200b\u2060', 'what nobody sees'],
    ['\u3164', 'a filler, which is a letter and blank'],
    ['Ann\nBcc: eve@example.com', 'a line break'],
    ['Ann\u2028Eve', 'a line break of another kind'],
    ['\u001b[2JAnn', 'what a terminal obeys'],
    ['Ann\u202eevE', 'a mark that turns the reading direction'],
    ['Ann\u2066evE', 'another such mark'],
    ['Jos\ufffd', 'what stands for bytes that could not be read'],
    ['x'.repeat(301), '301 characters'],
  ] as const)
    test(`${why} is refused`, () => assert.equal(isProfileText(name), false))

  test('lines are for those parts of an address that have them, and nothing else is', () => {
    assert.ok(isProfileText('1 High Street\r\nLittle Snoring\nNorfolk', { lines: true }))
    assert.equal(isProfileText('\n', { lines: true }), false)
    assert.equal(isProfileText('1 High\u001bStreet', { lines: true }), false)
  })
})
