/** When a person is asked and when not: `prompt`, `max_age` and hints, over a session that grows older. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJwt } from 'jose'
import { DAY, MINUTE, SECOND } from '../../server/kernel/seconds.ts'
import { readForms } from '../fixtures/html-form.ts'
import { departure } from '../fixtures/person.ts'
import { askSilently, onEachStage, signIn } from './stage.ts'
import { ANN, JO, VIDEOS } from './tenant.ts'

onEachStage('A session', stage => {
  test('answers prompt=none with the same sub and auth_time', async () => {
    const person = stage.person()
    const spa = await stage.spa()
    const first = await signIn(spa, person, JO)
    stage.clock.advance(MINUTE)
    const { begun, callback } = await askSilently(spa, person)
    const claims = (await spa.finish(callback, begun)).claims()
    assert.equal(claims?.sub, first.tokens.claims()?.sub)
    assert.equal(claims?.auth_time, first.tokens.claims()?.auth_time)
  })

  test('is missing in a new browser: prompt=none is answered login_required, with state and iss', async () => {
    const { begun, callback } = await askSilently(await stage.spa(), stage.person())
    assert.equal(callback.searchParams.get('error'), 'login_required')
    assert.equal(callback.searchParams.get('state'), begun.checks.expectedState)
    assert.equal(callback.searchParams.get('iss'), stage.issuer)
    assert.equal(callback.searchParams.get('code'), null)
  })

  test('does not satisfy prompt=login: the person is asked again, and auth_time moves', async () => {
    const person = stage.person()
    const spa = await stage.spa()
    const first = await signIn(spa, person, JO)
    stage.clock.advance(MINUTE)
    const again = await signIn(spa, person, JO, { prompt: 'login' })
    const [before, after] = [first.tokens.claims(), again.tokens.claims()]
    assert.equal(after?.sub, before?.sub)
    assert.ok(Number(after?.auth_time) >= Number(before?.auth_time) + 60)
  })

  test('cannot be carried past prompt=login by going back to the request by its URL', async () => {
    const person = stage.person()
    const spa = await stage.spa()
    await signIn(spa, person, JO)
    const page = await person.visit((await spa.begin({ prompt: 'login' })).url)
    assert.equal(page.status, 200)
    const around = await person.visit(new URL(page.url.pathname.replace('/login/', '/authorize/'), stage.issuer))
    assert.equal(around.left, false)
    assert.equal(around.url.pathname, page.url.pathname)
  })

  test('answers for the person that id_token_hint names, and for nobody else', async () => {
    const spa = await stage.spa()
    const [jo, ann] = [stage.person(), stage.person()]
    const { tokens } = await signIn(spa, jo, JO)
    await signIn(spa, ann, ANN)
    const hint = { id_token_hint: tokens.id_token ?? '' }
    assert.ok((await askSilently(spa, jo, hint)).callback.searchParams.get('code'))
    assert.equal((await askSilently(spa, ann, hint)).callback.searchParams.get('error'), 'login_required')
    const junk = await askSilently(spa, jo, { id_token_hint: `${hint.id_token_hint.slice(0, -9)}AAAAAAAAA` })
    assert.equal(junk.callback.searchParams.get('error'), 'invalid_request')

    const begun = await spa.begin(hint)
    stage.clock.advance(SECOND)
    const callback = await ann.signIn(begun.url, ANN)
    assert.equal(callback.searchParams.get('error'), 'login_required')
  })

  test('is found after a form of another site, whose answer sets no cookie over those of other tabs', async () => {
    const person = stage.person()
    const spa = await stage.spa()
    const other = await person.visit((await spa.begin({ prompt: 'login' })).url)
    const begun = await spa.begin()
    const answer = await fetch(new URL('authorize', stage.issuer), {
      method: 'POST',
      redirect: 'manual',
      body: begun.url.searchParams,
    })
    assert.deepEqual(answer.headers.getSetCookie(), [])
    const page = await person.visit(new URL(answer.headers.get('location') ?? '', stage.issuer))
    const callback = departure(await person.submit(page, { username: JO.email, password: JO.password }))
    assert.ok((await spa.finish(callback, begun)).access_token)
    // The other tab's request is still this browser's, and was satisfied by the sign-in since.
    assert.ok(departure(await person.visit(other.url)).searchParams.get('code'))
  })

  test('older than max_age is not enough, and prompt=none says so', async () => {
    const person = stage.person()
    const spa = await stage.spa()
    const first = await signIn(spa, person, JO)
    stage.clock.advance(MINUTE)
    const { callback } = await askSilently(spa, person, { max_age: '30' })
    assert.equal(callback.searchParams.get('error'), 'login_required')
    const again = await signIn(spa, person, JO, { max_age: '30' })
    assert.ok(Number(again.tokens.claims()?.auth_time) >= Number(first.tokens.claims()?.auth_time) + 60)
  })

  test('younger than max_age is enough', async () => {
    const person = stage.person()
    const spa = await stage.spa()
    const first = await signIn(spa, person, JO)
    stage.clock.advance(MINUTE)
    const begun = await spa.begin({ max_age: '10000' })
    const tokens = await spa.finish(departure(await person.visit(begun.url)), begun)
    assert.equal(tokens.claims()?.auth_time, first.tokens.claims()?.auth_time)
  })

  test('max_age=0 asks like prompt=login does', async () => {
    const person = stage.person()
    const spa = await stage.spa()
    await signIn(spa, person, JO)
    stage.clock.advance(SECOND)
    const page = await person.visit((await spa.begin({ max_age: '0' })).url)
    assert.match(page.url.pathname, /^\/login\//)
  })

  test('ends after three days without a visit', async () => {
    const person = stage.person()
    const spa = await stage.spa()
    await signIn(spa, person, JO)
    stage.clock.advance(2 * DAY)
    const visited = await askSilently(spa, person)
    assert.ok(visited.callback.searchParams.get('code'), 'a visit keeps it')
    stage.clock.advance(2 * DAY)
    const kept = await askSilently(spa, person)
    assert.ok(kept.callback.searchParams.get('code'), 'the idle time counts from the last visit')
    stage.clock.advance(3 * DAY + SECOND)
    const { callback } = await askSilently(spa, person)
    assert.equal(callback.searchParams.get('error'), 'login_required')
  })
})

onEachStage('A request', stage => {
  test('fills in the address of login_hint, on the sign-in and on the sign-up page', async () => {
    const person = stage.person()
    const hint = `o'hara"<b>@example.com`
    const page = await person.visit((await (await stage.spa()).begin({ login_hint: hint })).url)
    assert.equal(readForms(page.html)[0]?.fields['username'], hint)
    assert.ok(!page.html.includes('<b>'), 'a hint is text, whatever it holds')
    const signUp = await person.visit(new URL(`${page.url.pathname}/sign-up`, stage.issuer))
    assert.equal(readForms(signUp.html)[0]?.fields['email'], hint)
  })

  test('begins with the sign-up page for screen_hint=signup, from which there is a way to sign in', async () => {
    const person = stage.person()
    const page = await person.visit((await (await stage.spa()).begin({ screen_hint: 'signup' })).url)
    assert.match(page.url.pathname, /\/sign-up$/)
    const [, link = ''] = /href="(\/login\/[^"]*sign-in)"/.exec(page.html) ?? []
    assert.equal(readForms((await person.visit(new URL(link, stage.issuer))).html)[0]?.fields['username'], '')
  })

  for (const parameter of ['audience', 'resource'])
    test(`names its API by ${parameter}, and gets the scopes that this API has`, async () => {
      const { tokens } = await signIn(await stage.spa(), stage.person(), JO, {
        [parameter]: VIDEOS,
        scope: 'openid read:videos delete:everything',
      })
      const claims = decodeJwt(tokens.access_token)
      assert.deepEqual(claims.aud, [VIDEOS, `${stage.issuer}userinfo`])
      assert.equal(claims['scope'], 'openid read:videos')
      assert.equal(tokens.scope, 'openid read:videos')
    })

  test('a wrong password shows the page again with what was typed, and starts nothing', async () => {
    const person = stage.person()
    const spa = await stage.spa()
    const begun = await spa.begin()
    const page = await person.visit(begun.url)
    const refused = await person.submit(page, { username: JO.email, password: 'not the passphrase' })
    assert.deepEqual([refused.status, refused.left], [400, false])
    assert.equal(readForms(refused.html)[0]?.fields['username'], JO.email)
    assert.equal(readForms(refused.html)[0]?.fields['password'], '')
    const { callback } = await askSilently(spa, person)
    assert.equal(callback.searchParams.get('error'), 'login_required')

    const unknown = await person.submit(page, { username: 'nobody@example.com', password: 'not the passphrase' })
    const words = (html: string) => html.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ')
    assert.equal(words(unknown.html), words(refused.html), 'whether there is an account cannot be read from it')

    const right = await person.submit(refused, { username: JO.email.toUpperCase(), password: JO.password })
    assert.equal((await spa.finish(departure(right), begun)).claims()?.['email'], JO.email)
  })

  test('is answered once: going back to its page begins nothing new', async () => {
    const person = stage.person()
    const spa = await stage.spa()
    const page = await person.visit((await spa.begin()).url)
    departure(await person.submit(page, { username: JO.email, password: JO.password }))
    const back = await person.visit(page.url)
    assert.deepEqual([back.status, back.left], [400, false])
    const again = await person.submit(page, { username: JO.email, password: JO.password })
    assert.deepEqual([again.status, again.left], [400, false])
  })

  test('of one browser goes nowhere in another, in both directions', async () => {
    const [victim, attacker] = [stage.person(), stage.person()]
    const spa = await stage.spa()
    // Both have a browser secret of their own.
    const own = await victim.visit((await spa.begin()).url)
    const sent = await attacker.visit((await spa.begin()).url)

    for (const [reader, page] of [
      [victim, sent],
      [attacker, own],
    ] as const) {
      for (const path of [page.url.pathname, page.url.pathname.replace('/login/', '/authorize/')]) {
        const shown = await reader.visit(new URL(path, stage.issuer))
        assert.deepEqual([shown.status, shown.left], [400, false], path)
      }
      const posted = await reader.submit(page, { username: JO.email, password: JO.password })
      assert.deepEqual([posted.status, posted.left], [400, false])
    }
    const { callback } = await askSilently(spa, victim)
    assert.equal(callback.searchParams.get('error'), 'login_required', 'nobody was signed in by it')
  })

  test('is not signed in to by a form of another site', async () => {
    const person = stage.person()
    const page = await person.visit((await (await stage.spa()).begin()).url)
    const fields = { username: JO.email, password: JO.password }
    for (const origin of ['https://evil.example', 'null', undefined]) {
      const stop = await person.post(page.url, fields, origin)
      assert.deepEqual([stop.status, stop.left], [403, false], String(origin))
    }
    assert.equal(person.cookies.get('latchkey.session'), undefined)
  })
})
