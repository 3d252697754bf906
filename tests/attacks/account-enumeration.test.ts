/**
 * Finding out who has an account. What is answered to a wrong password and to a stranger's address has to be the same
 * page, and to cost the same: hashes are counted, because a count does not depend on the machine; and timed, because
 * what costs time need not be a hash.
 */
import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { after, before, test } from 'node:test'
import type { RunningServer } from '../fixtures/server.ts'

interface Computed {
  readonly algorithm: string
  /** In kibibytes filled, which is what takes the time. */
  readonly work: number
}

/** Each password hash that was computed, in order. */
const computed: Computed[] = []
const { argon2 } = crypto
// Before the server is loaded, which takes the function as it finds it.
Object.assign(crypto, {
  argon2: (algorithm: string, parameters: Record<string, number>, done: () => void) => {
    const { memory = 0, passes = 0 } = parameters
    computed.push({ algorithm, work: memory * passes })
    return argon2(algorithm as 'argon2id', parameters as never, done as never)
  },
})
syncBuiltinESMExports()
const { DATABASE_CONNECTION } = await import('../../server/identity/users.ts')
const { aUser } = await import('../fixtures/records.ts')
const { onEachStore, startServer } = await import('../fixtures/server.ts')
const { ANN, BEN, beginAt, CookieJarBrowser, passing, tenantFile, UNPROTECTED, askToken } = await import('./stage.ts')

/** Imported, each with a hash that is cheaper than ours: "correct horse battery staple", by Debian's `argon2`. */
const CHEAPER = {
  'imported@example.com':
    '$argon2id$v=19$m=8,t=2,p=1$bGF0Y2hrZXlzYWx0c2FsdA$k0JwhgVmc9K+RFRRH7OAzQFx0aEdc7yL6HZLFcggunI',
  // A digest, checked in no time.
  'directory@example.com': '{SSHA}46BnfOtjjVkV2IM1YrlQPStNxk5zYWx0c2FsdA==',
}
/** Has an account, and no password: signs in elsewhere, or not at all yet. */
const PASSWORDLESS = 'passwordless@example.com'
const PASSWORDLESS_ID = 'auth0|passwordless'
const FILE = {
  ...tenantFile,
  attackProtection: UNPROTECTED,
  users: [
    ...tenantFile.users,
    ...Object.entries(CHEAPER).map(([email, password_hash]) => ({ email, email_verified: true, password_hash })),
  ],
}

onEachStore('Whether an account exists', store => {
  let server: RunningServer

  before(async () => {
    server = await startServer({ store, tenantFile: FILE })
    const { store: nouns } = server.latchkey
    const [ben] = await nouns.users.findByAttribute('default', 'email', BEN.email, 1)
    assert.ok(ben)
    assert.equal(await nouns.users.change('default', ben, { blocked: true }, Date.now()), 'changed')
    const connection = (await nouns.connections.findByName('default', DATABASE_CONNECTION))?.id
    assert.ok(connection)
    const identity = {
      tenant: 'default',
      user: PASSWORDLESS_ID,
      connection,
      provider: 'auth0',
      subject: 'passwordless',
    }
    await nouns.users.create(aUser({ tenant: 'default', id: PASSWORDLESS_ID, email: PASSWORDLESS }), {
      ...identity,
      emailKey: PASSWORDLESS,
      usernameKey: null,
      profile: null,
      ordinal: 0,
    })
  })
  after(() => server?.close())

  async function attempt(username: string, password: string) {
    const browser = new CookieJarBrowser(server)
    const login = await beginAt(browser)
    const before = computed.length
    const { status, headers, cookies, body } = await browser.post(login, { username, password })
    const { date: _, 'x-request-id': __, 'content-security-policy': policy, ...rest } = headers
    const nonce = /'nonce-([^']+)'/.exec(String(policy))?.[1] ?? 'no nonce'
    const strip = (text: string) =>
      text.replaceAll(nonce, 'NONCE').replaceAll(login, '/login/ID').replaceAll(username, 'ADDRESS')
    return {
      status,
      cookies,
      headers: { ...rest, 'content-length': undefined, 'content-security-policy': strip(String(policy)) },
      body: strip(body),
      work: computed.slice(before).reduce((sum, { work }) => sum + work, 0),
    }
  }

  /** 19 MiB, twice. */
  const A_HASH = 19_456 * 2

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
    assert.equal(known.work, A_HASH, 'a wrong password costs one hash')
    for (const stranger of STRANGERS) assert.deepEqual(await attempt(stranger, 'a wrong password'), known, stranger)
  })

  test('cannot be told of an account without a password', async () => {
    for (const password of ['a wrong password', '', 'x'.repeat(5000)])
      assert.deepEqual(await attempt(PASSWORDLESS, password), await attempt('nobody@example.com', password))
  })

  test('cannot be told of an account that was imported with a cheaper hash, which costs what ours does', async () => {
    const stranger = await attempt('nobody@example.com', 'a wrong password')
    for (const email of Object.keys(CHEAPER))
      assert.deepEqual(await attempt(email, 'a wrong password'), stranger, email)
  })

  test('cannot be told by a password that is spelt in two ways, which costs two checks for everybody', async () => {
    const stranger = await attempt('nobody@example.com', 'pa\u0308ssword \u2460')
    assert.equal(stranger.work, 2 * A_HASH)
    for (const email of [ANN.email, PASSWORDLESS, ...Object.keys(CHEAPER)])
      assert.deepEqual(await attempt(email, 'pa\u0308ssword \u2460'), stranger, email)
  })

  test('cannot be told by an application that takes passwords itself', async () => {
    const grant = async (email: string, password: string) => {
      const before = computed.length
      const { status, body } = await askToken(server, passing({ email, password }))
      return { status, body, work: computed.slice(before).reduce((sum, { work }) => sum + work, 0) }
    }
    const stranger = await grant('nobody@example.com', 'a wrong password')
    assert.deepEqual([stranger.status, stranger.work], [400, A_HASH])
    for (const email of [ANN.email, BEN.email, PASSWORDLESS, ...Object.keys(CHEAPER), 'no address'])
      assert.deepEqual(await grant(email, 'a wrong password'), stranger, email)
  })

  test('cannot be told of an account whose hash is none that could be checked', async () => {
    const { store: nouns } = server.latchkey
    await nouns.credentials.put({
      tenant: 'default',
      user: PASSWORDLESS_ID,
      kind: 'password',
      id: 'password',
      publicPart: '',
      secret: '$2x$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy',
      counter: 0,
      createdAt: Date.now(),
      costClass: 0,
    })
    assert.deepEqual(await attempt(PASSWORDLESS, 'wrong'), await attempt('nobody@example.com', 'wrong'))
  })

  test('cannot be told by what the answer costs', async () => {
    const kinds = [ANN.email, BEN.email, PASSWORDLESS, ...Object.keys(CHEAPER), 'nobody@example.com']
    const costs = new Map<string, number[]>(kinds.map(kind => [kind, []]))
    for (let round = 0; round < 3; round++)
      for (const kind of kinds) {
        // The processor's time and not the clock's, which also runs for whatever else a machine does.
        const before = process.cpuUsage()
        await attempt(kind, 'a wrong password')
        const { user, system } = process.cpuUsage(before)
        costs.get(kind)?.push((user + system) / 1000)
      }
    const least = kinds.map(kind => Math.min(...(costs.get(kind) ?? [])))
    const told = kinds.map((kind, place) => `${kind}: ${least[place]?.toFixed(1)} ms`).join(', ')
    assert.ok(Math.max(...least) < 2 * Math.min(...least), told)
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

  test('cannot be told of a username either, whoever has it, nor by typing it in other letters', async () => {
    const { store: nouns } = server.latchkey
    const connection = await nouns.connections.findByName('default', DATABASE_CONNECTION)
    const [ann] = await nouns.users.findByAttribute('default', 'email', ANN.email, 1)
    assert.ok(connection && ann)
    await nouns.connections.change('default', connection.id, { options: { requires_username: true } })
    const key = { connection: connection.id, usernameKey: 'ann_9' }
    assert.equal(await nouns.users.change('default', ann, { username: 'Ann_9' }, Date.now(), key), 'changed')
    try {
      const stranger = await attempt('nobody_9', 'a wrong password')
      assert.deepEqual([stranger.status, stranger.work], [400, A_HASH])
      for (const name of ['ann_9', 'ANN_9', 'ＡNN_9', `${'n'.repeat(300)}`, ANN.email, 'nobody@example.com'])
        assert.deepEqual(await attempt(name, 'a wrong password'), stranger, name)
      assert.equal((await attempt('aNN_9', ANN.password)).status, 303)
      // The sign-up page tells of a username as of an address: after a password that would have done.
      const browser = new CookieJarBrowser(server)
      const signUp = async (username: string, password: string) => {
        const login = await beginAt(browser)
        const form = { email: 'free@example.com', username, password }
        const { status, body } = await browser.post(`${login}/sign-up`, form)
        return { status, body: body.replaceAll(login, '/login/ID').replaceAll(username, 'NAME') }
      }
      assert.deepEqual(await signUp('ann_9', 'short'), await signUp('free_9', 'short'))
      const taken = await signUp('ANN_9', 'long enough, this one')
      assert.equal(taken.status, 409)
      assert.match(taken.body, /Somebody has this username already/)
    } finally {
      await nouns.connections.change('default', connection.id, { options: {} })
    }
  })

  test('is not told by a recovered form: the address that was typed stands there, as typed', async () => {
    const browser = new CookieJarBrowser(server)
    const login = await beginAt(browser)
    const { body } = await browser.post(login, { username: ANN.email.toUpperCase(), password: 'a wrong password' })
    assert.ok(body.includes(ANN.email.toUpperCase()))
    assert.ok(!body.includes(ANN.email))
  })
})
