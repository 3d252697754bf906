/** The unmodified `express-openid-connect` signing out: by itself at our end, and at our word at its own. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import express from 'express'
import middleware, { type ConfigParams } from 'express-openid-connect'
import { SECOND } from '../../server/kernel/seconds.ts'
import { createPerson, departure, type Person } from '../fixtures/person.ts'
import { applyTo, type RunningServer, startServer } from '../fixtures/server.ts'

const { auth } = middleware

const JO = { email: 'jo@example.com', password: 'a fine long passphrase' } as const
const CLIENT_SECRET = 'the application keeps this to itself'

type Store = NonNullable<Exclude<ConfigParams['backchannelLogout'], boolean | undefined>['store']>

/** What the middleware asks of a store, in memory. */
function memoryStore(): Store {
  const kept = new Map<string, Parameters<Store['set']>[1]>()
  return {
    get: (id, done) => done(null, kept.get(id)),
    set(id, value, done) {
      kept.set(id, value)
      done?.()
    },
    destroy(id, done) {
      kept.delete(id)
      done?.()
    },
  }
}

describe('express-openid-connect signs out, on sqlite', () => {
  let server: RunningServer
  let application: Server
  let base = ''
  /** What the middleware answered when it was told of a logout. */
  const answered: number[] = []

  before(async () => {
    const app = express()
    application = createServer(app).listen(0, '127.0.0.1')
    await once(application, 'listening')
    base = `http://localhost:${(application.address() as AddressInfo).port}`
    server = await startServer({
      store: 'sqlite',
      tenantFile: { users: [{ ...JO, name: 'Jo March', email_verified: true }] },
      environment: { LATCHKEY_EGRESS_ALLOW: 'localhost' },
    })
    await applyTo(server.latchkey, {
      clients: [
        {
          client_id: 'portal',
          name: 'Portal',
          app_type: 'regular_web',
          client_secret: CLIENT_SECRET,
          token_endpoint_auth_method: 'client_secret_basic',
          callbacks: [`${base}/callback`],
          allowed_logout_urls: [base],
          oidc_logout: { backchannel_logout_urls: [`${base}/backchannel-logout`] },
        },
      ],
    })
    app.use((request, response, next) => {
      if (request.path === '/backchannel-logout') response.on('finish', () => answered.push(response.statusCode))
      next()
    })
    app.use(
      auth({
        issuerBaseURL: server.issuer,
        baseURL: base,
        clientID: 'portal',
        clientSecret: CLIENT_SECRET,
        secret: 'seals the application’s own session cookie',
        authRequired: false,
        authorizationParams: { response_type: 'code', scope: 'openid profile' },
        idpLogout: true,
        backchannelLogout: { store: memoryStore() },
      }),
    )
    app.get('/', (request, response) => void response.json({ user: request.oidc.user ?? null }))
  })
  after(async () => {
    application?.close()
    application?.closeAllConnections()
    await server?.close()
  })

  const userSeenBy = async (there: Person): Promise<string | null> => {
    const { user } = JSON.parse((await there.visit(base)).html) as { user: { sub: string } | null }
    return user?.sub ?? null
  }

  /** In a browser of its own, of which each site has its cookies. */
  async function signedIn() {
    const [there, here] = [createPerson(base), createPerson(server.issuer)]
    const callback = await here.signIn(departure(await there.visit(`${base}/login`)), JO)
    await there.visit(callback)
    const user = await userSeenBy(there)
    assert.ok(user)
    return { there, here, user }
  }

  test('at its own end and at ours, and is led back', async () => {
    const { there, here } = await signedIn()
    const left = departure(await here.visit(departure(await there.visit(`${base}/logout`))))
    assert.equal(left.href, `${base}/`)
    assert.equal(await userSeenBy(there), null)
    const silently = departure(await there.visit(`${base}/login`))
    silently.searchParams.set('prompt', 'none')
    assert.equal((await here.visit(silently)).url.searchParams.get('error'), 'login_required')
  })

  test('at our word: whoever leaves here is signed out there by the next request', async () => {
    const { there, here } = await signedIn()
    const before = answered.length
    await here.submit(await here.visit(new URL('oidc/logout', server.issuer)))
    for (const end = Date.now() + 20 * SECOND; (await userSeenBy(there)) !== null; await pause(20))
      assert.ok(Date.now() < end, 'it was not told within twenty seconds')
    assert.deepEqual(answered.slice(before), [204])
  })

  test('and lets the same person in again', async () => {
    const { user } = await signedIn()
    assert.ok(user)
  })

  test('refuses what is no logout token of ours', async () => {
    const { there } = await signedIn()
    const post = (token: string) =>
      fetch(`${base}/backchannel-logout`, { method: 'POST', body: new URLSearchParams({ logout_token: token }) })
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const claims = { iss: server.issuer, aud: 'portal', sub: 'auth0|jo', iat: 1, events: {} }
    assert.equal((await post(`${encode({ alg: 'none', typ: 'logout+jwt' })}.${encode(claims)}.`)).status, 400)
    assert.notEqual(await userSeenBy(there), null)
  })
})
