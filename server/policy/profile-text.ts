/** What a person may be called, and what else a profile says of them: it ends in tokens, mails, pages and logs. */

/** In characters as a person counts code points: no name, and no line of an address, comes near. */
export const LONGEST_PROFILE_TEXT = 300

/** Whoever reads a line must not be led astray by it: controls, other line ends, marks that turn its direction, U+FFFD. */
const UNREADABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069\ufffd]/u
/** OpenID Connect Core §5.1.1 lets an address have several lines. */
const LINE_END = /\r?\n/g

/** Names of some languages need joiners, which nobody sees: those may be in it, if there is anything else. */
export function isProfileText(text: string, { lines = false }: { lines?: boolean } = {}): boolean {
  const line = lines ? text.replace(LINE_END, ' ') : text
  return [...text].length <= LONGEST_PROFILE_TEXT && /[^\s\p{C}\p{DI}]/u.test(line) && !UNREADABLE.test(line)
}

/** For names that stand in indexes and logs: no line breaks or other controls, and no novels. */
export const isName = (text: string, longest: number): boolean => text.length <= longest && !/\p{C}/u.test(text)
