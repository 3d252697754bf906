import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createPackedEntries, DIGEST_WORDS, writeDigest } from './packed-entries.ts'

const SECOND = 1000
const HOUR = 3600 * SECOND
const NOW = 1_800_000_000_000
const LATER = NOW + HOUR
const all = { epoch: null, expiresAt: LATER }

describe('packed entries', () => {
  test('cover what was added, whatever its epoch or below one, and nothing else', () => {
    const entries = createPackedEntries()
    entries.add('t session a', all, NOW)
    entries.add('t subject b', { epoch: 3, expiresAt: LATER }, NOW)
    assert.equal(entries.covers('t session a'), Number.POSITIVE_INFINITY)
    assert.equal(entries.covers('t subject b'), 3)
    for (const name of ['t session b', 't subject a', 'u session a', '']) assert.equal(entries.covers(name), undefined)
    assert.equal(entries.size, 2)
  })

  test('are found by what a name was digested to as by the name', () => {
    const entries = createPackedEntries()
    const names = ['t session a', 't subject b', 't session c']
    const digests = new Uint32Array(names.length * DIGEST_WORDS)
    for (const [index, name] of names.entries()) writeDigest(name, digests, index * DIGEST_WORDS)
    const found = () => names.map((_, index) => entries.coversDigest(digests, index * DIGEST_WORDS))
    assert.deepEqual(found(), [undefined, undefined, undefined])
    entries.add('t session a', all, NOW)
    entries.add('t subject b', { epoch: 3, expiresAt: LATER }, NOW)
    assert.deepEqual(found(), [Number.POSITIVE_INFINITY, 3, undefined])
  })

  test('added again reach as far as the widest and last as long as the longest, in either order', () => {
    const [narrow, wide] = [
      { epoch: 2, expiresAt: LATER },
      { epoch: 5, expiresAt: NOW + SECOND },
    ]
    for (const both of [
      [narrow, wide],
      [wide, narrow],
    ]) {
      const entries = createPackedEntries()
      for (const entry of both) entries.add('t subject a', entry, NOW)
      entries.sweep(NOW + 2 * SECOND)
      assert.equal(entries.covers('t subject a'), 5)
      entries.add('t subject a', all, NOW)
      entries.add('t subject a', narrow, NOW)
      assert.equal(entries.covers('t subject a'), Number.POSITIVE_INFINITY)
      assert.equal(entries.size, 1)
    }
  })

  test('are let go of when they are over, and not a moment before', () => {
    const entries = createPackedEntries()
    entries.add('short', { epoch: null, expiresAt: NOW + 1 }, NOW)
    entries.add('long', all, NOW)
    entries.sweep(NOW)
    assert.equal(entries.size, 2)
    entries.sweep(NOW + SECOND)
    assert.deepEqual([entries.covers('short'), entries.covers('long')], [undefined, Number.POSITIVE_INFINITY])
    assert.equal(entries.size, 1)
  })

  test('are all found however many there are, those that share a place too', () => {
    const entries = createPackedEntries()
    for (let id = 0; id < 50_000; id++) assert.ok(entries.add(`t session ${id}`, all, NOW))
    assert.equal(entries.size, 50_000)
    for (let id = 0; id < 50_000; id++) assert.ok(entries.covers(`t session ${id}`), `${id}`)
    for (let id = 50_000; id < 60_000; id++) assert.equal(entries.covers(`t session ${id}`), undefined)
  })

  test('take no more than there is room for, and make room of what is over', () => {
    const entries = createPackedEntries(16)
    const added = Array.from({ length: 20 }, (_, id) => entries.add(`${id}`, { epoch: null, expiresAt: NOW + 1 }, NOW))
    assert.equal(added.filter(Boolean).length, 12)
    assert.equal(entries.add('another', all, NOW + SECOND), true)
    assert.equal(entries.size, 1)
  })

  test('that never end are kept', () => {
    const entries = createPackedEntries()
    entries.add('ever', { epoch: null, expiresAt: 8.64e15 }, NOW)
    entries.sweep(NOW + 50 * 365 * 24 * HOUR)
    assert.equal(entries.size, 1)
  })
})
