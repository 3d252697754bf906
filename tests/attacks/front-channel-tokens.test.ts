/**
 * Tokens that go through a browser, where an attacker would have them: asked of a client that was never meant to have
 * any, moved into a place that others read, or taken for an answer to another request.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { RESPONSE_TYPES } from '../../server/policy/response-types.ts'
import { revokeClient } from '../../server/revocation/revoke.ts'
import { readAnswer } from '../fixtures/authorization-answer.ts'
import { applyTo, type RunningServer, startServer } from '../fixtures/server.ts'
import {
  ANN,
  askToken,
  askUserinfo,
  authorizePath,
  CALLBACK,
  CookieJarBrowser,
  codeOf,
  follow,
  OTHER_SPA,
  PARTNER,
  redemption,
  SPA,
  signIn,
  tenantFile,
  WEB,
} from './stage.ts'

/** The one client that may have tokens from `/authorize`. */
const OPEN = { client_id: 'open' } as const
const open = {
  ...OPEN,
  name: 'Open',
  app_type: 'spa',
  grant_types: ['authorization_code', 'implicit'],
  callbacks: [CALLBACK],
  web_origins: ['https://app.example'],
}
const WITH_TOKENS = RESPONSE_TYPES.filter(type => type !== 'code')

let server: RunningServer
let ann: CookieJarBrowser
before(async () => {
  server = await startServer({
    store: 'sqlite',
    tenantFile: { ...tenantFile, clients: [...tenantFile.clients, open] },
  })
  ann = new CookieJarBrowser(server)
  await signIn(ann, ANN)
})
after(() => server?.close())

async function ask(client: { client_id: string }, changes: Readonly<Record<string, string | undefined>>) {
  const { location, body } = await ann.get(authorizePath(client, changes))
  return readAnswer({ location, html: body })
}

const holdsNothing = (members: Readonly<Record<string, string>>) =>
  assert.deepEqual(Object.keys(members).sort(), ['error', 'error_description', 'iss', 'state'])

for (const client of [SPA, OTHER_SPA, WEB, PARTNER])
  test(`a client that is not set to it has no token from /authorize: ${client.client_id}`, async () => {
    for (const response_type of WITH_TOKENS)
      for (const response_mode of [undefined, 'fragment', 'form_post', 'web_message', 'query']) {
        const { members } = await ask(client, { response_type, response_mode })
        holdsNothing(members)
        const told = response_mode === 'query' ? 'invalid_request' : 'unauthorized_client'
        assert.equal(members['error'], told, `${response_type} by ${response_mode}`)
      }
  })

test('a token is moved into the query by no mode, not even by two of them', async () => {
  for (const response_type of WITH_TOKENS) {
    const refused = await ask(OPEN, { response_type, response_mode: 'query' })
    assert.equal(refused.mode, 'fragment')
    holdsNothing(refused.members)
    for (const first of ['query', 'fragment']) {
      const { location = '' } = await ann.get(
        `${authorizePath(OPEN, { response_type, response_mode: first })}&response_mode=${first === 'query' ? 'fragment' : 'query'}`,
      )
      assert.doesNotMatch(location, /(?:access_token|id_token|code)=/)
    }
  }
})

test('a type that names a token twice, or hides it behind another, has none', async () => {
  for (const response_type of ['token token', 'code token token', 'token%20', 'none token', 'token\tid_token']) {
    const { members } = await ask(OPEN, { response_type })
    holdsNothing(members)
    assert.equal(members['error'], 'unsupported_response_type', response_type)
  }
})

test('a response type that is sent twice is not chosen from', async () => {
  const { location = '' } = await ann.get(`${authorizePath(OPEN, { response_type: 'code' })}&response_type=token`)
  assert.match(location, /error=invalid_request/)
  assert.doesNotMatch(location, /access_token/)
})

test('a message with tokens goes to the registered origin, and an unregistered one is told nothing', async () => {
  const asked = { response_type: 'id_token token', response_mode: 'web_message', prompt: 'none' }
  assert.equal((await ask(OPEN, asked)).target, 'https://app.example')
  assert.equal((await ask(OPEN, { ...asked, redirect_uri: 'https://app.example' })).target, 'https://app.example')
  for (const redirect_uri of ['https://evil.example', 'https://app.example.evil.example', 'https://app.example/']) {
    const { status, location, body } = await ann.get(authorizePath(OPEN, { ...asked, redirect_uri }))
    assert.deepEqual([status, location], [400, undefined])
    assert.doesNotMatch(body, /postMessage/)
  }
})

test('an origin that may be told by a message is no place for a fragment or a form', async () => {
  for (const response_mode of ['fragment', 'form_post', undefined]) {
    const changes = { response_type: 'token', redirect_uri: 'https://app.example', response_mode }
    const { status, location } = await ann.get(authorizePath(OPEN, changes))
    assert.deepEqual([status, location], [400, undefined])
  }
})

test('a code of one client beside a token is of no use to another', async () => {
  const { members } = await ask(OPEN, { response_type: 'code token' })
  const stolen = await askToken(server, redemption(SPA, String(members['code'])))
  assert.equal(stolen.json()['error'], 'invalid_grant')
  assert.equal((await askUserinfo(server, String(members['access_token']))).status, 200)
})

test('a token ends when everything of its client is ended', async () => {
  const { members } = await ask(OPEN, { response_type: 'token' })
  assert.equal((await askUserinfo(server, String(members['access_token']))).status, 200)
  await server.latchkey.store.transaction(transaction =>
    revokeClient(transaction, { tenant: 'default', id: OPEN.client_id }, Date.now()),
  )
  assert.equal((await askUserinfo(server, String(members['access_token']))).status, 401)
})

test('a setting that is taken back is no longer answered, nor is a code given by what it left', async () => {
  await applyTo(server.latchkey, { clients: [{ ...open, grant_types: ['authorization_code'] }] })
  assert.equal((await ask(OPEN, { response_type: 'token' })).members['error'], 'unauthorized_client')
  codeOf(await follow(ann, authorizePath(OPEN)))
})
