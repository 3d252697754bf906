/** Confirming a new address: from the sign-up page, by mail, to a claim that applications believe. */
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { DAY, MINUTE } from '../../server/kernel/seconds.ts'
import { linkIn, type Mailbox, openMailbox } from '../fixtures/mailbox.ts'
import type { Account, Person, Stop } from '../fixtures/person.ts'
import { applyTo } from '../fixtures/server.ts'
import { onEachStage, signIn } from './stage.ts'
import { TENANT_FILE } from './tenant.ts'

onEachStage('A new address', stage => {
  let mailbox: Mailbox
  before(() => {
    mailbox = openMailbox(stage.server.latchkey)
  })

  let people = 0
  async function signUp(person: Person = stage.person(), parameters = {}): Promise<{ account: Account; link: string }> {
    people += 1
    const account = { email: `new-${people}@example.com`, password: 'umbrella stand in the hall' }
    await person.signUp((await (await stage.spa()).begin(parameters)).url, account)
    return { account, link: linkIn(await mailbox.next(account.email)) }
  }

  /** In a browser that knows nothing of the account. */
  const press = async (link: string | URL, { password }: Pick<Account, 'password'>): Promise<Stop> => {
    const person = stage.person()
    return person.submit(await person.visit(link), { password })
  }

  async function isVerified(account: Account): Promise<unknown> {
    const spa = await stage.spa()
    const { tokens } = await signIn(spa, stage.person(), account)
    return (await spa.userinfo(tokens)).email_verified
  }

  async function changeUser({ email }: Account, changes: object): Promise<void> {
    const { store } = stage.server.latchkey
    const [id = ''] = await store.users.findByAttribute('default', 'email', email, 1)
    assert.equal(await store.users.change('default', id, changes, stage.clock.now()), 'changed')
  }

  test('is confirmed by the button behind the mailed link, and not by opening it', async () => {
    const { account, link } = await signUp()
    for (let look = 0; look < 2; look++) {
      const page = await stage.person().visit(link)
      assert.equal(page.status, 200)
      assert.ok(page.html.includes(account.email))
    }
    assert.equal(await isVerified(account), false)
    const done = await press(link, account)
    assert.equal(done.status, 200)
    assert.match(done.html, /Your address is confirmed/)
    assert.equal(await isVerified(account), true)
  })

  test('is confirmed by the button alone where the account was made, and elsewhere with its password', async () => {
    const person = stage.person()
    const { account, link } = await signUp(person)
    const elsewhere = await stage.person().visit(link)
    for (const [password, says] of [
      ['', /Your password is missing/],
      ['not the password', /not the password of the account/],
    ] as const) {
      const told = await stage.person().submit(elsewhere, { password })
      assert.equal(told.status, 400)
      assert.match(told.html, says)
    }
    assert.equal(await isVerified(account), false)
    const page = await person.visit(link)
    assert.doesNotMatch(page.html, /type="password"/)
    assert.match((await person.submit(page)).html, /Your address is confirmed/)
    assert.equal(await isVerified(account), true)
  })

  test('that is not confirmed yet is sent another link from one’s own page, within the same limits', async () => {
    const person = stage.person()
    const { account } = await signUp(person)
    const own = new URL('account', stage.issuer)
    const ask = async () => {
      const page = await person.visit(own)
      assert.match(page.html, /Your e-mail address is not confirmed yet/)
      return person.submit(page)
    }
    assert.match((await ask()).html, /A new link is on its way/)
    assert.equal((await mailbox.all(account.email)).length, 1, 'one was sent within this minute')
    stage.clock.advance(2 * MINUTE)
    await ask()
    const link = linkIn(await mailbox.next(account.email))
    await person.submit(await person.visit(link))
    const confirmed = await person.visit(own)
    assert.equal(confirmed.status, 200)
    assert.doesNotMatch(confirmed.html, /not confirmed yet/)
  })

  test('confirmed before is said kindly, however often the link is opened or its form sent', async () => {
    const { account, link } = await signUp()
    const person = stage.person()
    const page = await person.visit(link)
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => stage.person().submit(page, { password: account.password })),
    )
    stage.clock.advance(4 * DAY)
    for (const each of [
      ...answers,
      await person.submit(page, { password: account.password }),
      await person.visit(link),
    ]) {
      assert.equal(each.status, 200)
      assert.match(each.html, /Your address is confirmed/)
    }
    const { store } = stage.server.latchkey
    const [user] = await store.users.findByAttribute('default', 'email', account.email, 1)
    const events = await store.events.list('default', { limit: 10_000 })
    const verified = events.filter(({ type, target }) => type === 'user.email-verified' && target?.id === user)
    assert.equal(verified.length, 1)
  })

  test('left too long can be confirmed by a new link, asked for with the old one', async () => {
    const { account, link } = await signUp()
    stage.clock.advance(3 * DAY)
    const person = stage.person()
    const expired = await person.visit(link)
    assert.equal(expired.status, 410)
    assert.match(expired.html, /This link has expired/)
    const sent = await person.submit(expired)
    assert.equal(sent.status, 200)
    assert.match(sent.html, /A new link is on its way/)
    const next = linkIn(await mailbox.next(account.email))
    assert.notEqual(next, link)
    await press(next, account)
    assert.equal(await isVerified(account), true)
  })

  test('is sent no more links than one a minute, and five an hour', async () => {
    const { account, link } = await signUp()
    stage.clock.advance(3 * DAY)
    const person = stage.person()
    const expired = await person.visit(link)
    for (let minute = 0; minute < 8; minute++) {
      for (let ask = 0; ask < 3; ask++) assert.equal((await person.submit(expired)).status, 200)
      stage.clock.advance(MINUTE)
    }
    assert.equal((await mailbox.all(account.email)).length, 1 + 5)
  })

  test('is not confirmed once the account has another, nor by a link that was never made', async () => {
    const { account, link } = await signUp()
    const page = await stage.person().visit(link)
    await changeUser(account, { email: `moved-${account.email}` })
    for (const stop of [
      await stage.person().visit(link),
      await stage.person().submit(page, { password: account.password }),
      await stage.person().visit(new URL('verify-email/never-made', stage.issuer)),
    ]) {
      assert.equal(stop.status, 410)
      assert.match(stop.html, /This link does not work/)
    }
    assert.equal(await isVerified(account), false)
  })

  test('of somebody who was blocked meanwhile is sent nothing', async () => {
    const { account, link } = await signUp()
    await changeUser(account, { blocked: true })
    stage.clock.advance(3 * DAY)
    assert.equal((await press(link, account)).status, 200)
    assert.equal((await mailbox.all(account.email)).length, 1)
  })

  test('of an account that the operator made is mailed nothing', async () => {
    await applyTo(stage.server.latchkey, { users: [{ email: 'made@example.com', password: 'given by the operator' }] })
    assert.deepEqual(await mailbox.all('made@example.com'), [])
  })

  test('is written to in the language that the application wished', async () => {
    const person = stage.person()
    const { account } = await signUp(person, { ui_locales: 'ko' })
    const [mail] = await mailbox.all(account.email)
    assert.equal(mail?.subject, 'Latchkey 이메일 인증')
    assert.match(mail?.text ?? '', /3일 동안/)
  })

  test('that is taken is mailed nothing', async () => {
    const { account } = await signUp()
    const person = stage.person()
    const signInPage = await person.visit((await (await stage.spa()).begin()).url)
    const page = await person.visit(new URL(`${signInPage.url.pathname}/sign-up`, stage.issuer))
    assert.equal((await person.submit(page, { ...account })).status, 409)
    assert.equal((await mailbox.all(account.email)).length, 1)
  })

  test('that is not confirmed opens no application that wants it so, and does as soon as it is', async () => {
    const [spa] = TENANT_FILE.clients.filter(({ client_id }) => client_id === 'spa')
    const restrict = (require_verified_email: boolean) =>
      applyTo(stage.server.latchkey, { clients: [{ ...spa, require_verified_email }] })
    await restrict(true)
    try {
      const application = await stage.spa()
      const person = stage.person()
      people += 1
      const account = { email: `new-${people}@example.com`, password: 'umbrella stand in the hall' }
      const signInPage = await person.visit((await application.begin()).url)
      const form = await person.visit(new URL(`${signInPage.url.pathname}/sign-up`, stage.issuer))
      const told = await person.submit(form, account)
      assert.equal(told.left, false)
      assert.match(told.html, /Confirm your address first/)
      assert.match(told.html, new RegExp(account.email))

      const silent = await person.visit((await application.begin({ prompt: 'none' })).url)
      assert.equal(silent.url.searchParams.get('error'), 'access_denied')
      assert.match(silent.url.searchParams.get('error_description') ?? '', /verify your email/)
      assert.match((await person.visit(told.url)).html, /Confirm your address first/)

      const link = linkIn(await mailbox.next(account.email))
      await person.submit(await person.visit(link))
      const gone = await person.visit(new URL(told.url.pathname, stage.issuer))
      assert.equal(gone.left, true)
      assert.ok(gone.url.searchParams.has('code'))
    } finally {
      await restrict(false)
    }
  })
})
