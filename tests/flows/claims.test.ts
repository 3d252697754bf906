/** The `claims` parameter: single claims by name, in the ID token or at userinfo, and nothing that nobody allowed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as oidc from 'openid-client'
import { type Account, departure } from '../fixtures/person.ts'
import { askSilently, onEachStage, signIn, userinfoStatus } from './stage.ts'
import { EVERY_CLAIM, JO, KIM, SECRETS } from './tenant.ts'

onEachStage('Claims asked for by name', stage => {
  const asking = (claims: unknown) => ({ scope: 'openid', claims: JSON.stringify(claims) })
  const ask = async (claims: unknown, account: Account = KIM, parameters: Readonly<Record<string, string>> = {}) => {
    const spa = await stage.spa()
    return { spa, ...(await signIn(spa, stage.person(), account, { ...asking(claims), ...parameters })) }
  }

  test('are told where they were asked for, essential or not, and in no other place', async () => {
    const { spa, tokens } = await ask({
      userinfo: { name: { essential: true }, birthdate: null },
      id_token: { zoneinfo: null },
    })
    const { sub, ...told } = await spa.userinfo(tokens)
    assert.equal(sub, tokens.claims()?.sub)
    assert.deepEqual(told, { name: EVERY_CLAIM.name, birthdate: EVERY_CLAIM.birthdate })
    const idToken = tokens.claims()
    assert.deepEqual(
      [idToken?.zoneinfo, idToken?.['name'], idToken?.birthdate],
      [EVERY_CLAIM.zoneinfo, undefined, undefined],
    )
  })

  test('that are unknown, or that nobody knows of this person, are left out', async () => {
    const { spa, tokens } = await ask(
      { userinfo: { 'https://x.example/role': { essential: true }, birthdate: null } },
      JO,
    )
    assert.deepEqual(Object.keys(await spa.userinfo(tokens)), ['sub'])
  })

  test('stay with the authorization: a refreshed ID token and its access token tell the same', async () => {
    const { spa, tokens } = await ask({ userinfo: { locale: null }, id_token: { nickname: null } }, KIM, {
      scope: 'openid offline_access',
    })
    const again = await spa.refresh(tokens.refresh_token ?? '')
    assert.equal(again.claims()?.nickname, EVERY_CLAIM.nickname)
    assert.equal((await spa.userinfo(again)).locale, EVERY_CLAIM.locale)
  })

  test('without openid are not read: there is no ID token, and userinfo tells nothing', async () => {
    const spa = await stage.spa()
    const begun = await spa.begin({ scope: 'profile', claims: '{', nonce: '' })
    const callback = await stage.person().signIn(begun.url, KIM)
    const { expectedNonce: _none, ...checks } = begun.checks
    const tokens = await oidc.authorizationCodeGrant(spa.configuration, callback, checks)
    assert.equal(tokens.id_token, undefined)
    assert.equal(await userinfoStatus(stage.issuer, tokens.access_token), 403)
  })

  test('of a stranger’s application are asked about like the scope that opens them, and told alone', async () => {
    const application = await stage.application('stranger', { authentication: oidc.ClientSecretPost(SECRETS.stranger) })
    const person = stage.person()
    await signIn(await stage.spa(), person, KIM)
    const begun = await application.begin(asking({ userinfo: { phone_number: null } }))
    const page = await person.visit(begun.url)
    assert.match(page.html, /See your phone number/)
    const tokens = await application.finish(departure(await person.submit(page, { decision: 'allow' })), begun)
    assert.equal(tokens.scope, 'openid')
    assert.deepEqual(Object.keys(await application.userinfo(tokens)).sort(), ['phone_number', 'sub'])

    const silent = await askSilently(application, person, asking({ id_token: { email: null } }))
    assert.equal(silent.callback.searchParams.get('error'), 'consent_required')
  })

  test('with a sub are about that person and nobody else', async () => {
    const { tokens } = await ask({}, KIM)
    const spa = await stage.spa()
    const jo = stage.person()
    await signIn(spa, jo, JO)
    const wish = asking({ id_token: { sub: { value: tokens.claims()?.sub } } })
    const { callback } = await askSilently(spa, jo, wish)
    assert.equal(callback.searchParams.get('error'), 'login_required')
  })

  test('an essential acr that a password reaches is met', async () => {
    const { tokens } = await ask({ id_token: { acr: { essential: true, values: ['2', '1'] } } })
    assert.equal(tokens.claims()?.acr, '1')
  })

  test('an essential acr that it does not reach is told as unmet, a voluntary one changes nothing', async () => {
    const spa = await stage.spa()
    const person = stage.person()
    const acr = (essential: boolean) => asking({ id_token: { acr: { essential, values: ['2'] } } })
    const { callback } = await signInTo(acr(true))
    assert.equal(callback.searchParams.get('error'), 'unmet_authentication_requirements')
    const { begun, callback: met } = await signInTo(acr(false))
    assert.equal((await spa.finish(met, begun)).claims()?.acr, '1')

    async function signInTo(parameters: Readonly<Record<string, string>>) {
      const begun = await spa.begin({ prompt: 'login', ...parameters })
      return { begun, callback: await person.signIn(begun.url, KIM) }
    }
  })

  for (const [why, claims] of [
    ['is no JSON', '{'],
    ['is a list', '[]'],
    ['names a claim twice', '{"userinfo":{"name":null,"name":{"essential":true}}}'],
    ['has a list for a place', '{"userinfo":[]}'],
    ['has a word for a wish', '{"userinfo":{"name":"please"}}'],
    ['has values that are no list', '{"id_token":{"acr":{"values":"1"}}}'],
    ['asks for an acr that is a number', '{"id_token":{"acr":{"essential":true,"value":1}}}'],
    ['is endless', JSON.stringify({ userinfo: { [`x${'x'.repeat(9000)}`]: null } })],
  ] as const)
    test(`are refused when the parameter ${why}, in words a URL may hold`, async () => {
      const { callback } = await askSilently(await stage.spa(), stage.person(), { claims })
      assert.equal(callback.searchParams.get('error'), 'invalid_request')
      assert.match(callback.searchParams.get('error_description') ?? '', /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/)
    })
})
