/**
 * Every member that a route file can have: its form, what it is where it is left out, and what it does. The reader goes
 * by this table and `docs/gateway-file.gen.md` is printed from it. What members mean together is `routes.ts`,
 * `issuers.ts` and `upstreams.ts`.
 */
import { HOUR, MINUTE, SECOND } from '../../kernel/seconds.ts'
import { access, INTERNAL } from './access.ts'
import { claimPath } from './claim-path.ts'
import {
  address,
  addresses,
  count,
  duration,
  form,
  issuerUrl,
  list,
  localPath,
  longText,
  oneOf,
  origin,
  part,
  seconds,
  setOf,
  size,
  target,
  text,
  textMatching,
  yesOrNo,
} from './forms.ts'
import { identityHeader } from './header-names.ts'
import { entries, type Form, fault, type Members, mapping, namedEntries, needed, perhaps, usually } from './member.ts'
import { pathPattern } from './path-pattern.ts'
import { existingFile, existingSecretFile, keyFile, secret } from './secrets.ts'

const MEGABYTE = 1024 * 1024

/** As configured upstreams, routes and clients are called in logs and metrics. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/

const HS256 = {
  audience: needed(text, 'The API whose tokens the secret is believed for, and no other.'),
  secret: needed(secret, 'The secret, of 32 bytes or more.'),
  kid: perhaps(text, 'What the key is called, where tokens name it.'),
} satisfies Members

export const ISSUER = {
  issuer: needed(issuerUrl, 'What tokens have as `iss`, byte for byte.'),
  url: perhaps(issuerUrl, 'Where it is reached, if elsewhere.', 'the issuer'),
  allow_http: usually(
    yesOrNo,
    false,
    'Takes keys over http from another machine. Whoever is between can then make tokens.',
  ),
  algorithms: usually(
    setOf(
      oneOf(
        'RS256',
        'RS384',
        'RS512',
        'PS256',
        'PS384',
        'PS512',
        'ES256',
        'ES384',
        'ES512',
        'EdDSA',
        'Ed25519',
        'ML-DSA-44',
        'ML-DSA-65',
        'ML-DSA-87',
      ),
      { least: 1 },
    ),
    ['RS256', 'PS256', 'ES256', 'EdDSA'],
    'Signatures that are taken. HS256 comes with `hs256`.',
  ),
  client_id: perhaps(
    text,
    'The client of the gateway, which may read revocations (`read:revocations`) and introspect (`introspect:tokens`).',
  ),
  client_secret: perhaps(secret, 'Its secret.'),
  revocations: perhaps(yesOrNo, 'Whether its revocation stream is followed.', 'yes, where there is a client'),
  hs256: usually(list(mapping('an HS256 secret', HS256)), [], 'Secrets of APIs whose tokens are signed with one.'),
} satisfies Members

export const SESSION = {
  issuer: perhaps(issuerUrl, 'Where people sign in, one of `issuers`.', 'the only one'),
  client_id: needed(text, 'The client that the gateway is.'),
  client_secret: needed(secret, 'Its secret.'),
  scope: usually(text, 'openid offline_access', 'What is asked for.'),
  audience: perhaps(text, 'The API that tokens are asked for.', "the file's `audience`"),
  keys: needed(
    list(secret, { least: 1 }),
    'Keys that seal sessions, each 32 bytes in base64 or in hexadecimal. The first seals, all of them open.',
  ),
  sign_in: usually(localPath, '/edge/sign-in', 'Where a page sends a browser to sign in.'),
  callback: usually(localPath, '/edge/callback', 'Where the identity server sends it back to.'),
  sign_out: usually(localPath, '/edge/sign-out', 'Where a page sends it to sign out.'),
  after_sign_out: usually(localPath, '/', 'Where it is then.'),
  idle: usually(duration({ least: MINUTE }), '8h', 'A session that nobody uses so long ends.'),
  absolute: usually(duration({ least: MINUTE }), '7d', 'No session is older.'),
} satisfies Members

const method = textMatching(
  'a method in capitals such as GET, and neither CONNECT nor TRACE',
  /^(?!CONNECT$|TRACE$)[A-Z]{1,20}$/,
)

/** RFC 1123 §2.1 in lower case, an IP address (IPv6 in brackets), or `*.` and a name. */
const hostPattern = textMatching(
  'a host in lower case without a port, such as api.example.com, or *.example.com for every name below it',
  /^(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$|^\[[0-9a-f:.]+\]$/,
)

export const MATCH = {
  host: perhaps(hostPattern, 'The host that is asked; `*.example.com` is every name below one.', 'any'),
  path: needed(
    pathPattern,
    'The path, after it was normalised. `:name` is one segment; `/*` at the end is all below, and the slash itself.',
  ),
  methods: perhaps(setOf(method, { least: 1 }), 'GET brings HEAD with it.', 'any'),
} satisfies Members

export const ON_STALE = {
  after: usually(duration(), '60s', 'How long revocations may be unheard of.'),
  do: usually(oneOf('deny', 'allow'), 'deny', 'What is done then.'),
} satisfies Members

export const TIMEOUT = {
  connect: usually(duration(), '1s', 'Until a target has taken the connection.'),
  response: usually(duration(), '30s', 'Until its answer begins.'),
  total: usually(duration(), '5m', 'Until the answer is over. An upgraded connection has no such end.'),
} satisfies Members

export const IDENTITY_TOKEN = {
  header: usually(identityHeader, 'x-edge-token', 'The header it goes in.'),
  issuer: usually(text, 'urn:latchkey:edge', 'Its `iss`: the gateway, as the service knows it.'),
  audience: needed(text, 'Its `aud`: the service.'),
  lifetime: usually(seconds({ least: 5 * SECOND, most: HOUR }), '60s', 'How long it holds.'),
} satisfies Members

export const LIMIT = {
  per: needed(oneOf('address', 'identity'), 'Whose requests are counted together. Nobody known is counted by address.'),
  requests: needed(count(1, 1_000_000), 'How many pass.'),
  within: needed(duration({ least: SECOND, most: HOUR }), 'In how long.'),
} satisfies Members

export const CORS = {
  origins: needed(setOf(origin, { least: 1 }), 'Whose pages may ask.'),
  credentials: usually(yesOrNo, false, 'Whether they may with cookies.'),
  max_age: usually(seconds({ least: SECOND, most: 24 * HOUR }), '10m', 'How long a browser remembers the answer.'),
} satisfies Members

export interface IdentityEntry {
  readonly header: string
  readonly claim: readonly string[]
}

/** Two names of one header are one name twice. */
const identity: Form<readonly IdentityEntry[]> = {
  says: 'a mapping from headers to claims, such as { x-user-id: sub }',
  read(value, path, reading) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return fault(reading, path, this.says)
    const entries = Object.entries(value).map(([name, given]) => ({
      header: identityHeader.read(name, [...path, name], reading),
      claim: claimPath.read(given ?? null, [...path, name], reading),
    }))
    const sound = entries.filter(
      (entry): entry is IdentityEntry => entry.header !== undefined && entry.claim !== undefined,
    )
    const headers = sound.map(({ header }) => header)
    const twice = headers.find((header, index) => headers.indexOf(header) !== index)
    if (twice !== undefined) reading.findings.fault(path, `${path.at(-1)} tells the header ${twice} twice.`)
    return sound.length === entries.length && twice === undefined ? sound : undefined
  },
}

export const ROUTE = {
  name: perhaps(
    textMatching('a name of letters, digits, "-", "_" and "."', NAME),
    'What logs and metrics call it.',
    'its methods, host and path',
  ),
  match: needed(mapping('match', MATCH), 'Which requests it is for.'),
  access: needed(access, 'Who may pass.'),
  credentials: perhaps(
    setOf(oneOf('bearer', 'opaque', 'api-key', 'single-use', 'session'), { least: 1 }),
    'How a caller may say who they are. Others are taken off the request unread.',
    '`["bearer"]`',
  ),
  identity: usually(identity, {}, 'Headers that tell the service who is calling, each with the claim that it tells.'),
  identity_token: perhaps(
    mapping('identity_token', IDENTITY_TOKEN),
    'A short JWT of the gateway itself that says the same, signed with `identity_key`.',
  ),
  on_stale: usually(mapping('on_stale', ON_STALE), {}, 'What happens when revocations are not heard of any more.'),
  timeout: usually(mapping('timeout', TIMEOUT), {}, 'How long a service may take.'),
  retries: usually(count(0, 5), 1, 'How often what can be repeated is tried again, while nothing was answered.'),
  limits: usually(list(mapping('a limit', LIMIT)), [], 'How many requests pass.'),
  max_body: usually(size(0, 1024 * 1024 * MEGABYTE), '1mb', 'What a request may bring.'),
  cors: perhaps(mapping('cors', CORS), 'Answers browsers that ask from pages of other origins.', 'left to the service'),
  strip_prefix: usually(
    form('a path such as /api, or empty', value =>
      value === ''
        ? ''
        : typeof value === 'string' && /^(?:\/[A-Za-z0-9\-._~!$&'()+,;=:@]+)+$/.test(value)
          ? value
          : undefined,
    ),
    '',
    'Taken off the front of the path before the service gets it.',
  ),
  forward_credential: perhaps(
    yesOrNo,
    'Whether the service gets the credential too.',
    'yes, where bearer tokens alone are taken',
  ),
  upstream: needed(text, 'Which of `upstreams` answers.'),
} satisfies Members

const TARGET = {
  url: needed(target, 'Where it listens.'),
  weight: usually(count(1, 1000), 1, 'How many of the requests it gets, beside the others.'),
} satisfies Members

export const HEALTH = {
  path: needed(localPath, 'What is asked; anything from 200 to 399 is well.'),
  interval: usually(duration({ least: 100 }), '5s', 'How often.'),
  timeout: usually(duration(), '2s', 'How long an answer may take.'),
  healthy: usually(count(1, 100), 2, 'How many good answers in a row make it well.'),
  unhealthy: usually(count(1, 100), 3, 'How many bad ones make it ill.'),
} satisfies Members

export const FALLBACK = {
  status: usually(count(200, 599), 503, 'Its status.'),
  body: usually(longText, '', 'Its body.'),
  content_type: usually(text, 'text/plain; charset=utf-8', 'What the body is.'),
} satisfies Members

export const BREAKER = {
  failures: usually(count(1, 100_000), 5, 'How many failures open it.'),
  within: usually(duration({ least: 100, most: HOUR }), '10s', 'In how long.'),
  open: usually(
    duration({ least: 100, most: HOUR }),
    '5s',
    'How long a target is then left alone, until one request tries it.',
  ),
  fallback: perhaps(mapping('fallback', FALLBACK), 'What is answered meanwhile.', '503'),
} satisfies Members

type BalanceRead =
  | { readonly by: 'round-robin' | 'least-connections' | 'client-address' }
  | { readonly by: 'sticky-query'; readonly parameter: string }

const BALANCE_SAYS = 'one of round-robin, least-connections, client-address, or { sticky-query: a-parameter }'

const balance: Form<BalanceRead> = form(BALANCE_SAYS, value => {
  if (value === 'round-robin' || value === 'least-connections' || value === 'client-address') return { by: value }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const [[by, parameter] = [], ...more] = Object.entries(value)
  if (by !== 'sticky-query' || more.length > 0) return undefined
  return typeof parameter === 'string' && /^[\w.-]{1,100}$/.test(parameter) ? { by, parameter } : undefined
})

export const UPSTREAM = {
  targets: needed(list(mapping('a target', TARGET), { least: 1 }), 'Who answers.'),
  balance: usually(balance, 'round-robin', 'Which of them gets a request.'),
  connections: usually(count(1, 10_000), 100, 'How many sockets there are to one target at most.'),
  health: perhaps(mapping('health', HEALTH), 'Asks each target whether it is well.'),
  breaker: perhaps(mapping('breaker', BREAKER), 'Leaves a failing target alone.'),
  retry_budget: usually(part, 0.1, 'Of all requests in ten seconds, the part that may be tried again.'),
} satisfies Members

export const TLS = {
  cert: needed(existingFile, 'A file in PEM with the certificate and those that lead to a known authority.'),
  key: needed(existingSecretFile, 'A file in PEM with its private key, without a passphrase.'),
} satisfies Members

export const ACCESS_LOG = {
  passed: usually(
    part,
    1,
    'The part of requests that passed whose line is written. Every refusal, failure and broken answer has its line.',
  ),
} satisfies Members

export const BOUNDS = {
  header_bytes: usually(size(1024, MEGABYTE), '16kb', 'What the headers of a request may take.'),
  header_timeout: usually(duration({ least: SECOND }), '10s', 'Until they are complete.'),
  request_timeout: usually(duration({ least: SECOND }), '5m', 'Until the whole request is.'),
  idle_timeout: usually(duration({ least: SECOND }), '60s', 'How long a connection is kept without a request.'),
  connections: usually(count(1, 1_000_000), 10_000, 'How many there are at once.'),
} satisfies Members

export const FILE = {
  listen: usually(address, '127.0.0.1:4001', 'Where requests come in.'),
  tls: perhaps(mapping('tls', TLS), 'The certificate to speak HTTPS with.', 'none: HTTP'),
  metrics: perhaps(address, 'Where Prometheus is answered at `/metrics`. Whoever can reach it can read it.'),
  access_log: usually(mapping('access_log', ACCESS_LOG), {}, 'Which requests have a line in the log.'),
  trusted_proxies: usually(addresses, [], 'Whose forwarding headers count.'),
  redis: perhaps(secret, 'A redis:// or rediss:// URL: what several gateways share.', 'memory'),
  audience: perhaps(text, 'The `audience` of routes that do not name one.'),
  internal: perhaps(mapping('internal', INTERNAL), 'What `access: internal` lets pass.'),
  issuers: usually(entries('an issuer', ISSUER), [], 'Whose tokens are believed.'),
  decryption_keys: usually(
    list(keyFile),
    [],
    'Private keys of APIs whose tokens are encrypted. Their public halves are registered with the API.',
  ),
  identity_key: perhaps(
    keyFile,
    "Signs the gateway's own JWT: RSA of 2048 bits or more, P-256 or Ed25519. Its public half is at `/edge/jwks.json`.",
  ),
  session: perhaps(mapping('session', SESSION), 'The gateway as a client of its own, for browsers.'),
  forward_auth: usually(yesOrNo, false, 'Answers other proxies at `/edge/check`. Only `trusted_proxies` may ask.'),
  limits: usually(mapping('limits', BOUNDS), {}, 'What a stranger may send, before a route is known.'),
  routes: needed(entries('a route', ROUTE), 'In order: the first that matches counts, and without one nothing passes.'),
  upstreams: usually(namedEntries('an upstream', NAME, UPSTREAM), {}, 'The services behind.'),
} satisfies Members
