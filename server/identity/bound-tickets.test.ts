import assert from 'node:assert/strict'
import { test } from 'node:test'
import { anIncoming, NOW } from '../../tests/fixtures/records.ts'
import { createRateLimit } from '../http/rate-limit.ts'
import { PageError } from '../kernel/errors.ts'
import { MINUTE } from '../kernel/seconds.ts'
import type { Nouns } from '../store/store.ts'
import { issueHere } from './bound-tickets.ts'

test('of requests that begin to wait no network has more than its share written down', async () => {
  const written: object[] = []
  const store = { tickets: { issue: async (one: object) => void written.push(one) } } as unknown as Nouns
  const waitingRequests = createRateLimit({ free: 2, pauses: [MINUTE], forgets: MINUTE })
  const ticket = { kind: 'request', data: {}, since: NOW, life: MINUTE }
  const issue = (address: string) =>
    issueHere({ store, waitingRequests }, anIncoming({ address }), { secure: true, sameSite: 'Lax' }, ticket)
  for (let count = 0; count < 2; count++) await issue('192.0.2.1')
  await assert.rejects(issue('192.0.2.1'), (error: unknown) => error instanceof PageError && error.status === 429)
  assert.equal(written.length, 2)
  await issue('192.0.2.2')
})
