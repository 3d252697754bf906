/** A tenant that makes accounts by mail (`signup: verify-first`): the page tells nobody whether an address has one, its mailbox does. */
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { DAY, MINUTE } from '../../server/kernel/seconds.ts'
import { linkIn, type Mailbox, openMailbox } from '../fixtures/mailbox.ts'
import type { Account, Person, Stop } from '../fixtures/person.ts'
import { applyTo } from '../fixtures/server.ts'
import { onEachStage, signIn } from './stage.ts'
import { JO } from './tenant.ts'

onEachStage('An account that is made by mail', stage => {
  let mailbox: Mailbox
  before(async () => {
    mailbox = openMailbox(stage.server.latchkey)
    await applyTo(stage.server.latchkey, { tenant: { signup: 'verify-first' } })
  })

  let people = 0
  const someone = (): Account => {
    people += 1
    return { email: `newcomer-${people}@example.com`, password: 'umbrella stand in the hall' }
  }

  async function signUp({ email, password }: Account, person: Person = stage.person()): Promise<Stop> {
    const begun = await (await stage.spa()).begin()
    const { url } = await person.visit(begun.url)
    return person.submit(await person.visit(new URL(`${url.pathname}/sign-up`, stage.issuer)), { email, password })
  }
  /** What the sign-in page says to a password; nothing where it was right. */
  async function problemOf({ email, password }: Account): Promise<string | undefined> {
    const person = stage.person()
    const stop = await person.submit(await person.visit((await (await stage.spa()).begin()).url), {
      username: email,
      password,
    })
    return stop.left ? undefined : /role="alert"[^>]*>(.*?)<\/div>/s.exec(stop.html)?.[1]
  }
  const isThere = async ({ email }: Account) =>
    (await stage.server.latchkey.store.users.findByAttribute('default', 'email', email, 1)).length === 1

  test('is told of alike whether there is one already, and can be signed in to only once its mail was read', async () => {
    const account = someone()
    const taken = { email: JO.email, password: account.password }
    const pages = [await signUp(account), await signUp(taken)]
    const [free, other] = pages.map(({ status, html, headers }) => ({
      status,
      html: html.replaceAll(account.email, '…').replaceAll(JO.email, '…'),
      cookies: headers.getSetCookie().length,
    }))
    assert.deepEqual(free, other)
    assert.match(String(free?.html), /Check your e-mail/)
    assert.equal(await problemOf(account), await problemOf(taken))
    assert.ok(await problemOf(account))
    assert.equal(await isThere(account), false)

    const told = await mailbox.next(JO.email)
    assert.match(told.subject, /You have an account/)
    assert.equal(linkIn(told), `${stage.issuer}forgot-password`)
    assert.equal(await problemOf(JO), undefined, 'with the password that it always had')
    assert.match((await mailbox.next(account.email)).subject, /Finish making your account/)
  })

  test('is made by the button where it was begun, with an address that is confirmed, and never twice', async () => {
    const [account, person] = [someone(), stage.person()]
    await signUp(account, person)
    const link = linkIn(await mailbox.next(account.email))
    const page = await person.visit(link)
    assert.doesNotMatch(page.html, /type="password"/)
    assert.equal(await isThere(account), false, 'opening the link makes nothing')
    for (const done of [await person.submit(page), await person.submit(page), await stage.person().visit(link)])
      assert.match(done.html, /Your address is confirmed/)
    const spa = await stage.spa()
    const { tokens } = await signIn(spa, stage.person(), account)
    assert.equal((await spa.userinfo(tokens)).email_verified, true)
  })

  test('is made elsewhere with its password alone, which is tried ten times', async () => {
    for (const [tries, isMade] of [
      [1, true],
      [10, false],
    ] as const) {
      const account = someone()
      await signUp(account)
      const elsewhere = stage.person()
      const page = await elsewhere.visit(linkIn(await mailbox.next(account.email)))
      assert.equal((await elsewhere.submit(page)).status, 400)
      for (let wrong = 0; wrong < tries; wrong++)
        assert.ok((await elsewhere.submit(page, { password: `wrong ${wrong}` })).status >= 400)
      assert.equal((await elsewhere.submit(page, { password: account.password })).status, isMade ? 200 : 410)
      assert.equal(await isThere(account), isMade)
    }
  })

  test('is not made by a form of another site, by a link that is too old, nor over an account that was made since', async () => {
    const [account, person] = [someone(), stage.person()]
    await signUp(account, person)
    const link = linkIn(await mailbox.next(account.email))
    assert.equal((await person.post(link, {}, 'https://evil.example')).status, 403)
    await applyTo(stage.server.latchkey, { users: [{ email: account.email, password: 'another lighthouse keeper' }] })
    assert.equal((await person.submit(await person.visit(link))).status, 410)
    assert.equal(await problemOf({ ...account, password: 'another lighthouse keeper' }), undefined)

    const late = someone()
    await signUp(late, person)
    const over = linkIn(await mailbox.next(late.email))
    stage.clock.advance(DAY + MINUTE)
    assert.equal((await person.visit(over)).status, 410)
    assert.equal(await isThere(late), false)
  })

  test('that an application asks for is told of alike too, and is not made by asking', async () => {
    const account = someone()
    const said = { given_name: 'New', name: 'New Comer', picture: 'https://a.example/p.png' }
    const userMetadata = { plan: 'gold' }
    const ask = async (email: string) => {
      const connection = 'Username-Password-Authentication'
      const response = await fetch(new URL('dbconnections/signup', stage.issuer), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ client_id: 'spa', connection, ...account, ...said, user_metadata: userMetadata, email }),
      })
      return { status: response.status, body: await response.json() }
    }
    stage.clock.advance(DAY)
    const [free, taken] = [await ask(account.email), await ask(JO.email)]
    assert.deepEqual(free, taken)
    assert.deepEqual([free.status, (free.body as { code: string }).code], [400, 'invalid_signup'])
    assert.equal(await isThere(account), false)
    const letter = await mailbox.next(account.email)
    assert.match(letter.subject, /Finish making your account/)
    assert.match((await mailbox.next(JO.email)).subject, /You have an account/)

    // What the application said of the person waits with the password.
    const person = stage.person()
    await person.submit(await person.visit(linkIn(letter)), { password: account.password })
    const { users } = stage.server.latchkey.store
    const [id = ''] = await users.findByAttribute('default', 'email', account.email, 1)
    const made = await users.find('default', id)
    assert.partialDeepStrictEqual(made, { profile: said, userMetadata, emailVerified: true })
  })

  test('is made at once again when the tenant says so', async () => {
    await applyTo(stage.server.latchkey, { tenant: { signup: 'immediate' } })
    const account = someone()
    assert.ok((await signUp(account)).left)
    assert.equal(await isThere(account), true)
  })
})
