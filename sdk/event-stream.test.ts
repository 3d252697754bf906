import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createEventReader } from './event-stream.ts'

const read = (...pieces: (string | Uint8Array)[]) => {
  const reader = createEventReader(100)
  return pieces.flatMap(piece => [...reader.read(typeof piece === 'string' ? Buffer.from(piece) : piece)])
}

describe('events of a stream', () => {
  test('come out whole however they were cut on the way, in the middle of a letter too', () => {
    const text = 'event: entries\nid: 7\ndata: ["é한"]\n\n: a comment\n\ndata: one\r\ndata:two\r\n\r\n'
    const expected = [
      { name: 'entries', data: '["é한"]', id: '7' },
      { name: 'message', data: 'one\ntwo', id: undefined },
    ]
    assert.deepEqual(read(text), expected)
    const bytes = Buffer.from(text)
    for (let size = 1; size < 12; size++) {
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
        bytes.subarray(index * size, (index + 1) * size),
      )
      assert.deepEqual(read(...pieces), expected, `pieces of ${size}`)
    }
  })

  test('without data are none, and one that has not ended is not told', () => {
    assert.deepEqual(read('id: 3\nevent: reading\n\n', 'data: 1\n'), [])
  })

  test('that do not end are given up, in one line or in many', () => {
    assert.throws(() => read(`data: ${'x'.repeat(100)}`), /longer than 100/)
    assert.throws(() => read('data: 0123456789\n'.repeat(11)), /longer than 100/)
  })

  test('that are not UTF-8 are refused', () => {
    assert.throws(() => read(Uint8Array.of(0x64, 0xff, 0x0a)), TypeError)
  })
})
