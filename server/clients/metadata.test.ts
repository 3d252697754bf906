import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, test } from 'node:test'
import { aClient } from '../../tests/fixtures/records.ts'
import { checkMembers } from '../config/members.ts'
import type { JsonObject } from '../kernel/json.ts'
import { DAY, SECOND } from '../kernel/seconds.ts'
import { sha256 } from '../kernel/secrets.ts'
import { RESPONSE_TYPES } from '../policy/response-types.ts'
import { CLIENT_MEMBERS, clientProblems, ID_TOKEN_ALGORITHMS, isPublic, needsSecret } from './metadata.ts'

const SECRET = { secret: 'a secret' }

describe('what a kind of application is by default', () => {
  for (const [app_type, authentication, grantTypes] of [
    ['spa', 'none', ['authorization_code', 'refresh_token']],
    ['native', 'none', ['authorization_code', 'refresh_token']],
    ['regular_web', 'client_secret_post', ['authorization_code', 'refresh_token', 'client_credentials']],
    ['non_interactive', 'client_secret_post', ['client_credentials']],
    [undefined, 'client_secret_post', ['authorization_code', 'refresh_token', 'client_credentials']],
  ] as const)
    test(`${app_type ?? 'one that does not say'} authenticates by ${authentication}`, () => {
      const metadata = app_type === undefined ? {} : { app_type }
      const client = aClient(metadata, SECRET)
      assert.equal(client.authentication, authentication)
      assert.equal(isPublic(client), authentication === 'none')
      assert.equal(needsSecret({ name: 'App', ...metadata }), authentication !== 'none')
      assert.deepEqual(client.grantTypes, grantTypes)
    })

  test('is overruled by what it says', () => {
    const spa = aClient({ app_type: 'spa', token_endpoint_auth_method: 'client_secret_basic' }, SECRET)
    assert.equal(isPublic(spa), false)
    const web = aClient({ app_type: 'regular_web', token_endpoint_auth_method: 'none', grant_types: [] })
    assert.equal(isPublic(web), true)
    assert.deepEqual(web.grantTypes, [])
  })
})

describe('what may be answered at once', () => {
  for (const [metadata, expected, why] of [
    [{}, ['code'], 'codes alone, unless it says more'],
    [{ grant_types: ['client_credentials'] }, [], 'nothing, without a grant that begins there'],
    [{ grant_types: ['implicit'] }, ['token', 'id_token', 'id_token token'], 'tokens, with the implicit grant'],
    [{ grant_types: ['authorization_code', 'implicit'] }, RESPONSE_TYPES, 'everything, with both grants'],
    [
      { grant_types: ['authorization_code', 'implicit'], response_types: ['token id_token', 'code'] },
      ['id_token token', 'code'],
      'what it names, in any order',
    ],
    [{ response_types: ['id_token'] }, ['id_token'], 'what it names, whatever its grants'],
    [{ response_types: [] }, [], 'nothing, when it names nothing'],
  ] as [JsonObject, string[], string][])
    test(`is ${why}`, () => assert.deepEqual(aClient(metadata).responseTypes, expected))

  test('is told to the operator when there is no such thing', () => {
    const [problem] = checkMembers(CLIENT_MEMBERS, { name: 'App', response_types: ['code', 'id_tokn'] })
    assert.match(problem?.message ?? '', /response_types must be one of .*, not id_tokn\./)
  })
})

describe('the secret', () => {
  test('is kept as a digest only', () => {
    const client = aClient({}, SECRET)
    assert.equal(client.secretHash, sha256('a secret'))
    assert.doesNotMatch(JSON.stringify(client), /a secret/)
  })

  test('of a client that became public opens nothing any more', () =>
    assert.equal(aClient({ token_endpoint_auth_method: 'none' }, SECRET).secretHash, null))
})

describe('a client that signs', () => {
  const PEM = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'pem', type: 'spki' })
  const AUTH0 = { private_key_jwt: { credentials: [{ pem: String(PEM) }, { id: 'cred_1' }] } }

  test('by key has no secret to send, though it has one from before, and no need of one', () => {
    for (const metadata of [
      { token_endpoint_auth_method: 'private_key_jwt' },
      { client_authentication_methods: AUTH0 },
      // Auth0 leaves the method at null then; where it does not, the key is meant.
      { client_authentication_methods: AUTH0, token_endpoint_auth_method: 'client_secret_post' },
    ]) {
      const client = aClient(metadata, SECRET)
      assert.deepEqual([client.authentication, client.secretHash], ['private_key_jwt', null])
      assert.equal(needsSecret({ name: 'App', ...metadata }), false)
    }
  })

  for (const method of ['tls_client_auth', 'self_signed_tls_client_auth']) {
    const metadata = { client_authentication_methods: { [method]: { credentials: [{ id: 'cred_1' }] } } }
    test(`${method} is refused where it is set, and lets nobody in by a secret where it was kept`, () => {
      assert.deepEqual(
        checkMembers(CLIENT_MEMBERS, { name: 'App', ...metadata }).map(({ path }) => path.join('.')),
        [`client_authentication_methods.${method}`],
      )
      for (const app_type of ['regular_web', 'spa']) {
        const client = aClient({ app_type, ...metadata }, SECRET)
        assert.deepEqual([client.secretHash, isPublic(client), client.keys.registered], [null, false, []])
      }
    })
  }

  test('by Auth0’s credentials has those that hold a key', () =>
    assert.equal(aClient({ client_authentication_methods: AUTH0 }).keys.registered.length, 1))

  test('with its secret needs one, and cannot send it', () => {
    const metadata = { token_endpoint_auth_method: 'client_secret_jwt' }
    assert.equal(aClient(metadata, SECRET).secretHash, null)
    assert.equal(needsSecret({ name: 'App', ...metadata }), true)
  })

  test('by key keeps its refresh tokens, which are of no use without the key, unless it is set otherwise', () => {
    const byKey = { token_endpoint_auth_method: 'private_key_jwt' }
    assert.equal(aClient(byKey).refresh.rotates, false)
    assert.equal(aClient({ ...byKey, refresh_token: { rotation_type: 'rotating' } }).refresh.rotates, true)
    assert.equal(aClient({ token_endpoint_auth_method: 'client_secret_jwt' }, SECRET).refresh.rotates, true)
  })

  test('under FAPI 2 says it to the issuer', () => {
    assert.equal(aClient({ compliance_level: 'fapi2_sp_pkj_mtls' }).assertion.audience, 'issuer')
    for (const metadata of [{}, { compliance_level: 'none' }, { compliance_level: 'fapi1_adv_pkj_par' }])
      assert.equal(aClient(metadata).assertion.audience, 'issuer-or-endpoint')
  })
})

describe('the sector of a client', () => {
  for (const [metadata, sector, why] of [
    [{}, null, 'that knows people by their ids'],
    [{ subject_type: 'public' }, null, 'that says so'],
    [
      { subject_type: 'pairwise', callbacks: ['https://a.example:8443/1', 'https://a.example/2'] },
      'a.example',
      'of one host',
    ],
    [
      { subject_type: 'pairwise', callbacks: ['https://a.example/'], sector_identifier_uri: 'https://b.example/list' },
      'b.example',
      'that says where its sector is',
    ],
    [{ subject_type: 'pairwise', callbacks: ['com.example.app:/cb'] }, 'app', 'without a host: its own'],
  ] as const)
    test(`${why} is ${sector}`, () => assert.equal(aClient(metadata).sector, sector))
})

describe('members that are sound one by one', () => {
  const JWKS = { keys: [{ kty: 'of the future' }] }
  for (const [metadata, secret, member, why] of [
    [{ jwks: JWKS, jwks_uri: 'https://a.example/jwks' }, null, 'jwks_uri', 'keys in two places'],
    [
      { token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: 'HS256' },
      null,
      'token_endpoint_auth_signing_alg',
      'a key that signs as a secret does',
    ],
    [
      { token_endpoint_auth_method: 'client_secret_jwt', token_endpoint_auth_signing_alg: 'RS256' },
      null,
      'token_endpoint_auth_signing_alg',
      'a secret that signs as a key does',
    ],
    [
      { token_endpoint_auth_method: 'client_secret_jwt' },
      'x'.repeat(31),
      'client_secret',
      'a secret too short to sign',
    ],
    [{ subject_type: 'pairwise' }, null, 'subject_type', 'a sector of no host'],
    [
      { subject_type: 'pairwise', callbacks: ['https://a.example/', 'https://b.example/'] },
      null,
      'subject_type',
      'a sector of two hosts',
    ],
    [{ userinfo_signed_response_alg: 'ES256' }, null, 'userinfo_signed_response_alg', 'an algorithm of UserInfo alone'],
  ] as const)
    test(`may not go together: ${why}`, () =>
      assert.deepEqual(
        clientProblems({ name: 'App', ...metadata }, secret).map(({ path }) => path),
        [[member]],
      ))

  test('mostly do', () =>
    assert.deepEqual(
      clientProblems(
        {
          name: 'App',
          callbacks: ['https://a.example/'],
          subject_type: 'pairwise',
          token_endpoint_auth_method: 'client_secret_jwt',
          token_endpoint_auth_signing_alg: 'HS256',
          jwks: JWKS,
          jwt_configuration: { alg: 'ES256' },
          userinfo_signed_response_alg: 'ES256',
        },
        'x'.repeat(32),
      ),
      [],
    ))
})

describe('refresh tokens', () => {
  for (const [metadata, expected, why] of [
    [{}, { rotates: true, leeway: 30 * SECOND, lifetime: 30 * DAY, idleLifetime: 15 * DAY }, 'unset'],
    [{ rotation_type: 'non-rotating' }, { rotates: false }, 'rotation switched off'],
    [{ rotation_type: 'rotating', leeway: 0 }, { rotates: true, leeway: 0 }, 'a leeway of nothing'],
    [
      { token_lifetime: 60, idle_token_lifetime: 30 },
      { lifetime: 60_000, idleLifetime: 30_000 },
      'lifetimes in seconds',
    ],
    [
      { token_lifetime: 60, infinite_token_lifetime: true },
      { lifetime: 3650 * DAY, idleLifetime: 15 * DAY },
      'infinite',
    ],
    [
      { expiration_type: 'non-expiring', token_lifetime: 60 },
      { lifetime: 3650 * DAY, idleLifetime: 3650 * DAY },
      'never',
    ],
  ] as const)
    test(`${why}: ${JSON.stringify(expected)}`, () => {
      const { refresh } = aClient({ refresh_token: metadata })
      assert.deepEqual({ ...refresh, ...expected }, refresh)
    })
})

describe('ID tokens', () => {
  test('are RS256 for ten hours with the claims in them, as at Auth0', () =>
    assert.deepEqual(aClient().idToken, { algorithm: 'RS256', lifetimeSeconds: 36_000, claims: 'full' }))

  test('follow the settings', () =>
    assert.deepEqual(
      aClient({ id_token_claims: 'minimal', jwt_configuration: { alg: 'ES256', lifetime_in_seconds: 60 } }).idToken,
      { algorithm: 'ES256', lifetimeSeconds: 60, claims: 'minimal' },
    ))

  test('cannot be HS256, whose secret would vouch for people, nor unsigned', () => {
    for (const alg of ['HS256', 'none', 'rs256'])
      assert.equal(checkMembers(CLIENT_MEMBERS, { name: 'App', jwt_configuration: { alg } }).length, 1, alg)
    assert.ok(!(ID_TOKEN_ALGORITHMS as readonly string[]).includes('HS256'))
  })
})

test('an application is the operator’s own unless it says otherwise', () => {
  assert.equal(aClient().isFirstParty, true)
  assert.equal(aClient({ is_first_party: false }).isFirstParty, false)
})

describe('where a client is told of a logout', () => {
  const CALLBACKS = ['https://app.example/callback', 'app.example:/callback']

  test('is its own member, or Auth0’s, of which all is told unless it chose', () => {
    const url = 'https://app.example/logout?tenant=1'
    assert.equal(aClient({}).backChannelLogout, null)
    assert.deepEqual(aClient({ backchannel_logout_uri: url }).backChannelLogout, { url, initiators: 'all' })
    const imported = (initiators: JsonObject | null) =>
      aClient({ oidc_logout: { backchannel_logout_urls: [url], backchannel_logout_initiators: initiators } })
        .backChannelLogout
    assert.deepEqual(imported(null), { url, initiators: 'all' })
    assert.deepEqual(imported({ mode: 'all' }), { url, initiators: 'all' })
    assert.deepEqual(imported({ mode: 'custom', selected_initiators: ['rp-logout'] }), {
      url,
      initiators: ['rp-logout'],
    })
  })

  test('in the browser is under the origin of a callback, or nowhere', () => {
    const at = (frontchannel_logout_uri: string) => aClient({ callbacks: CALLBACKS, frontchannel_logout_uri })
    assert.equal(at('https://app.example/out?x=1').frontChannelLogout, 'https://app.example/out?x=1')
    for (const url of [
      'https://evil.example/out',
      'http://app.example/out',
      'https://app.example:8443/',
      'app.example:/x',
    ])
      assert.equal(at(url).frontChannelLogout, null, url)
  })

  for (const [document, message] of [
    [{ frontchannel_logout_uri: 'https://evil.example/' }, /must have the scheme, host and port of a callback/],
    [{ backchannel_logout_uri: 'https://app.example/#x' }, /must not have a fragment/],
    [
      { oidc_logout: { backchannel_logout_urls: ['https://app.example/1', 'https://app.example/2'] } },
      /Only one address/,
    ],
    [
      {
        backchannel_logout_uri: 'https://app.example/1',
        oidc_logout: { backchannel_logout_urls: ['https://app.example/2'] },
      },
      /Only one address/,
    ],
  ] as const)
    test(`is refused as ${JSON.stringify(document)}`, () => {
      const problems = clientProblems({ name: 'App', callbacks: CALLBACKS, ...document })
      assert.equal(problems.length, 1)
      assert.match(problems[0]?.message ?? '', message)
    })
})
