/**
 * A check that is skipped when what it checks is missing (Logto, 2026: a nonce that was only compared where there was one).
 * Tokens signed with the server's own key and lacking one claim after another, requests without a nonce or a state, and
 * what stands in the place of nothing: null, an empty text, an empty list. What is absent has not passed.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { accessToken, createVerifier, idTokenHint, importPublicKey, keySet } from '@latchkey/sdk/verify'
import { MINUTE } from '../../server/kernel/seconds.ts'
import { readAnswer } from '../fixtures/authorization-answer.ts'
import { type RunningServer, startServer } from '../fixtures/server.ts'
import { encode, headerOf, NOT_A_BROWSER } from './places.ts'
import {
  ANN,
  askToken,
  askUserinfo,
  authorizePath,
  CALLBACK,
  CookieJarBrowser,
  claimsOf,
  codeOf,
  follow,
  queryOf,
  redemption,
  SPA,
  type Tokens,
  tenantFile,
  tokensFor,
  WEB,
} from './stage.ts'

const OPEN = { client_id: 'open' } as const
const NOTHINGS = [undefined, null, '', 0, false, [], {}, [null], [''], ['', '']]

let server: RunningServer
let ann: CookieJarBrowser
let tokens: Tokens
let webs: Tokens

before(async () => {
  const open = {
    ...OPEN,
    name: 'Open',
    app_type: 'spa',
    grant_types: ['authorization_code', 'implicit'],
    callbacks: [CALLBACK],
  }
  server = await startServer({
    store: 'sqlite',
    tenantFile: { ...tenantFile, clients: [...tenantFile.clients, open] },
  })
  ann = new CookieJarBrowser(server)
  tokens = await tokensFor(server, ANN, { browser: ann })
  webs = await tokensFor(server, ANN, { client: WEB })
})
after(() => server?.close())

/** Signed as the server signs, over whatever it never would. */
async function signed(token: string, header: object, claims: object): Promise<string> {
  const signer = await server.latchkey.keyring.signer('default', 'RS256')
  const input = `${encode({ ...headerOf(token), ...header })}.${encode({ ...claimsOf(token), ...claims })}`
  return `${input}.${Buffer.from(await signer.sign(Buffer.from(input), Date.now() + MINUTE)).toString('base64url')}`
}

const said = (name: string, nothing: unknown) =>
  `${name}: ${nothing === undefined ? 'left out' : JSON.stringify(nothing)}`

test('an access token that lacks what is checked is taken neither at /userinfo nor by introspection', async () => {
  const introspect = async (token: string) =>
    (await new CookieJarBrowser(server).post('/oauth/introspect', { ...WEB, token }, NOT_A_BROWSER)).json()['active']
  const untouched = await signed(webs.access_token, {}, {})
  assert.equal((await askUserinfo(server, untouched)).status, 200)
  assert.equal(await introspect(untouched), true)
  for (const claim of ['iss', 'aud', 'exp', 'sub', 'client_id', 'scope'])
    for (const nothing of NOTHINGS) {
      const token = await signed(webs.access_token, {}, { [claim]: nothing })
      const { status } = await askUserinfo(server, token)
      assert.ok([401, 403].includes(status), `${said(claim, nothing)} is answered ${status}`)
      if (claim !== 'scope') assert.equal(await introspect(token), false, said(claim, nothing))
    }
  for (const typ of [null, '', 'logout+jwt', 'secevent+jwt', 'oauth-authz-req+jwt', 'at+jwt '])
    assert.equal(
      (await askUserinfo(server, await signed(webs.access_token, { typ }, {}))).status,
      401,
      said('typ', typ),
    )
  // Auth0's access tokens say `JWT` or nothing, as ID tokens may: one is not the other for that.
  for (const typ of [undefined, 'JWT', 'at+jwt'])
    assert.equal((await askUserinfo(server, await signed(webs.id_token, { typ }, {}))).status, 401, said('typ', typ))
})

test('nor is one that does not say since when its user and its client count', async () => {
  for (const claim of ['subject_epoch', 'client_epoch'])
    for (const nothing of [...NOTHINGS.filter(value => value !== 0), -1, 0.5, '0', '1']) {
      const { status } = await askUserinfo(server, await signed(webs.access_token, {}, { [claim]: nothing }))
      assert.equal(status, 401, said(claim, nothing))
    }
})

test('an ID token that lacks who made it for whom stands for nobody’s word', async () => {
  const ask = async (id_token_hint: string) => {
    const query = queryOf({ id_token_hint, post_logout_redirect_uri: 'https://app.example/' })
    return (await new CookieJarBrowser(server).get(`/oidc/logout?${query}`)).location
  }
  assert.equal(await ask(await signed(tokens.id_token, {}, {})), 'https://app.example/')
  for (const claim of ['iss', 'aud', 'sub'])
    for (const nothing of NOTHINGS)
      assert.notEqual(
        await ask(await signed(tokens.id_token, {}, { [claim]: nothing })),
        'https://app.example/',
        said(claim, nothing),
      )
})

test('an API’s verifier takes none of them either', async () => {
  const { keys } = (await new CookieJarBrowser(server).get('/.well-known/jwks.json')).json() as {
    keys: Parameters<typeof importPublicKey>[0][]
  }
  const known = keySet(await Promise.all(keys.map(jwk => importPublicKey(jwk))))
  const { issuer } = server
  const [access, hint] = [
    createVerifier({
      keys: known,
      algorithms: ['RS256'],
      profile: accessToken({ issuer, audience: `${issuer}userinfo` }),
    }),
    createVerifier({ keys: known, algorithms: ['RS256'], profile: idTokenHint({ issuer, client: SPA.client_id }) }),
  ]
  await access(await signed(tokens.access_token, {}, {}))
  await hint(await signed(tokens.id_token, {}, {}))
  for (const nothing of NOTHINGS) {
    for (const claim of ['iss', 'aud', 'exp', 'sub'])
      await assert.rejects(access(await signed(tokens.access_token, {}, { [claim]: nothing })), {
        name: 'VerificationError',
      })
    for (const claim of ['iss', 'aud', 'sub'])
      await assert.rejects(hint(await signed(tokens.id_token, {}, { [claim]: nothing })), { name: 'VerificationError' })
  }
})

test('an ID token through the browser is given to no request without a nonce, by any way of asking', async () => {
  for (const response_type of ['id_token', 'id_token token', 'code id_token', 'code id_token token'])
    for (const nonce of [undefined, '']) {
      const asked = { response_type, nonce }
      const plain = await ann.get(authorizePath(OPEN, asked))
      const { members } = readAnswer({ location: plain.location, html: plain.body })
      assert.equal(members['error'], 'invalid_request', response_type)
      assert.ok(!('id_token' in members) && !('code' in members) && !('access_token' in members), response_type)
      const form = Object.fromEntries(new URL(authorizePath(OPEN, asked), server.issuer).searchParams)
      const pushed = await new CookieJarBrowser(server).post('/oauth/par', form, NOT_A_BROWSER)
      assert.deepEqual([pushed.status, pushed.json()['error']], [400, 'invalid_request'], response_type)
    }
})

test('a nonce is what was asked with, and never what a former request said', async () => {
  for (const nonce of ['the first', undefined, 'the second']) {
    const code = codeOf(await follow(ann, authorizePath(SPA, { nonce })))
    const answer = await askToken(server, { ...redemption(SPA, code), nonce: 'of the token request' })
    assert.equal(claimsOf(String(answer.json()['id_token']))['nonce'], nonce)
  }
})
