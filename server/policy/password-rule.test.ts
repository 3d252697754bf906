import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { processorTime } from '../../tests/fixtures/processor-time.ts'
import { LONGEST_PASSWORD_BYTES, passwordProblem, SHORTEST_PASSWORD } from './password-rule.js'

const COMMON = new Set(['password', 'sunshine', 'dragon', 'iloveyou', 'football', 'letmein'])
const problemOf = (password: string, ...own: string[]) =>
  passwordProblem(password, { own, isCommon: text => COMMON.has(text) })

const suite = (name: string, own: readonly string[], cases: readonly (readonly [string, string | undefined])[]) =>
  describe(name, () => {
    for (const [password, problem] of cases)
      test(`${password.slice(0, 40)}: ${problem ?? 'may be chosen'}`, () =>
        assert.equal(problemOf(password, ...own), problem))
  })

suite(
  'length counts, in characters as people count them',
  [],
  [
    ['', 'password_too_short'],
    ['quietly', 'password_too_short'],
    ['quiet ly', undefined],
    ['💧🌊🔥🌍', 'password_too_short'],
    ['💧🌊🔥🌍🌪🌱🪨🌧', undefined],
    ['  quiet ', undefined],
    ['하늘바람나무구름', undefined],
    ['가'.repeat(342), 'password_too_long'],
    [`quiet magpie ${'\u00e9x\u00fcq'.repeat(300)}`, 'password_too_long'],
  ],
)

suite(
  'nothing but length is demanded of a good one',
  [],
  [
    ['wlzqpmrk', undefined],
    ['seven quiet magpies', undefined],
    ['correct horse battery staple', undefined],
    ['483920174655', undefined],
  ],
)

suite(
  'what everybody tries first',
  [],
  [
    ['password', 'password_common'],
    ['PassWord', 'password_common'],
    ['ｐａｓｓｗｏｒｄ', 'password_common'],
    ['p@ssw0rd', 'password_common'],
    ['P4$$w0rd!', 'password_common'],
    ['sunshine2026', 'password_common'],
    ['!!sunshine!!', 'password_common'],
    ['drowssap', 'password_common'],
    ['password123456', 'password_common'],
    ['qwertyuiop sunshine', 'password_common'],
    ['pass word', 'password_common'],
    ['pass-word-1', 'password_common'],
    ['sunshine sunshine', 'password_common'],
    ['pássword', 'password_common'],
    ['pass\u200bword', 'password_common'],
    ['pass\u0000word1', 'password_common'],
    ['dragon in the sunshine', undefined],
    ['sunshine and rain', undefined],
    ['my dragon sleeps', undefined],
  ],
)

suite(
  'one’s own data, and the place’s',
  ['Ann.Example@mail.example', '24-Hour Video', 'Ann Example'],
  [
    ['ann.example@mail.example', 'password_own_data'],
    ['ANN.EXAMPLE@MAIL.EXAMPLE', 'password_own_data'],
    ['annexample', 'password_own_data'],
    ['Ann Example!', 'password_own_data'],
    ['elpmaxe.nna', 'password_own_data'],
    ['4nn.3x4mpl3', 'password_own_data'],
    ['example12345', 'password_own_data'],
    ['annpassword', 'password_own_data'],
    ['24HourVideo', 'password_own_data'],
    ['ann example 2026', 'password_own_data'],
    ['Example-31.12.99!', 'password_own_data'],
    ['Ánn Éxample', 'password_own_data'],
    ['example 83920174652', undefined],
    ['ann 💧🌊🔥🌍🌪', undefined],
    ['ann at the lake', undefined],
    ['video of magpies', undefined],
  ],
)

suite('a name too short to be held against anybody', ['Jo Li <jl@x.io>'], [['jolly lions', undefined]])

suite(
  'rows and repetitions',
  [],
  [
    ['aaaaaaaa', 'password_predictable'],
    ['abababab', 'password_predictable'],
    ['xyzxyzxyz', 'password_predictable'],
    ['19901990', 'password_predictable'],
    ['wlzqmrkwlzqmrk', 'password_predictable'],
    ['wlzqmrkpwlzqmrkp', undefined],
    ['12345678', 'password_predictable'],
    ['87654321', 'password_predictable'],
    ['abcd1234', 'password_predictable'],
    ['qwer1234!', 'password_predictable'],
    ['asdfghjkl', 'password_predictable'],
    ['1qaz2wsx', 'password_predictable'],
    ['ㅂㅈㄷㄱㅅㅛㅕㅑ', 'password_predictable'],
    ['가나다라마바사아', 'password_predictable'],
    ['qwerty on the lawn', undefined],
    ['a'.repeat(1024), 'password_predictable'],
  ],
)

describe('the rule', () => {
  test('names first what is to be mended first: the length', () =>
    assert.equal(problemOf('ann', 'ann@example.com'), 'password_too_short'))

  test('ends soon whatever it is given', () => {
    const took = processorTime(() => {
      for (const hostile of ['a4'.repeat(512), '4'.repeat(1024), 'ab4'.repeat(341), `${'aab'.repeat(340)}x`])
        problemOf(hostile, 'aaa@a.example', 'aaaa', 'b4b4', 'x'.repeat(4096))
    })
    assert.ok(took < 1000)
  })

  test('has the bounds that pages state', () =>
    assert.deepEqual([SHORTEST_PASSWORD, LONGEST_PASSWORD_BYTES], [8, 1024]))
})
