import assert from 'node:assert/strict'
import fs from 'node:fs'
import { test } from 'node:test'
import { createLog } from './json-log.ts'

test('writes the lines of a turn at once, but no more than a pipe takes whole', async t => {
  const written: string[] = []
  t.mock.method(fs, 'writeSync', (_descriptor: number, text: string) => {
    written.push(text)
    return Buffer.byteLength(text)
  })
  const log = await createLog('info', { pretty: false, to: 2, worker: 1 })
  for (let line = 0; line < 40; line++) log.info({ line, name: '한글'.repeat(20) }, 'answered')
  log.info({ long: 'x'.repeat(5000) }, 'answered')
  await new Promise(resolve => setImmediate(resolve))
  t.mock.restoreAll()
  assert.ok(written.length < 10, `${written.length}`)
  for (const text of written)
    assert.ok(text.endsWith('\n') && (Buffer.byteLength(text) <= 4096 || text.indexOf('\n') === text.length - 1))
  assert.equal(
    written
      .join('')
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line)).length,
    41,
  )
})

test('writes members that are JSON already as it writes those it makes JSON of', async t => {
  const written: string[] = []
  t.mock.method(fs, 'writeSync', (_descriptor: number, text: string) => {
    written.push(text)
    return Buffer.byteLength(text)
  })
  const [log, quiet] = [
    await createLog('info', { pretty: false, to: 2, worker: 1 }),
    await createLog('warn', { pretty: false, to: 2 }),
  ]
  log.info({ a: 1, b: 'ä"' }, 'said "so"')
  log.infoMembers?.('"a":1,"b":"ä\\""', 'said "so"')
  quiet.infoMembers?.('"a":1', 'nobody reads it')
  await new Promise(resolve => setImmediate(resolve))
  t.mock.restoreAll()
  const [one, other, ...more] = written
    .join('')
    .trimEnd()
    .split('\n')
    .map(line => line.replace(/"time":"[^"]*"/, ''))
  assert.equal(one, other)
  assert.deepEqual(more, [])
})
