/** Where a browser goes on to after it signed in: a path of this host, and never a way out of it. */

/** In a cookie, of which several may be sent at once. */
const LONGEST = 1024

/** Visible ASCII without what a browser might read as a host's beginning, or a header as its end. */
const LOCAL = /^\/(?:[!-.0-[\]-~][!-[\]-~]*)?$/

/**
 * The path itself, with its query, or undefined for whatever is none. Browsers take `//host`, `/\host` and `/<tab>/host`
 * for another host's address, so neither the second character nor any other may be one that they do that for.
 */
export function localPath(text: string | undefined): string | undefined {
  if (text === undefined || text.length > LONGEST || !LOCAL.test(text)) return undefined
  // What is left has one reading; a URL parser is asked all the same, since browsers are ones.
  const url = URL.parse(text, 'https://here.invalid')
  return url?.origin === 'https://here.invalid' && !url.pathname.startsWith('//') ? text : undefined
}
