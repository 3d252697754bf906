/**
 * PKCE skipped, weakened or played through with the wrong half. The whole matrix is tried, because each of the known
 * holes was one cell of it: a challenge without a verifier, a verifier without a challenge, `plain`.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { onEachStore, type RunningServer, startServer } from '../fixtures/server.ts'
import {
  ANN,
  askToken,
  authorizePath,
  type ClientCredentials,
  CookieJarBrowser,
  challengeOf,
  follow,
  redemption,
  SPA,
  signIn,
  tenantFile,
  VERIFIER,
  WEB,
} from './stage.ts'

const CHALLENGES = {
  none: undefined,
  empty: '',
  hashed: challengeOf(VERIFIER),
  'the verifier itself': VERIFIER,
  padded: `${challengeOf(VERIFIER)}=`,
} as const

const METHODS = { none: undefined, S256: 'S256', plain: 'plain', 's256 in lower case': 's256' } as const

const VERIFIERS = {
  none: undefined,
  empty: '',
  right: VERIFIER,
  'of another request': `${VERIFIER}-`,
  'the challenge': challengeOf(VERIFIER),
  'too short': 'short',
} as const

/** The two ways that are sound: the exact pair, and for a client with a secret no PKCE at all. */
const isSound = (type: string, challenge: string, method: string, verifier: string): boolean =>
  challenge === 'hashed'
    ? method === 'S256' && verifier === 'right'
    : type === 'confidential' &&
      ['none', 'empty'].includes(challenge) &&
      method === 'none' &&
      ['none', 'empty'].includes(verifier)

const CLIENTS: Readonly<Record<string, ClientCredentials>> = { public: SPA, confidential: WEB }

onEachStore('PKCE', store => {
  let server: RunningServer
  let browser: CookieJarBrowser

  before(async () => {
    server = await startServer({ store, tenantFile })
    browser = new CookieJarBrowser(server)
    await signIn(browser, ANN)
  })
  after(() => server?.close())

  for (const [type, client] of Object.entries(CLIENTS))
    for (const [challengeName, code_challenge] of Object.entries(CHALLENGES))
      test(`for a ${type} client with the challenge ${challengeName}, only the exact pair is redeemed`, async () => {
        for (const [methodName, code_challenge_method] of Object.entries(METHODS)) {
          const path = authorizePath(client, { code_challenge, code_challenge_method })
          for (const [verifierName, code_verifier] of Object.entries(VERIFIERS)) {
            const cell = `${type}: challenge ${challengeName}, method ${methodName}, verifier ${verifierName}`
            const callback = await follow(browser, path)
            const code = callback.searchParams.get('code')
            if (code === null) {
              // Refused before there was anything to redeem: the best of ends.
              assert.equal(callback.searchParams.get('error'), 'invalid_request', cell)
              assert.ok(!isSound(type, challengeName, methodName, verifierName), cell)
              break
            }
            const { code_verifier: _, ...form } = redemption(client, code)
            const reply = await askToken(server, { ...form, code_verifier })
            if (isSound(type, challengeName, methodName, verifierName)) assert.equal(reply.status, 200, cell)
            else assert.deepEqual([reply.status, reply.json()['error']], [400, 'invalid_grant'], cell)
          }
        }
      })

  test('a wrong verifier costs the rightful one nothing, until the fifth spends the code', async () => {
    for (const [tries, status] of [
      [4, 200],
      [5, 400],
    ] as const) {
      const code = (await follow(browser, authorizePath())).searchParams.get('code') ?? ''
      for (let wrong = 0; wrong < tries; wrong++)
        assert.equal(
          (await askToken(server, redemption(SPA, code, { code_verifier: `${VERIFIER}${wrong}` }))).status,
          400,
        )
      assert.equal((await askToken(server, redemption(SPA, code))).status, status, `after ${tries} wrong verifiers`)
    }
  })

  test('the verifier of one request does not redeem the code of another', async () => {
    const mine = 'another-verifier-of-43-to-128-characters.0123456789'
    const injected = (await follow(browser, authorizePath())).searchParams.get('code') ?? ''
    const reply = await askToken(server, redemption(SPA, injected, { code_verifier: mine }))
    assert.deepEqual([reply.status, reply.json()['error']], [400, 'invalid_grant'])
  })
})
