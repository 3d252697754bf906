/**
 * Our cookies: what each is called, and how it is set. Values are random secrets that mean nothing by
 * themselves; what they open is in the store, under their hash.
 */

export interface CookieKind {
  readonly name: string
  /** Milliseconds it is kept, or null: until the browser closes. */
  readonly life: number | null
  readonly readable?: boolean
}

export interface CookieScope {
  /** Over https a cookie takes the `__Host-` prefix: no subdomain and no plain-http page can plant one (RFC 6265bis §4.1.3.2). */
  readonly secure: boolean
  /** `None` lets a page on another site find the session in a hidden frame; browsers take it over https only. */
  readonly sameSite: 'Lax' | 'None'
}

export const fullName = (kind: Pick<CookieKind, 'name'>, secure: boolean): string =>
  secure ? `__Host-${kind.name}` : kind.name

/** The first of that name: browsers send the more specific one first, and with `__Host-` there is only one. */
export function readCookie(header: string | undefined, kind: CookieKind, secure: boolean): string | undefined {
  const wanted = `${fullName(kind, secure)}=`
  for (const pair of header?.split(';') ?? []) {
    const trimmed = pair.trim()
    if (trimmed.startsWith(wanted)) return trimmed.slice(wanted.length) || undefined
  }
  return undefined
}

export function setCookie(kind: CookieKind, value: string, scope: CookieScope): string {
  const attributes = [
    `${fullName(kind, scope.secure)}=${value}`,
    'Path=/',
    `SameSite=${scope.secure ? scope.sameSite : 'Lax'}`,
  ]
  if (kind.life !== null) attributes.push(`Max-Age=${Math.floor(kind.life / 1000)}`)
  if (!kind.readable) attributes.push('HttpOnly')
  if (scope.secure) attributes.push('Secure')
  return attributes.join('; ')
}

export const dropCookie = (kind: CookieKind, scope: CookieScope): string => setCookie({ ...kind, life: 0 }, '', scope)
