/** Keys change hands while people sign in and machines ask: nobody who holds something good is refused for it. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { remoteKeys } from '@latchkey/sdk/jwks'
import { accessToken, createVerifier, importSecret, keySet } from '@latchkey/sdk/verify'
import { createLocalJWKSet, createRemoteJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose'
import { compose, type Latchkey } from '../../server/compose.ts'
import { loadSettings } from '../../server/config/load.ts'
import { silentLog } from '../../server/kernel/log.ts'
import { DAY, HOUR, MINUTE, SECOND } from '../../server/kernel/seconds.ts'
import { runKeySchedule } from '../fixtures/key-schedule.ts'
import { type RunningServer, startServer } from '../fixtures/server.ts'
import { createTestClock } from '../fixtures/test-clock.ts'
import { askSilently, onEachStage, postToken, type Stage, signIn, userinfoStatus } from './stage.ts'
import { JO, LEDGER, LEDGER_SECRET, SECRETS, SIGNED_OUT_URI, TENANT_FILE, VIDEOS } from './tenant.ts'

const TENANT = 'default'
const RS256 = { purpose: 'token-signing', owner: '', algorithm: 'RS256' } as const
const REFRESH = { purpose: 'refresh-token', owner: '', algorithm: 'HS256' } as const

const machine = { grant_type: 'client_credentials', client_id: 'machine', client_secret: SECRETS.machine }

const kidOf = (token: string) => decodeProtectedHeader(token).kid

const published = async (issuer: string): Promise<JSONWebKeySet> =>
  (await (await fetch(new URL('.well-known/jwks.json', issuer))).json()) as JSONWebKeySet

/** With a successor that verifiers have known for a day, so that the next rotation is the change of hands itself. */
async function announceSuccessor({ server, clock }: Stage): Promise<void> {
  await server.latchkey.keyring.rotate(TENANT, RS256)
  clock.advance(DAY)
}

async function changeHands({ server, clock }: Stage): Promise<void> {
  const { takesOver } = await server.latchkey.keyring.rotate(TENANT, RS256)
  assert.ok(takesOver <= clock.now())
}

const statesOf = async ({ server }: Stage, ...kids: (string | undefined)[]) => {
  const keys = await server.latchkey.keyring.list(TENANT)
  return kids.map(kid => keys.find(({ id }) => id === kid)?.state)
}

onEachStage('The signing key', stage => {
  const tick = () => runKeySchedule(stage.server.latchkey, stage.clock.now)

  test('changes between the code and the tokens: they are signed by the next one, and good', async () => {
    await announceSuccessor(stage)
    const [spa, person] = [await stage.spa(), stage.person()]
    const { tokens: before } = await signIn(spa, person, JO)
    const { begun, callback } = await askSilently(spa, person)
    await changeHands(stage)
    const tokens = await spa.finish(callback, begun)
    assert.notEqual(kidOf(tokens.id_token ?? ''), kidOf(before.id_token ?? ''))
    const keys = createLocalJWKSet(await published(stage.issuer))
    const currentDate = new Date(stage.clock.now())
    for (const token of [before.id_token, tokens.id_token, before.access_token, tokens.access_token])
      await jwtVerify(token ?? '', keys, { issuer: stage.issuer, currentDate })
  })

  test('changes between the token and userinfo: it goes on to open it, and another is had for a refresh token', async () => {
    await announceSuccessor(stage)
    const spa = await stage.spa()
    const { tokens } = await signIn(spa, stage.person(), JO)
    await changeHands(stage)
    assert.equal(await userinfoStatus(stage.issuer, tokens.access_token), 200)
    const refreshed = await spa.refresh(tokens.refresh_token ?? '')
    assert.equal(await userinfoStatus(stage.issuer, refreshed.access_token), 200)
    assert.notEqual(kidOf(refreshed.access_token), kidOf(tokens.access_token))
  })

  test('retired since, still vouches for the ID token that signs its person out; a revoked one does not', async () => {
    for (const [end, isHonoured] of [
      ['retired', true],
      ['revoked', false],
    ] as const) {
      await announceSuccessor(stage)
      const [spa, person] = [await stage.spa(), stage.person()]
      const { tokens } = await signIn(spa, person, JO, { scope: 'openid' })
      const kid = kidOf(tokens.id_token ?? '') ?? ''
      await changeHands(stage)
      stage.clock.advance(13 * HOUR)
      await tick()
      assert.deepEqual(await statesOf(stage, kid), ['retired'])
      assert.ok(!(await published(stage.issuer)).keys.some(key => key.kid === kid))
      if (end === 'revoked') assert.equal(await stage.server.latchkey.keyring.revoke(TENANT, kid), 'revoked')

      const query = new URLSearchParams({
        id_token_hint: tokens.id_token ?? '',
        post_logout_redirect_uri: SIGNED_OUT_URI,
      })
      const stop = await person.visit(new URL(`oidc/logout?${query}`, stage.issuer))
      assert.equal(stop.left, isHonoured, end)
      const { callback } = await askSilently(spa, person)
      assert.equal(callback.searchParams.get('error'), isHonoured ? 'login_required' : null)
    }
  })

  test('revoked, is out of the set and its tokens are refused at once, and the next signs without a pause', async () => {
    const spa = await stage.spa()
    const { tokens } = await signIn(spa, stage.person(), JO)
    const kid = kidOf(tokens.access_token) ?? ''
    assert.equal(await userinfoStatus(stage.issuer, tokens.access_token), 200)
    assert.equal(await stage.server.latchkey.keyring.revoke(TENANT, kid), 'revoked')
    assert.equal(await userinfoStatus(stage.issuer, tokens.access_token), 401)

    const set = await published(stage.issuer)
    assert.ok(!set.keys.some(key => key.kid === kid))
    const refreshed = await spa.refresh(tokens.refresh_token ?? '')
    assert.equal(kidOf(refreshed.access_token), set.keys[0]?.kid)
    assert.equal(await userinfoStatus(stage.issuer, refreshed.access_token), 200)
    const log = await stage.server.latchkey.store.revocations.after(0, 500)
    assert.ok(log.some(entry => entry.kind === 'key' && entry.id === kid))
  })
})

onEachStage('The key of refresh tokens', stage => {
  test('changes under a family: its tokens go on to be taken, repeated and rotated for as long as it lives', async () => {
    const spa = await stage.spa()
    const { tokens } = await signIn(spa, stage.person(), JO)
    const first = tokens.refresh_token ?? ''
    await stage.server.latchkey.keyring.rotate(TENANT, REFRESH)
    const { tokens: later } = await signIn(spa, stage.person(), JO)
    assert.notEqual(later.refresh_token?.split('.')[0], first.split('.')[0])

    const second = (await spa.refresh(first)).refresh_token ?? ''
    assert.equal((await spa.refresh(first)).refresh_token, second, 'a lost answer is repeated byte for byte')
    stage.clock.advance(10 * DAY)
    await runKeySchedule(stage.server.latchkey, stage.clock.now)
    const third = (await spa.refresh(second)).refresh_token ?? ''
    assert.equal(third.split('.')[0], first.split('.')[0])
    assert.equal(await userinfoStatus(stage.issuer, (await spa.refresh(third)).access_token), 200)
  })

  test('revoked, ends the families made with it and no other', async () => {
    const spa = await stage.spa()
    const { tokens } = await signIn(spa, stage.person(), JO)
    const [key = ''] = (tokens.refresh_token ?? '').split('.')
    assert.equal(await stage.server.latchkey.keyring.revoke(TENANT, key), 'revoked')
    await assert.rejects(spa.refresh(tokens.refresh_token ?? ''), { error: 'invalid_grant' })
    const { tokens: later } = await signIn(spa, stage.person(), JO)
    assert.ok((await spa.refresh(later.refresh_token ?? '')).access_token)
  })
})

onEachStage('The secret of an HS256 API', stage => {
  test('is changed by hand: an API that knows both takes the tokens of both, and a third pushes out the first', async () => {
    const { keyring, store } = stage.server.latchkey
    const { id: api = '' } = (await store.resourceServers.findByIdentifier(TENANT, LEDGER)) ?? {}
    const secrets = [LEDGER_SECRET, 'the second secret of the ledger is long', 'the third secret of the ledger is long']
    const tokens: string[] = []
    for (const [index, secret] of secrets.entries()) {
      if (index > 0) assert.equal(await keyring.putApiSecret(TENANT, api, secret), 'put')
      tokens.push(String((await postToken(stage.issuer, { ...machine, audience: LEDGER })).body['access_token']))
      const taken = secrets.slice(Math.max(0, index - 1), index + 1).reverse()
      assert.deepEqual(
        (await keyring.apiSecrets(TENANT, api)).map(({ key }) => key.toString()),
        taken,
      )
    }

    const held = await keyring.apiSecrets(TENANT, api)
    const keys = await Promise.all(
      held.map(({ id, key }) => importSecret(key, { alg: 'HS256', audience: LEDGER, kid: id })),
    )
    const verify = createVerifier({
      keys: keySet(keys),
      algorithms: ['HS256'],
      profile: accessToken({ issuer: stage.issuer, audience: LEDGER }),
      clock: stage.clock.now,
    })
    await assert.rejects(verify(tokens[0] ?? ''), { name: 'VerificationError' })
    for (const token of tokens.slice(1)) assert.equal((await verify(token)).claims.sub, 'machine@clients')
  })
})

onEachStage('Through the whole life of two signing keys', stage => {
  test('no verifier refuses a token that is good, and none meets a key it was not shown a day before', async () => {
    const { issuer, clock, server } = stage
    const fromSdk = createVerifier({
      keys: remoteKeys({ issuer, algorithms: ['RS256'], clock: clock.now }),
      algorithms: ['RS256'],
      profile: accessToken({ issuer, audience: VIDEOS }),
      clock: clock.now,
    })
    const fromJose = createRemoteJWKSet(new URL('.well-known/jwks.json', issuer), { cooldownDuration: 0 })
    const stepsADay = 2
    const shown: JSONWebKeySet[] = []
    const held: string[] = []
    const states = new Set<string>()
    const signers = new Set<string | undefined>()

    for (let step = 0; step < 95 * stepsADay; step++) {
      await runKeySchedule(server.latchkey, clock.now)
      shown.push(await published(issuer))
      const { body } = await postToken(issuer, { ...machine, audience: VIDEOS })
      held.push(String(body['access_token']))
      for (const { state, algorithm } of await server.latchkey.keyring.list(TENANT))
        if (algorithm === 'RS256') states.add(state)
      const currentDate = new Date(clock.now())
      // Those of half a day ago are as good as new: a machine's live for a day.
      for (const token of held.slice(-stepsADay)) {
        await fromSdk(token)
        await jwtVerify(token, fromJose, { issuer, audience: VIDEOS, currentDate })
        const aDayOld = shown.at(-1 - stepsADay) ?? shown[0]
        if (aDayOld) await jwtVerify(token, createLocalJWKSet(aDayOld), { currentDate })
        signers.add(kidOf(token))
      }
      clock.advance(DAY / stepsADay)
    }
    assert.deepEqual([...states].sort(), ['announced', 'retired', 'signing', 'verifying'])
    assert.equal(signers.size, 2)
  })
})

describe('Of two nodes over one database', () => {
  const clock = createTestClock()
  let here: RunningServer
  let there: Latchkey

  before(async () => {
    here = await startServer({ store: 'postgres', clock: clock.now, tenantFile: TENANT_FILE })
    there = await compose(loadSettings(here.environment), silentLog, { clock: clock.now })
  })
  after(async () => {
    await there?.close()
    await here?.close()
  })

  const host = () => ({ host: new URL(here.issuer).host })

  async function tokenOf(node: Latchkey): Promise<string> {
    const payload = { ...machine, audience: VIDEOS }
    const answer = await node.http.inject({ method: 'POST', url: '/oauth/token', headers: host(), payload })
    return String(answer.json()['access_token'])
  }

  async function keySetOf(node: Latchkey): Promise<JSONWebKeySet> {
    return (await node.http.inject({ url: '/.well-known/jwks.json', headers: host() })).json()
  }

  async function until(isTrue: () => Promise<boolean>) {
    const deadline = Date.now() + 20 * SECOND
    while (!(await isTrue())) {
      assert.ok(Date.now() < deadline, 'it did not happen')
      await pause(10)
    }
  }

  test('both go by one schedule, and what either signs the set of the other knows', async () => {
    const nodes = [here.latchkey, there]
    for (const step of [0, 89 * DAY, DAY, HOUR, DAY]) {
      clock.advance(step)
      await Promise.all(nodes.flatMap(node => [1, 2].map(() => runKeySchedule(node, clock.now))))
      const tokens = await Promise.all(nodes.map(tokenOf))
      for (const node of nodes)
        for (const token of tokens)
          await jwtVerify(token, createLocalJWKSet(await keySetOf(node)), { currentDate: new Date(clock.now()) })
      await until(async () => kidOf(await tokenOf(here.latchkey)) === kidOf(await tokenOf(there)))
    }
    const keys = (await there.keyring.list(TENANT)).filter(({ algorithm }) => algorithm === 'RS256')
    assert.deepEqual(keys.map(({ state }) => state).sort(), ['retired', 'signing'])
  })

  test('a key revoked on one signs and vouches no more on the other, as soon as it hears of it', async () => {
    const kid = kidOf(await tokenOf(there)) ?? ''
    await here.latchkey.keyring.revoke(TENANT, kid)
    assert.notEqual(kidOf(await tokenOf(here.latchkey)), kid)
    await until(async () => kidOf(await tokenOf(there)) !== kid)
    assert.ok(!(await keySetOf(there)).keys.some(key => key.kid === kid))
    assert.equal(await there.keyring.verificationKey(TENANT, { kid, alg: 'RS256' }), undefined)
  })

  test('a node that hears of nothing signs with the former key for minutes at most, and the set still holds it', async () => {
    await here.latchkey.keyring.rotate(TENANT, RS256)
    clock.advance(DAY)
    const former = kidOf(await tokenOf(there))
    // Moved past the bus, as when the message of it was lost.
    const keys = await here.latchkey.store.keys.list(TENANT)
    const [old, next] = [keys.find(({ id }) => id === former), keys.find(({ state }) => state === 'announced')]
    assert.ok(old && next)
    const moves = [
      { id: old.id, from: 'signing', to: 'verifying', dueAt: clock.now() + HOUR, destroy: true },
      { id: next.id, from: 'announced', to: 'signing', dueAt: null, destroy: false },
    ] as const
    assert.equal(await here.latchkey.store.keys.apply(TENANT, { add: [], moves }, clock.now()), 'applied')

    const late = await tokenOf(there)
    assert.equal(kidOf(late), former)
    await jwtVerify(late, createLocalJWKSet(await keySetOf(here.latchkey)), { currentDate: new Date(clock.now()) })
    clock.advance(5 * MINUTE)
    assert.equal(kidOf(await tokenOf(there)), next.id)
  })
})
