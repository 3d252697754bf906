import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics } from './metrics.ts'

test('of processes that do the same job, it last succeeded where that is longest ago, and what each has not read is not added up', async () => {
  const [first, worker] = [createMetrics(), createMetrics()]
  const began = Date.now() / 1000
  for (const { meter } of [first, worker]) meter.jobRan('certificate', 1, 'done')
  for (const { read } of [first, worker])
    read(async () => ({ latchkey_revocation_lag: 3, latchkey_events_buffered: 2 }))
  const lines = (await first.text([await worker.tell()])).split('\n')
  const told = (name: string) => Number(lines.find(line => line.startsWith(`${name} `))?.slice(name.length + 1))
  const last = told('latchkey_job_last_success_timestamp_seconds{job="certificate"}')
  assert.ok(last >= began && last <= Date.now() / 1000, `${last}`)
  assert.equal(told('latchkey_revocation_lag'), 3)
  assert.equal(told('latchkey_events_buffered'), 4)
})
