import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { anIncoming, ISSUER } from '../../tests/fixtures/records.ts'
import { discoveryRoutes } from './discovery.ts'
import type { Feature, OAuthServices } from './feature.ts'
import { features as allFeatures } from './features.ts'

const KEYS = [
  { kty: 'RSA', kid: '1', alg: 'RS256' },
  { kty: 'RSA', kid: '2', alg: 'RS256' },
  { kty: 'EC', kid: '3', alg: 'ES256' },
]
const keyring = { jwks: async () => ({ keys: KEYS }), algorithms: async () => ['RS256', 'PS256'] }
const servicesOf = (isRegistrationOpen: boolean) =>
  ({ keyring, tenants: { find: async () => ({ isRegistrationOpen }) } }) as unknown as OAuthServices

async function read(path: string, features: readonly Feature[] = allFeatures, isRegistrationOpen = false) {
  const route = discoveryRoutes(servicesOf(isRegistrationOpen), features).find(one => one.path === path)
  const answer = await route?.answer(anIncoming())
  return {
    headers: answer?.headers,
    cors: route?.cors,
    body: JSON.parse(String(answer?.body)) as Record<string, unknown>,
  }
}
const describeServer = async (features?: readonly Feature[]) =>
  (await read('/.well-known/openid-configuration', features)).body

describe('discovery', () => {
  test('says the same under both its names', async () =>
    assert.deepEqual(await describeServer(), (await read('/.well-known/oauth-authorization-server')).body))

  test('says where to register in a tenant where strangers may, and nothing of it elsewhere', async () => {
    const open = await read('/.well-known/openid-configuration', allFeatures, true)
    assert.equal(open.body['registration_endpoint'], `${ISSUER}oidc/register`)
    assert.ok(!('registration_endpoint' in (await describeServer())))
  })

  test('has every member that OpenID Connect Discovery §3 demands', async () => {
    const body = await describeServer()
    for (const name of [
      'issuer',
      'authorization_endpoint',
      'token_endpoint',
      'jwks_uri',
      'response_types_supported',
      'subject_types_supported',
      'id_token_signing_alg_values_supported',
    ])
      assert.ok(name in body, name)
    assert.equal(body['issuer'], ISSUER)
    assert.ok((body['id_token_signing_alg_values_supported'] as string[]).includes('RS256'))
  })

  test('names endpoints under the issuer, with one slash between', async () => {
    const endpoints = Object.entries(await describeServer()).filter(([name]) => /_endpoint$|_uri$/.test(name))
    assert.ok(endpoints.length >= 5)
    for (const [name, url] of endpoints) {
      assert.ok(String(url).startsWith(ISSUER), name)
      assert.doesNotMatch(String(url).slice('https://'.length), /\/\//, name)
    }
  })

  test('lists what features say together, each value once', async () => {
    const feature = (name: string, scopes: string[]): Feature => ({
      name,
      spec: 'none',
      metadata: () => ({ scopes_supported: scopes }),
    })
    const body = await describeServer([feature('a', ['openid', 'email']), feature('b', ['email', 'offline_access'])])
    assert.deepEqual(body['scopes_supported'], ['openid', 'email', 'offline_access'])
  })

  test('lists the algorithms that it signs with, not those of which a key is still or already published', async () =>
    assert.deepEqual((await describeServer())['id_token_signing_alg_values_supported'], ['RS256', 'PS256']))

  test('claims no grant, scope or response type of its own', async () => {
    const body = await describeServer([])
    assert.deepEqual(body['response_types_supported'], [])
    assert.deepEqual(body['grant_types_supported'], [])
    assert.ok(!('scopes_supported' in body))
  })

  test('promises only what is done: S256 and not plain, requests that are signed, iss in answers', async () => {
    const body = await describeServer()
    assert.deepEqual(body['code_challenge_methods_supported'], ['S256'])
    assert.equal(body['request_parameter_supported'], true)
    assert.ok(!(body['request_object_signing_alg_values_supported'] as string[]).includes('none'))
    assert.equal(body['request_uri_parameter_supported'], true)
    assert.equal(body['require_request_uri_registration'], true)
    assert.equal(body['authorization_response_iss_parameter_supported'], true)
  })
})

describe('discovery and the key set', () => {
  for (const path of [
    '/.well-known/openid-configuration',
    '/.well-known/oauth-authorization-server',
    '/.well-known/jwks.json',
  ])
    test(`${path} is for everybody, and is kept for five minutes`, async () => {
      const { headers, cors } = await read(path)
      assert.equal(cors, 'open')
      assert.equal(headers?.['cache-control'], 'public, max-age=300')
      assert.equal(headers?.['content-type'], 'application/json')
    })

  test('the key set is the keyring’s and nothing else', async () =>
    assert.deepEqual((await read('/.well-known/jwks.json')).body, { keys: KEYS }))
})
