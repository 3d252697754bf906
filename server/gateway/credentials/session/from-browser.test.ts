import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Arrival } from '../../exchange.ts'
import { changesSomething, isNavigation, isSameOrigin } from './from-browser.ts'

const asked = (headers: Arrival['headers'], rest: Partial<Arrival> = {}): Arrival =>
  ({ method: 'GET', isUpgrade: false, isSecure: true, authority: 'app.example:8443', headers, ...rest }) as Arrival

describe('what a browser says of a request', () => {
  test('a request of this host’s own pages says so in one of two headers, and no other does', () => {
    for (const headers of [
      { 'sec-fetch-site': 'same-origin' },
      { 'sec-fetch-site': 'same-origin', origin: 'https://app.example:8443' },
      { origin: 'https://app.example:8443' },
    ])
      assert.ok(isSameOrigin(asked(headers)), JSON.stringify(headers))
    for (const headers of [
      {},
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'cross-site', origin: 'https://app.example:8443' },
      { 'sec-fetch-site': 'none' },
      { 'sec-fetch-site': 'same-origin, cross-site' },
      { 'sec-fetch-site': '' },
      { origin: 'null' },
      { origin: 'http://app.example:8443' },
      { origin: 'https://app.example' },
      { origin: 'https://app.example:8443.evil.example' },
      { referer: 'https://app.example:8443/' },
    ])
      assert.ok(!isSameOrigin(asked(headers)), JSON.stringify(headers))
  })

  test('whatever is not only read, and every upgrade, changes something', () => {
    for (const method of ['GET', 'HEAD', 'OPTIONS']) assert.ok(!changesSomething(asked({}, { method })))
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'get'])
      assert.ok(changesSomething(asked({}, { method })))
    assert.ok(changesSomething(asked({}, { isUpgrade: true })))
  })

  test('a page is waited for where a browser navigates, and a script’s fetch is not led anywhere', () => {
    for (const headers of [
      { 'sec-fetch-mode': 'navigate' },
      { accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8' },
      { accept: 'application/xml, text/html;q=0.5' },
    ])
      assert.ok(isNavigation(asked(headers)), JSON.stringify(headers))
    for (const headers of [
      {},
      { accept: '*/*' },
      { accept: 'application/json' },
      { accept: 'text/html-fragment' },
      { 'sec-fetch-mode': 'cors', accept: 'text/html' },
      { 'sec-fetch-mode': 'no-cors', accept: 'image/*' },
    ])
      assert.ok(!isNavigation(asked(headers)), JSON.stringify(headers))
    for (const rest of [{ method: 'POST' }, { method: 'HEAD' }, { isUpgrade: true }])
      assert.ok(!isNavigation(asked({ 'sec-fetch-mode': 'navigate' }, rest)))
  })
})
