import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { RefusalCode } from './exchange.ts'
import { REASONS, refusalAnswer } from './refuse.ts'

const answerOf = (code: RefusalCode, more: object = {}) => refusalAnswer({ code, ...more }, 'req_1')
const bodyOf = (code: RefusalCode) => JSON.parse(answerOf(code).body ?? '')

describe('a refusal', () => {
  test('says in JSON what is wrong, by a code and in a sentence, and which request it was', () => {
    assert.deepEqual(bodyOf('token_revoked'), {
      error: 'invalid_token',
      error_description: 'The token has been revoked.',
      reason: 'token_revoked',
      request_id: 'req_1',
    })
    for (const code of Object.keys(REASONS) as RefusalCode[]) {
      const { status, headers } = answerOf(code)
      assert.equal(status, REASONS[code].status)
      assert.equal(headers['cache-control'], 'no-store')
    }
  })

  test('of a token that is not good is told apart from one that is not good enough (RFC 6750)', () => {
    assert.equal(
      answerOf('token_expired').headers['www-authenticate'],
      'Bearer realm="edge", error="invalid_token", error_description="The token has expired."',
    )
    const { status, headers } = answerOf('insufficient_scope', { challenge: { scope: 'read:a write:a' } })
    assert.equal(status, 403)
    assert.match(String(headers['www-authenticate']), /error="insufficient_scope", .*scope="read:a write:a"$/)
  })

  test('of nobody at all names no error', () =>
    assert.equal(answerOf('no_credential').headers['www-authenticate'], 'Bearer realm="edge"'))

  test('that a new sign-in could mend says which (RFC 9470)', () => {
    const { status, headers } = answerOf('step_up', { challenge: { max_age: '300', acr_values: 'gold' } })
    assert.equal(status, 401)
    assert.match(
      String(headers['www-authenticate']),
      /error="insufficient_user_authentication", .*max_age="300", acr_values="gold"$/,
    )
  })

  test('that is about no token has no challenge, and an outage says when to come again', () => {
    for (const code of ['no_route', 'not_internal', 'revocations_stale', 'upstream_failed'] as const)
      assert.equal(answerOf(code).headers['www-authenticate'], undefined, code)
    assert.equal(answerOf('revocations_stale').headers['retry-after'], '2')
    assert.equal(answerOf('too_many_requests', { retryAfterSeconds: 7 }).headers['retry-after'], '7')
    assert.equal(answerOf('upstream_failed').headers['retry-after'], undefined)
  })

  test('lets nothing out of a quoted value', () => {
    const { headers } = answerOf('insufficient_scope', { challenge: { scope: 'a", realm="b\\\r\nX: y' } })
    assert.match(String(headers['www-authenticate']), /scope="a, realm=bX: y"$/)
  })
})
