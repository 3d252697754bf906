/** Several APIs on one authorization (RFC 8707): each token is for one of them, and scopes stay with their API. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJwt } from 'jose'
import * as oidc from 'openid-client'
import { departure } from '../fixtures/person.ts'
import { askSilently, onEachStage } from './stage.ts'
import { CURVES, IMPORTED, JO, LEDGER, SECRETS, VIDEOS } from './tenant.ts'

onEachStage('Several resources', stage => {
  /** The application with a code for all of `resources`. */
  async function authorized(resources: readonly string[], scope = 'openid offline_access read:videos write:videos') {
    const web = await stage.web()
    const begun = await web.begin({ scope })
    for (const resource of resources) begun.url.searchParams.append('resource', resource)
    return { web, begun, callback: await stage.person().signIn(begun.url, JO) }
  }

  test('are granted together; the first is the one a token is for, until another is named', async () => {
    const { web, begun, callback } = await authorized([VIDEOS, IMPORTED])
    const first = await web.finish(callback, begun)
    assert.ok([decodeJwt(first.access_token).aud].flat().includes(VIDEOS))
    const second = await web.refresh(first.refresh_token ?? '', { resource: IMPORTED })
    const audience = [decodeJwt(second.access_token).aud].flat()
    assert.ok(audience.includes(IMPORTED) && !audience.includes(VIDEOS))
    assert.equal(second.scope, 'openid offline_access read:videos write:videos')
  })

  test('can be named when the code is redeemed', async () => {
    const { web, begun, callback } = await authorized([VIDEOS, CURVES])
    const tokens = await oidc.authorizationCodeGrant(web.configuration, callback, begun.checks, { resource: CURVES })
    assert.ok([decodeJwt(tokens.access_token).aud].flat().includes(CURVES))
  })

  test('an API that allows no offline access has no refresh token beside one that does', async () => {
    const { web, begun, callback } = await authorized([VIDEOS, CURVES])
    assert.equal((await web.finish(callback, begun)).refresh_token, undefined)
  })

  test('of which one has a secret of its own: its token is for it alone', async () => {
    const { web, begun, callback } = await authorized([VIDEOS, LEDGER])
    const tokens = await oidc.authorizationCodeGrant(web.configuration, callback, begun.checks, { resource: LEDGER })
    assert.equal(decodeJwt(tokens.access_token).aud, LEDGER)
  })

  test('that were not granted, or two at once, are no target, and the code is not spent by asking', async () => {
    const { web, begun, callback } = await authorized([VIDEOS, CURVES])
    const redeem = (parameters: URLSearchParams) =>
      oidc.authorizationCodeGrant(web.configuration, callback, begun.checks, parameters)
    await assert.rejects(redeem(new URLSearchParams({ resource: IMPORTED })), { error: 'invalid_target' })
    const both = new URLSearchParams([VIDEOS, CURVES].map(one => ['resource', one]))
    await assert.rejects(redeem(both), { error: 'invalid_target' })
    assert.ok((await web.finish(callback, begun)).access_token)
  })

  test('of which one is unknown, or that say another API than audience, are refused', async () => {
    const web = await stage.web()
    for (const parameters of [
      { resource: 'https://unknown.example/' },
      { resource: VIDEOS, audience: CURVES },
      { resource: `${VIDEOS}#fragment` },
    ]) {
      const { callback } = await askSilently(web, stage.person(), parameters)
      assert.equal(callback.searchParams.get('error'), 'invalid_target')
    }
  })

  test('that are many are refused before anything is looked up', async () => {
    const begun = await (await stage.web()).begin()
    for (let count = 0; count < 11; count += 1) begun.url.searchParams.append('resource', `${VIDEOS}${count}`)
    const { url } = await stage.person().visit(begun.url)
    assert.equal(url.searchParams.get('error'), 'invalid_target')
    assert.match(url.searchParams.get('error_description') ?? '', /More than/)
  })

  test('are each shown to the person whom a stranger’s application asks', async () => {
    const application = await stage.application('stranger', { authentication: oidc.ClientSecretPost(SECRETS.stranger) })
    const person = stage.person()
    await person.signUp((await (await stage.spa()).begin()).url, {
      email: `several-${stage.store}@example.com`,
      password: 'a passphrase of a guest',
    })
    const begun = await application.begin({ scope: 'openid read:videos' })
    for (const resource of [VIDEOS, CURVES]) begun.url.searchParams.append('resource', resource)
    const page = await person.visit(begun.url)
    for (const name of ['Videos', 'Curves']) assert.match(page.html, new RegExp(`<h2>.*${name}.*</h2>`))
    const tokens = await application.finish(departure(await person.submit(page, { decision: 'allow' })), begun)
    assert.equal(tokens.scope, 'openid read:videos')
  })
})
