import assert from 'node:assert/strict'
import { before, beforeEach, describe, test } from 'node:test'
import { halfHash, importSecret, KeysUnavailableError, keySet } from '@latchkey/sdk/verify'
import { createSigner, ISSUER, NOW, nowSeconds, type Signer, signToken } from '../../../../sdk/testing/forge.ts'
import type { JsonObject } from '../../../kernel/json.ts'
import { type Arrival, type Caller, Refused } from '../../exchange.ts'
import type { EdgeIssuer } from '../../issuers.ts'
import type { SessionPlan } from '../../plan.ts'
import { IssuerUnavailableError, type PostedAnswer } from '../issuer-client.ts'
import { createSessionTokens, GrantOverError, SignInError } from './tokens.ts'

const API = 'https://videos.example/api'
const arrival = { now: NOW, address: '192.0.2.1' } as Arrival
const said = { nonce: 'the nonce', code: 'the code', accessToken: 'the access token' }
const redemption = { code: 'the code', verifier: 'v', redirectUri: 'https://app.example/edge/callback' }

let signer: Signer
let answer: PostedAnswer
let posted: Readonly<Record<string, string>>[]
let keys: EdgeIssuer['keys']
let read: () => Caller

before(async () => {
  signer = await createSigner('ES256', 'k')
})
beforeEach(() => {
  posted = []
  keys = keySet([signer.key])
  read = () => ({ issuer, claims: { sub: 'auth0|ann', exp: nowSeconds + 600 } }) as unknown as Caller
  answer = { status: 200, body: sound }
})

const issuer = {
  plan: { issuer: ISSUER, algorithms: ['ES256'] },
  keys: (request: Parameters<EdgeIssuer['keys']>[0]) => keys(request),
} as unknown as EdgeIssuer
const plan = {
  issuer: { issuer: ISSUER, algorithms: ['ES256', 'HS256'] },
  client: { id: 'pages', secret: 'the secret of the pages, long enough for HS256' },
  audience: API,
} as unknown as SessionPlan

const sound: JsonObject = { access_token: 'access', token_type: 'Bearer', expires_in: 600, id_token: 'id' }

const tokens = () =>
  createSessionTokens({
    plan,
    issuer,
    client: {
      async post(_endpoint, form) {
        posted.push(form)
        return answer
      },
    },
    readToken: () => read(),
  })

describe('the ID token of a sign-in', () => {
  const claims = (changes: object = {}) => ({
    iss: ISSUER,
    sub: 'auth0|ann',
    aud: 'pages',
    iat: nowSeconds,
    exp: nowSeconds + 600,
    nonce: said.nonce,
    ...changes,
  })
  const outcome = async (token: string): Promise<string> => {
    try {
      return String((await tokens().readIdToken(token, said, NOW))['sub'])
    } catch (error) {
      return (error as Error).name
    }
  }
  const sign = (changes: object = {}, header: object = { typ: 'JWT' }, by = signer) =>
    signToken(by, claims(changes), header)

  test('is the answer to this sign-in of this client, by its issuer', async () => {
    for (const changes of [
      {},
      { at_hash: halfHash(said.accessToken, 'ES256'), c_hash: halfHash(said.code, 'ES256') },
      { aud: ['pages', 'other'], azp: 'pages' },
    ])
      assert.equal(await outcome(await sign(changes)), 'auth0|ann', JSON.stringify(changes))
  })

  test('is nothing else: of another sign-in, client or issuer, for another code or token, or by anybody', async () => {
    const tampered = (await sign()).replace(/\.[^.]+$/, `.${'A'.repeat(86)}`)
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${(await sign()).split('.')[1]}.`
    const secret = {
      ...signer,
      privateKey: Buffer.from(plan.client.secret),
      key: { ...signer.key, alg: 'HS256' as const },
    }
    for (const token of [
      await sign({ nonce: 'another' }),
      await sign({ nonce: undefined }),
      await sign({ aud: 'other' }),
      await sign({ aud: ['pages', 'other'] }),
      await sign({ azp: 'other' }),
      await sign({ iss: 'https://other.example/' }),
      await sign({ exp: nowSeconds - 60 }),
      await sign({ at_hash: halfHash('another', 'ES256') }),
      await sign({ at_hash: '' }),
      await sign({ c_hash: halfHash('another', 'ES256') }),
      await sign({ sub: undefined }),
      await sign({}, { typ: 'at+jwt' }),
      await sign({ scope: 'openid' }),
      await sign({}, { typ: 'JWT' }, await createSigner('ES256', 'k')),
      await sign({}, { typ: 'JWT' }, secret),
      tampered,
      unsigned,
      'no token',
    ])
      assert.equal(await outcome(token), 'SignInError', token)
  })

  test('is not signed with a secret that an API shares with the issuer', async () => {
    const secret = Buffer.from(plan.client.secret)
    const shared = await importSecret(secret, { alg: 'HS256', audience: 'pages' })
    keys = async () => [shared]
    assert.equal(
      await outcome(await sign({}, { typ: 'JWT', kid: undefined }, { ...signer, privateKey: secret, key: shared })),
      'SignInError',
    )
  })

  test('that cannot be judged now is told apart from one that is none', async () => {
    keys = async () => {
      throw new KeysUnavailableError('away')
    }
    assert.equal(await outcome(await sign()), 'IssuerUnavailableError')
  })
})

describe('what the token endpoint gives', () => {
  const redeem = () => tokens().redeem(redemption, arrival)
  const isNamed = (name: string) => (error: unknown) => (error as Error).name === name

  test('is asked for with the verifier, and for the API under the name that RFC 8707 has for it', async () => {
    const given = await redeem()
    assert.deepEqual(posted, [
      {
        grant_type: 'authorization_code',
        code: 'the code',
        redirect_uri: redemption.redirectUri,
        code_verifier: 'v',
        resource: API,
      },
    ])
    assert.equal(given.accessToken, 'access')
    assert.equal(given.refreshToken, null)
    assert.equal(given.renewAt, given.expiresAt - (given.expiresAt - NOW) / 10)
  })

  test('ends when the token says, or when the answer does, whichever is first', async () => {
    for (const [exp, expiresIn, seconds] of [
      [nowSeconds + 600, 60, 60],
      [nowSeconds + 60, 600, 60],
      [undefined, 60, 60],
      [nowSeconds + 60, undefined, 60],
    ] as const) {
      read = () => ({ issuer, claims: { exp } }) as unknown as Caller
      answer = { status: 200, body: { ...sound, expires_in: expiresIn } }
      const { expiresAt } = await redeem()
      assert.ok(Math.abs(expiresAt - NOW - seconds * 1000) < 1000, `${exp} ${expiresIn}`)
    }
    read = () => ({ issuer, claims: {} }) as unknown as Caller
    answer = { status: 200, body: { ...sound, expires_in: undefined } }
    await assert.rejects(redeem(), isNamed('SignInError'))
  })

  test('is nothing where it is no bearer token, or none that a route could take', async () => {
    for (const changes of [
      { access_token: undefined },
      { access_token: 7 },
      { token_type: 'DPoP' },
      { token_type: undefined },
      { refresh_token: {} },
      { id_token: 7 },
    ]) {
      answer = { status: 200, body: { ...sound, ...changes } as JsonObject }
      await assert.rejects(redeem(), SignInError, JSON.stringify(changes))
    }
    answer = { status: 200, body: sound }
    read = () => {
      throw new Refused({ code: 'invalid_token' })
    }
    await assert.rejects(redeem(), SignInError)
    read = () => ({ issuer: { ...issuer }, claims: { exp: nowSeconds + 600 } }) as unknown as Caller
    await assert.rejects(redeem(), SignInError, 'of another issuer')
    read = () => {
      throw new Refused({ code: 'keys_unavailable' })
    }
    await assert.rejects(redeem(), IssuerUnavailableError)
  })

  test('is over only where the issuer says so, and else it may be had later', async () => {
    answer = { status: 400, body: { error: 'invalid_grant' } }
    await assert.rejects(tokens().refresh('r', arrival), GrantOverError)
    for (const [status, body] of [
      [400, { error: 'invalid_client' }],
      [400, undefined],
      [401, { error: 'invalid_grant' }],
      [429, { error: 'invalid_grant' }],
      [500, { error: 'invalid_grant' }],
      [503, undefined],
      [200, undefined],
    ] as const) {
      answer = { status, body }
      await assert.rejects(tokens().refresh('r', arrival), (error: unknown) => !(error instanceof GrantOverError))
    }
  })
})
