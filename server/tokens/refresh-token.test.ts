import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  familyHash,
  formatRefreshToken,
  isGenuine,
  newFamily,
  parseRefreshToken,
  type RefreshToken,
} from './refresh-token.ts'

const KEY = Buffer.alloc(32, 1)
const HOLDER = { tenant: 'default', client: 'app' }
const TOKEN: RefreshToken = { keyId: 'key_1', family: 'f'.repeat(43), generation: 7 }
const text = formatRefreshToken(TOKEN, HOLDER, KEY)

const accepts = (presented: string, holder = HOLDER, key = KEY): boolean => {
  const parsed = parseRefreshToken(presented)
  return parsed !== undefined && isGenuine(parsed, holder, key)
}

describe('a refresh token', () => {
  test('is read as it was written', () => {
    assert.match(text, /^key_1\.f{43}\.7\.[\w-]{43}$/)
    assert.deepEqual(parseRefreshToken(text)?.token, TOKEN)
    assert.ok(accepts(text))
  })

  test('is the same bytes each time it is made, so that a lost answer can be repeated', () =>
    assert.equal(formatRefreshToken({ ...TOKEN }, { ...HOLDER }, Buffer.from(KEY)), text))

  test('is another for the next generation', () =>
    assert.notEqual(formatRefreshToken({ ...TOKEN, generation: 8 }, HOLDER, KEY), text))

  test('belongs to a family that the store cannot name', () => {
    const family = newFamily()
    assert.match(family, /^[\w-]{43}$/)
    assert.notEqual(familyHash(family), family)
    assert.equal(familyHash(family), familyHash(family))
  })
})

describe('a refresh token is not genuine', () => {
  for (const [holder, why] of [
    [{ tenant: 'default', client: 'other' }, 'for another client'],
    [{ tenant: 'other', client: 'app' }, 'for another tenant'],
    [{ tenant: 'defaultapp', client: '' }, 'for ids that run together to the same text'],
    [{ tenant: 'default","app', client: '' }, 'for an id that would end its part of the text'],
  ] as const)
    test(why, () => assert.equal(accepts(text, holder), false))

  test('under another key', () => assert.equal(accepts(text, HOLDER, Buffer.alloc(32, 2)), false))

  for (const [presented, why] of [
    [text.replace('.7.', '.8.'), 'with its generation raised'],
    [text.replace('.7.', '.6.'), 'with its generation lowered'],
    [text.replace('.7.', '.07.'), 'with its generation written another way'],
    [text.replace('.7.', '.7e0.'), 'with its generation as a power'],
    [text.replace('.7.', '.-7.'), 'with a generation below zero'],
    [text.replace('.7.', '.1000000000000000.'), 'with a generation that numbers cannot count to'],
    [text.replace('fff', 'ggg'), 'for another family'],
    [text.slice(0, -1), 'with its end cut off'],
    [`${text}A`, 'with something after it'],
    [`${text}\n`, 'with a line break after it'],
    [` ${text}`, 'with a space before it'],
    [text.split('.').slice(0, 3).join('.'), 'without its MAC'],
    [`${text.split('.').slice(0, 3).join('.')}.`, 'with an empty MAC'],
    [text.replace(/^key_1/, ''), 'without a key'],
    [text.replace(/^key_1/, 'k'.repeat(65)), 'with the name of a key that no key has'],
    [`${text}.${text}`, 'twice'],
    ['', 'from nothing'],
  ] as const)
    test(why, () => assert.equal(accepts(presented), false))

  test('with any one character of its family, generation or MAC changed', () => {
    const signed = text.indexOf('.') + 1
    for (let place = signed; place < text.length; place++)
      for (const other of ['A', 'B', '0', '_', '.', '=', '\u0000']) {
        if (text[place] === other) continue
        // The last character of 32 bytes in base64url has two bits that decode to nothing: text is compared, so they count.
        assert.equal(accepts(text.slice(0, place) + other + text.slice(place + 1)), false, `${place} ${other}`)
      }
  })

  test('and never more than undefined or a whole number, whatever is sent', () => {
    const parts = [
      '',
      '.',
      '..',
      'a',
      'A'.repeat(43),
      '0',
      '-1',
      '1e9',
      'NaN',
      '9'.repeat(15),
      '9'.repeat(16),
      '\u0000',
      '💧',
      '%2e',
      'key_1',
    ]
    for (const one of parts)
      for (const two of parts)
        for (const three of parts)
          for (const four of ['', 'A'.repeat(43), 'é']) {
            const parsed = parseRefreshToken([one, two, three, four].join('.'))
            if (parsed) assert.ok(Number.isSafeInteger(parsed.token.generation) && parsed.token.generation >= 0)
          }
  })
})
