import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { aClient } from '../../tests/fixtures/records.ts'
import { isRegisteredLogoutUrl, isRegisteredRedirectUri, isRegisteredWebOrigin } from './redirect-uris.ts'

const REGISTERED = 'https://app.example/callback?tenant=one'
const web = aClient({ app_type: 'regular_web', callbacks: ['https://app.example/', REGISTERED] })

describe('a redirect URI', () => {
  test('is one that was registered', () => assert.ok(isRegisteredRedirectUri(web, REGISTERED)))

  for (const presented of [
    'https://app.example/callback',
    'https://app.example/callback?tenant=one&x=1',
    'https://app.example/callback?tenant=one#',
    'https://app.example/callback/?tenant=one',
    'https://app.example/Callback?tenant=one',
    'https://APP.example/callback?tenant=one',
    'HTTPS://app.example/callback?tenant=one',
    'https://app.example:443/callback?tenant=one',
    'https://app.example/./callback?tenant=one',
    'https://app.example/x/../callback?tenant=one',
    'https://app.example/%63allback?tenant=one',
    'https://app.example//callback?tenant=one',
    'https://app.example\\callback?tenant=one',
    'https://app.example./callback?tenant=one',
    'https://app.example@evil.example/callback?tenant=one',
    'https://app.example.evil.example/callback?tenant=one',
    'http://app.example/callback?tenant=one',
    ' https://app.example/callback?tenant=one',
    'https://app.example/callback?tenant=one\n',
    'https://app.example/callback?tenant=one\u0000',
    '',
  ])
    test(`is not ${JSON.stringify(presented)}, which some parser would take for one`, () =>
      assert.equal(isRegisteredRedirectUri(web, presented), false))

  test('never matches a wildcard, not even written the same', () => {
    for (const registered of ['https://*.app.example/cb', 'https://app.example/*', '*']) {
      const client = aClient({ callbacks: [registered] })
      assert.equal(isRegisteredRedirectUri(client, registered), false)
      assert.equal(isRegisteredRedirectUri(client, 'https://evil.app.example/cb'), false)
    }
  })

  test('is none of a client that registered none', () =>
    assert.equal(isRegisteredRedirectUri(aClient(), 'https://app.example/'), false))
})

describe('the loopback address of a native app', () => {
  const native = (registered: string) => aClient({ app_type: 'native', callbacks: [registered] })

  for (const [registered, presented] of [
    ['http://127.0.0.1/cb', 'http://127.0.0.1:49152/cb'],
    ['http://127.0.0.1:3000/cb', 'http://127.0.0.1:49152/cb'],
    ['http://127.0.0.1:3000/cb', 'http://127.0.0.1/cb'],
    ['http://[::1]/cb', 'http://[::1]:49152/cb'],
    ['http://127.0.0.1', 'http://127.0.0.1:1'],
    ['http://127.0.0.1/cb?x=1', 'http://127.0.0.1:1/cb?x=1'],
  ] as const)
    test(`${registered} may be ${presented}`, () => assert.ok(isRegisteredRedirectUri(native(registered), presented)))

  for (const [registered, presented, why] of [
    ['http://127.0.0.1/cb', 'http://127.0.0.1:1/other', 'another path'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:1/cb?x', 'another query'],
    ['http://127.0.0.1/cb', 'https://127.0.0.1:1/cb', 'another scheme'],
    ['http://127.0.0.1/cb', 'http://[::1]:1/cb', 'another address'],
    ['http://127.0.0.1/cb', 'http://127.0.0.2:1/cb', 'another address of the loopback network'],
    ['http://127.0.0.1/cb', 'http://localhost:1/cb', 'a name, which a resolver may send elsewhere'],
    ['http://localhost/cb', 'http://localhost:1/cb', 'a registered name (RFC 8252 §8.3)'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:/cb', 'an empty port'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:123456/cb', 'six digits'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:1@evil.example/cb', 'a password for another host'],
    ['http://127.0.0.1', 'http://127.0.0.1.evil.example', 'a host that begins with the address'],
    ['http://127.0.0.1', 'http://127.0.0.1:80.evil.example', 'a host after the port'],
    ['http://127.0.0.1/*', 'http://127.0.0.1:1/*', 'a wildcard'],
    ['https://app.example/cb', 'https://app.example:8443/cb', 'a port of a host that is not this machine'],
  ] as const)
    test(`${registered} is not ${presented}: ${why}`, () =>
      assert.equal(isRegisteredRedirectUri(native(registered), presented), false))

  for (const app_type of ['spa', 'regular_web', 'non_interactive'])
    test(`has its port compared for ${app_type}: a web application knows its own`, () => {
      const client = aClient({ app_type, callbacks: ['http://127.0.0.1:3000/cb'] })
      assert.ok(isRegisteredRedirectUri(client, 'http://127.0.0.1:3000/cb'))
      assert.equal(isRegisteredRedirectUri(client, 'http://127.0.0.1:3001/cb'), false)
    })
})

describe('a web origin and a logout URL', () => {
  test('are compared as text too', () => {
    const client = aClient({ web_origins: ['https://app.example', 'https://*.example'] })
    assert.ok(isRegisteredWebOrigin(client, 'https://app.example'))
    for (const presented of [
      'https://app.example/',
      'https://APP.example',
      'http://app.example',
      'null',
      'https://x.example',
    ])
      assert.equal(isRegisteredWebOrigin(client, presented), false, presented)
  })

  test('of a wildcard lead nowhere', () => {
    assert.ok(isRegisteredLogoutUrl(['https://app.example/bye'], 'https://app.example/bye'))
    assert.equal(isRegisteredLogoutUrl(['https://app.example/bye'], 'https://app.example/bye/'), false)
    assert.equal(isRegisteredLogoutUrl(['https://*.example/'], 'https://*.example/'), false)
    assert.equal(isRegisteredLogoutUrl([], ''), false)
  })
})
