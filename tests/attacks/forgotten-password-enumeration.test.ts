/**
 * Finding out who has an account, on the page for a forgotten password: the answer is the same, byte for byte, and so
 * is the work behind it. Statements are counted rather than timed, because a count does not depend on the machine; that
 * nothing is left to tell is shown by the clock as well, with a wide margin.
 */
import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { after, before, test } from 'node:test'
import type { Store, Transaction } from '../../server/store/store.ts'
import { openMailbox } from '../fixtures/mailbox.ts'
import { onEachStore, type RunningServer, startServer } from '../fixtures/server.ts'
import { createTestClock } from '../fixtures/test-clock.ts'
import { ANN, BEN, beginAt, CookieJarBrowser, tenantFile } from './stage.ts'

const ofRequest = new AsyncLocalStorage<string[]>()
/** Woken by the request, and so of its context. */
const OF_MAILER = /^mails\.(?:claim|postpone|remove|nextDue)$/

onEachStore('The page for a forgotten password', store => {
  const clock = createTestClock()
  let server: RunningServer

  before(async () => {
    const users = [...tenantFile.users, { email: 'many@example.com', password: 'a lighthouse in the fog' }]
    server = await startServer({ store, clock: clock.now, tenantFile: { ...tenantFile, users } })
    const { store: nouns } = server.latchkey
    const [ben = ''] = await nouns.users.findByAttribute('default', 'email', BEN.email, 1)
    assert.equal(await nouns.users.change('default', ben, { blocked: true }, clock.now()), 'changed')
  })
  after(() => server?.close())

  async function ask(email: string) {
    const browser = new CookieJarBrowser(server)
    const login = await beginAt(browser)
    const begun = performance.now()
    const { status, headers, cookies, body } = await browser.post(`${login}/forgot-password`, { email })
    const took = performance.now() - begun
    const { date: _, 'x-request-id': __, 'content-length': ___, 'content-security-policy': policy, ...rest } = headers
    const nonce = /'nonce-([^']+)'/.exec(String(policy))?.[1] ?? 'no nonce'
    const strip = (text: string) =>
      text.replaceAll(nonce, 'NONCE').replaceAll(login, '/login/ID').replaceAll(email, 'ADDRESS')
    return { took, answer: { status, cookies, headers: { ...rest, policy: strip(String(policy)) }, body: strip(body) } }
  }

  /** The verbs of the store that a request calls, with the tables they are about: neither a job's nor the mailer's. */
  async function statementsOf(work: () => Promise<unknown>): Promise<string[]> {
    const called: string[] = []
    const note = (verb: string) => {
      if (ofRequest.getStore() === called && !OF_MAILER.test(verb)) called.push(verb)
    }
    const watched = <T extends object>(nouns: T): T =>
      new Proxy(nouns, {
        get: (noun, name) => {
          const member = Reflect.get(noun, name)
          if (typeof member !== 'object' || member === null) return member
          return new Proxy(member, {
            get: (verbs, verb) => {
              note(`${String(name)}.${String(verb)}`)
              return Reflect.get(verbs, verb)
            },
          })
        },
      })
    const { latchkey } = server
    const nouns = latchkey.store as { -readonly [N in keyof Store]: Store[N] }
    const kept = { ...nouns }
    Object.assign(nouns, watched({ ...kept }), {
      transaction: <T>(work: (transaction: Transaction) => Promise<T>) =>
        kept.transaction(transaction => work(watched(transaction))),
    })
    for (const name of ['users', 'credentials', 'connections', 'tickets', 'mails', 'events'] as const)
      Object.assign(nouns, { [name]: watched({ [name]: kept[name] })[name] })
    try {
      await ofRequest.run(called, work)
    } finally {
      Object.assign(nouns, kept)
    }
    return called
  }

  const STRANGERS = ['nobody@example.com', 'annn@example.com', 'ann@example.org', `${'a'.repeat(64)}@example.com`]

  test('answers the owner of an account, a stranger and somebody blocked with the same page', async () => {
    const known = await ask(ANN.email)
    assert.equal(known.answer.status, 200)
    assert.match(known.answer.body, /If there is an account for/)
    for (const email of [...STRANGERS.slice(0, 3), BEN.email])
      assert.deepEqual((await ask(email)).answer, known.answer, email)
    const mails = await openMailbox(server.latchkey).all()
    assert.deepEqual(
      mails.map(({ to }) => to),
      [ANN.email],
    )
  })

  test('does the same work for each of them, and beyond the limit too', async () => {
    clock.advance(3_600_000)
    const mailbox = openMailbox(server.latchkey)
    // Fills the caches.
    await ask('warm-up@example.com')
    const workFor = async (email: string) => {
      await mailbox.all()
      return statementsOf(() => ask(email))
    }
    const first = await workFor(ANN.email)
    assert.ok(first.includes('tickets.issue') && first.includes('mails.promise'), String(first))
    for (const email of [...STRANGERS, BEN.email]) assert.deepEqual(await workFor(email), first, email)
    const beyond = await workFor(ANN.email)
    assert.ok(!beyond.includes('mails.promise'))
    for (const email of [...STRANGERS, BEN.email]) assert.deepEqual(await workFor(email), beyond, email)
  })

  test('takes as long for an account as for none', async () => {
    const mailbox = openMailbox(server.latchkey)
    const times: Record<'known' | 'unknown', number[]> = { known: [], unknown: [] }
    await ask('warm-up@example.com')
    for (let round = 0; round < 40; round++) {
      clock.advance(3_600_000)
      // Whatever is being sent is not what is measured.
      await mailbox.all()
      const [kind, email] =
        round % 2 === 0 ? (['known', 'many@example.com'] as const) : (['unknown', 'nome@example.com'] as const)
      times[kind].push((await ask(email)).took)
    }
    const median = (list: number[]) => list.toSorted((a, b) => a - b)[list.length >> 1] ?? 0
    const [known, unknown] = [median(times.known), median(times.unknown)]
    assert.ok(Math.abs(known - unknown) < Math.max(5, 0.5 * Math.max(known, unknown)), `${known} ms and ${unknown} ms`)
  })
})
