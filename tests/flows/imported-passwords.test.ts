/**
 * People who come from elsewhere with their passwords' hashes: one of every format is imported, signs in, and has a hash
 * of ours from then on. The formats themselves are tested beside them; here it is the way through the tenant file.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { applyTo, type RunningServer, startServer } from '../fixtures/server.ts'
import { postToken } from './stage.ts'
import { SECRETS, TENANT_FILE } from './tenant.ts'

interface Vector {
  readonly format: string
  readonly password: string
  readonly hash: string | object
}

const VECTORS: readonly Vector[] = JSON.parse(
  readFileSync(new URL('../vectors/password-hashes.json', import.meta.url), 'utf8'),
)
/** The first of each. */
const people = [...Map.groupBy(VECTORS, ({ format }) => format)].flatMap(([format, [vector]], index) =>
  vector ? [{ ...vector, format, email: `person-${index}@example.com` }] : [],
)
const BCRYPT = VECTORS.find(({ format, password }) => format === 'bcrypt' && password.length === 72)
const LONGEST = { email: 'longest@example.com', password: BCRYPT?.password ?? '', hash: BCRYPT?.hash ?? '' }

describe('people from elsewhere', () => {
  let server: RunningServer

  before(async () => {
    const users = [...people, { ...LONGEST, format: 'bcrypt' }].map(({ email, format, hash }) => ({
      email,
      email_verified: true,
      ...(format.startsWith('Auth0') ? { custom_password_hash: hash } : { password_hash: hash }),
    }))
    server = await startServer({ store: 'sqlite', tenantFile: { ...TENANT_FILE, users } })
  })
  after(() => server?.close())

  const signIn = (username: string, password: string) =>
    postToken(server.issuer, {
      grant_type: 'password',
      client_id: 'desktop',
      client_secret: SECRETS.desktop,
      username,
      password,
    })
  async function storedFor(email: string): Promise<string | undefined> {
    const { store } = server.latchkey
    const [user = ''] = await store.users.findByAttribute('default', 'email', email, 1)
    return (await store.credentials.of('default', user, 'password'))[0]?.secret
  }

  for (const { format, email, password, hash } of people)
    test(`sign in with their password of ${format}, which is hashed anew then and not before`, async () => {
      const imported = typeof hash === 'string' ? hash : JSON.stringify(hash)
      assert.equal((await signIn(email, `not ${password}`)).status, 400)
      assert.equal(await storedFor(email), imported)
      assert.equal((await signIn(email, password)).status, 200)
      assert.match((await storedFor(email)) ?? '', /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
      assert.equal((await signIn(email, password)).status, 200)
      assert.equal((await signIn(email, `not ${password}`)).status, 400)
    })

  test('with a hash that is dear to check have every failure of their tenant held, until they have signed in', async () => {
    // Cost 10, by Python's bcrypt.
    const dear = { email: 'dear@example.com', password: 'correct horse battery staple' }
    const password_hash = '$2b$10$hgsIFnAMlahEaS9PbyARLeL55nfS2rFjpRbH5XsUMAWsrO6.keuk.'
    const failing = async (username: string) => {
      const began = performance.now()
      assert.equal((await signIn(username, 'a wrong password')).status, 400)
      return performance.now() - began
    }
    await applyTo(server.latchkey, { users: [{ email: dear.email, email_verified: true, password_hash }] })
    assert.equal(await server.latchkey.store.credentials.dearest('default'), 1)
    for (const username of [dear.email, LONGEST.email, 'nobody@example.com'])
      assert.ok((await failing(username)) >= 198, username)
    assert.equal((await signIn(dear.email, dear.password)).status, 200)
    assert.equal(await server.latchkey.store.credentials.dearest('default'), 0)
  })

  test('whose password is longer than bcrypt read are refused, and the event says why', async () => {
    const refused = await signIn(LONGEST.email, `${LONGEST.password} and more`)
    assert.deepEqual([refused.status, refused.body['error_description']], [400, 'Wrong email or password.'])
    assert.equal((await signIn(LONGEST.email, LONGEST.password)).status, 200)
    // What waits to be written is written when a server closes.
    server = await server.restart()
    const events = await server.latchkey.store.events.list('default', { limit: 1000 })
    const reasons = events.filter(({ type }) => type === 'sign-in.failed').map(({ details }) => details['reason'])
    assert.deepEqual(reasons.filter(Boolean), ['longer-than-72-bytes'])
  })
})
