/**
 * Finding out who has an account. What is answered to a wrong password and to a stranger's address has to be the same
 * page, and to cost the same: hashes are counted rather than timed, because a count does not depend on the machine.
 */
import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { after, before, test } from 'node:test'
import type { RunningServer } from '../fixtures/server.ts'

/** The cost of each password hash that was computed, in order. */
const computed: string[] = []
const { argon2 } = crypto
// Before the server is loaded, which takes the function as it finds it.
Object.assign(crypto, {
  argon2: (algorithm: string, parameters: Record<string, number>, done: () => void) => {
    const { memory, passes, parallelism, tagLength } = parameters
    computed.push([algorithm, memory, passes, parallelism, tagLength].join(' '))
    return argon2(algorithm as 'argon2id', parameters as never, done as never)
  },
})
syncBuiltinESMExports()
const { onEachStore, startServer } = await import('../fixtures/server.ts')
const { ANN, BEN, beginAt, CookieJarBrowser, tenantFile } = await import('./stage.ts')

onEachStore('Whether an account exists', store => {
  let server: RunningServer

  before(async () => {
    server = await startServer({ store, tenantFile })
    const { store: nouns } = server.latchkey
    const [ben] = await nouns.users.findByAttribute('default', 'email', BEN.email, 1)
    assert.ok(ben)
    assert.equal(await nouns.users.change('default', ben, { blocked: true }, Date.now()), 'changed')
  })
  after(() => server?.close())

  async function attempt(username: string, password: string) {
    const browser = new CookieJarBrowser(server)
    const login = await beginAt(browser)
    const before = computed.length
    const { status, headers, cookies, body } = await browser.post(login, { username, password })
    const { date: _, 'content-security-policy': policy, ...rest } = headers
    const nonce = /'nonce-([^']+)'/.exec(String(policy))?.[1] ?? 'no nonce'
    const strip = (text: string) =>
      text.replaceAll(nonce, 'NONCE').replaceAll(login, '/login/ID').replaceAll(username, 'ADDRESS')
    return {
      status,
      cookies,
      headers: { ...rest, 'content-length': undefined, 'content-security-policy': strip(String(policy)) },
      body: strip(body),
      cost: computed.slice(before),
    }
  }

  const STRANGERS = [
    'nobody@example.com',
    'annn@example.com',
    'ann@example.org',
    'not an address',
    `${'a'.repeat(300)}@x.example`,
  ]

  test('cannot be told from the answer to a password, nor from the work behind it', async () => {
    const known = await attempt(ANN.email, 'a wrong password')
    assert.equal(known.status, 400)
    assert.equal(known.cost.length, 1, 'a wrong password costs one hash')
    for (const stranger of STRANGERS) assert.deepEqual(await attempt(stranger, 'a wrong password'), known, stranger)
  })

  test('cannot be told by a password too long to be anybody’s, or by the password of somebody else', async () => {
    for (const password of ['x'.repeat(5000), BEN.password, ' ']) {
      const known = await attempt(ANN.email, password)
      assert.equal(known.status, 400)
      for (const stranger of STRANGERS) assert.deepEqual(await attempt(stranger, password), known, stranger)
    }
  })

  test('and that it is blocked is told only to whoever has its password', async () => {
    const stranger = await attempt('nobody@example.com', 'a wrong password')
    assert.deepEqual(await attempt(BEN.email, 'a wrong password'), stranger)
    const owner = await attempt(BEN.email, BEN.password)
    assert.equal(owner.status, 403)
    assert.match(owner.body, /This account is blocked/)
    assert.deepEqual(owner.cookies, [])
  })

  test('is not told by the sign-up page before the password would have done', async () => {
    async function signUp(email: string, password: string) {
      const browser = new CookieJarBrowser(server)
      const login = await beginAt(browser)
      const { status, body } = await browser.post(`${login}/sign-up`, { email, password })
      return { status, body: body.replaceAll(login, '/login/ID').replaceAll(email, 'ADDRESS') }
    }
    for (const password of ['', 'short', 'x'.repeat(2000)])
      assert.deepEqual(await signUp(ANN.email, password), await signUp('free@example.com', password))
    assert.equal((await signUp(ANN.email, 'long enough, this one')).status, 409)
  })

  test('is not told by a recovered form: the address that was typed stands there, as typed', async () => {
    const browser = new CookieJarBrowser(server)
    const login = await beginAt(browser)
    const { body } = await browser.post(login, { username: ANN.email.toUpperCase(), password: 'a wrong password' })
    assert.ok(body.includes(ANN.email.toUpperCase()))
    assert.ok(!body.includes(ANN.email))
  })
})
