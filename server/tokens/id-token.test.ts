import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { halfHash } from '@latchkey/sdk/verify'
import { aClient, anOrganization, aUser, ISSUER, NOW } from '../../tests/fixtures/records.ts'
import type { OrganizationRecord } from '../store/organizations.ts'
import { type Active, assertActiveMachine } from './assert-active.ts'
import { type IdTokenRequest, idTokenClaims } from './id-token.ts'

const ACCESS_TOKEN = 'jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y'
const active = (metadata = {}, user = aUser(), organization: OrganizationRecord | null = null) =>
  ({ client: aClient(metadata), user, organization }) as Active
const request = (members: Partial<IdTokenRequest> = {}): IdTokenRequest => ({
  issuer: ISSUER,
  now: NOW,
  claims: [],
  scopes: ['openid', 'profile', 'email'],
  namesOrganizations: false,
  isAlone: false,
  code: null,
  nonce: 'n-0S6_WzA2Mj',
  session: 'ses_1',
  proofs: [{ factor: 'password', amr: ['pwd'], at: NOW - 60_000 }],
  ...members,
})
const claims = (one: Active, members: Partial<IdTokenRequest> = {}) =>
  idTokenClaims(one, request(members), ACCESS_TOKEN, 'auth0|ann')
const iat = NOW / 1000

describe('an ID token', () => {
  test('says who signed in, to whom, when and how', () =>
    assert.deepEqual(claims(active()), {
      name: 'Ann Other',
      updated_at: iat - 1,
      email: 'ann@example.com',
      email_verified: true,
      iss: ISSUER,
      sub: 'auth0|ann',
      aud: 'app',
      iat,
      exp: iat + 36_000,
      auth_time: iat - 60,
      acr: '1',
      amr: ['pwd'],
      at_hash: '77QmUPtjPfzWtF2AnpK9RQ',
      nonce: 'n-0S6_WzA2Mj',
      sid: 'ses_1',
    }))

  test('says no more of a person than the client asked for, and nothing to one that is told little', () => {
    assert.ok(!('email' in claims(active(), { scopes: ['openid', 'profile'] })))
    const minimal = claims(active({ id_token_claims: 'minimal' }))
    assert.ok(!('name' in minimal) && !('email' in minimal))
    assert.equal(minimal['sub'], 'auth0|ann')
  })

  test('says all that the scopes open, to whichever client, where no access token comes with it', () => {
    const alone = claims(active({ id_token_claims: 'minimal' }), { isAlone: true })
    assert.deepEqual([alone['name'], alone['email']], ['Ann Other', 'ann@example.com'])
  })

  test('vouches for what comes with it, and for nothing else', () => {
    // OpenID Connect Core, appendix A.4: the code and its c_hash.
    const code = 'Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk'
    assert.equal(claims(active(), { code })['c_hash'], 'LDktKdoQak3Pk0cnXxCltA')
    assert.ok(!('c_hash' in claims(active())))
    assert.ok(!('at_hash' in idTokenClaims(active(), request(), null, 'auth0|ann')))
  })

  test('echoes a nonce exactly, and has none when none was sent', () => {
    assert.equal(claims(active(), { nonce: ' %20é' })['nonce'], ' %20é')
    assert.ok(!('nonce' in claims(active(), { nonce: null })))
  })

  test('has no sid when there is no session, and an organization when there is one', () => {
    assert.ok(!('sid' in claims(active(), { session: null })))
    assert.equal(claims(active({}, aUser(), anOrganization()))['org_id'], 'org_1')
    assert.ok(!('org_id' in claims(active())))
  })

  test('ends when the client’s setting says', () =>
    assert.equal(claims(active({ jwt_configuration: { lifetime_in_seconds: 60 } }))['exp'], iat + 60))

  test('has no protocol claim taken over by a profile', () => {
    const protocol = [
      'iss',
      'sub',
      'aud',
      'iat',
      'exp',
      'auth_time',
      'acr',
      'amr',
      'at_hash',
      'nonce',
      'sid',
      'org_id',
      'azp',
      'events',
    ]
    const profile = Object.fromEntries(protocol.map(name => [name, 'forged']))
    const scopes = ['openid', 'profile', 'email', 'address', 'phone']
    assert.deepEqual(
      claims(active({}, aUser({ profile })), { scopes, nonce: null }),
      claims(active({}, aUser({ profile: {} })), { scopes, nonce: null }),
    )
  })

  test('is of nobody when a machine asks', () =>
    assert.throws(() => idTokenClaims(assertActiveMachine(aClient()), request(), ACCESS_TOKEN, 'app'), TypeError))
})

// `printf %s <value> | openssl dgst -sha256 -binary | head -c 16 | basenc --base64url`, and with 32 bytes -sha512 or
// -shake256 -xoflen 64.
describe('at_hash is the left half of the hash of the signature’s algorithm', () => {
  for (const [algorithm, expected] of [
    ['RS256', '77QmUPtjPfzWtF2AnpK9RQ'],
    ['PS256', '77QmUPtjPfzWtF2AnpK9RQ'],
    ['ES256', '77QmUPtjPfzWtF2AnpK9RQ'],
    ['EdDSA', 'q7nS86GgvvFaZkzALLWqJYaJIKw2wCDAVfCAsm5CrBM'],
    ['ML-DSA-44', 'W6Ie3EoycJT-JESJ2WSAWX7LRP3FuHvmvNycBMeL-Nk'],
  ] as const)
    test(algorithm, () => {
      assert.equal(halfHash(ACCESS_TOKEN, algorithm), expected)
      assert.equal(claims(active({ jwt_configuration: { alg: algorithm } }))['at_hash'], expected)
    })
})
