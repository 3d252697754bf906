/** What holds for every operation of the Management API: who is let in, what is read, how it is told when not. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { SECOND } from '../../server/kernel/seconds.ts'
import { askToken } from '../attacks/stage.ts'
import { type Management, startManagement } from '../fixtures/management.ts'

const FILMS = 'https://films.example/api'
const MACHINE = { client_id: 'films-machine', client_secret: 'the secret of a machine that has films alone' }

describe('The Management API', () => {
  // It stands still, so that what is counted by the second is counted whole.
  let now = Date.now()
  let management: Management
  before(async () => {
    management = await startManagement({
      environment: { LATCHKEY_MANAGEMENT_CALLS: '100' },
      clock: () => now,
      tenantFile: {
        resourceServers: [{ identifier: FILMS, name: 'Films' }],
        clients: [{ ...MACHINE, name: 'Machine', app_type: 'non_interactive' }],
        clientGrants: [{ client_id: MACHINE.client_id, audience: FILMS, scope: [] }],
      },
    })
  })
  after(() => management?.close())

  const REVOKE = '/users/nobody/revoke-access'

  test('lets nobody in without a token, and says so in its own way', async () => {
    const { status, body, headers } = await management.call('POST', REVOKE, {}, { token: 'nonsense' })
    assert.equal(status, 401)
    assert.equal(body.statusCode, 401)
    assert.equal(body.error, 'Unauthorized')
    assert.equal(body.errorCode, 'invalid_token')
    assert.match(String(headers['www-authenticate']), /^Bearer realm="management", error="invalid_token"/)
  })

  test('says what it is to whoever brings a token for another API', async () => {
    const asked = { ...MACHINE, grant_type: 'client_credentials', audience: FILMS }
    const { access_token } = (await askToken(management.server, asked)).json() as { access_token: string }
    const { status, body } = await management.call('GET', '/users', undefined, { token: access_token })
    const audience = `https://${management.domain}/api/v2/`
    assert.deepEqual(
      [status, body.errorCode, body.message],
      [401, 'invalid_token', `The token is for another audience than this API, which is ${audience}.`],
    )
  })

  test('names the scopes that a token lacks', async () => {
    const token = await management.tokenWith('read:users')
    const { status, body } = await management.call('POST', REVOKE, {}, { token })
    assert.deepEqual([status, body.errorCode], [403, 'insufficient_scope'])
    assert.equal(body.message, 'Insufficient scope, expected all of: delete:sessions,delete:refresh_tokens')
  })

  test('answers what is not built as what a token may not, and knows what there never was', async () => {
    const { status, body } = await management.call('GET', '/actions/triggers')
    assert.deepEqual([status, body.errorCode], [403, 'insufficient_scope'])
    assert.equal(body.message, 'Insufficient scope: /actions/triggers is not built here.')
    const { body: inside } = await management.call('GET', '/users/nobody/groups/1')
    assert.equal(inside.message, 'Insufficient scope: /users/:id/groups is not built here.')
    assert.equal((await management.call('GET', '/nonsense')).status, 404)
    assert.equal((await management.call('GET', '/actions/triggers', undefined, { token: 'nonsense' })).status, 401)
  })

  test('tells which methods there are', async () => {
    const { status, headers, body } = await management.call('PATCH', REVOKE, {})
    assert.deepEqual([status, headers['allow'], body.errorCode], [405, 'POST', 'method_not_allowed'])
  })

  test('names the member of a body that is wrong, and the rule', async () => {
    const refused = async (body: unknown) => (await management.call('POST', REVOKE, body)).body
    const said = async (body: unknown) => (await refused(body)).message
    assert.equal(await said({ sesion_id: 'x' }), 'Payload validation error: there is no member sesion_id.')
    assert.equal(await said({ session_id: 5 }), 'Payload validation error: session_id must be string.')
    assert.equal(await said('[]'), 'Payload validation error: the body must be object.')
    assert.deepEqual(await refused('{"a":1,"a":2}'), {
      statusCode: 400,
      error: 'Bad Request',
      message: 'The body must be JSON that has each name once.',
      errorCode: 'invalid_request',
    })
    assert.match(await said(`{"session_id":${'['.repeat(5000)}${']'.repeat(5000)}}`), /more than 32 deep/)
    assert.match(await said('{"__proto__":{"session_id":"x"}}'), /called __proto__/)
    assert.match(await said('{"session_id":"\\u0000"}'), /null character/)
    assert.match(await said('{"session_id":"\\ud800"}'), /half of a character/)
  })

  test('takes no form, no parameter that it does not know, and no body without end', async () => {
    const form = await management.call('POST', REVOKE, 'session_id=x', {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    assert.deepEqual([form.status, form.body.errorCode], [415, 'invalid_body'])
    const unknown = await management.call('POST', `${REVOKE}?sesion=1`, {})
    assert.equal(unknown.body.message, 'Query validation error: there is no parameter sesion.')
    const large = await management.call('POST', REVOKE, `"${'x'.repeat(1024 * 1024)}"`)
    assert.deepEqual([large.status, large.body.errorCode], [413, 'invalid_request'])
  })

  test('keeps an escaped slash within the name it stands in', async () => {
    const { status, body } = await management.call('POST', '/users/a%2Frevoke-access/revoke-access', {})
    assert.deepEqual([status, body.errorCode], [404, 'inexistent_user'])
    assert.equal((await management.call('POST', '/users/%ff/revoke-access', {})).status, 400)
    assert.equal((await management.call('POST', `/users/${'x'.repeat(2000)}/revoke-access`, {})).status, 400)
  })

  test('describes itself', async () => {
    const { status, body } = await management.call('GET', '/openapi.json', undefined, { token: 'nonsense' })
    assert.equal(status, 200)
    assert.equal(body.openapi, '3.1.0')
    assert.deepEqual(Object.keys(body.paths['/users/{id}/revoke-access']), ['post'])
  })

  test('says how many calls are left, and holds a client up alone that calls too often', async () => {
    const other = await management.tokenWith('read:users')
    now += SECOND
    const answers = await Promise.all(Array.from({ length: 150 }, () => management.call('GET', '/nonsense')))
    const refused = answers.filter(({ status }) => status === 429)
    assert.equal(refused.length, 50)
    for (const { headers, body } of refused) {
      assert.equal(headers['retry-after'], '1')
      assert.equal(headers['x-ratelimit-remaining'], '0')
      assert.match(String(headers['x-ratelimit-reset']), /^\d{10}$/)
      assert.equal(body.errorCode, 'too_many_requests')
    }
    assert.equal((await management.call('GET', '/nonsense', undefined, { token: other })).status, 404)
  })
})
