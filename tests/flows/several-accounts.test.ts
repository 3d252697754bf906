/** Several accounts in one browser: which of them a request means, and how a person says so. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as oidc from 'openid-client'
import { MINUTE, SECOND } from '../../server/kernel/seconds.ts'
import { readForms } from '../fixtures/html-form.ts'
import { type Account, departure, type Person, type Stop } from '../fixtures/person.ts'
import { askSilently, onEachStage, signIn } from './stage.ts'
import { ANN, JO, SECRETS } from './tenant.ts'

onEachStage('Several accounts in one browser', stage => {
  const TENANT = 'default'

  /** Signed in as Jo first, and then as Ann, who is the current one. */
  async function both() {
    const person = stage.person()
    const spa = await stage.spa()
    const jo = await signIn(spa, person, JO)
    stage.clock.advance(SECOND)
    const ann = await signIn(spa, person, ANN, { prompt: 'login' })
    stage.clock.advance(SECOND)
    return { person, spa, jo: jo.tokens, ann: ann.tokens }
  }

  let people = 0
  async function newcomer(person: Person): Promise<Account> {
    people += 1
    const account = { email: `several-${people}@example.com`, password: 'a passphrase of a newcomer' }
    await person.signUp((await (await stage.spa()).begin({ prompt: 'login' })).url, account)
    return account
  }

  /** The accounts on a chooser, in their order: address → session. */
  const accountsOn = ({ html }: Stop): Map<string, string> =>
    new Map(
      [...html.matchAll(/name="session" value="([^"]+)">(.*?)<\/button>/gs)].map(([, session = '', content = '']) => [
        /[\w.-]+@example\.com/.exec(content)?.[0] ?? '',
        session,
      ]),
    )

  const choose = (person: Person, page: Stop, { email }: Account): Promise<Stop> =>
    person.submit(page, { session: accountsOn(page).get(email) ?? '' })

  const link = (page: Stop, path: RegExp): URL => {
    const [, href] = new RegExp(`href="(/login/[^"?]*${path.source})"`).exec(page.html) ?? []
    assert.ok(href, `There is no link to ${path} on ${page.url.pathname}`)
    return new URL(href, stage.issuer)
  }

  test('select_account shows who is signed in, the current one first, and answers for the one chosen', async () => {
    const { person, spa, jo } = await both()
    const begun = await spa.begin({ prompt: 'select_account' })
    const page = await person.visit(begun.url)
    assert.deepEqual([...accountsOn(page).keys()], [ANN.email, JO.email])
    const tokens = await spa.finish(departure(await choose(person, page, JO)), begun)
    assert.equal(tokens.claims()?.sub, jo.claims()?.sub)
    assert.equal(tokens.claims()?.auth_time, jo.claims()?.auth_time, 'nobody proved anything anew')
  })

  test('the account chosen is the one that is meant silently from then on', async () => {
    const { person, spa, jo, ann } = await both()
    const subject = async () => {
      const { begun, callback } = await askSilently(spa, person)
      return (await spa.finish(callback, begun)).claims()?.sub
    }
    assert.equal(await subject(), ann.claims()?.sub)
    const page = await person.visit((await spa.begin({ prompt: 'select_account' })).url)
    departure(await choose(person, page, JO))
    assert.equal(await subject(), jo.claims()?.sub)
  })

  test('renewing in the background for one account does not change which one is meant', async () => {
    const { person, spa, jo, ann } = await both()
    stage.clock.advance(2 * MINUTE)
    const hinted = await askSilently(spa, person, { id_token_hint: jo.id_token ?? '' })
    assert.equal((await spa.finish(hinted.callback, hinted.begun)).claims()?.sub, jo.claims()?.sub)
    const { begun, callback } = await askSilently(spa, person)
    assert.equal((await spa.finish(callback, begun)).claims()?.sub, ann.claims()?.sub)
  })

  test('login_hint means the account with that address, and prompt=none takes it', async () => {
    const { person, spa, jo, ann } = await both()
    for (const [hint, expected] of [
      [JO.email.toUpperCase(), jo],
      ['nobody@example.com', ann],
    ] as const) {
      const { begun, callback } = await askSilently(spa, person, { login_hint: hint })
      assert.equal((await spa.finish(callback, begun)).claims()?.sub, expected.claims()?.sub)
    }
  })

  test('one account is shown as well, and none is a sign-in', async () => {
    const person = stage.person()
    const spa = await stage.spa()
    const asked = { prompt: 'select_account' }
    const none = await person.visit((await spa.begin(asked)).url)
    assert.ok(readForms(none.html)[0]?.fields['username'] !== undefined)
    departure(await person.submit(none, { username: JO.email, password: JO.password }))
    const one = await person.visit((await spa.begin(asked)).url)
    assert.deepEqual([...accountsOn(one).keys()], [JO.email])
  })

  test('a choice is for its own request: another one asks again', async () => {
    const { person, spa } = await both()
    const [first, second] = [
      await spa.begin({ prompt: 'select_account' }),
      await spa.begin({ prompt: 'select_account' }),
    ]
    const [one, other] = [await person.visit(first.url), await person.visit(second.url)]
    departure(await choose(person, one, JO))
    const still = await person.visit(other.url)
    assert.deepEqual([...accountsOn(still).keys()], [JO.email, ANN.email])
  })

  test('another account signs in on the way, and is the one answered for', async () => {
    const { person, spa } = await both()
    const guest = await newcomer(stage.person())
    const begun = await spa.begin({ prompt: 'select_account', login_hint: JO.email })
    const page = await person.visit(begun.url)
    const form = await person.visit(link(page, /\?sign-in/))
    assert.equal(readForms(form.html)[0]?.fields['username'], '', 'it is to be another account')
    const back = await person.visit(link(form, /\/choose-account/))
    const [, korean = ''] = /href="([^"]*language=ko[^"]*)"/.exec(form.html.replaceAll('&amp;', '&')) ?? []
    const inKorean = await person.visit(new URL(korean, form.url))
    assert.ok(readForms(inKorean.html)[0]?.fields['username'] !== undefined, 'another language is the same page')
    await person.visit(new URL('?language=en', form.url))
    assert.deepEqual([...accountsOn(back).keys()], [ANN.email, JO.email])

    const wrong = await person.submit(form, { username: guest.email, password: 'not the passphrase' })
    link(wrong, /\/choose-account/)
    const right = await person.submit(form, { username: guest.email, password: guest.password })
    assert.equal((await spa.finish(departure(right), begun)).claims()?.['email'], guest.email)
  })

  test('prompt=login is a sign-in whoever is there, and no choice gets around it', async () => {
    const { person, spa } = await both()
    for (const prompt of ['login', 'login select_account']) {
      const page = await person.visit((await spa.begin({ prompt })).url)
      assert.ok(readForms(page.html)[0]?.fields['username'] !== undefined, prompt)
      assert.doesNotMatch(page.html, /choose-account/)
      const chooser = await person.visit(new URL(`${page.url.pathname}/choose-account`, stage.issuer))
      const chosen = await choose(person, chooser, JO)
      assert.deepEqual([chosen.left, readForms(chosen.html)[0]?.fields['username']], [false, JO.email])
    }
  })

  test('a chosen account whose proof is older than max_age proves itself again', async () => {
    const { person, spa } = await both()
    stage.clock.advance(MINUTE)
    await signIn(spa, person, ANN, { prompt: 'login' })
    const begun = await spa.begin({ prompt: 'select_account', max_age: '30' })
    const page = await choose(person, await person.visit(begun.url), JO)
    assert.equal(readForms(page.html)[0]?.fields['username'], JO.email)
    const callback = departure(await person.submit(page, { username: JO.email, password: JO.password }))
    assert.equal((await spa.finish(callback, begun)).claims()?.['email'], JO.email)
  })

  test('id_token_hint leaves no other account to choose', async () => {
    const { person, spa, jo } = await both()
    const begun = await spa.begin({ prompt: 'select_account', id_token_hint: jo.id_token ?? '' })
    const page = await person.visit(begun.url)
    assert.deepEqual([...accountsOn(page).keys()], [JO.email])
    const others = await person.visit((await spa.begin({ prompt: 'select_account' })).url)
    const refused = await person.submit(page, { session: accountsOn(others).get(ANN.email) ?? '' })
    assert.deepEqual([refused.status, refused.left], [400, false])
  })

  test('a session of another browser, or of none, cannot be chosen', async () => {
    const { person, spa, ann } = await both()
    const victim = stage.person()
    await signIn(spa, victim, JO)
    const theirs =
      accountsOn(await victim.visit((await spa.begin({ prompt: 'select_account' })).url)).get(JO.email) ?? ''
    assert.ok(theirs)
    const page = await person.visit((await spa.begin({ prompt: 'select_account' })).url)
    for (const session of [theirs, 'ses_unknown', '']) {
      const refused = await person.submit(page, { session })
      assert.deepEqual([refused.status, refused.left], [400, false], session)
      assert.match(refused.html, /role="alert"/)
    }
    const { begun, callback } = await askSilently(spa, person)
    assert.equal((await spa.finish(callback, begun)).claims()?.sub, ann.claims()?.sub)
  })

  test('no other site and no other browser chooses', async () => {
    const { person, spa, ann } = await both()
    const page = await person.visit((await spa.begin({ prompt: 'select_account' })).url)
    const session = accountsOn(page).get(JO.email) ?? ''
    const action = new URL(`${page.url.pathname}/choose-account`, stage.issuer)
    for (const origin of ['https://evil.example', 'null', undefined])
      assert.equal((await person.post(action, { session }, origin)).status, 403, String(origin))
    const elsewhere = stage.person()
    await signIn(spa, elsewhere, JO)
    assert.equal((await elsewhere.visit(action)).status, 400)
    assert.equal((await elsewhere.submit(page, { session })).status, 400)
    const { begun, callback } = await askSilently(spa, person)
    assert.equal((await spa.finish(callback, begun)).claims()?.sub, ann.claims()?.sub)
  })

  test('whoever is blocked or was signed out everywhere is not among the accounts', async () => {
    const { person, spa } = await both()
    const { users } = stage.server.latchkey.store
    const [blocked, gone] = [await newcomer(person), await newcomer(person)]
    const idOf = async ({ email }: Account) => (await users.findByAttribute(TENANT, 'email', email, 1))[0] ?? ''
    const shown = async () =>
      [...accountsOn(await person.visit((await spa.begin({ prompt: 'select_account' })).url)).keys()].sort()
    assert.deepEqual(await shown(), [ANN.email, JO.email, blocked.email, gone.email].sort())
    await users.change(TENANT, await idOf(blocked), { blocked: true }, stage.clock.now())
    await users.raiseEpoch(TENANT, await idOf(gone))
    assert.deepEqual(await shown(), [ANN.email, JO.email].sort())
  })

  test('each time somebody proves who they are is noted of them alone: when, from where, and how often', async () => {
    const { users } = stage.server.latchkey.store
    const person = stage.person()
    const guest = await newcomer(person)
    const [id = ''] = await users.findByAttribute(TENANT, 'email', guest.email, 1)
    const noted = async () => (await users.find(TENANT, id)) ?? assert.fail()
    const first = await noted()
    assert.deepEqual([first.loginsCount, first.lastIp], [1, '127.0.0.1'])
    stage.clock.advance(SECOND)
    const spa = await stage.spa()
    await signIn(spa, person, JO, { prompt: 'login' })
    await askSilently(spa, person)
    assert.deepEqual(await noted(), first)
    await signIn(spa, person, guest, { prompt: 'login' })
    const second = await noted()
    assert.ok((second.lastLoginAt ?? 0) - (first.lastLoginAt ?? 0) >= SECOND)
    assert.deepEqual(second, { ...first, loginsCount: 2, lastLoginAt: second.lastLoginAt })
  })

  test('from the consent page there is a way to another account, who is asked instead', async () => {
    const stranger = await stage.application('stranger', { authentication: oidc.ClientSecretPost(SECRETS.stranger) })
    const person = stage.person()
    const guest = await newcomer(person)

    const alone = await person.visit((await stranger.begin({ scope: 'openid' })).url)
    assert.ok(alone.html.includes(guest.email))
    const form = await person.visit(link(alone, /\?sign-in/))
    assert.ok(readForms(form.html)[0]?.fields['username'] !== undefined, 'nobody else is here to be chosen')

    const other = await newcomer(person)
    const begun = await stranger.begin({ scope: 'openid email', prompt: 'consent' })
    const page = await person.visit(begun.url)
    assert.ok(page.html.includes(other.email))
    const chooser = await person.visit(link(page, /\/choose-account/))
    const asked = await choose(person, chooser, guest)
    assert.ok(asked.html.includes(guest.email) && !asked.html.includes(other.email))
    const tokens = await stranger.finish(departure(await person.submit(asked, { decision: 'allow' })), begun)
    assert.equal(tokens.claims()?.['email'], guest.email)
  })
})
