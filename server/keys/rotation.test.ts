import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { KeyState } from '../store/keys.ts'
import type { SecretLife, SignatureLife } from './purposes.ts'
import { type Plan, type PlannedKey, planRotation, type Wish } from './rotation.ts'

/** Small numbers, so that every expectation below can be added up in the head. */
const PAIR: SignatureLife = {
  kind: 'signature',
  announceFor: 10,
  serveFor: 100,
  lingerFor: 3,
  leeway: 2,
  rememberFor: 1000,
  settleFor: 5,
}
const MAC: SecretLife = {
  kind: 'secret',
  serveFor: 100,
  lingerFor: 3,
  leeway: 2,
  acceptedAtMost: Number.POSITIVE_INFINITY,
}
const BY_HAND: SecretLife = { ...MAC, serveFor: null, acceptedAtMost: 1 }

const key = (id: string, state: KeyState, more: Partial<PlannedKey> = {}): PlannedKey => ({
  id,
  state,
  createdAt: 0,
  dueAt: null,
  latestExpiry: 0,
  ...more,
})

const move = (id: string, from: KeyState, to: KeyState, dueAt: number | null, destroy = false) => ({
  id,
  from,
  to,
  dueAt,
  destroy,
})

const NOTHING: Plan = { generate: null, moves: [], takesOver: null }
const ENSURE: Wish = { want: 'ensure' }
const SCHEDULE: Wish = { want: 'schedule' }
const ROTATE: Wish = { want: 'rotate' }
const WITHDRAW: Wish = { want: 'withdraw' }
const revoke = (id: string): Wish => ({ want: 'revoke', id })

const PAIRS: readonly [name: string, keys: PlannedKey[], wish: Wish, now: number, plan: Plan][] = [
  [
    'the very first key signs at once',
    [],
    ENSURE,
    1000,
    { generate: { state: 'signing', dueAt: 1090 }, moves: [], takesOver: 1000 },
  ],
  ['a slot whose key signs needs nothing', [key('a', 'signing', { dueAt: 90 })], ENSURE, 500, NOTHING],
  ['nothing moves before it is due', [key('a', 'signing', { dueAt: 90 })], SCHEDULE, 89, NOTHING],
  [
    'a successor is announced in time to be known when it signs',
    [key('a', 'signing', { dueAt: 90 })],
    SCHEDULE,
    90,
    { generate: { state: 'announced', dueAt: 100 }, moves: [move('a', 'signing', 'signing', null)], takesOver: 100 },
  ],
  [
    'a server that was off for long still gives its successor full notice',
    [key('a', 'signing', { dueAt: 90 })],
    SCHEDULE,
    5000,
    { generate: { state: 'announced', dueAt: 5010 }, moves: [move('a', 'signing', 'signing', null)], takesOver: 5010 },
  ],
  [
    'the announced key takes over, and the private part of the old one is destroyed; its place is left before it is taken',
    [key('b', 'announced', { createdAt: 90, dueAt: 100 }), key('a', 'signing', { latestExpiry: 150 })],
    SCHEDULE,
    100,
    {
      generate: null,
      moves: [move('a', 'signing', 'verifying', 152, true), move('b', 'announced', 'signing', 190)],
      takesOver: 100,
    },
  ],
  [
    'a key that signed nothing is published a while longer, for a node that has not heard',
    [key('a', 'signing'), key('b', 'announced', { createdAt: 90, dueAt: 100 })],
    SCHEDULE,
    100,
    {
      generate: null,
      moves: [move('a', 'signing', 'verifying', 103, true), move('b', 'announced', 'signing', 190)],
      takesOver: 100,
    },
  ],
  [
    'a due date that lies before the end of the notice does not shorten it',
    [key('a', 'signing'), key('b', 'announced', { createdAt: 95, dueAt: 100 })],
    SCHEDULE,
    100,
    { generate: null, moves: [move('b', 'announced', 'announced', 105)], takesOver: null },
  ],
  [
    'a key stays published while something it signed lives, also when that was noted late',
    [key('a', 'verifying', { dueAt: 152, latestExpiry: 151 })],
    SCHEDULE,
    152,
    { generate: null, moves: [move('a', 'verifying', 'verifying', 153)], takesOver: null },
  ],
  [
    'a key is retired when all it signed is over, and remembered for hints',
    [key('a', 'verifying', { dueAt: 152, latestExpiry: 150 })],
    SCHEDULE,
    152,
    { generate: null, moves: [move('a', 'verifying', 'retired', 1152, true)], takesOver: null },
  ],
  [
    'a retired key is forgotten in the end',
    [key('a', 'retired', { dueAt: 1152 })],
    SCHEDULE,
    1152,
    { generate: null, moves: [move('a', 'retired', 'retired', null)], takesOver: null },
  ],
  [
    'a rotation by hand without a successor announces one and says when it will sign',
    [key('a', 'signing', { dueAt: 90 })],
    ROTATE,
    50,
    { generate: { state: 'announced', dueAt: 60 }, moves: [move('a', 'signing', 'signing', null)], takesOver: 60 },
  ],
  [
    'a rotation by hand waits for the rest of the notice',
    [key('a', 'signing'), key('b', 'announced', { createdAt: 50, dueAt: 90 })],
    ROTATE,
    55,
    { generate: null, moves: [move('b', 'announced', 'announced', 60)], takesOver: 60 },
  ],
  [
    'asking for the same rotation twice changes nothing more',
    [key('a', 'signing'), key('b', 'announced', { createdAt: 50, dueAt: 60 })],
    ROTATE,
    55,
    { generate: null, moves: [], takesOver: 60 },
  ],
  [
    'a rotation by hand takes the announced key once verifiers know it',
    [key('a', 'signing', { latestExpiry: 80 }), key('b', 'announced', { createdAt: 50, dueAt: 90 })],
    ROTATE,
    60,
    {
      generate: null,
      moves: [move('a', 'signing', 'verifying', 82, true), move('b', 'announced', 'signing', 150)],
      takesOver: 60,
    },
  ],
  [
    'revoking the only key that signs makes one that signs at once',
    [key('a', 'signing', { dueAt: 90, latestExpiry: 80 })],
    revoke('a'),
    50,
    { generate: { state: 'signing', dueAt: 140 }, moves: [move('a', 'signing', 'retired', null, true)], takesOver: 50 },
  ],
  [
    'an emergency takes the announced key however short its notice',
    [key('a', 'signing'), key('b', 'announced', { createdAt: 49, dueAt: 59 })],
    revoke('a'),
    50,
    {
      generate: null,
      moves: [move('a', 'signing', 'retired', null, true), move('b', 'announced', 'signing', 140)],
      takesOver: 50,
    },
  ],
  [
    'a revoked successor is replaced, with notice of its own',
    [key('a', 'signing'), key('b', 'announced', { createdAt: 45, dueAt: 55 })],
    revoke('b'),
    50,
    {
      generate: { state: 'announced', dueAt: 60 },
      moves: [move('b', 'announced', 'retired', null, true), move('a', 'signing', 'signing', null)],
      takesOver: 60,
    },
  ],
  [
    'a revoked key that no longer signs leaves the set before its tokens end',
    [key('a', 'verifying', { dueAt: 152, latestExpiry: 150 }), key('b', 'signing', { dueAt: 190 })],
    revoke('a'),
    101,
    { generate: null, moves: [move('a', 'verifying', 'retired', null, true)], takesOver: null },
  ],
  [
    'a retired key that is revoked after all vouches for no hint either',
    [key('a', 'retired', { dueAt: 1152 })],
    revoke('a'),
    200,
    { generate: null, moves: [move('a', 'retired', 'retired', null, true)], takesOver: null },
  ],
  [
    'a key that nobody asks for signs no more, has no successor, and vouches for what it signed',
    [key('a', 'signing', { dueAt: 90, latestExpiry: 80 })],
    WITHDRAW,
    50,
    { generate: null, moves: [move('a', 'signing', 'verifying', 82, true)], takesOver: null },
  ],
  [
    'a successor that nobody asks for any more leaves with the key it was to follow, and is remembered by nobody',
    [key('a', 'signing'), key('b', 'announced', { createdAt: 45, dueAt: 55 })],
    WITHDRAW,
    50,
    {
      generate: null,
      moves: [move('b', 'announced', 'retired', null, true), move('a', 'signing', 'verifying', 53, true)],
      takesOver: null,
    },
  ],
  [
    'a key made a moment ago is for a setting that is about to be written',
    [key('a', 'signing', { createdAt: 46 })],
    WITHDRAW,
    50,
    NOTHING,
  ],
  ['keys that do not sign are withdrawn already', [key('a', 'verifying', { dueAt: 82 })], WITHDRAW, 50, NOTHING],
  [
    'an algorithm that is wanted again gets another key, beside the one that still vouches',
    [key('a', 'verifying', { dueAt: 82 })],
    ENSURE,
    60,
    { generate: { state: 'signing', dueAt: 150 }, moves: [], takesOver: 60 },
  ],
  ['a key is revoked once', [key('a', 'retired')], revoke('a'), 200, NOTHING],
  ['a key of another slot is not revoked', [key('a', 'signing')], revoke('z'), 200, NOTHING],
]

const SECRETS: readonly [name: string, keys: PlannedKey[], life: SecretLife, wish: Wish, now: number, plan: Plan][] = [
  [
    'the first secret is current at once',
    [],
    MAC,
    ENSURE,
    7,
    { generate: { state: 'current', dueAt: 107 }, moves: [], takesOver: 7 },
  ],
  [
    'a secret is replaced when due, and taken until what it made is over',
    [key('a', 'current', { dueAt: 100, latestExpiry: 400 }), key('b', 'accepted', { dueAt: 200 })],
    MAC,
    SCHEDULE,
    100,
    {
      generate: { state: 'current', dueAt: 200 },
      moves: [move('a', 'current', 'accepted', 402)],
      takesOver: 100,
    },
  ],
  [
    'a former secret is destroyed when nothing made with it lives',
    [key('a', 'accepted', { dueAt: 402, latestExpiry: 400 }), key('b', 'current', { dueAt: 900 })],
    MAC,
    SCHEDULE,
    402,
    { generate: null, moves: [move('a', 'accepted', 'destroyed', null, true)], takesOver: null },
  ],
  [
    'a former secret is kept while what it made was prolonged',
    [key('a', 'accepted', { dueAt: 402, latestExpiry: 500 })],
    MAC,
    SCHEDULE,
    402,
    { generate: null, moves: [move('a', 'accepted', 'accepted', 502)], takesOver: null },
  ],
  [
    'the schedule never touches a secret that is changed by hand',
    [key('a', 'current')],
    BY_HAND,
    SCHEDULE,
    1e9,
    NOTHING,
  ],
  [
    'of secrets changed by hand the current and the one before it are taken, and no third',
    [key('b', 'accepted', { createdAt: 10, dueAt: 90 }), key('c', 'current', { createdAt: 20, latestExpiry: 60 })],
    BY_HAND,
    ROTATE,
    30,
    {
      generate: { state: 'current', dueAt: null },
      moves: [move('b', 'accepted', 'destroyed', null, true), move('c', 'current', 'accepted', 62)],
      takesOver: 30,
    },
  ],
  [
    'a secret is nobody’s choice of an algorithm, and never withdrawn',
    [key('a', 'current', { dueAt: 100 })],
    MAC,
    WITHDRAW,
    50,
    NOTHING,
  ],
  [
    'revoking the current secret destroys it and makes another',
    [key('a', 'current', { dueAt: 100, latestExpiry: 400 })],
    MAC,
    revoke('a'),
    50,
    {
      generate: { state: 'current', dueAt: 150 },
      moves: [move('a', 'current', 'destroyed', null, true)],
      takesOver: 50,
    },
  ],
  [
    'revoking a secret shared by hand makes none that nobody was told',
    [key('a', 'current')],
    BY_HAND,
    revoke('a'),
    50,
    { generate: null, moves: [move('a', 'current', 'destroyed', null, true)], takesOver: null },
  ],
]

describe('the plan for pairs', () => {
  for (const [name, keys, wish, now, plan] of PAIRS)
    test(name, () => assert.deepEqual(planRotation(keys, PAIR, wish, now), plan))
})

describe('the plan for secrets', () => {
  for (const [name, keys, life, wish, now, plan] of SECRETS)
    test(name, () => assert.deepEqual(planRotation(keys, life, wish, now), plan))
})

/** A slot as a store would keep it, with what the promises are about besides. */
interface SimulatedKey extends PlannedKey {
  readonly hasPrivatePart: boolean
}

function simulate(life: SignatureLife | SecretLife, seed: number, steps: number) {
  const random = seeded(seed)
  const pick = (below: number) => Math.floor(random() * below)
  const [serving, former] = life.kind === 'signature' ? ['signing', 'verifying'] : ['current', 'accepted']
  const notice = life.kind === 'signature' ? life.announceFor : 0
  const keys = new Map<string, SimulatedKey>()
  const inState = (state: string | undefined) => [...keys.values()].filter(one => one.state === state)
  const count = { rotations: 0, emergencies: 0 }
  let now = 0

  function wish(wish: Wish): Plan {
    const plan = planRotation([...keys.values()], life, wish, now)
    for (const { id, from, to, dueAt, destroy } of plan.moves) {
      const known = keys.get(id)
      assert.ok(known && known.state === from, 'a plan moves keys from the state they are in')
      if (from !== to && to === serving) {
        count.rotations++
        assert.ok(
          wish.want === 'revoke' || now - known.createdAt >= notice,
          'a key is published long enough before it signs',
        )
        assert.deepEqual(inState(serving), [], 'a place is left before it is taken')
      }
      if (from !== to && (to === 'retired' || to === 'destroyed') && wish.want !== 'revoke')
        assert.ok(now >= known.latestExpiry + life.leeway, 'no key leaves before what it made is over')
      assert.ok(from === to || (from !== 'retired' && from !== 'destroyed'), 'no key comes back')
      keys.set(id, { ...known, state: to, dueAt, hasPrivatePart: known.hasPrivatePart && !destroy })
    }
    if (plan.generate) {
      const { state, dueAt } = plan.generate
      if (state === 'signing')
        assert.ok(keys.size === 0 || wish.want === 'revoke', 'only the first and an emergency sign unannounced')
      if (state === 'current') count.rotations++
      const id = `k${keys.size}`
      keys.set(id, { ...key(id, state, { createdAt: now, dueAt }), hasPrivatePart: true })
    }
    return plan
  }

  wish(ENSURE)
  for (let step = 0; step < steps; step++) {
    // Mostly short steps, now and then a server that was off for long.
    now += pick(30) === 0 ? pick(400) : pick(8)
    if (pick(40) === 0) wish(ROTATE)
    if (pick(40) === 0 && wish(revoke(`k${Math.max(0, keys.size - 1 - pick(4))}`)).moves.length > 0) count.emergencies++
    for (let round = 0; wish(SCHEDULE).moves.length > 0; round++) assert.ok(round < 4, 'the schedule comes to rest')

    assert.equal(inState(serving).length, 1, 'exactly one serves')
    assert.ok(inState('announced').length <= 1, 'there is one successor at a time')
    for (const one of keys.values()) {
      assert.ok(one.dueAt === null || one.dueAt > now, 'nothing stays due')
      assert.ok(one.state !== former || one.dueAt !== null, 'an ageing key has an end')
      const needsIt = ['announced', 'signing', 'current', 'accepted'].includes(one.state)
      assert.equal(one.hasPrivatePart, needsIt, 'a private part lives as long as its use')
    }

    // Tokens of all lengths, now and then from a node that has not heard of the latest change.
    for (const maker of [...inState(serving), ...(pick(10) === 0 ? inState(former) : [])])
      keys.set(maker.id, { ...maker, latestExpiry: Math.max(maker.latestExpiry, now + pick(60)) })
  }
  return count
}

/** mulberry32: a failure names its seed and can be seen again. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

describe('years of ticks, rotations and emergencies', () => {
  for (const [name, life] of [
    ['pairs', PAIR],
    ['secrets', MAC],
  ] as const) {
    test(`keep every promise about ${name}`, () => {
      const seen = { rotations: 0, emergencies: 0 }
      for (let seed = 1; seed <= 60; seed++) {
        try {
          const { rotations, emergencies } = simulate(life, seed, 1000)
          seen.rotations += rotations
          seen.emergencies += emergencies
        } catch (error) {
          throw new Error(`seed ${seed}`, { cause: error })
        }
      }
      assert.ok(
        seen.rotations > 2000 && seen.emergencies > 500,
        `a simulation without events proves nothing: ${JSON.stringify(seen)}`,
      )
    })
  }
})
