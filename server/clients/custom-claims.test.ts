import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { JsonValue } from '../kernel/json.ts'
import { API_CLAIMS, CLIENT_CLAIMS, claimProblems, readClaims } from './custom-claims.ts'

const PLAN = 'https://example.com/plan'
const faultsOf = (claims: JsonValue) => claimProblems(claims, CLIENT_CLAIMS)

describe('a claims map', () => {
  for (const [text, steps] of [
    ['user.app_metadata.plan', ['user', 'app_metadata', 'plan']],
    ['$.user.user_metadata["favourite colour"][0]', ['user', 'user_metadata', 'favourite colour', 0]],
    ["client.metadata['a.b']", ['client', 'metadata', 'a.b']],
    ['organization.id', ['organization', 'id']],
    ['user', ['user']],
  ] as const)
    test(`takes the path ${text}`, () => {
      assert.deepEqual(faultsOf({ [PLAN]: text }), [])
      assert.deepEqual(readClaims({ [PLAN]: text }, CLIENT_CLAIMS), [
        { name: PLAN, from: { is: 'path', steps }, in: ['id_token'] },
      ])
    })

  test('takes what has braces for a template, and puts each where it says', () => {
    const given = { [PLAN]: { from: '{{ user.name }}', in: ['access_token', 'id_token'] }, roles: 'user.roles' }
    assert.deepEqual(faultsOf(given), [])
    const [plan, roles] = readClaims(given, CLIENT_CLAIMS)
    assert.deepEqual(plan?.from, { is: 'template', text: '{{ user.name }}' })
    assert.deepEqual([plan?.in, roles?.in], [['access_token', 'id_token'], ['id_token']])
    assert.deepEqual(readClaims({ roles: 'user.roles' }, API_CLAIMS)[0]?.in, ['access_token'])
  })

  const FAULTY: readonly [what: string, claims: JsonValue, place: readonly string[], reason: RegExp][] = [
    ['is no mapping', ['x'], ['claims'], /must be a mapping/],
    ['a path that leads from nowhere', { [PLAN]: 'account.plan' }, ['claims', PLAN], /neither a path from user/],
    ['a path that is cut', { [PLAN]: 'user.' }, ['claims', PLAN], /neither a path/],
    ['a path with a step that is none', { [PLAN]: 'user.a..b' }, ['claims', PLAN], /neither a path/],
    ['a number', { [PLAN]: 3 }, ['claims', PLAN], /as text/],
    ['nothing', { [PLAN]: '' }, ['claims', PLAN], /as text/],
    ['a member that there is not', { [PLAN]: { from: 'user.name', if: 'x' } }, ['claims', PLAN], /member "if"/],
    ['a token that there is not', { [PLAN]: { from: 'user.name', in: ['userinfo'] } }, ['claims', PLAN], /can be in/],
    ['no token', { [PLAN]: { from: 'user.name', in: [] } }, ['claims', PLAN], /can be in/],
    ['a source without end', { [PLAN]: `user.${'a'.repeat(1000)}` }, ['claims', PLAN], /at most 1000/],
    [
      'a name without end',
      { [`${PLAN}${'n'.repeat(255)}`]: 'user.name' },
      ['claims', `${PLAN}${'n'.repeat(255)}`],
      /at most 255/,
    ],
    [
      'too many',
      Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`${PLAN}${n}`, 'user.name'])),
      ['claims'],
      /50 are the most/,
    ],
  ]
  for (const [what, claims, path, reason] of FAULTY)
    test(`with ${what} is refused, and says where`, () => {
      const [problem, ...more] = faultsOf(claims)
      assert.deepEqual(problem?.path, path)
      assert.match(problem?.message ?? '', reason)
      assert.deepEqual(more, [])
    })

  for (const name of 'iss sub aud exp nbf iat jti azp client_id scope sid nonce at_hash c_hash auth_time acr amr cnf act org_id events client_epoch subject_epoch email email_verified permissions plan __proto__ urn:plan javascript:plan'.split(
    ' ',
  ))
    test(`never says ${name}, which is the protocol’s or has no namespace, whichever way it came in`, () => {
      const claims = JSON.parse(JSON.stringify({ [PLAN]: 'user.name' }).replace(PLAN, name))
      assert.match(faultsOf(claims)[0]?.message ?? '', /needs a namespace/)
      assert.deepEqual(readClaims(claims, CLIENT_CLAIMS), [])
    })
})
