/**
 * Bringing the server down, or past a check, by breaking what it asks: a crash when a key set could not be had (Envoy,
 * 2025), or a check that is passed because nobody could be asked. Keys of a client that come broken in every way, and
 * each verb of the database away in turn, while everybody goes on asking. Whole outages are `tests/flows/outage.test.ts`
 * (the database) and `tests/flows/redis.test.ts` (the bus); here each part fails alone.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, type TestContext, test } from 'node:test'
import { UnavailableError } from '../../server/kernel/errors.ts'
import { HOUR, MINUTE } from '../../server/kernel/seconds.ts'
import type { Nouns } from '../../server/store/store.ts'
import { asserted, assertionClaims, makeClientKey, signJws } from '../fixtures/client-assertion.ts'
import { type RunningServer, startServer } from '../fixtures/server.ts'
import { createTestClock } from '../fixtures/test-clock.ts'
import {
  ANN,
  API,
  askToken,
  askUserinfo,
  authorizePath,
  BEN,
  beginAt,
  CookieJarBrowser,
  EVE,
  MACHINE,
  type Reply,
  refreshing,
  tenantFile,
  tokensFor,
  UNPROTECTED,
  WEB,
} from './stage.ts'

const REMOTE = 'remote'
const key = makeClientKey()
const clock = createTestClock()
const unhandled: unknown[] = []
const note = (reason: unknown) => void unhandled.push(reason)

let server: RunningServer
let answer: (response: ServerResponse) => void = response => response.end()
let asked = 0
const host = createServer((_request, response) => {
  asked += 1
  answer(response)
})

before(async () => {
  process.on('unhandledRejection', note)
  host.listen(0, '127.0.0.1')
  await once(host, 'listening')
  server = await startServer({
    store: 'sqlite',
    clock: clock.now,
    environment: { LATCHKEY_EGRESS_ALLOW: '127.0.0.1' },
    tenantFile: {
      ...tenantFile,
      attackProtection: UNPROTECTED,
      clients: [
        ...tenantFile.clients,
        {
          client_id: REMOTE,
          name: 'Remote',
          app_type: 'non_interactive',
          token_endpoint_auth_method: 'private_key_jwt',
          jwks_uri: `http://127.0.0.1:${(host.address() as AddressInfo).port}/keys.json`,
        },
      ],
      clientGrants: [...tenantFile.clientGrants, { client_id: REMOTE, audience: API, scope: ['read:videos'] }],
    },
  })
})
after(async () => {
  await server?.close()
  host.closeAllConnections()
  host.close()
  process.off('unhandledRejection', note)
})

const sound = () => JSON.stringify({ keys: [key.jwk] })
const whole = (body: string | Buffer, status = 200, headers = {}) => {
  return (response: ServerResponse) => void response.writeHead(status, headers).end(body)
}
const BROKEN: Readonly<Record<string, (response: ServerResponse) => void>> = {
  'an error': whole('{}', 500),
  'nothing there': whole('', 404),
  'no content': whole('', 204),
  'a redirect to itself': whole('', 302, { location: '/keys.json' }),
  'no bytes': whole(''),
  'no JSON': whole('<html>'),
  'half of it': response => response.end(sound().slice(0, -20)),
  'a list': whole('[]'),
  null: whole('null'),
  'no keys': whole('{}'),
  'keys that are none': whole('{"keys":null}'),
  'an empty list': whole('{"keys":[]}'),
  'a list of nothing': whole('{"keys":[null,1,"a",[],{}]}'),
  'keys of no type': whole(JSON.stringify({ keys: [{ ...key.jwk, kty: 'XX' }, { kty: 1 }, { kty: 'EC' }] })),
  'a prototype': whole('{"keys":[{"__proto__":{"kty":"EC"}}],"__proto__":{"keys":[]}}'),
  'a depth without end': whole(`{"keys":${'['.repeat(20_000)}${']'.repeat(20_000)}}`),
  'bytes that are no text': whole(Buffer.alloc(1000, 0xff)),
  'more than is read': whole('x'.repeat(200_000)),
  'a lie about its length': response => {
    response.writeHead(200, { 'content-length': '1000' })
    response.write('{')
    response.socket?.destroy()
  },
  'a connection that breaks': response => void response.socket?.destroy(),
  'what is no HTTP': response => void response.socket?.end('no HTTP at all\r\n\r\n'),
}

const askAsRemote = () => {
  const assertion = signJws(key, assertionClaims(REMOTE, server.issuer, {}, clock.now()))
  return askToken(server, { grant_type: 'client_credentials', audience: API, ...asserted(assertion) })
}

test('keys of a client that come broken are no keys: it is refused, told to come back, and never let in', async () => {
  for (const [name, broken] of Object.entries(BROKEN)) {
    // What was known is forgotten, so that there is nothing to fall back on.
    clock.advance(48 * HOUR)
    answer = broken
    asked = 0
    const replies = await Promise.all(Array.from({ length: 16 }, askAsRemote))
    for (const { status, body } of replies) assert.ok([401, 503].includes(status), `${name}: ${status} ${body}`)
    assert.ok(asked >= 1 && asked <= 2, `${name}: asked ${asked} times for sixteen requests`)
    answer = whole(sound())
    clock.advance(MINUTE)
    assert.equal((await askAsRemote()).status, 200, `after ${name}`)
  }
  assert.deepEqual(unhandled, [])
})

interface Standing {
  readonly browser: CookieJarBrowser
  readonly login: string
  readonly refresh: string
  readonly access: string
  /** Of somebody who has been blocked, and of somebody signed out everywhere. */
  readonly dead: readonly string[]
  readonly deadRefresh: readonly string[]
}

async function standing(): Promise<Standing> {
  const offline = { client: WEB, scope: 'openid offline_access' }
  const browser = new CookieJarBrowser(server)
  const good = await tokensFor(server, ANN, { ...offline, browser })
  const blocked = await tokensFor(server, EVE, offline)
  const ended = await tokensFor(server, BEN, offline)
  const { users } = server.latchkey.store
  const idOf = async (email: string) => (await users.findByAttribute('default', 'email', email, 1))[0] ?? assert.fail()
  await users.change('default', await idOf(EVE.email), { blocked: true }, clock.now())
  await users.raiseEpoch('default', await idOf(BEN.email))
  return {
    browser,
    login: await beginAt(new CookieJarBrowser(server)),
    refresh: good.refresh_token,
    access: good.access_token,
    dead: [blocked.access_token, ended.access_token],
    deadRefresh: [blocked.refresh_token, ended.refresh_token],
  }
}

/** Everybody's request, once each. */
async function askAll({ browser, login, refresh, access, dead, deadRefresh }: Standing) {
  const nobody = () => new CookieJarBrowser(server)
  const program = { origin: undefined, 'sec-fetch-site': undefined }
  const replies: Record<string, Reply> = {
    discovery: await nobody().get('/.well-known/openid-configuration'),
    keys: await nobody().get('/.well-known/jwks.json'),
    'a silent request': await browser.get(authorizePath(WEB, { prompt: 'none' })),
    'a request': await nobody().get(authorizePath()),
    'a page': await nobody().get(login),
    'a wrong password': await nobody().post(login, { username: ANN.email, password: 'a wrong guess' }),
    'a code that is none': await askToken(server, {
      grant_type: 'authorization_code',
      ...WEB,
      code: 'A'.repeat(43),
      redirect_uri: 'https://app.example/callback',
    }),
    'a refresh': await askToken(server, refreshing(WEB, refresh)),
    'a machine': await askToken(server, { grant_type: 'client_credentials', ...MACHINE, audience: API }),
    userinfo: await askUserinfo(server, access),
    introspection: await nobody().post('/oauth/introspect', { ...WEB, token: access }, program),
    revocation: await nobody().post('/oauth/revoke', { ...WEB, token: 'none' }, program),
    'a pushed request': await nobody().post(
      '/oauth/par',
      { ...Object.fromEntries(new URL(authorizePath(WEB), server.issuer).searchParams), ...WEB },
      program,
    ),
    'an account': await browser.get('/account'),
    'a forgotten password': await nobody().post('/forgot-password', { email: 'nobody@example.com' }),
    'a sign-out': await nobody().get('/oidc/logout'),
  }
  const refused: Record<string, Reply> = {}
  for (const [index, token] of dead.entries()) refused[`dead access token ${index}`] = await askUserinfo(server, token)
  for (const [index, token] of deadRefresh.entries())
    refused[`dead refresh token ${index}`] = await askToken(server, refreshing(WEB, token))
  return { replies, refused }
}

const isTold = ({ status, location, body }: Reply) =>
  status === 503 || /error=temporarily_unavailable/.test(location ?? '') || /"temporarily_unavailable"/.test(body)

type Verbs = Record<string, (...given: unknown[]) => unknown>

test('whichever verb of the database is away, nobody is told that it is our fault, and nothing dead comes alive', async (t: TestContext) => {
  const { store } = server.latchkey
  const standingNow = await standing()
  const nouns = Object.entries(store as unknown as Record<string, unknown>).filter(
    (entry): entry is [keyof Nouns, Verbs] => typeof entry[1] === 'object' && entry[1] !== null,
  )
  const all = nouns.flatMap(([noun, verbs]) =>
    Object.keys(verbs)
      .filter(verb => typeof verbs[verb] === 'function')
      .map(verb => ({ name: `${noun}.${verb}`, verbs, verb })),
  )
  const whole = { name: 'transaction', verbs: store as unknown as Verbs, verb: 'transaction' }

  const used = new Set<string>()
  const spies = [...all, whole].map(({ name, verbs, verb }) => {
    const original = verbs[verb] as Verbs[string]
    return t.mock.method(verbs, verb, function (this: unknown, ...given: unknown[]) {
      used.add(name)
      return original.apply(this, given)
    })
  })
  clock.advance(MINUTE)
  const healthy = await askAll(standingNow)
  for (const [name, reply] of Object.entries(healthy.replies)) assert.ok(!isTold(reply) && reply.status < 500, name)
  for (const [name, { status }] of Object.entries(healthy.refused)) assert.ok([400, 401].includes(status), name)
  for (const { mock } of spies) mock.restore()
  assert.ok(used.size > 15, [...used].join())

  const unnoticed: string[] = []
  for (const { name, verbs, verb } of [...all, whole].filter(one => used.has(one.name))) {
    // Nothing that was read a while ago is believed any more.
    clock.advance(MINUTE)
    const broken = t.mock.method(verbs, verb, async () => {
      throw new UnavailableError('The database is away.')
    })
    const { replies, refused } = await askAll(standingNow)
    broken.mock.restore()
    for (const [what, reply] of Object.entries({ ...replies, ...refused }))
      assert.ok(reply.status < 500 || reply.status === 503, `${what} without ${name}: ${reply.status} ${reply.body}`)
    for (const [what, reply] of Object.entries(refused)) assert.notEqual(reply.status, 200, `${what} without ${name}`)
    if (!Object.values({ ...replies, ...refused }).some(isTold)) unnoticed.push(name)
  }
  assert.ok(unnoticed.length < used.size / 2, `too little depends on ${unnoticed}`)
  clock.advance(MINUTE)
  for (const [name, reply] of Object.entries((await askAll(standingNow)).replies))
    assert.ok(!isTold(reply) && reply.status < 500, `${name}, when all is well again`)
  assert.deepEqual(unhandled, [])
})
