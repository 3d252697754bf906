/** Applications of somebody else's: the person is asked, once, and is believed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as oidc from 'openid-client'
import type { Begun } from '../fixtures/application.ts'
import { readForms } from '../fixtures/html-form.ts'
import { departure, type Person, type Stop } from '../fixtures/person.ts'
import { askSilently, onEachStage, signIn } from './stage.ts'
import { CURVES, JO, SECRETS, VIDEOS } from './tenant.ts'

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

  test('is asked for also where no scope is: for an API by its name, and for nothing but knowing who they are', async () => {
    for (const [parameters, said] of [
      [{ audience: VIDEOS, scope: '' }, 'Videos'],
      [{ audience: VIDEOS, scope: 'delete:everything' }, 'Videos'],
      [{ audience: '', scope: '', nonce: '' }, 'Know you when you come back'],
    ] as const) {
      const { person, application, page } = await arriving(parameters)
      assert.ok(page.html.includes(said), said)
      const silent = await askSilently(application, person, parameters)
      assert.equal(silent.callback.searchParams.get('error'), 'consent_required')
      departure(await decide({ person, page }, 'allow'))
      assert.ok((await askSilently(application, person, parameters)).callback.searchParams.has('code'))
      const more = await askSilently(application, person, { ...parameters, prompt: 'none', audience: CURVES })
      assert.equal(more.callback.searchParams.get('error'), 'consent_required', 'an API is allowed by itself')
      const again = await person.visit((await application.begin({ ...parameters, prompt: 'consent' })).url)
      assert.equal(again.left, false)
    }
  })

  test('is for what its page showed: what was taken back meanwhile is shown before it is allowed again', async () => {
    const arrived = await arriving({ scope: 'openid email read:videos' })
    departure(await decide(arrived, 'allow'))
    const { person, application } = arrived
    const begun = await application.begin({ audience: VIDEOS, scope: 'openid email read:videos write:videos' })
    const page = await person.visit(begun.url)
    const account = await person.visit(new URL('account', stage.issuer))
    const form = readForms(account.html).find(({ action }) => action.endsWith('/withdraw'))
    await person.post(
      new URL(form?.action ?? '', stage.issuer),
      { ...form?.fields, client: 'stranger' },
      new URL(stage.issuer).origin,
    )

    const shown = await decide({ person, page }, 'allow')
    assert.deepEqual([shown.left, shown.status], [false, 200])
    assert.ok(shown.html.includes('See your films'), 'all that it would give now is shown')
    const tokens = await application.finish(departure(await decide({ person, page: shown }, 'allow')), begun)
    assert.equal(tokens.scope, 'openid email read:videos write:videos')
  })

  test('is for whom its page showed: another account that was chosen meanwhile sees its own page', async () => {
    const arrived = await arriving({ prompt: 'consent' })
    const { person, page } = arrived
    const chooser = await person.visit(new URL(`${page.url.pathname}?sign-in`, stage.issuer))
    const other = await person.submit(chooser, { username: JO.email, password: JO.password })
    assert.ok(other.html.includes(JO.email))
    const shown = await decide({ person, page }, 'allow')
    assert.deepEqual([shown.left, shown.status], [false, 200])
    assert.ok(shown.html.includes(JO.email) && !shown.html.includes(arrived.account.email))
  })

  test('refused leads every page of that request to the application, and allows nothing later', async () => {
    const arrived = await arriving()
    departure(await decide(arrived, 'refuse'))
    const { person, application, begun, page } = arrived
    const reopened = await person.visit(new URL(page.url.pathname, stage.issuer))
    assertDenied(departure(reopened), begun)
    assertDenied(departure(await decide(arrived, 'allow')), begun)
    const { callback } = await askSilently(application, person, { audience: VIDEOS })
    assert.equal(callback.searchParams.get('error'), 'consent_required')
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
