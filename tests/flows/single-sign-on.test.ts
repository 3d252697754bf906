/** One sign-in for every application of a tenant, and the two limits after which it is over. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as oidc from 'openid-client'
import { DAY, HOUR, SECOND } from '../../server/kernel/seconds.ts'
import type { Application } from '../fixtures/application.ts'
import { readForms } from '../fixtures/html-form.ts'
import { departure, type Person } from '../fixtures/person.ts'
import { askSilently, onEachStage, signIn, userinfoStatus } from './stage.ts'
import { JO, SECRETS } from './tenant.ts'

onEachStage('Single sign-on', stage => {
  const silent = async (application: Application, person: Person) => {
    const { callback } = await askSilently(application, person, { scope: 'openid' })
    return callback.searchParams.get('error') ?? 'answered'
  }

  test('signs in to every application with one password, in one session', async () => {
    const person = stage.person()
    const first = await signIn(await stage.spa(), person, JO)
    const others = [
      await stage.web(),
      await stage.application('other', { authentication: oidc.ClientSecretPost(SECRETS.other) }),
    ]
    for (const application of others) {
      const begun = await application.begin({ scope: 'openid' })
      const callback = departure(await person.visit(begun.url))
      const claims = (await application.finish(callback, begun)).claims()
      for (const claim of ['sub', 'sid', 'auth_time'])
        assert.equal(claims?.[claim], first.tokens.claims()?.[claim], claim)
      assert.equal(await silent(application, person), 'answered')
    }
  })

  test('ends for all applications with one sign-out', async () => {
    const person = stage.person()
    const [spa, web] = [await stage.spa(), await stage.web()]
    const { tokens } = await signIn(spa, person, JO, { scope: 'openid' })
    const { begun, callback } = await askSilently(web, person, { scope: 'openid' })
    const theirs = await web.finish(callback, begun)
    await person.visit(oidc.buildEndSessionUrl(spa.configuration, { id_token_hint: tokens.id_token ?? '' }))
    for (const { access_token } of [tokens, theirs]) assert.equal(await userinfoStatus(stage.issuer, access_token), 401)
    for (const application of [spa, web]) assert.equal(await silent(application, person), 'login_required')
  })

  test('is over after three days without a use, to the second', async () => {
    const [early, late] = [stage.person(), stage.person()]
    const [spa, web] = [await stage.spa(), await stage.web()]
    for (const person of [early, late]) await signIn(spa, person, JO)
    stage.clock.advance(3 * DAY - 30 * SECOND)
    assert.equal(await silent(web, early), 'answered')
    stage.clock.advance(31 * SECOND)
    assert.equal(await silent(web, late), 'login_required')
    assert.equal(await silent(web, early), 'answered', 'use by one application keeps it for all')
  })

  test('is over after a week however often it is used, and a token of it with it', async () => {
    const person = stage.person()
    const spa = await stage.spa()
    const { tokens } = await signIn(spa, person, JO, { scope: 'openid' })
    for (let hours = 0; hours < 7 * 24 - 8; hours += 8) {
      stage.clock.advance(8 * HOUR)
      assert.equal(await silent(spa, person), 'answered', `after ${hours + 8} hours`)
    }
    const { begun, callback } = await askSilently(spa, person, { scope: 'openid' })
    const last = await spa.finish(callback, begun)
    assert.equal(last.claims()?.['sid'], tokens.claims()?.['sid'])
    stage.clock.advance(8 * HOUR + SECOND)
    assert.equal(await silent(spa, person), 'login_required')
    assert.equal(await userinfoStatus(stage.issuer, last.access_token), 401)
    const page = await person.visit((await spa.begin()).url)
    assert.ok(readForms(page.html)[0]?.fields['username'] !== undefined, 'the person signs in again')
  })

  test('begins its week anew when the person proves themselves again', async () => {
    const person = stage.person()
    const spa = await stage.spa()
    const first = await signIn(spa, person, JO)
    stage.clock.advance(2 * DAY)
    const again = await signIn(spa, person, JO, { prompt: 'login' })
    assert.equal(again.tokens.claims()?.['sid'], first.tokens.claims()?.['sid'])
    for (let days = 2; days < 8; days += 2) {
      stage.clock.advance(2 * DAY)
      assert.equal(await silent(spa, person), 'answered')
    }
  })
})
