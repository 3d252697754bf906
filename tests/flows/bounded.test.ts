/** What use leaves in the database: as many rows as there are people and applications, whatever they do, and of what is over none. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { purgesOf } from '../../server/compose.ts'
import { DAY, HOUR } from '../../server/kernel/seconds.ts'
import { dump } from '../fixtures/dump.ts'
import { onEachStage, postToken, signIn } from './stage.ts'
import { ANN, JO, KIM } from './tenant.ts'

/** `npm run bench` makes a hundred thousand of a hundred. */
const ROUNDS = 25
/** What grows with use, for as long as events are kept. */
const LASTING = ['events']

const named = (email: string) => ({
  query: { kind: 'is', field: 'email', value: email, place: 1 } as const,
  connection: null,
})

onEachStage('The database', stage => {
  const purge = async () => {
    const { store, settings } = stage.server.latchkey
    for (const { remove } of purgesOf(store, settings)) while ((await remove(stage.clock.now(), 500)) === 500);
  }
  /** By table, but for those of the migrations. */
  async function rows(): Promise<Map<string, number>> {
    const told: unknown[] = JSON.parse(await dump(stage.server.environment))
    // A list of pairs, or one after the other.
    const pairs = Array.isArray(told[0])
      ? told
      : told.flatMap((name, place) => (place % 2 ? [] : [[name, told[place + 1]]]))
    return new Map((pairs as [string, unknown[]][]).map(([name, those]) => [name, those.length]))
  }

  test('holds no more after many refreshes than after one, but for events', async () => {
    const spa = await stage.spa()
    const tokens = await Promise.all(
      [JO, ANN, KIM].map(async account => (await signIn(spa, stage.person(), account)).tokens.refresh_token ?? ''),
    )
    const refreshAll = async () => {
      for (const [place, token] of tokens.entries()) {
        const refresh = { grant_type: 'refresh_token', client_id: 'spa', refresh_token: token }
        const { status, body } = await postToken(stage.issuer, refresh)
        assert.equal(status, 200, JSON.stringify(body))
        tokens[place] = String(body['refresh_token'])
      }
    }
    await refreshAll()
    const before = await rows()
    for (let round = 0; round < ROUNDS; round++) await refreshAll()
    stage.clock.advance(HOUR)
    await purge()
    const after = await rows()
    assert.equal(after.get('families'), tokens.length)
    assert.equal(after.get('tickets'), tokens.length, 'of each authorization its spent code, by which a thief is known')
    const grown = [...after].filter(([name, count]) => count > (before.get(name) ?? 0)).map(([name]) => name)
    assert.deepEqual(grown, LASTING)
    assert.ok((after.get('events') ?? 0) >= (before.get('events') ?? 0) + ROUNDS * tokens.length)
  })

  test('holds nothing of somebody who was removed, an hour later, but that there was somebody', async () => {
    const { latchkey, environment } = stage.server
    const held = async (text: string) => (await dump(environment)).toLowerCase().includes(text.toLowerCase())
    const { id } = (await latchkey.store.people.after('default', named(KIM.email), null, 1))[0]?.user ?? assert.fail()
    assert.ok(await held(KIM.email))
    await latchkey.operate('users remove', { tenant: 'default', user: KIM.email })
    assert.ok(await held(KIM.email), 'events say it for an hour')
    stage.clock.advance(HOUR)
    await purge()
    assert.equal(await held(KIM.email), false)
    const about = await latchkey.store.events.search('default', { user: id }, { order: 'oldest-first', limit: 100 })
    assert.ok(about.length > ROUNDS)
    for (const { type, actor, personal } of about)
      assert.deepEqual(Object.keys(personal), actor.kind === 'operator' ? ['address', 'userAgent'] : [], type)
  })

  test('holds nothing any more that had an end, once that is long ago', async () => {
    stage.clock.advance(3 * 365 * DAY)
    await purge()
    const left = await rows()
    for (const name of ['tickets', 'sessions', 'browsers', 'authorizations', 'families', 'session_clients', 'events'])
      assert.equal(left.get(name), 0, name)
    for (const name of ['revocations', 'counters', 'devices', 'logout_deliveries'])
      assert.equal(left.get(name), 0, name)
    assert.ok((left.get('users') ?? 0) >= 3)
  })
})
