/**
 * `/edge/check`: another proxy asks whether a request of its own may go on, and who is calling. It is decided by the very
 * function that decides for requests that come here. What the proxy says of the request counts only where the proxy is
 * one of the file's, and only in one of the ways that proxies have: whatever is said in two ways, a client may have said
 * one of them.
 */
import type { IncomingMessage } from 'node:http'
import type { Admit } from './admit.ts'
import { hostOf, isRefusal, plainAddress } from './arrive.ts'
import type { OwnEndpoint } from './edge.ts'
import type { Arrival, Decision, OwnAnswer, Refusal } from './exchange.ts'
import type { IdentityHeaders } from './identity-headers.ts'
import { readTarget } from './path.ts'
import { refusalAnswer } from './refuse.ts'

export const CHECK_PATH = '/edge/check'

export interface ForwardAuthParts {
  readonly admit: Admit
  readonly isTrusted: (address: string) => boolean
  /** Who is calling, as a service behind the route is told. */
  readonly identityOf: IdentityHeaders
  /** Every header that says so, of whichever route, in lower case. */
  readonly identityHeaders: readonly string[]
}

export function forwardAuth({ admit, isTrusted, identityOf, identityHeaders }: ForwardAuthParts): OwnEndpoint {
  /** Empty where nothing is said: a proxy that copies what it gets has a client's own overwritten. */
  const nobody = Object.fromEntries(identityHeaders.map(header => [header, '']))

  function answerTo(decision: Decision, { id, now }: Arrival): OwnAnswer {
    if (decision.pass) {
      const { route, caller } = decision
      const headers: Record<string, string> = { ...nobody, 'cache-control': 'no-store' }
      const said = caller ? identityOf(route, caller, now) : []
      for (let at = 0; at < said.length; at += 2) headers[said[at] as string] = said[at + 1] as string
      return { status: 200, headers, about: decision }
    }
    const own = 'answer' in decision ? decision.answer : refusalAnswer(decision.refusal, id)
    // A proxy takes any 2xx for leave to go on: what we would have answered ourselves must not become that.
    return { ...(own.status < 300 ? refusalAnswer(OURS_TO_ANSWER, id) : own), about: decision }
  }

  function check(arrival: Arrival, request: IncomingMessage): OwnAnswer | Promise<OwnAnswer> {
    const refused = (refusal: Refusal) => answerTo({ pass: false, route: null, refusal }, arrival)
    if (!isTrusted(plainAddress(request.socket.remoteAddress ?? ''))) return refused(STRANGER)
    const asked = askedOf(arrival, request)
    if (isRefusal(asked)) return refused(asked)
    const decision = admit(asked)
    return decision instanceof Promise
      ? decision.then(decided => answerTo(decided, arrival))
      : answerTo(decision, arrival)
  }

  return {
    path: CHECK_PATH,
    isPrefix: true,
    answer(arrival, request) {
      const answer = check(arrival, request)
      if (arrival.headers['x-original-uri'] === undefined) return answer
      return answer instanceof Promise ? answer.then(forNginx) : forNginx(answer)
    },
  }
}

const STRANGER: Refusal = { code: 'not_internal', detail: 'who asks is none of trusted_proxies' }

/** A preflight, which a service behind would have to answer instead. */
const OURS_TO_ANSWER: Refusal = { code: 'cross_site', detail: 'a preflight cannot be answered through another proxy' }

/**
 * - `original`: nginx's `auth_request`, by `X-Original-URI` and `X-Original-Method`, and the request's own `Host`
 * - `forwarded`: Traefik and Caddy, by `X-Forwarded-Uri`, `-Method` and `-Host`
 * - `path`: Envoy's HTTP ext_authz, by what follows `/edge/check`, its method and `Host`
 */
type Way = 'original' | 'forwarded' | 'path'

/** As if it had come here; or why it could not have. */
function askedOf(arrival: Arrival, request: IncomingMessage): Arrival | Refusal {
  const { headers } = arrival
  const says = (...names: readonly string[]) => names.some(name => headers[name] !== undefined)
  const ways: readonly Way[] = [
    ...(says('x-original-uri', 'x-original-method') ? (['original'] as const) : []),
    ...(says('x-forwarded-uri', 'x-forwarded-method') ? (['forwarded'] as const) : []),
    ...(arrival.path.length > CHECK_PATH.length ? (['path'] as const) : []),
  ]
  const [way] = ways
  if (way === undefined) return malformed('it does not say what is asked')
  if (ways.length > 1) return malformed('it says in two ways what is asked')
  const said = saidIn(way, arrival, request)
  return 'code' in said ? said : arrivalOf(said, arrival)
}

interface Said {
  readonly method: string
  readonly uri: string
  readonly host: string
}

function saidIn(way: Way, { headers, method, path, query }: Arrival, request: IncomingMessage): Said | Refusal {
  const one = (name: string): string => (typeof headers[name] === 'string' ? headers[name] : '')
  if (way === 'forwarded')
    return { method: one('x-forwarded-method'), uri: one('x-forwarded-uri'), host: one('x-forwarded-host') }
  const host = request.headers.host ?? ''
  // These proxies say it by `Host`. Another one beside it may be the client's.
  if (headers['x-forwarded-host'] !== undefined && one('x-forwarded-host') !== host)
    return malformed('X-Forwarded-Host and Host differ')
  return way === 'original'
    ? { method: one('x-original-method'), uri: one('x-original-uri'), host }
    : { method, uri: `${path.slice(CHECK_PATH.length)}${query}`, host }
}

/** Read as strictly as a request that comes here. */
function arrivalOf({ method, uri, host }: Said, arrival: Arrival): Arrival | Refusal {
  if (!METHOD.test(method)) return malformed('the method is none')
  const named = hostOf(host)
  if (!named || named.host === '') return malformed('the host is none')
  const target = readTarget(uri)
  if (!target) return { code: 'bad_path' }
  // RFC 6455 §4.1: proxies keep `Upgrade` to themselves, but not the key. Unseen, a page of another origin could open a
  // socket with somebody's session, as it could not with any other request that changes something.
  const isUpgrade = arrival.isUpgrade || arrival.headers['sec-websocket-key'] !== undefined
  return { ...arrival, method, ...named, ...target, isUpgrade }
}

const METHOD = /^[A-Z]{1,20}$/

const malformed = (detail: string): Refusal => ({ code: 'malformed_request', detail })

/**
 * nginx makes a 500 of whatever is neither 2xx, 401 nor 403. So it gets one of those, and in `X-Edge-Status` what it is,
 * for an `error_page` to tell. A way to sign in is a 401 with its `Location`.
 */
function forNginx(answer: OwnAnswer): OwnAnswer {
  const { status, headers } = answer
  if (status === 200) return answer
  const told = status === 401 || (status >= 300 && status < 400) ? 401 : 403
  return { ...answer, status: told, headers: { ...headers, 'x-edge-status': `${status}` } }
}
