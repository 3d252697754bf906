import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createArrive, isRefusal } from './arrive.ts'
import type { Caller } from './exchange.ts'
import { createIdentityHeaders } from './identity-headers.ts'
import { createOutgoing } from './outgoing.ts'
import type { EdgePlan, RoutePlan } from './plan.ts'

const route = {
  access: { kind: 'required' },
  identity: [{ header: 'x-user-id', claim: ['sub'] }],
  identityToken: null,
  forwardCredential: true,
} as unknown as RoutePlan
const outgoing = createOutgoing({ routes: [route] } as unknown as EdgePlan, createIdentityHeaders())
const ann = { kind: 'bearer', claims: { sub: 'auth0|ann' } } as unknown as Caller

function sent(
  rawHeaders: readonly string[],
  caller: Caller | null,
  encrypted = false,
): Readonly<Record<string, string>> {
  const headers = Object.fromEntries(
    rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [[name.toLowerCase(), rawHeaders[at + 1]]] : [])),
  )
  const socket = { remoteAddress: '192.0.2.1', encrypted }
  const request = { rawHeaders, headers, method: 'GET', url: '/', httpVersionMajor: 1, socket }
  const arrived = createArrive({ isTrusted: () => false, saidOnce: new Set() })(request as never, 'req_1', 1)
  assert.ok(!isRefusal(arrived))
  const flat = outgoing(arrived, route, caller)
  return Object.fromEntries(
    flat.flatMap((name, at) => (at % 2 === 0 ? [[name.toLowerCase(), flat[at + 1] ?? '']] : [])),
  )
}

describe('what a service is sent', () => {
  test('is what came, who is calling, by whom it came and which request it is', () => {
    assert.deepEqual(
      sent(['Host', 'a.example:8080', 'Accept', 'text/html', 'X-Forwarded-For', '10.0.0.1'], ann, true),
      {
        accept: 'text/html',
        'x-user-id': 'auth0|ann',
        host: 'a.example:8080',
        'x-forwarded-host': 'a.example:8080',
        'x-forwarded-for': '192.0.2.1',
        'x-forwarded-proto': 'https',
        'x-request-id': 'req_1',
      },
    )
  })

  test('says nothing of a caller where there is none, nor of a host that nobody named', () =>
    assert.deepEqual(sent(['X-User-Id', 'admin'], null), {
      'x-forwarded-for': '192.0.2.1',
      'x-forwarded-proto': 'http',
      'x-request-id': 'req_1',
    }))

  test('goes on with the trace that it belongs to, as it was read and not as it was written', () => {
    const id = '4bf92f3577b34da6a3ce929d0e0e4736'
    const parent = `00-${id}-00f067aa0ba902b7-01`
    assert.equal(sent(['Host', 'a', 'Traceparent', parent], null)['traceparent'], parent)
    const broken = sent(['Host', 'a', 'Traceparent', 'junk', 'Tracestate', 'a=b'], null)
    assert.match(broken['traceparent'] ?? '', /^00-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/)
    assert.equal(broken['tracestate'], undefined)
  })
})
