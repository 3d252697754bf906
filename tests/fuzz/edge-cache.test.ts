/**
 * What a gateway remembers of a token decides nothing: whatever the tokens, the routes, the time, the revocations and the
 * keys, one that has seen everything before decides as one that sees everything for the first time.
 */
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import fc from 'fast-check'
import { revocationFacts } from '../../sdk/revocations.ts'
import { createSigner, type Signer, signToken } from '../../sdk/testing/forge.ts'
import { keySet } from '../../sdk/verify.ts'
import { type Admit, createAdmission } from '../../server/gateway/admit.ts'
import { bearerCredential } from '../../server/gateway/credentials/bearer.ts'
import type { Arrival, Decision } from '../../server/gateway/exchange.ts'
import type { EdgeIssuer } from '../../server/gateway/issuers.ts'
import { compileRoutes } from '../../server/gateway/match.ts'
import type { IssuerPlan, RoutePlan, Rule } from '../../server/gateway/plan.ts'
import { createTokenCache, type TokenCache } from '../../server/gateway/token-cache.ts'
import { MINUTE, SECOND } from '../../server/kernel/seconds.ts'
import { assertHolds } from './budget.ts'

const NOW = 1_789_012_345_678
const ISSUERS = ['https://one.example/', 'https://two.example/']
const AUDIENCES = ['https://a.example/api', 'https://b.example/api']

const ANY: Rule = {
  audience: AUDIENCES[0] as string,
  scopes: [],
  permissions: [],
  organization: null,
  amr: [],
  acr: [],
  maxAgeSeconds: null,
}
const RULES: readonly Partial<Rule>[] = [
  {},
  { audience: AUDIENCES[1] as string },
  { scopes: ['read'] },
  { scopes: ['read', 'write'] },
  { permissions: ['p'] },
  { organization: 'org_1' },
  { amr: ['mfa'] },
  { acr: ['high'] },
  { maxAgeSeconds: 60 },
]
const ACCESSES = RULES.flatMap(rule => [
  { kind: 'required', rule: { ...ANY, ...rule } },
  { kind: 'optional', rule: { ...ANY, ...rule } },
])
const ROUTES = ACCESSES.map(
  (access, at) =>
    ({
      name: `${at}`,
      match: { host: null, path: `/${at}`, methods: null },
      access,
      credentials: ['bearer'],
      onStale: { after: 30 * SECOND, do: at % 3 === 0 ? 'allow' : 'deny' },
      maxBody: 1,
      cors: null,
      limits: [],
    }) as unknown as RoutePlan,
)
const NO_LIMITS = { judgeAddress: () => undefined, judgeIdentity: () => undefined }

/** So few that they push one another out. */
const REMEMBERED = 6

interface Step {
  readonly token: number
  readonly route: number
  /** Milliseconds until then. */
  readonly later: number
  readonly event: 'nothing' | 'revoke' | 'rotate' | 'be heard'
}

const step: fc.Arbitrary<Step> = fc.record({
  token: fc.nat(59),
  route: fc.nat(ROUTES.length - 1),
  later: fc.constantFrom(0, 0, 1, 999, SECOND, 20 * SECOND, MINUTE),
  event: fc.constantFrom('nothing', 'nothing', 'nothing', 'revoke', 'rotate', 'be heard', 'be heard'),
})

describe('A gateway that remembers', () => {
  let signers: Signer[]
  let tokens: string[]
  before(async () => {
    signers = await Promise.all(['k0', 'k1', 'k2', 'k3'].map(kid => createSigner('ES256', kid)))
    tokens = await Promise.all(Array.from({ length: 60 }, (_, at) => tokenOf(at)))
  })

  /** Each of its own kind, by numbers that have no common divisor. */
  async function tokenOf(at: number): Promise<string> {
    const seconds = Math.floor(NOW / SECOND)
    const claims = {
      iss: ISSUERS[at % 2],
      aud: at % 5 === 0 ? AUDIENCES : AUDIENCES[at % 3 === 0 ? 1 : 0],
      sub: `user|${at % 7}`,
      client_id: 'app',
      jti: `a${at % 11}.${at}`,
      iat: seconds - 10,
      ...(at % 13 === 0 && { nbf: seconds + 30 }),
      exp: seconds + ([20, 90, 3600, -1][at % 4] ?? 0),
      scope: ['read', 'read write', 'write', ''][at % 4],
      ...(at % 3 !== 0 && { org_id: 'org_1', permissions: ['p'], amr: ['pwd', 'mfa'], acr: 'high' }),
      auth_time: seconds - (at % 2) * 3600,
      ...(at % 17 === 0 && { cnf: { jkt: 'x' } }),
    }
    // Two keys of each issuer; now and then the other one's.
    const signer = signers[(at % 2) + 2 * (at % 3 === 1 ? 1 : 0) + (at % 19 === 0 ? (at % 2 === 0 ? 1 : -1) : 0)]
    const token = await signToken(signer as Signer, claims)
    return at % 23 === 22 ? `${token.slice(0, -6)}AAAAAA` : token
  }

  test('decides as one that does not', () =>
    assertHolds(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async steps => {
        const world = { now: NOW, keys: 1, version: 1, revoked: new Set<number | undefined>(), heardAt: NOW }
        const issuers = ISSUERS.map((issuer, at) => issuerIn(world, issuer, at))
        const admitWith = (cache: TokenCache): Admit =>
          createAdmission({
            table: compileRoutes(ROUTES),
            credentials: [bearerCredential(issuers, cache)],
            limits: NO_LIMITS,
          })
        const remembering = admitWith(createTokenCache(() => {}, REMEMBERED))
        for (const one of steps) {
          world.now += one.later
          change(world, one, tokens[one.token] as string)
          const arrival = arrivalOf(one, tokens[one.token] as string, world.now)
          const [known, fresh] = [await remembering(arrival), await admitWith(createTokenCache())(arrival)]
          assert.deepEqual(told(known), told(fresh), JSON.stringify(one))
        }
      }),
    ))

  interface World {
    now: number
    /** Of each issuer the second key is in force only while this is odd. */
    keys: number
    version: number
    readonly revoked: Set<number | undefined>
    heardAt: number
  }

  function issuerIn(world: World, issuer: string, at: number): EdgeIssuer {
    const [first, second] = [signers[at], signers[at + 2]] as [Signer, Signer]
    const both = keySet([first.key, second.key])
    const one = keySet([first.key])
    const plan = { issuer, algorithms: ['ES256'], hs256: [] } as unknown as IssuerPlan
    return {
      plan,
      keys: request => (world.keys % 2 === 1 ? both : one)(request),
      keysVersion: () => world.keys,
      revocations: {
        get version() {
          return world.version
        },
        position: 0,
        isRevoked: ({ digests }) => digests.some(word => world.revoked.has(word)),
        age: () => world.now - world.heardAt,
        onChange: () => () => {},
      },
    }
  }

  function change(world: World, { event }: Step, token: string): void {
    if (event === 'be heard') world.heardAt = world.now
    if (event === 'revoke') {
      const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
      world.revoked.add(revocationFacts({ jti: claims.jti }).digests[0])
      world.version += 1
    }
    if (event === 'rotate') {
      world.keys += 1
      // What was found wrong is remembered for a second, in which a key that comes is not seen.
      world.now += SECOND
    }
  }
})

const arrivalOf = ({ route }: Step, token: string, now: number): Arrival =>
  ({
    id: 'r',
    method: 'GET',
    host: 'a.example',
    path: `/${route}`,
    query: '',
    headers: { authorization: `Bearer ${token}` },
    rawHeaders: [],
    address: '192.0.2.1',
    isUpgrade: false,
    now,
  }) as unknown as Arrival

function told(decision: Decision): unknown {
  if (decision.pass) return { passes: decision.caller?.claims, at: decision.route.name }
  return 'refusal' in decision ? decision.refusal : 'answered'
}
