/** The two letters that stand for a person or an organization without a picture. Which name they are of is the page's choice. */

const letters = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** Written in these scripts, a name has the family first, and people are told apart by what follows it. */
const FAMILY_FIRST = /^[\p{Script=Hangul}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}ー ]+/u

/**
 * At most two letters as a reader counts them: of the first and last word (“Ann Mary Example” is AE), of the only
 * word its first two, and of 김민준 the given name, 민준. An organization has no given name: 한빛 영상 is 한빛. Empty when
 * the name has neither letter nor digit.
 */
export function initialsOf(name: string, whose: 'person' | 'organization' = 'person'): string {
  // Composed first: some keyboards send a Hangul syllable as two or three characters.
  const spoken = name
    .normalize('NFC')
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, ' ')
    .trim()
  const [familyFirst] = FAMILY_FIRST.exec(spoken) ?? []
  if (familyFirst) {
    const all = lettersOf(familyFirst.replaceAll(' ', ''))
    return (whose === 'person' ? all.slice(-2) : all.slice(0, 2)).join('')
  }

  const [first = '', ...others] = spoken.toUpperCase().split(' ')
  // “Minjun Kim (김민준)” is one name twice.
  const last = others.findLast(word => !FAMILY_FIRST.test(word))
  return last ? leading(first, 1) + leading(last, 1) : leading(first, 2)
}

const lettersOf = (text: string): string[] => Array.from(letters.segment(text), ({ segment }) => segment)

const leading = (text: string, count: number): string => lettersOf(text).slice(0, count).join('')
