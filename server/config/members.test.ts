import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { JsonObject, JsonValue } from '../kernel/json.ts'
import { checkMembers, type Member, type Members, readMembers, unknownMembers } from './members.ts'

const check = (member: Member, value: JsonValue) => checkMembers({ it: member }, { it: value })

describe('the form of a member', () => {
  for (const [member, sound, faulty] of [
    [{ is: 'text' }, ['x', ' '], [1, true, [], {}]],
    [{ is: 'text', oneOf: ['a', 'b'] }, ['a'], ['c', 'A', 'a ']],
    [{ is: 'texts' }, [[], ['a', '']], ['a', [1], [['a']], {}]],
    [{ is: 'boolean' }, [true, false], ['true', 1, 'yes']],
    [{ is: 'seconds' }, [0, 2_592_000], [-1, 1.5, '60', 2 ** 53, true]],
    [{ is: 'url' }, ['https://app.example/', 'com.example.app:/cb'], ['app.example', '/cb', 1]],
    [{ is: 'urls' }, [[], ['https://a.example/']], ['https://a.example/', ['/cb'], ['https://a.example/#x'], [1]]],
    [{ is: 'object', members: {} }, [{}], [[], 'x', 1]],
    [{ is: 'any' }, [1, 'x', [], {}, false], []],
  ] as [Member, JsonValue[], JsonValue[]][]) {
    const name = 'oneOf' in member ? `${member.is} of ${member.oneOf}` : member.is
    for (const value of sound)
      test(`${name} may be ${JSON.stringify(value)}`, () => assert.deepEqual(check(member, value), []))
    for (const value of faulty)
      test(`${name} may not be ${JSON.stringify(value)}`, () => {
        const [problem, ...others] = check(member, value)
        assert.equal(problem?.path[0], 'it')
        assert.match(problem?.message ?? '', /^it (must|holds)/)
        assert.deepEqual(others, [])
      })
  }
})

describe('a document', () => {
  const members = {
    name: { is: 'text' },
    logo_uri: { is: 'url', optional: true },
    refresh_token: {
      is: 'object',
      optional: true,
      members: { leeway: { is: 'seconds', optional: true }, type: { is: 'text' } },
    },
  } as const satisfies Members

  test('is told every fault at once, each with its place', () =>
    assert.deepEqual(
      checkMembers(members, { logo_uri: 'x', refresh_token: { leeway: -1 } }, ['clients', 2]).map(({ path }) =>
        path.join('.'),
      ),
      ['clients.2.name', 'clients.2.logo_uri', 'clients.2.refresh_token.leeway', 'clients.2.refresh_token.type'],
    ))

  test('is told each URL of a list that is none, at its own index', () =>
    assert.deepEqual(
      checkMembers(
        { callbacks: { is: 'urls' } },
        {
          callbacks: ['/cb', 'https://a.example/', 'javascript:alert(1)', 'https://a.example/#x'],
        },
      ).map(({ path, message }) => [path.join('.'), message.split('"')[1]]),
      [
        ['callbacks.0', '/cb'],
        ['callbacks.2', 'javascript:alert(1)'],
        ['callbacks.3', 'https://a.example/#x'],
      ],
    ))

  test('may say null for what is not set, but not for what must be', () => {
    assert.deepEqual(checkMembers(members, { name: 'x', logo_uri: null, refresh_token: null }), [])
    assert.deepEqual(
      checkMembers(members, { name: null }).map(({ message }) => message),
      ['name is missing.'],
    )
  })

  test('is read without what is unknown or not set', () =>
    assert.deepEqual(
      readMembers(members, { name: 'x', logo_uri: null, other: 1, refresh_token: { type: 'y', other: 1 } }),
      { name: 'x', refresh_token: { type: 'y' } },
    ))

  test('has its unknown members named, those within too', () =>
    assert.deepEqual(unknownMembers(members, { name: 'x', nmae: 'y', refresh_token: { type: 'y', leewy: 1 } }), [
      'nmae',
      'refresh_token.leewy',
    ]))

  test('has names that JavaScript knows named as unknown, too', () =>
    assert.deepEqual(
      unknownMembers(members, JSON.parse('{"constructor":1,"__proto__":2,"toString":3}') as JsonObject),
      ['constructor', '__proto__', 'toString'],
    ))
})
