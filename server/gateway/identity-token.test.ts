import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { describe, test } from 'node:test'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import type { JsonObject } from '../kernel/json.ts'
import { MINUTE, SECOND, toSeconds } from '../kernel/seconds.ts'
import type { Arrival, Caller, OwnAnswer } from './exchange.ts'
import { type IdentityKey, readIdentityKey } from './identity-key.ts'
import { createIdentityTokens, identityKeySet } from './identity-token.ts'
import type { RoutePlan } from './plan.ts'

const NOW = Date.parse('2026-03-01T12:00:00Z')
const AUDIENCE = 'https://films.example'

const keyFrom = (privateKey: KeyObject, kid: string | null = null): IdentityKey => {
  const text = privateKey.export({ format: 'pem', type: 'pkcs8' }) as string
  const key = readIdentityKey({ kid, text, file: 'edge.pem' })
  return typeof key === 'string' ? assert.fail(key) : key
}
const { privateKey: ed25519 } = generateKeyPairSync('ed25519')
const key = keyFrom(ed25519)

const route = (more: Partial<RoutePlan> = {}): RoutePlan =>
  ({
    identity: [],
    identityToken: { header: 'x-edge-token', issuer: 'urn:latchkey:edge', audience: AUDIENCE, lifetimeSeconds: 60 },
    ...more,
  }) as unknown as RoutePlan
const callerOf = (claims: JsonObject, more: Partial<Caller> = {}): Caller =>
  ({ claims: { sub: 'ann', ...claims }, clientId: 'app', scopes: ['a', 'b'], ...more }) as Caller

const published = async (by: IdentityKey): Promise<JSONWebKeySet> => {
  const { body = '' } = await identityKeySet(by).answer({ method: 'GET' } as Arrival, {} as IncomingMessage)
  return JSON.parse(body)
}

/** As a service would, with the key set that the gateway publishes. */
async function verified(by: IdentityKey, [header, token = '']: readonly string[], now = NOW) {
  assert.equal(header, 'x-edge-token')
  const { payload } = await jwtVerify(token, createLocalJWKSet(await published(by)), {
    issuer: 'urn:latchkey:edge',
    audience: AUDIENCE,
    typ: 'edge+jwt',
    currentDate: new Date(now),
  })
  return payload
}

describe('the internal JWT', () => {
  for (const [algorithm, pair] of [
    ['RS256', generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    ['EdDSA', generateKeyPairSync('ed25519')],
  ] as const)
    test(`is verified with what /edge/jwks.json says: ${algorithm}`, async () => {
      const own = keyFrom(pair.privateKey, 'k1')
      assert.equal(own.algorithm, algorithm)
      assert.equal((await verified(own, createIdentityTokens(own)(route(), callerOf({}), NOW))).sub, 'ann')
    })

  test('says who is calling, through whom, with which scopes, and what the route maps', async () => {
    const identity = [
      { header: 'x-a', claim: ['email'] },
      { header: 'x-b', claim: ['address', 'country'] },
      { header: 'x-c', claim: ['https://example.com/roles'] },
      { header: 'x-d', claim: ['absent'] },
      { header: 'x-e', claim: ['aud'] },
    ]
    const caller = callerOf({
      email: 'ann@example.com',
      address: { country: 'AT' },
      'https://example.com/roles': ['admin'],
      aud: 'https://elsewhere.example',
      phone_number: '+43 1',
    })
    assert.deepEqual(await verified(key, createIdentityTokens(key)(route({ identity }), caller, NOW)), {
      iss: 'urn:latchkey:edge',
      sub: 'ann',
      aud: AUDIENCE,
      iat: toSeconds(NOW),
      exp: toSeconds(NOW) + 60,
      act: { sub: 'app' },
      scope: 'a b',
      email: 'ann@example.com',
      'address.country': 'AT',
      'https://example.com/roles': ['admin'],
    })
  })

  test('of a machine names nobody who acts for it', async () => {
    const payload = await verified(key, createIdentityTokens(key)(route(), callerOf({ sub: 'app@clients' }), NOW))
    assert.equal(payload['act'], undefined)
  })

  test('ends no later than the token that it speaks of', async () => {
    const caller = callerOf({ exp: toSeconds(NOW) + 10 })
    const tokens = createIdentityTokens(key)
    assert.equal((await verified(key, tokens(route(), caller, NOW))).exp, toSeconds(NOW) + 10)
  })

  test('is signed once for a caller, a route and half of its life', () => {
    const tokens = createIdentityTokens(key)
    const [caller, one, other] = [callerOf({}), route(), route()]
    const first = tokens(one, caller, NOW)
    assert.equal(tokens(one, caller, NOW + 29 * SECOND), first)
    assert.notEqual(tokens(one, caller, NOW + 31 * SECOND), first)
    assert.notEqual(tokens(other, caller, NOW), first)
    assert.notEqual(tokens(one, callerOf({}), NOW), first)
  })

  test('is not from the future when the clock was set back', async () => {
    const tokens = createIdentityTokens(key)
    const [caller, one] = [callerOf({}), route()]
    tokens(one, caller, NOW)
    assert.equal(
      (await verified(key, tokens(one, caller, NOW - 5 * MINUTE), NOW - 5 * MINUTE)).iat,
      toSeconds(NOW) - 300,
    )
  })

  test('is not there on a route that does not ask for it', () =>
    assert.deepEqual(createIdentityTokens(key)(route({ identityToken: null }), callerOf({}), NOW), []))
})

describe('the key set of the gateway', () => {
  test('holds the public half, under a name that stays', async () => {
    const [jwk] = (await published(key)).keys
    assert.deepEqual(Object.keys(jwk ?? {}).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x'])
    assert.equal(jwk?.kid, keyFrom(ed25519).kid)
    assert.match(jwk?.kid ?? '', /^[\w-]{43}$/)
    assert.equal((await published(keyFrom(ed25519, 'mine'))).keys[0]?.kid, 'mine')
  })

  test('is read and not written', async () => {
    const answer = (await identityKeySet(key).answer({ method: 'POST' } as Arrival, {} as IncomingMessage)) as OwnAnswer
    assert.equal(answer.status, 405)
  })
})
