/**
 * What stands before a service's own routes: whether a request brings a token that is good, still counts, and may do what
 * it asks, and what to answer when not (RFC 6750 §3). How a framework hands requests over is express.ts's and fastify.ts's.
 */
import type { AlgorithmName } from './algorithms.ts'
import { accessToken, requireScopes, type VerifiedClaims } from './claims.ts'
import { KeysUnavailableError, VerificationError } from './errors.ts'
import type { Fetch } from './fetching.ts'
import { type RemoteKeys, remoteKeys } from './jwks.ts'
import { createRevocations, type Revocations, type RevocationsLog, revocationFacts } from './revocations.ts'
import type { TokenHeader } from './signature.ts'
import { createVerifier } from './verify.ts'

export interface GuardOptions {
  /** As `iss` says it, byte for byte. */
  readonly issuer: string
  /** This service, as the issuer calls it. */
  readonly audience: string
  readonly algorithms: readonly AlgorithmName[]
  /**
   * With which the issuer's revocations are followed: it was granted `read:revocations` for the audience `{issuer}api/v2/`.
   * Without one a token counts until it expires.
   */
  readonly client?: { readonly id: string; readonly secret: string }
  /** Where the issuer is reached from here, if not under its own name. */
  readonly url?: string
  /** What to do while nothing was heard of revocations for so many milliseconds: by default, deny after a minute. */
  readonly onStale?: { readonly after: number; readonly do: 'deny' | 'allow' }
  readonly realm?: string
  readonly log?: RevocationsLog
  readonly allowInsecure?: boolean
  readonly fetch?: Fetch
  /** Milliseconds since 1970. */
  readonly clock?: () => number
  /** In place of those that the guard would open, and close, itself. */
  readonly keys?: RemoteKeys
  readonly revocations?: Revocations
}

/** What a route wants beyond a good token. */
export interface Wanted {
  /** All of them. */
  readonly scopes?: readonly string[]
}

/** Who is calling. */
export interface Auth {
  readonly claims: VerifiedClaims
  readonly header: TokenHeader
  readonly scopes: readonly string[]
}

export interface Denial {
  readonly status: 400 | 401 | 403 | 503
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface Guard {
  /** Throws, or rejects, for nothing that a request can bring. */
  judge(request: GuardedRequest, wanted?: Wanted): Promise<Auth | Denial>
  /** Null where nobody was named to follow them. */
  readonly revocations: Revocations | null
  /** Lets go of what the guard opened itself. */
  close(): Promise<void>
}

/** A request of Node's, or what has the same of it. */
export interface GuardedRequest {
  readonly headers: { readonly authorization?: string | undefined }
  /** Name, value, name, value, as they came. */
  readonly rawHeaders: readonly string[]
}

const DENY_AFTER = 60_000
/** In seconds. */
const COME_BACK = '5'

export const isDenied = (verdict: Auth | Denial): verdict is Denial => 'status' in verdict

/**
 * Follows revocations from now on, if it was told with which client.
 * @throws TypeError for an option that is missing or makes no sense.
 */
export function createGuard(options: GuardOptions): Guard {
  const { issuer, audience, algorithms, client, realm = 'api', clock = Date.now } = options
  const { onStale = { after: DENY_AFTER, do: 'deny' } } = options
  if (!/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/.test(realm)) throw new TypeError('realm is text without quotes')
  if (!(onStale.after > 0)) throw new TypeError('onStale.after is a number of milliseconds')
  const shared = {
    issuer,
    ...(options.allowInsecure !== undefined && { allowInsecure: options.allowInsecure }),
    ...(options.fetch && { fetch: options.fetch }),
  }
  const keys = options.keys ?? remoteKeys({ ...shared, algorithms, ...jwksAt(options) })
  const verify = createVerifier({ keys, algorithms, profile: accessToken({ issuer, audience }), clock })
  const own =
    client && !options.revocations
      ? createRevocations({
          ...shared,
          client,
          keys,
          wallClock: clock,
          ...(options.url !== undefined && { url: options.url }),
          ...(options.log && { log: options.log }),
        })
      : undefined
  const revocations = options.revocations ?? own ?? null
  own?.start()

  const deny = (status: 400 | 401 | 403, error: string, description: string, scopes?: readonly string[]): Denial =>
    denial(status, error, description, {
      'www-authenticate': [
        `Bearer realm="${realm}", error="${error}", error_description="${description}"`,
        ...(scopes ? [`scope="${scopes.join(' ')}"`] : []),
      ].join(', '),
    })

  /** Not the token's fault: whoever was told 401 would throw a good one away. */
  const unavailable = (description: string): Denial =>
    denial(503, 'temporarily_unavailable', description, { 'retry-after': COME_BACK })

  function refuse(error: unknown, scopes: readonly string[]): Denial {
    if (error instanceof KeysUnavailableError) return unavailable('the keys of the issuer cannot be had')
    if (!(error instanceof VerificationError)) throw error
    return error.code === 'insufficient_scope'
      ? deny(403, error.code, error.message, scopes)
      : deny(401, 'invalid_token', error.message)
  }

  return {
    revocations,

    async judge(request, { scopes = [] } = {}) {
      const { authorization } = request.headers
      // Whoever is in between may have believed another one of them.
      if (countAuthorizations(request.rawHeaders) > 1)
        return deny(400, 'invalid_request', 'the Authorization header is sent more than once')
      // §3.1: whoever sent none is told how to, and no error.
      if (authorization === undefined || !/^bearer(?: |$)/i.test(authorization))
        return denial(401, 'invalid_token', 'there is no bearer token', {
          'www-authenticate': `Bearer realm="${realm}"`,
        })
      const [, text] = /^bearer +([\w\-.~+/]+=*)$/i.exec(authorization) ?? []
      if (text === undefined) return deny(400, 'invalid_request', 'the Authorization header holds no bearer token')
      try {
        const token = await verify(text)
        // RFC 9449 §7.2, RFC 8705 §3: what is bound to a key is of no use to a bearer.
        if (token.claims['cnf'] !== undefined)
          return deny(401, 'invalid_token', 'the token is bound to a key of which there is no proof')
        if (revocations) {
          if (revocations.isRevoked(revocationFacts(token.claims, token.header.kid)))
            return deny(401, 'invalid_token', 'the token was revoked')
          if (onStale.do === 'deny' && !(revocations.age() <= onStale.after))
            return unavailable('what was revoked is not known right now')
        }
        requireScopes(token, ...scopes)
        const scope = token.claims['scope']
        return {
          claims: token.claims,
          header: token.header,
          scopes: typeof scope === 'string' ? scope.split(' ').filter(Boolean) : [],
        }
      } catch (error) {
        return refuse(error, scopes)
      }
    },

    async close() {
      await own?.close()
    },
  }
}

/** Whoever is reached under another name publishes its keys there too. */
const jwksAt = ({ url }: GuardOptions): { jwksUri?: string } =>
  url === undefined ? {} : { jwksUri: new URL('.well-known/jwks.json', url).href }

const denial = (
  status: Denial['status'],
  error: string,
  description: string,
  headers: Readonly<Record<string, string>>,
): Denial => ({
  status,
  headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
  body: JSON.stringify({ error, error_description: description }),
})

function countAuthorizations(rawHeaders: readonly string[]): number {
  let count = 0
  for (let at = 0; at < rawHeaders.length; at += 2) if (rawHeaders[at]?.toLowerCase() === 'authorization') count++
  return count
}

/**
 * Who is calling, of a request that a guard let through.
 * @throws TypeError for any other: its route has no guard before it.
 */
export function authOf(request: object): Auth {
  const { auth } = request as { readonly auth?: Auth }
  if (!auth) throw new TypeError('the request passed no guard')
  return auth
}
