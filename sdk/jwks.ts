/**
 * Keys fetched from an issuer: discovery, the key set, and when to ask again. It is careful with the issuer (one
 * request at a time, strangers cannot cause more) and survives its absence. Which tokens are good is verify.ts.
 */
import { type Algorithm, type AlgorithmName, allowAlgorithms, fits } from './algorithms.ts'
import { KeysUnavailableError } from './errors.ts'
import { discovered, discoveryAddress, type Fetch, fetchObject, isAcceptableAddress } from './fetching.ts'
import type { JWK } from './jwk.ts'
import { importPublicKey, type KeyRequest, type KeySource, selectKey, type VerificationKey } from './keys.ts'

export type { Fetch }

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
  /** Revoked keys that are remembered. Of an issuer there are a few in a year. */
  forgotten: 1000,
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

/** Keys that are fetched when they are asked for, and that may also be told. */
export interface RemoteKeys extends KeySource {
  /**
   * A key set (RFC 7517 §5) that the issuer itself has just told, in the place of what was fetched: it counts at once, and
   * for as long as a fetched one. Rejects when it cannot be read, and then changes nothing.
   */
  take(jwks: Readonly<Record<string, unknown>>): Promise<void>
  /** A key that was revoked: it is not answered any more, whatever set still holds it, as one from a cache may. */
  forget(kid: string): void
  /** Rises whenever the keys change: what was verified before has to be verified again. */
  readonly version: number
}

interface KnownSet {
  readonly keys: readonly VerificationKey[]
  /** The set as it was written, to see whether another one differs. */
  readonly text: string
  readonly wasTold: boolean
  readonly freshUntil: number
  readonly staleUntil: number
}

/**
 * The keys of an issuer, fetched at the first use.
 * @throws TypeError for an address that is not https (or this machine), or for an unknown algorithm. The source
 * throws KeysUnavailableError while there are no keys to answer from.
 */
export function remoteKeys(options: RemoteKeysOptions): RemoteKeys {
  const { issuer, clock = () => performance.now(), fetch = globalThis.fetch, allowInsecure = false } = options
  const allowed = [...allowAlgorithms(options.algorithms).values()]
  if (!isAcceptableAddress(options.jwksUri ?? issuer, allowInsecure))
    throw new TypeError('the issuer and its keys are reached by https, or by http on this machine')

  let known: KnownSet | undefined
  let asking: Promise<KnownSet> | undefined
  let askedAt = Number.NEGATIVE_INFINITY
  let failure: unknown
  let address = options.jwksUri
  let version = 0
  let told = 0
  const forgotten = new Set<string>()

  /** One request at a time. A failure leaves the last good set in place and forgets what discovery said. */
  function ask(missing?: KeyRequest): Promise<KnownSet> {
    if (asking) return asking
    askedAt = clock()
    const toldBefore = told
    asking = load()
      .then(
        set => {
          failure = undefined
          // What is fetched comes perhaps from a cache on the way, what was told from the issuer itself.
          const isOlder = known?.wasTold && clock() < known.freshUntil && !(missing && selectKey(set.keys, missing))
          return known && (told !== toldBefore || isOlder) ? known : keep(set)
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

  async function load(): Promise<KnownSet> {
    address ??= await discover()
    const { body, freshFor } = await readPublished(fetch, address)
    return read(body, { freshFor, wasTold: false })
  }

  async function read(
    jwks: Readonly<Record<string, unknown>>,
    { freshFor, wasTold }: { freshFor: number; wasTold: boolean },
  ): Promise<KnownSet> {
    const text = JSON.stringify(jwks['keys'])
    const keys = known?.text === text ? known.keys : await readKeySet(jwks, allowed)
    const now = clock()
    return { keys, text, wasTold, freshUntil: now + freshFor, staleUntil: now + LIMITS.stale }
  }

  function keep(set: KnownSet): KnownSet {
    if (known?.text !== set.text) version++
    known = { ...set, keys: without(set.keys, forgotten) }
    return known
  }

  async function discover(): Promise<string> {
    const { body } = await readPublished(fetch, discoveryAddress(issuer))
    return discovered(body, 'jwks_uri', { issuer, allowInsecure })
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

  async function find(request: KeyRequest): Promise<VerificationKey | undefined> {
    const key = selectKey(await usableKeys(), request)
    if (key) return key
    // Perhaps a new key. Anyone can write an unknown kid, so a flood of them costs the issuer one request a pause.
    if (!asking && clock() - askedAt < LIMITS.pause) return undefined
    const { keys } = await ask(request).catch(() => ({ keys: [] }))
    return selectKey(keys, request)
  }

  return Object.defineProperties(find, {
    take: {
      async value(jwks: Readonly<Record<string, unknown>>) {
        const turn = ++told
        const set = await read(jwks, { freshFor: LIMITS.usualFresh, wasTold: true })
        // Of two that are read at once, the later one counts.
        if (turn === told) keep(set)
      },
    },
    forget: {
      value(kid: string) {
        if (forgotten.has(kid)) return
        forgotten.add(kid)
        if (forgotten.size > LIMITS.forgotten) forgotten.delete(forgotten.values().next().value as string)
        if (known) known = { ...known, keys: without(known.keys, forgotten) }
        version++
      },
    },
    version: { get: () => version },
  }) as unknown as RemoteKeys
}

const without = (keys: readonly VerificationKey[], forgotten: ReadonlySet<string>): readonly VerificationKey[] =>
  keys.some(({ kid }) => kid !== undefined && forgotten.has(kid))
    ? keys.filter(({ kid }) => kid === undefined || !forgotten.has(kid))
    : keys

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

/** A JSON object that the issuer publishes, and for how long it is to be believed. */
async function readPublished(fetch: Fetch, address: string) {
  const { status, headers, object } = await fetchObject(fetch, address)
  if (status !== 200) throw new Error(`${address} answered ${status}`)
  if (!object) throw new Error(`${address} answered no JSON object`)
  return { body: object, freshFor: freshness(headers.get('cache-control') ?? '') }
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
