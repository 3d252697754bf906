/**
 * JSON with one reading. Two parsers that disagree about the same bytes are how a checked token and a used token
 * come to differ, so what is ambiguous is refused: RFC 7515 §4 and RFC 7519 §4 leave that choice to us.
 */

/** `ignoreBOM` keeps the mark in the text, where JSON.parse refuses it. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** An object of JSON in UTF-8 without repeated member names at any depth, or undefined. */
export function parseObject(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  const value = parseJson(bytes)
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined
}

/** The same for JSON of any kind. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    const text = utf8.decode(bytes)
    const value: unknown = JSON.parse(text)
    return repeatsName(text) ? undefined : value
  } catch {
    return undefined
  }
}

const [QUOTE, BACKSLASH, COLON, OPEN, CLOSE] = [0x22, 0x5c, 0x3a, 0x7b, 0x7d]

/**
 * Reads well-formed JSON only: there, a colon outside a string always follows a member's name. By hand, since it looks at
 * every character of every token, and an expression takes five times as long.
 */
function repeatsName(text: string): boolean {
  const open: Set<string>[] = []
  let [start, end] = [0, 0]
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      start = at + 1
      end = endOfString(text, start)
      at = end
    } else if (code === OPEN) open.push(new Set())
    else if (code === CLOSE) open.pop()
    else if (code === COLON) {
      const names = open.at(-1)
      const written = text.slice(start, end)
      const name: string = written.includes('\\') ? JSON.parse(`"${written}"`) : written
      if (!names || names.has(name)) return true
      names.add(name)
    }
  }
  return false
}

/** Of the quote that ends it: one that no backslash stands before, or an even number of them. */
function endOfString(text: string, from: number): number {
  for (let end = text.indexOf('"', from); ; end = text.indexOf('"', end + 1)) {
    let before = end - 1
    while (before >= from && text.charCodeAt(before) === BACKSLASH) before--
    if ((end - before) % 2 === 1) return end
  }
}
