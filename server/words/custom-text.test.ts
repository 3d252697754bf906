// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the variables of Auth0's texts are written so.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { wordsOf } from './catalogue.ts'
import { textPlaces, wordsWith } from './custom-text.ts'
import { languages } from './languages.ts'

const COMPANY = { companyName: 'Video', clientName: 'Films' }
const inEnglish = (page: string, prompt: string, screen: string, texts: Record<string, string>) =>
  wordsWith(wordsOf('en'), page, { [prompt]: { [screen]: texts } }, COMPANY)

describe('words of a tenant’s own', () => {
  test('have a place in every catalogue, which takes what their variables are', () => {
    for (const language of languages)
      for (const { path, names } of textPlaces()) {
        const place = path
          .split('.')
          .reduce<unknown>((words, name) => (words as Record<string, unknown>)[name], wordsOf(language))
        assert.match(typeof place, /^(?:string|function)$/, `${language}: ${path}`)
        // One whose text does not speak of what the sentence is about is as good.
        if (names.length > 0) assert.equal(typeof place, 'function', path)
      }
  })

  test('stand where the page says the same thing, and nowhere else', () => {
    const { words, pageTitle } = inEnglish('sign-in', 'login', 'login', {
      title: 'Welcome',
      pageTitle: 'In | ${clientName}',
    })
    assert.equal(words.signIn.title, 'Welcome')
    assert.equal(pageTitle, 'In | Films')
    assert.equal(words.signUp.title, wordsOf('en').signUp.title)
    assert.equal(words.signIn.act, wordsOf('en').signIn.act)
    assert.equal(inEnglish('sign-up', 'login', 'login', { title: 'Welcome' }).words.signIn.title, 'Sign in')
    assert.equal(wordsOf('en').signIn.title, 'Sign in')
  })

  test('are filled in with what the sentence is about, in both spellings, and a variable nobody knows is not read out', () => {
    const { words } = inEnglish('sign-in', 'login', 'login', {
      description: 'Log in to %{companyName} to continue to ${clientName}${nothing}${constructor}.',
    })
    assert.equal(words.signIn.lead('\u2068App\u2069'), 'Log in to Video to continue to \u2068App\u2069.')
  })

  test('of a variable’s value no variable is made', () => {
    const { words } = wordsWith(
      wordsOf('en'),
      'sign-in',
      { login: { login: { description: '${clientName}' } } },
      { companyName: 'secret' },
    )
    assert.equal(words.signIn.lead('${companyName}'), '${companyName}')
  })

  test('cannot turn the direction of what follows, nor fill the page', () => {
    const { words } = inEnglish('sign-in', 'login', 'login', { title: `\u202eevil\u0007 ${'x'.repeat(5000)}` })
    assert.match(words.signIn.title, /^evil +x{990,996}$/)
  })

  test('that are blank, or named like what every object has, leave the catalogue’s', () => {
    assert.equal(inEnglish('sign-in', 'login', 'login', { title: '  ' }).words.signIn.title, 'Sign in')
    const strange = wordsWith(wordsOf('en'), 'constructor', JSON.parse('{"__proto__":{"login":{}}}'), {})
    assert.equal(strange.words, wordsOf('en'))
  })
})
