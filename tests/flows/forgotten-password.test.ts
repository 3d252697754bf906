/** A forgotten password: from the page that asks for an address, by mail, to a new password and on to the application. */
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { HOUR, MINUTE } from '../../server/kernel/seconds.ts'
import { linkIn, type Mailbox, openMailbox } from '../fixtures/mailbox.ts'
import { type Account, departure, type Person, type Stop } from '../fixtures/person.ts'
import { applyTo } from '../fixtures/server.ts'
import { askSilently, onEachStage, signIn, userinfoStatus } from './stage.ts'

const NEW_PASSWORD = 'a kettle on the windowsill'

onEachStage('A forgotten password', stage => {
  let mailbox: Mailbox
  before(() => {
    mailbox = openMailbox(stage.server.latchkey)
  })

  /** Somebody new for each test, so that no other's limits and links count. */
  let people = 0
  async function newAccount(more: object = {}): Promise<Account> {
    people += 1
    const account = { email: `forgetful-${people}@example.com`, password: 'umbrella stand in the hall' }
    await applyTo(stage.server.latchkey, { users: [{ ...account, ...more }] })
    return account
  }

  const at = (path: string) => new URL(path, stage.issuer)

  async function askFor(email: string, person: Person = stage.person()): Promise<Stop> {
    return person.submit(await person.visit(at('forgot-password')), { email })
  }

  async function linkFor(email: string): Promise<string> {
    await askFor(email)
    return linkIn(await mailbox.next(email))
  }

  async function choose(link: string, password = NEW_PASSWORD, person: Person = stage.person()): Promise<Stop> {
    return person.submit(await person.visit(link), { password })
  }

  async function isPassword(account: Account): Promise<boolean> {
    const person = stage.person()
    const { url } = await (await stage.spa()).begin()
    const page = await person.submit(await person.visit(url), { username: account.email, password: account.password })
    if (!page.left) assert.match(page.html, /The e-mail address or the password is wrong/)
    return page.left
  }

  test('is replaced on the way to an application, which the same browser then goes on to', async () => {
    const account = await newAccount()
    const person = stage.person()
    const spa = await stage.spa()
    const begun = await spa.begin()
    const signInPage = await person.visit(begun.url)
    const [, way = ''] = /href="([^"]+forgot-password)"/.exec(signInPage.html) ?? []
    const sent = await person.submit(await person.visit(at(way)), { email: account.email })
    assert.equal(sent.status, 200)
    assert.match(sent.html, /If there is an account for .*forgetful/)

    const mail = await mailbox.next(account.email)
    const opened = await person.visit(linkIn(mail))
    assert.match(opened.html, new RegExp(`value="${account.email}"`))
    const changed = await person.submit(opened, { password: NEW_PASSWORD })
    assert.equal(changed.status, 200)
    assert.match(changed.html, /Your password is changed/)

    const [, goOn = ''] = /<a class="button primary" href="([^"]+)"/.exec(changed.html) ?? []
    const again = await person.visit(at(goOn))
    const callback = departure(await person.submit(again, { username: account.email, password: NEW_PASSWORD }))
    const tokens = await spa.finish(callback, begun)
    assert.equal((await spa.userinfo(tokens)).email_verified, true, 'whoever reads the mail has the address')
    assert.equal(await isPassword(account), false)
  })

  test('is not replaced by opening the link, however often a mail scanner does', async () => {
    const account = await newAccount()
    const link = await linkFor(account.email)
    for (let look = 0; look < 3; look++) assert.equal((await stage.person().visit(link)).status, 200)
    assert.equal(await isPassword(account), true)
    assert.equal((await choose(link)).status, 200)
    assert.equal(await isPassword(account), false)
    assert.equal(await isPassword({ ...account, password: NEW_PASSWORD }), true)
  })

  test('replaced in a browser that was on the way nowhere leads nowhere', async () => {
    const { email } = await newAccount()
    const done = await choose(await linkFor(email))
    assert.doesNotMatch(done.html, /class="button"/)
  })

  test('ends sessions, tokens and offline access from before, and tells the person by mail', async () => {
    const account = await newAccount()
    const person = stage.person()
    const spa = await stage.spa()
    const { tokens } = await signIn(spa, person, account)
    assert.equal(await userinfoStatus(stage.issuer, tokens.access_token), 200)

    await choose(await linkFor(account.email))
    assert.equal(await userinfoStatus(stage.issuer, tokens.access_token), 401)
    await assert.rejects(spa.refresh(tokens.refresh_token ?? ''), { error: 'invalid_grant' })
    const { callback } = await askSilently(spa, person)
    assert.equal(callback.searchParams.get('error'), 'login_required')

    const news = await mailbox.next(account.email)
    assert.equal(news.subject, 'Your password for Latchkey was changed')
    assert.equal(linkIn(news), at('forgot-password').href)
  })

  test('is not replaced twice by one link', async () => {
    const account = await newAccount()
    const link = await linkFor(account.email)
    const [first, second] = [await stage.person().visit(link), await stage.person().visit(link)]
    assert.equal((await stage.person().submit(first, { password: NEW_PASSWORD })).status, 200)
    const used = await stage.person().submit(second, { password: 'another one altogether, this' })
    assert.equal(used.status, 410)
    assert.match(used.html, /This link was used already/)
    assert.match((await stage.person().visit(link)).html, /href="\/forgot-password"/)
    assert.equal(await isPassword({ ...account, password: NEW_PASSWORD }), true)
  })

  test('of eight that send the form of two links at once, one is told that it is done', async () => {
    const { email } = await newAccount()
    const one = await linkFor(email)
    stage.clock.advance(2 * MINUTE)
    const other = await linkFor(email)
    const pages = await Promise.all([one, other].map(link => stage.person().visit(link)))
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        stage.person().submit(pages[index % 2] as Stop, { password: `${NEW_PASSWORD} ${index}` }),
      ),
    )
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, ...Array(7).fill(410)])
  })

  test('is not replaced by a link that has expired, or that was asked for before the password or address changed', async () => {
    const expired = await newAccount()
    const old = await linkFor(expired.email)
    stage.clock.advance(HOUR + MINUTE)
    const over = await stage.person().visit(old)
    assert.equal(over.status, 410)
    assert.match(over.html, /This link does not work any more/)

    const changed = await newAccount()
    const link = await linkFor(changed.email)
    const page = await stage.person().visit(link)
    await applyTo(stage.server.latchkey, { users: [{ email: changed.email, password: 'given by the operator' }] })
    assert.equal((await stage.person().visit(link)).status, 410)
    assert.equal((await stage.person().submit(page, { password: NEW_PASSWORD })).status, 410)
    assert.equal(await isPassword({ ...changed, password: 'given by the operator' }), true)
  })

  test('is not replaced by one that may not be chosen, and the link stays good', async () => {
    const account = await newAccount()
    const link = await linkFor(account.email)
    for (const password of ['', 'short', account.email, 'password123']) {
      const page = await choose(link, password)
      assert.equal(page.status, 400, password)
      assert.match(page.html, /role="alert"/)
    }
    assert.equal((await choose(link)).status, 200)
  })

  test('of a blocked account brings the same page and no mail, and a link from before opens nothing', async () => {
    const account = await newAccount()
    const link = await linkFor(account.email)
    const { store } = stage.server.latchkey
    const [user = ''] = await store.users.findByAttribute('default', 'email', account.email, 1)
    await store.users.change('default', user, { blocked: true }, stage.clock.now())
    assert.equal((await stage.person().visit(link)).status, 410)
    stage.clock.advance(2 * MINUTE)
    assert.equal((await askFor(account.email)).status, 200)
    assert.equal((await mailbox.all(account.email)).length, 1)
  })

  test('is asked for in the language of the page, and the mail answers in it', async () => {
    const { email } = await newAccount()
    const person = stage.person()
    const page = await person.visit(at('forgot-password?language=ko'))
    await person.submit(page, { email })
    const mail = await mailbox.next(email)
    assert.equal(mail.subject, 'Latchkey 새 비밀번호 정하기')
    assert.match(mail.text, /1시간 안에/)
    assert.match(mail.html, /<html lang="ko">/)
  })

  test('of what is no address is asked for again', async () => {
    const page = await askFor('nobody at nowhere')
    assert.equal(page.status, 400)
    assert.match(page.html, /This is not an e-mail address/)
    assert.match(page.html, /value="nobody at nowhere"/)
  })

  test('leaves a record of who asked, and of what was sent and done', async () => {
    const account = await newAccount()
    const { store } = stage.server.latchkey
    const before = (await store.events.list('default', { limit: 10_000 })).at(-1)?.id ?? ''
    await choose(await linkFor(account.email))
    await mailbox.all(account.email)
    const events = await store.events.list('default', { after: before, limit: 100 })
    const [user] = await store.users.findByAttribute('default', 'email', account.email, 1)
    const about = events.filter(({ target }) => target?.id === user).map(({ type }) => type)
    assert.deepEqual(about.toSorted(), [
      'mail.sent',
      'mail.sent',
      'password-reset.asked',
      'user.email-verified',
      'user.password-reset',
    ])
  })
})
