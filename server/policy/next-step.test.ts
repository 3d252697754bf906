import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type AuthorizationRequest,
  type ConsentFacts,
  eligibleSessions,
  meantSession,
  nextStep,
  type OrganizationFacts,
  type SessionFacts,
} from './next-step.ts'

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
  asks: { [USERINFO]: ['openid'], [API]: ['read', 'write'] },
  subject: null,
  loginHint: null,
  connection: null,
  organization: null,
  asksOrganization: null,
  invitation: null,
  acr: [],
  chosenSession: null,
  screenHint: null,
  uiLocales: null,
  notes: {},
  lasting: {},
  receivedAt: RECEIVED,
  ...members,
})
const provenAt = (...times: number[]): SessionFacts => ({
  id: 'ses_ann',
  user: 'auth0|ann',
  email: 'Ann@example.com',
  connection: 'con_1',
  proofs: times.map(at => ({ factor: 'password', amr: ['pwd'], at })),
})
const NO_ORGANIZATION: OrganizationFacts = { meant: null, choices: [] }
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
  organization = NO_ORGANIZATION,
) => {
  const next = nextStep(request(asked), session, organization, client, consents, now)
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
  for (const [prompt, expected] of [
    ['login', 'sign-in'],
    ['select_account', 'choose-account'],
  ] as const) {
    test(`${prompt} is not satisfied by a proof from before the request`, () =>
      assert.equal(step({ prompt: [prompt] }, provenAt(RECEIVED - 1)), expected))
    test(`${prompt} is not satisfied by a proof of the request's own millisecond`, () =>
      assert.equal(step({ prompt: [prompt] }, provenAt(RECEIVED)), expected))
    test(`${prompt} is satisfied by a proof given after it`, () =>
      assert.equal(step({ prompt: [prompt] }, provenAt(RECEIVED + 1), RECEIVED + 2), 'respond'))
    test(`${prompt} is satisfied by one new proof among old ones`, () =>
      assert.equal(step({ prompt: [prompt] }, provenAt(RECEIVED + 1, 5), RECEIVED + 2), 'respond'))
    test(`${prompt} in a browser without accounts is a sign-in`, () =>
      assert.equal(step({ prompt: [prompt] }, undefined), 'sign-in'))
  }
})

describe('a choice', () => {
  const old = provenAt(1)
  const chosen = { chosenSession: 'ses_ann' }
  for (const [asked, expected] of [
    [{ prompt: ['select_account'], ...chosen }, 'respond'],
    [{ prompt: ['select_account'], chosenSession: 'ses_of_another' }, 'choose-account'],
    [{ prompt: ['login'], ...chosen }, 'sign-in'],
    [{ prompt: ['login', 'select_account'] }, 'sign-in'],
    [{ prompt: ['login', 'select_account'], ...chosen }, 'sign-in'],
    [{ prompt: ['select_account'], maxAgeSeconds: 60 }, 'choose-account'],
    [{ prompt: ['select_account'], maxAgeSeconds: 60, ...chosen }, 'sign-in'],
    [{ prompt: ['select_account'], subject: 'auth0|ann' }, 'choose-account'],
    [{ prompt: ['select_account'], subject: 'auth0|bob' }, 'sign-in'],
    [{ prompt: ['select_account'], acr: ['2'] }, 'choose-account'],
    [{ prompt: ['select_account'], acr: ['2'], ...chosen }, 'unmet_authentication_requirements'],
  ] as const)
    test(`with ${JSON.stringify(asked)}: ${expected}`, () => assert.equal(step(asked, old), expected))

  test('comes before consent, which is asked of the person chosen', () => {
    const asked = { prompt: ['select_account', 'consent'] }
    assert.equal(step(asked, old, RECEIVED, THEIRS), 'choose-account')
    assert.equal(step({ ...asked, ...chosen }, old, RECEIVED, THEIRS), 'consent')
  })
})

describe('an essential acr', () => {
  const two: SessionFacts = {
    ...provenAt(1),
    proofs: [
      { factor: 'password', amr: ['pwd'], at: 1 },
      { factor: 'totp', amr: ['otp'], at: 2 },
    ],
  }
  for (const [acr, session, expected] of [
    [[], provenAt(1), 'respond'],
    [['1'], provenAt(1), 'respond'],
    [['2', '1'], provenAt(1), 'respond'],
    [['2'], provenAt(1), 'unmet_authentication_requirements'],
    [['gold'], two, 'unmet_authentication_requirements'],
    [['2'], two, 'respond'],
    [['2'], undefined, 'sign-in'],
  ] as const)
    test(`of ${acr.join(' or ') || 'nothing'}, with ${session?.proofs.length ?? 'no'} proof: ${expected}`, () =>
      assert.equal(step({ acr }, session), expected))

  test('is not met by asking for consent, nor silently', () => {
    assert.equal(step({ acr: ['2'] }, provenAt(1), RECEIVED, THEIRS), 'unmet_authentication_requirements')
    assert.equal(step({ acr: ['2'], prompt: ['none'] }, provenAt(1)), 'unmet_authentication_requirements')
  })
})

describe('of several accounts', () => {
  const session = (name: string, connection = 'con_1'): SessionFacts => ({
    id: `ses_${name}`,
    user: `auth0|${name}`,
    email: `${name}@example.com`,
    connection,
    proofs: [{ factor: 'password', amr: ['pwd'], at: 1 }],
  })
  /** The current one first. */
  const here = [session('ann'), session('bob'), session('cleo', 'con_2'), { ...session('dan'), email: null }]
  const meant = (asked: Partial<AuthorizationRequest>, sessions = here) =>
    meantSession(request(asked), sessions, NO_ORGANIZATION)?.id

  for (const [asked, expected] of [
    [{}, 'ses_ann'],
    [{ chosenSession: 'ses_dan' }, 'ses_dan'],
    [{ chosenSession: 'ses_dan', subject: 'auth0|bob', loginHint: 'ann@example.com' }, 'ses_dan'],
    [{ chosenSession: 'ses_that_has_ended', subject: 'auth0|bob' }, 'ses_bob'],
    [{ subject: 'auth0|bob', loginHint: 'ann@example.com' }, 'ses_bob'],
    [{ loginHint: 'BOB@Example.com' }, 'ses_bob'],
    [{ loginHint: 'ｂｏｂ@example.com' }, 'ses_bob'],
    [{ loginHint: 'nobody@example.com' }, 'ses_ann'],
    [{ subject: 'auth0|nobody' }, 'ses_ann'],
    [{ connection: 'con_2' }, 'ses_cleo'],
    [{ connection: 'con_2', chosenSession: 'ses_bob' }, 'ses_cleo'],
    [{ connection: 'con_2', subject: 'auth0|bob' }, 'ses_cleo'],
    [{ connection: 'con_3' }, undefined],
    [{ prompt: ['none'], loginHint: 'bob@example.com' }, 'ses_bob'],
  ] as const)
    test(`${JSON.stringify(asked)} means ${expected ?? 'none'}`, () => assert.equal(meant(asked), expected))

  test('none is meant where there is none', () => assert.equal(meant({ loginHint: 'ann@example.com' }, []), undefined))

  for (const [asked, expected] of [
    [{}, ['ses_ann', 'ses_bob', 'ses_cleo', 'ses_dan']],
    [{ connection: 'con_2' }, ['ses_cleo']],
    [{ subject: 'auth0|bob' }, ['ses_bob']],
    [{ subject: 'auth0|bob', connection: 'con_2' }, []],
  ] as const)
    test(`${JSON.stringify(asked)} lets a person choose among ${expected.join(', ') || 'none'}`, () =>
      assert.deepEqual(
        eligibleSessions(request(asked), here, NO_ORGANIZATION).map(({ id }) => id),
        expected,
      ))
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
    nextStep(request(asked), signedIn, NO_ORGANIZATION, client, consents, RECEIVED)

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
      ask({ asks: { [API]: ['read'] } }, { 'https://other.example.com/': { scopes: ['read'], givenAt: 1 } }),
      {
        step: 'consent',
        missing: { [API]: ['read'] },
      },
    ))
  test('is asked of an API of which no scope is requested: its token says who they are', () => {
    assert.deepEqual(ask({ asks: { [API]: [] } }, {}), { step: 'consent', missing: { [API]: [] } })
    assert.deepEqual(ask({ asks: { [API]: [] } }, { [API]: { scopes: [], givenAt: 1 } }), { step: 'respond' })
  })
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

describe('a request for an organization', () => {
  const acme = (more: Partial<NonNullable<OrganizationFacts['meant']>> = {}): OrganizationFacts => ({
    meant: { id: 'org_1', connections: ['con_1'], joining: [], members: ['auth0|ann'], ...more },
    choices: [],
  })
  const within = { organization: 'org_1' }
  const next = (
    asked: Partial<AuthorizationRequest>,
    organization: OrganizationFacts,
    session: SessionFacts | undefined = provenAt(1),
  ) => {
    const answer = nextStep(request({ ...within, ...asked }), session, organization, OURS, {}, RECEIVED + 2)
    return answer.step === 'refuse' ? `${answer.error}: ${answer.description}` : answer.step
  }

  test('is answered for a member who is signed in, wherever they signed in for', () =>
    assert.equal(next({}, acme()), 'respond'))
  test('is not for somebody else, who may sign in as a member; silently it is refused', () => {
    assert.equal(next({}, acme({ members: [] })), 'sign-in')
    assert.equal(next({ prompt: ['none'] }, acme({ members: [] })), 'login_required: Login required')
  })
  test('tells the client of somebody who signed in for it and is no member, in Auth0’s words', () =>
    assert.equal(
      next({}, acme({ members: [] }), provenAt(RECEIVED + 1)),
      'access_denied: user auth0|ann is not part of the org_1 organization',
    ))
  test('is answered for whoever becomes a member by the connection', () =>
    assert.equal(next({}, acme({ members: [], joining: ['con_1'] })), 'respond'))
  test('is for an organization that is there', () =>
    assert.equal(next({}, NO_ORGANIZATION), 'invalid_request: The organization was removed meanwhile'))
  test('takes an invited address for a member, and no other, member or not', () => {
    const invitation = { id: 'inv_1', email: 'ANN@example.com', connection: null }
    assert.equal(next({ invitation }, acme({ members: [] })), 'respond')
    const other = { ...invitation, email: 'bob@example.com' }
    assert.equal(next({ invitation: other }, acme()), 'sign-in')
    assert.equal(
      next({ invitation: other }, acme(), provenAt(RECEIVED + 1)),
      'access_denied: The invitation is for another address',
    )
    assert.equal(next({ invitation }, acme(), { ...provenAt(1), email: null }), 'sign-in')
  })
  test('means a session of a member before one of somebody else, by a connection of the organization', () => {
    const sessions = [
      { ...provenAt(1), id: 'ses_bob', user: 'auth0|bob' },
      provenAt(1),
      { ...provenAt(1), id: 'ses_other', connection: 'con_2' },
    ]
    assert.equal(meantSession(request(within), sessions, acme())?.id, 'ses_ann')
    assert.equal(meantSession(request(within), sessions, acme({ members: [] }))?.id, 'ses_bob')
    assert.equal(meantSession(request(within), sessions, acme({ connections: [] })), undefined)
    assert.equal(
      meantSession(request({ ...within, invitation: { id: 'i', email: 'x', connection: 'con_2' } }), sessions, acme()),
      undefined,
    )
    assert.deepEqual(
      eligibleSessions(request(within), sessions, acme()).map(({ id }) => id),
      ['ses_ann'],
    )
  })
})

describe('a request that names no organization where one is wanted', () => {
  const next = (
    when: 'before-sign-in' | 'after-sign-in',
    mayBeNone: boolean,
    choices: readonly string[] = [],
    asked: Partial<AuthorizationRequest> = {},
    session: SessionFacts | undefined = provenAt(1),
  ) => step({ ...asked, asksOrganization: { when, mayBeNone } }, session, RECEIVED, OURS, {}, { meant: null, choices })

  test('has it named before anybody signs in', () => {
    assert.equal(next('before-sign-in', false), 'name-organization')
    assert.equal(next('before-sign-in', true), 'name-organization')
  })
  test('has it chosen afterwards among the person’s own', () => {
    assert.equal(next('after-sign-in', false, ['org_1'], { prompt: ['login'] }), 'sign-in')
    assert.equal(next('after-sign-in', false, ['org_1']), 'choose-organization')
    assert.equal(next('after-sign-in', true, ['org_1']), 'choose-organization')
  })
  test('is refused for somebody who has none, unless it may be none', () => {
    assert.equal(next('after-sign-in', false), 'access_denied')
    assert.equal(next('after-sign-in', true), 'respond')
  })
  test('asks nobody where nobody may be asked', () => {
    const silent = { prompt: ['none'] }
    assert.equal(next('before-sign-in', false, [], silent), 'interaction_required')
    assert.equal(next('before-sign-in', true, [], silent), 'respond')
    assert.equal(next('after-sign-in', false, ['org_1'], silent), 'interaction_required')
    assert.equal(next('after-sign-in', true, ['org_1'], silent), 'respond')
  })
})
