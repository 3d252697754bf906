/**
 * THE LIST: every kind of credential that a plan's routes take, opened, and the endpoints that come with them. What has to
 * outlive a plan is handed in, since another plan comes with every change of the route file.
 */
import type { Clock, Instant } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { Credential } from '../credentials.ts'
import type { OwnEndpoint } from '../edge.ts'
import { type Arrival, type Caller, Refused } from '../exchange.ts'
import type { EdgeIssuer } from '../issuers.ts'
import type { CredentialKind, EdgePlan } from '../plan.ts'
import type { SharedRedis } from '../shared-redis.ts'
import type { TokenCache } from '../token-cache.ts'
import { apiKeyCredential } from './api-key.ts'
import { bearerCredential, createTokenReader } from './bearer.ts'
import { isJwt } from './bearer-text.ts'
import { importDecryptionKeys } from './decryption-keys.ts'
import { createIntrospector, type Introspector } from './introspect.ts'
import { createIssuerClient } from './issuer-client.ts'
import { opaqueCredential } from './opaque.ts'
import { type SessionRecords, sessionsHere, sessionsInRedis } from './session/records.ts'
import { singleUseCredential } from './single-use.ts'
import { type SpentTokens, spentHere, spentInRedis } from './spent-tokens.ts'

/** In this process's memory, from its start to its end: a reload signs nobody out and gives no spent token back. */
export interface KeptHere {
  readonly spent: SpentTokens
  /** Since when what is spent is remembered in that Redis, or (null) here: a reload that names another begins anew there. */
  spentSince(redisUrl: string | null): Instant
  readonly sessions: SessionRecords
}

export function keepHere(clock: Clock): KeptHere {
  let place: { readonly redisUrl: string | null; readonly since: Instant } | undefined
  return {
    spent: spentHere(clock),
    sessions: sessionsHere({ clock }),
    spentSince(redisUrl) {
      if (place?.redisUrl !== redisUrl) place = { redisUrl, since: place ? clock() : Number.NEGATIVE_INFINITY }
      return place.since
    },
  }
}

export interface CredentialParts {
  readonly issuers: readonly EdgeIssuer[]
  readonly cache: TokenCache
  /** Null: this process alone. */
  readonly redis: SharedRedis | null
  readonly kept: KeptHere
  readonly clock: Clock
  readonly log: Log
}

export interface OpenCredentials {
  readonly credentials: readonly Credential[]
  readonly endpoints: readonly OwnEndpoint[]
}

export async function openCredentials(plan: EdgePlan, parts: CredentialParts): Promise<OpenCredentials> {
  const { issuers, cache, redis, kept, clock, log } = parts
  const takes = (...kinds: readonly CredentialKind[]): boolean =>
    plan.routes.some(({ credentials }) => credentials.some(kind => kinds.includes(kind)))
  const decryptionKeys = await importDecryptionKeys(plan.decryptionKeys)
  const readJwt = createTokenReader(issuers, cache, decryptionKeys)
  const bearer = bearerCredential(issuers, cache, decryptionKeys)
  const credentials: Credential[] = [bearer]
  const endpoints: OwnEndpoint[] = []

  const introspector = takes('opaque', 'api-key', 'session') ? introspectorOf(issuers, clock) : undefined
  if (introspector && takes('opaque')) credentials.push(opaqueCredential(introspector))
  if (introspector && takes('api-key')) credentials.push(apiKeyCredential(introspector))
  const keptThereSince = kept.spentSince(plan.redisUrl)
  if (takes('single-use'))
    credentials.push(singleUseCredential(bearer, redis ? spentInRedis(redis) : kept.spent, keptThereSince))

  const { session } = plan
  const issuer = issuers.find(one => one.plan.issuer === session?.issuer.issuer)
  if (session && issuer && takes('session')) {
    const readToken = (token: string, arrival: Arrival): Caller | Promise<Caller> => {
      if (isJwt(token)) return readJwt(token, arrival.now)
      if (introspector && issuer === introspected(issuers)) return introspector.read(token, 'opaque', arrival)
      throw new Refused({ code: 'invalid_token', detail: 'it is opaque, and its issuer cannot be asked' })
    }
    const { createEdgeSessions } = await import('./session.ts')
    const sessions = createEdgeSessions({
      plan: session,
      issuer,
      client: createIssuerClient(session.issuer, { clock }),
      records: redis ? sessionsInRedis(redis) : kept.sessions,
      readToken,
      clock,
      log,
    })
    credentials.push(sessions.credential)
    endpoints.push(...sessions.endpoints)
  }
  return { credentials, endpoints }
}

/**
 * An opaque token does not say whose it is, and to ask several issuers would show each of them the others' tokens: the
 * first of the file that the gateway is a client of is the one that is asked.
 */
const introspected = (issuers: readonly EdgeIssuer[]): EdgeIssuer | undefined =>
  issuers.find(({ plan }) => plan.client !== null)

function introspectorOf(issuers: readonly EdgeIssuer[], clock: Clock): Introspector | undefined {
  const issuer = introspected(issuers)
  if (!issuer?.plan.client) return undefined
  return createIntrospector(issuer, issuer.plan.client, createIssuerClient(issuer.plan, { clock }))
}
