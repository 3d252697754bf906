/** The plans whose clients register themselves. They sign to say who they are, and serve what they point to. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { compactVerify, importJWK, type JWK } from 'jose'
import { MINUTE } from '../../server/kernel/seconds.ts'
import { randomSecret } from '../../server/kernel/secrets.ts'
import { type ClientKey, makeClientKey, signJws } from '../fixtures/client-assertion.ts'
import { createPerson, type Stop } from '../fixtures/person.ts'
import { type RunningServer, startServer } from '../fixtures/server.ts'
import { createTestClock } from '../fixtures/test-clock.ts'
import { checkKeySet, type Jwk } from './checks/key-set.ts'
import { isErrorPage } from './checks/page.ts'
import { checkDeleted, checkRegistration, type Registered } from './checks/registration.ts'
import { checkTokenAnswer, isJson, type JsonAnswer, readJson } from './checks/token-answer.ts'
import { insist } from './insist.ts'
import { createRelyingParty, passPages, type RelyingParty } from './relying-party.ts'
import { CODE } from './stage.ts'
import { TENANT_FILE } from './tenant.ts'

const CALLBACK = 'https://relying-party.example/test/a/dynamic/callback'
const OPEN = { flags: { enable_dynamic_client_registration: true } }

describe('The plans of clients that register themselves', () => {
  const clock = createTestClock()
  let server: RunningServer
  /** What the suite serves to providers, by path. */
  const served = new Map<string, unknown>()
  const suite = createServer((request, response) => {
    const body = served.get(request.url ?? '')
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  let home = ''

  before(async () => {
    suite.listen(0, '127.0.0.1')
    await once(suite, 'listening')
    home = `http://127.0.0.1:${(suite.address() as AddressInfo).port}`
    server = await startServer({
      store: 'sqlite',
      clock: clock.now,
      environment: { LATCHKEY_EGRESS_ALLOW: '127.0.0.1' },
      tenantFile: { ...TENANT_FILE, tenant: OPEN },
    })
  })
  after(async () => {
    await server?.close()
    suite.close()
  })

  const person = () => createPerson(server.issuer)

  async function send(sent: object): Promise<JsonAnswer> {
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify({ redirect_uris: [CALLBACK], ...sent })
    return readJson(await fetch(new URL('oidc/register', server.issuer), { method: 'POST', headers, body }))
  }

  const manage = (method: string, { registration_client_uri: uri, registration_access_token: token }: Registered) =>
    fetch(uri, { method, headers: { authorization: `Bearer ${token}` } })

  interface Player {
    readonly registered: Registered
    readonly party: RelyingParty
  }

  /** As the plan has it: by key, with keys that have no names. */
  async function register(sent: object = {}, { key = makeClientKey('RS256'), audience = '' } = {}): Promise<Player> {
    const metadata = {
      client_name: 'Suite',
      token_endpoint_auth_method: 'private_key_jwt',
      response_types: ['code'],
      grant_types: ['authorization_code', 'refresh_token'],
      ...('jwks_uri' in sent ? {} : { jwks: { keys: [nameless(key)] } }),
      ...sent,
    }
    const registered = checkRegistration(metadata, await send(metadata), server.issuer)
    const party = await createRelyingParty({
      issuer: server.issuer,
      clock: clock.now,
      flow: CODE,
      client: {
        id: registered.client_id,
        secret: registered.client_secret ?? '',
        authentication: 'private_key_jwt',
        key,
        ...(audience !== '' && { audience }),
        redirectUri: CALLBACK,
      },
    })
    return { registered, party }
  }

  const nameless = ({ jwk: { kid: _kid, ...rest } }: ClientKey) => rest

  const isRefused = ({ status, headers, body }: JsonAnswer, ...errors: readonly string[]): boolean =>
    status === 400 && isJson({ headers }) && errors.includes(String(body?.['error']))

  const staysHere = async (party: RelyingParty, redirect_uri: string | undefined) =>
    person().visit(party.ask({ redirect_uri }).url)

  test('oidcc-server: a client that registers itself signs people in, by what it signs', async () => {
    const { registered, party } = await register()
    const { answer } = await party.play(person())
    insist('oidcc-server#by-key', answer.access_token !== '', answer)
    checkDeleted((await manage('DELETE', registered)).status)
    // With every member that the plans send, none of which is a reason to refuse.
    for (const response_types of [['id_token'], ['token id_token'], ['code id_token'], ['code token id_token']]) {
      const { registered: other } = await register({ response_types, grant_types: undefined })
      assert.ok((other['grant_types'] as readonly string[]).includes('implicit'), 'it may have what it registered for')
      checkDeleted((await manage('DELETE', other)).status)
    }
    await register({ token_endpoint_auth_method: 'client_secret_basic' })
  })

  test('oidcc-idtoken-signature: a client that registers and says nothing of algorithms gets RS256', async () => {
    const { registered, party } = await register()
    const { header } = (await party.play(person())).idToken
    const isDefault = registered['id_token_signed_response_alg'] === 'RS256' && header['alg'] === 'RS256'
    insist('oidcc-idtoken-signature#registration', isDefault, header)
  })

  test('oidcc-idtoken-rs256: a client that asks for RS256 gets it', async () => {
    const { party } = await register({ id_token_signed_response_alg: 'RS256' })
    const { header } = (await party.play(person())).idToken
    insist('oidcc-idtoken-rs256#alg', header['alg'] === 'RS256', header)
    insist('oidcc-idtoken-rs256#kid', typeof header['kid'] === 'string', header)
  })

  test('oidcc-idtoken-unsigned: a client cannot register for unsigned ID tokens', async () => {
    const { party } = await register()
    const listed = party.metadata['id_token_signing_alg_values_supported'] as readonly string[]
    const refused = await send({ id_token_signed_response_alg: 'none' })
    const isClosed = !listed.includes('none') && isRefused(refused, 'invalid_client_metadata')
    insist('oidcc-idtoken-unsigned#refused', isClosed, { listed, refused })
  })

  test('oidcc-userinfo-rs256: UserInfo is signed for a client that asks for it', async () => {
    const { registered, party } = await register({ userinfo_signed_response_alg: 'RS256' })
    const listed = party.metadata['userinfo_signing_alg_values_supported'] as readonly string[]
    insist('oidcc-userinfo-rs256#listed', listed.includes('RS256'), listed)
    const asked = party.ask()
    const { code, idToken, access } = await playUnread(party, asked)
    const response = await fetch(new URL('userinfo', server.issuer), { headers: { authorization: `Bearer ${access}` } })
    assert.ok(code !== '')
    const type = response.headers.get('content-type')
    insist('oidcc-userinfo-rs256#jwt', type === 'application/jwt', type)
    const text = await response.text()
    const { kid, alg } = JSON.parse(Buffer.from(text.split('.')[0] ?? '', 'base64url').toString())
    const key = party.keys.find(one => one['kid'] === kid) as JWK
    const { payload } = await compactVerify(text, await importJWK(key, 'RS256'))
    insist('oidcc-userinfo-rs256#signature', alg === 'RS256', alg)
    const { iss, aud, sub, nonce } = JSON.parse(Buffer.from(payload).toString())
    insist('oidcc-userinfo-rs256#parties', iss === server.issuer && aud === registered.client_id, { iss, aud })
    insist('oidcc-userinfo-rs256#no-nonce', nonce === undefined, nonce)
    insist('oidcc-userinfo-rs256#sub', sub === idToken['sub'], sub)
  })

  /** As `play`, but for UserInfo, which is no JSON here. */
  async function playUnread(party: RelyingParty, asked: ReturnType<RelyingParty['ask']>) {
    const somebody = person()
    const { stop } = await passPages(somebody, await somebody.visit(asked.url))
    const code = party.takeCode(asked, stop)
    const fields = { grant_type: 'authorization_code', code, redirect_uri: asked.redirectUri }
    const answer = checkTokenAnswer(await party.askToken(fields))
    const { claims } = await party.readIdToken(String(answer.id_token))
    return { code, idToken: claims, access: answer.access_token }
  }

  test('oidcc-ensure-redirect-uri-in-authorization-request: of two redirect URIs none is chosen for the client', async () => {
    const { party } = await register({ redirect_uris: [CALLBACK, `${CALLBACK}2`] })
    const stop = await staysHere(party, undefined)
    insist('oidcc-ensure-redirect-uri-in-authorization-request#page', isErrorPage(stop), stop)
  })

  test('oidcc-redirect-uri-query-OK: a registered query is kept', async () => {
    const redirect_uri = `${CALLBACK}?bar=foo`
    const { party } = await register({ redirect_uris: [redirect_uri] })
    const asked = party.ask({ redirect_uri })
    const { code } = await playUnread(party, { ...asked, redirectUri: redirect_uri })
    insist('oidcc-redirect-uri-query-OK#kept', code !== '', code)
  })

  test('oidcc-redirect-uri-query-mismatch: another query than the registered one is another URI', async () => {
    const { party } = await register({ redirect_uris: [`${CALLBACK}?bar=foo`] })
    const stop = await staysHere(party, `${CALLBACK}?foo=bar`)
    insist('oidcc-redirect-uri-query-mismatch#page', isErrorPage(stop), stop)
  })

  test('oidcc-redirect-uri-query-added: a query that was not registered makes another URI', async () => {
    const { party } = await register()
    const stop = await staysHere(party, `${CALLBACK}?foo=bar`)
    insist('oidcc-redirect-uri-query-added#page', isErrorPage(stop), stop)
  })

  test('oidcc-redirect-uri-regfrag: a redirect URI with a fragment is not registered', async () => {
    const answer = await send({ redirect_uris: [`${CALLBACK}#foobar`] })
    insist('oidcc-redirect-uri-regfrag#refused', answer.status === 400 && isJson(answer), answer)
    const isNamed = isRefused(answer, 'invalid_redirect_uri', 'invalid_client_metadata')
    insist('oidcc-redirect-uri-regfrag#code', isNamed, answer)
  })

  test('oidcc-discovery-endpoint-verification: discovery says where to register, and for what', async () => {
    const { metadata } = (await register()).party
    const lists = (name: string, ...values: readonly string[]) =>
      values.every(value => (metadata[name] as readonly string[]).includes(value))
    insist(
      'oidcc-discovery-endpoint-verification#dynamic-response-types',
      lists('response_types_supported', 'code', 'id_token', 'id_token token'),
      metadata,
    )
    insist(
      'oidcc-discovery-endpoint-verification#registration-endpoint',
      metadata['registration_endpoint'] === `${server.issuer}oidc/register`,
      metadata,
    )
    insist(
      'oidcc-discovery-endpoint-verification#dynamic-grant-types',
      lists('grant_types_supported', 'authorization_code', 'implicit'),
      metadata,
    )
  })

  const signInPage = async (sent: object): Promise<Stop> => {
    const { party } = await register(sent)
    return person().visit(party.ask().url)
  }

  test('oidcc-registration-logo-uri: the logo is on the page', async () => {
    const logo_uri = 'https://relying-party.example/logo.png'
    const { html, headers } = await signInPage({ logo_uri })
    // A browser loads no picture that the page's policy does not allow; `http:` allows https as well.
    const isAllowed = /img-src[^;]* https?:(?: |;)/.test(headers.get('content-security-policy') ?? '')
    insist('oidcc-registration-logo-uri#shown', html.includes(`src="${logo_uri}"`) && isAllowed, { html, headers })
  })

  test('oidcc-registration-policy-uri: the privacy policy is linked from the page', async () => {
    const policy_uri = 'https://relying-party.example/policy'
    const { html } = await signInPage({ policy_uri })
    insist('oidcc-registration-policy-uri#linked', html.includes(`href="${policy_uri}"`), html)
  })

  test('oidcc-registration-tos-uri: the terms are linked from the page', async () => {
    const tos_uri = 'https://relying-party.example/terms'
    const { html } = await signInPage({ tos_uri })
    insist('oidcc-registration-tos-uri#linked', html.includes(`href="${tos_uri}"`), html)
  })

  test('oidcc-registration-jwks-uri: the keys of a client are fetched from where it says', async () => {
    const key = makeClientKey('RS256')
    served.set('/jwks', { keys: [nameless(key)] })
    const { party } = await register({ jwks_uri: `${home}/jwks` }, { key })
    const { answer } = await party.play(person())
    insist('oidcc-registration-jwks-uri#fetched', answer.access_token !== '', answer)
  })

  test('oidcc-registration-sector-uri: a sector that lists the redirect URI is registered', async () => {
    served.set('/sector', [CALLBACK])
    const { registered, party } = await register({
      subject_type: 'pairwise',
      sector_identifier_uri: `${home}/sector`,
    })
    insist('oidcc-registration-sector-uri#created', registered['subject_type'] === 'pairwise', registered)
    await party.play(person())
  })

  test('oidcc-registration-sector-bad: a sector that does not list the redirect URI is refused', async () => {
    served.set('/bad-sector', ['https://relying-party.example/another'])
    const answer = await send({ subject_type: 'pairwise', sector_identifier_uri: `${home}/bad-sector` })
    insist('oidcc-registration-sector-bad#refused', answer.status === 400 && isJson(answer), answer)
    insist('oidcc-registration-sector-bad#code', isRefused(answer, 'invalid_client_metadata'), answer)
  })

  test('oidcc-server-rotate-keys: a new key is published beside the old one', async () => {
    const before = (await register()).party.keys
    await server.latchkey.operate('keys rotate', { tenant: 'default', algorithm: 'RS256' })
    const url = new URL('.well-known/jwks.json', server.issuer)
    const now = checkKeySet((await readJson(await fetch(url))).body)
    // Of RSA, as the rotated one is: neither a name nor a number of the keys there were.
    const isNew = ({ kid, n }: Jwk) => n !== undefined && before.every(old => old['kid'] !== kid && old['n'] !== n)
    const isThere = ({ kid, n }: Jwk) => now.some(key => key['kid'] === kid && key['n'] === n)
    insist('oidcc-server-rotate-keys#new', now.some(isNew), now)
    insist('oidcc-server-rotate-keys#old', before.every(isThere), now)
    insist('oidcc-server-rotate-keys#kid-unique', new Set(now.map(key => key['kid'])).size === now.length, now)
  })

  const OFFLINE = { scope: 'openid offline_access', prompt: 'consent' }

  test('oidcc-refresh-token-rp-key-rotation: a key that the client changed is fetched when it first signs', async () => {
    const [key, next] = [makeClientKey('RS256', 'first'), makeClientKey('RS256', 'next')]
    served.set('/rotating', { keys: [key.jwk] })
    const { registered, party } = await register({ jwks_uri: `${home}/rotating` }, { key })
    const { refresh_token } = (await party.play(person(), OFFLINE)).answer
    insist('oidcc-refresh-token-rp-key-rotation#refresh-token', refresh_token !== undefined)
    served.set('/rotating', { keys: [next.jwk] })
    clock.advance(MINUTE)
    const changed = await createRelyingParty({
      issuer: server.issuer,
      clock: clock.now,
      flow: CODE,
      client: {
        id: registered.client_id,
        secret: '',
        authentication: 'private_key_jwt',
        key: next,
        redirectUri: CALLBACK,
      },
    })
    const refreshed = await changed.askToken({ grant_type: 'refresh_token', refresh_token })
    insist('oidcc-refresh-token-rp-key-rotation#refetched', refreshed.status === 200, refreshed)
  })

  test('oidcc-refresh-token: clients that registered refresh their own tokens alone', async () => {
    const [mine, theirs] = [(await register()).party, (await register()).party]
    const { refresh_token = '' } = (await mine.play(person(), OFFLINE)).answer
    const fields = { grant_type: 'refresh_token', refresh_token }
    const foreign = await theirs.askToken(fields)
    insist('oidcc-refresh-token#foreign', isRefused(foreign, 'invalid_grant'), foreign)
    const refreshed = checkTokenAnswer(await mine.askToken(fields), 'refresh')
    const { status } = await mine.askUserinfo(refreshed.access_token)
    insist('oidcc-refresh-token#by-key', status === 200, status)
  })

  test('oidcc-request-uri-signed-rs256: a signed request is fetched from where the client registered it', async () => {
    const key = makeClientKey('RS256')
    const request_uri = `${home}/request#${randomSecret()}`
    const { registered, party } = await register(
      { request_uris: [request_uri], request_object_signing_alg: 'RS256' },
      { key },
    )
    const { metadata } = party
    const listed = metadata['request_object_signing_alg_values_supported'] as readonly string[]
    insist('oidcc-request-uri-signed-rs256#listed', listed.includes('RS256'), listed)
    const isSupported = metadata['request_uri_parameter_supported'] ?? true
    insist('oidcc-request-uri-signed-rs256#supported', isSupported === true, isSupported)
    const inside = party.ask()
    const claims = { ...Object.fromEntries(inside.parameters), iss: registered.client_id, aud: server.issuer }
    const serveSignedBy = (signer: ClientKey) =>
      served.set('/request', signJws(signer, claims, { typ: 'oauth-authz-req+jwt', kid: undefined }))
    const url = new URL(inside.url)
    url.search = new URLSearchParams({
      client_id: registered.client_id,
      response_type: 'code',
      scope: 'openid',
      request_uri,
    }).toString()
    serveSignedBy(makeClientKey('RS256'))
    // What it says of where to answer is not believed, so nobody can be told but the person.
    const forged = await person().visit(url)
    insist('oidcc-request-uri-signed-rs256#read', isErrorPage(forged), forged)
    serveSignedBy(key)
    const somebody = person()
    const { stop } = await passPages(somebody, await somebody.visit(url))
    insist('oidcc-request-uri-signed-rs256#read', stop.left, stop.html)
    const { searchParams } = stop.url
    insist('oidcc-request-uri-signed-rs256#state', searchParams.get('state') === inside.state, searchParams)
    assert.ok(party.takeCode(inside, stop) !== '')
  })

  test('oidcc-ensure-client-assertion-with-iss-aud-succeeds: an assertion for the issuer is taken', async () => {
    const { party } = await register({}, { audience: server.issuer })
    const { answer } = await party.play(person())
    insist('oidcc-ensure-client-assertion-with-iss-aud-succeeds#accepted', answer.access_token !== '', answer)
  })

  test('whoever registers for ID tokens from the authorization endpoint has to send a nonce', async () => {
    for (const response_type of ['id_token', 'id_token token', 'code id_token']) {
      const { party } = await register({ response_types: [response_type], grant_types: undefined })
      const stop = await person().visit(party.ask({ response_type, nonce: undefined }).url)
      const told = new URLSearchParams(stop.url.hash.slice(1))
      assert.deepEqual(
        [stop.left, told.get('error'), told.has('state')],
        [true, 'invalid_request', true],
        response_type,
      )
    }
  })

  test('oidcc-3rdparty-init-login: a client says where a sign-in begins, and reads it back', async () => {
    const initiate_login_uri = 'https://relying-party.example/initiate'
    const { registered } = await register({ initiate_login_uri })
    const isThere = registered['initiate_login_uri'] === initiate_login_uri
    insist('oidcc-3rdparty-init-login#registered', isThere, registered)
    const read = await readJson(await manage('GET', registered))
    const isSame = read.status === 200 && isJson(read) && read.body?.['initiate_login_uri'] === initiate_login_uri
    insist('oidcc-3rdparty-init-login#read', isSame, read)
  })

  test('oidcc-3rdparty-init-login-nohttps: a sign-in that begins without TLS is refused', async () => {
    const answer = await send({ initiate_login_uri: 'http://relying-party.example/initiate' })
    insist('oidcc-3rdparty-init-login-nohttps#refused', isRefused(answer, 'invalid_client_metadata'), answer)
  })
})
