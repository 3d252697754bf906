import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wordsOf } from './catalogue.ts'
import { languages } from './languages.ts'

/** Every sentence with its path, functions filled with a mark in place of the name or number. */
const MARK = '\u2068Ω\u2069'

function sentences(words: object, path = ''): [path: string, sentence: string, takesName: boolean][] {
  return Object.entries(words).flatMap(([name, value]) => {
    const here = `${path}.${name}`
    if (typeof value === 'function') return [[here, String(value(MARK)), true] as [string, string, boolean]]
    if (typeof value === 'string') return [[here, value, false] as [string, string, boolean]]
    return sentences(value, here)
  })
}

const english = sentences(wordsOf('en'))

for (const language of languages) {
  const spoken = sentences(wordsOf(language))

  test(`${language} says everything that English says, and nothing twice as much`, () => {
    assert.deepEqual(
      spoken.map(([path, , takesName]) => [path, takesName]),
      english.map(([path, , takesName]) => [path, takesName]),
    )
  })

  test(`no sentence in ${language} is empty, padded or without the name it was given`, () => {
    for (const [path, sentence, takesName] of spoken) {
      assert.ok(sentence.length > 0 && sentence === sentence.trim(), path)
      assert.equal(sentence.split(MARK).length - 1, takesName ? 1 : 0, path)
    }
  })
}

test('a name in Korean is followed by no particle that depends on how it sounds', () => {
  for (const [path, sentence] of sentences(wordsOf('ko'))) {
    const follows = sentence.split(MARK)[1]
    if (follows) assert.match(follows, /^(?:에|에서|자 이상으로)?(?:\s|$)/u, path)
  }
})

test('each language is written in its own script', () => {
  for (const [path, sentence] of sentences(wordsOf('ko'))) assert.match(sentence, /\p{Script=Hangul}/u, path)
  for (const [path, sentence] of english) assert.doesNotMatch(sentence, /\p{Script=Hangul}/u, path)
})
