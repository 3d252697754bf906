/**
 * JSON with one reading. Two parsers that disagree about the same bytes are how a checked token and a used token
 * come to differ, so what is ambiguous is refused: RFC 7515 §4 and RFC 7519 §4 leave that choice to us.
 */

/** `ignoreBOM` keeps the mark in the text, where JSON.parse refuses it. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** An object of JSON in UTF-8 without repeated member names at any depth, or undefined. */
export function parseObject(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const text = utf8.decode(bytes)
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    return repeatsName(text) ? undefined : (value as Record<string, unknown>)
  } catch {
    return undefined
  }
}

/** Reads well-formed JSON only: there, a colon outside a string always follows a member's name. */
function repeatsName(text: string): boolean {
  const open: Set<string>[] = []
  let latest = ''
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}:]/g)) {
    if (token === '{') open.push(new Set())
    else if (token === '}') open.pop()
    else if (token !== ':') latest = token
    else {
      const names = open.at(-1)
      const name: string = latest.includes('\\') ? JSON.parse(latest) : latest.slice(1, -1)
      if (!names || names.has(name)) return true
      names.add(name)
    }
  }
  return false
}
