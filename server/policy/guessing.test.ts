import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Rule } from '../kernel/counter.ts'
import { DAY, HOUR, MINUTE } from '../kernel/seconds.ts'
import { CLIENT_SECRET_RULE, readGuessingLimits, STRANGER_ASSERTION_RULE, WAITING_REQUEST_RULE } from './guessing.ts'
import { type Standing, step } from './rate.ts'

const DEFAULTS = readGuessingLimits(undefined)
const rulesOf = (settings: Parameters<typeof readGuessingLimits>[0]) => {
  const { account, network } = readGuessingLimits(settings)
  return { account, network }
}

/** How many tries somebody gets who makes each as soon as they may. */
function greedily(rule: Rule, time: number): number {
  let standing: Standing | undefined
  let tries = 0
  for (let now = 1; now <= time; now = Math.max(now, standing.freeAt)) {
    const made = step(standing, rule, now)
    assert.ok(made.may)
    standing = made.standing
    tries += 1
  }
  return tries
}

describe('the limits of a tenant that says nothing', () => {
  const { account, network } = DEFAULTS
  assert.ok(account && network)

  for (const [name, rule, tries] of [
    ['from one network, ten and seven more on the way to an hour’s pause', account.here, 10 + 7],
    ['in a known browser, as many', account.device, 10 + 7],
    ['from everywhere, three times as many', account.anywhere, 30 + 7],
  ] as const)
    test(`let somebody guess at an account ${name}, then 24 times a day`, () => {
      assert.ok(greedily(rule, DAY) <= tries + 24)
      assert.ok(greedily(rule, 365 * DAY) <= tries + 24 * 365)
    })

  test('keep one network from ever reaching what counts for everybody', () =>
    assert.ok(greedily(account.here, 30 * DAY) < 24 * 30 + account.anywhere.free))

  test('are Auth0’s for a network: a hundred, and a hundred a day', () =>
    assert.equal(greedily(network.signIn, DAY), 100 + 99))

  test('tell the person, and spare nobody', () =>
    assert.deepEqual(
      [DEFAULTS.tellsPerson, DEFAULTS.sparesForAccount('127.0.0.1'), DEFAULTS.sparesForNetwork('127.0.0.1')],
      [true, false, false],
    ))
})

describe('the limits of a tenant', () => {
  test('are taken from Auth0’s members', () => {
    const { account, network } = rulesOf({
      bruteForceProtection: { max_attempts: 4, mode: 'count_per_identifier' },
      suspiciousIpThrottling: {
        stage: { 'pre-login': { max_attempts: 7, rate: 60_000 }, 'pre-user-registration': { max_attempts: 8 } },
      },
    })
    assert.deepEqual([account?.here.free, account?.anywhere.free, account?.device.free], [4, 4, 4])
    assert.deepEqual(network?.signIn, { free: 7, pauses: [MINUTE], forgets: MINUTE })
    assert.deepEqual(network?.signUp, { free: 8, pauses: [1200], forgets: 1200 })
  })

  for (const [settings, why] of [
    [{ enabled: false }, 'is off'],
    [{ enabled: true, shields: [] }, 'has no shield'],
    [{ shields: ['user_notification', 'admin_notification'] }, 'only notifies'],
  ] as const)
    test(`hold up nobody where the protection ${why}`, () =>
      assert.deepEqual(rulesOf({ bruteForceProtection: settings, suspiciousIpThrottling: settings }), {
        account: null,
        network: null,
      }))

  test('tell nobody who is not to be told', () => {
    assert.equal(readGuessingLimits({ bruteForceProtection: { shields: ['block'] } }).tellsPerson, false)
    assert.equal(readGuessingLimits({ bruteForceProtection: { enabled: false } }).tellsPerson, false)
  })

  test('spare the addresses of their own list', () => {
    const limits = readGuessingLimits({
      bruteForceProtection: { allowlist: ['192.0.2.7', '2001:db8::/32'] },
      suspiciousIpThrottling: { allowlist: ['10.0.0.0/8'] },
    })
    const { sparesForAccount, sparesForNetwork } = limits
    assert.deepEqual(['192.0.2.7', '192.0.2.8', '2001:db8:1::1', '10.1.2.3', ''].map(sparesForAccount), [
      true,
      false,
      true,
      false,
      false,
    ])
    assert.equal(sparesForNetwork('10.1.2.3'), true)
  })

  for (const nonsense of [
    null,
    3,
    'on',
    [],
    { bruteForceProtection: 'on' },
    { bruteForceProtection: { max_attempts: 0 } },
  ])
    test(`are the usual where ${JSON.stringify(nonsense)} stands`, () =>
      assert.deepEqual(rulesOf(nonsense as never), { account: DEFAULTS.account, network: DEFAULTS.network }))
})

test('no pause of any rule is longer than what it takes to forget a try, so that no entry goes before its pause', () => {
  const { account, network } = DEFAULTS
  const rules = [
    ...Object.values(account ?? {}),
    ...Object.values(network ?? {}),
    CLIENT_SECRET_RULE,
    WAITING_REQUEST_RULE,
    STRANGER_ASSERTION_RULE,
  ]
  for (const { pauses, forgets } of rules) assert.ok(Math.max(...pauses) <= forgets)
})

test('a wrong secret of a client is mended within a minute, and guessed once in one', () => {
  assert.ok(greedily(CLIENT_SECRET_RULE, DAY) < 24 * 60 + 30)
  assert.ok(greedily(CLIENT_SECRET_RULE, HOUR) > 60)
})
