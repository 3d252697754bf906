/**
 * What a client signs to say who it is, in other hands: used again, made for somebody else, signed with what everybody
 * knows, or left out for something weaker.
 */
import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { compose, type Latchkey } from '../../server/compose.ts'
import { loadSettings } from '../../server/config/load.ts'
import { silentLog } from '../../server/kernel/log.ts'
import { asserted, assertionClaims, makeClientKey, signJws } from '../fixtures/client-assertion.ts'
import { onEachStore, type RunningServer, startServer } from '../fixtures/server.ts'
import { askToken, CookieJarBrowser, type Reply } from './stage.ts'

const API = 'https://videos.example/api'
const SECRET = 'a secret of more than thirty-two characters'
const keys = { mine: makeClientKey('ES256', 'mine'), rsa: makeClientKey('RS256', 'rsa'), other: makeClientKey() }

const machine = (client_id: string, rest: object) => ({
  client_id,
  name: client_id,
  app_type: 'non_interactive',
  ...rest,
})
const byKey = { token_endpoint_auth_method: 'private_key_jwt' }
const tenantFile = {
  clients: [
    machine('by-key', { ...byKey, client_secret: SECRET, jwks: { keys: [keys.mine.jwk, keys.rsa.jwk] } }),
    machine('another', { ...byKey, jwks: { keys: [keys.other.jwk] } }),
    machine('pinned', {
      ...byKey,
      token_endpoint_auth_signing_alg: 'ES256',
      jwks: { keys: [keys.mine.jwk, keys.rsa.jwk] },
    }),
    machine('strict', {
      ...byKey,
      compliance_level: 'fapi2_sp_pkj_mtls',
      jwks: { keys: [keys.mine.jwk, keys.rsa.jwk] },
    }),
    machine('by-secret', { token_endpoint_auth_method: 'client_secret_jwt', client_secret: SECRET }),
    machine('sends', { client_secret: SECRET, jwks: { keys: [keys.mine.jwk] } }),
  ],
  resourceServers: [{ identifier: API, name: 'Videos', scopes: [{ value: 'read:videos' }] }],
  clientGrants: ['by-key', 'another', 'pinned', 'strict', 'by-secret', 'sends'].map(client_id => ({
    client_id,
    audience: API,
    scope: ['read:videos'],
  })),
}

type Server = Pick<RunningServer, 'issuer' | 'latchkey'>
const ask = (server: Server, form: object, options?: { issuer: string }): Promise<Reply> =>
  askToken(server, { grant_type: 'client_credentials', audience: API, ...form }, options)

onEachStore('A client assertion', store => {
  let server: RunningServer
  before(async () => {
    server = await startServer({ store, tenantFile })
  })
  after(() => server?.close())

  test('used sixty-four times at once is good once', async () => {
    for (const assertion of [
      signJws(keys.mine, assertionClaims('by-key', server.issuer)),
      signJws(SECRET, assertionClaims('by-secret', server.issuer)),
    ]) {
      const replies = await Promise.all(Array.from({ length: 64 }, () => ask(server, asserted(assertion))))
      assert.deepEqual(
        replies.map(({ status }) => status).filter(status => status !== 401),
        [200],
      )
    }
  })

  test('stays used when the server starts again, and until it is over', async () => {
    const assertion = signJws(keys.mine, assertionClaims('by-key', server.issuer))
    assert.equal((await ask(server, asserted(assertion))).status, 200)
    server = await server.restart()
    assert.equal((await ask(server, asserted(assertion))).status, 401)
  })
})

describe('On another node over the same database', () => {
  let here: RunningServer
  let there: Latchkey
  before(async () => {
    here = await startServer({ store: 'postgres', tenantFile })
    there = await compose(loadSettings(here.environment), silentLog)
  })
  after(async () => {
    await there?.close()
    await here?.close()
  })

  test('a client assertion that was used is used', async () => {
    const assertion = signJws(keys.mine, assertionClaims('by-key', here.issuer))
    const nodes = [here, { issuer: here.issuer, latchkey: there }]
    const replies = await Promise.all(nodes.map(node => ask(node, asserted(assertion))))
    assert.deepEqual(replies.map(({ status }) => status).sort(), [200, 401])
  })
})

describe('A client assertion', () => {
  let server: RunningServer
  let elsewhere = ''
  before(async () => {
    server = await startServer({ store: 'sqlite', tenantFile })
    elsewhere = `http://elsewhere.localhost:${new URL(server.issuer).port}/`
    await server.latchkey.operate('tenants create', { name: 'elsewhere', issuer: elsewhere })
    const { store } = server.latchkey
    const { metadata } = (await store.clients.find('default', 'by-key')) ?? assert.fail()
    await store.clients.create({
      tenant: 'elsewhere',
      id: 'by-key',
      epoch: 0,
      metadata,
      sealedSecret: null,
      credentials: [],
      createdAt: 0,
      updatedAt: 0,
    })
  })
  after(() => server?.close())

  const claims = (client: string, changes: object = {}) => assertionClaims(client, server.issuer, changes)
  const refused = async (form: object, why: string, error = 'invalid_client') => {
    const reply = await ask(server, form)
    assert.equal(reply.json()['error'], error, `${why}: ${reply.body}`)
    assert.equal(reply.status, error === 'invalid_client' ? 401 : 400, why)
  }

  test('is taken for the issuer, the token endpoint, or several audiences, or nothing here would prove anything', async () => {
    for (const aud of [server.issuer, `${server.issuer}oauth/token`, ['https://elsewhere.example/', server.issuer]])
      for (const [client, signer] of [
        ['by-key', keys.mine],
        ['by-key', keys.rsa],
        ['by-secret', SECRET],
      ] as const) {
        const assertion = signJws(signer, assertionClaims(client, aud))
        assert.equal((await ask(server, asserted(assertion))).status, 200, `${client} ${aud}`)
        const named = signJws(signer, assertionClaims(client, aud))
        assert.equal((await ask(server, { client_id: client, ...asserted(named) })).status, 200)
      }
  })

  for (const [changes, why] of [
    [{ aud: 'https://elsewhere.example/' }, 'made for another server'],
    [{ aud: undefined }, 'made for nobody'],
    [{ iss: 'another' }, 'of another issuer'],
    [{ sub: 'another' }, 'about another client'],
    [{ iss: 'another', sub: 'another' }, 'of another client, signed with this one’s key'],
    [{ exp: undefined }, 'good for ever'],
    [{ exp: Math.floor(Date.now() / 1000) + 7200 }, 'good for two hours'],
    [{ exp: Math.floor(Date.now() / 1000) - 60 }, 'over'],
    [{ nbf: Math.floor(Date.now() / 1000) + 120 }, 'good later'],
    [{ jti: undefined }, 'without a name, so that its use could not be remembered'],
    [{ response_type: 'code' }, 'that is a request'],
    [{ events: {} }, 'that is a logout token'],
  ] as const)
    test(`${why} is refused`, () => refused(asserted(signJws(keys.mine, claims('by-key', changes))), why))

  test('for one endpoint is no good at another; each takes those for itself, and for the token endpoint', async () => {
    const endpoints = {
      'oauth/token': { grant_type: 'client_credentials', audience: API },
      'oauth/revoke': { token: 'none' },
      'oauth/introspect': { token: 'none' },
      'oauth/par': { client_id: 'by-key', response_type: 'code', redirect_uri: 'https://app.example/callback' },
    }
    for (const [endpoint, form] of Object.entries(endpoints))
      for (const named of Object.keys(endpoints)) {
        const assertion = signJws(keys.mine, claims('by-key', { aud: server.issuer + named }))
        const browser = new CookieJarBrowser(server)
        const reply = await browser.post(`/${endpoint}`, { ...form, ...asserted(assertion) })
        const isTaken = named === endpoint || named === 'oauth/token'
        assert.equal(reply.status === 401, !isTaken, `${named} at ${endpoint}: ${reply.status} ${reply.body}`)
      }
  })

  test('for one tenant is no good at another, where a client of that name has the same key', async () => {
    const there = assertionClaims('by-key', elsewhere)
    const assertion = signJws(keys.mine, claims('by-key'))
    const asked = await ask(server, asserted(assertion), { issuer: elsewhere })
    assert.equal(asked.json()['error'], 'invalid_client')
    assert.equal((await ask(server, asserted(assertion))).status, 200)
    // The client is believed there, where nobody has let it ask for anything.
    const honest = await ask(server, asserted(signJws(keys.mine, there)), { issuer: elsewhere })
    assert.notEqual(honest.json()['error'], 'invalid_client')
    // A name that was used in one tenant stands in nobody's way in the other.
    const namesake = signJws(keys.mine, { ...claims('by-key'), jti: there.jti })
    assert.equal((await ask(server, asserted(namesake))).status, 200)
  })

  test('with another client’s name beside it is refused', () =>
    refused({ client_id: 'another', ...asserted(signJws(keys.mine, claims('by-key'))) }, 'two names'))

  test('signed with another client’s key is refused', () =>
    refused(asserted(signJws(keys.other, claims('by-key'), { kid: 'mine' })), 'key'))

  test('signed with the public key, as if that were a secret, is refused', async () => {
    const der = createPublicKey(keys.rsa.pem).export({ format: 'der', type: 'spki' })
    for (const secret of [keys.rsa.pem, keys.rsa.pem.trim(), JSON.stringify(keys.rsa.jwk), der])
      for (const client of ['by-key', 'by-secret'])
        await refused(asserted(signJws(secret, claims(client), { kid: 'rsa' })), client)
  })

  test('signed with the secret of a client that signs by key, or by key of one that signs by secret, is refused', async () => {
    await refused(asserted(signJws(SECRET, claims('by-key'))), 'secret')
    await refused(asserted(signJws(keys.mine, claims('by-secret'))), 'key')
    await refused(asserted(signJws(SECRET, claims('sends'))), 'a client that sends its secret')
    await refused(asserted(signJws(keys.mine, claims('sends'))), 'a client that sends its secret and has keys')
  })

  test('of no algorithm, or with a key that it brings along, is refused', async () => {
    const [header, body] = signJws(keys.other, claims('by-key'), { jwk: keys.other.jwk, kid: undefined }).split('.')
    await refused(asserted(signJws(keys.other, claims('by-key'), { jwk: keys.other.jwk, kid: undefined })), 'jwk')
    const none = Buffer.from('{"alg":"none"}').toString('base64url')
    await refused(asserted(`${none}.${body}.`), 'none')
    await refused(asserted(`${header}.${body}.`), 'no signature')
  })

  test('of another algorithm than the client is pinned to is refused', async () => {
    await refused(asserted(signJws(keys.rsa, claims('pinned'))), 'RS256')
    assert.equal((await ask(server, asserted(signJws(keys.mine, claims('pinned'))))).status, 200)
  })

  test('under FAPI 2 is for the issuer alone, as one text, and not by RSASSA-PKCS1-v1_5', async () => {
    for (const aud of [[server.issuer], `${server.issuer}oauth/token`])
      await refused(asserted(signJws(keys.mine, claims('strict', { aud }))), String(aud))
    await refused(asserted(signJws(keys.rsa, claims('strict'))), 'RS256')
    assert.equal((await ask(server, asserted(signJws(keys.mine, claims('strict'))))).status, 200)
  })

  test('cannot be left out for the secret, and the secret not for the assertion', async () => {
    await refused({ client_id: 'by-key', client_secret: SECRET }, 'a secret that the client has besides')
    await refused({ client_id: 'by-secret', client_secret: SECRET }, 'a secret that is for signing')
    await refused({ client_id: 'by-key' }, 'nothing')
    const both = { client_id: 'by-key', client_secret: SECRET, ...asserted(signJws(keys.mine, claims('by-key'))) }
    await refused(both, 'both', 'invalid_request')
  })

  test('that was refused is on record with the reason, and nothing of it', async () => {
    const assertion = signJws(keys.mine, claims('by-key', { aud: 'https://the-audience.example/' }))
    await refused(asserted(assertion), 'audience')
    server = await server.restart()
    const events = await server.latchkey.store.events.list('default', { limit: 1000 })
    const reasons = events.filter(({ type }) => type === 'client.authentication-failed').map(({ details }) => details)
    assert.ok(reasons.some(({ reason }) => reason === 'wrong_audience'))
    assert.doesNotMatch(JSON.stringify(events), /the-audience|eyJ/)
  })
})
