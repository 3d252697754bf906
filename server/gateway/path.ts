/**
 * The one reading of a request's target. What comes out is what routes are matched with and what is forwarded, so that
 * no service can be reached by a spelling that its route did not see. What services are known to read in two ways (an
 * encoded slash, a dot segment, a path parameter, an escape within an escape) is refused, not guessed at.
 */

export interface Target {
  readonly path: string
  /** With its `?`, or empty. */
  readonly query: string
}

/** Nothing to decode, and nothing that a service might read differently: most paths, found so in one pass. */
const PLAIN = /^(?:\/[\w~!$&'()*+,=:@-][\w.~!$&'()*+,=:@-]*)*\/?$/
/** RFC 3986 §3.3: what a path may hold as it is, but for `;`. */
const SEGMENT = /^(?:[\w.~!$&'()*+,=:@-]|%[0-9A-Fa-f]{2})+$/
const UNRESERVED = /^[\w.~-]$/
/** RFC 3986 §3.4, and the few characters more that browsers leave as they are. */
const QUERY = /^\?[!$-~]*$/
const LONGEST = 8192
/** Two characters at most: whoever read on to the end of the segment for each of its escapes would read it a thousand times. */
const TWO_ESCAPES = 6

/** Undefined for what is no target, or one that may be read in more than one way. */
export function readTarget(raw: string): Target | undefined {
  const mark = raw.indexOf('?')
  const path = mark < 0 ? raw : raw.slice(0, mark)
  const query = mark < 0 ? '' : raw.slice(mark)
  if (raw.length > LONGEST || (query !== '' && !QUERY.test(query))) return undefined
  if (PLAIN.test(path)) return path === '' ? undefined : { path, query }
  const normal = normalise(path)
  return normal === undefined ? undefined : { path: normal, query }
}

function normalise(path: string): string | undefined {
  if (!path.startsWith('/') || !isUtf8(path)) return undefined
  const segments = path.slice(1).split('/')
  const normal: string[] = []
  for (const [at, segment] of segments.entries()) {
    // An empty segment is taken for none by some services: only the end of the path may have one.
    if (segment === '' && at < segments.length - 1) return undefined
    const decoded = segment === '' ? '' : normaliseSegment(segment)
    if (decoded === undefined || decoded === '.' || decoded === '..') return undefined
    normal.push(decoded)
  }
  return `/${normal.join('/')}`
}

/** RFC 3986 §6.2.2: hexadecimal digits in upper case, and no escape for what needs none. */
function normaliseSegment(segment: string): string | undefined {
  if (!SEGMENT.test(segment)) return undefined
  let isSound = true
  const normal = segment.replace(/%(..)/g, (escaped, digits: string, at: number) => {
    const code = Number.parseInt(digits, 16)
    const character = String.fromCharCode(code)
    if (UNRESERVED.test(character)) return character
    // A slash, a backslash, a control character or the start of path parameters; a `%` before digits is decoded twice.
    if (code < 0x20 || code === 0x7f || '/\\;'.includes(character)) isSound = false
    if (character === '%' && /^[0-9A-Fa-f]{2}/.test(unescaped(segment.slice(at + 3, at + 3 + TWO_ESCAPES))))
      isSound = false
    return escaped.toUpperCase()
  })
  return isSound ? normal : undefined
}

/** What follows a `%25` as a service that decodes twice would meet it: its digits may be escaped too. */
const unescaped = (rest: string): string =>
  rest.replace(/%(..)/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))

/** Overlong forms and lone halves are decoded differently by different services. */
function isUtf8(path: string): boolean {
  try {
    decodeURIComponent(path)
    return true
  } catch {
    return false
  }
}
