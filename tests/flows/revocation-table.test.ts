/**
 * The table of events against what they end, one test a cell. Every event has a cast of its own: a person in two
 * browsers, and two applications that hold everything an application can. What is held is tried after the event, and
 * `docs/revocation.md` has to hold this very table.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import type { JsonObject } from '../../server/kernel/json.ts'
import { MINUTE } from '../../server/kernel/seconds.ts'
import type { CreatedApiKey } from '../../server/operations/api-keys.ts'
import {
  API,
  askToken,
  askUserinfo,
  authorizePath,
  CookieJarBrowser,
  claimsOf,
  codeOf,
  follow,
  type Person,
  queryOf,
  redemption,
  refreshing,
  signIn,
  silentCode,
  type Tokens,
} from '../attacks/stage.ts'
import { linkIn, openMailbox } from '../fixtures/mailbox.ts'
import { edgeToken } from '../fixtures/revocation-reader.ts'
import { applyTo, type RunningServer, startServer } from '../fixtures/server.ts'
import { createTestClock } from '../fixtures/test-clock.ts'

type Application = { readonly client_id: string; readonly client_secret: string }

/** What somebody has and what applications hold of theirs, when the event comes. */
interface Cast {
  readonly person: Person
  /** The browser whose session the applications were given everything in. */
  readonly here: CookieJarBrowser
  /** Another browser, in which the person is signed in too. */
  readonly elsewhere: CookieJarBrowser
  /** Of the session here. */
  readonly sid: string
  readonly app: Application
  /** Another application of the same session. */
  readonly other: Application
  /** Of `app`, not redeemed. */
  readonly code: string
  /** Of `app`, redeemed: what `tokens` were given for. */
  readonly spentCode: string
  /** Of `app`, from the code. */
  readonly tokens: Tokens
  /** The same, refreshed: its refresh token is the newest. */
  readonly refreshed: Tokens
  readonly otherTokens: Tokens
  readonly machine: string
  /** Keys of `app`: for the person, and for itself. */
  readonly personsKey: CreatedApiKey
  readonly ownKey: CreatedApiKey
}

const NEUTRAL: Application = { client_id: 'neutral', client_secret: 'the secret of the one in between' }
const GUARD: Application = { client_id: 'guard', client_secret: 'the secret of the guard' }
const DESK_SCOPES = ['delete:sessions', 'delete:refresh_tokens', 'update:users', 'blacklist:tokens']
const GONE = 'https://app.example/gone'
const OFFLINE = 'openid offline_access'

describe('What ends what', () => {
  const clock = createTestClock()
  let server: RunningServer
  /** Of a machine that may end what people have. */
  let desk: string
  /** The database that people are in, by its id. */
  let connection: string
  const operate = (name: string, given: JsonObject) => server.latchkey.operate(name, { tenant: 'default', ...given })

  before(async () => {
    server = await startServer({
      store: 'sqlite',
      clock: clock.now,
      tenantFile: {
        tenant: { session_lifetime: 0.5 },
        clients: [application(NEUTRAL), { ...application(GUARD), app_type: 'non_interactive' }],
        resourceServers: [
          {
            identifier: API,
            name: 'Videos',
            allow_offline_access: true,
            scopes: [{ value: 'read:videos' }, { value: 'introspect:tokens' }],
          },
        ],
        clientGrants: [{ client_id: 'guard', audience: API, scope: ['introspect:tokens'] }],
      },
    })
  })
  before(async () => {
    const audience = `${server.issuer}api/v2/`
    await applyTo(server.latchkey, {
      clientGrants: [{ client_id: 'guard', audience, scope: [...DESK_SCOPES] }],
    })
    desk = await edgeToken(server.issuer, GUARD)
    const [database] = await server.latchkey.store.connections.list('default', { strategies: ['auth0'] })
    connection = database?.id ?? assert.fail()
  })
  after(() => server?.close())

  // What can be held, and whether it still counts

  const HELD = {
    'the session': ({ here }) => isSignedIn(here),
    'a session elsewhere': ({ elsewhere }) => isSignedIn(elsewhere),
    'a code': async ({ app, code }) => (await askToken(server, redemption(app, code))).status === 200,
    'the refresh token': async ({ app, refreshed }) =>
      (await askToken(server, refreshing(app, refreshed.refresh_token))).status === 200,
    'an access token with `sid`': ({ tokens }) => opensUserinfo(tokens.access_token),
    'an access token without `sid`': ({ refreshed }) => opensUserinfo(refreshed.access_token),
    'another application’s refresh token': async ({ other, otherTokens }) =>
      (await askToken(server, refreshing(other, otherTokens.refresh_token))).status === 200,
    'its access token with `sid`': ({ otherTokens }) => opensUserinfo(otherTokens.access_token),
    'the application’s own token': ({ machine }) => isActive(machine),
    'an API key for the person': ({ personsKey }) => isActive(personsKey.key),
    'the application’s own API key': ({ ownKey }) => isActive(ownKey.key),
    'an ID token as a hint': async ({ tokens }) => {
      const asked = queryOf({ id_token_hint: tokens.id_token, post_logout_redirect_uri: GONE })
      return (await new CookieJarBrowser(server).get(`/oidc/logout?${asked}`)).location === GONE
    },
  } as const satisfies Record<string, (cast: Cast) => Promise<boolean>>
  type Held = keyof typeof HELD

  const isSignedIn = async (browser: CookieJarBrowser): Promise<boolean> =>
    (await follow(browser, authorizePath(NEUTRAL, { prompt: 'none' }))).searchParams.has('code')
  const isActive = async (token: string): Promise<boolean> => {
    const answer = await new CookieJarBrowser(server).post('/oauth/introspect', { ...GUARD, token })
    return answer.json()['active'] === true
  }
  const opensUserinfo = async (token: string): Promise<boolean> => (await askUserinfo(server, token)).status === 200

  // What happens, and what it ends

  const OF_THE_PERSON: readonly Held[] = [
    'the session',
    'a session elsewhere',
    'a code',
    'the refresh token',
    'an access token with `sid`',
    'an access token without `sid`',
    'another application’s refresh token',
    'its access token with `sid`',
    'an API key for the person',
  ]
  const OF_THE_SESSION: readonly Held[] = [
    'the session',
    'a code',
    'an access token with `sid`',
    'its access token with `sid`',
  ]
  const OF_THE_APPLICATION: readonly Held[] = [
    'a code',
    'the refresh token',
    'an access token with `sid`',
    'an access token without `sid`',
    'an API key for the person',
  ]
  /** Of the one authorization that the refresh token came of: the code was given for another. */
  const OF_THE_AUTHORIZATION: readonly Held[] = [
    'the refresh token',
    'an access token with `sid`',
    'an access token without `sid`',
  ]

  interface Event {
    readonly happens: (cast: Cast) => Promise<unknown>
    readonly ends: readonly Held[]
    /** What ends by its own time meanwhile, so that nothing can be said of it. */
    readonly unsaid?: readonly Held[]
  }

  const account = (cast: Cast, from: CookieJarBrowser, act: string, fields: Record<string, string> = {}) =>
    accepted(303, from.post(`/account/${act}`, { account: cast.sid, ...fields }))

  async function manage(method: string, path: string, body?: JsonObject): Promise<void> {
    const answer = await fetch(`${server.issuer}api/v2${path}`, {
      method,
      headers: { authorization: `Bearer ${desk}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
    assert.ok(answer.ok, `${answer.status} ${await answer.text()}`)
  }

  /** As it stands in a path. */
  const idOf = ({ tokens }: Cast) => encodeURIComponent(String(claimsOf(tokens.id_token)['sub']))

  async function anotherAccount(): Promise<string> {
    made += 1
    const person = { email: `person-${made}@example.com`, password: 'a lighthouse in the fog' }
    await applyTo(server.latchkey, { users: [{ ...person, email_verified: true }] })
    const { id } =
      (await server.latchkey.store.users.findByEmailKey('default', connection, person.email)) ?? assert.fail()
    return encodeURIComponent(id)
  }

  const link = (primary: string, secondary: string) => {
    const user_id = decodeURIComponent(secondary)
    return manage('POST', `/users/${primary}/identities`, { provider: 'auth0', user_id })
  }

  /** In the order in which they happen here: the last ones concern everybody. */
  const EVENTS: Readonly<Record<string, Event>> = {
    'sign-out by an application (`/oidc/logout`)': {
      happens: ({ here, tokens }) =>
        accepted(303, here.get(`/oidc/logout?${queryOf({ id_token_hint: tokens.id_token })}`)),
      ends: OF_THE_SESSION,
    },
    'sign-out by an application (`/v2/logout`)': {
      happens: ({ here }) => accepted(303, here.get(`/v2/logout?${queryOf({ client_id: 'neutral', returnTo: GONE })}`)),
      ends: OF_THE_SESSION,
    },
    'the session ended by the person, here or from elsewhere': {
      happens: async cast => {
        const [, mine = ''] = /name="account" value="([^"]+)"/.exec((await cast.elsewhere.get('/account')).body) ?? []
        await accepted(303, cast.elsewhere.post('/account/sign-out', { account: mine, session: cast.sid }))
      },
      ends: OF_THE_SESSION,
    },
    'all other sessions ended by the person': {
      happens: cast => account(cast, cast.here, 'sign-out-others'),
      ends: ['a session elsewhere'],
    },
    'sign-out everywhere': {
      happens: cast => accepted(200, cast.here.post('/account/sign-out-everywhere', { account: cast.sid })),
      ends: OF_THE_PERSON,
    },
    'access revoked by a service (`/api/v2/users/{id}/revoke-access`)': {
      happens: cast => manage('POST', `/users/${idOf(cast)}/revoke-access`),
      ends: OF_THE_PERSON,
    },
    'the session ended by a service (`/api/v2/sessions/{id}`)': {
      happens: ({ sid }) => manage('DELETE', `/sessions/${sid}`),
      ends: OF_THE_SESSION,
    },
    'the person’s sessions ended by a service (`/api/v2/users/{id}/sessions`)': {
      happens: cast => manage('DELETE', `/users/${idOf(cast)}/sessions`),
      ends: [...OF_THE_SESSION, 'a session elsewhere'],
    },
    'the refresh token ended by a service (`/api/v2/refresh-tokens/{id}`)': {
      happens: ({ tokens }) =>
        manage('DELETE', `/refresh-tokens/${String(claimsOf(tokens.access_token)['jti']).split('.')[0]}`),
      ends: OF_THE_AUTHORIZATION,
    },
    'the person’s refresh tokens ended by a service (`/api/v2/users/{id}/refresh-tokens`)': {
      happens: cast => manage('DELETE', `/users/${idOf(cast)}/refresh-tokens`),
      ends: [...OF_THE_AUTHORIZATION, 'another application’s refresh token', 'its access token with `sid`'],
    },
    'the access token with `sid` ended by a service (`/api/v2/blacklists/tokens`)': {
      happens: ({ tokens }) =>
        manage('POST', '/blacklists/tokens', { jti: String(claimsOf(tokens.access_token)['jti']) }),
      ends: ['an access token with `sid`'],
    },
    'another account linked to the person’s': {
      happens: async cast => link(idOf(cast), await anotherAccount()),
      ends: [],
    },
    'the person’s account linked to another': {
      happens: async cast => link(await anotherAccount(), idOf(cast)),
      ends: OF_THE_PERSON,
    },
    'an account unlinked from the person’s': {
      happens: async cast => {
        const other = await anotherAccount()
        await link(idOf(cast), other)
        await manage('DELETE', `/users/${idOf(cast)}/identities/auth0/${other.replace('auth0%7C', '')}`)
      },
      ends: OF_THE_PERSON,
    },
    'password changed by an operator': {
      happens: ({ person }) =>
        applyTo(server.latchkey, { users: [{ email: person.email, password: 'another one, as long as the first' }] }),
      ends: OF_THE_PERSON,
    },
    'forgotten password reset': {
      happens: async ({ person }) => {
        const browser = new CookieJarBrowser(server)
        await accepted(200, browser.post('/forgot-password', { email: person.email }))
        const link = new URL(linkIn(await openMailbox(server.latchkey).next(person.email)))
        await accepted(200, browser.get(link.pathname))
        await accepted(200, browser.post(link.pathname, { password: 'a kettle on the windowsill' }))
      },
      ends: OF_THE_PERSON,
    },
    'person blocked': {
      happens: ({ person }) => operate('users block', { user: person.email }),
      ends: OF_THE_PERSON,
    },
    'person blocked and unblocked': {
      happens: async ({ person }) => {
        await operate('users block', { user: person.email })
        await operate('users unblock', { user: person.email })
      },
      ends: OF_THE_PERSON,
    },
    'person removed': {
      happens: ({ person }) => operate('users remove', { user: person.email }),
      ends: OF_THE_PERSON,
    },
    'consent taken back': {
      happens: cast => account(cast, cast.here, 'withdraw', { client: cast.app.client_id }),
      ends: OF_THE_APPLICATION,
    },
    'the code of the tokens used again': {
      happens: ({ app, spentCode }) => accepted(400, askToken(server, redemption(app, spentCode))),
      ends: OF_THE_AUTHORIZATION,
    },
    'an old refresh token used again': {
      happens: async ({ app, tokens, refreshed }) => {
        // One behind would be taken for a lost answer.
        await accepted(200, askToken(server, refreshing(app, refreshed.refresh_token)))
        await accepted(400, askToken(server, refreshing(app, tokens.refresh_token)))
      },
      ends: OF_THE_AUTHORIZATION,
    },
    'the refresh token given back (`/oauth/revoke`)': {
      happens: ({ app, refreshed }) => giveBack(app, refreshed.refresh_token),
      ends: OF_THE_AUTHORIZATION,
    },
    'the access token with `sid` given back (`/oauth/revoke`)': {
      happens: ({ app, tokens }) => giveBack(app, tokens.access_token),
      ends: ['an access token with `sid`'],
    },
    'the application’s own token given back (`/oauth/revoke`)': {
      happens: ({ app, machine }) => giveBack(app, machine),
      ends: ['the application’s own token'],
    },
    'the API key given back (`/oauth/revoke`), or revoked': {
      happens: ({ app, personsKey }) => giveBack(app, personsKey.key),
      ends: ['an API key for the person'],
    },
    'the application’s secret replaced': {
      happens: ({ app }) =>
        applyTo(server.latchkey, {
          clients: [application({ ...app, client_secret: nextSecret(app) })],
        }),
      ends: [],
    },
    'the application revoked': {
      happens: ({ app }) => operate('clients revoke', { client: app.client_id }),
      ends: [...OF_THE_APPLICATION, 'the application’s own token', 'the application’s own API key'],
    },
    'the application removed': {
      happens: ({ app }) => operate('clients remove', { client: app.client_id }),
      ends: [
        ...OF_THE_APPLICATION,
        'the application’s own token',
        'the application’s own API key',
        'an ID token as a hint',
      ],
    },
    'the key of refresh tokens revoked': {
      happens: () => revokeKey(({ purpose }) => purpose === 'refresh-token'),
      ends: ['the refresh token', 'another application’s refresh token'],
    },
    'the signing key revoked': {
      happens: () => revokeKey(({ algorithm, state }) => algorithm === 'RS256' && state === 'signing'),
      ends: [
        'an access token with `sid`',
        'an access token without `sid`',
        'its access token with `sid`',
        'the application’s own token',
        'an ID token as a hint',
      ],
    },
    'the session over by its time': {
      happens: async () => clock.advance(31 * MINUTE),
      ends: ['the session'],
      unsaid: ['a session elsewhere', 'a code'],
    },
  }

  async function revokeKey(isMeant: (key: Record<string, unknown>) => boolean): Promise<void> {
    const keys = (await server.latchkey.keyring.list('default')) as unknown as Record<string, unknown>[]
    const key = keys.find(one => isMeant(one) && one['state'] !== 'destroyed' && one['state'] !== 'retired')
    assert.ok(key, 'there is such a key')
    await operate('keys revoke', { key: String(key['id']) })
  }

  const giveBack = (app: Application, token: string) =>
    accepted(200, new CookieJarBrowser(server).post('/oauth/revoke', { ...app, token }))

  // The stage

  let made = 0
  async function newCast(): Promise<Cast> {
    made += 1
    const person = { email: `person-${made}@example.com`, password: 'a lighthouse in the fog' }
    const [app, other] = ['app', 'other'].map(name => ({
      client_id: `${name}-${made}`,
      client_secret: `the secret of ${name} ${made}`,
    })) as [Application, Application]
    await applyTo(server.latchkey, {
      clients: [application(app), application(other)],
      clientGrants: [{ client_id: app.client_id, audience: API, scope: ['read:videos'] }],
      users: [{ ...person, email_verified: true }],
    })
    const [here, elsewhere] = [new CookieJarBrowser(server), new CookieJarBrowser(server)]
    const path = (client: Application, scope = OFFLINE) => authorizePath(client, { scope })
    const spentCode = codeOf(await signIn(here, person, path(app)))
    await signIn(elsewhere, person, path(NEUTRAL, 'openid'))
    const tokens = await tokensOf(askToken(server, redemption(app, spentCode)))
    const refreshed = await tokensOf(askToken(server, refreshing(app, tokens.refresh_token)))
    const otherTokens = await tokensOf(askToken(server, redemption(other, await silentCode(here, path(other)))))
    const own = await tokensOf(askToken(server, { grant_type: 'client_credentials', ...app, audience: API }))
    const key = (user: string | null) =>
      operate('api-keys create', {
        ...{ client: app.client_id, user, audience: API, name: 'Import' },
        ...{ scopes: ['read:videos'], days: null },
      }) as unknown as Promise<CreatedApiKey>
    const [personsKey, ownKey] = [await key(person.email), await key(null)]
    const code = await silentCode(here, path(app))
    const sid = String(claimsOf(tokens.access_token)['sid'])
    assert.match(sid, /^ses_/)
    assert.equal(claimsOf(refreshed.access_token)['sid'], undefined)
    return {
      ...{ person, here, elsewhere, sid, app, other, code, spentCode },
      ...{ tokens, refreshed, otherTokens, machine: own.access_token, personsKey, ownKey },
    }
  }

  for (const [event, { happens, ends, unsaid = [] }] of Object.entries(EVENTS))
    describe(event, () => {
      let cast: Cast
      before(async () => {
        cast = await newCast()
        await happens(cast)
        if (event.includes('secret replaced'))
          cast = { ...cast, app: { ...cast.app, client_secret: nextSecret(cast.app) } }
      })
      for (const held of Object.keys(HELD) as Held[])
        if (!unsaid.includes(held))
          test(ends.includes(held) ? `ends ${held}` : `leaves ${held}`, async () => {
            assert.equal(await HELD[held](cast), !ends.includes(held))
          })
    })

  test('docs/revocation.md has this table', () => {
    const document = readFileSync(new URL('../../docs/revocation.md', import.meta.url), 'utf8')
    const held = Object.keys(HELD) as Held[]
    const cell = ({ ends, unsaid = [] }: Event, one: Held) =>
      unsaid.includes(one) ? '–' : ends.includes(one) ? '**ends**' : 'stays'
    const table = [
      ['', ...held],
      ['---', ...held.map(() => '---')],
      ...Object.entries(EVENTS).map(([name, event]) => [name, ...held.map(one => cell(event, one))]),
    ]
    const text = table.map(row => `| ${row.join(' | ')} |`).join('\n')
    assert.ok(document.includes(text), `The table of docs/revocation.md is to be:\n${text}`)
  })
})

const application = ({ client_id, client_secret }: Application) => ({
  client_id,
  client_secret,
  name: client_id,
  app_type: 'regular_web',
  callbacks: ['https://app.example/callback'],
  allowed_logout_urls: [GONE],
})

const nextSecret = ({ client_id }: Application): string => `another secret of ${client_id}, as long`

async function accepted<T extends { status: number; body: string }>(status: number, answer: Promise<T>): Promise<T> {
  const { status: found, body } = await answer
  assert.equal(found, status, body)
  return answer
}

const tokensOf = async (answer: Promise<{ status: number; body: string }>): Promise<Tokens> =>
  JSON.parse((await accepted(200, answer)).body)
