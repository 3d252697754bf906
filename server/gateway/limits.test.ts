import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startRedis, type TestRedis } from '../../tests/fixtures/redis.ts'
import type { Instant } from '../kernel/clock.ts'
import { silentLog } from '../kernel/log.ts'
import { MINUTE, SECOND } from '../kernel/seconds.ts'
import { createAdmission } from './admit.ts'
import type { Credential } from './credentials.ts'
import type { Arrival, Caller, Refusal } from './exchange.ts'
import type { EdgeIssuer } from './issuers.ts'
import { createLimits } from './limits.ts'
import { compileRoutes } from './match.ts'
import type { LimitPlan, RoutePlan } from './plan.ts'
import { createSharedRedis } from './shared-redis.ts'

const NOW = 1_789_012_345_678

const routeOf = (limits: readonly LimitPlan[], more: object = {}): RoutePlan =>
  ({
    name: 'videos',
    match: { host: null, path: '/videos', methods: null },
    access: { kind: 'optional', rule: { audience: 'a' } },
    credentials: ['bearer'],
    maxBody: 1,
    cors: null,
    limits,
    ...more,
  }) as unknown as RoutePlan

const from = (address: string, now: Instant = NOW): Arrival =>
  ({
    method: 'GET',
    host: 'a.example',
    path: '/videos',
    headers: {},
    rawHeaders: [],
    address,
    now,
  }) as unknown as Arrival

const callerOf = (claims: Caller['claims'], issuer = 'https://id.example/', clientId: string | null = null): Caller =>
  ({ claims, clientId, issuer: { plan: { issuer } } as EdgeIssuer }) as Caller

const perAddress = (requests: number, within = MINUTE): LimitPlan => ({ per: 'address', requests, within })
const perIdentity = (requests: number, within = MINUTE): LimitPlan => ({ per: 'identity', requests, within })

function limitsFor(plans: readonly LimitPlan[], mostKeys?: number) {
  const route = routeOf(plans)
  const limits = createLimits({ routes: [route], redis: null, log: silentLog, ...(mostKeys && { mostKeys }) })
  const told = (refusal: ReturnType<typeof limits.judgeAddress>): string => {
    assert.ok(!(refusal instanceof Promise), 'in memory, nobody waits')
    return refusal ? `${refusal.code} ${refusal.retryAfterSeconds}` : 'may'
  }
  return {
    of: (address: string, now?: Instant) => told(limits.judgeAddress(route, from(address, now))),
    by: (caller: Caller | null, now?: Instant) => told(limits.judgeIdentity(route, from('192.0.2.1', now), caller)),
  }
}

describe('a limit by address', () => {
  test('lets through as many at once as it says, and from then on one for each that is forgotten', () => {
    const { of } = limitsFor([perAddress(3)])
    assert.deepEqual(
      [1, 2, 3, 4].map(() => of('192.0.2.1')),
      ['may', 'may', 'may', 'too_many_requests 20'],
    )
    assert.equal(of('192.0.2.1', NOW + 19 * SECOND), 'too_many_requests 1')
    assert.equal(of('192.0.2.1', NOW + 20 * SECOND), 'may')
    assert.equal(of('192.0.2.1', NOW + 20 * SECOND), 'too_many_requests 20')
    assert.equal(of('192.0.2.2'), 'may')
  })

  test('counts what is faster than the clock ticks', () => {
    const { of } = limitsFor([perAddress(5000, SECOND)])
    const told = Array.from({ length: 5100 }, () => of('192.0.2.1'))
    // To within what a floating-point instant loses.
    assert.ok(Math.abs(told.filter(one => one === 'may').length - 5000) <= 1)
  })

  test('is one for a /64, from which one caller has 2^64 addresses', () => {
    const { of } = limitsFor([perAddress(1)])
    assert.equal(of('2001:db8::1'), 'may')
    assert.match(of('2001:db8::ffff:2'), /^too_many/)
    assert.equal(of('2001:db8:0:1::1'), 'may')
  })

  test('of several that a route has, each counts only what all let through', () => {
    const { of } = limitsFor([perAddress(2, SECOND), perAddress(3, MINUTE)])
    assert.deepEqual(
      [1, 2, 3, 4].map(() => of('a')),
      ['may', 'may', 'too_many_requests 1', 'too_many_requests 1'],
    )
    assert.equal(of('a', NOW + SECOND), 'may')
    assert.equal(of('a', NOW + 2 * SECOND), 'too_many_requests 19')
  })

  test('is not prolonged by a clock that is set back', () => {
    const { of } = limitsFor([perAddress(1)])
    of('192.0.2.1')
    assert.match(of('192.0.2.1'), /^too_many/)
    assert.equal(of('192.0.2.1', NOW - 10 * MINUTE), 'may')
  })

  test('of more addresses than are kept: the least recently counted is forgotten, and no more are kept', () => {
    const { of } = limitsFor([perAddress(1)], 1000)
    for (let at = 0; at <= 1000; at += 1) of(`192.0.2.${at}`)
    assert.match(of('192.0.2.1000'), /^too_many/)
    assert.match(of('192.0.2.1'), /^too_many/)
    assert.equal(of('192.0.2.0'), 'may')
  })
})

describe('a limit by identity', () => {
  test('knows a person by issuer and sub, whichever of their tokens is sent, and a machine by its client', () => {
    const { by } = limitsFor([perIdentity(1)])
    const ann = { sub: 'auth0|ann' }
    assert.equal(by(callerOf(ann)), 'may')
    assert.match(by(callerOf({ ...ann, jti: 'another' })), /^too_many/)
    assert.equal(by(callerOf(ann, 'https://other.example/')), 'may')
    assert.equal(by(callerOf({}, 'https://id.example/', 'm2m')), 'may')
    assert.match(by(callerOf({ jti: 'another' }, 'https://id.example/', 'm2m')), /^too_many/)
    assert.equal(by(callerOf({ sub: 'm2m' })), 'may', 'a person of the name of a client is not the client')
  })

  test('takes whoever is nobody by where they are', () => {
    const { by } = limitsFor([perIdentity(1)])
    assert.equal(by(null), 'may')
    assert.match(by(null), /^too_many/)
    assert.equal(by(callerOf({ sub: 'ann' })), 'may')
  })
})

describe('what is refused by a limit', () => {
  const route = (limits: readonly LimitPlan[]) => routeOf(limits, { access: { kind: 'public' } })

  function admission(limited: RoutePlan, credential: Partial<Credential> = {}) {
    return createAdmission({
      table: compileRoutes([limited]),
      credentials: [{ kind: 'bearer', find: () => 'token', read: () => assert.fail('it was read'), ...credential }],
      limits: createLimits({ routes: [limited], redis: null, log: silentLog }),
    })
  }
  const codeOf = (refusal: Refusal | undefined) => refusal?.code

  test('by address has had no token looked at', async () => {
    const limited = routeOf([perAddress(1)])
    const admit = admission(limited)
    await assert.rejects(async () => admit(from('192.0.2.1')), /it was read/)
    const decision = await admit(from('192.0.2.1'))
    assert.equal('refusal' in decision && codeOf(decision.refusal), 'too_many_requests')
  })

  test('on a public route is refused as on others, by identity too', async () => {
    for (const limits of [[perAddress(1)], [perIdentity(1)]]) {
      const admit = admission(route(limits))
      const passes = [await admit(from('192.0.2.1')), await admit(from('192.0.2.1'))].map(({ pass }) => pass)
      assert.deepEqual(passes, [true, false])
    }
  })
})

describe('limits that several gateways share', () => {
  let redis: TestRedis
  before(async () => {
    redis = await startRedis()
  })
  after(() => redis?.stop())

  test('are counted together, and by each alone while Redis is away', async () => {
    const warned: string[] = []
    const log = { ...silentLog, warn: (_: object, sentence: string) => void warned.push(sentence) }
    const limited = routeOf([perAddress(2)])
    const shared = createSharedRedis(redis.url, silentLog, MINUTE)
    const [one, other] = [1, 2].map(() => createLimits({ routes: [limited], redis: shared, log }))
    assert.ok(one && other)
    const arrival = from('192.0.2.1', Date.now())
    try {
      assert.equal(await one.judgeAddress(limited, arrival), undefined)
      assert.equal(await other.judgeAddress(limited, arrival), undefined)
      for (const limits of [one, other])
        assert.deepEqual(await limits.judgeAddress(limited, arrival), {
          code: 'too_many_requests',
          retryAfterSeconds: 30,
        })
      await redis.stop()
      assert.equal(await one.judgeAddress(limited, arrival), undefined)
      assert.equal(await one.judgeAddress(limited, arrival), undefined)
      assert.equal((await one.judgeAddress(limited, arrival))?.code, 'too_many_requests', 'it let go with Redis')
      assert.equal(warned.length, 1)
    } finally {
      shared.close()
    }
  })
})
