/**
 * Sending the server where only it can go (Logto, 2026, by a webhook): each address that a client may choose for the server
 * to ask, at a metadata service, at what listens beside it, or by a name that says one thing when it is looked at and
 * another when it is used. Names are answered by the DNS of an attacker; all else is as it runs. Which addresses are
 * public, and how an answer is bounded, is `server/http/egress.test.ts`.
 */
import assert from 'node:assert/strict'
import { Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import { createServer as createHttp } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { after, before, mock, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { SECOND } from '../../server/kernel/seconds.ts'
import { asserted, assertionClaims, makeClientKey, signJws } from '../fixtures/client-assertion.ts'
import { type RunningServer, startServer } from '../fixtures/server.ts'
import { ANN, askToken, CALLBACK, CookieJarBrowser, queryOf, SPA, signIn, tenantFile } from './stage.ts'

/** What the attacker's DNS says, each time it is asked. */
const DNS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'loopback.example': [['127.0.0.1']],
  'metadata.example': [['169.254.169.254']],
  'mapped.example': [['::ffff:127.0.0.1']],
  'six.example': [['::1']],
  'mixed.example': [['1.1.1.1', '127.0.0.1']],
  'nothing.example': [['0.0.0.0']],
  // The second answer is for whoever looks, and then looks again to connect.
  'rebinding.example': [['127.0.0.2'], ['127.0.0.1']],
}
const asked: string[] = []

const key = makeClientKey()
let server: RunningServer
let reached = 0
/** Whatever listens beside the server, and must not be reached: a connection is enough. */
const inside = createServer(socket => {
  reached += 1
  socket.destroy()
})
let answered = 0
/** What the name leads to when it is looked at. */
const outside = createHttp((_request, response) => {
  answered += 1
  response.end(JSON.stringify({ keys: [key.jwk] }))
})
let port = 0

before(async () => {
  inside.listen(0, '127.0.0.1')
  await once(inside, 'listening')
  port = (inside.address() as AddressInfo).port
  const times = new Map<string, number>()
  const answer = (host: string, isSix: boolean) => {
    asked.push(host)
    const name = `${host} ${isSix}`
    const time = times.get(name) ?? 0
    times.set(name, time + 1)
    const said = DNS[host] ?? []
    const found = (said[Math.min(time, said.length - 1)] ?? []).filter(address => address.includes(':') === isSix)
    return found.length > 0 ? Promise.resolve(found) : Promise.reject(new Error('ENOTFOUND'))
  }
  mock.method(Resolver.prototype, 'resolve4', (host: string) => answer(host, false))
  mock.method(Resolver.prototype, 'resolve6', (host: string) => answer(host, true))

  const settings = { app_type: 'regular_web', callbacks: [CALLBACK] }
  const clients = targets().flatMap((url, index) => [
    {
      ...settings,
      client_id: `keys-${index}`,
      name: `keys-${index}`,
      token_endpoint_auth_method: 'private_key_jwt',
      jwks_uri: url,
    },
    { ...settings, client_id: `requests-${index}`, name: `requests-${index}`, request_uris: [url] },
    { ...settings, app_type: 'spa', client_id: `told-${index}`, name: `told-${index}`, backchannel_logout_uri: url },
  ])
  server = await startServer({
    store: 'sqlite',
    environment: { LATCHKEY_EGRESS_ALLOW: '127.0.0.2' },
    tenantFile: {
      ...tenantFile,
      clients: [
        ...tenantFile.clients,
        ...clients,
        {
          ...settings,
          client_id: 'rebinding',
          name: 'Rebinding',
          token_endpoint_auth_method: 'private_key_jwt',
          jwks_uri: `http://rebinding.example:${port}/keys.json`,
        },
      ],
      tenant: { flags: { enable_dynamic_client_registration: true } },
    },
  })
})
after(async () => {
  mock.restoreAll()
  await server?.close()
  inside.close()
  outside.close()
})

const targets = (): readonly string[] => [
  ...Object.keys(DNS)
    .filter(name => name !== 'rebinding.example')
    .map(name => `https://${name}:${port}/`),
  `https://127.0.0.1:${port}/`,
  `https://2130706433:${port}/`,
  `https://[::ffff:127.0.0.1]:${port}/`,
  `https://localhost:${port}/`,
  `https://any.localhost:${port}/`,
  'https://169.254.169.254/latest/meta-data/',
]

test('the keys of a client are asked at no address inside', async () => {
  for (const [index, target] of targets().entries()) {
    const assertion = signJws(key, assertionClaims(`keys-${index}`, server.issuer))
    const reply = await askToken(server, { grant_type: 'authorization_code', code: 'x', ...asserted(assertion) })
    assert.ok(reply.status === 401 || reply.status === 503, `${target}: ${reply.status} ${reply.body}`)
  }
  assert.equal(reached, 0)
})

test('nor is a signed request', async () => {
  const ann = new CookieJarBrowser(server)
  await signIn(ann, ANN)
  for (const [index, request_uri] of targets().entries()) {
    const form = { client_id: `requests-${index}`, response_type: 'code', redirect_uri: CALLBACK, scope: 'openid' }
    const { location } = await ann.get(`/authorize?${queryOf({ ...form, request_uri })}`)
    assert.equal(new URL(location ?? '').searchParams.get('error'), 'invalid_request_uri', request_uri)
  }
  assert.equal(reached, 0)
})

test('nor is the sector of a stranger, and no answer tells one address from another', async () => {
  const answers = new Set<string>()
  for (const sector_identifier_uri of targets()) {
    const document = { redirect_uris: [CALLBACK], subject_type: 'pairwise', sector_identifier_uri }
    const reply = await new CookieJarBrowser(server).ask('POST', '/oidc/register', document)
    assert.deepEqual([reply.status, reply.json()['error']], [400, 'invalid_client_metadata'])
    answers.add(reply.body)
  }
  assert.equal(answers.size, 1)
  assert.equal(reached, 0)
})

test('nor is anybody told of a sign-out there', async () => {
  const browser = new CookieJarBrowser(server)
  await signIn(browser, ANN)
  for (const [index] of targets().entries()) {
    const path = `/authorize?${queryOf({
      client_id: `told-${index}`,
      response_type: 'code',
      redirect_uri: CALLBACK,
      scope: 'openid',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    })}`
    const code = new URL((await browser.get(path)).location ?? '').searchParams.get('code')
    const form = {
      grant_type: 'authorization_code',
      client_id: `told-${index}`,
      redirect_uri: CALLBACK,
      code: code ?? '',
      code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
    }
    assert.equal((await askToken(server, form)).status, 200)
  }
  asked.length = 0
  await browser.get(`/v2/logout?${queryOf({ client_id: SPA.client_id, returnTo: 'https://app.example/' })}`)
  const names = Object.keys(DNS).filter(name => name !== 'rebinding.example')
  const deadline = Date.now() + 30 * SECOND
  while (!names.every(name => asked.includes(name))) {
    assert.ok(Date.now() < deadline, `nobody looked for ${names.filter(name => !asked.includes(name))}`)
    await pause(20)
  }
  assert.equal(reached, 0)
})

const ONLY_LINUX = process.platform !== 'linux' && 'elsewhere loopback is one address, so a name cannot move within it'
test('a name is looked at once: what was allowed is what is connected to', { skip: ONLY_LINUX }, async () => {
  outside.listen(port, '127.0.0.2')
  await once(outside, 'listening')
  asked.length = 0
  const form = () => ({
    grant_type: 'authorization_code',
    code: 'x',
    ...asserted(signJws(key, assertionClaims('rebinding', server.issuer))),
  })
  // Believed by the keys that were fetched, and told that its code is none.
  assert.equal((await askToken(server, form())).json()['error'], 'invalid_grant')
  assert.deepEqual([answered, reached], [1, 0])
  assert.deepEqual(asked, ['rebinding.example', 'rebinding.example'], 'one question for each family of addresses')
})
