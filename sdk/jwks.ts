/**
 * Keys fetched from an issuer: discovery, the key set, and when to ask again. It is careful with the issuer (one
 * request at a time, strangers cannot cause more) and survives its absence. Which tokens are good is verify.ts.
 */
import { type Algorithm, type AlgorithmName, allowAlgorithms, fits } from './algorithms.ts'
import { KeysUnavailableError } from './errors.ts'
import type { JWK } from './jwk.ts'
import { importPublicKey, type KeySource, selectKey, type VerificationKey } from './keys.ts'
import { parseObject } from './strict-json.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

const LIMITS = {
  /** A withdrawn key must stop counting, so no answer is kept longer than this however it is labelled. */
  longestFresh: HOUR,
  /** And one labelled `no-store` must not turn every request into two. */
  shortestFresh: MINUTE,
  usualFresh: 5 * MINUTE,
  /** How long an unreachable issuer's last keys are believed. */
  stale: 24 * HOUR,
  /** Between two requests caused by unknown kids, or by failures while old keys still serve. */
  pause: 30 * SECOND,
  /** Between two failures while there are no keys at all, so that a service started first recovers quickly. */
  firstPause: SECOND,
  timeout: 5 * SECOND,
  body: 256 * 1024,
} as const

export interface RemoteKeysOptions {
  /** The issuer, whose discovery document must name it byte for byte. */
  readonly issuer: string
  /** Skips discovery. */
  readonly jwksUri?: string
  /** Keys for other algorithms are not taken from the set. Secrets never are. */
  readonly algorithms: readonly AlgorithmName[]
  /** Allows `http:` beyond this machine. */
  readonly allowInsecure?: boolean
  /** Milliseconds that never run backwards: only spans are measured. */
  readonly clock?: () => number
  /** For a private certificate authority or a proxy. */
  readonly fetch?: Fetch
}

/**
 * The global `fetch` where whoever reads these declarations has a type for it, from a browser or a runtime; where
 * nobody has, what is asked of one.
 */
export type Fetch = typeof globalThis extends { fetch: infer Global } ? Global : MinimalFetch

type MinimalFetch = (
  address: string,
  options: { readonly redirect: 'error'; readonly headers: Record<string, string>; readonly signal: unknown },
) => Promise<{
  readonly status: number
  readonly headers: { get(name: string): string | null }
  readonly body: (AsyncIterable<Uint8Array> & { cancel(): Promise<void> }) | null
}>

interface FetchedSet {
  readonly keys: readonly VerificationKey[]
  readonly freshUntil: number
  readonly staleUntil: number
}

/**
 * The keys of an issuer, fetched at the first use.
 * @throws TypeError for an address that is not https (or this machine), or for an unknown algorithm. The source
 * throws KeysUnavailableError while there are no keys to answer from.
 */
export function remoteKeys(options: RemoteKeysOptions): KeySource {
  const { issuer, clock = () => performance.now(), fetch = globalThis.fetch, allowInsecure = false } = options
  const allowed = [...allowAlgorithms(options.algorithms).values()]
  if (!isAcceptableAddress(options.jwksUri ?? issuer, allowInsecure))
    throw new TypeError('the issuer and its keys are reached by https, or by http on this machine')

  let known: FetchedSet | undefined
  let asking: Promise<FetchedSet> | undefined
  let askedAt = Number.NEGATIVE_INFINITY
  let failure: unknown
  let address = options.jwksUri

  /** One request at a time. A failure leaves the last good set in place and forgets what discovery said. */
  function ask(): Promise<FetchedSet> {
    if (asking) return asking
    askedAt = clock()
    asking = load()
      .then(
        set => {
          failure = undefined
          known = set
          return set
        },
        cause => {
          failure = cause
          address = options.jwksUri
          throw cause
        },
      )
      .finally(() => {
        asking = undefined
      })
    return asking
  }

  async function load(): Promise<FetchedSet> {
    address ??= await discover()
    const { body, freshFor } = await fetchObject(fetch, address)
    const now = clock()
    return { keys: await readKeySet(body, allowed), freshUntil: now + freshFor, staleUntil: now + LIMITS.stale }
  }

  async function discover(): Promise<string> {
    const { body } = await fetchObject(fetch, `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
    if (body['issuer'] !== issuer) throw new Error('discovery names another issuer')
    const uri = body['jwks_uri']
    if (typeof uri !== 'string' || !isAcceptableAddress(uri, allowInsecure))
      throw new Error('discovery names no acceptable jwks_uri')
    return uri
  }

  /** What may be answered from now: fresh keys, or older ones while the issuer cannot be asked. */
  async function usableKeys(): Promise<readonly VerificationKey[]> {
    const now = clock()
    if (known && now < known.freshUntil) return known.keys
    const usable = known && now < known.staleUntil ? known.keys : undefined
    const pause = failure === undefined ? 0 : usable ? LIMITS.pause : LIMITS.firstPause
    if (asking || now - askedAt >= pause) {
      try {
        return (await ask()).keys
      } catch {
        // The failure is kept, and told below to whom it leaves without keys.
      }
    }
    if (usable) return usable
    throw new KeysUnavailableError(`the keys of ${issuer} cannot be had`, { cause: failure })
  }

  return async request => {
    const key = selectKey(await usableKeys(), request)
    if (key) return key
    // Perhaps a new key. Anyone can write an unknown kid, so a flood of them costs the issuer one request a pause.
    if (!asking && clock() - askedAt < LIMITS.pause) return undefined
    const { keys } = await ask().catch(() => ({ keys: [] }))
    return selectKey(keys, request)
  }
}

/**
 * The keys of a set (RFC 7517 §5) that can verify an allowed algorithm. Others are passed over, as §5 asks; one
 * `kid` for two of those left is refused, because which of them was meant would be a guess.
 */
async function readKeySet(body: Readonly<Record<string, unknown>>, allowed: readonly Algorithm[]) {
  if (!Array.isArray(body['keys'])) throw new Error('the key set has no keys')
  const jwks = body['keys'].filter((jwk): jwk is JWK => typeof jwk === 'object' && jwk !== null)
  const usable: VerificationKey[] = []
  const kids = new Set<string>()
  for (const jwk of jwks) {
    if (jwk.kid !== undefined && typeof jwk.kid !== 'string') continue
    const rows = allowed.filter(row => fits(jwk, row))
    const imported = await Promise.allSettled(rows.map(row => importPublicKey(jwk, row.name)))
    const keys = imported.filter(result => result.status === 'fulfilled').map(({ value }) => value)
    if (keys.length === 0) continue
    if (jwk.kid !== undefined && kids.has(jwk.kid)) throw new Error('two keys of the set have one kid')
    if (jwk.kid !== undefined) kids.add(jwk.kid)
    usable.push(...keys)
  }
  return usable
}

/** A JSON object fetched with a time-out and a bound. A redirect is a failure: it would move the issuer's word elsewhere. */
async function fetchObject(fetch: typeof globalThis.fetch, address: string) {
  const response = await fetch(address, {
    redirect: 'error',
    headers: { accept: 'application/json' },
    signal: AbortSignal.timeout(LIMITS.timeout),
  })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new Error(`${address} answered ${response.status}`)
  }
  const body = parseObject(await readBounded(response))
  if (!body) throw new Error(`${address} answered no JSON object`)
  return { body, freshFor: freshness(response.headers.get('cache-control') ?? '') }
}

async function readBounded(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > LIMITS.body) throw new Error(`the answer is larger than ${LIMITS.body} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function freshness(cacheControl: string): number {
  const maxAge = /(?:^|[\s,])max-age=(\d+)/i.exec(cacheControl)?.[1]
  const wanted = /(?:^|[\s,])no-(?:store|cache)/i.test(cacheControl)
    ? 0
    : maxAge === undefined
      ? LIMITS.usualFresh
      : Number(maxAge) * SECOND
  return Math.min(Math.max(wanted, LIMITS.shortestFresh), LIMITS.longestFresh)
}

function isAcceptableAddress(address: string, allowInsecure: boolean): boolean {
  if (!URL.canParse(address)) return false
  const { protocol, hostname } = new URL(address)
  const isThisMachine = /^(?:localhost|.*\.localhost|127\.0\.0\.1|\[::1\])$/.test(hostname)
  return protocol === 'https:' || (protocol === 'http:' && (isThisMachine || allowInsecure))
}
