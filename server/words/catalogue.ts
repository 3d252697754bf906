/**
 * The words by language. English says what there is to say: its shape is the type, so that a sentence missing
 * from another language does not compile. Which sentence stands on which page is decided by the page's view.
 */
import { en } from './en.ts'
import { ko } from './ko.ts'
import type { Language } from './languages.ts'

export type Catalogue = typeof en

const catalogues: Readonly<Record<Language, Catalogue>> = { en, ko }

export const wordsOf = (language: Language): Catalogue => catalogues[language]

/** What happened, in bold; then what to do about it. */
export interface Trouble {
  readonly what: string
  readonly next: string
}
