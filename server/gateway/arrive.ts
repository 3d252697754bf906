/**
 * From Node's request to an `Arrival`: what a proxy before us or a service behind us might read in another way is
 * refused here, before anything is looked up (RFC 9112 §3.2, §11.2). Node's parser has refused by then what is no HTTP.
 */
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Instant } from '../kernel/clock.ts'
import type { Arrival, Refusal } from './exchange.ts'
import { readTarget } from './path.ts'

export interface ArriveOptions {
  /** Whether an address is a proxy's whose word on the client counts. */
  readonly isTrusted: (address: string) => boolean
  /** Headers that are said once or not at all, by their lower-case names: those of identity, besides `host` and `authorization`. */
  readonly saidOnce: ReadonlySet<string>
}

export type Arrive = (request: IncomingMessage, id: string, now: Instant) => Arrival | Refusal

export const isRefusal = (arrived: Arrival | Refusal): arrived is Refusal => 'code' in arrived

export function createArrive({ isTrusted, saidOnce }: ArriveOptions): Arrive {
  const once = new Set([...saidOnce, 'host', 'authorization'])
  // Most names are of another length, and are not looked at.
  const lengths = new Set([...once].map(name => name.length))

  /** Most requests are for the host of the one before. */
  let latest: { readonly header: string; readonly named: ReturnType<typeof hostOf> } = { header: '', named: hostOf('') }
  function hostNamedBy(header: string): ReturnType<typeof hostOf> {
    if (header !== latest.header) latest = { header, named: hostOf(header) }
    return latest.named
  }

  /** Of a connection the same for all that comes over it. */
  const connections = new WeakMap<object, { readonly remote: string; readonly isProxied: boolean }>()

  function connectionOf(socket: IncomingMessage['socket']) {
    let connection = connections.get(socket)
    if (!connection) {
      const remote = plainAddress(socket.remoteAddress ?? '')
      connection = { remote, isProxied: isTrusted(remote) }
      connections.set(socket, connection)
    }
    return connection
  }

  function repeated(rawHeaders: readonly string[]): string | undefined {
    let said: string[] | undefined
    for (let at = 0; at < rawHeaders.length; at += 2) {
      const raw = rawHeaders[at] as string
      if (!lengths.has(raw.length)) continue
      const name = raw.toLowerCase()
      if (!once.has(name)) continue
      if (said?.includes(name)) return name
      said ??= []
      said.push(name)
    }
    return undefined
  }

  return (request, id, now) => {
    const { rawHeaders, headers, method = '', url = '' } = request
    // Node reads 0.9 and 2.0 as if they were 1.1, which nobody else does.
    if (request.httpVersionMajor !== 1) return malformed('the version of HTTP is neither 1.0 nor 1.1')
    const twice = repeated(rawHeaders)
    if (twice !== undefined) return malformed(`${twice} is sent more than once`)
    if (ECHOING.has(method)) return malformed('the method would have a service repeat what it was sent')
    if (!url.startsWith('/')) return malformed('the target is not a path')
    const named = hostNamedBy(headers.host ?? '')
    if (!named) return malformed('Host is no host')
    const target = readTarget(url)
    if (!target) return { code: 'bad_path' }
    const { remote, isProxied } = connectionOf(request.socket)
    return {
      id,
      method,
      host: named.host,
      authority: named.authority,
      path: target.path,
      query: target.query,
      rawHeaders,
      headers,
      address: isProxied ? clientOf(headers['x-forwarded-for'], remote, isTrusted) : remote,
      forwardedFor: isProxied ? chainOf(headers['x-forwarded-for'], remote) : remote,
      isSecure: isProxied
        ? headers['x-forwarded-proto'] === 'https'
        : (request.socket as Partial<TLSSocket>).encrypted === true,
      isUpgrade:
        headers.upgrade !== undefined && request.headers.connection?.toLowerCase().includes('upgrade') === true,
      now,
    }
  }
}

/** RFC 9110 §9.3.8: what it was sent holds what only services may see. */
const ECHOING: ReadonlySet<string> = new Set(['TRACE', 'TRACK', 'DEBUG'])

const malformed = (detail: string): Refusal => ({ code: 'malformed_request', detail })

/** The name or address in lower case, without and with its port; both '' where none is said, as HTTP/1.0 may; undefined for what is neither. */
export function hostOf(header: string): { host: string; authority: string } | undefined {
  const [, name, port = ''] = HOST.exec(header) ?? []
  if (name === undefined) return undefined
  const host = name.toLowerCase()
  return { host, authority: `${host}${port}` }
}

const HOST = /^((?:[a-z\d](?:[a-z\d.-]*[a-z\d])?|\[[\da-f:.]+\])?)\.?(:\d{1,5})?$/i

/** An IPv4 address as it is, not as IPv6 carries it. */
export const plainAddress = (address: string): string => (address.startsWith('::ffff:') ? address.slice(7) : address)

/** Some proxies say from which port besides: `192.0.2.7:50123`, `[2001:db8::1]:50123`. */
const PORT = /^(?:([\d.]+):\d{1,5}|\[([^\]]+)\](?::\d{1,5})?)$/

const chainOf = (forwarded: string | readonly string[] | undefined, remote: string): string =>
  [...[forwarded ?? []].flat(), remote].join(', ')

/**
 * From the right, the first that no trusted proxy said of another: what stands left of it, anybody may have written. ''
 * where a proxy does not know it, or says it as nobody can read: its own would let a stranger pass for one of the house.
 */
function clientOf(
  forwarded: string | readonly string[] | undefined,
  remote: string,
  isTrusted: (address: string) => boolean,
): string {
  let client = remote
  if (forwarded === undefined) return client
  for (const said of [forwarded].flat().join(',').split(',').reverse()) {
    const address = plainAddress(said.trim().replace(PORT, '$1$2'))
    if (isIP(address) === 0) return ''
    client = address
    if (!isTrusted(address)) return client
  }
  return client
}
