import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { keySet } from '@latchkey/sdk/verify'
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
import { blockListOf } from '../kernel/ip-ranges.ts'
import { bearerCredential } from './credentials/bearer.ts'
import { singleUseCredential } from './credentials/single-use.ts'
import { type Asked, explain } from './explain.ts'
import type { EdgeIssuer, RevocationState } from './issuers.ts'
import type { Access, EdgePlan, RoutePlan, Rule } from './plan.ts'
import { createTokenCache } from './token-cache.ts'

const RULE: Rule = {
  audience: AUDIENCE,
  scopes: ['write:videos'],
  permissions: [],
  organization: null,
  amr: [],
  acr: [],
  maxAgeSeconds: null,
}
const routeOf = (line: number, path: string, access: Access, more: Partial<RoutePlan> = {}): RoutePlan =>
  ({
    name: `GET ${path}`,
    line,
    match: { host: null, path, methods: ['GET'] },
    access,
    credentials: ['bearer'],
    onStale: { after: 60_000, do: 'deny' },
    maxBody: 1000,
    cors: null,
    limits: [],
    ...more,
  }) as unknown as RoutePlan
const plan = {
  routes: [
    routeOf(3, '/open', { kind: 'public' }),
    routeOf(5, '/videos/:id', { kind: 'required', rule: RULE }),
    routeOf(7, '/inside', { kind: 'internal', clients: [], rule: null, addresses: blockListOf(['10.0.0.0/8']) }),
    routeOf(9, '/once', { kind: 'required', rule: RULE }, { credentials: ['single-use'] }),
  ],
} as unknown as EdgePlan

describe('an explanation', () => {
  let signer: Signer
  let isRevoked = false
  const revocations = { version: 1, isRevoked: () => isRevoked, age: () => 12 } as unknown as RevocationState
  const spent: string[] = []

  before(async () => {
    signer = await createSigner('ES256', 'k')
  })

  const explained = (asked: Partial<Asked>, known: RevocationState | null = null) => {
    const issuer = {
      plan: { issuer: ISSUER, algorithms: ['ES256'], hs256: [] },
      keys: keySet([signer.key]),
      keysVersion: () => 1,
      revocations: known,
    } as unknown as EdgeIssuer
    const bearer = bearerCredential([issuer], createTokenCache())
    const marks = {
      async spend(_issuer: string, jti: string) {
        spent.push(jti)
        return true
      },
    }
    return explain(
      plan,
      [bearer, singleUseCredential(bearer, marks as unknown as Parameters<typeof singleUseCredential>[1])],
      {
        method: 'GET',
        authority: '',
        isSecure: true,
        target: '/videos/1',
        token: null,
        address: '192.0.2.1',
        ...asked,
      },
      NOW,
    )
  }
  const token = (more: object = {}) => signToken(signer, { ...claims, ...more })
  const stepsAbout = async (about: string, asked: Partial<Asked>, known?: RevocationState) =>
    (await explained(asked, known)).steps.filter(step => step.about === about)

  test('says which routes were passed over and why, and which it is', async () => {
    const { steps, route } = await explained({})
    assert.deepEqual(
      steps.filter(({ about }) => about === 'route').map(({ isGood, says }) => [isGood, says]),
      [
        [false, 'line 3, GET /open: another path'],
        [true, 'line 5, GET /videos/:id: it is this one'],
      ],
    )
    assert.deepEqual(route, { name: 'GET /videos/:id', line: 5 })
    const nothing = await explained({ method: 'POST', target: '/open' })
    assert.deepEqual([nothing.code, nothing.status, nothing.route], ['no_route', 404, null])
    assert.equal(nothing.steps[1]?.says, 'line 3, GET /open: another method')
  })

  test('says how the path was read, or that it was not', async () => {
    assert.equal(
      (await explained({ target: '/%6Fpen?a=b', authority: 'A.example:443' })).steps[0]?.says,
      '/open on a.example',
    )
    const { code, steps } = await explained({ target: '/open/%2e%2e/videos/1' })
    assert.deepEqual([code, steps.length], ['bad_path', 1])
  })

  test('lets pass what passes, and says what was found', async () => {
    const { outcome, steps } = await explained({ token: await token() }, revocations)
    assert.equal(outcome, 'passes')
    assert.ok(steps.slice(2).every(({ isGood }) => isGood !== false))
    assert.match(steps.find(({ about }) => about === 'token')?.says ?? '', /for auth0\|ann, audience https:\/\/videos/)
    assert.equal(steps.find(({ about }) => about === 'revocations')?.says, 'not revoked, heard of 12 ms ago')
  })

  test('says what each rule found, and what was decided by it', async () => {
    const none = await explained({})
    assert.deepEqual([none.outcome, none.status, none.code], ['refused', 401, 'no_credential'])
    const scopes = { token: await token({ scope: 'read:videos' }) }
    assert.equal((await explained(scopes)).code, 'insufficient_scope')
    assert.match((await stepsAbout('rule', scopes))[0]?.says ?? '', /not so: the scopes are write:videos/)
    const old = { token: await token({ exp: nowSeconds - 60 }) }
    assert.equal((await explained(old)).code, 'token_expired')
    assert.equal((await stepsAbout('times', old))[0]?.isGood, false)
    const forged = { token: `${(await token()).slice(0, -4)}AAAA` }
    assert.equal((await explained(forged)).code, 'invalid_token')
    assert.equal((await stepsAbout('token', forged))[0]?.isGood, false)
    isRevoked = true
    const gone = await explained({ token: await token() }, revocations)
    isRevoked = false
    assert.equal(gone.code, 'token_revoked')
    assert.equal(gone.steps.find(({ about }) => about === 'revocations')?.isGood, false)
    assert.match((await stepsAbout('revocations', { token: await token() }))[0]?.says ?? '', /is not asked here/)
  })

  test('knows an address that is let in', async () => {
    assert.equal((await explained({ target: '/inside', address: '10.1.1.1' })).outcome, 'passes')
    assert.equal((await explained({ target: '/inside' })).code, 'not_internal')
  })

  test('spends nothing, and repeats no token', async () => {
    const once = await token({ jti: 'a' })
    const explanation = await explained({ target: '/once', token: once })
    assert.equal(explanation.outcome, 'passes')
    assert.deepEqual(spent, [])
    assert.ok(!JSON.stringify(explanation).includes(once.split('.')[1] ?? ''))
  })
})
