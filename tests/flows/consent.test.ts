/** Applications of somebody else's: the person is asked, once, and is believed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as oidc from 'openid-client'
import type { Begun } from '../fixtures/application.ts'
import { departure, type Person, type Stop } from '../fixtures/person.ts'
import { askSilently, onEachStage, signIn } from './stage.ts'
import { JO, SECRETS, VIDEOS } from './tenant.ts'

onEachStage('Consent to a stranger’s application', stage => {
  const stranger = () => stage.application('stranger', { authentication: oidc.ClientSecretPost(SECRETS.stranger) })

  let people = 0
  /** Somebody new, whom nobody has asked anything yet, on the consent page. */
  async function arriving(parameters: Readonly<Record<string, string>> = {}) {
    const person = stage.person()
    people += 1
    const account = { email: `guest-${people}@example.com`, password: 'a passphrase of a guest' }
    await person.signUp((await (await stage.spa()).begin()).url, account)
    const application = await stranger()
    const begun = await application.begin({ audience: VIDEOS, scope: 'openid email read:videos', ...parameters })
    const page = await person.visit(begun.url)
    assert.equal(page.left, false)
    return { person, application, begun, page, account }
  }

  const decide = ({ person, page }: { person: Person; page: Stop }, decision: 'allow' | 'refuse') =>
    person.submit(page, { decision })

  test('shows who asks for what, in words', async () => {
    const { page, account } = await arriving()
    assert.equal(page.status, 200)
    for (const text of ['Film Club', 'Videos', 'See your films', account.email])
      assert.ok(page.html.includes(text), text)
    assert.ok(!page.html.includes('Upload films'), 'what was not asked for is not shown')
  })

  test('given once is remembered, also by prompt=none', async () => {
    const arrived = await arriving()
    const { application, begun, person } = arrived
    const tokens = await application.finish(departure(await decide(arrived, 'allow')), begun)
    assert.equal(tokens.scope, 'openid email read:videos')

    const { begun: again, callback } = await askSilently(application, person, {
      audience: VIDEOS,
      scope: 'openid email read:videos',
    })
    assert.equal((await application.finish(callback, again)).scope, 'openid email read:videos')
  })

  test('refused is told to the application, and is asked again the next time', async () => {
    const arrived = await arriving()
    const callback = departure(await decide(arrived, 'refuse'))
    assertDenied(callback, arrived.begun)
    const next = await arrived.person.visit((await arrived.application.begin()).url)
    assert.deepEqual([next.status, next.left], [200, false])
  })

  test('refused stays refused: going back and allowing does not turn it', async () => {
    const arrived = await arriving()
    assertDenied(departure(await decide(arrived, 'refuse')), arrived.begun)
    const stop = await decide(arrived, 'allow')
    if (stop.left) assertDenied(stop.url, arrived.begun)
    else assert.equal(stop.status, 400)
  })

  test('not given yet is told to prompt=none as consent_required, with state and iss', async () => {
    const { person, application } = await arriving()
    const { begun, callback } = await askSilently(application, person, { audience: VIDEOS })
    assert.equal(callback.searchParams.get('error'), 'consent_required')
    assert.equal(callback.searchParams.get('state'), begun.checks.expectedState)
    assert.equal(callback.searchParams.get('iss'), stage.issuer)
  })

  test('covers what was shown and nothing more: another scope is asked for again', async () => {
    const arrived = await arriving()
    departure(await decide(arrived, 'allow'))
    const more = await arrived.person.visit(
      (await arrived.application.begin({ audience: VIDEOS, scope: 'openid email read:videos write:videos' })).url,
    )
    assert.equal(more.left, false)
    assert.ok(more.html.includes('Upload films'))
    assert.ok(!more.html.includes('See your films'), 'what was allowed before is not asked again')
  })

  test('is asked again for prompt=consent, and not for the operator’s own applications', async () => {
    const arrived = await arriving()
    departure(await decide(arrived, 'allow'))
    const again = await arrived.application.begin({ audience: VIDEOS, scope: 'openid email', prompt: 'consent' })
    const page = await arrived.person.visit(again.url)
    assert.equal(page.left, false)
    const tokens = await arrived.application.finish(departure(await decide({ ...arrived, page }, 'allow')), again)
    assert.equal(tokens.scope, 'openid email')

    const own = await signIn(await stage.spa(), stage.person(), JO, { audience: VIDEOS, scope: 'openid read:videos' })
    assert.equal(own.tokens.scope, 'openid read:videos')
  })

  test('is not given by a form of another site', async () => {
    const { person, application, page } = await arriving()
    const stop = await person.post(
      new URL(`${page.url.pathname}/consent`, stage.issuer),
      { decision: 'allow' },
      'https://evil.example',
    )
    assert.equal(stop.status, 403)
    const { callback } = await askSilently(application, person, { audience: VIDEOS })
    assert.equal(callback.searchParams.get('error'), 'consent_required')
  })

  function assertDenied(callback: URL, begun: Begun): void {
    assert.equal(callback.searchParams.get('error'), 'access_denied')
    assert.equal(callback.searchParams.get('state'), begun.checks.expectedState)
    assert.equal(callback.searchParams.get('iss'), stage.issuer)
    assert.equal(callback.searchParams.get('code'), null)
  }
})
