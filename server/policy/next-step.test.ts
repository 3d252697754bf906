import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type AuthorizationRequest, type ConsentFacts, nextStep, type SessionFacts } from './next-step.ts'

/** The request came at 1,000,000 ms; times below are milliseconds around it. */
const RECEIVED = 1_000_000
const USERINFO = 'https://login.example.com/userinfo'
const API = 'https://api.example.com/'

const request = (members: Partial<AuthorizationRequest> = {}): AuthorizationRequest => ({
  client: 'app',
  redirectUri: 'https://app.example.com/',
  redirectUriWasSent: true,
  responseType: 'code',
  responseMode: 'query',
  state: null,
  prompt: [],
  maxAgeSeconds: null,
  audience: API,
  audiences: { [USERINFO]: ['openid'], [API]: ['read', 'write'] },
  subject: null,
  loginHint: null,
  connection: null,
  acr: [],
  chosenSession: null,
  screenHint: null,
  uiLocales: null,
  notes: {},
  receivedAt: RECEIVED,
  ...members,
})
const provenAt = (...times: number[]): SessionFacts => ({
  user: 'auth0|ann',
  proofs: times.map(at => ({ factor: 'password', amr: ['pwd'], at })),
})
const OURS = { isFirstParty: true }
const THEIRS = { isFirstParty: false }
const allowed = (givenAt: number, userinfo: string[], api: string[]): ConsentFacts => ({
  [USERINFO]: { scopes: userinfo, givenAt },
  [API]: { scopes: api, givenAt },
})
const step = (
  asked: Partial<AuthorizationRequest>,
  session: SessionFacts | undefined,
  now = RECEIVED,
  client = OURS,
  consents: ConsentFacts = {},
) => {
  const next = nextStep(request(asked), session, client, consents, now)
  return next.step === 'refuse' ? next.error : next.step
}

describe('whom id_token_hint names', () => {
  test('is answered for', () => assert.equal(step({ subject: 'auth0|ann' }, provenAt(1)), 'respond'))
  test('and not somebody else: they sign in, or a silent request is refused', () => {
    assert.equal(step({ subject: 'auth0|bob' }, provenAt(1)), 'sign-in')
    assert.equal(step({ subject: 'auth0|bob', prompt: ['none'] }, provenAt(1)), 'login_required')
  })
  test('nor whoever signed in instead: the client is told', () =>
    assert.equal(step({ subject: 'auth0|bob' }, provenAt(RECEIVED + 1), RECEIVED + 2), 'login_required'))
})

describe('who is signed in', () => {
  test('nobody: they sign in', () => assert.equal(step({}, undefined), 'sign-in'))
  test('somebody: the client is answered', () => assert.equal(step({}, provenAt(1)), 'respond'))
  test('nobody, and nobody may be asked: login_required', () =>
    assert.equal(step({ prompt: ['none'] }, undefined), 'login_required'))
  test('somebody, and nobody may be asked: the client is answered', () =>
    assert.equal(step({ prompt: ['none'] }, provenAt(1)), 'respond'))
})

describe('prompt=login and prompt=select_account', () => {
  for (const prompt of ['login', 'select_account']) {
    test(`${prompt} is not satisfied by a proof from before the request`, () =>
      assert.equal(step({ prompt: [prompt] }, provenAt(RECEIVED - 1)), 'sign-in'))
    test(`${prompt} is not satisfied by a proof of the request's own millisecond`, () =>
      assert.equal(step({ prompt: [prompt] }, provenAt(RECEIVED)), 'sign-in'))
    test(`${prompt} is satisfied by a proof given after it`, () =>
      assert.equal(step({ prompt: [prompt] }, provenAt(RECEIVED + 1), RECEIVED + 2), 'respond'))
    test(`${prompt} is satisfied by one new proof among old ones`, () =>
      assert.equal(step({ prompt: [prompt] }, provenAt(RECEIVED + 1, 5), RECEIVED + 2), 'respond'))
  }
})

describe('max_age', () => {
  for (const [maxAgeSeconds, provenBefore, expected] of [
    [60, 59_999, 'respond'],
    [60, 60_000, 'respond'],
    [60, 60_001, 'sign-in'],
    [0, 0, 'respond'],
    [0, 1, 'sign-in'],
    [null, 999_999, 'respond'],
  ] as const)
    test(`of ${maxAgeSeconds ?? 'no'} seconds, with a proof ${provenBefore} ms old: ${expected}`, () =>
      assert.equal(step({ maxAgeSeconds }, provenAt(RECEIVED - provenBefore)), expected))

  test('that is not met is login_required when nobody may be asked', () =>
    assert.equal(step({ maxAgeSeconds: 60, prompt: ['none'] }, provenAt(RECEIVED - 60_001)), 'login_required'))
  test('of zero is met by whoever signed in for this request, however long the pages took', () =>
    assert.equal(step({ maxAgeSeconds: 0 }, provenAt(RECEIVED + 1), RECEIVED + 600_000), 'respond'))
  test('is measured at the answer, so that an old proof does not pass by waiting', () => {
    assert.equal(step({ maxAgeSeconds: 60 }, provenAt(RECEIVED - 30_000), RECEIVED), 'respond')
    assert.equal(step({ maxAgeSeconds: 60 }, provenAt(RECEIVED - 30_000), RECEIVED + 30_001), 'sign-in')
  })
})

describe('consent', () => {
  const signedIn = provenAt(1)
  const ask = (asked: Partial<AuthorizationRequest>, consents: ConsentFacts, client = THEIRS) =>
    nextStep(request(asked), signedIn, client, consents, RECEIVED)

  test('is never asked for the operator’s own application, even by prompt=consent', () => {
    assert.deepEqual(ask({}, {}, OURS), { step: 'respond' })
    assert.deepEqual(ask({ prompt: ['consent'] }, {}, OURS), { step: 'respond' })
  })
  test('is asked for everything that somebody else’s application requests', () =>
    assert.deepEqual(ask({}, {}), { step: 'consent', missing: { [USERINFO]: ['openid'], [API]: ['read', 'write'] } }))
  test('is asked for what is missing alone', () =>
    assert.deepEqual(ask({}, allowed(1, ['openid'], ['read'])), { step: 'consent', missing: { [API]: ['write'] } }))
  test('is not asked again', () =>
    assert.deepEqual(ask({}, allowed(1, ['openid'], ['read', 'write', 'more'])), { step: 'respond' }))
  test('for a scope of one API is none for the same scope of another', () =>
    assert.deepEqual(
      ask({ audiences: { [API]: ['read'] } }, { 'https://other.example.com/': { scopes: ['read'], givenAt: 1 } }),
      {
        step: 'consent',
        missing: { [API]: ['read'] },
      },
    ))
  test('is not asked when nothing is requested', () =>
    assert.deepEqual(ask({ audiences: { [USERINFO]: [], [API]: [] } }, {}), { step: 'respond' }))
  test('that is missing is consent_required when nobody may be asked', () =>
    assert.equal(step({ prompt: ['none'] }, signedIn, RECEIVED, THEIRS), 'consent_required'))
  test('is asked after signing in, not before', () => assert.equal(step({}, undefined, RECEIVED, THEIRS), 'sign-in'))

  for (const [givenAt, expected] of [
    [RECEIVED - 1, 'consent'],
    [RECEIVED, 'consent'],
    [RECEIVED + 1, 'respond'],
  ] as const)
    test(`given ${givenAt - RECEIVED} ms after the request, prompt=consent: ${expected}`, () =>
      assert.equal(
        step({ prompt: ['consent'] }, signedIn, RECEIVED + 2, THEIRS, allowed(givenAt, ['openid'], ['read', 'write'])),
        expected,
      ))

  test('prompt=login consent wants both, one after the other', () => {
    const asked = { prompt: ['login', 'consent'] }
    const before = allowed(1, ['openid'], ['read', 'write'])
    assert.equal(step(asked, signedIn, RECEIVED + 9, THEIRS, before), 'sign-in')
    assert.equal(step(asked, provenAt(RECEIVED + 1), RECEIVED + 9, THEIRS, before), 'consent')
    const after = allowed(RECEIVED + 2, ['openid'], ['read', 'write'])
    assert.equal(step(asked, provenAt(RECEIVED + 1), RECEIVED + 9, THEIRS, after), 'respond')
  })
})
