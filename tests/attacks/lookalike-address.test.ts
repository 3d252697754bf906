/**
 * Another's address in other letters (Logto, 2026): wide, ligatured, in another case, composed otherwise, with what nobody
 * sees in it. Whoever has it would be another account with the same mailbox, or the same account by another way. One
 * address is one account, on sign-up, on sign-in and where a password was forgotten, also when many come at once.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createUser, DATABASE_CONNECTION } from '../../server/identity/users.ts'
import { MINUTE } from '../../server/kernel/seconds.ts'
import { EMAIL_STRATEGY } from '../../server/store/connections.ts'
import { openMailbox } from '../fixtures/mailbox.ts'
import { onEachStore, type RunningServer, startServer } from '../fixtures/server.ts'
import { createTestClock } from '../fixtures/test-clock.ts'
import { beginAt, CookieJarBrowser, type Person, SPA, signIn, tenantFile, UNPROTECTED } from './stage.ts'

const VICTIM: Person = { email: 'strasse.office@example.com', password: 'a lighthouse in the fog' }
const MALLORYS = 'seven quiet magpies'

/** The same address to whoever compares what a person reads: NFKC, case folded, the domain as the DNS has it. */
const SAME = [
  'STRASSE.OFFICE@EXAMPLE.COM',
  'Strasse.Office@Example.Com',
  'straße.office@example.com',
  'STRAẞE.office@example.com',
  'ｓｔｒａｓｓｅ.office@example.com',
  'strasse.oﬃce@example.com',
  'ﬆrasse.office@example.com',
  '𝓈trasse.office@example.com',
  'ſtraſſe.office@example.com',
  'ⓢtrasse.office@example.com',
  'strasse.offıce@example.com',
  'strasse.office@ＥＸＡＭＰＬＥ.com',
  'strasse.office@exaⓜple.com',
  ' strasse.office@example.com ',
  '\tstrasse.office@example.com\n',
]

/** No address at all: what is not seen, or not where it seems. */
const NONE = [
  'strasse.office\u200b@example.com',
  'strasse\u00ad.office@example.com',
  'strasse.office@example\u2060.com',
  '\ufeffx\u202estrasse.office@example.com',
  'strasse.office\0@example.com',
  'strasse.office@example.com\0',
  'strasse.office\r\nbcc:mallory@evil.example@example.com',
  'strasse.office@example.com,mallory@evil.example',
  'strasse.office@example.com mallory@evil.example',
  '"strasse.office"@example.com',
  '<strasse.office@example.com>',
  'strasse.office(comment)@example.com',
  'strasse..office@example.com',
  '.strasse.office@example.com',
  'strasse.office.@example.com',
  'strasse.office@example..com',
  'strasse.office@example。com',
  'strasse.office@127.0.0.1',
  'strasse.office@[127.0.0.1]',
  'strasse.office@example.com/evil',
  'strasse.office@example.com#.evil.example',
]

/** Somebody else's, however alike: the mail goes elsewhere, so neither of the two may get at the other. */
const OTHER = ['strаsse.office@example.com', 'strasse.office@exаmple.com']

onEachStore('An address that looks like another', store => {
  const clock = createTestClock()
  let server: RunningServer
  before(async () => {
    server = await startServer({
      store,
      clock: clock.now,
      tenantFile: { ...tenantFile, attackProtection: UNPROTECTED, users: [{ ...VICTIM, email_verified: true }] },
    })
  })
  after(() => server?.close())

  const usersOf = (email: string) => server.latchkey.store.users.findByAttribute('default', 'email', email, 10)
  async function signUp(email: string, password = MALLORYS) {
    const browser = new CookieJarBrowser(server)
    const login = await beginAt(browser)
    return browser.post(`${login}/sign-up`, { email, password })
  }

  test('makes no second account, and signs in to none', async () => {
    const [victim] = await usersOf(VICTIM.email)
    for (const email of SAME) {
      const { status, location } = await signUp(email)
      assert.deepEqual([status, location], [409, undefined], JSON.stringify(email))
    }
    for (const email of NONE) assert.equal((await signUp(email)).status, 400, JSON.stringify(email))
    assert.deepEqual(await usersOf(VICTIM.email), [victim])
    // One letter typed otherwise is the same person, with the same password.
    for (const email of SAME.slice(0, 3)) {
      await assert.rejects(signIn(new CookieJarBrowser(server), { email, password: MALLORYS }))
      await signIn(new CookieJarBrowser(server), { email, password: VICTIM.password })
    }
  })

  test('that mail goes elsewhere for is somebody else’s, and has nothing of the first', async () => {
    const [victim] = await usersOf(VICTIM.email)
    for (const email of OTHER) {
      assert.equal((await signUp(email)).status, 303, email)
      const [other, ...more] = await usersOf(email)
      assert.ok(other && other !== victim && more.length === 0, email)
      await assert.rejects(signIn(new CookieJarBrowser(server), { email, password: VICTIM.password }))
    }
  })

  test('gets the mail of the one it is, at the address as it was registered, and of no other', async () => {
    const mailbox = openMailbox(server.latchkey)
    const before = (await mailbox.all()).length
    for (const email of [...SAME.slice(0, 12), ...NONE]) {
      clock.advance(15 * MINUTE)
      await new CookieJarBrowser(server).post('/forgot-password', { email })
      // Sent before the clock goes on, or its link would be over.
      await mailbox.all()
    }
    const mails = (await mailbox.all()).slice(before)
    assert.ok(mails.length > 0)
    const there = await mailbox.all(VICTIM.email)
    for (const mail of mails)
      assert.ok(
        there.some(({ source }) => source === mail.source),
        mail.source.slice(0, 200),
      )
  })

  test('gets the mail of an account that is part of another at no other address than that one’s, whatever is mailed', async () => {
    const registered = 'linked.office@example.com'
    const { store } = server.latchkey
    const database = (await store.connections.findByName('default', DATABASE_CONNECTION)) ?? assert.fail()
    const mailing = { ...database, id: 'con_email', name: 'email', strategy: EMAIL_STRATEGY }
    await store.connections.create(mailing)
    const [victim] = await usersOf(VICTIM.email)
    for (const connection of [database, mailing])
      await store.transaction(async transaction => {
        const person = { email: registered, emailVerified: true, passwordHash: null }
        const made = await createUser(transaction, connection, person, clock.now)
        await transaction.users.link('default', victim ?? '', made === 'taken' ? assert.fail() : made.id, clock.now())
      })
    const mailbox = openMailbox(server.latchkey)
    const there = (await mailbox.all(registered)).length
    for (const email of ['lınked.office@example.com', 'LINKED.OFFICE@example.com']) {
      clock.advance(15 * MINUTE)
      const browser = new CookieJarBrowser(server)
      await browser.post('/forgot-password', { email })
      for (const send of ['code', 'link'])
        await browser.ask('POST', '/passwordless/start', { client_id: SPA.client_id, connection: 'email', email, send })
      assert.deepEqual(
        (await mailbox.all(email)).map(({ subject }) => subject),
        [],
        email,
      )
    }
    assert.equal((await mailbox.all(registered)).length, there + 6)
  })

  test('that many ask for at once, each in letters of their own, is one account', async () => {
    const spellings = [
      'new.person@example.com',
      'NEW.person@example.com',
      'ｎew.person@example.com',
      'New.Person@EXAMPLE.com',
    ]
    const replies = await Promise.all(Array.from({ length: 12 }, (_, at) => signUp(spellings[at % 4] ?? '')))
    assert.equal(replies.filter(({ status }) => status === 303).length, 1)
    assert.equal((await usersOf('new.person@example.com')).length, 1)
  })
})
