/**
 * The languages Latchkey speaks, and which of them a person gets. Remembering a choice belongs to whoever sets
 * the cookie; the words themselves to `catalogue.ts`.
 */

/** Each language by its own name, as a person looks for it: in the order in which pages offer them. */
export const languageNames = { en: 'English', ko: '한국어' } as const

export type Language = keyof typeof languageNames

export const languages = Object.keys(languageNames) as readonly Language[]

const DEFAULT: Language = 'en'

export interface LanguageWishes {
  /** What the person picked on a page, a language tag. */
  readonly chosen?: string | undefined
  /** `ui_locales` of OpenID Connect Core §3.1.2.1: BCP 47 tags separated by spaces, best first. */
  readonly uiLocales?: string | undefined
  /** The `Accept-Language` header, RFC 9110 §12.5.4. */
  readonly acceptLanguage?: string | undefined
}

/** The person's own choice goes before the application's wish, that before the browser's; of those offered, and English, or the first of them, when none of it is. */
export function chooseLanguage(
  { chosen = '', uiLocales = '', acceptLanguage = '' }: LanguageWishes,
  among: readonly Language[] = languages,
): Language {
  for (const tag of [chosen, ...uiLocales.split(' '), ...byPreference(acceptLanguage)]) {
    const language = spokenLanguage(tag)
    if (language && among.includes(language)) return language
  }
  return among.includes(DEFAULT) ? DEFAULT : (among[0] ?? DEFAULT)
}

/** RFC 4647 §3.4 (lookup): `ko-Kore-KR` is shortened until it is a language spoken here. */
export function spokenLanguage(tag: string): Language | undefined {
  const primary = tag.trim().split('-', 1)[0]?.toLowerCase()
  return languages.find(language => language === primary)
}

/** RFC 9110 §12.4.2: a weight from 0 to 1 with at most three decimals, 1 when absent, 0 for "not this one". */
const WEIGHT = /^\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*$/i

function byPreference(header: string): string[] {
  return header
    .split(',')
    .map(range => {
      const [tag = '', weight = 'q=1'] = range.split(';')
      return { tag, quality: Number(WEIGHT.exec(weight)?.[1] ?? 0) }
    })
    .filter(({ quality }) => quality > 0)
    .sort((one, other) => other.quality - one.quality)
    .map(({ tag }) => tag)
}
