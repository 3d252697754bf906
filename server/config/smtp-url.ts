/**
 * Where mail goes, as one URL. There is no "encrypted if the other side offers it": whoever sits on the wire would have
 * it not offered, and read the links that open accounts.
 */
import { BlockList, isIP } from 'node:net'
import { OperatorError } from '../kernel/errors.ts'

export interface SmtpServer {
  readonly host: string
  readonly port: number
  /** `tls` from the first byte, `starttls` before anything is said, or `none`. */
  readonly protection: 'tls' | 'starttls' | 'none'
  readonly login: { readonly user: string; readonly password: string } | null
}

/** RFC 8314 §3.3: submission over TLS on 465, with STARTTLS on 587; RFC 5321's own port for a relay without. */
const PORTS = { tls: 465, starttls: 587, none: 25 } as const

const FORM =
  'must be of the form smtps://user:password@mail.example.com or smtp://user:password@mail.example.com:587, with a "/", "?", "#", "%" or "@" in the user or password written %2F, %3F, %23, %25 or %40; smtp:// takes ?tls=none.'

/** Throws `OperatorError` for what is none. Whatever is wrong with it, what was written is not repeated: there is a password in it. */
export function readSmtpUrl(name: string, raw: string): SmtpServer {
  const url = URL.parse(raw)
  const complain = () => new OperatorError(`${name} ${FORM}`)
  if (!url || !/^smtps?:$/.test(url.protocol) || url.hostname === '' || !/^\/?$/.test(url.pathname) || url.hash)
    throw complain()
  if (!['', '?tls=none'].includes(url.search) || (url.protocol === 'smtps:' && url.search)) throw complain()
  if ((url.username === '') !== (url.password === '')) throw complain()

  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const protection =
    url.protocol === 'smtps:' ? 'tls' : url.search === '?tls=none' || isThisMachine(host) ? 'none' : 'starttls'
  try {
    return {
      host,
      port: url.port === '' ? PORTS[protection] : Number(url.port),
      protection,
      login:
        url.username === ''
          ? null
          : { user: decodeURIComponent(url.username), password: decodeURIComponent(url.password) },
    }
  } catch {
    throw complain()
  }
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** What is said to it passes no wire. */
export function isThisMachine(host: string): boolean {
  const family = isIP(host)
  return family === 0 ? host.toLowerCase() === 'localhost' : loopback.check(host, family === 6 ? 'ipv6' : 'ipv4')
}

/** The address that nobody reads, at the issuer's host. RFC 5321 §4.1.3 for a host that is a number. */
export function noReplyAt(issuer: string): string {
  const { hostname } = new URL(issuer)
  if (hostname.startsWith('[')) return `no-reply@[IPv6:${hostname.slice(1)}`
  return `no-reply@${isIP(hostname) ? `[${hostname}]` : hostname}`
}

export const isBareAddress = (text: string): boolean =>
  text.length <= 254 && /^[^\s@<>(),:;"\\\p{C}]+@(?:[a-z0-9-]+\.)*[a-z0-9-]+$/iu.test(text)

/** A bare address, since the name before it is the tenant's. Throws `OperatorError`. */
export function readSender(name: string, raw: string): string {
  if (isBareAddress(raw)) return raw
  throw new OperatorError(
    `${name} must be an e-mail address such as no-reply@example.com, without a name, not "${raw}".`,
  )
}
