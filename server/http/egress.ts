/**
 * The guard for every fetch on someone's behalf: keys of a client, its request objects, the redirect URIs of its
 * sector, its back-channel. Strangers may choose those addresses, so this decides what is reached, by which address,
 * for how long and how much of it is read. What an answer means is for whoever asked.
 */
import { lookup, Resolver } from 'node:dns/promises'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { networkOf } from '../kernel/network-of.ts'
import { Agent as HttpAgent, request as requestHttp } from '../kernel/node-http.ts'
import { SECOND } from '../kernel/seconds.ts'
import { type AllowList, allowList, isPublicAddress } from './addresses.ts'

export interface Egress {
  /** What can be said before a name is resolved, so that a URL is refused where it is registered. */
  isFetchable(url: string): boolean
  /** A resource, read whole. Only 200 is one. Throws `EgressError`. */
  get(url: string, options: GetOptions): Promise<Fetched>
  /** A form, posted. Answers with any status but a redirect. Throws `EgressError`. */
  postForm(url: string, form: Readonly<Record<string, string>>): Promise<Fetched>
  /**
   * Where a connection of another protocol may go that a tenant's administrator asks for: all addresses of the host,
   * each of them allowed. It goes to one of these and is not looked up again. Throws `EgressError`.
   */
  addressesOf(host: string): Promise<readonly string[]>
}

export interface GetOptions {
  readonly asker: Asker
  readonly accept: string
  readonly mostBytes?: number
}

/** On whose behalf something is fetched. */
export interface Asker {
  /** Its own among all tenants: a client, or a network where there is no client yet. */
  readonly name: string
  /** An application of the operator's own. Anybody else may be anybody, as often as they like. */
  readonly isOurs: boolean
}

export interface Fetched {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** Closed, for logs and events. None of them says whether something private answers at an address. */
export type EgressReason =
  /** No URL, not https, or with a name and password in it. */
  | 'not_fetchable'
  /** An address that is not public and not listed. */
  | 'not_allowed'
  | 'unresolved'
  /** No connection, or none that TLS trusts; or it broke. */
  | 'unreachable'
  | 'redirected'
  | 'bad_status'
  | 'too_large'
  | 'too_slow'
  /** As many fetches are under way as may be. */
  | 'busy'
  /** It answered, and not what was asked for: the caller's word. */
  | 'not_understood'

/** The message names the host and no more of the URL: paths hold secrets. It holds nothing of an answer. */
export class EgressError extends Error {
  override readonly name = 'EgressError'
  readonly reason: EgressReason

  constructor(reason: EgressReason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

export interface EgressOptions {
  /** As `LATCHKEY_EGRESS_ALLOW` lists them. */
  readonly allow?: readonly string[]
  /** Milliseconds for everything: the name, the connection, the whole answer. */
  readonly timeout?: number
  /** Every address of a name; throws where there is none. */
  readonly resolve?: (host: string, signal: AbortSignal) => Promise<readonly string[]>
}

const TIMEOUT = 5 * SECOND
/** A key set, a list of redirect URIs or a signed request, with room. */
const MOST_BYTES = 64 * 1024
/** Of header lines, where Node's own bound is 16 KiB. */
const MOST_HEADER_BYTES = 8 * 1024
/**
 * Beyond it somebody makes us fetch; it is far above what clients need at once, whose answers are kept. What is posted is
 * ours to begin and nobody else's, so it has places that no stranger fills.
 */
const MOST_AT_ONCE = { GET: 64, POST: 32 } as const
/** Of the fetches, by one name and from one network: who answers nobody must not keep us from everybody else. */
const MOST_FROM_ONE = 16
/**
 * Of the fetches, for one who asks: names and networks cost a stranger nothing. The keys of a client are asked for
 * once however many wait for them, so a stranger's few places are for its request objects.
 */
const MOST_FOR_ONE = { ours: 16, stranger: 4 } as const
/** Of the fetches, for all strangers together: however many they are, what is ours finds the rest. */
const MOST_FOR_STRANGERS = 40

/** @throws EgressError `not_fetchable` */
function readTarget(text: string): URL {
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol))
    throw new EgressError('not_fetchable', 'The address is not an https URL.')
  if (url.username !== '' || url.password !== '')
    throw new EgressError('not_fetchable', `The address at ${url.host} has a name and password in it.`)
  return url
}

/** One for the whole server. */
export function createEgress({ allow = [], timeout = TIMEOUT, resolve }: EgressOptions = {}): Egress {
  const listed = allowList(allow)
  const find = resolve ?? ((host, signal) => resolveName(listed, host, signal))
  /** How much is under way, by method and, of the fetches, by who asks, by name and by network. */
  const underWay = new Map<string, number>()

  function take(place: string, most: number, url: URL): void {
    const count = underWay.get(place) ?? 0
    if (count >= most) throw new EgressError('busy', `Too much is being fetched to ask ${url.host} too.`)
    underWay.set(place, count + 1)
  }

  function giveBack(place: string): void {
    const count = underWay.get(place) ?? 0
    if (count > 1) underWay.set(place, count - 1)
    else underWay.delete(place)
  }

  async function addressesOf(host: string): Promise<readonly string[]> {
    const url = URL.parse(`https://${isIP(host) === 6 ? `[${host}]` : host}/`)
    if (url?.username !== '' || url.port !== '' || url.pathname !== '/')
      throw new EgressError('not_fetchable', 'This is not the name of a host.')
    const limit = new AbortController()
    const timer = setTimeout(() => limit.abort(), timeout)
    try {
      return await pin(url, listed, find, limit.signal)
    } catch (error) {
      if (error instanceof EgressError) throw error
      throw new EgressError('too_slow', `${url.hostname} was not found within ${timeout} ms.`)
    } finally {
      clearTimeout(timer)
    }
  }

  async function ask(text: string, sent: Sent): Promise<Fetched> {
    const url = readTarget(text)
    const { method, asker } = sent
    const taken: string[] = []
    const enter = (place: string, most: number) => {
      take(place, most, url)
      taken.push(place)
    }
    // Not AbortSignal.timeout: its timer lets a process end that has nothing else to do.
    const limit = new AbortController()
    const timer = setTimeout(() => limit.abort(), timeout)
    try {
      if (asker) {
        enter(`asker ${asker.name}`, MOST_FOR_ONE[asker.isOurs ? 'ours' : 'stranger'])
        if (!asker.isOurs) enter('strangers', MOST_FOR_STRANGERS)
      }
      enter(method, MOST_AT_ONCE[method])
      // By its name before it is looked up, since a name server may be slow as well.
      if (asker) enter(`name ${nameOf(url)}`, MOST_FROM_ONE)
      const addresses = await pin(url, listed, find, limit.signal)
      if (asker) enter(`network ${networkOf(addresses[0] ?? '')}`, MOST_FROM_ONE)
      return await exchange(url, addresses, sent, limit.signal)
    } catch (error) {
      if (error instanceof EgressError) throw error
      if (limit.signal.aborted) throw new EgressError('too_slow', `${url.host} did not answer within ${timeout} ms.`)
      throw new EgressError('unreachable', `${url.host} could not be reached.`, { cause: error })
    } finally {
      clearTimeout(timer)
      taken.forEach(giveBack)
    }
  }

  return {
    isFetchable(text) {
      try {
        const url = readTarget(text)
        const literal = literalOf(url)
        const isListed = listed.hosts.has(nameOf(url)) || listed.hasAddress(literal)
        return isListed || (url.protocol === 'https:' && (isIP(literal) === 0 || isPublicAddress(literal)))
      } catch {
        return false
      }
    },
    async get(url, { asker, accept, mostBytes = MOST_BYTES }) {
      const fetched = await ask(url, { method: 'GET', asker, headers: { accept }, body: '', mostBytes })
      if (fetched.status !== 200)
        throw new EgressError('bad_status', `${new URL(url).host} answered ${fetched.status}.`)
      return fetched
    },
    postForm: (url, form) =>
      ask(url, {
        method: 'POST',
        asker: null,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams(form).toString(),
        mostBytes: MOST_BYTES,
      }),
    addressesOf,
  }
}

interface Sent {
  readonly method: 'GET' | 'POST'
  /** Null for what is posted. */
  readonly asker: Asker | null
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly mostBytes: number
}

/** The addresses that the connection may go to: all of the name's, each of which must be allowed. */
async function pin(
  url: URL,
  listed: AllowList,
  find: NonNullable<EgressOptions['resolve']>,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const literal = literalOf(url)
  const name = nameOf(url)
  const addresses = isIP(literal) ? [literal] : await whileAllowed(find(name, signal), signal, url)
  if (addresses.length === 0) throw new EgressError('unresolved', `${url.hostname} has no address.`)

  const isListed = (address: string) => listed.hosts.has(name) || listed.hasAddress(address)
  if (!addresses.every(address => isIP(address) !== 0 && (isPublicAddress(address) || isListed(address))))
    throw new EgressError(
      'not_allowed',
      `${url.hostname} is at an address that is not public. LATCHKEY_EGRESS_ALLOW lists those that may be asked.`,
    )
  if (url.protocol !== 'https:' && !addresses.every(isListed))
    throw new EgressError('not_fetchable', `${url.hostname} is asked by https alone.`)
  return addresses
}

/** The parser has turned every spelling of an IPv4 address (decimal, octal, hexadecimal, short) into the usual one. */
const literalOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '')

/** `localhost.` and `localhost` are one name. */
const nameOf = (url: URL): string => url.hostname.replace(/\.$/, '')

/** A resolver may not know how to stop; it is no longer waited for. */
async function whileAllowed<T>(work: Promise<T>, signal: AbortSignal, url: URL): Promise<T> {
  const stopped = Promise.withResolvers<never>()
  const stop = () => stopped.reject(signal.reason)
  signal.addEventListener('abort', stop)
  try {
    return await Promise.race([work, stopped.promise])
  } catch (error) {
    if (signal.aborted) throw error
    throw new EgressError('unresolved', `${url.hostname} has no address.`, { cause: error })
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/**
 * A name that the operator listed is looked up as this machine looks names up, its hosts file included. A
 * stranger's is asked of the DNS alone, which takes no thread of the few that hash and sign here.
 */
async function resolveName(listed: AllowList, host: string, signal: AbortSignal): Promise<readonly string[]> {
  if (listed.hosts.has(host)) return (await lookup(host, { all: true })).map(({ address }) => address)
  // RFC 6761 §6.3, whatever a DNS server says.
  if (host === 'localhost' || host.endsWith('.localhost')) return ['127.0.0.1', '::1']
  const resolver = new Resolver()
  signal.addEventListener('abort', () => resolver.cancel(), { once: true })
  const families = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
  return families.flatMap(family => (family.status === 'fulfilled' ? family.value : []))
}

/**
 * One request on a connection of its own, made to the pinned addresses and to no other; the certificate is checked
 * against the name. An agent of its own knows no proxy, keeps no connection and no TLS session.
 */
async function exchange(
  url: URL,
  addresses: readonly string[],
  { method, headers, body, mostBytes }: Sent,
  signal: AbortSignal,
): Promise<Fetched> {
  const isSecure = url.protocol === 'https:'
  const lookup: LookupFunction = (_host, { all }, answer) => {
    const found = addresses.map(address => ({ address, family: isIP(address) }))
    if (all) answer(null, found)
    else answer(null, found[0]?.address ?? '', found[0]?.family)
  }
  const agent = isSecure
    ? new HttpsAgent({ keepAlive: false, maxCachedSessions: 0 })
    : new HttpAgent({ keepAlive: false })
  const sent = (isSecure ? requestHttps : requestHttp)({
    agent,
    method,
    lookup,
    signal,
    hostname: literalOf(url),
    port: url.port,
    path: `${url.pathname}${url.search}`,
    maxHeaderSize: MOST_HEADER_BYTES,
    headers: {
      ...headers,
      'user-agent': 'Latchkey',
      'accept-encoding': 'identity',
      ...(method === 'POST' && { 'content-length': Buffer.byteLength(body) }),
    },
  })
  try {
    const answered = Promise.withResolvers<IncomingMessage>()
    sent.once('response', answered.resolve)
    // For good: what breaks after the answer has begun is told by its stream as well.
    sent.on('error', answered.reject)
    sent.end(body)
    const response = await answered.promise
    const status = response.statusCode ?? 0
    if (status >= 300 && status < 400)
      throw new EgressError('redirected', `${url.host} redirects, which is not followed.`)
    return { status, headers: response.headers, body: await readBounded(response, mostBytes, url) }
  } finally {
    sent.destroy()
    agent.destroy()
  }
}

async function readBounded(response: IncomingMessage, mostBytes: number, url: URL): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > mostBytes) throw new EgressError('too_large', `${url.host} answered more than ${mostBytes} bytes.`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
