/**
 * Whether a client signed something, by the keys it registered or publishes. Those at a URL are kept, and asked for
 * again when something is signed with a key that is not among them. What was signed is for the caller to judge.
 */

import { parseObject } from '@latchkey/sdk/strict-json'
import {
  type AlgorithmName,
  allowAlgorithms,
  importPublicKey,
  type JWK,
  KeysUnavailableError,
  type SignedToken,
  type SignerKeys,
  VerificationError,
  type VerificationKey,
  verifySignature,
} from '@latchkey/sdk/verify'
import { type Asker, type Egress, EgressError } from '../http/egress.ts'
import type { Clock, Instant } from '../kernel/clock.ts'
import type { JsonValue } from '../kernel/json.ts'
import type { Log } from '../kernel/log.ts'
import { DAY, HOUR, MINUTE, SECOND } from '../kernel/seconds.ts'
import type { Client } from './metadata.ts'
import { CLIENT_KEY_ALGORITHMS, keyFault, type RegisteredKey } from './public-keys.ts'

export interface ClientKeys {
  /**
   * A JWS that the client made by one of the algorithms with a key of its own.
   * @throws VerificationError; KeysUnavailableError while the client's `jwks_uri` has never answered.
   */
  verify(
    client: Client,
    token: string,
    algorithms: readonly AlgorithmName[],
    /** These of its keys, and no others. */
    only?: readonly RegisteredKey[] | null,
  ): Promise<SignedToken>
}

/** On whose behalf is fetched what a client points to. */
export const askerFor = ({ tenant, id, isFirstParty }: Client): Asker => ({
  name: `client ${tenant} ${id}`,
  isOurs: isFirstParty,
})

const LIMITS = {
  /** A withdrawn key must stop counting, however its answer is labelled. */
  longestFresh: HOUR,
  shortestFresh: MINUTE,
  usualFresh: 5 * MINUTE,
  /** How long the last good keys are believed while their URL fails. */
  stale: DAY,
  /** Between two requests to one client's URL: strangers can sign with unknown keys as often as they like. */
  pause: 5 * SECOND,
  /** Clients whose fetched keys are kept; a tenant with more active ones asks for some again. */
  clients: 1000,
  /** Of one fetched set, the first ones. */
  keys: 50,
} as const

interface Kept {
  readonly keys: readonly VerificationKey[] | undefined
  readonly fetchedAt: Instant
  readonly freshFor: number
  readonly askedAt: Instant
  readonly asking: Promise<void> | undefined
}

export function createClientKeys({ egress, clock, log }: { egress: Egress; clock: Clock; log: Log }): ClientKeys {
  const kept = new Map<string, Kept>()
  // What a client's own keys were turned into lives as long as the client as it was read.
  const registered = new WeakMap<
    readonly RegisteredKey[],
    Promise<readonly (VerificationKey & { expiresAt: Instant | null })[]>
  >()

  const nameOf = ({ tenant, id }: Client, uri: string) => JSON.stringify([tenant, id, uri])

  function keep(name: string, entry: Kept): void {
    kept.delete(name)
    kept.set(name, entry)
    if (kept.size > LIMITS.clients) kept.delete(kept.keys().next().value as string)
  }

  /** One request at a time for one client, however many wait. A failure leaves the last good keys in place. */
  function ask(client: Client, uri: string): Promise<void> {
    const name = nameOf(client, uri)
    const before = kept.get(name)
    if (before?.asking) return before.asking
    const askedAt = clock()
    const rest = { keys: before?.keys, fetchedAt: before?.fetchedAt ?? 0, freshFor: before?.freshFor ?? 0, askedAt }
    const asking = fetchKeys(egress, client, uri).then(
      ({ keys, freshFor }) => keep(name, { keys, fetchedAt: clock(), freshFor, askedAt, asking: undefined }),
      (error: unknown) => {
        keep(name, { ...rest, asking: undefined })
        if (!(error instanceof EgressError)) throw error
        const { reason, message } = error
        log.warn({ tenant: client.tenant, client: client.id, reason }, `the keys of a client: ${message}`)
      },
    )
    keep(name, { ...rest, asking })
    return asking
  }

  // Distances, not differences: a clock that was set back must not make anything last.
  const since = (instant: Instant) => Math.abs(clock() - instant)
  const mayAsk = (entry: Kept | undefined) =>
    !entry || entry.asking !== undefined || since(entry.askedAt) >= LIMITS.pause

  async function published(client: Client, uri: string): Promise<readonly VerificationKey[]> {
    const name = nameOf(client, uri)
    const known = kept.get(name)
    const isFresh = known?.keys !== undefined && since(known.fetchedAt) < known.freshFor
    if (!isFresh && mayAsk(known)) await ask(client, uri)
    const now = kept.get(name)
    if (now?.keys && since(now.fetchedAt) < LIMITS.stale) return now.keys
    throw new KeysUnavailableError('the keys of the client cannot be had')
  }

  async function own(keys: readonly RegisteredKey[]): Promise<readonly VerificationKey[]> {
    const known = registered.get(keys) ?? importRegistered(keys)
    registered.set(keys, known)
    const now = clock()
    return (await known).filter(({ expiresAt }) => expiresAt === null || now < expiresAt)
  }

  return {
    async verify(client, token, algorithms, only = null) {
      const allowed = allowAlgorithms(algorithms)
      const uri = only === null ? client.keys.uri : null
      const keys = uri === null ? await own(only ?? client.keys.registered) : await published(client, uri)
      try {
        return await verifySignature(token, among(keys), allowed)
      } catch (error) {
        // A key nobody knows yet; or one that took the place, and the name if it has one, of another.
        const mayBeNew =
          error instanceof VerificationError && (error.code === 'unknown_key' || error.code === 'bad_signature')
        if (!mayBeNew || uri === null || !mayAsk(kept.get(nameOf(client, uri)))) throw error
        await ask(client, uri)
        return verifySignature(token, among(await published(client, uri)), allowed)
      }
    },
  }
}

/** Those of the name the token says; where none has it, or it says none, those without a name, or all of them. */
const among =
  (keys: readonly VerificationKey[]): SignerKeys =>
  async ({ kid, alg }) => {
    const fitting = keys.filter(key => key.alg === alg)
    if (kid === undefined) return fitting
    const named = fitting.filter(key => key.kid === kid)
    return named.length > 0 ? named : fitting.filter(key => key.kid === undefined)
  }

async function importRegistered(keys: readonly RegisteredKey[]) {
  const imported = await Promise.all(
    keys.map(async ({ jwk, expiresAt }) => (await importEvery([jwk])).map(key => ({ ...key, expiresAt }))),
  )
  return imported.flat()
}

/** A key for each algorithm that it fits; what fits none is passed over (RFC 7517 §5). */
async function importEvery(jwks: readonly JWK[]): Promise<readonly VerificationKey[]> {
  const imports = jwks.flatMap(jwk => CLIENT_KEY_ALGORITHMS.map(alg => importPublicKey(jwk, alg)))
  const settled = await Promise.allSettled(imports)
  return settled.flatMap(result => (result.status === 'fulfilled' ? result.value : []))
}

async function fetchKeys(egress: Egress, client: Client, uri: string) {
  const accept = 'application/jwk-set+json, application/json'
  const { body, headers } = await egress.get(uri, { asker: askerFor(client), accept })
  const keys = parseObject(body)?.['keys']
  if (!Array.isArray(keys)) throw new EgressError('not_understood', `${new URL(uri).host} answered no key set.`)
  const sound = (keys as readonly JsonValue[]).slice(0, LIMITS.keys).filter(key => keyFault(key) === undefined)
  return { keys: await importEvery(sound as readonly JWK[]), freshFor: freshness(headers['cache-control'] ?? '') }
}

function freshness(cacheControl: string): number {
  const maxAge = /(?:^|[\s,])max-age=(\d{1,9})/i.exec(cacheControl)?.[1]
  const wanted = /(?:^|[\s,])no-(?:store|cache)/i.test(cacheControl)
    ? 0
    : maxAge === undefined
      ? LIMITS.usualFresh
      : Number(maxAge) * SECOND
  return Math.min(Math.max(wanted, LIMITS.shortestFresh), LIMITS.longestFresh)
}
