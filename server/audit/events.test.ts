import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { anIncoming, NOW, TENANT } from '../../tests/fixtures/records.ts'
import { clientRefused, codeReused, machineTokenIssued, occasionOf, signedUp, signInFailed } from './events.ts'

const occasion = occasionOf(anIncoming({ headers: { 'user-agent': 'Firefox' } }), NOW)

describe('an event', () => {
  test('says when, where and in which request it happened', () => {
    const event = signedUp(occasion, 'auth0|ann', 'ann@example.com', 'people')
    assert.deepEqual([event.tenant, event.at, event.requestId], [TENANT, NOW, 'request-1'])
    assert.notEqual(event.id, signedUp(occasion, 'auth0|ann', 'ann@example.com', 'people').id)
  })

  test('keeps what is personal in the part that erasure empties, and nowhere else', () => {
    const failed = signInFailed(occasion, 'app', null, 'ann@example.com', 'people', null)
    for (const event of [failed, signedUp(occasion, 'auth0|ann', 'ann@example.com', 'people')]) {
      const { personal, ...rest } = event
      assert.deepEqual(personal, { address: '192.0.2.1', userAgent: 'Firefox', email: 'ann@example.com' })
      assert.doesNotMatch(JSON.stringify(rest), /ann@example\.com|192\.0\.2\.1|Firefox/)
    }
  })

  test('names who acted, for whom, and what it was done to', () => {
    assert.deepEqual(codeReused(occasion, 'app', 'auth0|ann', 'aut_1').actor, {
      kind: 'client',
      id: 'app',
      client: 'app',
      onBehalfOf: 'auth0|ann',
    })
    assert.deepEqual(machineTokenIssued(occasion, 'app', 'https://api/', ['read']).target, {
      kind: 'resource-server',
      id: 'https://api/',
    })
  })

  test('takes nobody’s word for who they are before they proved it', () => {
    assert.equal(clientRefused(occasion, 'app', 'secret').actor.kind, 'anonymous')
    const failed = signInFailed(occasion, 'app', 'auth0|ann', 'ann@example.com', 'people', null)
    assert.deepEqual([failed.actor.kind, failed.actor.id, failed.target?.id], ['anonymous', '', 'auth0|ann'])
  })
})
