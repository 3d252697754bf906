import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openToAnyOrigin, openToOrigin, preflightAnswer } from './cors.ts'

describe('cross-origin access', () => {
  test('is open to every origin and never with credentials: the two together would hand sessions to any page', () => {
    assert.equal(openToAnyOrigin['access-control-allow-origin'], '*')
    for (const headers of [openToAnyOrigin, preflightAnswer, openToOrigin('https://app.example', 'clients')])
      assert.ok(!('access-control-allow-credentials' in headers))
  })

  test('is open with cookies to one origin by its name', () => {
    const headers = openToOrigin('https://app.example', 'with-cookies')
    assert.equal(headers['access-control-allow-origin'], 'https://app.example')
    assert.equal(headers['access-control-allow-credentials'], 'true')
  })

  test('lets a page send what SDKs send with every call', () => {
    const allowed = preflightAnswer['access-control-allow-headers'].toLowerCase().split(', ')
    for (const name of ['content-type', 'authorization', 'auth0-client', 'dpop'])
      assert.ok(allowed.includes(name), name)
  })

  test('never allows cookies to be named, nor every header by a star', () => {
    const allowed = preflightAnswer['access-control-allow-headers'].toLowerCase()
    assert.doesNotMatch(allowed, /cookie|\*/)
  })

  test('lets a page read why it was refused and when to come back', () => {
    const exposed = openToAnyOrigin['access-control-expose-headers'].toLowerCase().split(', ')
    for (const name of ['www-authenticate', 'retry-after', 'dpop-nonce']) assert.ok(exposed.includes(name), name)
  })
})
