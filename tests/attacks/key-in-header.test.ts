/**
 * A token that brings its own key along: in `jwk` or `x5c`, or at an address in `jku` or `x5u` (node-jose of 2018). Such
 * a key proves that the sender has a key. And a token whose header changes what is signed, by an extension that is to be
 * understood (`crit`), wherever the server believes a signature.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { makeClientKey, signJws } from '../fixtures/client-assertion.ts'
import { headerOf, openPlaces, takenOf } from './places.ts'
import { claimsOf } from './stage.ts'

const MINE = { RS256: makeClientKey('RS256', 'evil'), ES256: makeClientKey('ES256', 'evil') } as const

let opened: Awaited<ReturnType<typeof openPlaces>>
let asked = 0
const host = createServer((_request, response) => {
  asked += 1
  response.end(JSON.stringify({ keys: [MINE.RS256.jwk, MINE.ES256.jwk] }))
})
let address = ''

before(async () => {
  host.listen(0, '127.0.0.1')
  await once(host, 'listening')
  address = `http://127.0.0.1:${(host.address() as AddressInfo).port}/keys.json`
  // What the operator lets be fetched must not be fetched for a header.
  opened = await openPlaces({ environment: { LATCHKEY_EGRESS_ALLOW: '127.0.0.1' } })
})
after(async () => {
  await opened?.server.close()
  host.close()
})

test('a key that comes with the token, or from an address in it, vouches for nothing', async () => {
  const taken: string[] = []
  for (const place of opened.places) {
    const token = await place.honest()
    const { kid, typ } = headerOf(token)
    const forged: Record<string, string> = {}
    for (const key of Object.values(MINE)) {
      const certificate = key.pem.replace(/-----[^-]+-----|\s/g, '')
      const brought = {
        jwk: { jwk: key.jwk },
        'jwk under the name of the honest key': { jwk: { ...key.jwk, kid } },
        jku: { jku: address },
        x5u: { x5u: address },
        x5c: { x5c: [certificate] },
        'all of them': { jwk: key.jwk, jku: address, x5u: address, x5c: [certificate], x5t: 'AAAA' },
        nothing: {},
      }
      for (const [name, header] of Object.entries(brought))
        for (const named of [kid, 'evil', undefined])
          forged[`${name}, ${key.alg}, kid ${named}`] = signJws(key, claimsOf(token), { typ, ...header, kid: named })
    }
    taken.push(...(await takenOf(place, forged)))
  }
  assert.deepEqual(taken, [])
  assert.equal(asked, 0, 'and no address of a header is asked')
})

test('a key in the header of an honest token is not read: it is neither believed nor in the way', async () => {
  for (const place of opened.places) {
    const token = await place.signed({ jwk: MINE.ES256.jwk, jku: address, x5u: address, x5c: ['evil'] })
    assert.ok(await place.takes(token), place.name)
  }
  assert.equal(asked, 0)
})

test('an extension that has to be understood is understood by nobody, not even an empty one', async () => {
  const taken: string[] = []
  for (const place of opened.places) {
    const headers = {
      unknown: { crit: ['https://evil.example/ext'], 'https://evil.example/ext': true },
      'an exp that is critical': { crit: ['exp'], exp: 9_999_999_999 },
      'unsigned payload': { crit: ['b64'], b64: false },
      'signed payload said twice': { crit: ['b64'], b64: true },
      'b64 without crit': { b64: false },
      'one that is not there': { crit: ['absent'] },
      'of what is no extension': { crit: ['alg'] },
      empty: { crit: [] },
      'no list': { crit: 'alg' },
      null: { crit: null },
    }
    const forged: Record<string, string> = {}
    for (const [name, header] of Object.entries(headers)) forged[name] = await place.signed(header)
    taken.push(...(await takenOf(place, forged)))
  }
  assert.deepEqual(taken, [])
})
