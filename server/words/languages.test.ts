import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseLanguage, type Language, type LanguageWishes } from './languages.ts'

const cases: readonly [why: string, wishes: LanguageWishes, language: Language][] = [
  ['nothing is known', {}, 'en'],
  ['the browser wishes a region', { acceptLanguage: 'ko-KR' }, 'ko'],
  ['the browser wishes a script and a region', { acceptLanguage: 'KO-Kore-KR' }, 'ko'],
  ['a language is not spoken here', { acceptLanguage: 'fr, ko;q=0.5' }, 'ko'],
  ['no wished language is spoken here', { acceptLanguage: 'fr, de;q=0.5' }, 'en'],
  ['a later range weighs more', { acceptLanguage: 'en;q=0.3, ko;q=0.8' }, 'ko'],
  ['weights are equal', { acceptLanguage: 'ko;q=0.8, en;q=0.8' }, 'ko'],
  ['a range without a weight weighs most', { acceptLanguage: 'en;q=0.999,ko' }, 'ko'],
  ['a language is refused', { acceptLanguage: 'ko;q=0' }, 'en'],
  ['spaces stand around the weight', { acceptLanguage: 'en ; q=0.1 , ko ; q=0.2' }, 'ko'],
  ['a weight is malformed', { acceptLanguage: 'ko;q=9, en;q=0.1' }, 'en'],
  ['anything will do', { acceptLanguage: '*' }, 'en'],
  ['another language begins alike', { acceptLanguage: 'kok, enm' }, 'en'],
  ['a property name is sent as a language', { chosen: 'constructor', acceptLanguage: 'ko' }, 'ko'],
  ['the application wishes', { uiLocales: 'fr-CA ko en', acceptLanguage: 'en' }, 'ko'],
  ['the application wishes what is not spoken here', { uiLocales: 'fr', acceptLanguage: 'ko' }, 'ko'],
  ['the person has chosen', { chosen: 'en', uiLocales: 'ko', acceptLanguage: 'ko' }, 'en'],
  ['the choice is not a language', { chosen: '../ko', uiLocales: 'ko' }, 'ko'],
]

for (const [why, wishes, language] of cases) {
  test(`the language is ${language} when ${why}`, () => assert.equal(chooseLanguage(wishes), language))
}
