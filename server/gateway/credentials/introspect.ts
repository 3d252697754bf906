/**
 * Tokens that only their issuer can read (RFC 7662), asked about once and remembered for a while. How long is said here;
 * what may pass with them is `judge.ts`'s, on every request. A stranger can make up tokens without end, so what they cost is
 * bounded: places in the memory, questions under way, and how many of those one network may have.
 */
import type { Instant } from '../../kernel/clock.ts'
import type { JsonObject } from '../../kernel/json.ts'
import { networkOf } from '../../kernel/network-of.ts'
import { MINUTE, SECOND } from '../../kernel/seconds.ts'
import { sha256 } from '../../kernel/secrets.ts'
import { type Arrival, type Caller, Refused } from '../exchange.ts'
import { type EdgeIssuer, factsOf } from '../issuers.ts'
import type { CredentialKind } from '../plan.ts'
import { callerOf } from './bearer.ts'
import { type ClientSecret, type IssuerClient, IssuerUnavailableError } from './issuer-client.ts'
import { createPlaces } from './places.ts'

export interface Introspector {
  /** At once where it is known. Throws or rejects with `Refused`. */
  read(token: string, kind: CredentialKind, asked: Asked): Caller | Promise<Caller>
}

/** By whom, and when. */
type Asked = Pick<Arrival, 'address' | 'now'>

export interface IntrospectionOptions {
  readonly mostKnown?: number
  readonly mostRefused?: number
  readonly mostAtOnce?: number
  readonly mostWaiting?: number
  readonly mostFromOne?: number
}

/**
 * What the log of revocations does not tell is noticed by then: a grant that was narrowed, and everything where there is
 * no log to follow.
 */
const KNOWN_FOR = MINUTE
const REFUSED_FOR = SECOND
/** Beyond it nobody issues one, and a line of headers ends. */
const LONGEST_TOKEN = 4096

const DEFAULTS = { mostKnown: 20_000, mostRefused: 10_000, mostAtOnce: 32, mostWaiting: 256, mostFromOne: 64 } as const

/** RFC 6750 §2.1. */
const BEARER_FORM = /^[A-Za-z0-9\-._~+/]+=*$/

interface Known {
  readonly caller: Caller
  readonly since: Instant
  readonly until: Instant
}

export function createIntrospector(
  issuer: EdgeIssuer,
  client: ClientSecret,
  { post }: Pick<IssuerClient, 'post'>,
  options: IntrospectionOptions = {},
): Introspector {
  const { mostKnown, mostRefused, mostAtOnce, mostWaiting, mostFromOne } = { ...DEFAULTS, ...options }
  /** Under the token's whole SHA-256, and never under anything shorter or of the token's own choice. */
  const known = new Map<string, Known>()
  const refused = new Map<string, { readonly refusal: Refused; readonly since: Instant }>()
  const asking = new Map<string, Promise<Caller>>()
  const places = createPlaces({ mostAtOnce, mostWaiting, mostFromOne })

  async function ask(token: string, kind: CredentialKind, { address, now }: Asked, name: string): Promise<Caller> {
    const leave = await places.enter(networkOf(address))
    if (!leave) throw unavailable('too many unknown tokens are being asked about')
    try {
      const claims = await introspect(token, kind)
      const caller: Caller = {
        ...callerOf(issuer, claims),
        facts: factsOf(knownToLog(claims), undefined),
        kind,
        keysVersion: issuer.keysVersion(),
        signed: null,
        askAgain: async later => read(token, kind, { address, now: later }),
        soundAt: -1,
      }
      put(known, mostKnown, name, { caller, since: now, until: endOf(claims, now) })
      return caller
    } catch (error) {
      if (error instanceof Refused && error.refusal.code !== 'introspection_unavailable')
        put(refused, mostRefused, name, { refusal: error, since: now })
      throw error
    } finally {
      leave()
    }
  }

  async function introspect(token: string, kind: CredentialKind): Promise<JsonObject> {
    const { status, body } = await post(
      'introspectionEndpoint',
      { token, token_type_hint: 'access_token' },
      client,
    ).catch(error => {
      if (error instanceof IssuerUnavailableError) throw unavailable('the issuer did not answer')
      throw error
    })
    // 401 is about the gateway's own client, and nothing but 200 is about the token.
    if (status !== 200) throw unavailable(`the issuer answered ${status}`)
    return readAnswer(body, issuer.plan.issuer, kind)
  }

  function read(token: string, kind: CredentialKind, asked: Asked): Caller | Promise<Caller> {
    if (token.length > LONGEST_TOKEN || !BEARER_FORM.test(token)) throw invalid('it is no token')
    const name = sha256(token)
    const { now } = asked
    const found = known.get(name)
    // Since as well: a clock that was set back must not make an answer last.
    if (found && now >= found.since && now < found.until) return found.caller
    if (found) known.delete(name)
    const junk = refused.get(name)
    if (junk && Math.abs(now - junk.since) < REFUSED_FOR) throw junk.refusal
    const under = asking.get(name)
    if (under) return under
    const answer = ask(token, kind, asked, name).finally(() => asking.delete(name))
    asking.set(name, answer)
    return answer
  }

  return { read }
}

/** Until its own end, or until it is asked about again. */
const endOf = ({ exp }: JsonObject, now: Instant): Instant =>
  Math.min(typeof exp === 'number' ? exp * SECOND : Number.POSITIVE_INFINITY, now + KNOWN_FOR)

/** A client whose epoch is not told cannot be found in the log: a token from after its revocation would look like one from before. */
function knownToLog(claims: JsonObject): JsonObject {
  const { client_id: _client, azp: _party, ...rest } = claims
  return typeof claims['client_epoch'] === 'number' ? claims : rest
}

/**
 * What RFC 7662 §2.2 answers, read strictly: what is there has to be what it should be, and the audience, the type and
 * `active` itself have to be there, since whoever is let through for the want of a claim is let through by nobody.
 * Throws `Refused`.
 */
export function readAnswer(body: JsonObject | undefined, issuer: string, kind: CredentialKind): JsonObject {
  // Anything but one of the two is no answer, and so says nothing about the token.
  if (typeof body?.['active'] !== 'boolean') throw unavailable('the issuer answered neither active nor inactive')
  if (!body['active']) throw invalid('the issuer says it is not active')
  const { active: _active, ...claims } = body
  const { iss, sub, aud, exp, nbf, iat, jti, scope, token_type: type, token_use: use } = claims
  if (iss !== undefined && iss !== issuer) throw invalid('the answer names another issuer')
  // RFC 6749 §7.1: in any case. A refresh token is active too, and has no type or says that it is one.
  const expected = kind === 'api-key' ? /^api_key$/ : /^(?:bearer|dpop)$/i
  if (typeof type !== 'string' || !expected.test(type)) throw invalid('it is of another type')
  if (use !== undefined && use !== 'access_token') throw invalid('it is no access token')
  if (type.toLowerCase() === 'dpop' || claims['cnf'] !== undefined) throw new Refused({ code: 'proof_missing' })
  for (const instant of [exp, nbf, iat])
    if (instant !== undefined && !(typeof instant === 'number' && Number.isFinite(instant)))
      throw invalid('an instant of the answer is not a number')
  for (const text of [sub, jti, scope, claims['client_id']])
    if (text !== undefined && typeof text !== 'string') throw invalid('a claim of the answer is not text')
  const audiences = [aud].flat()
  if (audiences.length === 0 || !audiences.every(audience => typeof audience === 'string' && audience !== ''))
    throw new Refused({ code: 'wrong_audience', detail: 'the answer names no audience' })
  return { ...claims, iss: issuer }
}

const invalid = (detail: string): Refused => new Refused({ code: 'invalid_token', detail })
const unavailable = (detail: string): Refused => new Refused({ code: 'introspection_unavailable', detail })

/** What came first leaves first. */
function put<T>(map: Map<string, T>, most: number, name: string, value: T): void {
  map.delete(name)
  if (map.size >= most) map.delete(map.keys().next().value as string)
  map.set(name, value)
}
