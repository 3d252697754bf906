/** The `routes` of a route file as plans: what their members mean together, and with the rest of the file. */
import type { Access, CredentialKind, IdentityHeader, IssuerPlan, RoutePlan, Rule, UpstreamPlan } from '../plan.ts'
import type { AccessRead, INTERNAL, RULE } from './access.ts'
import { NOBODY } from './forms.ts'
import { type Entry, isWhole, type Read, type Reading } from './member.ts'
import { covers } from './path-pattern.ts'
import { ROUTE } from './schema.ts'

/** What a route leans on. Undefined is what has a fault of its own, of which nothing more is said. */
export interface Surroundings {
  readonly audience: string | null | undefined
  readonly internal: Read<typeof INTERNAL> | null | undefined
  readonly hasIssuers: boolean
  readonly issuers: readonly IssuerPlan[]
  readonly hasSession: boolean
  readonly hasIdentityKey: boolean
  readonly hasRedis: boolean
  /** Null for one with a fault. */
  readonly upstreams: ReadonlyMap<string, UpstreamPlan | null>
  lineOf(path: Entry<typeof ROUTE>['path']): number
}

/** In the order of the file; those with a fault are not there. */
export function planRoutes(
  given: readonly Entry<typeof ROUTE>[],
  around: Surroundings,
  reading: Reading,
): readonly RoutePlan[] {
  refuseRepeatedNames(given, reading)
  warnOfTheShadowed(given, reading)
  warnOfWaysRound(given, reading)
  return given.flatMap(entry => planRoute(entry, around, reading) ?? [])
}

function planRoute(entry: Entry<typeof ROUTE>, around: Surroundings, reading: Reading): RoutePlan | undefined {
  const { path, read } = entry
  const before = reading.findings.found().faults.length
  const access = read.access && planAccess(read.access, entry, around, reading)
  const upstream = upstreamOf(entry, around, reading)
  const credentials = credentialsOf(entry, access, around, reading)
  judgeIdentity(entry, around, reading)
  judgePrefix(entry, reading)
  judgeCors(entry, reading)
  warn(entry, reading)
  if (reading.findings.found().faults.length > before) return undefined
  if (!isWhole(ROUTE, read) || !access || !upstream) return undefined

  const { match, identity, identity_token: token, on_stale: onStale, cors } = read
  return {
    name: read.name ?? nameOf(match),
    line: around.lineOf(path),
    match,
    access,
    credentials,
    identity: identity.map(({ header, claim }): IdentityHeader => ({ header, claim })),
    identityToken: token && {
      header: token.header,
      issuer: token.issuer,
      audience: token.audience,
      lifetimeSeconds: token.lifetime,
    },
    onStale,
    timeout: read.timeout,
    retries: read.retries,
    limits: read.limits,
    maxBody: read.max_body,
    cors: cors && { origins: cors.origins, credentials: cors.credentials, maxAgeSeconds: cors.max_age },
    forwardCredential: read.forward_credential ?? (credentials.length === 1 && credentials[0] === 'bearer'),
    stripPrefix: read.strip_prefix,
    upstream,
  }
}

const nameOf = ({ host, path, methods }: Read<typeof ROUTE>['match']): string =>
  `${methods === null ? '' : `${methods.join(',')} `}${host ?? ''}${path}`

function planAccess(
  given: AccessRead,
  { path }: Entry<typeof ROUTE>,
  around: Surroundings,
  reading: Reading,
): Access | undefined {
  const at = [...path, 'access']
  if (given.kind === 'public') return given
  if (given.kind === 'internal') return planInternal(given.internal ?? around.internal, at, around, reading)
  const rule = planRule(given.rule, around)
  if (!rule && around.audience === null)
    reading.findings.fault(at, 'access has to name an audience, or the file one for all of its routes.')
  needIssuers(at, around, reading)
  return rule && { kind: given.kind, rule }
}

function planInternal(
  given: Read<typeof INTERNAL> | null | undefined,
  path: Entry<typeof ROUTE>['path'],
  around: Surroundings,
  reading: Reading,
): Access | undefined {
  const { findings } = reading
  if (given === null)
    findings.fault(path, 'access: internal lets nobody pass: say in "internal" which clients or addresses may.')
  if (!given) return undefined
  if (given.clients.length === 0 && given.addresses === null) {
    findings.fault(path, 'internal has to list clients, addresses or both.')
    return undefined
  }
  const audience = given.audience ?? around.audience
  if (given.clients.length > 0) {
    if (audience === null) findings.fault(path, 'internal has to name the audience that tokens of its clients are for.')
    needIssuers(path, around, reading)
  }
  return {
    kind: 'internal',
    addresses: given.addresses ?? NOBODY,
    clients: given.clients,
    rule: given.clients.length > 0 && audience ? { ...NOTHING, audience } : null,
  }
}

const NOTHING: Omit<Rule, 'audience'> = {
  scopes: [],
  permissions: [],
  organization: null,
  amr: [],
  acr: [],
  maxAgeSeconds: null,
}

function planRule({ max_age: maxAgeSeconds, ...rule }: Read<typeof RULE>, around: Surroundings): Rule | undefined {
  const audience = rule.audience ?? around.audience
  return audience ? { ...rule, maxAgeSeconds, audience } : undefined
}

function needIssuers(path: Entry<typeof ROUTE>['path'], { hasIssuers }: Surroundings, { findings }: Reading): void {
  if (!hasIssuers) findings.fault(path, 'This asks for a token, and there are no issuers to believe one of.')
}

function upstreamOf(
  { path, read }: Entry<typeof ROUTE>,
  { upstreams }: Surroundings,
  { findings }: Reading,
): UpstreamPlan | undefined {
  if (read.upstream === undefined) return undefined
  const found = upstreams.get(read.upstream)
  if (found === undefined)
    findings.fault(
      [...path, 'upstream'],
      `There is no upstream "${read.upstream}"${upstreams.size === 0 ? '' : `: there are ${[...upstreams.keys()].join(', ')}`}.`,
    )
  return found ?? undefined
}

function credentialsOf(
  { path, read }: Entry<typeof ROUTE>,
  access: Access | undefined,
  around: Surroundings,
  { findings }: Reading,
): readonly CredentialKind[] {
  const at = [...path, 'credentials']
  const isRead = access?.kind !== 'public' && !(access?.kind === 'internal' && access.rule === null)
  const kinds = read.credentials ?? (isRead ? ['bearer'] : [])
  if (!isRead && kinds.length > 0)
    findings.fault(at, 'This route asks for no credentials, so it reads none; "optional" would.')
  if (kinds.includes('session') && !around.hasSession)
    findings.fault(at, 'Browser sessions need the member "session" of the file.')
  const introspected = kinds.find(kind => kind === 'opaque' || kind === 'api-key')
  if (introspected && around.hasIssuers && !around.issuers.some(({ client }) => client)) {
    const named = introspected === 'opaque' ? 'Opaque tokens' : 'API keys'
    findings.fault(at, `${named} are introspected, for which an issuer needs client_id and client_secret.`)
  }
  if (kinds.includes('single-use') && kinds.includes('bearer'))
    findings.fault(at, 'A JWT is either a bearer token or one for a single use: a route takes one of the two.')
  for (const kind of ['single-use', 'session'] as const)
    if (kinds.includes(kind) && !around.hasRedis)
      findings.warn(
        at,
        `Without "redis" each gateway keeps ${kind === 'session' ? 'sessions' : 'what was spent'} to itself: with several, ${kind === 'session' ? 'people are signed out between them' : 'a token can be used once at each'}.`,
      )
  return kinds
}

function judgeIdentity({ path, read }: Entry<typeof ROUTE>, around: Surroundings, { findings }: Reading): void {
  const { identity = [], identity_token: token, access } = read
  const at = [...path, 'identity_token']
  if (token && !around.hasIdentityKey)
    findings.fault(at, 'identity_token is signed with "identity_key", which is missing.')
  if (token && identity.some(({ header }) => header === token.header))
    findings.fault(at, `identity tells the header ${token.header} already.`)
  if (access?.kind === 'public' && (identity.length > 0 || token))
    findings.warn(path, 'This route is public, so nobody is known and its identity headers are never set.')
}

/** A prefix that is not whole segments of the pattern would leave a path that nobody asked. */
function judgePrefix({ path, read }: Entry<typeof ROUTE>, { findings }: Reading): void {
  const { match, strip_prefix: prefix } = read
  if (!match || !prefix) return
  if (match.path !== prefix && !match.path.startsWith(`${prefix}/`))
    findings.fault([...path, 'strip_prefix'], `${prefix} is not the beginning of the path ${match.path}.`)
}

function judgeCors({ path, read: { cors } }: Entry<typeof ROUTE>, { findings }: Reading): void {
  if (cors?.credentials && cors.origins.includes('*'))
    findings.fault(
      [...path, 'cors'],
      'With credentials, cors has to list the origins: "*" would be every page there is.',
    )
}

function warn({ path, read }: Entry<typeof ROUTE>, { findings }: Reading): void {
  const { on_stale: onStale, access, limits = [] } = read
  if (onStale?.do === 'allow')
    findings.warn([...path, 'on_stale'], 'on_stale: allow lets revoked tokens pass while revocations are not heard of.')
  if (access?.kind === 'public' && limits.some(({ per }) => per === 'identity'))
    findings.warn([...path, 'limits'], 'On a public route nobody is known: a limit per identity counts by address.')
}

function refuseRepeatedNames(given: readonly Entry<typeof ROUTE>[], { findings }: Reading): void {
  const seen = new Set<string>()
  for (const { path, read } of given) {
    const name = read.name ?? (read.match && nameOf(read.match))
    if (read.name && seen.has(read.name)) findings.fault([...path, 'name'], `There are two routes "${read.name}".`)
    if (name !== undefined) seen.add(name)
  }
}

/** What one earlier route takes whole. What several of them take together is not looked for. */
function warnOfTheShadowed(given: readonly Entry<typeof ROUTE>[], { findings }: Reading): void {
  for (const [index, { path, read }] of given.entries()) {
    const earlier = given.slice(0, index).find(other => takesAll(other.read, read))
    if (earlier)
      findings.warn(path, `This route never matches: the one before it ${describe(earlier)} takes all that it would.`)
  }
}

/**
 * A service that is reached by one route without being asked for anything, at a path that another route of its guards: by
 * a prefix that is taken off, or for the want of a slash, which most services do not mind.
 */
function warnOfWaysRound(given: readonly Entry<typeof ROUTE>[], { findings }: Reading): void {
  for (const guarded of given.filter(isGuarded)) {
    const behind = forwarded(guarded.read)
    const round = given.find(
      other =>
        isOpen(other) &&
        meets(other.read, guarded.read) &&
        other.read.strip_prefix !== guarded.read.strip_prefix &&
        covers(forwarded(other.read), behind),
    )
    if (round)
      findings.warn(
        round.path,
        `This route leads whoever comes to what ${describe(guarded)} guards: the service is asked for ${behind} by both.`,
      )

    const { path = '' } = guarded.read.match ?? {}
    const above = path.endsWith('/*') && path.length > 2 ? path.slice(0, -2) : undefined
    const taking = above && given.find(({ read }) => meets(read, guarded.read) && covers(read.match?.path ?? '', above))
    if (above && taking && isOpen(taking) && taking.read.match?.path !== above)
      findings.warn(
        guarded.path,
        `${path} does not take ${above} itself, which goes by ${describe(taking)} and is guarded by nothing: add a route for it.`,
      )
  }
}

const isOpen = ({ read: { access } }: Entry<typeof ROUTE>): boolean =>
  access?.kind === 'public' || access?.kind === 'optional'

const isGuarded = ({ read: { access } }: Entry<typeof ROUTE>): boolean =>
  access?.kind === 'required' || access?.kind === 'internal'

/** Whether there may be a request of both, and the same service answers it. */
function meets(one: Given, other: Given): boolean {
  const [methods, others] = [methodsOf(one), methodsOf(other)]
  const [host, another] = [one.match?.host ?? null, other.match?.host ?? null]
  return (
    one.upstream !== undefined &&
    one.upstream === other.upstream &&
    (methods === null || others === null || methods.some(method => others.includes(method))) &&
    (host === null || another === null || host === another || isBelow(another, host) || isBelow(host, another))
  )
}

/** The pattern of what the service is asked for. */
const forwarded = ({ match, strip_prefix: prefix = '' }: Given): string => match?.path.slice(prefix.length) || '/'

const describe = ({ read }: Entry<typeof ROUTE>): string =>
  `(${read.name ?? (read.match && nameOf(read.match)) ?? 'unnamed'})`

type Given = Partial<Read<typeof ROUTE>>

function takesAll(first: Given, second: Given): boolean {
  if (!first.match || !second.match) return false
  const [one, other] = [first.match, second.match]
  const [taken, wanted] = [methodsOf(first), methodsOf(second)]
  return (
    covers(one.path, other.path) &&
    (one.host === null || one.host === other.host || isBelow(other.host, one.host)) &&
    (taken === null || (wanted?.every(method => taken.includes(method)) ?? false))
  )
}

const isBelow = (host: string | null, pattern: string): boolean =>
  host !== null && pattern.startsWith('*.') && host.endsWith(pattern.slice(1))

/** All that the route takes, as `match.ts` does. */
function methodsOf({ match, cors }: Given): readonly string[] | null {
  const methods = match?.methods ?? null
  return methods && [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), ...(cors ? ['OPTIONS'] : [])]
}
