/**
 * Which passwords may be chosen: long enough, and not what a guesser tries first. No classes of characters are
 * demanded, since they make passwords predictable rather than strong (NIST SP 800-63B §3.1.1.2). It is JavaScript
 * because the page runs this very file, so that what it says while somebody types is what the server will say.
 */

export const SHORTEST_PASSWORD = 8
/** Bounds the work of hashing; generous for passphrases. In UTF-8 bytes. */
export const LONGEST_PASSWORD_BYTES = 1024

/** @typedef {'password_too_short' | 'password_too_long' | 'password_too_few_kinds' | 'password_repeats' | 'password_sequence' | 'password_own_data' | 'password_common' | 'password_predictable'} PasswordProblem */

/** @typedef {'lowercase' | 'uppercase' | 'number' | 'special'} PasswordKind */

/**
 * What a connection asks beyond what every password is asked.
 * @typedef {object} PasswordPolicy
 * @property {number} minimumLength in characters
 * @property {{ readonly of: readonly PasswordKind[], readonly atLeast: number } | null} kinds of characters that are to be in it
 * @property {number | null} longestRepeat how often one character may stand in a row
 * @property {boolean} forbidsSequences such as `abc`
 * @property {boolean} forbidsOwnData wherever in the password it stands
 */

/**
 * What there is where no connection asks for more.
 * @type {PasswordPolicy}
 */
export const LEAST_POLICY = {
  minimumLength: SHORTEST_PASSWORD,
  kinds: null,
  longestRepeat: null,
  forbidsSequences: false,
  forbidsOwnData: false,
}

/**
 * @typedef {object} Surroundings
 * @property {readonly string[]} own what is known of the person and the place: an address, names
 * @property {(text: string) => boolean} isCommon whether a text in lower case is among the first tries of a guesser
 * @property {PasswordPolicy} [policy]
 */

/** Fewer characters than these beside what is guessed first are guessed too. */
const TOO_LITTLE = 4
/** A date or a telephone number has fewer digits than these. */
const FEWEST_DIGITS = 12
/** What is tried first where the list does not come from: as it is said, and as its keys are on a Latin keyboard. */
const ALSO_COMMON = new Set(
  [
    '비밀번호',
    '안녕하세요',
    '사랑해',
    '사랑해요',
    '대한민국',
    'qlalfqjsgh',
    'dkssudgktpdy',
    'tkfkdgo',
    'tkfkdgody',
    'eogksalsrnr',
    'пароль',
    'привет',
    'любовь',
  ].map(fold),
)
/** A part of somebody's own data that is shorter is too ordinary to be held against them. */
const SHORTEST_PART = 3
/** What people run their fingers along, forth and back. */
const TRACKS = [
  'abcdefghijklmnopqrstuvwxyz',
  '01234567890',
  'qwertyuiop',
  'asdfghjkl',
  'zxcvbnm',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm',
  'йцукенгшщзхъ',
  'фывапролджэ',
  'ячсмитьбю',
  'ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔ',
  'ㅁㄴㅇㄹㅎㅗㅓㅏㅣ',
  'ㅋㅌㅊㅍㅠㅜㅡ',
  '가나다라마바사아자차카타파하',
]
  .flatMap(track => [track, [...track].reverse().join('')])
  .map(fold)
/** On a track, fewer than these are a coincidence. */
const SHORTEST_RUN = 3

/**
 * Undefined for one that may be chosen. Characters are counted as people count them, not in UTF-16 units.
 * @param {string} password
 * @param {Surroundings} surroundings
 * @returns {PasswordProblem | undefined}
 */
export function passwordProblem(password, { own, isCommon: isListed, policy = LEAST_POLICY }) {
  const [unmet] = strengthRules(password, policy).filter(({ isMet }) => !isMet)
  if (unmet) return unmet.problem
  if (new TextEncoder().encode(password).length > LONGEST_PASSWORD_BYTES) return 'password_too_long'
  const isCommon = (/** @type {string} */ text) => isListed(text) || ALSO_COMMON.has(text)
  const folded = fold(password)
  const rest = withoutParts(folded, own.flatMap(partsOf))
  if (policy.forbidsOwnData && rest.length < folded.length) return 'password_own_data'
  if (rest.length < folded.length && (isOrnament(rest) || isTooLittle(rest, isCommon))) return 'password_own_data'
  const joined = folded.replace(/[\s._-]+/gu, '')
  if ([folded, joined, withoutRuns(joined), withoutRepeats(joined)].flatMap(formsOf).some(isCommon))
    return 'password_common'
  if (isNumber(folded) || isBlock(folded) || isTooLittle(withoutRuns(withoutRepeats(folded)), () => false))
    return 'password_predictable'
  return undefined
}

/** @type {Readonly<Record<PasswordKind, RegExp>>} */
export const PASSWORD_KINDS = {
  lowercase: /\p{Ll}/u,
  uppercase: /\p{Lu}/u,
  number: /\p{Nd}/u,
  special: /[^\p{L}\p{N}\s]/u,
}

/** In a row on one of the tracks, or in the order of the code: fewer are a coincidence. */
const SEQUENCE = 3

/**
 * What can be seen of a password by itself, rule by rule, and whether each is met.
 * @param {string} password
 * @param {PasswordPolicy} policy
 * @returns {{ problem: PasswordProblem, isMet: boolean }[]}
 */
export function strengthRules(password, policy) {
  const signs = [...password]
  const { minimumLength, kinds, longestRepeat, forbidsSequences } = policy
  return [
    { problem: 'password_too_short', isMet: signs.length >= Math.max(SHORTEST_PASSWORD, minimumLength) },
    ...(kinds
      ? [
          {
            problem: /** @type {const} */ ('password_too_few_kinds'),
            isMet: kinds.of.filter(kind => PASSWORD_KINDS[kind].test(password)).length >= kinds.atLeast,
          },
        ]
      : []),
    ...(longestRepeat === null
      ? []
      : [
          {
            problem: /** @type {const} */ ('password_repeats'),
            isMet: !signs.some((sign, place) => isRepeated(signs, place, sign, longestRepeat)),
          },
        ]),
    ...(forbidsSequences
      ? [{ problem: /** @type {const} */ ('password_sequence'), isMet: !hasSequence([...password.toLowerCase()]) }]
      : []),
  ]
}

/** More often than that, from `place` on. @param {readonly string[]} signs @param {number} place @param {string} sign @param {number} most */
const isRepeated = (signs, place, sign, most) =>
  place + most < signs.length && signs.slice(place, place + most + 1).every(one => one === sign)

/** @param {readonly string[]} signs */
const hasSequence = signs =>
  signs.some((_, place) => {
    const some = signs.slice(place, place + SEQUENCE)
    const codes = some.map(sign => sign.codePointAt(0) ?? 0)
    return (
      some.length === SEQUENCE &&
      some.every(sign => /[\p{L}\p{N}]/u.test(sign)) &&
      [1, -1].some(step => codes.every((code, index) => code === (codes[0] ?? 0) + index * step))
    )
  })

/**
 * As a guesser reads it: accents and what nobody sees make no other word of it. The accents of Latin alone, since other
 * scripts write their vowels so.
 * @param {string} text
 */
function fold(text) {
  return text
    .normalize('NFKD')
    .replace(/[\u0300-\u036f\p{Cc}\p{Cf}]/gu, '')
    .normalize('NFKC')
    .toLowerCase()
}

/** Beside somebody's name, digits and punctuation are a date or an ornament. @param {string} rest */
const isOrnament = rest => /^[\p{N}\p{P}\p{Z}\p{Sc}\p{Sk}\p{Sm}]{0,10}$/u.test(rest)

/** Digits, with whatever stands between those of a date or a telephone number. @param {string} text */
const isNumber = text => /^[\p{N}\p{P}\p{Z}]*$/u.test(text) && text.replace(/\P{N}/gu, '').length < FEWEST_DIGITS

/** Less than a password, over and over: `19901990`. @param {string} text */
const isBlock = text => /^(.{1,7}?)\1+$/su.test(text)

/** @param {string} rest @param {(text: string) => boolean} isCommon */
const isTooLittle = (rest, isCommon) =>
  [...withoutRuns(withoutRepeats(rest))].length < TOO_LITTLE || formsOf(rest).some(isCommon)

/** `Ann.Example@mail.example` → itself, what stands before the @, and the words of both; the longest first. @param {string} text */
function partsOf(text) {
  const folded = fold(text)
  const words = folded.split(/[^\p{L}\p{N}]+/u)
  return [folded, folded.split('@')[0] ?? '', ...words].filter(part => [...part].length >= SHORTEST_PART)
}

/** Also where letters were swapped for signs, and backwards. @param {string} text @param {readonly string[]} parts */
function withoutParts(text, parts) {
  let rest = text
  for (const part of [...new Set(parts)].sort((one, other) => other.length - one.length))
    for (const form of [part, [...part].reverse().join('')]) {
      rest = rest.replaceAll(form, '')
      // A swapped sign stands for one letter, so places agree.
      for (let place = unswap(rest).indexOf(form); place >= 0; place = unswap(rest).indexOf(form))
        rest = rest.slice(0, place) + rest.slice(place + form.length)
    }
  return rest
}

/** A block that is said over and over counts once: `abcabcabc` → `abc`. @param {string} text */
const withoutRepeats = text => text.replace(/(.{1,8}?)\1+/gsu, (whole, block) => (whole.length > 2 ? block : whole))

/** @param {string} text */
function withoutRuns(text) {
  const signs = [...text]
  let rest = ''
  for (let place = 0; place < signs.length; ) {
    const length = Math.max(...TRACKS.map(track => runAt(signs, place, track)))
    if (length < SHORTEST_RUN) rest += signs[place]
    place += length < SHORTEST_RUN ? 1 : length
  }
  return rest
}

/** How many characters from `place` on follow the track. @param {readonly string[]} signs @param {number} place @param {string} track */
function runAt(signs, place, track) {
  const start = track.indexOf(signs[place] ?? '\n')
  if (start < 0) return 0
  let length = 1
  while (place + length < signs.length && track[start + length] === signs[place + length]) length++
  return length
}

/**
 * What a guesser makes of every word: with up to six digits or signs around it, a year and an ornament, letters swapped, backwards.
 * @param {string} text
 */
function formsOf(text) {
  const bare = text.replace(/^[^\p{L}]{0,6}(?=\p{L})|(?<=\p{L})[^\p{L}]{0,6}$/gu, '')
  const straight = [text, bare].flatMap(form => [form, unswap(form)])
  const unswapped = unswap(text).replace(/^[^\p{L}]{0,6}(?=\p{L})|(?<=\p{L})[^\p{L}]{0,6}$/gu, '')
  return [...straight, unswapped]
    .flatMap(form => [form, [...form].reverse().join('')])
    .filter(form => form.length >= TOO_LITTLE)
}

/** @type {Readonly<Record<string, string>>} */
const SWAPS = { '@': 'a', 4: 'a', 3: 'e', 1: 'i', '!': 'i', 0: 'o', 5: 's', $: 's', 7: 't' }

/** @param {string} text */
const unswap = text => text.replace(/[@431!05$7]/g, sign => SWAPS[sign] ?? sign)
