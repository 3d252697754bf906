import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checkMembers, unknownMembers } from '../config/members.ts'
import { ProtocolError } from '../kernel/errors.ts'
import type { JsonObject, JsonValue } from '../kernel/json.ts'
import { CLIENT_MEMBERS } from './metadata.ts'
import { describeRegistration, readRegistration, withRegistration } from './registration.ts'

const CALLBACK = 'https://app.example/callback'
const JWKS = {
  keys: [
    {
      kty: 'EC',
      crv: 'P-256',
      // RFC 7517, appendix A.1.
      x: 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4',
      y: '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM',
    },
  ],
}
const read = (members: JsonObject) => readRegistration({ redirect_uris: [CALLBACK], ...members })

describe('what a client registers', () => {
  test('is stored by the names that every client is stored by, sound and known', () => {
    const metadata = read({
      client_name: 'Film Club',
      application_type: 'web',
      post_logout_redirect_uris: ['https://app.example/'],
      id_token_signed_response_alg: 'ES256',
      userinfo_signed_response_alg: 'ES256',
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: JWKS,
      contacts: ['op@app.example'],
      default_max_age: 60,
    })
    assert.deepEqual(checkMembers(CLIENT_MEMBERS, metadata), [])
    assert.deepEqual(unknownMembers(CLIENT_MEMBERS, metadata), [])
    assert.equal(metadata['name'], 'Film Club')
    assert.deepEqual(metadata['callbacks'], [CALLBACK])
    assert.deepEqual(metadata['jwt_configuration'], { alg: 'ES256' })
  })

  test('is told back with every default, and nothing else', () =>
    assert.deepEqual(describeRegistration(read({ 'client_name#ja': '映画', made_up: 1, client_secret: 'mine' })), {
      client_name: 'app.example',
      application_type: 'web',
      redirect_uris: [CALLBACK],
      response_types: ['code'],
      grant_types: ['authorization_code'],
      token_endpoint_auth_method: 'client_secret_basic',
      id_token_signed_response_alg: 'RS256',
    }))

  test('may be any response type in any order, with the grants that it needs', () => {
    for (const [type, grants] of [
      ['code', ['authorization_code']],
      ['id_token', ['implicit']],
      ['token id_token', ['implicit']],
      ['id_token token', ['implicit']],
      ['code id_token', ['authorization_code', 'implicit']],
      ['token code', ['authorization_code', 'implicit']],
      ['id_token code token', ['authorization_code', 'implicit']],
    ] as const) {
      const metadata = read({ response_types: [type] })
      assert.deepEqual(metadata['response_types'], [type])
      assert.deepEqual(metadata['grant_types'], grants)
    }
  })

  test('keeps what an operator has decided of the client since', () => {
    const before = {
      ...read({ client_uri: 'https://app.example/' }),
      is_first_party: true,
      refresh_token: { leeway: 5 },
    }
    const after = withRegistration(before, read({ client_name: 'New' }))
    assert.deepEqual([after['name'], after['client_uri']], ['New', undefined])
    assert.deepEqual([after['is_first_party'], after['refresh_token']], [true, { leeway: 5 }])
  })

  test('cannot be what only an operator may say of a client', () => {
    const metadata = read({
      is_first_party: true,
      id_token_claims: 'full',
      name: 'x',
      callbacks: ['https://evil.example/'],
      web_origins: ['https://evil.example'],
      code_challenge_methods: ['plain'],
      compliance_level: 'none',
      client_id: 'mine',
      refresh_token: { infinite_token_lifetime: true },
      claims: { roles: 'user.app_metadata.roles' },
      client_metadata: { tier: 'gold' },
    })
    for (const name of [
      'is_first_party',
      'id_token_claims',
      'web_origins',
      'code_challenge_methods',
      'client_id',
      'refresh_token',
      'claims',
      'client_metadata',
    ])
      assert.ok(!(name in metadata), name)
    assert.deepEqual([metadata['name'], metadata['callbacks']], ['app.example', [CALLBACK]])
  })
})

describe('a registration is refused', () => {
  const URI = 'invalid_redirect_uri'
  const METADATA = 'invalid_client_metadata'
  for (const [members, code, why] of [
    [{ redirect_uris: undefined }, URI, 'without a redirect URI'],
    [{ redirect_uris: [] }, URI, 'with none'],
    [{ redirect_uris: CALLBACK }, URI, 'with a text for a list'],
    [{ redirect_uris: [`${CALLBACK}#x`] }, URI, 'with a fragment'],
    [{ redirect_uris: ['callback'] }, URI, 'with what is no URI'],
    [{ redirect_uris: ['javascript:alert(1)'] }, URI, 'with a script'],
    [{ redirect_uris: ['data:text/html,x'], application_type: 'native' }, URI, 'with data'],
    [{ redirect_uris: ['http://app.example/cb'] }, URI, 'with http'],
    [{ redirect_uris: ['com.example.app:/cb'] }, URI, 'as a web client with a scheme of its own'],
    [{ redirect_uris: ['app:/cb'], application_type: 'native' }, URI, 'with a scheme that is nobody’s'],
    [{ redirect_uris: ['https://*.example/cb'] }, URI, 'with a pattern'],
    [{ redirect_uris: ['https://app.example@evil.example/cb'] }, URI, 'with a name before the host'],
    [{ redirect_uris: ['https://app.example/\u202e'] }, URI, 'with a character nobody sees'],
    [{ redirect_uris: Array(31).fill(CALLBACK) }, URI, 'with too many'],
    [
      { redirect_uris: ['http://localhost/cb'], response_types: ['id_token'] },
      URI,
      'with tokens in the URL of this machine',
    ],
    [{ response_types: ['device'] }, METADATA, 'with an unknown response type'],
    [{ grant_types: ['client_credentials'] }, METADATA, 'with a grant for itself'],
    [{ grant_types: ['authorization_code', 'password'] }, METADATA, 'with a grant for passwords'],
    [{ grant_types: ['refresh_token'] }, METADATA, 'with lists that do not go together'],
    [
      { response_types: ['code id_token'], grant_types: ['authorization_code'] },
      METADATA,
      'with half of what it needs',
    ],
    [{ token_endpoint_auth_method: 'tls_client_auth' }, METADATA, 'with an unknown method'],
    [{ token_endpoint_auth_method: 'private_key_jwt' }, METADATA, 'by key, without one'],
    [{ jwks: JWKS, jwks_uri: 'https://app.example/jwks' }, METADATA, 'with keys in two places'],
    [{ jwks: { keys: [{ ...JWKS.keys[0], d: 'AQ' }] } }, METADATA, 'with a private key'],
    [{ jwks: { keys: [] } }, METADATA, 'with a set of no keys'],
    [{ id_token_signed_response_alg: 'none' }, METADATA, 'for ID tokens that nobody signs'],
    [{ id_token_signed_response_alg: 'HS256' }, METADATA, 'for ID tokens that it can sign'],
    [{ id_token_signed_response_alg: 'ML-DSA-44' }, METADATA, 'for an algorithm that is the operator’s to choose'],
    [{ userinfo_signed_response_alg: 'ES256' }, METADATA, 'for a UserInfo of another algorithm than its ID tokens'],
    [{ subject_type: 'pairwise', redirect_uris: [CALLBACK, 'https://b.example/'] }, METADATA, 'pairwise, of two hosts'],
    [{ subject_type: 'unknown' }, METADATA, 'with an unknown kind of subject'],
    [{ initiate_login_uri: 'http://app.example/login' }, METADATA, 'with a login that begins without TLS'],
    [{ logo_uri: 'javascript:alert(1)' }, METADATA, 'with a script for a logo'],
    [{ policy_uri: 'mailto:op@app.example' }, METADATA, 'with a policy that is no page'],
    [{ client_name: 'x'.repeat(101) }, METADATA, 'with an endless name'],
    [{ client_name: 'Bank\u202e' }, METADATA, 'with a name that turns around'],
    [{ client_name: 7 }, METADATA, 'with a number for a name'],
    [{ contacts: ['x'.repeat(2049)] }, METADATA, 'with an endless text'],
    [{ contacts: Array(51).fill('x') }, METADATA, 'with an endless list'],
    [{ made_up: [[[[[['x']]]]]] }, METADATA, 'with a depth nobody needs'],
    [Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`m${i}`, 1])), METADATA, 'with endless members'],
    [{ default_max_age: -1 }, METADATA, 'with a time before now'],
  ] as [JsonObject, string, string][])
    test(why, () =>
      assert.throws(
        () => read(members),
        (error: unknown) => {
          assert.ok(error instanceof ProtocolError, String(error))
          assert.equal(error.code, code, error.message)
          assert.match(error.message, /^[\x20-\x7e]+$/)
          assert.doesNotMatch(error.message, /["\\]/)
          return true
        },
      ),
    )

  test('whatever is in a member, never by breaking down', () => {
    const values: JsonValue[] = [
      null,
      0,
      -1,
      1e300,
      '',
      'x',
      true,
      [],
      [null],
      {},
      { keys: null },
      [[]],
      ['\u0000'],
      '\ud800',
    ]
    for (const name of Object.keys(describeRegistration(read({ jwks: JWKS, contacts: [] }))))
      for (const value of values)
        try {
          read({ [name]: value })
        } catch (error) {
          assert.ok(error instanceof ProtocolError, `${name} ${JSON.stringify(value)}: ${error}`)
        }
  })
})
