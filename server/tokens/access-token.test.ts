import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { aClient, anApi, anOrganization, aUser, ISSUER, NOW } from '../../tests/fixtures/records.ts'
import type { ResourceServer } from '../clients/resource-servers.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { OrganizationRecord } from '../store/organizations.ts'
import { type AccessTokenRequest, accessTokenContent, userinfoAudience } from './access-token.ts'
import { type Active, assertActiveMachine } from './assert-active.ts'

const client = aClient({}, { epoch: 4 })
const PROOFS = [{ factor: 'password', amr: ['pwd'], at: NOW - 60_000 }]
/** What the gate would have let through: which it does is its own test's. */
const person = (organization: OrganizationRecord | null = null) =>
  ({ client, user: aUser({ epoch: 3 }), organization }) as Active
const machine = assertActiveMachine(client)

const request = (api: ResourceServer | null, members: Partial<AccessTokenRequest> = {}): AccessTokenRequest => ({
  issuer: ISSUER,
  now: NOW + 999,
  api,
  scopes: ['openid', 'read'],
  permissions: null,
  namesOrganizations: false,
  authorization: 'aut_1',
  session: 'ses_1',
  proofs: PROOFS,
  ...members,
})
const contentOf = (active: Active, asked: AccessTokenRequest) =>
  accessTokenContent(active, asked, active.user?.id ?? 'app@clients')
const claims = (active: Active, asked: AccessTokenRequest): JsonObject => contentOf(active, asked).claims
const iat = NOW / 1000

describe('what an access token says of a person', () => {
  test('in the dialect of RFC 9068', () => {
    const { typ, claims } = contentOf(person(), request(anApi()))
    const { jti, ...rest } = claims
    assert.equal(typ, 'at+jwt')
    assert.match(String(jti), /^aut_1\.[\w-]{43}$/)
    assert.deepEqual(rest, {
      iss: ISSUER,
      sub: 'auth0|ann',
      aud: ['https://api.example.com/', `${ISSUER}userinfo`],
      iat,
      exp: iat + 3600,
      client_id: 'app',
      scope: 'openid read',
      client_epoch: 4,
      subject_epoch: 3,
      auth_time: iat - 60,
      acr: '1',
      amr: ['pwd'],
      sid: 'ses_1',
    })
  })

  for (const token_dialect of ['access_token', 'access_token_authz', 'rfc9068_profile', 'rfc9068_profile_authz'])
    test(`in the dialect ${token_dialect}: the client under one name, never under both`, () => {
      const { typ, claims } = contentOf(person(), request(anApi({ token_dialect })))
      const isRfc = token_dialect.startsWith('rfc9068')
      assert.equal(typ, isRfc ? 'at+jwt' : 'JWT')
      assert.deepEqual([claims['client_id'], claims['azp']], isRfc ? ['app', undefined] : [undefined, 'app'])
    })

  test('carries no sid when it outlives the session', () =>
    assert.ok(!('sid' in claims(person(), request(anApi(), { session: null })))))

  test('names the organization when there is one', () => {
    assert.ok(!('org_id' in claims(person(), request(anApi()))))
    const { org_id, org_name } = claims(person(anOrganization()), request(anApi()))
    assert.deepEqual([org_id, org_name], ['org_1', undefined])
  })

  test('names it by its name too where the tenant wants that', () => {
    const named = claims(person(anOrganization()), request(anApi(), { namesOrganizations: true }))
    assert.deepEqual([named['org_id'], named['org_name']], ['org_1', 'acme'])
    assert.ok(!('org_name' in claims(person(), request(anApi(), { namesOrganizations: true }))))
  })

  test('tells permissions where the API wants them, even when there are none', () => {
    assert.ok(!('permissions' in claims(person(), request(anApi()))))
    assert.deepEqual(claims(person(), request(anApi(), { permissions: [] }))['permissions'], [])
    assert.deepEqual(claims(machine, request(anApi(), { permissions: ['read'] }))['permissions'], ['read'])
  })

  test('tells an API from the one that had its identifier before', () => {
    assert.ok(!('api_epoch' in claims(person(), request(anApi()))))
    assert.equal(claims(person(), request({ ...anApi(), epoch: 2 }))['api_epoch'], 2)
  })

  test('is never the same jti twice', () =>
    assert.notEqual(claims(person(), request(null))['jti'], claims(person(), request(null))['jti']))

  test('says nothing of who they are beyond the sub', () => {
    const text = JSON.stringify(claims(person(), request(anApi(), { scopes: ['openid', 'profile', 'email'] })))
    assert.doesNotMatch(text, /ann@example\.com|Ann Other/)
  })
})

describe('what an access token says of a machine', () => {
  test('speaks of nobody who signed in', () => {
    const { jti: _jti, ...rest } = claims(
      machine,
      request(anApi(), { scopes: ['read'], session: null, proofs: [], authorization: 'm2m' }),
    )
    assert.deepEqual(rest, {
      iss: ISSUER,
      sub: 'app@clients',
      aud: 'https://api.example.com/',
      iat,
      exp: iat + 86_400,
      client_id: 'app',
      scope: 'read',
      client_epoch: 4,
    })
  })
})

describe('how long it lives', () => {
  for (const [active, api, expected] of [
    [person(), null, 3600],
    [machine, null, 3600],
    [person(), anApi(), 3600],
    [machine, anApi(), 86_400],
    [person(), anApi({ token_lifetime: 60 }), 60],
    [machine, anApi({ token_lifetime: 60 }), 60],
  ] as const)
    test(`${active.user ? 'a person' : 'a machine'}, ${api ? api.lifetimeSeconds : 'userinfo'}: ${expected} s`, () => {
      const content = contentOf(active, request(api))
      assert.equal(content.lifetimeSeconds, expected)
      assert.equal(content.claims['exp'], iat + expected)
    })
})

describe('whom it is for', () => {
  const HS256 = { signing_alg: 'HS256' }
  const API = 'https://api.example.com/'
  for (const [api, scopes, expected, why] of [
    [null, ['openid'], `${ISSUER}userinfo`, 'no API: userinfo alone'],
    [anApi(), ['read'], API, 'an API without openid: the API alone'],
    [anApi(), ['openid'], [API, `${ISSUER}userinfo`], 'an API with openid: userinfo as well'],
    [anApi(HS256), ['openid'], API, 'an API that knows the secret: never userinfo beside it'],
    [anApi(HS256), ['read'], API, 'an API that knows the secret, without openid'],
  ] as const)
    test(why, () => assert.deepEqual(claims(person(), request(api, { scopes }))['aud'], expected))

  test('userinfo is of this issuer', () => assert.equal(userinfoAudience(ISSUER), 'https://login.example.com/userinfo'))

  test('it is signed as the API asks, and as everybody can verify without one', () => {
    assert.equal(contentOf(person(), request(anApi({ signing_alg: 'ES256' }))).algorithm, 'ES256')
    assert.equal(contentOf(person(), request(anApi(HS256))).algorithm, 'HS256')
    assert.equal(contentOf(person(), request(null)).algorithm, 'RS256')
  })
})
