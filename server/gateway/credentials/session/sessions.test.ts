import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { silentLog } from '../../../kernel/log.ts'
import { DAY, HOUR, MINUTE, SECOND } from '../../../kernel/seconds.ts'
import { randomKey } from '../../../kernel/secrets.ts'
import { type Arrival, type Caller, Refused } from '../../exchange.ts'
import { IssuerUnavailableError } from '../issuer-client.ts'
import { type SessionRecords, sessionsHere } from './records.ts'
import { createSeals } from './sealing.ts'
import { createSessions, type Session, type Sessions } from './sessions.ts'
import { type GivenTokens, GrantOverError } from './tokens.ts'

const START = 1_789_012_345_678
const LIFE = 10 * MINUTE
const seals = createSeals([randomKey()])

let now: number
/** Refresh tokens that the issuer was shown, and what it answers. */
let shown: string[]
let answer: (refreshToken: string) => Promise<GivenTokens>
let records: SessionRecords

const given = (name: string, subject = 'auth0|ann'): GivenTokens => ({
  accessToken: `access ${name}`,
  caller: { claims: { sub: subject } } as unknown as Caller,
  expiresAt: now + LIFE,
  renewAt: now + LIFE - MINUTE,
  refreshToken: `refresh ${name}`,
  idToken: null,
})

const session = (changes: Partial<Session> = {}): Omit<Session, 'endsAt'> => ({
  subject: 'auth0|ann',
  sid: 'ses_1',
  profile: { name: 'Ann' },
  idToken: 'id token',
  accessToken: 'access 1',
  expiresAt: now + LIFE,
  renewAt: now + LIFE - MINUTE,
  refreshToken: 'refresh 1',
  ...changes,
})

/** One of several gateways over the same records. */
const gateway = (absolute = DAY, issuer = 'https://id.example/', client = 'edge'): Sessions =>
  createSessions({
    givenBy: [issuer, client],
    records,
    seals,
    tokens: {
      refresh(refreshToken) {
        shown.push(refreshToken)
        return answer(refreshToken)
      },
    },
    clock: () => now,
    log: silentLog,
    idle: 12 * HOUR,
    absolute,
  })

const arrival = (): Arrival => ({ now }) as Arrival
const begun = async (sessions: Sessions, changes?: Partial<Session>): Promise<string> =>
  (await sessions.begin(session(changes), now)) ?? assert.fail('there was no room')
const tokenOf = async (sessions: Sessions, brought: string) => (await sessions.use(brought, arrival()))?.accessToken
const isRefused = (code: string) => (error: unknown) => error instanceof Refused && error.refusal.code === code

/** Whatever was begun and not waited for has happened. */
const settled = () => new Promise<void>(resolve => setImmediate(() => setImmediate(resolve)))

beforeEach(() => {
  now = START
  shown = []
  answer = async () => given('2')
  records = sessionsHere({ clock: () => now })
})

describe('the session of a browser', () => {
  test('is found by what the browser brings, and by nothing else', async () => {
    const sessions = gateway()
    const brought = await begun(sessions)
    assert.deepEqual(await sessions.use(brought, arrival()), { ...session(), endsAt: now + DAY })
    for (const other of ['', 'x', `${brought}x`, brought.slice(1), 'A'.repeat(43)])
      assert.equal(await sessions.use(other, arrival()), undefined)
    assert.notEqual(await begun(sessions), brought)
  })

  test('is none where people sign in elsewhere by now, and what another issuer gave is not shown there', async () => {
    const brought = await begun(gateway())
    now += LIFE
    for (const elsewhere of [gateway(DAY, 'https://other.example/'), gateway(DAY, undefined, 'other')]) {
      assert.equal(await elsewhere.use(brought, arrival()), undefined)
      assert.equal(await elsewhere.end(brought, now), undefined)
    }
    assert.deepEqual(shown, [])
  })

  test('is over at its absolute end however much it is used, and after the log’s memory however long that is', async () => {
    for (const [absolute, life] of [
      [DAY, DAY],
      [90 * DAY, 30 * DAY],
    ] as const) {
      now = START
      const sessions = gateway(absolute)
      const brought = await begun(sessions, { expiresAt: now + 100 * DAY, renewAt: now + 100 * DAY })
      for (; now < START + life; now += 6 * HOUR) assert.ok(await sessions.use(brought, arrival()))
      assert.equal(await sessions.use(brought, arrival()), undefined)
    }
  })

  test('gets its next token a little before the end of the last, without making anybody wait', async () => {
    const sessions = gateway()
    const brought = await begun(sessions)
    now += LIFE - MINUTE
    assert.deepEqual(
      await Promise.all(Array.from({ length: 8 }, () => tokenOf(sessions, brought))),
      Array(8).fill('access 1'),
    )
    await settled()
    assert.equal(await tokenOf(sessions, brought), 'access 2')
    assert.deepEqual(shown, ['refresh 1'])
  })

  test('gets one next token for many requests in several gateways, also after its end', async () => {
    const gateways = [gateway(), gateway(), gateway()]
    const brought = await begun(gateways[0] as Sessions)
    now += LIFE
    const asked = Promise.withResolvers<GivenTokens>()
    answer = () => asked.promise
    const waiting = gateways.flatMap(sessions => Array.from({ length: 8 }, () => tokenOf(sessions, brought)))
    await settled()
    asked.resolve(given('2'))
    assert.deepEqual(new Set(await Promise.all(waiting)), new Set(['access 2']))
    assert.deepEqual(shown, ['refresh 1'])
  })

  test('goes on with its token while the issuer is away, and is told apart from one that is over', async () => {
    const sessions = gateway()
    const brought = await begun(sessions)
    answer = async () => {
      throw new IssuerUnavailableError('away')
    }
    now += LIFE - MINUTE
    for (let tries = 0; tries < 3; tries++) {
      assert.equal(await tokenOf(sessions, brought), 'access 1')
      await settled()
    }
    assert.equal(shown.length, 1, 'an issuer that is away is not asked by every request')
    now += MINUTE
    await assert.rejects(sessions.use(brought, arrival()), isRefused('issuer_unavailable'))
    answer = async () => given('2')
    now += 5 * SECOND
    assert.equal(await tokenOf(sessions, brought), 'access 2')
  })

  test('ends when the issuer gives nothing for it any more', async () => {
    const sessions = gateway()
    const brought = await begun(sessions)
    answer = async () => {
      throw new GrantOverError('invalid_grant')
    }
    now += LIFE
    assert.equal(await sessions.use(brought, arrival()), undefined)
    answer = async () => given('2')
    assert.equal(await sessions.use(brought, arrival()), undefined)
  })

  test('does not become another person’s by a refresh', async () => {
    const sessions = gateway()
    const brought = await begun(sessions)
    answer = async () => given('2', 'auth0|eve')
    now += LIFE
    assert.equal(await sessions.use(brought, arrival()), undefined)
  })

  test('that is signed out of while its next token is fetched stays signed out of', async () => {
    const sessions = gateway()
    const brought = await begun(sessions)
    now += LIFE
    const asked = Promise.withResolvers<GivenTokens>()
    answer = () => asked.promise
    const waiting = sessions.use(brought, arrival())
    await settled()
    assert.equal((await sessions.end(brought, now))?.idToken, 'id token')
    asked.resolve(given('2'))
    assert.equal(await waiting, undefined)
    assert.equal(await sessions.use(brought, arrival()), undefined)
  })

  test('without a refresh token lasts as long as its access token', async () => {
    const sessions = gateway()
    const brought = await begun(sessions, { refreshToken: null })
    now += LIFE - 1
    assert.equal(await tokenOf(sessions, brought), 'access 1')
    now += 1
    assert.equal(await sessions.use(brought, arrival()), undefined)
    assert.deepEqual(shown, [])
  })

  test('whose token is not taken any more gets another, or is over', async () => {
    const sessions = gateway()
    const brought = await begun(sessions)
    const before = await sessions.use(brought, arrival())
    assert.equal((await sessions.renew(brought, before as Session, arrival()))?.accessToken, 'access 2')
    const single = await begun(sessions, { refreshToken: null })
    assert.equal(await sessions.renew(single, session({ refreshToken: null }) as Session, arrival()), undefined)
    assert.equal(await sessions.use(single, arrival()), undefined)
  })

  test('is not begun where there is no room', async () => {
    records = sessionsHere({ clock: () => now, most: 0 })
    assert.equal(await gateway().begin(session(), now), undefined)
  })
})
