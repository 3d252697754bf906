import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { apiKeyHash, formatApiKey, isGenuineApiKey, newApiKey, parseApiKey } from './api-key.ts'

describe('an API key', () => {
  const key = newApiKey()
  const text = formatApiKey(key)

  test('is letters, digits and underscores, begins with its id, and is read as it was written', () => {
    assert.match(text, /^lk_\w{24}_\w{72}$/)
    assert.ok(text.startsWith(`${key.id}_`))
    assert.deepEqual(parseApiKey(text), key)
    assert.notEqual(formatApiKey(newApiKey()), text)
  })

  test('has the form that is published: its end is the CRC-32 of what stands before it', () => {
    const id = 'lk_0123456789abcdef01234567'
    const secret = '00'.repeat(32)
    assert.equal(formatApiKey({ id, secret }), `${id}_${secret}6795f61e`)
  })

  test('with one character changed, two swapped, or some left out or added is none', () => {
    for (let place = 0; place < text.length; place++) {
      const other = text[place] === '0' ? '1' : '0'
      assert.equal(parseApiKey(text.slice(0, place) + other + text.slice(place + 1)), undefined, String(place))
    }
    for (const wrong of [text.slice(0, -1), `${text}0`, ` ${text}`, `${text}\n`, text.toUpperCase(), '', 'lk_'])
      assert.equal(parseApiKey(wrong), undefined, wrong)
  })

  test('is genuine by its secret alone', () => {
    const hash = apiKeyHash(key)
    assert.ok(!text.includes(hash))
    assert.equal(isGenuineApiKey(key, hash), true)
    assert.equal(isGenuineApiKey({ ...newApiKey(), id: key.id }, hash), false)
    assert.equal(isGenuineApiKey(key, ''), false)
  })
})
