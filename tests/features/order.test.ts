/**
 * Within a phase, order does not matter: the same requests are answered alike whichever way the list is arranged, and
 * a request with several faults is told the same one. The server is started once and its list rearranged in place,
 * since the endpoints read it at every request; two probes in the list prove that they do.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Feature, Phase } from '../../server/oauth/feature.ts'
import { features } from '../../server/oauth/features.ts'
import {
  ANN,
  API,
  askToken,
  authorizePath,
  CookieJarBrowser,
  claimsOf,
  codeOf,
  follow,
  MACHINE,
  passing,
  queryOf,
  type Reply,
  redemption,
  refreshing,
  SECRET_API_A,
  SPA,
  signIn,
  tenantFile,
  WEB,
} from '../attacks/stage.ts'
import { makeClientKey, signJws } from '../fixtures/client-assertion.ts'
import { type RunningServer, startServer } from '../fixtures/server.ts'
import { shuffled } from './shuffled.ts'

const PERMUTATIONS = 200
const PHASES: readonly Phase[] = [
  'authorize.receive',
  'authorize.target',
  'authorize.validate',
  'authorize.respond',
  'token.ask',
  'token.redeem',
  'token.bind',
  'token.shape',
]
/** Has a callback, and no grant that `/authorize` begins. */
const KEY = makeClientKey('ES256')
/** May have tokens from `/authorize`, and sign what it asks. */
const OPEN = { client_id: 'open' } as const
const GRANTLESS = { client_id: 'grantless', client_secret: 'the secret of the grantless' } as const

/** One instant for the whole run: tokens differ in nothing but what is random. */
const NOW = Date.now()

let heard: string[] = []
const probe = (name: string): Feature => ({
  name,
  spec: 'none',
  steps: Object.fromEntries(PHASES.map(phase => [phase, () => void heard.push(`${phase} ${name}`)])),
})
const probes = [probe('probe-a'), probe('probe-b')]

const arranged: Feature[] = [...features, ...probes]
const arrange = (order: readonly Feature[]) => arranged.splice(0, arranged.length, ...order)

let server: RunningServer
let person: CookieJarBrowser

before(async () => {
  const [spa] = tenantFile.clients
  const clients = [
    ...tenantFile.clients,
    { ...spa, ...OPEN, jwks: { keys: [KEY.jwk] }, grant_types: ['authorization_code', 'implicit', 'refresh_token'] },
    { ...spa, ...GRANTLESS, app_type: 'regular_web', grant_types: ['client_credentials'] },
  ]
  server = await startServer({
    store: 'sqlite',
    tenantFile: { ...tenantFile, clients },
    clock: () => NOW,
    features: arranged,
  })
  person = new CookieJarBrowser(server)
  await signIn(person, ANN)
})
after(() => server?.close())

// What is asked

const EVERYTHING = {
  audience: API,
  scope: 'openid profile email offline_access read:videos write:videos delete:videos',
  prompt: 'login',
  max_age: '60',
  login_hint: 'ann@example.com',
  screen_hint: 'signup',
  ui_locales: 'ko en',
  connection: 'Username-Password-Authentication',
  claims: JSON.stringify({ userinfo: { birthdate: null }, id_token: { acr: { essential: true, value: '1' } } }),
}

interface Question {
  readonly name: string
  /** What comes of it in the list's own order, so that no question asks nothing. */
  readonly expect: RegExp
  readonly ask: () => Promise<unknown>
}

const authorizing = (
  name: string,
  expect: RegExp,
  changes: Readonly<Record<string, string | undefined>>,
  client: { client_id: string } = SPA,
): Question => ({ name, expect, ask: async () => told(await person.get(authorizePath(client, changes))) })

const questions: readonly Question[] = [
  {
    name: 'a request for everything, parked for a person',
    expect: /"loginHint":"ann@example.com".*"pkce"/,
    ask: async () => {
      const { location = '' } = await new CookieJarBrowser(server).get(authorizePath(SPA, EVERYTHING))
      const ticket = await server.latchkey.store.tickets.peek(
        'default',
        'request',
        location.replace('/login/', ''),
        NOW,
      )
      return ticket?.data
    },
  },
  {
    name: 'the whole way: a code, its tokens, a refresh with fewer scopes',
    expect: /"generation":"0".*"scope":"openid profile".*"generation":"1".*invalid_scope/,
    ask: async () => {
      const { prompt: _prompt, ...silent } = EVERYTHING
      const callback = await follow(person, authorizePath(SPA, silent))
      const first = await askToken(server, redemption(SPA, codeOf(callback)))
      const refresh = String(first.json()['refresh_token'])
      const second = await askToken(server, { ...refreshing(SPA, refresh), scope: 'openid profile' })
      const third = await askToken(server, {
        ...refreshing(SPA, String(second.json()['refresh_token'])),
        scope: 'admin',
      })
      return [first, second, third].map(told)
    },
  },
  {
    name: 'a pushed request, asked for with what it does not count, and again',
    expect: /code=….*"status":400/,
    ask: async () => {
      const asked = Object.fromEntries(new URL(authorizePath(SPA, { prompt: 'none' }), server.issuer).searchParams)
      const { request_uri } = (await person.post('/oauth/par', asked)).json()
      const named = { client_id: SPA.client_id, request_uri: String(request_uri), request: 'x', audience: 'nobody' }
      const path = `/authorize?${queryOf(named)}`
      return [told(await person.get(path)), told(await person.get(path))]
    },
  },
  {
    name: 'a code with a wrong verifier, then with the right one',
    expect: /invalid_grant.*"status":200/,
    ask: async () => {
      const code = codeOf(await follow(person, authorizePath()))
      const wrong = await askToken(server, redemption(SPA, code, { code_verifier: 'x'.repeat(43) }))
      return [told(wrong), told(await askToken(server, redemption(SPA, code)))]
    },
  },
  {
    name: 'a machine',
    expect: /"scope":"read:videos"/,
    ask: async () => told(await askToken(server, { grant_type: 'client_credentials', ...MACHINE, audience: API })),
  },
  {
    name: 'a password',
    expect: /"scope":"openid email offline_access read:videos".*"generation":"0"/,
    ask: async () => {
      const scope = 'openid email offline_access read:videos'
      return told(await askToken(server, { ...passing(ANN), audience: API, scope }))
    },
  },
  {
    name: 'discovery',
    expect: /"code_challenge_methods_supported":\["S256"\]/,
    ask: async () => told(await person.get('/.well-known/openid-configuration')),
  },
  {
    name: 'an unknown grant',
    expect: /unsupported_grant_type/,
    ask: async () => told(await askToken(server, { grant_type: 'urn:example:unknown', ...WEB })),
  },

  {
    name: 'silence that cannot be kept',
    expect: /error=login_required/,
    ask: async () =>
      told(await new CookieJarBrowser(server).get(authorizePath(SPA, { prompt: 'none', audience: API }))),
  },
  authorizing('two prompts, a plain challenge and a connection that is not there', /invalid_request/, {
    prompt: 'none login',
    code_challenge_method: 'plain',
    connection: 'nowhere',
  }),
  authorizing('an endless nonce, no challenge and a strange max_age', /invalid_request/, {
    nonce: 'x'.repeat(1025),
    max_age: 'soon',
    code_challenge: undefined,
    code_challenge_method: undefined,
  }),
  authorizing('claims that are none, and a connection that is not there', /invalid_request/, {
    claims: '[]',
    connection: 'nowhere',
  }),
  authorizing('a strange prompt and a challenge that is none', /invalid_request/, {
    prompt: 'sometimes',
    code_challenge: 'short',
  }),
  authorizing('an unknown API and a strange prompt', /invalid_target/, {
    prompt: 'sometimes',
    audience: 'https://unknown.example/',
  }),
  authorizing('two APIs and no challenge', /invalid_target/, {
    audience: API,
    resource: SECRET_API_A,
    code_challenge: undefined,
  }),
  authorizing('a grant the client does not have, and no sense', /unauthorized_client/, { prompt: 'some' }, GRANTLESS),
  authorizing('a request object and its URI, and no sense', /invalid_request/, {
    request: 'x',
    request_uri: 'https://app.example/r',
    prompt: 'sometimes',
  }),
  authorizing(
    'everything that can be answered at once',
    /#access_token=….*code=….*id_token=…/,
    { ...EVERYTHING, prompt: undefined, response_type: 'code id_token token' },
    OPEN,
  ),
  authorizing(
    'a token without a nonce, and a strange prompt',
    /#error=invalid_request/,
    { prompt: 'sometimes', nonce: undefined, response_type: 'id_token token' },
    OPEN,
  ),
  authorizing('a request object alone', /invalid_request_object/, { request: 'x', prompt: 'sometimes' }),
  authorizing('a signed request that is not pushed, beside one that is', /"status":400/, {
    request: 'x',
    request_uri: 'urn:ietf:params:oauth:request_uri:x',
  }),
  authorizing(
    'a signed request',
    /code=….*state=signed/,
    { request: signJws(KEY, { response_type: 'code', state: 'signed', prompt: 'none', max_age: 1000 }) },
    OPEN,
  ),
]

/** An answer without what is random in it. */
function told(reply: Reply): unknown {
  const location = reply.location?.replace(
    /(\/login\/|[?&#](?:code|access_token|id_token|session_state)=)[\w.-]+/g,
    '$1…',
  )
  if (!String(reply.headers['content-type']).startsWith('application/json')) return { status: reply.status, location }
  const body = Object.entries(reply.json()).map(([name, value]) => [name, settled(name, value)])
  return { status: reply.status, location, body: Object.fromEntries(body) }
}

function settled(name: string, value: unknown): unknown {
  // A set, in the order in which the features stand.
  if (Array.isArray(value)) return value.toSorted()
  if (name === 'refresh_token') return { generation: String(value).split('.')[2] }
  if (name !== 'access_token' && name !== 'id_token') return value
  const { jti, at_hash, ...claims } = claimsOf(String(value))
  return { header: JSON.parse(Buffer.from(String(value).split('.')[0] ?? '', 'base64url').toString()), ...claims }
}

async function askAll(): Promise<Map<string, unknown>> {
  const answers = new Map<string, unknown>()
  for (const { name, ask } of questions) answers.set(name, await ask())
  return answers
}

async function isAnsweredAs(expected: ReadonlyMap<string, unknown>): Promise<void> {
  const order = arranged.map(({ name }) => name).join(', ')
  for (const [name, answer] of await askAll()) assert.deepEqual(answer, expected.get(name), `${name}, with ${order}`)
}

describe('the order of features', () => {
  let expected: ReadonlyMap<string, unknown>
  before(async () => {
    arrange([...features, ...probes])
    expected = await askAll()
  })

  for (const { name, expect } of questions)
    test(`is tested by ${name}`, () => assert.match(JSON.stringify(expected.get(name)), expect))

  test('is the one in which steps run, or rearranging the list would show nothing', async () => {
    for (const [order, names] of [
      [probes, ['probe-a', 'probe-b']],
      [probes.toReversed(), ['probe-b', 'probe-a']],
    ] as const) {
      arrange([...features, ...order])
      heard = []
      await askAll()
      for (const phase of PHASES)
        assert.deepEqual(
          heard.filter(one => one.startsWith(phase)).slice(0, 2),
          names.map(name => `${phase} ${name}`),
        )
    }
  })

  /** Of each two features, which was first in some arrangement that was answered as expected. */
  const shown = new Set<string>()
  const isAnsweredIn = async (order: readonly Feature[]) => {
    arrange(order)
    await isAnsweredAs(expected)
    for (const [place, first] of order.entries())
      for (const second of order.slice(place + 1)) shown.add(`${first.name} ${second.name}`)
  }

  test('does not matter turned round', () => isAnsweredIn(features.toReversed()))

  test(`does not matter in any of ${PERMUTATIONS} arrangements of the whole list`, async () => {
    for (let seed = 1; seed <= PERMUTATIONS; seed++) await isAnsweredIn(shuffled(features, seed))
  })

  for (const phase of PHASES) {
    const having = features.filter(feature => feature.steps?.[phase])
    for (const first of having)
      for (const second of having)
        if (first !== second)
          test(`does not matter in ${phase}: ${first.name} before ${second.name}`, () =>
            assert.ok(shown.has(`${first.name} ${second.name}`)))
  }
})
