import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wordsOf } from '../words/catalogue.ts'
import { type Ask, consentView } from './consent-view.ts'

const words = wordsOf('en').consent
const ann = { name: 'Ann Example', email: 'ann@example.com' }
const viewFor = (asks: readonly Ask[], person = ann) =>
  consentView(words, {
    action: '/consent',
    shown: 'x',
    application: 'Videos',
    person,
    asks,
    anotherAccountUrl: '/another',
  })

const ask = (api: string | null, values: readonly string[], description: string | null = null): Ask => ({
  api,
  scopes: values.map(value => ({ value, description })),
})
/** Every line as it is read: the sentence of ours or the operator's, or the scope itself in ticks. */
const read = (asked: Ask): string[] =>
  viewFor([asked]).groups.flatMap(({ lines }) => lines.map(({ what, code }) => what ?? `\`${code}\``))

for (const [values, lines] of [
  [['openid'], ['Know you when you come back']],
  [['openid', 'profile'], ['See who you are']],
  [['email'], ['See your e-mail address']],
  [['email', 'openid'], ['See your e-mail address']],
  [['email', 'openid', 'profile'], ['See who you are']],
  [
    ['offline_access', 'phone', 'address', 'openid'],
    [
      'Know you when you come back',
      'See your postal address',
      'See your phone number',
      'Keep its access while you are away',
    ],
  ],
  [
    ['openid', 'constructor', '__proto__', 'account', 'profile_email', 'groups'],
    ['Know you when you come back', '`constructor`', '`__proto__`', '`account`', '`profile_email`', '`groups`'],
  ],
] as const) {
  test(`the issuer's ${values.join(' ')} reads ${lines.join(' · ')}`, () =>
    assert.deepEqual(read(ask(null, values)), lines))
}

test('the line about a person names what is asked and nothing else', () => {
  const detail = (...values: string[]) => viewFor([ask(null, values)]).groups[0]?.lines[0]?.detail ?? ''
  assert.match(detail('openid', 'profile', 'email'), /name.*picture.*e-mail/)
  assert.doesNotMatch(detail('openid', 'profile'), /mail/)
  assert.doesNotMatch(detail('openid', 'email'), /name|picture/)
  assert.doesNotMatch(detail('openid'), /name|picture|mail/)
})

test("an API's scope never speaks in the issuer's words, whatever it is called", () => {
  assert.deepEqual(read(ask('Video API', ['openid', 'email', 'offline_access'])), [
    '`openid`',
    '`email`',
    '`offline_access`',
  ])
})

test('a description stands for its scope unless nothing of it would be seen', () => {
  assert.deepEqual(read(ask('Video API', ['write:videos'], 'Upload videos')), ['Upload videos'])
  for (const nothing of ['', '  ', '\u200e\u202e'])
    assert.deepEqual(read(ask('Video API', ['write:videos'], nothing)), ['`write:videos`'])
})

test('a scope cannot be written so that it reads as another', () => {
  assert.deepEqual(read(ask('Video API', ['\u202esoediv:daer'])), ['`soediv:daer`'])
})

test('every API has its own list under its name, and one that asks for nothing by name says what it asks for even so', () => {
  const { groups } = viewFor([ask(null, ['openid']), ask('A', ['read']), ask('B', []), ask('C', ['read'])])
  assert.deepEqual(
    groups.map(({ api }) => api),
    [null, '\u2068A\u2069', '\u2068B\u2069', '\u2068C\u2069'],
  )
  assert.deepEqual(read(ask('B', [])), ['Use it in your name'])
  assert.deepEqual(read(ask(null, [])), ['Know you when you come back'])
})

test('a person without a name of their own is called by their address, once', () => {
  for (const name of ['', ' ', ann.email]) {
    const { person } = viewFor([], { ...ann, name })
    assert.deepEqual([person.name, person.email], ['\u2068ann@example.com\u2069', null])
  }
})
