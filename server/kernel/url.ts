/** Questions about URLs that more than one folder asks. Registered URLs are compared as text, never through here. */

export const originOf = (url: string): string => new URL(url).origin

/**
 * Adds members to the query of a URL that has no fragment. What is there stays byte for byte (RFC 6749 §3.1.2):
 * a URL object would write it anew.
 */
export function withQuery(url: string, members: Readonly<Record<string, string>>): string {
  const added = new URLSearchParams(members).toString()
  if (added === '') return url
  const joint = !url.includes('?') ? '?' : /[?&]$/.test(url) ? '' : '&'
  return `${url}${joint}${added}`
}

/** Members as the fragment of a URL that has none (RFC 6749 §4.2.2). */
export const withFragment = (url: string, members: Readonly<Record<string, string>>): string =>
  `${url}#${new URLSearchParams(members)}`
