/** The `issuers` of a route file as plans, and which of them the session is with. */
import { CHECK_PATH } from '../forward-auth.ts'
import { JWKS_PATH } from '../identity-token.ts'
import type { IssuerPlan, SessionPlan } from '../plan.ts'
import { type Entry, isWhole, type Read, type Reading } from './member.ts'
import { ISSUER, type SESSION } from './schema.ts'

/** RFC 7518 §3.2. */
const SHORTEST_SECRET = 32

/** In the order of the file; those with a fault are not there. */
export function planIssuers(given: readonly Entry<typeof ISSUER>[], reading: Reading): readonly IssuerPlan[] {
  const seen = new Set<string>()
  return given.flatMap(entry => {
    const { issuer } = entry.read
    if (issuer !== undefined && seen.has(issuer))
      reading.findings.fault(entry.path, `The issuer ${issuer} is there twice.`)
    seen.add(issuer ?? '')
    const faults = judge(entry, reading)
    return isWhole(ISSUER, entry.read) && faults === 0 ? [planIssuer(entry.read)] : []
  })
}

function planIssuer(read: Read<typeof ISSUER>): IssuerPlan {
  const { issuer, client_id: id, client_secret: secret, hs256 } = read
  const client = id !== null && secret !== null ? { id, secret } : null
  return {
    issuer,
    url: read.url ?? issuer,
    allowHttp: read.allow_http,
    algorithms: hs256.length > 0 ? [...read.algorithms, 'HS256'] : read.algorithms,
    client,
    hs256: hs256.map(({ audience, kid, secret: shared }) => ({ audience, kid, secret: Buffer.from(shared) })),
    followsRevocations: read.revocations ?? client !== null,
  }
}

/** How many faults there are that only several members together show. */
function judge({ path, read }: Entry<typeof ISSUER>, { findings }: Reading): number {
  let faults = 0
  const fault = (member: string, sentence: string) => {
    faults++
    findings.fault([...path, member], sentence)
  }
  const where = typeof read.url === 'string' ? 'url' : 'issuer'
  const url = read.url ?? read.issuer
  if (url !== undefined && read.allow_http === false && !isSafeToAsk(url))
    fault(
      where,
      `${url} is http and not this machine, so whoever is between can make tokens: write https, or allow_http: true if nobody can be.`,
    )
  const [hasId, hasSecret] = [read.client_id, read.client_secret].map(one => one !== null)
  if (hasId !== hasSecret)
    fault(hasId ? 'client_id' : 'client_secret', 'client_id and client_secret belong together: write both, or neither.')
  if (read.revocations === true && read.client_id === null)
    fault('revocations', 'The revocation stream is opened by a client: write client_id and client_secret.')
  if (faults === 0 && (read.revocations === false || (read.revocations === null && read.client_id === null)))
    findings.warn(path, `What ${read.issuer} revokes is not heard of here: a token counts until it expires.`)

  const audienceOf = new Map<string, string>()
  for (const [index, { audience, secret }] of (read.hs256 ?? []).entries()) {
    const at = [...path, 'hs256', index]
    if (Buffer.byteLength(secret) < SHORTEST_SECRET) {
      faults++
      findings.fault(
        at,
        `The HS256 secret of ${audience} is shorter than ${SHORTEST_SECRET} bytes, so it can be guessed.`,
      )
    }
    const other = audienceOf.get(secret) ?? audience
    if (other !== audience) {
      faults++
      findings.fault(at, `${audience} and ${other} share one HS256 secret: either could make tokens for the other.`)
    }
    audienceOf.set(secret, audience)
  }
  return faults
}

const THIS_MACHINE = /^(?:localhost|.*\.localhost|127\.0\.0\.1|\[::1\])$/

const isSafeToAsk = (url: string): boolean => {
  const { protocol, hostname } = new URL(url)
  return protocol === 'https:' || THIS_MACHINE.test(hostname)
}

/** Undefined where there is a fault. */
export function planSession(
  read: Read<typeof SESSION>,
  issuers: readonly IssuerPlan[],
  audience: string | null,
  reading: Reading,
): SessionPlan | undefined {
  const { findings } = reading
  const before = faultCount(reading)
  const issuer = read.issuer === null ? issuers[0] : issuers.find(one => one.issuer === read.issuer)
  if (read.issuer === null && issuers.length !== 1)
    findings.fault(['session'], `session has to say which of the ${issuers.length} issuers people sign in at.`)
  else if (!issuer) findings.fault(['session', 'issuer'], `${read.issuer} is none of issuers.`)
  const keys = read.keys.map(sealingKey)
  for (const [index, key] of keys.entries())
    if (!key)
      findings.fault(
        ['session', 'keys', index],
        'A key that seals sessions is 32 random bytes in base64 or in hexadecimal: "openssl rand -base64 32" makes one.',
      )
  if (!read.scope.split(' ').includes('openid')) findings.fault(['session', 'scope'], 'scope has to hold openid.')
  const own = [read.sign_in, read.callback, read.sign_out]
  if (new Set(own).size < own.length)
    findings.fault(['session'], 'sign_in, callback and sign_out have to be three different paths.')
  for (const path of own)
    if (TAKEN.has(path)) findings.fault(['session'], `${path} is a path of the gateway's own already.`)
  if (!issuer || faultCount(reading) > before) return undefined
  return {
    issuer,
    client: { id: read.client_id, secret: read.client_secret },
    scope: read.scope,
    audience: read.audience ?? audience,
    keys: keys.filter(key => key !== undefined),
    signIn: read.sign_in,
    callback: read.callback,
    signOut: read.sign_out,
    afterSignOut: read.after_sign_out,
    idle: read.idle,
    absolute: read.absolute,
  }
}

const TAKEN: ReadonlySet<string> = new Set([CHECK_PATH, JWKS_PATH])

const faultCount = ({ findings }: Reading): number => findings.found().faults.length

function sealingKey(text: string): Uint8Array | undefined {
  const key = /^[0-9a-f]{64}$/i.test(text) ? Buffer.from(text, 'hex') : Buffer.from(text, 'base64')
  return key.length === 32 && /^[\w+/=-]{43,64}$/.test(text) ? key : undefined
}
