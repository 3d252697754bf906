/**
 * Getting in by what was mailed to somebody else: guessing the code, using it twice, elsewhere or for another client; having
 * others flooded with mail; finding out who has an account; and waiting in an account that was made with their address.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HOUR, MINUTE } from '../../server/kernel/seconds.ts'
import { linkIn } from '../fixtures/mailbox.ts'
import { onEachStore } from '../fixtures/server.ts'
import { MOBILE, OTHER, stageOfMail } from './mailed-stage.ts'
import { LOCK, ORIGIN } from './own-page.ts'
import { ANN, CALLBACK, claimsOf, WEB } from './stage.ts'

onEachStore('A code or a link that was mailed', store => {
  const stage = stageOfMail(store)
  const { accountsOf, browserOf, clock, codeIn, mailedCode, redeem, someone, start, typeIn } = stage

  const asked = {
    redirect_uri: CALLBACK,
    response_type: 'code',
    scope: 'openid',
    state: 'their-state',
    nonce: 'their-nonce',
  }

  test('a code is good once, however many come with it at a time', async () => {
    const email = someone()
    const code = await mailedCode(email, MOBILE)
    const answers = await Promise.all(Array.from({ length: 64 }, () => redeem(email, code)))
    assert.equal(answers.filter(({ status }) => status === 200).length, 1)
    assert.equal((await accountsOf(email)).length, 1)
    assert.equal((await redeem(email, code)).json()['error'], 'invalid_grant')
  })

  test('five tries are looked at, and of any number at a time no more', async () => {
    const email = someone()
    const code = await mailedCode(email)
    const wrong = code === '000000' ? '000001' : '000000'
    for (let guess = 0; guess < 4; guess++) {
      const answer = await typeIn(email, wrong)
      assert.deepEqual([answer.status, answer.json()['error_description']], [403, 'Wrong email or verification code.'])
    }
    await typeIn(email, wrong)
    assert.equal((await typeIn(email, code)).status, 403, 'it was spent by guesses')

    const other = someone()
    const right = await mailedCode(other)
    await Promise.all(Array.from({ length: 64 }, () => typeIn(other, right === '000000' ? '000001' : '000000')))
    assert.equal((await typeIn(other, right)).status, 403)
  })

  test('a newer code takes the place of the older, and a code is over after ten minutes', async () => {
    const email = someone()
    const first = await mailedCode(email)
    clock.advance(MINUTE)
    const second = await mailedCode(email)
    if (first !== second) assert.equal((await typeIn(email, first)).status, 403)
    clock.advance(10 * MINUTE)
    assert.equal((await typeIn(email, second)).status, 403)
  })

  test('a code is good for the client and the connection that it was asked for', async () => {
    const email = someone()
    const code = await mailedCode(email)
    assert.equal((await typeIn(email, code, { client: OTHER })).status, 403)
    assert.equal((await redeem(email, code)).json()['error'], 'invalid_grant')
    assert.equal((await typeIn(email, code, { realm: 'members' })).status, 403)
    assert.equal((await typeIn(someone(), code)).status, 403)
    assert.equal((await typeIn(email, code)).status, 200)
  })

  test('the database holds no code, and nothing that one could be found from', async () => {
    const email = someone()
    const code = await mailedCode(email)
    const { keyring } = stage.server.latchkey
    const [key] = (await keyring.list('default')).filter(({ purpose }) => purpose === 'mailed-code')
    assert.ok(key)
    assert.doesNotMatch(
      JSON.stringify(await stage.server.latchkey.store.events.list('default', { limit: 500 })),
      new RegExp(code),
    )
  })

  test('no more mail goes to an address than one a minute and five an hour, and that is said of every address', async () => {
    clock.advance(HOUR)
    for (const email of [someone(), ANN.email]) {
      assert.equal((await start(email)).status, 200)
      const again = await start(email)
      assert.deepEqual([again.status, again.json()['error']], [429, 'too_many_requests'])
      assert.ok(Number(again.headers['retry-after']) > 0)
      for (let asked = 1; asked < 5; asked++) {
        clock.advance(MINUTE)
        assert.equal((await start(email)).status, 200)
      }
      clock.advance(MINUTE)
      assert.equal((await start(email)).status, 429)
    }
  })

  test('where nobody may sign up, a stranger is answered like a member, gets no mail, and no code of theirs is right', async () => {
    const [member, stranger] = [someone(), someone()]
    const { users } = stage.server.latchkey.store
    const { createUser } = await import('../../server/identity/users.ts')
    const connection = await stage.server.latchkey.store.connections.findByName('default', 'members')
    assert.ok(connection)
    await stage.server.latchkey.store.transaction(transaction =>
      createUser(transaction, connection, { email: member, emailVerified: true, passwordHash: null }, clock.now),
    )
    const [known, unknown] = [
      await start(member, { connection: 'members' }),
      await start(stranger, { connection: 'members' }),
    ]
    assert.deepEqual([known.status, Object.keys(known.json())], [unknown.status, Object.keys(unknown.json())])
    const code = codeIn(await stage.mailbox.next(member))
    assert.deepEqual(await stage.mailbox.all(stranger), [])
    assert.equal((await typeIn(stranger, code, { realm: 'members' })).status, 403)
    assert.equal((await typeIn(member, code, { realm: 'members' })).status, 200)
    assert.equal(await users.findByEmailKey('default', connection.id, stranger), undefined)
  })

  test('a link is good once, however many press at a time, and for an hour', async () => {
    const email = someone()
    await start(email, { ...WEB, send: 'link', authParams: asked })
    const path = new URL(linkIn(await stage.mailbox.next(email))).pathname
    const answers = await Promise.all(Array.from({ length: 64 }, () => browserOf().post(path, {})))
    assert.equal(answers.filter(({ status }) => status === 303).length, 1)
    const late = someone()
    await start(late, { ...WEB, send: 'link', authParams: asked })
    const over = new URL(linkIn(await stage.mailbox.next(late))).pathname
    clock.advance(HOUR)
    assert.equal((await browserOf().post(over, {})).status, 410)
  })

  test('a link leads nowhere but where its client may be answered', async () => {
    const email = someone()
    await start(email, { ...WEB, send: 'link', authParams: { ...asked, redirect_uri: 'https://evil.example/' } })
    const path = new URL(linkIn(await stage.mailbox.next(email))).pathname
    const browser = browserOf()
    const { location } = await browser.post(path, {})
    assert.match(location ?? '', /^\/authorize\?/)
    assert.equal((await browser.get(location ?? '')).status, 400)
  })

  test('an account that somebody else made with an address and a password is not signed in to by its mail', async () => {
    const email = someone()
    const connection = 'Username-Password-Authentication'
    const made = await browserOf().ask(
      'POST',
      '/dbconnections/signup',
      { ...LOCK, connection, email, password: 'seven quiet lanterns' },
      { origin: ORIGIN },
    )
    assert.equal(made.status, 200)
    await stage.mailbox.next(email)
    await browserOf().ask('POST', '/otp/challenge', { ...MOBILE, connection, email, allow_signup: true })
    assert.equal((await stage.mailbox.all(email)).length, 1, 'only the mail that asks to confirm it')
  })

  test('a mailbox that was linked to another account is read by its owner, and confirms no address but its own', async () => {
    const { users, connections } = stage.server.latchkey.store
    const { createUser } = await import('../../server/identity/users.ts')
    const [primary, linked] = [someone(), someone()]
    const database = await connections.findByName('default', 'Username-Password-Authentication')
    const mailing = await connections.findByName('default', 'email')
    assert.ok(database && mailing)
    const make = (connection: typeof database, email: string) =>
      stage.server.latchkey.store.transaction(async transaction => {
        const made = await createUser(
          transaction,
          connection,
          { email, emailVerified: false, passwordHash: null },
          clock.now,
        )
        return made === 'taken' ? assert.fail() : made
      })
    const [one, other] = [await make(database, primary), await make(mailing, linked)]
    await users.link('default', one.id, other.id, clock.now())
    const answer = await redeem(linked, await mailedCode(linked, MOBILE))
    const { sub, email, email_verified } = claimsOf(String(answer.json()['id_token']))
    assert.deepEqual([sub, email, email_verified], [one.id, primary, false])
    assert.deepEqual(await stage.mailbox.all(primary), [])
  })
})
