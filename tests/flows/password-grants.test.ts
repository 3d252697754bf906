/** The grants of applications that take passwords themselves, by `openid-client`, and who may not have them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJwt } from 'jose'
import * as oidc from 'openid-client'
import { toSeconds } from '../../server/kernel/seconds.ts'
import type { Tokens } from '../fixtures/application.ts'
import { aConnection } from '../fixtures/records.ts'
import { applyTo } from '../fixtures/server.ts'
import { onEachStage, postToken, userinfoStatus } from './stage.ts'
import { ANN, JO, KIM, PASSWORD_REALM, SECRETS, VIDEOS } from './tenant.ts'

const DATABASE = 'Username-Password-Authentication'

onEachStage('The password grants', stage => {
  const desktop = () => stage.application('desktop', { authentication: oidc.ClientSecretBasic(SECRETS.desktop) })

  async function passing(
    { email, password }: { email: string; password: string },
    parameters: Readonly<Record<string, string>> = {},
    grant = 'password',
  ): Promise<Tokens> {
    const { configuration } = await desktop()
    return oidc.genericGrantRequest(configuration, grant, { username: email, password, ...parameters })
  }

  const told = (form: Readonly<Record<string, string>>) =>
    postToken(stage.issuer, { grant_type: 'password', client_id: 'desktop', client_secret: SECRETS.desktop, ...form })

  test('give an ID token that says how the person proved themselves, and names no session', async () => {
    const before = toSeconds(stage.clock.now())
    const tokens = await passing(JO, { scope: 'openid profile email' })
    const after = toSeconds(stage.clock.now())
    assert.equal(tokens.scope, 'openid profile email')
    assert.equal(tokens.refresh_token, undefined)
    const { amr, sid, nonce, auth_time, email, name, acr } = decodeJwt(tokens.id_token ?? '')
    assert.deepEqual(
      { amr, sid, nonce, email, name, acr },
      {
        amr: ['pwd'],
        sid: undefined,
        nonce: undefined,
        email: JO.email,
        name: 'Jo March',
        acr: '1',
      },
    )
    assert.ok(Number(auth_time) >= before && Number(auth_time) <= after, `${auth_time} from ${before} to ${after}`)
    assert.equal(decodeJwt(tokens.access_token)['sid'], undefined)
    assert.equal(await userinfoStatus(stage.issuer, tokens.access_token), 200)
  })

  test('give a token for the API that is named, with the scopes it has', async () => {
    const tokens = await passing(JO, { audience: VIDEOS, scope: 'read:videos delete:videos' })
    assert.equal(tokens.scope, 'read:videos')
    assert.equal(decodeJwt(tokens.access_token).aud, VIDEOS)
    assert.equal(tokens['id_token'], undefined)
  })

  test('give a refresh token that is refreshed, and ends when the person is signed out everywhere', async () => {
    const application = await desktop()
    const first = await passing(JO, { scope: 'openid offline_access' })
    const second = await application.refresh(first.refresh_token ?? '')
    assert.deepEqual(second.claims()?.['amr'], ['pwd'])
    assert.equal(second.claims()?.['sid'], undefined)
    await stage.server.latchkey.store.users.raiseEpoch('default', second.claims()?.sub ?? '')
    await assert.rejects(application.refresh(second.refresh_token ?? ''), { error: 'invalid_grant' })
  })

  test('look for the account where the realm says, or in the default directory', async () => {
    for (const grant of [PASSWORD_REALM, 'password']) {
      for (const parameters of [{ realm: DATABASE }, {}] as const) {
        const tokens = await passing(KIM, { scope: 'openid', ...parameters }, grant)
        assert.deepEqual(tokens.claims()?.['amr'], ['pwd'])
      }
      for (const realm of ['nowhere', 'google-oauth2'])
        await assert.rejects(passing(KIM, { realm }, grant), { error: 'invalid_request' })
    }
  })

  test('look in the directory that the tenant names as its default', async () => {
    const { store } = stage.server.latchkey
    await store.transaction(({ connections }) => connections.create(aConnection({ id: 'con_staff', name: 'Staff' })))
    await applyTo(stage.server.latchkey, { tenant: { default_directory: 'Staff' } })
    try {
      // Who is known in one directory is nobody in another.
      await assert.rejects(passing(JO), { error: 'invalid_grant' })
      await passing(JO, { realm: DATABASE }, PASSWORD_REALM)
    } finally {
      await applyTo(stage.server.latchkey, { tenant: { default_directory: DATABASE } })
    }
    assert.ok((await passing(JO)).access_token)
    await assert.rejects(applyTo(stage.server.latchkey, { tenant: { default_directory: 'nowhere' } }))
  })

  test('answer alike to a wrong password and to nobody’s address, in Auth0’s words', async () => {
    for (const [username, password] of [
      [JO.email, 'a wrong password'],
      ['nobody@example.com', JO.password],
      ['no address', 'at all'],
    ] as const) {
      const { status, body, headers } = await told({ username, password })
      assert.deepEqual([status, body], [400, { error: 'invalid_grant', error_description: 'Wrong email or password.' }])
      assert.equal(headers.get('cache-control'), 'no-store')
    }
  })

  test('say that the account is blocked to whoever has its password, and to nobody else', async () => {
    const { store } = stage.server.latchkey
    const [ann = ''] = await store.users.findByAttribute('default', 'email', ANN.email, 1)
    await store.users.change('default', ann, { blocked: true }, stage.clock.now())
    const blocked = await told({ username: ANN.email, password: ANN.password })
    assert.deepEqual([blocked.status, blocked.body['error_description']], [400, 'user is blocked'])
    const stranger = await told({ username: ANN.email, password: 'a wrong password' })
    assert.equal(stranger.body['error_description'], 'Wrong email or password.')
  })

  test('are recorded for the address that a trusted client asks for, and for no other', async () => {
    const { store } = stage.server.latchkey
    const recordedFor = async (forwarded: string, form: Readonly<Record<string, string>> = {}) => {
      const after = (await store.events.list('default', { limit: 10_000 })).at(-1)?.id ?? ''
      const all = { grant_type: 'password', client_id: 'desktop', client_secret: SECRETS.desktop, ...form }
      const fields = { ...all, username: KIM.email, password: KIM.password }
      const { status } = await postToken(stage.issuer, fields, { 'auth0-forwarded-for': forwarded })
      assert.equal(status, 200)
      const events = await store.events.list('default', { after, limit: 100 })
      return events.find(({ type }) => type === 'authorization.given')?.personal['address']
    }
    assert.equal(await recordedFor('203.0.113.42'), '203.0.113.42')
    assert.equal(await recordedFor('2001:db8::7'), '2001:db8::7')
    for (const nonsense of ['somewhere', '203.0.113.42, 203.0.113.43', '203.0.113.4242'])
      assert.match(String(await recordedFor(nonsense)), /127\.0\.0\.1|::1/)
    const untrusted = { client_id: 'kiosk', client_secret: SECRETS.kiosk }
    assert.match(String(await recordedFor('203.0.113.42', untrusted)), /127\.0\.0\.1|::1/)
  })

  test('are refused to a client that does not list them, and to one of somebody else’s that does', async () => {
    const jo = { username: JO.email, password: JO.password }
    for (const [client_id, secret] of [
      ['web', SECRETS.web],
      ['stranger', SECRETS.stranger],
    ] as const) {
      const { status, body } = await told({ client_id, client_secret: secret, ...jo })
      assert.deepEqual([status, body['error']], [400, 'unauthorized_client'], client_id)
    }
  })

  test('give nothing within an organization, and do not pass over who asks for it', async () => {
    const form = { username: JO.email, password: JO.password, organization: 'org_1' }
    const { status, body } = await told(form)
    assert.deepEqual(
      [status, body['error_description']],
      [400, 'parameter organization is not allowed for this grant type'],
    )
  })

  test('want a name and a password, and an API that there is, before any password is tried', async () => {
    for (const [form, error] of [
      [{ password: JO.password }, 'invalid_request'],
      [{ username: JO.email }, 'invalid_request'],
      [{ username: JO.email, password: 'wrong', audience: 'https://unknown.example/' }, 'invalid_target'],
    ] as const)
      assert.equal((await told(form)).body['error'], error)
  })
})
