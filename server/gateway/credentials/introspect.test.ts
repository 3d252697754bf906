import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, test } from 'node:test'
import fc from 'fast-check'
import type { Arrival, Caller } from '../exchange.ts'
import { Refused } from '../exchange.ts'
import type { EdgeIssuer } from '../issuers.ts'
import { judge } from '../judge.ts'
import type { CredentialKind, IssuerPlan, RoutePlan, Rule } from '../plan.ts'
import { createIntrospector, type IntrospectionOptions } from './introspect.ts'
import { createIssuerClient } from './issuer-client.ts'

const CLIENT = { id: 'the edge', secret: 'a secret: with %' }
const AUDIENCE = 'https://videos.example/api'
const START = 1_789_012_345_678
const IN_AN_HOUR = Math.floor(START / 1000) + 3600

/** An issuer that answers whatever a test wants it to, also what no honest one would. */
let origin: string
let asked: { token: string; authorization: string | undefined }[]
let answer: (token: string, response: ServerResponse) => void | Promise<void>
let now = START

const active = {
  active: true,
  sub: 'auth0|ann',
  aud: AUDIENCE,
  token_type: 'Bearer',
  scope: 'read:videos',
  exp: IN_AN_HOUR,
}
const say = (response: ServerResponse, body: unknown, status = 200) => {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}
const always = (body: unknown, status = 200) => {
  answer = (_token, response) => say(response, body, status)
}

const issuer = createServer(async (request: IncomingMessage, response: ServerResponse) => {
  if (request.url?.startsWith('/.well-known/')) {
    say(response, { issuer: `${origin}/`, introspection_endpoint: `${origin}/introspect` })
    return
  }
  let body = ''
  for await (const chunk of request) body += chunk
  const token = new URLSearchParams(body).get('token') ?? ''
  asked.push({ token, authorization: request.headers.authorization })
  await answer(token, response)
})

before(async () => {
  await new Promise<void>(resolve => issuer.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}`
})
after(() => {
  issuer.close()
  issuer.closeAllConnections()
})
beforeEach(() => {
  asked = []
  now = START
  always(active)
})

function introspector(options: IntrospectionOptions = {}, kind: CredentialKind = 'opaque', timeout = 5000) {
  const plan: IssuerPlan = {
    issuer: `${origin}/`,
    url: `${origin}/`,
    allowHttp: false,
    algorithms: ['RS256'],
    client: CLIENT,
    hs256: [],
    followsRevocations: false,
  }
  const edge: EdgeIssuer = { plan, keys: async () => [], keysVersion: () => 0, revocations: null }
  const asks = createIntrospector(edge, CLIENT, createIssuerClient(plan, { clock: () => now, timeout }), options)
  return (token: string, address = '192.0.2.1') => asks.read(token, kind, { now, address } as Arrival)
}

const codeOf = async (read: () => Caller | Promise<Caller>): Promise<string> => {
  try {
    await read()
    return 'passed'
  } catch (error) {
    assert.ok(error instanceof Refused, String(error))
    return error.refusal.code
  }
}

describe('an introspected token', () => {
  test('is asked about with the client’s secret in the one form that every issuer takes', async () => {
    const caller = await introspector()('opaque-1')
    assert.equal(asked[0]?.token, 'opaque-1')
    const credentials = Buffer.from(asked[0]?.authorization?.slice('Basic '.length) ?? '', 'base64').toString()
    assert.equal(credentials, 'the+edge:a+secret%3A+with+%25')
    assert.equal(caller.claims['iss'], `${origin}/`)
    assert.deepEqual(caller.scopes, ['read:videos'])
    assert.equal(caller.signed, null)
  })

  test('is asked about once, however many come with it at once, and not again while it is known', async () => {
    const read = introspector()
    await Promise.all(Array.from({ length: 64 }, () => read('one')))
    assert.ok(!(read('one') instanceof Promise))
    assert.equal(asked.length, 1)
  })

  test('is asked about again after a minute', async () => {
    const read = introspector()
    await read('one')
    now = START + 59_999
    await read('one')
    assert.equal(asked.length, 1)
    now = START + 60_000
    await read('one')
    assert.equal(asked.length, 2)
  })

  test('is never known for longer than it lasts, nor by a clock that was set back', async () => {
    always({ ...active, exp: Math.floor(START / 1000) + 10 })
    const read = introspector()
    await read('one')
    now = START + 11_000
    await read('one')
    assert.equal(asked.length, 2)
    now = START - 60_000
    await read('one')
    assert.equal(asked.length, 3)
  })

  test('passes on exactly `true`, and on answers that say what they should', async () => {
    const outcomes = {
      inactive: [{ active: false }, 'invalid_token'],
      'inactive with claims': [{ ...active, active: false }, 'invalid_token'],
      'active as text': [{ ...active, active: 'true' }, 'introspection_unavailable'],
      'active as a number': [{ ...active, active: 1 }, 'introspection_unavailable'],
      'without active': [{ ...active, active: undefined }, 'introspection_unavailable'],
      'no object': ['[true]', 'introspection_unavailable'],
      'active twice': ['{"active":false,"active":true}', 'introspection_unavailable'],
      'another issuer': [{ ...active, iss: 'https://other.example/' }, 'invalid_token'],
      'without a type': [{ ...active, token_type: undefined }, 'invalid_token'],
      'a refresh token': [{ ...active, token_use: 'refresh_token' }, 'invalid_token'],
      'another type': [{ ...active, token_type: 'N_A' }, 'invalid_token'],
      'an API key': [{ ...active, token_type: 'api_key' }, 'invalid_token'],
      'exp as text': [{ ...active, exp: `${IN_AN_HOUR}` }, 'invalid_token'],
      'exp beyond numbers': [JSON.stringify(active).replace(`${IN_AN_HOUR}`, '1e999'), 'invalid_token'],
      'nbf as text': [{ ...active, nbf: '1' }, 'invalid_token'],
      'a scope that is a list': [{ ...active, scope: ['read:videos'] }, 'invalid_token'],
      'a subject that is an object': [{ ...active, sub: {} }, 'invalid_token'],
      'no audience': [{ ...active, aud: undefined }, 'wrong_audience'],
      'an audience of another form': [{ ...active, aud: [AUDIENCE, 7] }, 'wrong_audience'],
      'bound to a key': [{ ...active, cnf: { jkt: 'x' } }, 'proof_missing'],
      'bound to a certificate': [{ ...active, cnf: { 'x5t#S256': 'x' } }, 'proof_missing'],
      'bound by its type': [{ ...active, token_type: 'DPoP' }, 'proof_missing'],
      'of a type in another case': [{ ...active, token_type: 'bearer' }, 'passed'],
      'without an end': [{ ...active, exp: undefined }, 'passed'],
      'for several': [{ ...active, aud: [AUDIENCE, 'https://other.example/api'] }, 'passed'],
    } as const
    for (const [name, [body, code]] of Object.entries(outcomes)) {
      always(body)
      assert.equal(await codeOf(() => introspector()('one')), code, name)
    }
  })

  test('that is an API key is none in the place of a token, and the other way about', async () => {
    assert.equal(await codeOf(() => introspector({}, 'api-key')('lk_one')), 'invalid_token')
    always({ ...active, token_type: 'api_key' })
    assert.equal(await codeOf(() => introspector({}, 'api-key')('lk_one')), 'passed')
  })

  test('that the issuer could not be asked about is not called invalid', async () => {
    const unavailable = async (read: () => Caller | Promise<Caller>) =>
      assert.equal(await codeOf(read), 'introspection_unavailable')
    for (const status of [401, 403, 404, 429, 500, 503]) {
      always(active, status)
      await unavailable(() => introspector()('one'))
    }
    answer = (_token, response) => void response.writeHead(302, { location: `${origin}/elsewhere` }).end()
    await unavailable(() => introspector()('one'))
    answer = (_token, response) => void response.destroy()
    await unavailable(() => introspector()('one'))
    always(`{"active":true,"more":"${'x'.repeat(70_000)}"}`)
    await unavailable(() => introspector()('one'))
    answer = () => {}
    await unavailable(() => introspector({}, 'opaque', 50)('one'))
    const read = introspector()
    always(active, 500)
    await unavailable(() => read('one'))
    always(active)
    assert.equal(await codeOf(() => read('one')), 'passed', 'an outage is over when it is over')
  })

  test('that is no token is not asked about', async () => {
    const read = introspector()
    for (const text of ['', 'two words', 'a"b', 'ümlaut', 'a\u0000', '=', 'x'.repeat(4097)])
      assert.equal(await codeOf(() => read(text)), 'invalid_token')
    assert.equal(asked.length, 0)
  })

  test('that was refused is asked about again a second later', async () => {
    always({ active: false })
    const read = introspector()
    for (let tries = 0; tries < 3; tries++) assert.equal(await codeOf(() => read('one')), 'invalid_token')
    assert.equal(asked.length, 1)
    now += 1000
    always(active)
    assert.equal(await codeOf(() => read('one')), 'passed')
  })

  test('that is remembered is decided upon as one that was just asked about', async () => {
    const route = { onStale: { after: 0, do: 'deny' } } as RoutePlan
    const ruleOf = (audience: string, scopes: readonly string[]): Rule => ({
      ...{ audience, scopes, permissions: [], organization: null, amr: [], acr: [], maxAgeSeconds: null },
    })
    const decided = async (read: ReturnType<typeof introspector>, token: string, rule: Rule) =>
      codeOf(async () => {
        const caller = await read(token)
        judge(caller, route, rule, now)
        return caller
      })
    const remembering = introspector()
    let tokens = 0
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          aud: fc.constantFrom<unknown>(AUDIENCE, [AUDIENCE, 'b'], 'b', undefined, []),
          scope: fc.constantFrom<unknown>('a', 'a b', '', undefined, ['a']),
          exp: fc.option(fc.integer({ min: -10, max: 70 }).map(left => Math.floor(START / 1000) + left)),
          nbf: fc.option(fc.integer({ min: -10, max: 70 }).map(left => Math.floor(START / 1000) + left)),
          cnf: fc.constantFrom(undefined, { jkt: 'x' }),
          active: fc.constantFrom(true, true, true, false),
        }),
        fc.array(
          fc.record({
            after: fc.integer({ min: 0, max: 59_999 }),
            audience: fc.constantFrom(AUDIENCE, 'b', 'c'),
            scopes: fc.constantFrom([], ['a'], ['b'], ['a', 'b']),
          }),
          { minLength: 1, maxLength: 5 },
        ),
        async ({ exp, nbf, ...said }, requests) => {
          const times = { ...(exp !== null && { exp }), ...(nbf !== null && { nbf }) }
          always({ sub: 'ann', token_type: 'Bearer', ...said, ...times })
          const token = `token-${tokens++}`
          for (const { after: later, audience, scopes } of requests) {
            now = START + later
            const rule = ruleOf(audience, scopes)
            assert.equal(await decided(remembering, token, rule), await decided(introspector(), token, rule))
          }
        },
      ),
      { numRuns: 60 },
    )
  })
})
