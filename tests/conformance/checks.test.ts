/**
 * The checks of every module, held to what they say: each of their demands is broken once, and has to be the one that
 * is told. Without this a check that sees nothing would pass for a provider that does everything right.
 */
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import type { Stop } from '../fixtures/person.ts'
import { checkAuthorizationError, checkCallback, type Members } from './checks/callback.ts'
import { checkIdToken } from './checks/id-token.ts'
import { checkKeySet, type Jwk } from './checks/key-set.ts'
import {
  checkSetUp,
  isCanonicalLocale,
  isRegisteredLocale,
  mistypedMembers,
  unknownMembers,
} from './checks/metadata.ts'
import { checkDeleted, checkRegistration } from './checks/registration.ts'
import { mistyped } from './checks/standard-claims.ts'
import { checkTokenAnswer } from './checks/token-answer.ts'
import type { IdsOf } from './demand.ts'
import { everyModule } from './demands/every-module.ts'

type Id = IdsOf<typeof everyModule>

const ISSUER = 'https://issuer.example/'
const NOW = 1_800_000_000_000
const SECONDS = NOW / 1000
const DAY = 86_400

// A key set, and what is wrong with it.

const SUM = 'AQAB'
const KEY: Jwk = { kty: 'OKP', crv: 'Ed25519', kid: '1', alg: 'EdDSA', use: 'sig', x: 'A'.repeat(43) }
const keySet = (changes: Jwk, ...more: readonly Jwk[]) => checkKeySet({ keys: [{ ...KEY, ...changes }, ...more] })

// A callback, and what is wrong with it.

const SENT = { redirectUri: 'https://app.example/callback?own=1', responseMode: 'query', state: 'as sent' } as const
const PAGE = { status: 200, headers: new Headers(), html: '' }
const arrive = (members: Members, where: string = SENT.redirectUri, left = true) => {
  const url = new URL(where)
  for (const [name, value] of Object.entries({ code: 'c', state: SENT.state, ...members }))
    url.searchParams.set(name, value)
  return checkCallback({ ...PAGE, url, left }, SENT, ISSUER)
}
const FORM =
  '<form method="post" action="https://app.example/callback?own=1"><input name="state" value="as sent"></form>'
const arriveByForm = (html: string, stop: Partial<Stop> = {}) =>
  checkCallback(
    { ...PAGE, url: new URL(ISSUER), left: false, html: `${html}<script>document.forms[0].submit()</script>`, ...stop },
    { ...SENT, responseMode: 'form_post' },
    ISSUER,
  )
const arriveInFragment = (href: string, left = true) =>
  checkCallback({ ...PAGE, url: new URL(href), left }, { ...SENT, responseMode: 'fragment' }, ISSUER)
const refuse = (members: Members) =>
  checkAuthorizationError({ error: 'login_required', state: SENT.state, ...members }, SENT)

// A token answer, and what is wrong with it.

const TOKENS = { access_token: 'a', token_type: 'Bearer', id_token: 'i' }
const redeem = (changes: Readonly<Record<string, unknown>>, status = 200) =>
  checkTokenAnswer({ status, headers: new Headers(), body: { ...TOKENS, ...changes } })

// A registration, and what is wrong with it.

const REGISTERED = {
  client_id: 'app',
  registration_client_uri: `${ISSUER}oidc/register/app`,
  registration_access_token: 'token',
}
const register = (changes: Readonly<Record<string, unknown>>, status = 201, sent = {}, type = 'application/json') =>
  checkRegistration(
    sent,
    { status, headers: new Headers({ 'content-type': type }), body: { ...REGISTERED, ...changes } },
    ISSUER,
  )

// An ID token, and what is wrong with it.

let privateKey: CryptoKey
let keys: readonly Jwk[]
const CLAIMS: JWTPayload = { iss: ISSUER, aud: 'app', sub: 'wren', nonce: 'n', iat: SECONDS, exp: SECONDS + 60 }

async function read(changes: JWTPayload, expected: { keys?: readonly Jwk[]; nonce?: string | undefined } = {}) {
  const token = await new SignJWT({ ...CLAIMS, ...changes })
    .setProtectedHeader({ alg: 'RS256', kid: 'k' })
    .sign(privateKey)
  return checkIdToken(token, { issuer: ISSUER, keys, clientId: 'app', nonce: 'n', now: NOW, ...expected })
}
async function readForged() {
  const token = await new SignJWT(CLAIMS).setProtectedHeader({ alg: 'RS256', kid: 'k' }).sign(privateKey)
  const [header, , signature] = token.split('.')
  const claims = Buffer.from(JSON.stringify({ ...CLAIMS, sub: 'robin' })).toString('base64url')
  return checkIdToken(`${header}.${claims}.${signature}`, {
    issuer: ISSUER,
    keys,
    clientId: 'app',
    nonce: 'n',
    now: NOW,
  })
}

type Try = () => unknown

/** Several where there are several ways to break it. */
const BROKEN: Partial<Readonly<Record<Id, readonly Try[]>>> = {
  'discovery#urls': [() => checkSetUp({ issuer: ISSUER, token_endpoint: 'oauth/token' }, 'none')],
  'discovery#auth-method': [
    () =>
      checkSetUp(
        {
          issuer: ISSUER,
          authorization_endpoint: ISSUER,
          token_endpoint: ISSUER,
          token_endpoint_auth_methods_supported: ['none'],
        },
        'client_secret_basic',
      ),
  ],
  'key-set#fetched': [() => checkKeySet({}), () => checkKeySet({ keys: [] }), () => checkKeySet(null)],
  'key-set#no-private': [() => keySet({ d: SUM }), () => keySet({ kty: 'oct', k: SUM }), () => keySet({ priv: SUM })],
  'key-set#members': [
    () => keySet({ x: undefined }),
    () => keySet({ x: `${'A'.repeat(43)}=` }),
    () => keySet({ x: 'a+b/' }),
  ],
  'key-set#parses': [() => keySet({ x: SUM }), () => keySet({ x5c: ['AQAB'] })],
  'key-set#known': [() => keySet({ kty: 'XYZ' }), () => keySet({ crv: 'P-1' }), () => keySet({ alg: 'XX256' })],
  'key-set#kid': [() => keySet({ kid: ' ' }), () => keySet({ kid: undefined })],
  'key-set#kid-unique': [() => keySet({}, KEY)],
  'callback#location': [
    () => arrive({}, 'https://app.example/other?own=1'),
    () => arrive({}, 'https://evil.example/callback?own=1'),
    () => arrive({}, 'https://app.example/callback?own=1#code=c'),
    () => arrive({}, SENT.redirectUri, false),
  ],
  'callback#form': [
    () => arriveByForm(FORM.replace('post', 'get')),
    () => arriveByForm(FORM.replace('?own=1', '')),
    () => arriveByForm(FORM.replace('<form', '<form enctype="text/plain"')),
    () => arriveByForm(''),
    () => arriveByForm(FORM, { left: true }),
  ],
  'callback#iss': [() => arrive({ iss: 'https://issuer.example' })],
  'callback#state': [() => arrive({ state: 'another' }), () => arriveByForm(FORM.replace('as sent', 'another'))],
  'callback#own-query': [() => arrive({}, 'https://app.example/callback'), () => arrive({ own: '2' })],
  'token-answer#json': [
    () => redeem({}, 400),
    () => checkTokenAnswer({ status: 200, headers: new Headers(), body: undefined }),
  ],
  'token-answer#members': [() => redeem({ access_token: '' }), () => redeem({ token_type: undefined })],
  'token-answer#expires-in': [0, 31_536_001, '3600'].map(life => () => redeem({ expires_in: life })),
  'token-answer#id-token': [() => redeem({ id_token: undefined })],
  'registration#created': [
    () => register({}, 200),
    () => register({ error: 'invalid_request' }),
    () => register({}, 201, {}, 'text/html'),
  ],
  'registration#secret-expiry': [
    () => register({ client_secret: 's' }),
    () => register({ client_secret: 's', client_secret_expires_at: '0' }),
  ],
  'registration#management': [
    () => register({ registration_access_token: undefined }),
    () => register({ registration_client_uri: 'https://elsewhere.example/' }),
  ],
  'registration#deleted': [() => checkDeleted(200), () => checkDeleted(404)],
  'registration#body': [() => register({}, 400, { jwks: {} }), () => register({}, 400, { response_types: ['token'] })],
  'id-token#iss': [() => read({ iss: 'https://issuer.example' })],
  'id-token#aud': [() => read({ aud: 'another' }), () => read({ aud: ['another'] })],
  'id-token#exp': [SECONDS - 1, SECONDS + 60 * 365 * DAY].map(exp => () => read({ exp })),
  'id-token#iat': [SECONDS - 301, SECONDS + 301].map(iat => () => read({ iat })),
  'id-token#auth-time': [SECONDS + 1, SECONDS - 366 * DAY, NOW, 'now'].map(time => () => read({ auth_time: time })),
  'id-token#acr': [() => read({ acr: '' }), () => read({ acr: 1 })],
  'id-token#nonce': [() => read({ nonce: 'm' }), () => read({ nonce: undefined })],
  'id-token#nonce-absent': [() => read({}, { nonce: undefined })],
  'id-token#sub': [() => read({ sub: '' })],
  'id-token#updated-at': [new Date(NOW).toJSON(), NOW, SECONDS + 1, 1].map(time => () => read({ updated_at: time })),
  'id-token#claim-types': [() => read({ email_verified: 'true' }), () => read({ name: ' ' })],
  'id-token#signature': [
    readForged,
    () => read({}, { keys: [] }),
    () => read({}, { keys: [...keys, ...keys] }),
    () => read({}, { keys: keys.map(key => ({ ...key, use: 'enc' })) }),
    () => read({}, { keys: keys.map(key => ({ ...key, alg: 'PS256' })) }),
    () => read({}, { keys: keys.map(key => ({ ...key, kid: 'l' })) }),
  ],
  'callback#other-flows': [
    () => arriveInFragment(`${SENT.redirectUri}&code=c#state=as+sent`),
    () => arriveInFragment(`${SENT.redirectUri}&state=as+sent`),
    () => arriveInFragment(`${SENT.redirectUri}#state=as+sent&state=as+sent`),
    () => arriveInFragment('https://app.example/callback#state=as+sent'),
    () => arriveInFragment(`${SENT.redirectUri}#state=as+sent`, false),
  ],
  'authorization-error#state': [() => refuse({ state: 'another' })],
  'authorization-error#error': [() => refuse({ error: '' })],
  'authorization-error#no-code': [() => refuse({ code: 'c' }), () => refuse({ id_token: 'i' })],
  'authorization-error#members': [() => refuse({ trace: '1' })],
  'authorization-error#description': ['say "please"', 'a\\b', 'ü'].map(
    text => () => refuse({ error_description: text }),
  ),
  'authorization-error#description-lines': [() => refuse({ error_description: 'a\nb' })],
}

/** The relying party asks it itself, so only a server can break it. */
const ASKED_ELSEWHERE: readonly Id[] = ['userinfo#answers', 'userinfo#front-channel', 'id-token#hybrid']

describe('the checks of every module', () => {
  before(async () => {
    const pair = await generateKeyPair('RS256')
    privateKey = pair.privateKey
    keys = [{ ...(await exportJWK(pair.publicKey)), kid: 'k', alg: 'RS256', use: 'sig' }]
  })

  test('let pass what is as it has to be', async () => {
    checkSetUp({ issuer: ISSUER, authorization_endpoint: ISSUER, token_endpoint: ISSUER }, 'client_secret_basic')
    assert.equal(keySet({}, { ...KEY, kid: '2' }).length, 2)
    assert.deepEqual(arrive({ iss: ISSUER }), { code: 'c', state: SENT.state, iss: ISSUER })
    assert.deepEqual(arriveByForm(FORM), { state: SENT.state })
    assert.deepEqual(arriveInFragment(`${SENT.redirectUri}#state=as+sent`), { state: SENT.state })
    assert.equal(refuse({ error_description: 'Not now.', iss: ISSUER }), 'login_required')
    assert.equal(register({ client_secret: 's', client_secret_expires_at: 0 }, 201, { jwks: {} }).client_id, 'app')
    checkDeleted(204)
    assert.deepEqual(redeem({ expires_in: 3600 }), { ...TOKENS, expires_in: 3600 })
    const times = { auth_time: SECONDS - 1, updated_at: SECONDS - 1 }
    const { claims } = await read({ ...times, aud: ['app', 'api'], acr: '1', birthdate: '0000-02-29' })
    assert.equal(claims['sub'], 'wren')
    await read({ nonce: undefined }, { nonce: undefined })
  })

  test('leave out none of what is proven', () => {
    const proven = Object.entries(everyModule).flatMap(([group, demands]) =>
      Object.entries(demands).flatMap(([name, demand]) => ('proof' in demand ? [`${group}#${name}`] : [])),
    )
    assert.deepEqual([...Object.keys(BROKEN), ...ASKED_ELSEWHERE].sort(), proven.sort())
  })

  for (const [id, tries] of Object.entries(BROKEN))
    test(`tell what is wrong: ${id}`, async () => {
      for (const attempt of tries)
        await assert.rejects(
          async () => attempt(),
          (error: Error) => error.message.startsWith(`${id} (`),
          String(attempt),
        )
    })
})

describe('the types of claims', () => {
  const wrong = (claims: Readonly<Record<string, unknown>>) => Object.keys(mistyped(claims, SECONDS))

  test('are those of OpenID Connect Core §5.1', () => {
    assert.deepEqual(wrong({ name: 'null', website: '', locale: 1, gender: null }), [
      'name',
      'website',
      'locale',
      'gender',
    ])
    assert.deepEqual(wrong({ phone_number_verified: 1, email_verified: null }), [
      'phone_number_verified',
      'email_verified',
    ])
    assert.deepEqual(wrong({ address: 'here' }), ['address'])
    assert.deepEqual(wrong({ address: { country: ' ' } }), ['address'])
    assert.deepEqual(wrong({ address: { country: 'Ireland' }, toString: 1, 'https://vendor.example/x': null }), [])
  })

  test('allow a birthdate without its year, or a year alone', () => {
    for (const birthdate of ['1990-02-28', '2000-02-29', '0000-02-29', '1850', '1999'])
      assert.deepEqual(wrong({ birthdate }), [], birthdate)
    for (const birthdate of ['1990-02-30', '1849', '3000', '0000', '90-1-1', '1990-13-01', '28.02.1990'])
      assert.deepEqual(wrong({ birthdate }), ['birthdate'], birthdate)
  })
})

describe('the members of discovery', () => {
  test('are known by name and type', () => {
    assert.deepEqual(unknownMembers({ issuer: ISSUER, x_vendor: 1, constructor: 1 }), ['x_vendor', 'constructor'])
    const wrong = { issuer: 'here', scopes_supported: [], claims_supported: 'sub', claims_parameter_supported: 'true' }
    assert.deepEqual(mistypedMembers({ ...wrong, jwks_uri: ISSUER, x_vendor: 1 }), wrong)
  })

  test('name locales of registered subtags, in canonical letters', () => {
    for (const tag of ['en', 'ko', 'pt-BR', 'zh-Hant-TW'])
      assert.ok(isRegisteredLocale(tag) && isCanonicalLocale(tag), tag)
    for (const tag of ['english', 'en_GB', 'xx', 'en-ZY', '']) assert.ok(!isRegisteredLocale(tag), tag)
    for (const tag of ['EN', 'pt-br', 'zh-hant']) assert.ok(!isCanonicalLocale(tag), tag)
  })
})
