/** A person's own page: where they are signed in, what applications may do, and the end of either. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as oidc from 'openid-client'
import { DAY, MINUTE, SECOND } from '../../server/kernel/seconds.ts'
import type { Application, Begun, Tokens } from '../fixtures/application.ts'
import { readForms } from '../fixtures/html-form.ts'
import { type Account, createPerson, departure, type Person, type Stop } from '../fixtures/person.ts'
import { askSilently, onEachStage, signIn, userinfoStatus } from './stage.ts'
import { JO, SECRETS, VIDEOS } from './tenant.ts'

const TENANT = 'default'
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0'
const SAFARI =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1'

onEachStage('A person’s own page', stage => {
  const stranger = () => stage.application('stranger', { authentication: oidc.ClientSecretPost(SECRETS.stranger) })
  const home = () => new URL(stage.issuer).origin
  const at = (path: string) => new URL(path, stage.issuer)
  const personWith = (userAgent: string) => createPerson(stage.issuer, { 'user-agent': userAgent })

  let people = 0
  /** Somebody new, signed in to the player in a browser of theirs. */
  async function arriving(person = personWith(FIREFOX)) {
    people += 1
    const account = { email: `owner-${people}@example.com`, password: 'a passphrase of an owner' }
    const spa = await stage.spa()
    const begun = await spa.begin({ scope: 'openid email' })
    const tokens = await spa.finish(await person.signUp(begun.url, account), begun)
    return { person, account, spa, tokens, user: tokens.claims()?.sub ?? '' }
  }

  const open = (person: Person): Promise<Stop> => person.visit(at('account'))
  /** What the page's forms say of themselves, and the buttons that name something. */
  const acting = (page: Stop): string => readForms(page.html)[0]?.fields['account'] ?? ''
  const named = (page: Stop, name: 'session' | 'client'): string[] =>
    [...page.html.matchAll(new RegExp(`name="${name}" value="([^"]+)"`, 'g'))].map(([, value = '']) => value)
  const act = (person: Person, page: Stop, path: string, fields: Record<string, string> = {}, origin = home()) =>
    person.post(at(`account/${path}`), { account: acting(page), ...fields }, origin)

  const answersSilently = async (spa: Application, person: Person) =>
    (await askSilently(spa, person, { scope: 'openid' })).callback.searchParams.has('code')

  /** Given to somebody else's application, for as long as the person is away. */
  async function allow(person: Person): Promise<{ application: Application; begun: Begun; tokens: Tokens }> {
    const application = await stranger()
    const scope = 'openid email offline_access read:videos'
    const begun = await application.begin({ scope, audience: VIDEOS })
    const page = await person.visit(begun.url)
    const tokens = await application.finish(departure(await person.submit(page, { decision: 'allow' })), begun)
    return { application, begun, tokens }
  }

  const events = async (user: string): Promise<string[]> => {
    const types: string[] = []
    let after: string | undefined
    for (;;) {
      const page = await stage.server.latchkey.store.events.list(TENANT, { limit: 500, ...(after && { after }) })
      types.push(...page.filter(({ actor }) => actor.id === user).map(({ type }) => type))
      after = page.at(-1)?.id
      if (page.length < 500) return types
    }
  }

  test('says who they are, under the tenant’s name', async () => {
    const { person, account } = await arriving()
    const page = await open(person)
    assert.deepEqual([page.status, page.left, page.url.pathname], [200, false, '/account'])
    assert.ok(page.html.includes(account.email))
    assert.equal(page.headers.get('cross-origin-opener-policy'), null)
  })

  test('leads whoever is not signed in to the sign-in page, and back', async () => {
    const { account } = await arriving()
    const person = stage.person()
    const form = await open(person)
    assert.match(form.url.pathname, /^\/login\//)
    const page = await person.submit(form, { username: account.email, password: account.password })
    assert.deepEqual([page.url.pathname, page.status], ['/account', 200])
    assert.ok(page.html.includes(account.email))
  })

  test('asks for a way in that leads to no application, and that no other browser can take', async () => {
    const { person, account } = await arriving()
    const other = stage.person()
    const form = await open(other)
    const asAnswer = await other.visit(at(form.url.pathname.replace('/login/', '/authorize/')))
    assert.deepEqual([asAnswer.status, asAnswer.left], [400, false])
    await person.visit((await (await stage.spa()).begin({ prompt: 'login' })).url)
    assert.equal((await person.visit(form.url)).status, 400)
    const posted = await person.submit(form, { username: account.email, password: account.password })
    assert.equal(posted.status, 400)
    for (const query of ['?redirect_uri=https://evil.example/', '?returnTo=https://evil.example/']) {
      const person = stage.person()
      const stop = await person.submit(await person.visit(at(`account${query}`)), {
        username: account.email,
        password: account.password,
      })
      assert.equal(stop.url.href, at('account').href)
    }
  })

  test('asks for the password again a day after it was given, of the account that is there', async () => {
    const { person, account } = await arriving()
    stage.clock.advance(DAY + SECOND)
    const form = await open(person)
    assert.equal(readForms(form.html)[0]?.fields['username'], account.email)
    const page = await person.submit(form, { username: account.email, password: account.password })
    assert.equal(page.url.pathname, '/account')
  })

  test('can be that of another account of this browser', async () => {
    const { person, account: first } = await arriving()
    const { account: second } = await arriving(stage.person())
    const spa = await stage.spa()
    await signIn(spa, person, second, { prompt: 'login' })
    assert.ok((await open(person)).html.includes(second.email))
    const chooser = await person.visit(at('account/choose'))
    const [, session = ''] =
      new RegExp(`value="([^"]+)">(?:(?!</button>).)*${first.email}`, 's').exec(chooser.html) ?? []
    const page = await person.submit(chooser, { session })
    assert.equal(page.url.pathname, '/account')
    assert.ok(page.html.includes(first.email) && !page.html.includes(second.email))
  })

  test('lists every browser they are signed in in, this one first, by what each calls itself', async () => {
    const { person, account, spa } = await arriving()
    const phone = personWith(SAFARI)
    stage.clock.advance(2 * MINUTE)
    await signIn(spa, phone, account)
    for (const [here, expected] of [
      [person, ['Firefox · Linux', 'Safari · iPhone']],
      [phone, ['Safari · iPhone', 'Firefox · Linux']],
    ] as const) {
      const page = await open(here)
      const devices = [...page.html.matchAll(/id="session-\d+">\s*<strong>([^<]+)</g)].map(([, device]) => device)
      assert.deepEqual(devices, expected)
      assert.equal(named(page, 'session')[0], acting(page))
    }
  })

  test('signs out one of them, with its tokens, and leaves the others', async () => {
    const { person, account, spa, tokens, user } = await arriving()
    const phone = stage.person()
    const elsewhere = await signIn(spa, phone, account, { scope: 'openid email' })
    const page = await open(person)
    const [, other = ''] = named(page, 'session')
    const after = await act(person, page, 'sign-out', { session: other })
    assert.deepEqual([after.url.pathname, named(after, 'session').length], ['/account', 1])
    assert.equal(await answersSilently(spa, phone), false)
    assert.equal(await userinfoStatus(stage.issuer, elsewhere.tokens.access_token), 401)
    assert.equal(await answersSilently(spa, person), true)
    assert.equal(await userinfoStatus(stage.issuer, tokens.access_token), 200)
    assert.equal((await events(user)).filter(type => type === 'session.ended').length, 1)
  })

  test('signs out this one, and takes its cookie away when nobody else is there', async () => {
    const { person, spa, tokens } = await arriving()
    const page = await open(person)
    const after = await act(person, page, 'sign-out', { session: acting(page) })
    assert.equal(after.url.pathname, '/signed-out')
    assert.equal(person.cookies.get('latchkey.session'), undefined)
    assert.equal(await answersSilently(spa, person), false)
    assert.equal(await userinfoStatus(stage.issuer, tokens.access_token), 401)
  })

  test('signs out all others', async () => {
    const { person, account, spa } = await arriving()
    const others = [stage.person(), stage.person()]
    for (const other of others) await signIn(spa, other, account)
    const after = await act(person, await open(person), 'sign-out-others')
    assert.equal(named(after, 'session').length, 1)
    assert.doesNotMatch(after.html, /sign-out-others/)
    for (const other of others) assert.equal(await answersSilently(spa, other), false)
    assert.equal(await answersSilently(spa, person), true)
  })

  test('signs out everywhere, says so, and ends what applications hold while the person is away', async () => {
    const { person, account, spa, tokens, user } = await arriving()
    const phone = stage.person()
    const offline = await signIn(spa, phone, account)
    const allowed = await allow(person)
    const after = await act(person, await open(person), 'sign-out-everywhere')
    assert.deepEqual([after.status, after.left], [200, false])
    assert.match(after.html, /<h1>You are signed out everywhere<\/h1>/)
    assert.equal(person.cookies.get('latchkey.session'), undefined)
    for (const other of [person, phone]) assert.equal(await answersSilently(spa, other), false)
    for (const { access_token } of [tokens, offline.tokens, allowed.tokens])
      assert.equal(await userinfoStatus(stage.issuer, access_token), 401)
    await assert.rejects(spa.refresh(offline.tokens.refresh_token ?? ''), { error: 'invalid_grant' })
    await assert.rejects(allowed.application.refresh(allowed.tokens.refresh_token ?? ''), { error: 'invalid_grant' })
    assert.ok((await events(user)).includes('user.signed-out-everywhere'))

    const again = await signIn(spa, person, account, { scope: 'openid email' })
    assert.equal(await userinfoStatus(stage.issuer, again.tokens.access_token), 200)
    assert.match((await act(person, after, 'sign-out-everywhere')).url.pathname, /^\/account$/, 'nothing to act for')
    assert.equal(await userinfoStatus(stage.issuer, again.tokens.access_token), 200)
  })

  test('names the applications that were allowed something, in words, and those that stay signed in', async () => {
    const { person, account, spa } = await arriving()
    const nothing = await open(person)
    assert.match(nothing.html, /No application has access/)
    await allow(person)
    const page = await open(person)
    assert.deepEqual(named(page, 'client'), ['stranger'])
    for (const text of ['Film Club', 'Videos', 'See your films', 'See your e-mail address', 'Stays signed in'])
      assert.ok(page.html.includes(text), text)
    await signIn(spa, person, account, { prompt: 'login' })
    assert.deepEqual(named(await open(person), 'client'), ['stranger', 'spa'])
  })

  test('takes back what an application was allowed: its tokens end at once, and it has to ask again', async () => {
    const { person, tokens: own, user } = await arriving()
    const { application, tokens } = await allow(person)
    const unredeemed = await askSilently(application, person, { scope: 'openid email' })
    assert.equal(await userinfoStatus(stage.issuer, tokens.access_token), 200)
    const head = await stage.server.latchkey.store.revocations.head()

    const after = await act(person, await open(person), 'withdraw', { client: 'stranger' })
    assert.deepEqual([after.url.pathname, named(after, 'client')], ['/account', []])
    assert.equal(await userinfoStatus(stage.issuer, tokens.access_token), 401)
    await assert.rejects(application.refresh(tokens.refresh_token ?? ''), { error: 'invalid_grant' })
    await assert.rejects(application.finish(unredeemed.callback, unredeemed.begun), { error: 'invalid_grant' })
    const { callback } = await askSilently(application, person, { scope: 'openid email' })
    assert.equal(callback.searchParams.get('error'), 'consent_required')
    assert.equal(await userinfoStatus(stage.issuer, own.access_token), 200, 'other applications keep what they have')

    const logged = await stage.server.latchkey.store.revocations.after(head, 10)
    assert.deepEqual(
      logged.map(({ kind }) => kind),
      ['authorization', 'authorization'],
    )
    assert.ok(logged.some(({ id }) => decodedId(tokens.access_token).startsWith(`${id}.`)))
    assert.equal((await events(user)).filter(type => type === 'consent.withdrawn').length, 1)

    const again = await allow(person)
    assert.equal(await userinfoStatus(stage.issuer, again.tokens.access_token), 200, 'allowed again, it counts again')
    assert.ok((await application.refresh(again.tokens.refresh_token ?? '')).access_token)
  })

  test('takes it back from an application that asks again in the same moment', async () => {
    const { person } = await arriving()
    for (let round = 0; round < 8; round++) {
      const { application } = await allow(person)
      const page = await open(person)
      const asked = Array.from({ length: 6 }, () => askSilently(application, person, { scope: 'openid email' }))
      const [answers] = await Promise.all([Promise.all(asked), act(person, page, 'withdraw', { client: 'stranger' })])
      for (const { begun, callback } of answers)
        await assert.rejects(application.finish(callback, begun), error =>
          ['invalid_grant', 'consent_required'].includes((error as { error: string }).error),
        )
    }
  })

  test('ends the access of one of the operator’s own applications that stays signed in', async () => {
    const { person, account, spa } = await arriving()
    const { tokens } = await signIn(spa, person, account, { prompt: 'login' })
    await act(person, await open(person), 'withdraw', { client: 'spa' })
    await assert.rejects(spa.refresh(tokens.refresh_token ?? ''), { error: 'invalid_grant' })
    assert.equal(await userinfoStatus(stage.issuer, tokens.access_token), 401)
    assert.deepEqual(named(await open(person), 'client'), [])
  })

  test('ends nothing of anybody else’s', async () => {
    const { person } = await arriving()
    const victim = await arriving()
    const allowed = await allow(victim.person)
    const theirs = acting(await open(victim.person))
    const page = await open(person)
    await act(person, page, 'sign-out', { session: theirs })
    await act(person, page, 'withdraw', { client: 'stranger' })
    for (const path of ['sign-out', 'sign-out-others', 'sign-out-everywhere', 'withdraw'])
      await act(person, page, path, { account: theirs, session: theirs, client: 'stranger' })
    assert.equal(await answersSilently(victim.spa, victim.person), true)
    assert.equal(await userinfoStatus(stage.issuer, victim.tokens.access_token), 200)
    assert.equal(await userinfoStatus(stage.issuer, allowed.tokens.access_token), 200)
  })

  test('acts for whom it was shown to, also when another account has become the current one', async () => {
    const { person, account: first, spa, tokens } = await arriving()
    const { account: second } = await arriving(stage.person())
    const page = await open(person)
    stage.clock.advance(SECOND)
    const other = await signIn(spa, person, second, { prompt: 'login', scope: 'openid email' })
    await act(person, page, 'sign-out-everywhere')
    assert.equal(await userinfoStatus(stage.issuer, tokens.access_token), 401, first.email)
    assert.equal(await userinfoStatus(stage.issuer, other.tokens.access_token), 200, second.email)
    assert.equal(await answersSilently(spa, person), true, 'the cookie still opens the other account')
  })

  test('does nothing that a form of another site asks for, nor one that says a thing twice', async () => {
    const { person, tokens } = await arriving()
    const allowed = await allow(person)
    const page = await open(person)
    const fields = { account: acting(page), session: acting(page), client: 'stranger' }
    for (const path of ['sign-out', 'sign-out-others', 'sign-out-everywhere', 'withdraw']) {
      for (const origin of ['https://evil.example', 'null', undefined])
        assert.equal((await person.post(at(`account/${path}`), fields, origin)).status, 403, `${path} ${origin}`)
      const twice = await fetch(at(`account/${path}`), {
        method: 'POST',
        body: new URLSearchParams([...Object.entries(fields), ['account', acting(page)]]),
        headers: { origin: home(), cookie: person.cookies.header() ?? '' },
        redirect: 'manual',
      })
      assert.equal(twice.status, 400, path)
    }
    for (const { access_token } of [tokens, allowed.tokens])
      assert.equal(await userinfoStatus(stage.issuer, access_token), 200)
  })

  test('is not signed in to by a form of another site', async () => {
    const account: Account = JO
    const person = stage.person()
    const form = await open(person)
    const stop = await person.post(
      form.url,
      { username: account.email, password: account.password },
      'https://evil.example',
    )
    assert.equal(stop.status, 403)
    assert.equal(person.cookies.get('latchkey.session'), undefined)
  })
})

const decodedId = (token: string): string =>
  String(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).jti)
