import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { aClient, anOrganization, aUser } from '../../tests/fixtures/records.ts'
import { CLIENT_CLAIMS, readClaims } from '../clients/custom-claims.ts'
import type { JsonValue } from '../kernel/json.ts'
import { silentLog } from '../kernel/log.ts'
import type { Meter } from '../kernel/meter.ts'
import { type Active, assertActiveMachine } from './assert-active.ts'
import { customClaims, templateProblems } from './custom-claims.ts'
import { type ClaimOwner, createLeftOutNotes } from './left-out-claims.ts'

const NAME = 'https://example.com/claim'
const client = aClient({ client_metadata: { tier: 'gold' } })
const user = aUser({
  profile: { name: 'Ann <Example>', email: 'forged@example.com', user_id: 'forged' },
  appMetadata: { plan: 'pro', seats: 3, beta: false, groups: ['a', 'b'], none: null, deep: { er: [{ x: 1 }] } },
  userMetadata: { 'favourite colour': 'green', long: 'x'.repeat(3000) },
})
const organization = anOrganization({ settings: { metadata: { plan: 'gold' } } })
const person = { client, user, organization } as Active

const read = (from: string) => readClaims({ [NAME]: from }, CLIENT_CLAIMS)
const said = async (from: string, active: Active = person): Promise<JsonValue | undefined> =>
  (await customClaims(read(from), 'id_token', active))[NAME]

describe('what custom claims say', () => {
  for (const [from, value] of [
    ['user.app_metadata.plan', 'pro'],
    ['user.app_metadata.seats', 3],
    ['user.app_metadata.beta', false],
    ['user.app_metadata.groups', ['a', 'b']],
    ['user.app_metadata.groups[1]', 'b'],
    ['user.app_metadata.deep', { er: [{ x: 1 }] }],
    ['$.user.app_metadata.deep.er[0].x', 1],
    ["user.user_metadata['favourite colour']", 'green'],
    ['user.name', 'Ann <Example>'],
    ['user.user_id', user.id],
    ['user.email', user.email],
    ['organization.id', 'org_1'],
    ['organization.name', 'acme'],
    ['organization.display_name', 'Acme Inc.'],
    ['organization.metadata.plan', 'gold'],
    ['client.metadata.tier', 'gold'],
    ['client.client_id', 'app'],
  ] as const)
    test(`by ${from} is what stands there, in its type`, async () => assert.deepEqual(await said(from), value))

  for (const from of [
    'user.app_metadata.none',
    'user.app_metadata.missing.further',
    'user.app_metadata.plan.length',
    'user.app_metadata.groups.length.toFixed',
    'user.app_metadata.constructor',
    'user.__proto__',
    'user.app_metadata.groups[7]',
    'user.user_metadata.long',
    'user.password',
    'client.sealedSecret',
    'client.secretHash',
  ])
    test(`by ${from} is left out`, async () => assert.equal(await said(from), undefined))

  for (const [from, value] of [
    ['{{ user.name }} of {{ organization.id }}', 'Ann <Example> of org_1'],
    ['{% if user.app_metadata.seats > 2 %}team{% else %}single{% endif %}', 'team'],
    ['{{ user.app_metadata.groups | join: "," }}', 'a,b'],
    ['{{ user.app_metadata.seats }}', '3'],
    ['  {{ user.missing }}  ', undefined],
    ['{{ user.constructor }}{{ user.app_metadata.constructor.name }}', undefined],
    ['{% for i in (1..100000000) %}x{% endfor %}', undefined],
    ['{% for i in (1..3000) %}x{% endfor %}', undefined],
  ] as const)
    test(`by ${from} is text, and nothing when it is empty, fails or has no end`, async () =>
      assert.equal(await said(from), value))

  test('and could not be said is told once for each claim of a client or an API, with why; what leads to nothing is not', async () => {
    const logged: object[] = []
    const counted: string[] = []
    const warn = (fields: object) => void logged.push(fields)
    const note = createLeftOutNotes({ ...silentLog, warn }, {
      claimLeftOut: reason => void counted.push(reason),
    } as Meter)
    const owner = { tenant: 'default', client: 'app' }
    const endless = '{% for i in (1..100000000) %}x{% endfor %}'
    const mint = async (from: string, whose: ClaimOwner = owner) => {
      const claims = await customClaims(read(from), 'id_token', person, (claim, reason) => note(whose, claim, reason))
      assert.deepEqual(claims, {})
    }
    for (let token = 0; token < 3; token++) await mint(endless)
    await mint(endless, { tenant: 'default', api: 'https://api.example/' })
    await mint(`{% for i in (1..29) %}${'x'.repeat(100)}{% endfor %}`)
    await mint('user.user_metadata.long')
    for (const from of ['user.app_metadata.none', 'user.nothing', '{{ user.nothing }}']) await mint(from)
    assert.deepEqual(logged, [
      { ...owner, claim: NAME, reason: 'over_limit' },
      { tenant: 'default', api: 'https://api.example/', claim: NAME, reason: 'over_limit' },
      { ...owner, claim: NAME, reason: 'too_long' },
      { ...owner, claim: NAME, reason: 'too_long' },
    ])
    assert.equal(counted.length, 6)
  })

  test('of a machine is what is known of its client, and nothing of anybody', async () => {
    const machine = assertActiveMachine(client)
    assert.equal(await said('client.metadata.tier', machine), 'gold')
    assert.equal(await said('user.name', machine), undefined)
    assert.equal(await said('{{ user.name }}{{ organization.id }}', machine), undefined)
  })

  test('is in the tokens it is for, and the later of two of one name counts', async () => {
    const [one] = readClaims({ [NAME]: { from: 'user.app_metadata.plan', in: ['access_token'] } }, CLIENT_CLAIMS)
    const [other] = readClaims({ [NAME]: { from: 'client.name', in: ['access_token'] } }, CLIENT_CLAIMS)
    assert.ok(one && other)
    assert.deepEqual(await customClaims([one], 'id_token', person), {})
    assert.deepEqual(await customClaims([one, other], 'access_token', person), { [NAME]: 'App' })
  })
})

describe('a template', () => {
  for (const [text, reason] of [
    ['{{ user.name | raw }}', /undefined filter: raw/],
    ['{% raw %}{{ x }}{% endraw %}', /tag "raw" not found/],
    ['{% include "passwords" %}', /tag "include" not found/],
    ['{% render "passwords" %}', /tag "render" not found/],
    ['{% layout "passwords" %}', /tag "layout" not found/],
    ['{{ user.name', /not closed/],
    ['{% if user.name %}', /not closed/],
    ['{{ user.name | shout }}', /undefined filter: shout/],
  ] as const)
    test(`${text} is refused with the reason`, async () => {
      const [problem, ...more] = await templateProblems(read(text))
      assert.deepEqual(problem?.path, ['claims', NAME])
      assert.match(problem?.message ?? '', reason)
      assert.deepEqual(more, [])
    })

  test('that can be parsed, and a path, are no problem', async () => {
    assert.deepEqual(await templateProblems([...read('{{ user.name | upcase }}'), ...read('user.name')]), [])
  })
})
