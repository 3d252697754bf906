/**
 * From a route file to the plan that a gateway runs by, or to every fault in it with its line. `schema.ts` knows the
 * members, the files beside it what they mean together.
 */
import { statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Findings } from '../../config/findings.ts'
import { parseOperatorFile, readOperatorFile } from '../../config/operator-file.ts'
import { redisUrl } from '../../config/schema.ts'
import { OperatorError } from '../../kernel/errors.ts'
import { isObject } from '../../kernel/json.ts'
import { readCertificate } from '../../tls/certificate.ts'
import { readIdentityKey } from '../identity-key.ts'
import type { EdgePlan, IssuerPlan } from '../plan.ts'
import { planIssuers, planSession } from './issuers.ts'
import { isWhole, type Read, type Reading, readMembers } from './member.ts'
import { planRoutes } from './routes.ts'
import { FILE } from './schema.ts'
import { planUpstreams } from './upstreams.ts'

export interface RouteFile {
  /** Null where there are faults. */
  readonly plan: EdgePlan | null
  /** Both as `file:line: sentence`, in the order of the file, and without a secret. */
  readonly faults: readonly string[]
  readonly warnings: readonly string[]
  /** All that were read or looked for, the route file among them, as absolute paths. */
  readonly files: readonly string[]
}

export interface ReadingOptions {
  readonly environment: Reading['environment']
  readonly now: number
}

const OUTCOME = 'The route file cannot be used.'
const OTHERS_READ = 0o004

/**
 * Reads it with all that it names. Of a tenant file its `gateway` member is read, and nothing else.
 * @throws OperatorError for a file that cannot be read at all.
 */
export async function inspectRouteFile(file: string, { environment, now }: ReadingOptions): Promise<RouteFile> {
  const full = resolve(file)
  const document = await parseOperatorFile(readOperatorFile('route file', full), OUTCOME)
  const { value, lineOf, findings } = document
  const files = new Set([full])
  if (findings.found().faults.length > 0) return { plan: null, ...told(findings), files: [...files] }

  const isTenantFile = isObject(value) && value['gateway'] !== undefined
  const within = isTenantFile ? ['gateway'] : []
  const given = isTenantFile ? value['gateway'] : value
  const reading: Reading = {
    findings: {
      ...findings,
      fault: (path, sentence) => findings.fault([...within, ...path], sentence),
      warn: (path, sentence) => findings.warn([...within, ...path], sentence),
    },
    folder: dirname(full),
    environment,
    isOpen: (statSync(full).mode & OTHERS_READ) !== 0,
    files,
  }
  let plan: EdgePlan | undefined
  if (isObject(given)) {
    const read = readMembers(isTenantFile ? 'gateway' : 'the file', FILE, given, [], reading)
    plan = planFile(read, path => lineOf([...within, ...path]), reading, now)
  } else
    findings.fault(
      within,
      `${isTenantFile ? 'gateway' : 'The file'} must be a mapping of ${Object.keys(FILE).join(', ')}.`,
    )
  return { plan: findings.found().faults.length > 0 ? null : (plan ?? null), ...told(findings), files: [...files] }
}

/** The same for whoever can only go on with a plan. @throws OperatorError that lists the faults. */
export async function readRouteFile(
  file: string,
  options: ReadingOptions,
): Promise<RouteFile & { readonly plan: EdgePlan }> {
  const { plan, ...rest } = await inspectRouteFile(file, options)
  if (plan) return { plan, ...rest }
  throw new OperatorError(`${OUTCOME}\n${rest.faults.join('\n')}`)
}

function told(findings: Findings): Pick<RouteFile, 'faults' | 'warnings'> {
  const inOrder = (found: readonly (readonly [string, number])[]) =>
    [...found].sort(([, one], [, other]) => one - other).map(([sentence]) => sentence)
  const { faults, warnings } = findings.found()
  return { faults: inOrder(faults), warnings: inOrder(warnings) }
}

function planFile(
  read: Partial<Read<typeof FILE>>,
  lineOf: (path: readonly (string | number)[]) => number,
  reading: Reading,
  now: number,
): EdgePlan | undefined {
  const issuers = read.issuers && planIssuers(read.issuers, reading)
  const upstreams = read.upstreams && planUpstreams(read.upstreams, reading)
  const routes =
    read.routes &&
    planRoutes(
      read.routes,
      {
        audience: read.audience,
        internal: read.internal,
        hasIssuers: read.issuers?.length !== 0,
        issuers: issuers ?? [],
        hasSession: read.session !== null,
        hasIdentityKey: read.identity_key !== null,
        hasRedis: read.redis !== null,
        upstreams: new Map(read.upstreams?.map(({ name }) => [name, upstreams?.get(name) ?? null])),
        lineOf,
      },
      reading,
    )
  judgeFiles(read, reading, now)
  warnOfTheUnused(read, reading)
  if (!isWhole(FILE, read) || !issuers || !upstreams || !routes) return undefined
  const session = sessionOf(read, issuers, reading)
  if (session === undefined) return undefined
  const bounds = read.limits
  return {
    listen: read.listen,
    tls: read.tls,
    metrics: read.metrics,
    accessLog: read.access_log,
    trustedProxies: read.trusted_proxies,
    redisUrl: read.redis,
    issuers,
    decryptionKeys: read.decryption_keys,
    identityKey: read.identity_key,
    session,
    routes,
    upstreams: [...upstreams.values()],
    forwardAuth: read.forward_auth,
    bounds: {
      headerBytes: bounds.header_bytes,
      headerTimeout: bounds.header_timeout,
      requestTimeout: bounds.request_timeout,
      idleTimeout: bounds.idle_timeout,
      connections: bounds.connections,
    },
  }
}

function sessionOf({ session, audience }: Read<typeof FILE>, issuers: readonly IssuerPlan[], reading: Reading) {
  return session === null ? null : planSession(session, issuers, audience, reading)
}

/** What stands in them, and not in the route file. */
function judgeFiles(
  { tls, redis, identity_key: identityKey }: Partial<Read<typeof FILE>>,
  reading: Reading,
  now: number,
) {
  const { findings } = reading
  const mind = (path: readonly string[], attempt: () => unknown) => {
    try {
      attempt()
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error
      findings.fault(path, error.message)
    }
  }
  if (tls) mind(['tls'], () => readCertificate(tls, now, { cert: 'tls.cert', key: 'tls.key' }))
  if (redis) mind(['redis'], () => redisUrl('redis', redis))
  const key = identityKey && readIdentityKey(identityKey)
  if (typeof key === 'string') findings.fault(['identity_key'], key)
  else if (key?.algorithm === 'RS256')
    findings.warn(
      ['identity_key'],
      'An RSA key takes ten times as long to sign as one of P-256 or Ed25519, and everybody waits.',
    )
}

function warnOfTheUnused(read: Partial<Read<typeof FILE>>, { findings }: Reading): void {
  const { routes = [], upstreams = [] } = read
  const used = new Set(routes.map(({ read: { upstream } }) => upstream))
  for (const { name, path } of upstreams)
    if (!used.has(name)) findings.warn(path, `No route leads to the upstream ${name}.`)
  const takes = (kind: string) =>
    routes.some(({ read: { credentials } }) => credentials?.some(taken => taken === kind) ?? false)
  if (read.session && !takes('session')) findings.warn(['session'], 'No route takes browser sessions.')
  if (read.identity_key && !routes.some(({ read: { identity_token: token } }) => token))
    findings.warn(['identity_key'], 'No route has an identity_token for it to sign.')
  if (read.forward_auth && read.trusted_proxies?.rules.length === 0)
    findings.warn(['forward_auth'], 'Nobody may ask at /edge/check, because trusted_proxies lists nobody.')
  if (routes.length === 0 && read.routes) findings.warn(['routes'], 'There are no routes, so nothing passes.')
}
