/** Many at once, and one too late: codes and refresh tokens under parallel use, honest and not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SECOND } from '../../server/kernel/seconds.ts'
import type { Application } from '../fixtures/application.ts'
import { onEachStage, postToken, signIn, userinfoStatus } from './stage.ts'
import { JO, REDIRECT_URI, SECRETS } from './tenant.ts'

const AT_ONCE = 64
/** The fifth wrong verifier spends a code. */
const MOST_WRONG_VERIFIERS = 5
/** Of public clients, by default. */
const LEEWAY = 30 * SECOND

const inParallel = <T>(count: number, one: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => one(index)))

onEachStage('A code', stage => {
  /** A code that nobody has redeemed, with the form that redeems it. */
  async function given(application: Application, authentication: Record<string, string>) {
    const begun = await application.begin()
    const callback = await stage.person().signIn(begun.url, JO)
    return {
      grant_type: 'authorization_code',
      redirect_uri: REDIRECT_URI,
      code: callback.searchParams.get('code') ?? '',
      code_verifier: begun.checks.pkceCodeVerifier,
      ...authentication,
    }
  }
  const asWeb = { client_id: 'web', client_secret: SECRETS.web }
  const redeem = (form: Record<string, string>) => postToken(stage.issuer, form)
  const wrongVerifier = 'w'.repeat(43)

  for (const [clientId, authentication] of [
    ['web', asWeb],
    ['spa', { client_id: 'spa' }],
  ] as const)
    test(`redeemed ${AT_ONCE} times at once by ${clientId} gives tokens once, and those are dead`, async () => {
      const form = await given(await stage.application(clientId), authentication)
      const answers = await inParallel(AT_ONCE, () => redeem(form))
      const [won, ...others] = answers.filter(({ status }) => status === 200)
      assert.ok(won)
      assert.equal(others.length, 0)
      for (const { status, body } of answers.filter(answer => answer !== won))
        assert.deepEqual([status, body['error'], body['access_token']], [400, 'invalid_grant', undefined])

      assert.equal(await userinfoStatus(stage.issuer, String(won.body['access_token'])), 401)
      const refresh = await postToken(stage.issuer, {
        grant_type: 'refresh_token',
        refresh_token: String(won.body['refresh_token']),
        ...authentication,
      })
      assert.deepEqual([refresh.status, refresh.body['error']], [400, 'invalid_grant'])
    })

  test('redeemed again later by its own client ends what it gave', async () => {
    const form = await given(await stage.spa(), { client_id: 'spa' })
    const first = await redeem(form)
    assert.equal(await userinfoStatus(stage.issuer, String(first.body['access_token'])), 200)
    stage.clock.advance(90 * SECOND)
    assert.equal((await redeem(form)).body['error'], 'invalid_grant')
    assert.equal(await userinfoStatus(stage.issuer, String(first.body['access_token'])), 401)
  })

  test(`tried ${AT_ONCE} times at once by another client is whole for its own`, async () => {
    const form = await given(await stage.web(), asWeb)
    const theft = { ...form, client_id: 'other', client_secret: SECRETS.other }
    for (const { status, body } of await inParallel(AT_ONCE, () => redeem(theft)))
      assert.deepEqual([status, body['error']], [400, 'invalid_grant'])
    assert.equal((await redeem(form)).status, 200)
  })

  test(`tried ${AT_ONCE} times at once without the client's secret or for another address is whole for its own`, async () => {
    const form = await given(await stage.web(), asWeb)
    // Fewer wrong secrets than are held against the network they come from.
    const answers = await inParallel(AT_ONCE, index =>
      redeem(index % 4 ? { ...form, redirect_uri: `${REDIRECT_URI}/` } : { ...form, client_secret: 'guessed' }),
    )
    for (const { status } of answers) assert.notEqual(status, 200)
    assert.equal((await redeem(form)).status, 200)
  })

  test('redeemed already is not ended by a stranger who holds it', async () => {
    const form = await given(await stage.web(), asWeb)
    const { body } = await redeem(form)
    const strangers = [
      { ...form, client_id: 'other', client_secret: SECRETS.other },
      { ...form, client_secret: 'guessed' },
      { ...form, code_verifier: wrongVerifier },
      { ...form, redirect_uri: 'https://evil.example/' },
    ]
    for (const stranger of strangers) assert.notEqual((await redeem(stranger)).status, 200)
    assert.equal(await userinfoStatus(stage.issuer, String(body['access_token'])), 200)
  })

  test('outlives four wrong verifiers', async () => {
    const form = await given(await stage.spa(), { client_id: 'spa' })
    const tries = await inParallel(MOST_WRONG_VERIFIERS - 1, () => redeem({ ...form, code_verifier: wrongVerifier }))
    for (const { status, body } of tries) assert.deepEqual([status, body['error']], [400, 'invalid_grant'])
    assert.equal((await redeem(form)).status, 200)
  })

  test('is spent by the fifth wrong verifier', async () => {
    const form = await given(await stage.spa(), { client_id: 'spa' })
    await inParallel(MOST_WRONG_VERIFIERS, () => redeem({ ...form, code_verifier: wrongVerifier }))
    const { status, body } = await redeem(form)
    assert.deepEqual([status, body['error']], [400, 'invalid_grant'])
  })

  test(`gives nothing to ${AT_ONCE} wrong verifiers at once`, async () => {
    const form = await given(await stage.spa(), { client_id: 'spa' })
    const answers = await inParallel(AT_ONCE, index => redeem({ ...form, code_verifier: `${index}`.padEnd(43, 'w') }))
    for (const { status, body } of answers) assert.deepEqual([status, body['error']], [400, 'invalid_grant'])
  })

  test('is worth nothing after its minute', async () => {
    const form = await given(await stage.spa(), { client_id: 'spa' })
    stage.clock.advance(61 * SECOND)
    const { status, body } = await redeem(form)
    assert.deepEqual([status, body['error']], [400, 'invalid_grant'])
  })
})

onEachStage('A refresh token', stage => {
  const AUTHENTICATION = {
    spa: { client_id: 'spa' },
    web: { client_id: 'web', client_secret: SECRETS.web },
  } as const
  type Holder = keyof typeof AUTHENTICATION

  /** The first of a family, with the access token that came with it. */
  async function family(holder: Holder) {
    const application = holder === 'web' ? await stage.web() : await stage.spa()
    const { tokens } = await signIn(application, stage.person(), JO)
    const refresh = (token: string) =>
      postToken(stage.issuer, { grant_type: 'refresh_token', refresh_token: token, ...AUTHENTICATION[holder] })
    const next = async (token: string) => {
      const { status, body } = await refresh(token)
      assert.equal(status, 200, JSON.stringify(body))
      return { refresh: String(body['refresh_token']), access: String(body['access_token']) }
    }
    return { first: tokens.refresh_token ?? '', access: tokens.access_token, refresh, next }
  }

  for (const holder of ['spa', 'web'] as const)
    test(`used ${AT_ONCE} times at once by ${holder} has one successor, told to all`, async () => {
      const { first, refresh, next } = await family(holder)
      const answers = await inParallel(AT_ONCE, () => refresh(first))
      for (const { status, body } of answers) assert.equal(status, 200, JSON.stringify(body))
      const successors = new Set(answers.map(({ body }) => body['refresh_token']))
      assert.equal(successors.size, 1)
      for (const { body } of answers.slice(0, 5))
        assert.equal(await userinfoStatus(stage.issuer, String(body['access_token'])), 200)
      const [successor] = successors
      assert.notEqual(successor, first)
      await next(String(successor))
    })

  test('repeated within the leeway by a public client yields the same successor', async () => {
    const { first, next } = await family('spa')
    const one = await next(first)
    stage.clock.advance(LEEWAY - SECOND)
    assert.equal((await next(first)).refresh, one.refresh)
  })

  test('repeated after the leeway by a public client ends the family and all it gave', async () => {
    const { first, access, refresh, next } = await family('spa')
    const one = await next(first)
    stage.clock.advance(LEEWAY + SECOND)
    assert.equal((await refresh(first)).body['error'], 'invalid_grant')
    assert.equal((await refresh(one.refresh)).body['error'], 'invalid_grant')
    for (const token of [access, one.access]) assert.equal(await userinfoStatus(stage.issuer, token), 401)
  })

  test('repeated by a client that proves itself yields the same successor, however late', async () => {
    const { first, next } = await family('web')
    const one = await next(first)
    stage.clock.advance(100 * LEEWAY)
    const repeated = await next(first)
    assert.equal(repeated.refresh, one.refresh)
    await next(repeated.refresh)
  })

  for (const holder of ['spa', 'web'] as const)
    test(`older than the one before the newest ends the family of ${holder}, at once`, async () => {
      const { first, access, refresh, next } = await family(holder)
      const one = await next(first)
      const two = await next(one.refresh)
      assert.equal((await refresh(first)).body['error'], 'invalid_grant')
      for (const token of [two.refresh, one.refresh])
        assert.equal((await refresh(token)).body['error'], 'invalid_grant')
      for (const token of [access, one.access, two.access]) assert.equal(await userinfoStatus(stage.issuer, token), 401)
    })

  test('of one family ends that family alone', async () => {
    const [killed, spared] = [await family('web'), await family('web')]
    const one = await killed.next(killed.first)
    await killed.next(one.refresh)
    assert.equal((await killed.refresh(killed.first)).status, 400)
    await spared.next(spared.first)
  })

  test('presented by somebody else does not end the family', async () => {
    const { first, next } = await family('web')
    const one = await next(first)
    const two = await next(one.refresh)
    const thief = { grant_type: 'refresh_token', refresh_token: first }
    await postToken(stage.issuer, { ...thief, client_id: 'other', client_secret: SECRETS.other })
    await postToken(stage.issuer, { ...thief, client_id: 'web', client_secret: 'guessed' })
    await next(two.refresh)
  })
})
