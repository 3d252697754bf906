import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type AlgorithmName, allowAlgorithms, verifySignature } from '@latchkey/sdk/verify'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { createMemoryBus } from '../bus/memory.ts'
import { OperatorError } from '../kernel/errors.ts'
import { silentLog } from '../kernel/log.ts'
import { DAY, HOUR, MINUTE, SECOND, toSeconds } from '../kernel/seconds.ts'
import { randomKey, randomSecret, sha256 } from '../kernel/secrets.ts'
import { openSqlite } from '../store/sqlite.ts'
import type { Store } from '../store/store.ts'
import type { PairAlgorithmName } from './algorithms.ts'
import { createKeyring, type Keyring } from './keyring.ts'
import { createSchedule } from './schedule.ts'
import { createSealer } from './sealer.ts'
import { type Signer, signJwt } from './signer.ts'
import { masterKeys } from './wrapping/master-keys.ts'

const START = Date.UTC(2026, 0, 1)
const RS256 = { purpose: 'token-signing', owner: '', algorithm: 'RS256' } as const
const REFRESH = { purpose: 'refresh-token', owner: '', algorithm: 'HS256' } as const

const master = { id: 'm1', bytes: randomKey() }
const sealer = createSealer(masterKeys([master]))
const folder = mkdtempSync(join(tmpdir(), 'latchkey-keyring-'))

let now = START
/** What a client or an API of the tenant asks for. */
let asked: readonly PairAlgorithmName[] = []
let lookedUp = 0
const wanted = async () => {
  lookedUp++
  return asked
}
const clock = () => now
const bus = createMemoryBus()
let store: Store
let keyring: Keyring
let tenant: string
let tenants = 0

before(async () => {
  store = await openSqlite(join(folder, 'test.db'), { sealer, bus, synchronous: 'normal' })
})
after(async () => {
  await store.close()
  rmSync(folder, { recursive: true })
})
beforeEach(() => {
  now = START
  asked = []
  lookedUp = 0
  tenant = `t${tenants++}`
  keyring = createKeyring({ store, sealer, clock, bus, wanted })
})

/** A node that no message reaches, with a count of how often it asks the store. */
function deafNode(over: Partial<Store['keys']> = {}) {
  const count = { reads: 0, writes: 0 }
  const keys: Store['keys'] = {
    ...store.keys,
    list: asked => {
      count.reads++
      return store.keys.list(asked)
    },
    used: (...asked) => {
      count.writes++
      return store.keys.used(...asked)
    },
    ...over,
  }
  const node = createKeyring({ store: { ...store, keys }, sealer, clock, bus: createMemoryBus(), wanted })
  return { node, count }
}

const token = (signer: Signer, lifetime = HOUR) =>
  signJwt({ header: { typ: 'at+jwt' }, claims: { sub: 'someone', exp: toSeconds(now + lifetime) } }, signer)

const jwksOf = async (node = keyring) => (await node.jwks(tenant)) as unknown as JSONWebKeySet

const kidsOf = async (node = keyring) => (await jwksOf(node)).keys.map(({ kid }) => kid)

const verified = async (jwt: string) =>
  jwtVerify(jwt, createLocalJWKSet(await jwksOf()), { currentDate: new Date(now) }).then(
    () => true,
    () => false,
  )

const verifier = (kid: string, alg: AlgorithmName = 'RS256', options = {}) =>
  keyring.verificationKey(tenant, { kid, alg }, options)

const algorithmsInSet = async () => (await jwksOf()).keys.map(({ alg }) => alg)

/** A client or an API now asks for these, and every node that listens is told. */
function ask(...algorithms: PairAlgorithmName[]): void {
  asked = algorithms
  bus.publish({ topic: 'client', tenant, id: 'app' })
}

const stateOf = async (algorithm: string) =>
  (await store.keys.list(tenant)).findLast(key => key.algorithm === algorithm)?.state

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 5 * SECOND
  while (!(await isTrue())) {
    assert.ok(Date.now() < deadline, 'it did not happen within five seconds')
    await pause(5)
  }
}

/** The schedule's part, for the slot of a key: `schedule.ts` has its own tests. */
const tick = () => createSchedule({ store, sealer, clock, log: silentLog, wanted }).run()

describe('signing', () => {
  test('the first use makes the key, and everyone can verify with the key set', async () => {
    const signer = await keyring.signer(tenant, 'RS256')
    assert.equal((await keyring.signer(tenant, 'RS256')).kid, signer.kid)
    assert.ok(await verified(await token(signer)))
  })

  test('every algorithm signs what our own verifier takes', async () => {
    for (const algorithm of ['RS256', 'PS256', 'ES256', 'EdDSA', 'ML-DSA-44'] satisfies PairAlgorithmName[]) {
      const jwt = await token(await keyring.signer(tenant, algorithm))
      const source = (request: Parameters<Keyring['verificationKey']>[1]) => keyring.verificationKey(tenant, request)
      const { header } = await verifySignature(jwt, source, allowAlgorithms([algorithm]))
      assert.equal(header.alg, algorithm)
    }
  })

  test('many nodes that need the first key at once end with one', async () => {
    const nodes = [keyring, ...Array.from({ length: 4 }, () => deafNode().node)]
    const signers = await Promise.all(nodes.flatMap(node => [1, 2, 3].map(() => node.signer(tenant, 'ES256'))))
    assert.equal(new Set(signers.map(({ kid }) => kid)).size, 1)
    assert.equal((await store.keys.list(tenant)).length, 1)
  })

  test('one tenant never signs with, verifies with or publishes the key of another', async () => {
    const { kid } = await keyring.signer(tenant, 'RS256')
    const other = `${tenant}-other`
    assert.notEqual((await keyring.signer(other, 'RS256')).kid, kid)
    assert.equal(await keyring.verificationKey(other, { kid, alg: 'RS256' }), undefined)
    assert.equal((await keyring.jwks(other)).keys.length, 1)
  })

  test('the expiry is on record before the token exists, and one write serves an hour', async () => {
    const { node, count } = deafNode()
    const signer = await node.signer(tenant, 'ES256')
    await Promise.all(Array.from({ length: 20 }, () => token(signer)))
    assert.ok(((await store.keys.list(tenant))[0]?.latestExpiry ?? 0) >= now + HOUR)
    for (let minute = 0; minute < 59; minute++) {
      now += MINUTE
      await token(await node.signer(tenant, 'ES256'))
    }
    assert.equal(count.writes, 1)
    now += 2 * MINUTE
    await token(await node.signer(tenant, 'ES256'))
    assert.equal(count.writes, 2)
    assert.ok(((await store.keys.list(tenant))[0]?.latestExpiry ?? 0) >= now + HOUR)
  })

  test('no token leaves when its expiry cannot be recorded, and the next attempt tries again', async () => {
    let isAway = true
    const used: Store['keys']['used'] = (...asked) =>
      isAway ? Promise.reject(new Error('the store is away')) : store.keys.used(...asked)
    const signer = await deafNode({ used }).node.signer(tenant, 'ES256')
    await assert.rejects(token(signer), /away/)
    isAway = false
    assert.ok(await verified(await token(signer)))
  })
})

describe('the key set', () => {
  test('always holds RS256, first, and the other algorithms that somebody asks for, before they sign', async () => {
    assert.deepEqual(await algorithmsInSet(), ['RS256'])
    await keyring.secret(tenant, 'refresh-token')
    await keyring.putApiSecret(tenant, 'api', randomSecret())
    ask('EdDSA', 'ES256')
    assert.deepEqual(await algorithmsInSet(), ['RS256', 'ES256', 'EdDSA'])
    assert.deepEqual(await keyring.algorithms(tenant), ['RS256', 'ES256', 'EdDSA'])
    const [, second] = await kidsOf()
    assert.equal((await keyring.signer(tenant, 'ES256')).kid, second)
  })

  test('keeps an algorithm that nobody asks for any more as long as its tokens live, and advertises it no longer', async () => {
    ask('ES256')
    await keyring.jwks(tenant)
    const jwt = await token(await keyring.signer(tenant, 'ES256'), 2 * DAY)
    now += HOUR
    ask()
    assert.deepEqual(await keyring.algorithms(tenant), ['RS256'])
    await until(async () => (await stateOf('ES256')) === 'verifying')
    assert.deepEqual(await algorithmsInSet(), ['RS256', 'ES256'])
    assert.ok(await verified(jwt))

    now += 2 * DAY + 2 * HOUR
    await tick()
    assert.deepEqual(await algorithmsInSet(), ['RS256'])
    assert.equal(await stateOf('ES256'), 'retired')
  })

  test('has another key of an algorithm that is asked for again', async () => {
    ask('ES256')
    const { kid } = await keyring.signer(tenant, 'ES256')
    now += HOUR
    ask()
    await keyring.jwks(tenant)
    await until(async () => (await stateOf('ES256')) === 'verifying')
    ask('ES256')
    const [, signing, verifying] = await kidsOf()
    assert.equal(verifying, kid)
    assert.equal((await keyring.signer(tenant, 'ES256')).kid, signing)
    assert.deepEqual(await keyring.algorithms(tenant), ['RS256', 'ES256'])
  })

  test('loses no key to a node that has not heard of the setting: the store is asked before one is given up', async () => {
    await keyring.signer(tenant, 'RS256')
    const { kid } = await keyring.signer(tenant, 'ES256')
    now += HOUR
    const answers: PairAlgorithmName[][] = [[]]
    const stale = createKeyring({
      store,
      sealer,
      clock,
      bus: createMemoryBus(),
      wanted: async () => answers.shift() ?? ['ES256'],
    })
    await stale.jwks(tenant)
    await until(async () => answers.length === 0 && (await stale.algorithms(tenant)).includes('ES256'))
    assert.equal((await keyring.signer(tenant, 'ES256')).kid, kid)
    assert.equal(await stateOf('ES256'), 'signing')
  })

  test('leaves a key alone that was made a moment ago, for a setting still to be written', async () => {
    await keyring.signer(tenant, 'ES256')
    now += MINUTE
    for (let look = 0; look < 3; look++) assert.deepEqual(await keyring.algorithms(tenant), ['RS256'])
    assert.equal(await stateOf('ES256'), 'signing')
  })

  test('publishes a key that does not sign yet, or no more, and advertises none for it', async () => {
    const { kid } = await keyring.signer(tenant, 'RS256')
    await keyring.rotate(tenant, RS256)
    assert.equal((await kidsOf()).length, 2)
    assert.deepEqual(await keyring.algorithms(tenant), ['RS256'])
    now += DAY
    await tick()
    assert.ok((await kidsOf()).includes(kid))
    assert.deepEqual(await keyring.algorithms(tenant), ['RS256'])
  })

  test('costs no read while nothing changes', async () => {
    ask('ES256')
    await keyring.signer(tenant, 'EdDSA')
    const { node, count } = deafNode()
    await node.jwks(tenant)
    const before = [count.reads, lookedUp]
    for (let look = 0; look < 100; look++) {
      await node.jwks(tenant)
      await node.algorithms(tenant)
    }
    assert.deepEqual([count.reads, lookedUp], before)
  })

  test('holds public members and nothing else', async () => {
    ask('ES256')
    const { keys } = await jwksOf()
    assert.deepEqual(
      keys.map(key => Object.keys(key).sort().join(' ')),
      ['alg e kid kty n use', 'alg crv kid kty use x y'],
    )
  })

  test('lists the key that signs before its successor and those before it', async () => {
    const { kid } = await keyring.signer(tenant, 'RS256')
    await keyring.rotate(tenant, RS256)
    const [first, second, ...rest] = await kidsOf()
    assert.equal(first, kid)
    assert.deepEqual(rest, [])
    now += DAY
    await tick()
    assert.deepEqual(await kidsOf(), [second, first])
  })
})

describe('a rotation by hand', () => {
  test('gives verifiers a day, then signs, and what the old key signed is good to its end', async () => {
    const old = await keyring.signer(tenant, 'RS256')
    assert.deepEqual(await keyring.rotate(tenant, RS256), { takesOver: START + DAY })
    now += DAY - 1
    await tick()
    assert.equal((await keyring.signer(tenant, 'RS256')).kid, old.kid)
    const lastOfOld = await token(old, 3 * DAY)

    now += 1
    await tick()
    const young = await keyring.signer(tenant, 'RS256')
    assert.notEqual(young.kid, old.kid)
    assert.equal((await store.keys.list(tenant)).find(({ id }) => id === old.kid)?.sealedPrivate, null)

    now = START + DAY - 1 + 3 * DAY - SECOND
    await tick()
    assert.ok(await verified(lastOfOld))
    now += 2 * HOUR
    await tick()
    assert.deepEqual(await kidsOf(), [young.kid])
  })

  test('is done at once when the successor has been known for long enough', async () => {
    const { kid } = await keyring.signer(tenant, 'RS256')
    now += 89 * DAY
    await tick()
    now += DAY
    assert.deepEqual(await keyring.rotate(tenant, RS256), { takesOver: now })
    assert.notEqual((await keyring.signer(tenant, 'RS256')).kid, kid)
  })
})

describe('a key that left the key set by schedule', () => {
  test('vouches for a year for ID tokens that come back as hints, and for nothing else', async () => {
    const { kid } = await keyring.signer(tenant, 'RS256')
    await keyring.rotate(tenant, RS256)
    for (const step of [DAY, DAY]) {
      now += step
      await tick()
    }
    assert.equal(await verifier(kid), undefined)
    assert.equal((await verifier(kid, 'RS256', { retired: true }))?.kid, kid)
    now += 366 * DAY
    assert.equal(await verifier(kid, 'RS256', { retired: true }), undefined)
  })
})

describe('a revoked key', () => {
  test('is out of the key set and good for nothing at once, and its successor signs', async () => {
    const { kid } = await keyring.signer(tenant, 'RS256')
    const head = await store.revocations.head()
    assert.equal(await keyring.revoke(tenant, kid), 'revoked')
    const successor = await keyring.signer(tenant, 'RS256')
    assert.notEqual(successor.kid, kid)
    assert.deepEqual(await kidsOf(), [successor.kid])
    assert.equal(await verifier(kid), undefined)
    assert.equal(await verifier(kid, 'RS256', { retired: true }), undefined)
    assert.ok(await verified(await token(successor)))

    const [entry, ...more] = await store.revocations.after(head, 10)
    assert.deepEqual([entry?.tenant, entry?.kind, entry?.id, more.length], [tenant, 'key', kid, 0])
    assert.equal(await keyring.revoke(tenant, kid), 'already')
    assert.equal(await store.revocations.head(), head + 1)
  })

  test('of another tenant is not one of ours', async () => {
    const { kid } = await keyring.signer(tenant, 'RS256')
    assert.equal(await keyring.revoke(`${tenant}-other`, kid), 'unknown')
    assert.equal((await keyring.signer(tenant, 'RS256')).kid, kid)
  })
})

describe('a verification key', () => {
  test('is found by its id and its own algorithm only', async () => {
    const { kid } = await keyring.signer(tenant, 'RS256')
    assert.equal((await verifier(kid))?.kid, kid)
    for (const alg of ['PS256', 'RS512', 'HS256', 'ES256'] as const) assert.equal(await verifier(kid, alg), undefined)
    assert.equal(await keyring.verificationKey(tenant, { kid: undefined, alg: 'RS256' }), undefined)
    assert.equal(await verifier('constructor'), undefined)
  })

  test('is never a secret', async () => {
    await keyring.putApiSecret(tenant, 'api', randomSecret())
    const [api] = await keyring.apiSecrets(tenant, 'api')
    const refresh = await keyring.secret(tenant, 'refresh-token')
    for (const id of [api?.id, refresh.id]) assert.equal(await verifier(id ?? '', 'HS256'), undefined)
  })

  test('a flood of made-up key ids costs one read a second', async () => {
    const { node, count } = deafNode()
    await node.signer(tenant, 'RS256')
    now += 10 * SECOND
    const before = count.reads
    for (let round = 0; round < 200; round++) {
      now += 10
      await node.verificationKey(tenant, { kid: `made-up-${round}`, alg: 'RS256' })
    }
    assert.equal(count.reads - before, 2)
  })
})

describe('a node that hears no messages', () => {
  test('finds a key made elsewhere when somebody presents its id', async () => {
    const { node } = deafNode()
    await node.jwks(tenant)
    const { kid } = await keyring.signer(tenant, 'ES256')
    now += SECOND
    assert.equal((await node.verificationKey(tenant, { kid, alg: 'ES256' }))?.kid, kid)
  })

  test('reads again by itself, in the background', async () => {
    const { node, count } = deafNode()
    const { kid } = await node.signer(tenant, 'RS256')
    await keyring.revoke(tenant, kid)
    now += 29 * SECOND
    assert.deepEqual(await kidsOf(node), [kid])
    now += SECOND
    const before = count.reads
    await Promise.all([node.jwks(tenant), node.jwks(tenant)])
    while ((await kidsOf(node)).includes(kid)) await new Promise(setImmediate)
    assert.deepEqual(await kidsOf(node), await kidsOf())
    assert.equal(count.reads - before, 1)
  })

  test('goes on for minutes while the store is away, and then no longer trusts what it knows', async () => {
    let isAway = false
    const list: Store['keys']['list'] = asked =>
      isAway ? Promise.reject(new Error('the store is away')) : store.keys.list(asked)
    const { node } = deafNode({ list })
    const { kid } = await node.signer(tenant, 'RS256')
    isAway = true
    now += 4 * MINUTE
    assert.equal((await node.signer(tenant, 'RS256')).kid, kid)
    now += MINUTE
    await assert.rejects(node.signer(tenant, 'RS256'), /away/)
    isAway = false
    assert.equal((await node.signer(tenant, 'RS256')).kid, kid)
  })

  test('hears of a change at once when messages reach it', async () => {
    const hearing = createKeyring({ store, sealer, clock, bus, wanted })
    const { kid } = await hearing.signer(tenant, 'RS256')
    await keyring.revoke(tenant, kid)
    assert.ok(!(await kidsOf(hearing)).includes(kid))
  })
})

describe('secrets of ours', () => {
  test('the former one is found by its id while what it made lives, and no longer', async () => {
    const old = await keyring.secret(tenant, 'refresh-token')
    await keyring.noteUse(tenant, old.id, START + 30 * DAY)
    await keyring.rotate(tenant, REFRESH)
    const current = await keyring.secret(tenant, 'refresh-token')
    assert.notDeepEqual(current.key, old.key)
    assert.equal(current.key.length, 32)

    now = START + 30 * DAY
    await tick()
    const found = await keyring.secretById(tenant, 'refresh-token', old.id)
    assert.deepEqual([found?.key, found?.state], [old.key, 'accepted'])
    now += 2 * HOUR
    await tick()
    assert.equal(await keyring.secretById(tenant, 'refresh-token', old.id), undefined)
    assert.equal((await store.keys.list(tenant)).find(({ id }) => id === old.id)?.sealedPrivate, null)
  })

  test('something that never ends keeps its key for ever', async () => {
    const { id } = await keyring.secret(tenant, 'refresh-token')
    await keyring.noteUse(tenant, id, Number.POSITIVE_INFINITY)
    await keyring.rotate(tenant, REFRESH)
    now += 50_000 * DAY
    await tick()
    assert.equal((await keyring.secretById(tenant, 'refresh-token', id))?.state, 'accepted')
  })

  test('a revoked one is taken no more, and another is current', async () => {
    const { id } = await keyring.secret(tenant, 'refresh-token')
    assert.equal(await keyring.revoke(tenant, id), 'revoked')
    assert.equal(await keyring.secretById(tenant, 'refresh-token', id), undefined)
    assert.notEqual((await keyring.secret(tenant, 'refresh-token')).id, id)
  })
})

describe('the HS256 secret of an API', () => {
  const SECRET = 'correct horse battery staple, as they say'

  test('signs what the API verifies with the text it was given', async () => {
    await keyring.putApiSecret(tenant, 'api', SECRET)
    const signer = await keyring.apiSigner(tenant, 'api')
    assert.ok(signer)
    const { protectedHeader } = await jwtVerify(await token(signer), Buffer.from(SECRET), {
      currentDate: new Date(now),
    })
    assert.equal(protectedHeader.alg, 'HS256')
  })

  test('given twice changes nothing', async () => {
    assert.equal(await keyring.putApiSecret(tenant, 'api', SECRET), 'put')
    const [before] = await keyring.apiSecrets(tenant, 'api')
    assert.equal(await keyring.putApiSecret(tenant, 'api', SECRET), 'unchanged')
    assert.deepEqual(
      (await keyring.apiSecrets(tenant, 'api')).map(({ id }) => id),
      [before?.id],
    )
  })

  test('two are taken at once, the newer first, and never a third', async () => {
    for (const letter of ['a', 'b', 'c']) {
      now += 1
      await keyring.putApiSecret(tenant, 'api', letter.repeat(32))
    }
    assert.deepEqual(
      (await keyring.apiSecrets(tenant, 'api')).map(({ key, state }) => [`${key}`[0], state]),
      [
        ['c', 'current'],
        ['b', 'accepted'],
      ],
    )
  })

  test('belongs to one API: no other signs with it or takes it', async () => {
    await keyring.putApiSecret(tenant, 'api', SECRET)
    const [secret] = await keyring.apiSecrets(tenant, 'api')
    assert.deepEqual(await keyring.apiSecrets(tenant, 'other'), [])
    assert.equal(await keyring.apiSigner(tenant, 'other'), undefined)
    assert.equal(await keyring.secretById(tenant, 'refresh-token', secret?.id ?? ''), undefined)
  })

  test('shorter than its hash is refused, counted in bytes, and not repeated', async () => {
    for (const short of ['', 'x'.repeat(31), 'ü'.repeat(15)])
      await assert.rejects(keyring.putApiSecret(tenant, 'api', short), (error: Error) => {
        assert.ok(error instanceof OperatorError)
        return short === '' || !error.message.includes(short)
      })
    assert.equal(await keyring.putApiSecret(tenant, 'api', 'ü'.repeat(16)), 'put')
  })

  const revokeCurrent = async (api = 'api') => {
    const [secret] = await keyring.apiSecrets(tenant, api)
    assert.equal(await keyring.revoke(tenant, secret?.id ?? ''), 'revoked')
  }
  const isRefused = (error: Error) =>
    error instanceof OperatorError && /was revoked/.test(error.message) && !error.message.includes(SECRET)

  test('revoked is never taken again, by this API or by another of the tenant', async () => {
    await keyring.putApiSecret(tenant, 'api', SECRET)
    assert.equal(await keyring.isRevokedApiSecret(tenant, SECRET), false)
    await revokeCurrent()
    assert.equal(await keyring.isRevokedApiSecret(tenant, SECRET), true)
    for (const api of ['api', 'renamed']) await assert.rejects(keyring.putApiSecret(tenant, api, SECRET), isRefused)
    assert.deepEqual(await keyring.apiSecrets(tenant, 'api'), [])
    assert.equal(await keyring.putApiSecret(tenant, 'api', `${SECRET}!`), 'put')
    await assert.rejects(keyring.putApiSecret(tenant, 'api', SECRET), isRefused)
    assert.equal(await keyring.isRevokedApiSecret(`${tenant}-other`, SECRET), false)
  })

  test('revoked while it was only accepted is known again as well, on every node', async () => {
    await keyring.putApiSecret(tenant, 'api', SECRET)
    const [first] = await keyring.apiSecrets(tenant, 'api')
    await keyring.putApiSecret(tenant, 'api', randomSecret())
    const { node } = deafNode()
    await node.apiSecrets(tenant, 'api')
    assert.equal(await keyring.revoke(tenant, first?.id ?? ''), 'revoked')
    await assert.rejects(node.putApiSecret(tenant, 'api', SECRET), isRefused)
  })

  test('replaced and not revoked may come back', async () => {
    await keyring.putApiSecret(tenant, 'api', SECRET)
    for (let count = 0; count < 2; count++) await keyring.putApiSecret(tenant, 'api', randomSecret())
    assert.equal(await keyring.putApiSecret(tenant, 'api', SECRET), 'put')
  })

  test('revoked leaves nothing in the database by which it could be used or guessed', async () => {
    await keyring.putApiSecret(tenant, 'api', SECRET)
    await revokeCurrent()
    const [row] = await store.keys.list(tenant)
    assert.ok(row?.sealedPrivate)
    assert.ok(!JSON.stringify(row).includes(sha256(SECRET)))
    // Somebody who may write the database makes it current again: what is kept opens as no secret.
    const move = { id: row.id, from: 'destroyed', to: 'current', dueAt: null, destroy: false } as const
    await store.keys.apply(tenant, { add: [], moves: [move] }, now)
    await assert.rejects(deafNode().node.apiSecrets(tenant, 'api'), OperatorError)
  })

  test('can be revoked when it does not open', async () => {
    await keyring.putApiSecret(tenant, 'api', SECRET)
    const [secret] = await keyring.apiSecrets(tenant, 'api')
    const other = createSealer(masterKeys([{ id: 'm2', bytes: randomKey() }]))
    const stranger = createKeyring({ store, sealer: other, clock, bus, wanted })
    assert.equal(await stranger.revoke(tenant, secret?.id ?? ''), 'revoked')
    assert.equal(await keyring.apiSigner(tenant, 'api'), undefined)
  })

  test('never changes by schedule', async () => {
    await keyring.putApiSecret(tenant, 'api', SECRET)
    now += 10_000 * DAY
    await tick()
    assert.equal(`${(await keyring.apiSecrets(tenant, 'api'))[0]?.key}`, SECRET)
  })
})

describe('sealed keys', () => {
  test('under a master key that is not listed are named to the operator, and no new ones are made', async () => {
    await keyring.signer(tenant, 'RS256')
    await keyring.secret(tenant, 'refresh-token')
    const rows = await store.keys.list(tenant)
    for (const wrong of [
      { id: 'm2', bytes: randomKey() },
      { id: 'm1', bytes: randomKey() },
    ]) {
      const stranger = createKeyring({ store, sealer: createSealer(masterKeys([wrong])), clock, bus, wanted })
      const isTold = (error: Error) => error instanceof OperatorError && /the master key "m1"/.test(error.message)
      await assert.rejects(stranger.signer(tenant, 'RS256'), isTold)
      await assert.rejects(stranger.secret(tenant, 'refresh-token'), isTold)
      // What needs no private part still works.
      assert.equal((await stranger.jwks(tenant)).keys.length, 1)
    }
    assert.deepEqual(await store.keys.list(tenant), rows)
  })

  test('copied to another tenant, API or algorithm by someone who can write the database do not open there', async () => {
    await keyring.putApiSecret(tenant, 'api', randomSecret())
    const [row] = await store.keys.list(tenant)
    assert.ok(row)
    const other = `${tenant}-other`
    await store.keys.apply(other, { add: [{ ...row, tenant: other }], moves: [] }, now)
    await assert.rejects(keyring.apiSecrets(other, 'api'), OperatorError)
    await store.keys.apply(tenant, { add: [{ ...row, id: 'key_copy', owner: 'victim' }], moves: [] }, now)
    await assert.rejects(deafNode().node.apiSecrets(tenant, 'victim'), OperatorError)
  })

  test('are shown without what makes them keys', async () => {
    await keyring.signer(tenant, 'RS256')
    const [summary] = await keyring.list(tenant)
    assert.deepEqual(Object.keys(summary ?? {}).sort(), [
      'algorithm',
      'createdAt',
      'dueAt',
      'id',
      'latestExpiry',
      'owner',
      'purpose',
      'state',
      'stateSince',
    ])
  })
})
