import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { randomKey } from '../../../kernel/secrets.ts'
import { createSeals } from './sealing.ts'

const [former, current] = [randomKey(), randomKey()]
const value = { accessToken: 'a secret', endsAt: 1 }

describe('what a session is kept as', () => {
  test('opens for whoever has the key, under the record and purpose it was sealed for', () => {
    const seals = createSeals([current])
    const sealed = seals.seal('session', 'one', value)
    assert.deepEqual(seals.open('session', 'one', sealed), value)
    assert.equal(seals.open('session', 'two', sealed), undefined)
    assert.equal(seals.open('sign-in', 'one', sealed), undefined)
    assert.equal(createSeals([former]).open('session', 'one', sealed), undefined)
    assert.ok(!sealed.includes('secret'))
    assert.notEqual(seals.seal('session', 'one', value), sealed)
  })

  test('opens with a key that seals no more, for as long as it is listed', () => {
    const sealed = createSeals([former]).seal('session', 'one', value)
    const both = createSeals([current, former])
    assert.deepEqual(both.open('session', 'one', sealed), value)
    const anew = both.seal('session', 'one', value)
    assert.deepEqual(createSeals([current]).open('session', 'one', anew), value)
    assert.equal(createSeals([former]).open('session', 'one', anew), undefined)
  })

  test('does not open when a bit of it was changed, or it is something else', () => {
    const seals = createSeals([current])
    const sealed = seals.seal('session', 'one', value)
    for (let at = 0; at < sealed.length; at++) {
      const changed = `${sealed.slice(0, at)}${sealed[at] === 'A' ? 'B' : 'A'}${sealed.slice(at + 1)}`
      const opened = seals.open('session', 'one', changed)
      // The last character of base64url has bits that nobody reads.
      if (at < sealed.length - 1) assert.equal(opened, undefined, `${at}`)
    }
    for (const other of ['', '.', '..', 'a.b.c', `${sealed}.x`, sealed.split('.').slice(0, 2).join('.')])
      assert.equal(seals.open('session', 'one', other), undefined)
  })

  test('is made with keys of 32 bytes, at least one', () => {
    assert.throws(() => createSeals([]), TypeError)
    assert.throws(() => createSeals([randomKey().subarray(1)]), TypeError)
  })
})
