/**
 * A service's own access token (client credentials, RFC 6749 §4.4): fetched when it is first needed, by one request
 * for all who wait, and again before it ends. What it is sent with is service-client.ts's business.
 */
import { randomUUID } from 'node:crypto'
import {
  discovered,
  discoveryAddress,
  type Fetch,
  type FetchedObject,
  fetchObject,
  isAcceptableAddress,
} from './fetching.ts'
import type { JWK } from './jwk.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND

const LIMITS = {
  /** A token is renewed in its last tenth, so that a failure leaves time to try again; of a long one, within this. */
  longestNotice: 5 * MINUTE,
  /** On its way to the service, and by another clock, a token may last this much shorter than here. */
  margin: 5 * SECOND,
  /** RFC 6749 §5.1 only recommends `expires_in`; whoever leaves it out is asked again after this. */
  usualLifetime: 5 * MINUTE,
  /** After a failure, and twice as long after each further one. */
  firstPause: SECOND,
  longestPause: 30 * SECOND,
  /** However long a wait the issuer asks for with Retry-After. */
  longestRetryAfter: 5 * MINUTE,
  /** A service that refuses every token causes no more than one new one in this time. */
  forgetful: SECOND,
  /** RFC 7523 §3: an assertion is for now. */
  assertionSeconds: 60,
} as const

const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

export interface MachineTokenOptions {
  /** The issuer, as its tokens name it. */
  readonly issuer: string
  /** Where the issuer is reached from here, if not under its own name: a name that its server knows as its own too. */
  readonly url?: string
  /** Skips discovery. */
  readonly tokenEndpoint?: string
  readonly clientId: string
  /** Sent in the Authorization header (`client_secret_basic`), or as `secretIn` says. */
  readonly clientSecret?: string
  /** `body` is `client_secret_post`. */
  readonly secretIn?: 'header' | 'body'
  /** A private key with its `alg`, in place of a secret: `private_key_jwt` (RFC 7523 §2.2). */
  readonly clientKey?: JWK
  /** The API that the token is for. */
  readonly audience: string
  /** Separated by spaces; without it, all that the client is granted. */
  readonly scope?: string
  /** Allows `http:` beyond this machine. */
  readonly allowInsecure?: boolean
  readonly fetch?: Fetch
  /** Milliseconds that never run backwards: only spans are measured. */
  readonly clock?: () => number
}

export interface MachineToken {
  /** @throws MachineTokenError while there is none. */
  get(): Promise<string>
  /** To be called when a service answered `invalid_token`: the next `get` fetches another. Of any other than the current token it does nothing. */
  forget(token: string): void
}

/**
 * There is no token. `refused` is the issuer's word on this client or its wish, which trying again does not change;
 * `unavailable` says nothing but that it could not be asked.
 */
export class MachineTokenError extends Error {
  override readonly name = 'MachineTokenError'
  readonly code: 'refused' | 'unavailable'
  /** The issuer's, if it gave one (RFC 6749 §5.2). */
  readonly error: string | undefined
  /** For how long the issuer asked to be left alone; 0 if it did not. */
  readonly retryAfterSeconds: number

  constructor(
    code: MachineTokenError['code'],
    message: string,
    { error, retryAfterSeconds = 0, cause }: { error?: string; retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.error = error
    this.retryAfterSeconds = retryAfterSeconds
  }
}

interface Held {
  readonly token: string
  readonly fetchedAt: number
  readonly renewAt: number
  readonly endsAt: number
}

interface Failure {
  readonly error: MachineTokenError
  readonly pauseUntil: number
  readonly count: number
}

/**
 * @throws TypeError for an address that is not https (or this machine), and unless there is either a secret or a key.
 */
export function createMachineToken(options: MachineTokenOptions): MachineToken {
  const { issuer, url = issuer, clock = () => performance.now(), fetch = globalThis.fetch } = options
  const { allowInsecure = false } = options
  if (!isAcceptableAddress(options.tokenEndpoint ?? url, allowInsecure))
    throw new TypeError('the token endpoint is reached by https, or by http on this machine')
  const authenticate = authentication(options)

  let held: Held | undefined
  let asking: Promise<Held> | undefined
  let failure: Failure | undefined
  let endpoint = options.tokenEndpoint

  /** One request at a time, whose outcome everybody shares who came meanwhile. */
  function ask(): Promise<Held> {
    asking ??= fetchToken()
      .then(
        fetched => {
          failure = undefined
          held = fetched
          return fetched
        },
        cause => {
          endpoint = options.tokenEndpoint
          failure = fail(cause)
          throw failure.error
        },
      )
      .finally(() => {
        asking = undefined
      })
    return asking
  }

  async function fetchToken(): Promise<Held> {
    endpoint ??= await discover()
    const { headers, parameters } = await authenticate()
    const body = new URLSearchParams({
      grant_type: 'client_credentials',
      audience: options.audience,
      ...(options.scope !== undefined && { scope: options.scope }),
      ...parameters,
    })
    const askedAt = clock()
    const answer = await fetchObject(fetch, endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: `${body}`,
    })
    if (answer.status !== 200) throw refusal(answer)
    const { token, lifetime } = readAnswer(answer.object)
    const notice = Math.min(lifetime / 10, LIMITS.longestNotice)
    const margin = Math.min(notice / 2, LIMITS.margin)
    return {
      token,
      fetchedAt: askedAt,
      renewAt: askedAt + lifetime - notice,
      endsAt: askedAt + lifetime - margin,
    }
  }

  async function discover(): Promise<string> {
    const { status, object } = await fetchObject(fetch, discoveryAddress(url))
    if (status !== 200 || !object) throw new Error(`discovery answered ${status}${object ? '' : ' without an object'}`)
    const found = discovered(object, 'token_endpoint', { issuer, allowInsecure: allowInsecure || url !== issuer })
    // Whoever is reached under another name is reached so for the rest as well.
    const reached = found.startsWith(issuer) ? url + found.slice(issuer.length) : found
    if (!isAcceptableAddress(reached, allowInsecure)) throw new Error('discovery names no acceptable token_endpoint')
    return reached
  }

  function fail(cause: unknown): Failure {
    const count = (failure?.count ?? 0) + 1
    const pause = Math.min(LIMITS.firstPause * 2 ** (count - 1), LIMITS.longestPause)
    const error =
      cause instanceof MachineTokenError
        ? cause
        : new MachineTokenError('unavailable', `${issuer} gave no token`, { cause })
    const asked = Math.min(error.retryAfterSeconds * SECOND, LIMITS.longestRetryAfter)
    return { count, error, pauseUntil: clock() + Math.max(pause, asked) }
  }

  return {
    async get() {
      const now = clock()
      if (held && now < held.renewAt) return held.token
      const isUsable = held !== undefined && now < held.endsAt
      const mayAsk = asking !== undefined || failure === undefined || now >= failure.pauseUntil
      if (held && isUsable) {
        // Nobody waits for a renewal. Its failure is told once nothing is left to answer with.
        if (mayAsk) ask().catch(() => {})
        return held.token
      }
      if (!mayAsk && failure) throw failure.error
      return (await ask()).token
    },

    forget(token) {
      if (held?.token === token && clock() - held.fetchedAt >= LIMITS.forgetful) held = undefined
    },
  }
}

/** The description stays where it is: it is anybody's text, and may repeat what was sent. */
function refusal({ status, headers, object }: FetchedObject): MachineTokenError {
  const error = object?.['error']
  const named = typeof error === 'string' && /^[\w.-]{1,64}$/.test(error) ? { error } : {}
  const isAnswer = status >= 400 && status < 500 && status !== 408 && status !== 429
  return new MachineTokenError(
    isAnswer ? 'refused' : 'unavailable',
    `the token endpoint answered ${status}${named.error === undefined ? '' : ` ${named.error}`}`,
    { ...named, retryAfterSeconds: Number(/^\d{1,6}$/.exec(headers.get('retry-after') ?? '')?.[0] ?? 0) },
  )
}

/** RFC 6749 §5.1. A token of another type cannot be sent as a bearer (§7.1: it must not be used). */
function readAnswer(object: Readonly<Record<string, unknown>> | undefined): { token: string; lifetime: number } {
  const { access_token: token, token_type: type, expires_in: seconds } = object ?? {}
  if (typeof token !== 'string' || !/^[\w.~+/-]+=*$/.test(token)) throw new Error('the answer holds no bearer token')
  if (typeof type !== 'string' || type.toLowerCase() !== 'bearer') throw new Error('the token is no bearer token')
  const isSpan = typeof seconds === 'number' && seconds > 0 && Number.isFinite(seconds)
  return { token, lifetime: isSpan ? seconds * SECOND : LIMITS.usualLifetime }
}

interface Authentication {
  readonly headers?: Record<string, string>
  readonly parameters?: Record<string, string>
}

function authentication(options: MachineTokenOptions): () => Authentication | Promise<Authentication> {
  const { clientId, clientSecret, clientKey, secretIn = 'header', issuer } = options
  if ((clientSecret === undefined) === (clientKey === undefined))
    throw new TypeError('a client has either a secret or a key')
  if (clientSecret === undefined) return () => signAssertion(clientKey as JWK, clientId, issuer)
  if (secretIn === 'body') return () => ({ parameters: { client_id: clientId, client_secret: clientSecret } })
  // §2.3.1: each is form-encoded before they are joined.
  const encoded = [clientId, clientSecret].map(part => new URLSearchParams({ '': part }).toString().slice(1)).join(':')
  return () => ({ headers: { authorization: `Basic ${Buffer.from(encoded).toString('base64')}` } })
}

/** RFC 7523 §3. The issuer is the audience that every endpoint of it takes, and the only one under FAPI 2. */
async function signAssertion(key: JWK, clientId: string, issuer: string): Promise<Authentication> {
  const { importJWK, SignJWT } = await import('jose')
  const { alg, kid } = key
  if (typeof alg !== 'string') throw new TypeError('the client’s key names its algorithm')
  const assertion = await new SignJWT({})
    .setProtectedHeader({ alg, ...(kid !== undefined && { kid }) })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(issuer)
    .setJti(randomUUID())
    .setIssuedAt()
    .setExpirationTime(`${LIMITS.assertionSeconds}s`)
    .sign(await importJWK(key, alg))
  return { parameters: { client_id: clientId, client_assertion_type: JWT_BEARER, client_assertion: assertion } }
}
