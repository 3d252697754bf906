/** Claims of the operator's own, from the tenant file into tokens, and anew with every refresh. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  API,
  askToken,
  authorizePath,
  CookieJarBrowser,
  claimsOf,
  codeOf,
  redemption,
  refreshing,
  signIn,
  type Tokens,
} from '../attacks/stage.ts'
import { applyTo, type RunningServer, startServer } from '../fixtures/server.ts'

const APP = { client_id: 'app', client_secret: 'the secret of the application' } as const
const PERSON = { email: 'pat@example.com', password: 'a lighthouse in the fog' } as const
const MINE = 'https://example.com/'

const application = {
  ...APP,
  name: 'App',
  app_type: 'regular_web',
  callbacks: ['https://app.example/callback'],
  client_metadata: { tier: 'gold' },
  claims: {
    [`${MINE}plan`]: { from: 'user.app_metadata.plan', in: ['id_token', 'access_token'] },
    [`${MINE}greeting`]: '{{ user.name }} at {{ client.name }}',
    nickname: 'user.app_metadata.handle',
  },
}
const api = {
  identifier: API,
  name: 'Videos',
  allow_offline_access: true,
  scopes: [{ value: 'read:videos' }],
  claims: { roles: 'user.app_metadata.roles', [`${MINE}tier`]: 'client.metadata.tier' },
}

describe('Claims of the operator’s own', () => {
  let server: RunningServer
  const users = (app_metadata: object) => [{ ...PERSON, name: 'Pat', email_verified: true, app_metadata }]

  before(async () => {
    server = await startServer({
      store: 'sqlite',
      tenantFile: {
        clients: [application],
        resourceServers: [api],
        clientGrants: [{ client_id: 'app', audience: API, scope: ['read:videos'] }],
        users: users({ plan: { name: 'pro', seats: 3 }, roles: ['editor'], handle: 'patsy' }),
      },
    })
  })
  after(() => server?.close())

  const own = (token: string): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(claimsOf(token)).filter(([name]) => name.startsWith(MINE) || ['roles', 'nickname'].includes(name)),
    )

  test('are in the token that the map says, in their type, and anew when the tokens are refreshed', async () => {
    const path = authorizePath(APP, { audience: API, scope: 'openid profile offline_access read:videos' })
    const code = codeOf(await signIn(new CookieJarBrowser(server), PERSON, path))
    const tokens = (await askToken(server, redemption(APP, code))).json() as unknown as Tokens
    const plan = { name: 'pro', seats: 3 }
    assert.deepEqual(own(tokens.id_token), {
      [`${MINE}plan`]: plan,
      [`${MINE}greeting`]: 'Pat at App',
      nickname: 'patsy',
    })
    assert.deepEqual(own(tokens.access_token), { [`${MINE}plan`]: plan, [`${MINE}tier`]: 'gold', roles: ['editor'] })

    await applyTo(server.latchkey, { users: users({ plan: 'free', roles: [] }) })
    const again = (await askToken(server, refreshing(APP, tokens.refresh_token))).json() as unknown as Tokens
    assert.deepEqual(own(again.access_token), { [`${MINE}plan`]: 'free', [`${MINE}tier`]: 'gold', roles: [] })
    assert.equal(own(again.id_token)['nickname'], 'pat', 'without a claim of the map the profile’s own is there')
  })

  test('of a machine are those of its client and its API', async () => {
    const answer = await askToken(server, { grant_type: 'client_credentials', ...APP, audience: API })
    assert.deepEqual(own(String(answer.json()['access_token'])), { [`${MINE}tier`]: 'gold' })
  })

  test('that will not do are refused with their line, and nothing is changed', async () => {
    const refuses = (claims: object, ofApi: object, ...reasons: RegExp[]) =>
      assert.rejects(
        applyTo(server.latchkey, {
          clients: [{ ...application, claims }],
          resourceServers: [{ ...api, claims: ofApi }],
        }),
        ({ message }: Error) => {
          for (const reason of reasons) assert.match(message, reason)
          return true
        },
      )
    await refuses(
      { sub: 'user.email' },
      { [`${MINE}x`]: 'account.plan' },
      /tenant\.yaml:\d+: The claim "sub" needs a namespace/,
      /tenant\.yaml:\d+: The claim "https:\/\/example\.com\/x" is neither a path/,
    )
    await refuses(
      { [`${MINE}x`]: '{{ user.name | raw }}' },
      { [`${MINE}y`]: '{% include "x" %}' },
      /tenant\.yaml:\d+: The template of the claim "https:\/\/example\.com\/x" will not do: undefined filter: raw/,
      /tenant\.yaml:\d+: The template of the claim "https:\/\/example\.com\/y" will not do: tag "include" not found/,
    )
  })
})
