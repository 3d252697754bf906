import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { PROTOCOL_ERROR_STATUS, ProtocolError, type ProtocolErrorCode } from '../kernel/errors.ts'
import type { Feature, TokenContext } from './feature.ts'
import { runPhase } from './phases.ts'

const CONTEXT = {} as TokenContext
const objecting = (name: string, code: ProtocolErrorCode): Feature => ({
  name,
  spec: 'none',
  steps: {
    'token.redeem': () => {
      throw new ProtocolError(code, `${name} objects`)
    },
  },
})
const run = (...features: Feature[]) => runPhase('token.redeem', features, CONTEXT)
const reported = (...features: Feature[]): Promise<ProtocolErrorCode> =>
  run(...features).then(
    () => assert.fail('nobody objected'),
    (error: unknown) => (error instanceof ProtocolError ? error.code : assert.fail(String(error))),
  )

describe('a phase', () => {
  test('runs every step of it, none of another phase, and waits for each', async () => {
    const ran: string[] = []
    const step = (name: string): Feature => ({
      name,
      spec: 'none',
      steps: {
        'token.redeem': async context => {
          assert.equal(context, CONTEXT)
          await Promise.resolve()
          ran.push(name)
        },
        'token.bind': () => assert.fail('another phase'),
      },
    })
    await run(step('a'), { name: 'without steps', spec: 'none' }, step('b'))
    assert.deepEqual(ran, ['a', 'b'])
  })

  test('goes on after an objection, so that time tells nobody who objected', async () => {
    const ran: string[] = []
    const last: Feature = { name: 'last', spec: 'none', steps: { 'token.redeem': () => void ran.push('last') } }
    await assert.rejects(run(objecting('first', 'invalid_grant'), last), ProtocolError)
    assert.deepEqual(ran, ['last'])
  })

  test('lets a bug through as it is, at once: it is nobody’s fault but ours', async () => {
    const broken: Feature = {
      name: 'broken',
      spec: 'none',
      steps: {
        'token.redeem': () => {
          throw new TypeError('a bug')
        },
      },
    }
    await assert.rejects(run(objecting('a', 'invalid_request'), broken), TypeError)
    await assert.rejects(run(broken, objecting('a', 'invalid_request')), TypeError)
  })

  test('with an empty list objects to nothing', () => run())
})

describe('of several objections the one is told', () => {
  for (const [first, second] of [
    ['server_error', 'invalid_request'],
    ['invalid_request', 'unauthorized_client'],
    ['invalid_request', 'request_not_supported'],
    ['unauthorized_client', 'unsupported_response_type'],
    ['unauthorized_client', 'request_not_supported'],
    ['request_not_supported', 'request_uri_not_supported'],
    ['request_uri_not_supported', 'invalid_target'],
    ['invalid_target', 'invalid_scope'],
    ['invalid_scope', 'invalid_grant'],
    ['invalid_grant', 'access_denied'],
    ['access_denied', 'login_required'],
  ] as const)
    test(`${first} rather than ${second}, whoever came first`, async () => {
      assert.equal(await reported(objecting('a', first), objecting('b', second)), first)
      assert.equal(await reported(objecting('b', second), objecting('a', first)), first)
      assert.equal(await reported(objecting('b', first), objecting('a', second)), first)
    })

  test('of the feature whose name comes first, when they are of one rank', async () => {
    const codes = ['login_required', 'consent_required'] as const
    assert.equal(await reported(objecting('b', codes[0]), objecting('a', codes[1])), codes[1])
    assert.equal(await reported(objecting('a', codes[1]), objecting('b', codes[0])), codes[1])
  })

  test('that any two orders of all codes agree on', async () => {
    const all = (Object.keys(PROTOCOL_ERROR_STATUS) as ProtocolErrorCode[]).map(code => objecting(`on ${code}`, code))
    assert.equal(await reported(...all), await reported(...all.toReversed()))
  })
})
