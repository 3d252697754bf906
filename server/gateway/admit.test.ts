import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { revocationFacts } from '@latchkey/sdk/revocations'
import { keySet, type VerificationKey } from '@latchkey/sdk/verify'
import {
  AUDIENCE,
  claims,
  createSigner,
  ISSUER,
  NOW,
  nowSeconds,
  type Signer,
  signToken,
} from '../../sdk/testing/forge.ts'
import { addressesIn } from '../kernel/ip-ranges.ts'
import { type Admit, createAdmission } from './admit.ts'
import { bearerCredential } from './credentials/bearer.ts'
import type { Credential } from './credentials.ts'
import { type Arrival, type Caller, type Decision, type RefusalCode, Refused } from './exchange.ts'
import type { EdgeIssuer, RevocationState } from './issuers.ts'
import { compileRoutes } from './match.ts'
import type { Access, RoutePlan, Rule } from './plan.ts'
import { createTokenCache } from './token-cache.ts'

const RULE: Rule = {
  audience: AUDIENCE,
  scopes: [],
  permissions: [],
  organization: null,
  amr: [],
  acr: [],
  maxAgeSeconds: null,
}
const required = (more: Partial<Rule> = {}): Access => ({ kind: 'required', rule: { ...RULE, ...more } })
const internal = (clients: readonly string[], rule: Rule | null = RULE): Access => ({
  kind: 'internal',
  clients,
  rule,
  addresses: { check: addressesIn(['10.0.0.0/8']) } as unknown as Extract<Access, { kind: 'internal' }>['addresses'],
})

const routeOf = (access: Access, more: Partial<RoutePlan> = {}): RoutePlan =>
  ({
    name: 'it',
    match: { host: null, path: '/*', methods: null },
    access,
    credentials: ['bearer'],
    onStale: { after: 60_000, do: 'deny' },
    maxBody: 1000,
    cors: null,
    ...more,
  }) as unknown as RoutePlan

const arrivalOf = (more: Partial<Arrival> = {}): Arrival =>
  ({
    id: 'r',
    method: 'GET',
    host: 'a',
    path: '/x',
    query: '',
    headers: {},
    address: '192.0.2.1',
    isUpgrade: false,
    now: NOW,
    ...more,
  }) as Arrival

const withToken = (token: string, more: Partial<Arrival> = {}): Arrival =>
  arrivalOf({ headers: { authorization: `Bearer ${token}` }, ...more })

let signer: Signer
let token: string
/** Of a plain request with the token, judged by the rule. */
let issuer: EdgeIssuer
let revocations: RevocationState & { version: number; revoked: Set<unknown>; readAt: number }

/** By which the entry of a token is told from others well enough for a test. */
const firstWordOf = (jti: string) => revocationFacts({ jti }).digests[0]

const issuerOf = (key: VerificationKey): EdgeIssuer =>
  ({
    plan: { issuer: ISSUER, algorithms: ['ES256'], hs256: [] },
    keys: keySet([key]),
    keysVersion: () => 1,
    revocations,
  }) as unknown as EdgeIssuer

function admission(routes: readonly RoutePlan[], more: { credentials?: readonly Credential[] } = {}): Admit {
  return createAdmission({
    table: compileRoutes(routes),
    credentials: more.credentials ?? [bearerCredential([issuer], createTokenCache())],
    limits: { judgeAddress: () => undefined, judgeIdentity: () => undefined },
  })
}

const codeIn = (decision: Decision): RefusalCode | 'answered' | undefined =>
  decision.pass ? undefined : 'answer' in decision ? 'answered' : decision.refusal.code

async function codeOf(access: Access, arrival: Arrival, more: Partial<RoutePlan> = {}) {
  return codeIn(await admission([routeOf(access, more)])(arrival))
}

const signed = (more: object, header: object = {}) => signToken(signer, { ...claims, ...more }, header)

describe('admission', () => {
  before(async () => {
    signer = await createSigner('ES256', 'k')
    token = await signToken(signer)
    const revoked = new Set<unknown>()
    revocations = {
      version: 1,
      revoked,
      readAt: 0,
      position: 0,
      isRevoked: ({ digests }) => revoked.has(digests[0]),
      age: () => revocations.readAt,
      onChange: () => () => {},
    }
    issuer = issuerOf(signer.key)
  })

  test('lets nobody by without a route', async () => {
    const admit = admission([routeOf({ kind: 'public' }, { match: { host: null, path: '/public', methods: null } })])
    assert.equal(codeIn(await admit(arrivalOf())), 'no_route')
    assert.equal(codeIn(await admit(arrivalOf({ path: '/public' }))), undefined)
  })

  test('reads no credential on a public route', async () => {
    const unread: Credential = {
      kind: 'bearer',
      find: () => assert.fail('it was looked for'),
      read: () => assert.fail(),
    }
    const admit = admission([routeOf({ kind: 'public' })], { credentials: [unread] })
    assert.deepEqual(await admit(withToken('junk')), { pass: true, route: routeOf({ kind: 'public' }), caller: null })
  })

  test('asks for a token, and says which scopes it needs', async () => {
    const decision = await admission([routeOf(required({ scopes: ['read:videos', 'more'] }))])(arrivalOf())
    assert.ok(!decision.pass && 'refusal' in decision)
    assert.deepEqual(decision.refusal, { code: 'no_credential', challenge: { scope: 'read:videos more' } })
  })

  test('takes a sound token, at once the second time', async () => {
    const admit = admission([routeOf(required({ scopes: ['read:videos'] }))])
    const first = admit(withToken(token))
    assert.ok(first instanceof Promise)
    assert.equal(codeIn(await first), undefined)
    const second = admit(withToken(token))
    assert.ok(!(second instanceof Promise))
    assert.ok(second.pass && second.caller?.claims['sub'] === 'auth0|ann')
  })

  test('tells what is wrong with a token', async () => {
    const wrong: Readonly<Record<string, RefusalCode>> = {
      [await signed({ exp: nowSeconds - 100 })]: 'token_expired',
      [await signed({ iat: nowSeconds + 100, nbf: nowSeconds + 100 })]: 'token_not_yet_valid',
      [await signed({ aud: 'https://other.example' })]: 'wrong_audience',
      [await signed({ iss: 'https://other.example/' })]: 'invalid_token',
      [await signed({ nonce: 'n' })]: 'invalid_token',
      [await signed({}, { kid: 'another' })]: 'invalid_token',
      [await signed({ cnf: { jkt: 'x' } })]: 'proof_missing',
      [`${token.slice(0, -4)}AAAA`]: 'invalid_token',
      'a.b.c': 'invalid_token',
    }
    for (const [sent, code] of Object.entries(wrong)) {
      assert.equal(await codeOf(required(), withToken(sent)), code)
      assert.equal(await codeOf({ kind: 'optional', rule: RULE }, withToken(sent)), code, 'also where none is needed')
    }
  })

  test('lets anybody by where a token is optional', async () => {
    const decision = await admission([routeOf({ kind: 'optional', rule: RULE })])(arrivalOf())
    assert.ok(decision.pass && decision.caller === null)
  })

  test('judges a token that it remembers anew: time, revocation, audience and rule', async () => {
    const routes = [
      routeOf(required(), { match: { host: null, path: '/x', methods: null } }),
      routeOf(required({ audience: 'https://other.example' }), {
        match: { host: null, path: '/other', methods: null },
      }),
      routeOf(required({ scopes: ['delete:videos'] }), { match: { host: null, path: '/scope', methods: null } }),
    ]
    const admit = admission(routes)
    const mine = await signed({ jti: 'aut.1' })
    assert.equal(codeIn(await admit(withToken(mine))), undefined)
    assert.equal(codeIn(await admit(withToken(mine, { path: '/other' }))), 'wrong_audience')
    assert.equal(codeIn(await admit(withToken(mine, { path: '/scope' }))), 'insufficient_scope')
    assert.equal(codeIn(await admit(withToken(mine, { now: (claims.exp + 6) * 1000 }))), 'token_expired')
    revocations.revoked.add(firstWordOf('aut.1'))
    assert.equal(codeIn(await admit(withToken(mine))), undefined, 'nothing was told of')
    revocations.version++
    assert.equal(codeIn(await admit(withToken(mine))), 'token_revoked')
  })

  test('refuses a token while it is not known what was revoked, for as long as the route says', async () => {
    revocations.readAt = 60_001
    assert.equal(await codeOf(required(), withToken(token)), 'revocations_stale')
    assert.equal(await codeOf(required(), withToken(token), { onStale: { after: 60_000, do: 'allow' } }), undefined)
    assert.equal(await codeOf({ kind: 'public' }, arrivalOf()), undefined)
    revocations.readAt = 60_000
    assert.equal(await codeOf(required(), withToken(token)), undefined)
    revocations.readAt = Number.POSITIVE_INFINITY
    assert.equal(await codeOf(required(), withToken(token)), 'revocations_stale')
    revocations.readAt = 0
  })

  test('tells a token that was revoked from one of which nothing is known', async () => {
    const mine = await signed({ jti: 'aut.stale' })
    revocations.revoked.add(firstWordOf('aut.stale'))
    revocations.readAt = Number.POSITIVE_INFINITY
    assert.equal(await codeOf(required(), withToken(mine)), 'token_revoked')
    revocations.readAt = 0
  })

  test('says that keys cannot be had, and not that the token is wrong', async () => {
    const away = {
      ...issuer,
      keys: async () => Promise.reject(new (await import('@latchkey/sdk/verify')).KeysUnavailableError('away')),
    }
    const admit = admission([routeOf(required())], {
      credentials: [bearerCredential([away as EdgeIssuer], createTokenCache())],
    })
    assert.equal(codeIn(await admit(withToken(token))), 'keys_unavailable')
  })

  test('lets internal callers by: by their address without a token, or as a machine that is listed', async () => {
    const machine = await signed({ sub: 'worker@clients', client_id: 'worker' })
    const access = internal(['worker'])
    assert.equal(await codeOf(access, arrivalOf({ address: '10.1.2.3' })), undefined)
    assert.equal(await codeOf(access, withToken(machine)), undefined)
    assert.equal(await codeOf(access, arrivalOf()), 'no_credential')
    assert.equal(await codeOf(internal([], null), arrivalOf()), 'not_internal')
    assert.equal(await codeOf(internal([], null), withToken(machine)), 'not_internal')
    assert.equal(
      await codeOf(access, withToken(await signed({ sub: 'other@clients', client_id: 'other' }))),
      'not_internal',
    )
    // A person's token that the client holds is the person's.
    assert.equal(await codeOf(access, withToken(await signed({ client_id: 'worker' }))), 'not_internal')
  })

  test('refuses a body that says it is too long', async () => {
    const sending = (length: string) => arrivalOf({ method: 'POST', headers: { 'content-length': length } })
    assert.equal(await codeOf({ kind: 'public' }, sending('1000')), undefined)
    assert.equal(await codeOf({ kind: 'public' }, sending('1001')), 'body_too_large')
  })

  test('takes a credential of the kinds that the route lists, and two of them are one too many', async () => {
    const other: Credential = {
      kind: 'api-key',
      find: ({ headers }) => headers['x-api-key'] as string,
      read: () => assert.fail(),
    }
    const credentials = [bearerCredential([issuer], createTokenCache()), other]
    const both = withToken(token, { headers: { authorization: `Bearer ${token}`, 'x-api-key': 'lk_1' } })
    const of = async (kinds: RoutePlan['credentials'], arrival: Arrival) =>
      codeIn(await admission([routeOf(required(), { credentials: kinds })], { credentials })(arrival))
    assert.equal(await of(['bearer'], both), undefined)
    assert.equal(await of(['bearer', 'api-key'], both), 'several_credentials')
    assert.equal(await of(['api-key'], withToken(token)), 'no_credential')
  })

  test('spends what may be used once after everything else was judged', async () => {
    const spent: string[] = []
    const bearer = bearerCredential([issuer], createTokenCache())
    const once: Credential = {
      ...bearer,
      async spend({ claims: { jti } }: Caller) {
        if (spent.includes(jti as string)) throw new Refused({ code: 'token_spent' })
        spent.push(jti as string)
      },
    }
    const routes = [
      routeOf(required({ scopes: ['delete:videos'] }), { match: { host: null, path: '/no', methods: null } }),
      routeOf(required()),
    ]
    const admit = admission(routes, { credentials: [once] })
    const mine = await signed({ jti: 'once' })
    assert.equal(codeIn(await admit(withToken(mine, { path: '/no' }))), 'insufficient_scope')
    assert.deepEqual(spent, [])
    assert.equal(codeIn(await admit(withToken(mine))), undefined)
    assert.equal(codeIn(await admit(withToken(mine))), 'token_spent')
  })

  test('leads a browser that could sign in to where it can, unless it sent something else', async () => {
    const session: Credential = {
      kind: 'session',
      find: () => undefined,
      read: () => assert.fail(),
      invite: () => ({ status: 302, headers: { location: '/edge/sign-in' } }),
    }
    const credentials = [bearerCredential([issuer], createTokenCache()), session]
    const route = routeOf(required({ scopes: ['delete:videos'] }), { credentials: ['bearer', 'session'] })
    const admit = admission([route], { credentials })
    assert.equal(codeIn(await admit(arrivalOf())), 'answered')
    assert.equal(codeIn(await admit(withToken('a.b.c'))), 'invalid_token')
    assert.equal(codeIn(await admit(withToken(token))), 'insufficient_scope')
    assert.equal(await codeOf(required(), arrivalOf()), 'no_credential')
  })

  test('takes the token of an upgrade from where a browser can put it, and one of them', async () => {
    const upgrade = (headers: Arrival['headers'], query = '') => arrivalOf({ isUpgrade: true, headers, query })
    assert.equal(await codeOf(required(), upgrade({ 'sec-websocket-protocol': `chat, bearer, ${token}` })), undefined)
    assert.equal(await codeOf(required(), upgrade({}, `?a=b&access_token=${token}`)), undefined)
    assert.equal(await codeOf(required(), upgrade({ authorization: `Bearer ${token}` })), undefined)
    const twice = upgrade({ 'sec-websocket-protocol': `bearer, ${token}` }, `?access_token=${token}`)
    assert.equal(await codeOf(required(), twice), 'several_credentials')
    assert.equal(await codeOf(required(), arrivalOf({ query: `?access_token=${token}` })), 'no_credential')
  })

  test('answers what a page of another origin asks before it sends a token', async () => {
    const cors = { origins: ['https://app.example'], credentials: false, maxAgeSeconds: 600 }
    const headers = { origin: 'https://app.example', 'access-control-request-method': 'POST' }
    assert.equal(await codeOf(required(), arrivalOf({ method: 'OPTIONS', headers }), { cors }), 'answered')
    assert.equal(
      await codeOf(required(), arrivalOf({ method: 'OPTIONS', headers: { origin: 'https://app.example' } }), { cors }),
      'no_credential',
    )
  })
})
