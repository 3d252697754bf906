import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { AUDIENCE, claims, createSigner, ISSUER, NOW, nowSeconds, type Signer, signToken } from './testing/forge.ts'
import {
  accessToken,
  allowAlgorithms,
  checkClaims,
  createVerifier,
  idToken,
  idTokenHint,
  importSecret,
  keySet,
  type Profile,
  requireScopes,
  type SignedToken,
  type VerificationCode,
  VerificationError,
  type VerificationKey,
  verifySignature,
} from './verify.ts'

let signer: Signer
before(async () => {
  signer = await createSigner('ES256', 'k')
})

/** A token past the first stage, saying whatever the test wants it to. */
const signed = (
  changes: object = {},
  typ: string | undefined = 'at+jwt',
  key: VerificationKey = signer.key,
): SignedToken => ({
  header: { alg: key.alg, kid: 'k', typ },
  claims: JSON.parse(JSON.stringify({ ...claims, ...changes })),
  key,
})

const access = accessToken({ issuer: ISSUER, audience: AUDIENCE })
const hint = idTokenHint({ issuer: ISSUER, client: 'app' })
const ofApp = { aud: 'app', nonce: 'n', scope: undefined }
const answer = idToken({ issuer: ISSUER, client: 'app', nonce: 'n' })

const accepts = (token: SignedToken, profile: Profile = access, now = NOW) => checkClaims(token, profile, now)
const refuses = (code: VerificationCode, token: SignedToken, profile: Profile = access, now = NOW) =>
  assert.throws(
    () => checkClaims(token, profile, now),
    (error: unknown) => error instanceof VerificationError && error.code === code,
    `${code}: ${JSON.stringify(token.claims)}`,
  )

describe('the type of a token', () => {
  test('an access token may be at+jwt in any spelling, JWT, or without typ', () => {
    for (const typ of ['at+jwt', 'AT+JWT', 'application/at+jwt', 'Application/AT+jwt', 'JWT', 'jwt', 'application/jwt'])
      accepts(signed({}, typ))
    accepts({ ...signed(), header: { alg: 'ES256', kid: 'k', typ: undefined } })
  })

  test('another type is not an access token', () => {
    for (const typ of [
      'logout+jwt',
      'dpop+jwt',
      'id+jwt',
      'at+jwt ',
      'application/x/at+jwt',
      'text/at+jwt',
      'at',
      'JOSE',
      'secevent+jwt',
    ])
      refuses('wrong_type', signed({}, typ))
  })

  test('an ID token is not an access token, even with the right audience', () => {
    for (const mark of [{ nonce: 'n' }, { at_hash: 'h' }, { c_hash: 'h' }, { nonce: null }])
      refuses('wrong_type', signed(mark, 'JWT'))
    refuses('wrong_audience', signed(ofApp, 'JWT'))
  })

  test('a logout token is neither an access token nor a hint', () => {
    const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
    refuses('wrong_type', signed({ events }, 'JWT'))
    refuses('wrong_type', signed({ ...ofApp, events }, 'JWT'), hint)
  })

  test('an access token is not a hint, by typ and by what it says', () => {
    const anyone = idTokenHint({ issuer: ISSUER })
    refuses('wrong_type', signed({ scope: undefined }, 'at+jwt'), anyone)
    refuses('wrong_type', signed({}, 'JWT'), anyone)
    refuses('wrong_type', signed({ scope: undefined, client_id: 'app' }, 'JWT'), anyone)
  })
})

describe('issuer and audience', () => {
  test('the issuer is compared byte for byte', () => {
    const others = [
      'https://id.example',
      'https://id.example//',
      'https://ID.example/',
      'http://id.example/',
      'https://id.example:443/',
      'https://id.example/x',
      '',
      null,
      1,
      [ISSUER],
    ]
    for (const iss of others) refuses('wrong_issuer', signed({ iss }))
    refuses('wrong_issuer', signed({ iss: undefined }))
  })

  test('several names of one tenant are each exact', () => {
    const both = accessToken({ issuer: [ISSUER, 'https://login.example/'], audience: AUDIENCE })
    accepts(signed({ iss: 'https://login.example/' }), both)
    refuses('wrong_issuer', signed({ iss: 'https://login.example' }), both)
  })

  test('the audience may be one of several, in any place', () => {
    accepts(signed({ aud: [AUDIENCE] }))
    accepts(signed({ aud: [AUDIENCE, `${ISSUER}userinfo`] }))
    accepts(signed({ aud: [`${ISSUER}userinfo`, AUDIENCE] }))
  })

  test('an aud of another form, or without the audience, is refused', () => {
    const odd = [
      '',
      [],
      [''],
      null,
      1,
      {},
      { 0: AUDIENCE, length: 1 },
      [[AUDIENCE]],
      [AUDIENCE, 1],
      [AUDIENCE, null],
      [AUDIENCE, ''],
    ]
    for (const aud of [...odd, 'app', [`${ISSUER}userinfo`], `${AUDIENCE}/`, AUDIENCE.slice(0, -1), `${AUDIENCE} app`])
      refuses('wrong_audience', signed({ aud }))
    refuses('wrong_audience', signed({ aud: undefined }))
  })

  test('a shared secret vouches for its own audience, alone, and for no other', async () => {
    const secret = crypto.getRandomValues(new Uint8Array(32))
    const key = await importSecret(secret, { alg: 'HS256', audience: AUDIENCE })
    const other = await importSecret(secret, { alg: 'HS256', audience: 'https://other.example/' })
    const anywhere = accessToken({ issuer: ISSUER, audience: [AUDIENCE, 'https://other.example/', `${ISSUER}api/v2/`] })
    accepts(signed({}, 'at+jwt', key), anywhere)
    accepts(signed({ aud: [AUDIENCE] }, 'at+jwt', key), anywhere)
    refuses('wrong_audience', signed({}, 'at+jwt', other), anywhere)
    for (const aud of [
      'https://other.example/',
      `${ISSUER}api/v2/`,
      [AUDIENCE, `${ISSUER}userinfo`],
      [AUDIENCE, AUDIENCE],
    ])
      refuses('wrong_audience', signed({ aud }, 'at+jwt', key), anywhere)
    refuses('wrong_audience', signed({}, 'at+jwt', { ...key, audience: undefined }), anywhere)
  })
})

describe('times', () => {
  const leeway = 5000
  test('exp holds to the last millisecond of the leeway and not one longer', () => {
    const end = claims.exp * 1000 + leeway
    accepts(signed(), access, end - 1)
    refuses('expired', signed(), access, end)
  })

  test('nbf and iat hold from the first millisecond of the leeway and not one earlier', () => {
    const soon = nowSeconds + 100
    for (const times of [
      { nbf: soon },
      { iat: soon },
      { iat: soon, nbf: nowSeconds - 100 },
      { nbf: soon, iat: nowSeconds - 100 },
    ]) {
      accepts(signed(times), access, soon * 1000 - leeway)
      refuses('not_yet_valid', signed(times), access, soon * 1000 - leeway - 1)
    }
  })

  test('without leeway the second itself decides', () => {
    const exact = accessToken({ issuer: ISSUER, audience: AUDIENCE, leewaySeconds: 0 })
    accepts(signed(), exact, claims.exp * 1000 - 1)
    refuses('expired', signed(), exact, claims.exp * 1000)
  })

  test('a time that is missing or no finite number is refused, never read as "no limit"', () => {
    for (const odd of [undefined, null, '', '9999999999', true, [claims.exp], {}])
      for (const claim of ['exp', 'iat']) refuses('invalid_claim', signed({ [claim]: odd }))
    for (const odd of [null, '0', false, []]) refuses('invalid_claim', signed({ nbf: odd }))
    const endless = { ...signed(), claims: JSON.parse(JSON.stringify(claims).replace(/"exp":\d+/, '"exp":1e999')) }
    refuses('invalid_claim', endless)
  })

  test('a hint may have expired years ago, and still not come from the future', () => {
    accepts(signed(ofApp, 'JWT'), hint, NOW + 5 * 365 * 86_400_000)
    refuses('not_yet_valid', signed({ ...ofApp, iat: nowSeconds + 100 }, 'JWT'), hint)
  })
})

describe('the rest of a profile', () => {
  test('a subject is text', () => {
    for (const sub of [undefined, null, '', 1, ['auth0|ann'], {}]) {
      refuses('invalid_claim', signed({ sub }))
      refuses('invalid_claim', signed({ ...ofApp, sub }, 'JWT'), hint)
    }
  })

  test('an ID token answers this client’s request, and no other', () => {
    for (const changes of [{}, { azp: 'app' }, { aud: ['app'] }, { aud: ['app', 'other'], azp: 'app' }])
      accepts(signed({ ...ofApp, ...changes }, 'JWT'), answer)
    for (const nonce of [undefined, 'other', '', ['n'], null])
      refuses('invalid_claim', signed({ ...ofApp, nonce }, 'JWT'), answer)
    for (const changes of [
      { aud: 'other' },
      { azp: 'other' },
      { azp: ['app'] },
      { aud: ['app', 'other'] },
      { aud: ['app', 'other'], azp: 'other' },
    ])
      refuses('wrong_audience', signed({ ...ofApp, ...changes }, 'JWT'), answer)
    refuses('expired', signed({ ...ofApp, exp: nowSeconds - 100 }, 'JWT'), answer)
    for (const changes of [{ scope: 'openid' }, { client_id: 'app' }, { events: {} }])
      refuses('wrong_type', signed({ ...ofApp, ...changes }, 'JWT'), answer)
    for (const options of [
      { client: '', nonce: 'n' },
      { client: 'app', nonce: '' },
    ])
      assert.throws(() => idToken({ issuer: ISSUER, ...options }), TypeError)
  })

  test('a hint is for the client that hands it back, or for any when none is named', () => {
    accepts(signed({ ...ofApp, aud: ['other', 'app'] }, 'JWT'), hint)
    refuses('wrong_audience', signed({ ...ofApp, aud: 'other' }, 'JWT'), hint)
    accepts(signed({ ...ofApp, aud: 'other' }, 'JWT'), idTokenHint({ issuer: ISSUER }))
  })

  test('options that are missing or empty are errors of the caller', () => {
    for (const value of [undefined, '', [], [''], null]) {
      assert.throws(() => accessToken({ issuer: value as string, audience: AUDIENCE }), TypeError)
      assert.throws(() => accessToken({ issuer: ISSUER, audience: value as string }), TypeError)
    }
    assert.throws(() => idTokenHint({ issuer: ISSUER, client: '' }), TypeError)
    for (const leewaySeconds of [-1, 61, Number.NaN, Number.POSITIVE_INFINITY])
      assert.throws(() => accessToken({ issuer: ISSUER, audience: AUDIENCE, leewaySeconds }), TypeError)
  })

  test('scopes are whole words of the scope claim', () => {
    const token = accepts(signed())
    requireScopes(token)
    requireScopes(token, 'write:videos')
    requireScopes(token, 'write:videos', 'read:videos')
    const lacking = (scope: unknown, ...wanted: string[]) =>
      assert.throws(() => requireScopes(accepts(signed({ scope })), ...wanted), { code: 'insufficient_scope' })
    lacking(claims.scope, 'write')
    lacking(claims.scope, 'videos')
    lacking(claims.scope, 'read:videos', 'delete:videos')
    lacking(undefined, 'write:videos')
    lacking(['write:videos'], 'write:videos')
    lacking('write:videos2', 'write:videos')
  })

  test('the stages run apart, and the second again at another time, without the token or its key source', async () => {
    const first = await verifySignature(await signToken(signer), keySet([signer.key]), allowAlgorithms(['ES256']))
    accepts(first)
    refuses('expired', first, access, NOW + 2 * 3_600_000)
    refuses('wrong_audience', first, accessToken({ issuer: ISSUER, audience: 'https://elsewhere.example/' }))
  })

  test('together they are the verifier', async () => {
    let now = NOW
    const verify = createVerifier({
      keys: keySet([signer.key]),
      algorithms: ['ES256'],
      profile: access,
      clock: () => now,
    })
    const token = await signToken(signer)
    assert.equal((await verify(token)).claims.exp, claims.exp)
    now = claims.exp * 1000 + 5000
    await assert.rejects(verify(token), { code: 'expired' })
  })
})
