/** Clients that know people by names of their sector's own, and what they are told of them, signed or not, on the unmodified openid-client. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import * as oidc from 'openid-client'
import { type Application, discoverApplication } from '../fixtures/application.ts'
import { type Account, createPerson, type Person } from '../fixtures/person.ts'
import { type RunningServer, startServer } from '../fixtures/server.ts'
import { signIn, userinfoStatus } from './stage.ts'
import { ANN, JO } from './tenant.ts'

const [ONE, OTHER] = ['http://one.localhost:5999', 'http://other.localhost:5999']
const SECRET = 'the secret of the one that may introspect'
const GONE = `${ONE}/gone`

const client = (client_id: string, home: string, rest: object = { subject_type: 'pairwise' }) => ({
  client_id,
  name: client_id,
  app_type: 'spa',
  callbacks: [`${home}/callback`],
  allowed_logout_urls: [GONE],
  ...rest,
})
const tenantFile = {
  clients: [
    client('here', ONE, { subject_type: 'pairwise', app_type: 'regular_web', client_secret: SECRET }),
    client('beside', `${ONE}/beside`),
    client('elsewhere', OTHER),
    client('family', OTHER, { subject_type: 'pairwise', sector_identifier_uri: 'https://one.localhost/sector.json' }),
    client('public', ONE, {}),
    client('signed', ONE, { subject_type: 'pairwise', userinfo_signed_response_alg: 'RS256' }),
    client('signed-es', ONE, { jwt_configuration: { alg: 'ES256' }, userinfo_signed_response_alg: 'ES256' }),
  ],
  users: [JO, ANN].map(person => ({ ...person, email_verified: true })),
}

describe('A client with pairwise subjects', () => {
  let server: RunningServer
  let lasting = ''
  before(async () => {
    server = await startServer({ store: 'sqlite', tenantFile })
  })
  after(() => server?.close())

  const application = (clientId: string, metadata: object = {}): Promise<Application> => {
    const { callbacks = [] } = tenantFile.clients.find(({ client_id }) => client_id === clientId) ?? {}
    return discoverApplication(server.issuer, {
      clientId,
      redirectUri: callbacks[0] ?? '',
      ...(clientId === 'here' && { authentication: oidc.ClientSecretPost(SECRET) }),
      ...metadata,
    })
  }
  const person = () => createPerson(server.issuer)
  const subjectOf = async (clientId: string, who: Account = JO) => {
    const { tokens } = await signIn(await application(clientId), person(), who)
    return String(tokens.claims()?.sub)
  }

  test('knows a person by one name, wherever it hears of them, for ever', async () => {
    const here = await application('here')
    const { tokens } = await signIn(here, person(), JO)
    const sub = String(tokens.claims()?.sub)
    assert.match(sub, /^[\w-]{43}$/)
    assert.equal(decodeJwt(tokens.access_token).sub, sub)
    // The library insists on the same sub in the answer.
    assert.equal((await here.userinfo(tokens))['email'], JO.email)
    const refreshed = await here.refresh(tokens.refresh_token ?? '')
    assert.equal(refreshed.claims()?.sub, sub)
    assert.equal(decodeJwt(refreshed.access_token).sub, sub)
    assert.equal(await userinfoStatus(server.issuer, refreshed.access_token), 200)
    assert.doesNotMatch(JSON.stringify([tokens, decodeJwt(tokens.access_token), tokens.claims()]), /auth0\|/)
    for (const token of [refreshed.access_token, refreshed.refresh_token ?? ''])
      assert.equal((await oidc.tokenIntrospection(here.configuration, token)).sub, sub)
    assert.equal(await subjectOf('here'), sub)
  })

  test('shares its names with its sector, and with nobody else', async () => {
    const [here, beside, family, elsewhere, known] = await Promise.all(
      ['here', 'beside', 'family', 'elsewhere', 'public'].map(id => subjectOf(id)),
    )
    assert.equal(beside, here)
    assert.equal(family, here)
    assert.notEqual(elsewhere, here)
    assert.match(known ?? '', /^auth0\|/)
    assert.notEqual(await subjectOf('here', ANN), here)
  })

  describe('and hands an ID token back', () => {
    const silently = async (asked: Application, browser: Person, id_token_hint: string) => {
      const { url } = await asked.begin({ prompt: 'none', id_token_hint })
      return (await browser.visit(url)).url.searchParams
    }

    test('means the person of it: while they are signed in, and when they sign in again', async () => {
      const here = await application('here')
      const browser = person()
      const { tokens } = await signIn(here, browser, JO)
      const hint = tokens.id_token ?? ''
      assert.ok((await silently(here, browser, hint)).has('code'))
      assert.equal((await silently(here, person(), hint)).get('error'), 'login_required')
      const again = await signIn(here, person(), JO, { id_token_hint: hint })
      assert.equal(again.tokens.claims()?.sub, tokens.claims()?.sub)
      const begun = await here.begin({ id_token_hint: hint })
      assert.equal((await person().signIn(begun.url, ANN)).searchParams.get('error'), 'login_required')
    })

    test('signs out whom it names, and nobody else', async () => {
      const here = await application('here')
      const browser = person()
      const { tokens } = await signIn(here, browser, JO)
      const url = new URL('oidc/logout', server.issuer)
      url.search = new URLSearchParams({
        id_token_hint: tokens.id_token ?? '',
        post_logout_redirect_uri: GONE,
      }).toString()
      assert.equal((await browser.visit(url)).url.href, GONE)
      assert.equal((await silently(here, browser, tokens.id_token ?? '')).get('error'), 'login_required')
    })
  })

  test('is told by signature what it asked to be told so', async () => {
    for (const [id, alg, sub] of [
      ['signed', 'RS256', await subjectOf('here')],
      ['signed-es', 'ES256', await subjectOf('public')],
    ] as const) {
      const redirectUri = `${ONE}/callback`
      const signing = await discoverApplication(server.issuer, {
        clientId: id,
        redirectUri,
        idTokenAlgorithm: alg,
        metadata: { userinfo_signed_response_alg: alg },
      })
      const { tokens } = await signIn(signing, person(), JO)
      const response = await fetch(new URL('userinfo', server.issuer), {
        headers: { authorization: `Bearer ${tokens.access_token}` },
      })
      assert.equal(response.headers.get('content-type'), 'application/jwt')
      const body = await response.text()
      assert.equal(decodeProtectedHeader(body).alg, alg)
      const { iss, aud, email, ...rest } = decodeJwt(body)
      assert.deepEqual({ iss, aud, email, sub: rest.sub }, { iss: server.issuer, aud: id, email: JO.email, sub })
      for (const claim of ['nonce', 'exp', 'iat', 'at_hash']) assert.ok(!(claim in rest), claim)
      // The library verifies the signature with the published keys.
      assert.equal((await signing.userinfo(tokens))['email'], JO.email)
      // What says who somebody is opens nothing.
      assert.equal(await userinfoStatus(server.issuer, body), 401)
      const { url } = await signing.begin({ prompt: 'none', id_token_hint: body })
      assert.equal((await person().visit(url)).url.searchParams.get('error'), 'invalid_request')
    }
  })

  test('is never made to forget whom it knows: its salt cannot be changed', async () => {
    const salt = (await server.latchkey.keyring.list('default')).find(({ purpose }) => purpose === 'pairwise-salt')
    assert.equal(salt?.dueAt, null)
    await assert.rejects(server.latchkey.operate('keys rotate', { tenant: 'default', purpose: 'pairwise-salt' }))
    await assert.rejects(server.latchkey.operate('keys revoke', { tenant: 'default', key: salt?.id ?? '' }))
  })

  // Last of those that ask the server: libraries keep connections, and to one that was closed they notice it late.
  test('goes on with the names it has when the server starts again', async () => {
    const { tokens } = await signIn(await application('here'), person(), JO)
    server = await server.restart()
    const { latchkey } = server
    const userinfo = await latchkey.http.inject({
      url: '/userinfo',
      headers: { host: new URL(server.issuer).host, authorization: `Bearer ${tokens.access_token}` },
    })
    lasting = String(tokens.claims()?.sub)
    assert.equal(userinfo.json()['sub'], lasting)
  })

  test('and every name of a person are told when what was given to them is over', async () => {
    const { store: db } = server.latchkey
    const id = (await db.pairwiseSubjects.userOf('default', lasting)) ?? assert.fail()
    const names = await db.pairwiseSubjects.ofUser('default', id)
    assert.ok(names.includes(lasting))
    const before = await db.revocations.head()
    const { revokeSubject } = await import('../../server/revocation/revoke.ts')
    await db.transaction(transaction => revokeSubject(transaction, { tenant: 'default', id }, Date.now()))
    const told = (await db.revocations.after(before, 10)).map(entry => entry.id)
    assert.ok([id, ...names].every(name => told.includes(name)))
  })
})

test('discovery says that subjects may be pairwise, and what UserInfo may be signed with', async () => {
  const server = await startServer({ store: 'sqlite' })
  const metadata = (
    await oidc.discovery(new URL(server.issuer), 'x', undefined, undefined, {
      execute: [oidc.allowInsecureRequests],
    })
  ).serverMetadata()
  assert.deepEqual(metadata.subject_types_supported, ['public', 'pairwise'])
  assert.ok(metadata.userinfo_signing_alg_values_supported?.includes('RS256'))
  await server.close()
})
