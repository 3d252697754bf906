import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { corsHeaders, preflightAnswer } from './cors.ts'
import type { Arrival } from './exchange.ts'
import type { RoutePlan } from './plan.ts'

const cors = { origins: ['https://app.example', 'http://localhost:4002'], credentials: false, maxAgeSeconds: 600 }
const routeOf = (more: object = {}) => ({ cors, match: { methods: ['GET', 'POST'] }, ...more }) as unknown as RoutePlan
const asked = (method: string, headers: object) => ({ method, headers }) as unknown as Arrival
const preflight = (origin: string) => asked('OPTIONS', { origin, 'access-control-request-method': 'POST' })

describe('a page of another origin', () => {
  test('that is listed may send what the route takes, and read what it is answered', () => {
    const answer = preflightAnswer(routeOf(), preflight('https://app.example'))
    assert.equal(answer?.status, 204)
    assert.equal(answer?.headers['access-control-allow-origin'], 'https://app.example')
    assert.equal(answer?.headers['access-control-allow-methods'], 'GET, POST')
    assert.match(String(answer?.headers['access-control-allow-headers']), /authorization/)
    assert.equal(answer?.headers['access-control-allow-credentials'], undefined)
    const told = corsHeaders(routeOf(), asked('POST', { origin: 'https://app.example' }))
    assert.equal(told['access-control-allow-origin'], 'https://app.example')
    assert.match(String(told['access-control-expose-headers']), /www-authenticate/)
  })

  test('that is not listed hears nothing, however alike it is', () => {
    const others = [
      'https://app.example.evil.example',
      'https://app.example:444',
      'http://app.example',
      'null',
      'https://APP.example',
      '',
    ]
    for (const origin of others) {
      assert.deepEqual(
        preflightAnswer(routeOf(), preflight(origin)),
        { status: 403, headers: { vary: 'origin' } },
        origin,
      )
      assert.deepEqual(corsHeaders(routeOf(), asked('GET', { origin })), { vary: 'origin' }, origin)
    }
  })

  test('may be any, where the route says so', () => {
    const route = routeOf({ cors: { ...cors, origins: ['*'] } })
    for (const origin of ['https://any.example', 'null']) {
      assert.equal(preflightAnswer(route, preflight(origin))?.headers['access-control-allow-origin'], '*')
      assert.equal(corsHeaders(route, asked('GET', { origin }))['access-control-allow-origin'], '*')
    }
    assert.deepEqual(corsHeaders(route, asked('GET', {})), { vary: 'origin' })
  })

  test('may send cookies only where the route says so', () => {
    const route = routeOf({ cors: { ...cors, credentials: true } })
    assert.equal(
      preflightAnswer(route, preflight('https://app.example'))?.headers['access-control-allow-credentials'],
      'true',
    )
  })

  test('is nobody to a route without origins, and an OPTIONS that is no preflight is a request like any', () => {
    assert.equal(preflightAnswer(routeOf({ cors: null }), preflight('https://app.example')), undefined)
    assert.deepEqual(corsHeaders(routeOf({ cors: null }), asked('GET', { origin: 'https://app.example' })), {})
    assert.equal(preflightAnswer(routeOf(), asked('OPTIONS', { origin: 'https://app.example' })), undefined)
    assert.equal(preflightAnswer(routeOf(), asked('POST', { 'access-control-request-method': 'POST' })), undefined)
  })
})
