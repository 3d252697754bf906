/**
 * A token that was found good once, taken where it is not, or is not any more: a cache that keeps the verdict and not what
 * it was about lets it through by another route's rule, for another audience, or after it ended. And a token that looks to
 * a cache as another's does: whoever sends it would be somebody else.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { type KeyPublisher, startKeyPublisher } from '../fixtures/key-publisher.ts'
import { createTestClock, type TestClock } from '../fixtures/test-clock.ts'
import { type GatewayStage, setGatewayStage } from './gateway-stage.ts'

const A = 'https://a.example/api'
const B = 'https://b.example/api'

describe('A token that a gateway knows', () => {
  let stage: GatewayStage
  let other: KeyPublisher
  let clock: TestClock
  let known: string

  const routes = (scope: string) => [
    {
      match: { path: '/read' },
      access: { audience: A, scopes: ['read'] },
      identity: { 'x-user-id': 'sub' },
      upstream: 'service',
    },
    { match: { path: '/write' }, access: { audience: A, scopes: ['write'] }, upstream: 'service' },
    { match: { path: '/other' }, access: { audience: B }, upstream: 'service' },
    { match: { path: '/staff' }, access: { audience: A, organization: 'staff' }, upstream: 'service' },
    { match: { path: '/strong' }, access: { audience: A, amr: ['mfa'] }, upstream: 'service' },
    { match: { path: '/recent' }, access: { audience: A, max_age: '60s' }, upstream: 'service' },
    { match: { path: '/changed' }, access: { audience: A, scopes: [scope] }, upstream: 'service' },
    { match: { path: '/open' }, access: { optional: { audience: B } }, upstream: 'service' },
  ]
  before(async () => {
    clock = createTestClock()
    other = await startKeyPublisher()
    stage = await setGatewayStage({ routes: routes('read') }, { clock: clock.now })
    known = await stage.publisher.token({ aud: A, scope: 'read' })
  })
  after(async () => {
    await stage?.close()
    await other?.close()
  })

  async function ask(path: string, token: string): Promise<{ status: number; reason: unknown; toldAs: unknown }> {
    const before = stage.reached.length
    const answer = await fetch(new URL(path, stage.gateway.url), { headers: { authorization: `Bearer ${token}` } })
    const text = await answer.text()
    const { reason } = text.startsWith('{') ? (JSON.parse(text) as { reason?: unknown }) : {}
    return { status: answer.status, reason, toldAs: stage.reached[before]?.headers['x-user-id']?.[0] }
  }
  const twice = async (path: string, token: string) => {
    await ask(path, token)
    return ask(path, token)
  }

  test('passes nowhere that it would not pass if nobody had seen it', async () => {
    assert.equal((await twice('/read', known)).status, 200)
    for (const [path, status, reason] of [
      ['/write', 403, 'insufficient_scope'],
      ['/other', 401, 'wrong_audience'],
      ['/staff', 403, 'wrong_organization'],
      ['/strong', 401, 'step_up'],
      ['/recent', 401, 'step_up'],
      ['/open', 401, 'wrong_audience'],
    ] as const)
      assert.deepEqual(await twice(path, known), { status, reason, toldAs: undefined }, path)
    assert.equal((await ask('/read', known)).status, 200)
  })

  test('of one issuer is not another’s, whatever it says of itself', async () => {
    // The same words, signed by somebody whom the file does not name.
    const claims = { aud: A, scope: 'read', iss: stage.publisher.issuer, jti: 'the same' }
    assert.equal((await twice('/read', await stage.publisher.token(claims))).status, 200)
    assert.equal((await twice('/read', await other.token(claims))).reason, 'invalid_token')
    assert.equal((await twice('/read', await other.token({ ...claims, iss: other.issuer }))).reason, 'invalid_token')
  })

  test('ends when it ends, and is judged by the file that is in force', async () => {
    const short = await stage.publisher.token({ aud: A, scope: 'read', exp: Math.floor(clock.now() / 1000) + 60 })
    assert.equal((await twice('/changed', short)).status, 200)
    await stage.gateway.follow({
      issuers: [{ issuer: stage.publisher.issuer, revocations: false }],
      routes: routes('write'),
      upstreams: { service: { targets: [{ url: 'http://127.0.0.1:9' }] } },
    })
    assert.equal((await ask('/changed', short)).reason, 'insufficient_scope')
    clock.advance(120_000)
    assert.equal((await ask('/changed', short)).reason, 'token_expired')
  })
})

describe('A token that looks like another', () => {
  let stage: GatewayStage
  before(async () => {
    stage = await setGatewayStage()
  })
  after(() => stage?.close())

  async function who(token: string): Promise<string> {
    const before = stage.reached.length
    const answer = await fetch(new URL('/videos/1', stage.gateway.url), {
      headers: { authorization: `Bearer ${token}` },
    })
    await answer.arrayBuffer()
    return answer.status === 200 ? String(stage.reached[before]?.headers['x-user-id']) : `${answer.status}`
  }

  test('is not taken for it: what only begins, ends or is spelled alike is another token', async () => {
    const ann = await stage.publisher.token({ sub: 'ann' })
    const eve = await stage.publisher.token({ sub: 'eve' })
    assert.deepEqual([await who(ann), await who(eve), await who(ann), await who(eve)], ['ann', 'eve', 'ann', 'eve'])
    const [header, claims, signature] = ann.split('.') as [string, string, string]
    const [, hers, own] = eve.split('.') as [string, string, string]
    const last = signature.at(-1) as string
    const spelled = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    for (const forged of [
      `${header}.${hers}.${signature}`,
      `${header}.${claims}.${own}`,
      `${header}.${claims}.`,
      `${header}.${claims}`,
      `${header}.${claims}.${signature}.`,
      `${header}.${claims}.${signature}=`,
      `${header}.${claims}.${signature}.${own}`,
      `${header}.${claims}.${signature.toLowerCase()}`,
      // Another last letter of the same bytes: its lower bits are left over.
      `${header}.${claims}.${signature.slice(0, -1)}${spelled[spelled.indexOf(last) ^ 1]}`,
      `${header}.${claims.slice(0, -1)}.${signature}`,
      createHash('sha256').update(ann).digest('base64'),
      createHash('sha256').update(ann).digest('hex'),
    ])
      assert.equal(await who(forged), '401', forged)
  })

  test('by the key of a map is another token: nothing inherited is found', async () => {
    for (const name of ['__proto__', 'constructor.prototype.x', 'toString.a.b', '..', 'hasOwnProperty..'])
      assert.equal(await who(name), '401', name)
  })

  test('by the thousand is each somebody of its own', async () => {
    const tokens = await Promise.all(
      Array.from(
        { length: 200 },
        async (_, at) => [`user ${at}`, await stage.publisher.token({ sub: `user-${at}` })] as const,
      ),
    )
    for (const _ of [1, 2]) for (const [name, token] of tokens) assert.equal(await who(token), name.replace(' ', '-'))
  })
})
