/**
 * Guessing passwords: at one account, from one network or from many, quickly or for months; at many accounts from one
 * network; all at once. What may not go wrong with it: that the person is kept out of a browser of theirs, that
 * anything tells which accounts exist, or that the attacker's own account is good for anything.
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { HOUR, MINUTE, SECOND } from '../../server/kernel/seconds.ts'
import type { EventRecord } from '../../server/store/events.ts'
import { linkIn, openMailbox } from '../fixtures/mailbox.ts'
import { applyTo, onEachStore, type RunningServer, startServer } from '../fixtures/server.ts'
import { createTestClock } from '../fixtures/test-clock.ts'
import {
  ANN,
  API,
  authorizePath,
  BEN,
  beginAt,
  CookieJarBrowser,
  EVE,
  MACHINE,
  type Person,
  type Reply,
  signIn,
  tenantFile,
} from './stage.ts'

/** Smaller than anybody's, because each guess that goes through costs a hash. */
const FREE = 3
const FROM_ANYWHERE = 3 * FREE
const FROM_A_NETWORK = 12
const FOR_ONE_MORE = 864 * SECOND
const OTP = 'http://auth0.com/oauth/grant-type/passwordless/otp'
const [spa] = tenantFile.clients
const FILE = {
  ...tenantFile,
  clients: [
    ...tenantFile.clients,
    {
      ...spa,
      client_id: 'app-of-codes',
      grant_types: [OTP, 'authorization_code'],
      cross_origin_authentication: true,
    },
  ],
  attackProtection: {
    bruteForceProtection: { max_attempts: FREE },
    suspiciousIpThrottling: { stage: { 'pre-login': { max_attempts: FROM_A_NETWORK, rate: FOR_ONE_MORE } } },
  },
}

onEachStore('Somebody who guesses', store => {
  const clock = createTestClock()
  let server: RunningServer
  before(async () => {
    const environment = { LATCHKEY_TRUSTED_PROXIES: '127.0.0.1' }
    server = await startServer({ store, tenantFile: FILE, environment, clock: clock.now })
    await server.latchkey.store.connections.create({
      ...{ tenant: 'default', id: 'con_email', name: 'email', strategy: 'email' },
      ...{ options: {}, sealedOptions: null, settings: {}, clients: null },
    })
  })
  after(() => server?.close())

  /** Each test begins where everything is forgotten, at a new place. */
  let place = 0
  beforeEach(() => {
    clock.advance(40 * 24 * HOUR)
    place += 1
  })
  const network = (number = 0) => `10.${place}.${number >> 8}.${number & 255}`

  /** A browser that comes from that address and has the sign-in page open. */
  async function open(address = network()) {
    const browser = new CookieJarBrowser(server)
    const from = { 'x-forwarded-for': address }
    const login = (await browser.get(authorizePath(), from)).location ?? ''
    return {
      browser,
      login,
      try: (email: string, password: string): Promise<Reply> =>
        browser.post(login, { username: email, password }, from),
      signUp: (email: string, password: string): Promise<Reply> =>
        browser.post(`${login}/sign-up`, { email, password }, from),
    }
  }
  const statuses = (replies: readonly Reply[]) =>
    Object.fromEntries([...Map.groupBy(replies, ({ status }) => status)].map(([status, some]) => [status, some.length]))
  /** Wrong passwords, one after another, until one is not taken. Answers how many were. */
  async function guessUntilHeld(attempt: () => Promise<Reply>): Promise<number> {
    for (let taken = 0; taken < 40; taken++) {
      const { status } = await attempt()
      if (status === 429) return taken
      assert.equal(status, 400)
    }
    return assert.fail('forty guesses were taken')
  }
  async function events(type: string, after: string): Promise<EventRecord[]> {
    const all = await server.latchkey.store.events.list('default', { after, limit: 1000 })
    return all.filter(event => event.type === type)
  }
  async function lastEvent(): Promise<string> {
    let last = ''
    for (;;) {
      const page = await server.latchkey.store.events.list('default', { after: last, limit: 1000 })
      if (page.length === 0) return last
      last = page.at(-1)?.id ?? last
    }
  }
  /** Mail of this kind that anybody was sent. */
  const letters = async () =>
    (await openMailbox(server.latchkey).all()).filter(({ subject }) => subject.startsWith('Somebody is guessing'))

  describe('at one account from one network', () => {
    test('gets a few tries, is told when to come back, and then one at a time after ever longer waits', async () => {
      const page = await open()
      assert.equal(await guessUntilHeld(() => page.try(ANN.email, 'a wrong guess')), FREE)
      const waits: number[] = []
      for (let round = 0; round < 3; round++) {
        const held = await page.try(ANN.email, 'a wrong guess')
        assert.equal(held.status, 429)
        const wait = Number(held.headers['retry-after'])
        waits.push(Math.round(wait / 60))
        clock.advance(wait * SECOND)
        assert.equal((await page.try(ANN.email, 'a wrong guess')).status, 400)
      }
      assert.deepEqual(waits, [1, 2, 4])
    })

    test('finds the page explained and the form as it was, and the right password helps no sooner', async () => {
      const page = await open()
      await guessUntilHeld(() => page.try(ANN.email, 'a wrong guess'))
      const held = await page.try(ANN.email, ANN.password)
      assert.equal(held.status, 429)
      assert.match(held.body, /too many wrong passwords/)
      assert.match(held.body, /Try again in 1 minute/)
      assert.ok(held.body.includes(ANN.email))
      assert.ok(!held.body.includes(ANN.password))
      clock.advance(MINUTE)
      assert.equal((await page.try(ANN.email, ANN.password)).status, 303)
    })

    test('gets no more at once than one after another', async () => {
      const page = await open()
      const replies = await Promise.all(Array.from({ length: 64 }, () => page.try(ANN.email, 'a wrong guess')))
      assert.deepEqual(statuses(replies), { 400: FREE, 429: 64 - FREE })
    })

    test('keeps nobody out who comes from elsewhere', async () => {
      const page = await open()
      await guessUntilHeld(() => page.try(ANN.email, 'a wrong guess'))
      const elsewhere = await open(network(1))
      assert.equal((await elsewhere.try(ANN.email, ANN.password)).status, 303)
    })

    test('goes on waiting where the server is started anew, on whatever node', async () => {
      const page = await open()
      await guessUntilHeld(() => page.try(ANN.email, 'a wrong guess'))
      server = await server.restart()
      const again = await open()
      assert.equal((await again.try(ANN.email, ANN.password)).status, 429)
    })

    test('gets no more by a username than by an address, and by neither the other’s', async () => {
      const { store: nouns } = server.latchkey
      const [connection] = await nouns.connections.list('default')
      const [ann] = await nouns.users.findByAttribute('default', 'email', ANN.email, 1)
      assert.ok(connection && ann)
      await nouns.connections.change('default', connection.id, { options: { requires_username: true } })
      await nouns.users.change('default', ann, { username: 'ann_9' }, clock.now(), {
        connection: connection.id,
        usernameKey: 'ann_9',
      })
      try {
        for (const names of [
          ['ann_9', 'ANN_9', ' ann_9', 'Ann_9'],
          ['nobody_9', 'NOBODY_9', ' nobody_9', 'Nobody_9'],
        ]) {
          const statuses: number[] = []
          for (const username of names) {
            statuses.push((await (await open()).try(username, 'a wrong guess')).status)
          }
          assert.deepEqual(statuses, [400, 400, 400, 429], names.join())
        }
        // That the address is held too would tell whose the name is.
        assert.equal((await (await open()).try(ANN.email, 'a wrong guess')).status, 400)
      } finally {
        await nouns.connections.change('default', connection.id, { options: {} })
      }
    })

    test('learns nothing of whether there is such an account, however the name is written', async () => {
      const strip = ({ status, headers, body }: Reply, email: string) => ({
        status,
        retryAfter: headers['retry-after'],
        body: body
          .replaceAll(/nonce="[^"]+"/g, 'NONCE')
          .replaceAll(/\/login\/[\w-]+/g, 'LOGIN')
          .replaceAll(email, 'ADDRESS'),
      })
      const seen: object[] = []
      for (const [at, email] of [ANN.email, 'nobody@example.com'].entries()) {
        const page = await open(network(at))
        const spellings = [email, ` ${email}`, email.toUpperCase(), `${email} `, email]
        const replies: Reply[] = []
        for (const spelling of spellings) replies.push(await page.try(spelling, 'a wrong guess'))
        assert.deepEqual(
          replies.map(({ status }) => status),
          [400, 400, 400, 429, 429],
        )
        const last = replies.at(-1)
        assert.ok(last)
        seen.push(strip(last, email))
      }
      assert.deepEqual(seen[0], seen[1])
    })
  })

  describe('at one account from everywhere', () => {
    test('gets no more at once from 64 networks than a few', async () => {
      const pages = await Promise.all(Array.from({ length: 64 }, (_, number) => open(network(number))))
      const replies = await Promise.all(pages.map(page => page.try(ANN.email, 'a wrong guess')))
      assert.deepEqual(statuses(replies), { 400: FROM_ANYWHERE, 429: 64 - FROM_ANYWHERE })
    })

    test('does not keep the person out of a browser they have used before, nor out of their mailbox', async () => {
      const own = await open(network(200))
      assert.equal((await own.try(ANN.email, ANN.password)).status, 303)
      for (let number = 0; number < FROM_ANYWHERE; number++) {
        const page = await open(network(number))
        await page.try(ANN.email, 'a wrong guess')
      }
      const stranger = await open(network(201))
      assert.equal((await stranger.try(ANN.email, ANN.password)).status, 429)
      const login = await beginAt(own.browser, authorizePath(undefined, { prompt: 'login' }))
      const back = await own.browser.post(login, { username: ANN.email, password: ANN.password })
      assert.equal(back.status, 303)
    })
  })

  describe('at many accounts from one network', () => {
    const stuff = async (page: Awaited<ReturnType<typeof open>>) => {
      let number = 0
      return guessUntilHeld(() => page.try(`somebody-${number++}@example.com`, 'Winter2026!'))
    }

    test('gets a bounded number of tries, and one more every fourteen minutes', async () => {
      const page = await open()
      assert.equal(await stuff(page), FROM_A_NETWORK)
      clock.advance(FOR_ONE_MORE)
      assert.equal(await stuff(page), 1)
    })

    test('gets no codes beside passwords: what was mailed to others is guessed at by the same count', async () => {
      const page = await open()
      for (let number = 0; number < FROM_A_NETWORK / 2; number++)
        assert.equal((await page.try(`other-${number}@example.com`, 'Winter2026!')).status, 400)
      let number = 0
      const guess = () => {
        const email = `somebody-${number++}@example.com`
        const wish = { client_id: 'spa', connection: 'email', email, verification_code: '123456' }
        return page.browser.ask('POST', '/passwordless/verify', wish, { 'x-forwarded-for': network() })
      }
      for (; number < FROM_A_NETWORK / 2; ) assert.equal((await guess()).status, 403)
      const held = await guess()
      assert.deepEqual([held.status, held.json()['error']], [429, 'too_many_attempts'])
      assert.equal((await page.try(EVE.email, EVE.password)).status, 429)
    })

    test('gains nothing by the many addresses of an IPv6 network', async () => {
      let taken = 0
      for (let number = 0; number < FROM_A_NETWORK + 4; number++) {
        const page = await open(`2001:db8:${place}:1:${number}::1`)
        if ((await page.try(`somebody-${number}@example.com`, 'Winter2026!')).status === 400) taken += 1
      }
      assert.equal(taken, FROM_A_NETWORK)
    })

    test('gains nothing by signing in to an account of their own in between', async () => {
      const page = await open()
      let taken = 0
      for (let number = 0; number < FROM_A_NETWORK + 6; number++) {
        // In a browser that is new each time, so that it meets the same counters.
        await (await open()).try(EVE.email, EVE.password)
        if ((await page.try(`somebody-${number}@example.com`, 'Winter2026!')).status === 400) taken += 1
      }
      assert.equal(taken, FROM_A_NETWORK)
    })

    test('keeps out nobody from elsewhere, and nobody of that network in a browser of theirs', async () => {
      const own = await open()
      assert.equal((await own.try(ANN.email, ANN.password)).status, 303)
      await stuff(await open())
      assert.equal((await (await open(network(1))).try(ANN.email, ANN.password)).status, 303)
      const login = (await own.browser.get(authorizePath(undefined, { prompt: 'login' }))).location ?? ''
      const form = { username: ANN.email, password: ANN.password }
      assert.equal((await own.browser.post(login, form, { 'x-forwarded-for': network() })).status, 303)
    })

    test('is counted by the sign-up page too, which says of addresses whether they are taken', async () => {
      const page = await open()
      let number = 0
      const taken = []
      for (; number < FROM_A_NETWORK + 2; number++)
        taken.push((await page.signUp(ANN.email, `a fine passphrase ${number}`)).status)
      assert.deepEqual(taken, [...Array(FROM_A_NETWORK).fill(409), 429, 429])
      assert.equal((await page.try(EVE.email, EVE.password)).status, 429)
    })
  })

  test('at mailed codes of one account gets a few, however many are mailed, and keeps nobody from their password', async () => {
    const { connections } = server.latchkey.store
    const database = (await connections.list('default'))[0] ?? assert.fail()
    await connections.change('default', database.id, {
      options: { authentication_methods: { email_otp: { enabled: true } } },
    })
    const asked = { client_id: 'app-of-codes', connection: database.name, email: ANN.email }
    let number = 0
    const guess = async (auth_session: unknown, address = network(number++)) => {
      const form = { grant_type: OTP, client_id: 'app-of-codes', auth_session: String(auth_session), otp: '000000x' }
      const headers = { 'x-forwarded-for': address, origin: undefined, 'sec-fetch-site': undefined }
      return new CookieJarBrowser(server).post('/oauth/token', form, headers)
    }
    const challenge = async () => {
      clock.advance(MINUTE)
      const from = { 'x-forwarded-for': network(number++) }
      return (await new CookieJarBrowser(server).ask('POST', '/otp/challenge', asked, from)).json()['auth_session']
    }
    const own = await challenge()
    assert.equal(await guessUntilHeld(() => guess(own, network(800))), FREE, 'from one network')
    assert.equal((await guess(own)).status, 400, 'which holds up nobody elsewhere')
    let taken = FREE + 1
    for (let code = 0; code < 4; code++) {
      const auth_session = await challenge()
      for (let guesses = 0; guesses < 5; guesses++) if ((await guess(auth_session)).status === 400) taken += 1
    }
    // One more is there for each of the minutes in which the pauses pass.
    assert.ok(taken >= FROM_ANYWHERE && taken <= FROM_ANYWHERE + 3, String(taken))
    assert.equal((await (await open(network(900))).try(ANN.email, ANN.password)).status, 303)
    await connections.change('default', database.id, { options: {} })
  })

  test('at mailed codes keeps nobody out of a browser that they signed in with before', async () => {
    const email = `dora-${store}@example.com`
    const client = { client_id: 'app-of-codes' }
    const headers = { origin: 'https://app.example', 'x-forwarded-for': network(700) }
    const own = new CookieJarBrowser(server)
    await own.ask('POST', '/passwordless/start', { ...client, connection: 'email', email, send: 'code' }, headers)
    const otp = /^\d{6}$/m.exec((await openMailbox(server.latchkey).next(email)).text)?.[0]
    const proven = { ...client, username: email, otp, realm: 'email', credential_type: OTP }
    const { login_ticket } = (await own.ask('POST', '/co/authenticate', proven, headers)).json()
    await own.get(authorizePath(client, { login_ticket: String(login_ticket) }))

    const wrong = async (browser: CookieJarBrowser, from: string) => {
      const guess = { ...client, connection: 'email', email, verification_code: 'a guess' }
      return browser.ask('POST', '/passwordless/verify', guess, { 'x-forwarded-for': from })
    }
    for (let number = 0; number < FROM_ANYWHERE; number++)
      assert.equal((await wrong(new CookieJarBrowser(server), network(number))).status, 403)
    assert.equal((await wrong(new CookieJarBrowser(server), network(701))).status, 429)
    assert.equal((await wrong(own, network(702))).status, 403)
  })

  describe('with a browser that an account was used in', () => {
    /** A browser in which somebody has signed in, with another sign-in page open. */
    async function usedBy(person: Person) {
      const browser = new CookieJarBrowser(server)
      await signIn(browser, person)
      const login = await beginAt(browser, authorizePath(undefined, { prompt: 'login' }))
      return {
        browser,
        try: (email: string, password: string, address = network()) =>
          browser.post(login, { username: email, password }, { 'x-forwarded-for': address }),
      }
    }

    test('gets a few tries at that account, wherever they come from', async () => {
      const page = await usedBy(ANN)
      let number = 0
      assert.equal(await guessUntilHeld(() => page.try(ANN.email, 'a wrong guess', network(number++))), FREE)
    })

    test('gets no more at another account than anybody', async () => {
      const page = await usedBy(EVE)
      assert.equal(await guessUntilHeld(() => page.try(ANN.email, 'a wrong guess')), FREE)
      assert.equal((await page.try(ANN.email, ANN.password)).status, 429)
    })

    test('cannot make one up, or make it out of what the account has elsewhere', async () => {
      await guessUntilHeld((await open()).try.bind(null, ANN.email, 'a wrong guess'))
      const known = await usedBy(ANN)
      for (const [name, value] of [
        ['latchkey.browser', 'A'.repeat(43)],
        ['latchkey.browser', known.browser.cookies.get('latchkey.session') ?? ''],
      ] as const) {
        const browser = new CookieJarBrowser(server)
        browser.cookies.set(name, value)
        const login = await beginAt(browser, authorizePath())
        const form = { username: ANN.email, password: ANN.password }
        assert.equal((await browser.post(login, form, { 'x-forwarded-for': network() })).status, 429)
      }
    })
  })

  describe('is noticed', () => {
    test('by the person, in one letter a day, and by whoever reads events, once', async () => {
      const before = await letters()
      const since = await lastEvent()
      for (let round = 0; round < 5; round++) {
        const page = await open()
        await guessUntilHeld(() => page.try(ANN.email, 'a wrong guess'))
        clock.advance(2 * HOUR)
      }
      const [letter, ...more] = (await letters()).slice(before.length)
      assert.equal(more.length, 0)
      assert.equal(letter?.to, ANN.email)
      assert.ok(linkIn(letter).startsWith(`${server.issuer}sign-in-again/`))
      assert.match(letter.text, /Where you have signed in before, you can go on as always/)
      const held = await events('sign-in.held', since)
      assert.deepEqual(
        held.map(({ details, target, personal }) => [details['what'], target?.kind, personal['email']]),
        [['account', 'user', ANN.email]],
      )
    })

    test('and whoever reads the letter lets themselves try again at once, once, by a button and no other site', async () => {
      const page = await open()
      await guessUntilHeld(() => page.try(ANN.email, 'a wrong guess'))
      const link = linkIn((await letters()).at(-1) ?? assert.fail('no letter came'))
      const since = await lastEvent()
      const own = new CookieJarBrowser(server)
      for (let look = 0; look < 2; look++) assert.match((await own.get(link)).body, /Let me try again/)
      assert.equal(
        (await own.post(link, {}, { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' })).status,
        403,
      )
      assert.equal((await page.try(ANN.email, ANN.password)).status, 429, 'a look spends nothing')

      const presses = await Promise.all(Array.from({ length: 4 }, () => own.post(link, {})))
      assert.deepEqual(statuses(presses), { 200: 1, 410: 3 })
      assert.equal((await events('sign-in.released', since)).length, 1)
      assert.equal((await page.try(ANN.email, ANN.password)).status, 303)
      assert.equal((await own.get(link)).status, 410)
      // A wave has one letter, so that whoever goes on guessing is not let on by a second.
      const before = await letters()
      const guesser = await open()
      assert.equal(await guessUntilHeld(() => guesser.try(ANN.email, 'a wrong guess')), FREE)
      assert.deepEqual(await letters(), before)
    })

    test('and nobody is written to for a name that no account has', async () => {
      const before = await letters()
      const page = await open()
      await guessUntilHeld(() => page.try('nobody@example.com', 'a wrong guess'))
      assert.deepEqual(await letters(), before)
    })

    test('and it is on record when the person is let in again', async () => {
      const since = await lastEvent()
      const page = await open()
      await guessUntilHeld(() => page.try(ANN.email, 'a wrong guess'))
      clock.advance(MINUTE)
      assert.equal((await page.try(ANN.email, ANN.password)).status, 303)
      assert.equal((await events('sign-in.released', since)).length, 1)
      const fresh = await open()
      assert.equal(await guessUntilHeld(() => fresh.try(ANN.email, 'a wrong guess')), FREE, 'and begins anew here')
    })
  })

  test('is no match for the mailbox: a new password opens the browser it is chosen in, and closes those of the old', async () => {
    const mailbox = openMailbox(server.latchkey)
    const thief = await open(network(300))
    assert.equal((await thief.try(BEN.email, BEN.password)).status, 303)
    for (let number = 0; number < FROM_ANYWHERE; number++)
      await (await open(network(number))).try(BEN.email, 'a wrong guess')

    const own = await open(network(301))
    assert.equal((await own.try(BEN.email, BEN.password)).status, 429)
    const from = { 'x-forwarded-for': network(301) }
    await own.browser.post('/forgot-password', { email: BEN.email }, from)
    let mail = await mailbox.next(BEN.email)
    while (!mail.text.includes('/reset-password/')) mail = await mailbox.next(BEN.email)
    const password = 'orange kites over water'
    const { pathname } = new URL(linkIn(mail))
    assert.equal((await own.browser.post(pathname, { password }, from)).status, 200)

    const again = await own.browser.get(authorizePath(), from)
    assert.equal((await own.browser.post(again.location ?? '', { username: BEN.email, password }, from)).status, 303)
    const login = await thief.browser.get(authorizePath(), { 'x-forwarded-for': network(300) })
    const tried = await thief.browser.post(login.location ?? '', { username: BEN.email, password: 'a wrong guess' })
    assert.equal(tried.status, 429)
  })

  test('at the secret of a client is held up as well, through a restart, and says when to come back', async () => {
    const ask = (client_secret: string, number = 0) =>
      new CookieJarBrowser(server).post(
        '/oauth/token',
        { grant_type: 'client_credentials', ...MACHINE, client_secret, audience: API },
        { origin: undefined, 'sec-fetch-site': undefined, 'x-forwarded-for': network(number) },
      )
    const replies = await Promise.all(Array.from({ length: 64 }, () => ask('a wrong guess')))
    assert.ok((statuses(replies)[401] ?? 0) <= 20)
    server = await server.restart()
    for (let wait = 1; wait <= 32; wait *= 2) {
      clock.advance(wait * SECOND)
      await ask('a wrong guess')
    }
    const held = await ask(MACHINE.client_secret)
    assert.equal(held.status, 429)
    assert.equal(held.json()['error'], 'too_many_attempts')
    assert.match(String(held.headers['retry-after']), /^[1-9]\d?$/)
    assert.equal((await ask(MACHINE.client_secret, 1)).status, 200)
  })

  test('meets what the tenant file says, from the next try on', async () => {
    try {
      await applyTo(server.latchkey, {
        attackProtection: {
          bruteForceProtection: { enabled: false },
          suspiciousIpThrottling: { allowlist: ['10.0.0.0/8'], stage: { 'pre-login': { max_attempts: 2 } } },
        },
      })
      const spared = await open()
      for (let round = 0; round < FREE + 2; round++)
        assert.equal((await spared.try(ANN.email, 'a wrong guess')).status, 400)
      const counted = await open('192.0.2.77')
      assert.equal(await guessUntilHeld(() => counted.try(ANN.email, 'a wrong guess')), 2)
    } finally {
      await applyTo(server.latchkey, { attackProtection: FILE.attackProtection })
    }
  })
})
