/**
 * Domains of a tenant's own. Each is a host with an issuer of its own, and answers once a record in the DNS shows that it
 * is the tenant's; until then it is a wish, which anybody may have. The hosts that the operator of this server gave the
 * tenant are none of these and stay as they are. Certificates are not made here: whoever ends TLS has them.
 */
import { isIP } from 'node:net'
import { DocumentFault, mustBeSound } from '../config/document-fault.ts'
import { type Members, readMembers } from '../config/members.ts'
import type { Instant } from '../kernel/clock.ts'
import { newId } from '../kernel/ids.ts'
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts'
import { randomSecret } from '../kernel/secrets.ts'
import type { CustomDomainRecord } from '../store/custom-domains.ts'
import type { Nouns, Store, Transaction } from '../store/store.ts'

/** Every text that stands in the DNS under a name; empty where there is none. */
export type FindTexts = (name: string) => Promise<readonly string[]>

/** The record stands below the domain, which may be an alias and then has no other records of its own (RFC 1034 §3.6.2). */
const CHALLENGE = '_latchkey-challenge'
const PROOF = 'latchkey-domain-verification='

/** Each is a row, and a name in the server's certificate. */
const MOST_DOMAINS = 50
const MOST_METADATA = 10
const LONGEST_METADATA = 255

const MEMBERS = {
  type: { is: 'text', oneOf: ['auth0_managed_certs', 'self_managed_certs'] },
  verification_method: { is: 'text', optional: true, oneOf: ['txt'] },
  tls_policy: { is: 'text', optional: true, oneOf: ['recommended'] },
  custom_client_ip_header: {
    is: 'text',
    optional: true,
    oneOf: ['true-client-ip', 'cf-connecting-ip', 'x-forwarded-for', 'x-azure-clientip'],
  },
  domain_metadata: { is: 'any', optional: true, check: checkMetadata },
  relying_party_identifier: { is: 'any', optional: true, check: checkName },
} as const satisfies Members

const CHANGEABLE = ['tls_policy', 'custom_client_ip_header', 'domain_metadata', 'relying_party_identifier']

/** Throws `DocumentFault`. */
export function readDomain(given: JsonObject): { readonly domain: string; readonly document: JsonObject } {
  const { domain, ...document } = given
  refuseUnknown(document, Object.keys(MEMBERS))
  mustBeSound(MEMBERS, document)
  const name = typeof domain === 'string' ? domain.toLowerCase() : ''
  if (!isDomain(name))
    throw new DocumentFault('domain must be the name of a host such as login.example.com, without a port.', ['domain'])
  return { domain: name, document: set({}, document) }
}

/** Throws `DocumentFault`. */
export function readDomainChange(given: JsonObject, before: CustomDomainRecord): JsonObject {
  refuseUnknown(given, CHANGEABLE)
  const document = set(before.document, given)
  mustBeSound(MEMBERS, document)
  return document
}

function refuseUnknown(given: JsonObject, known: readonly string[]): void {
  const [unknown] = Object.keys(given).filter(name => !known.includes(name))
  if (unknown !== undefined) throw new DocumentFault('There is no such member here.', [unknown.slice(0, 100)])
}

const set = (before: JsonObject, change: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries({ ...before, ...change }).filter(([, value]) => value != null))

/** As a browser has it in the address bar: at least two labels, and no number. */
function isDomain(name: string): boolean {
  const labels = name.split('.')
  return (
    name.length <= 253 - CHALLENGE.length - 1 &&
    labels.length >= 2 &&
    labels.every(label => /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(label)) &&
    !/^\d+$/.test(labels.at(-1) ?? '') &&
    isIP(name) === 0 &&
    // Names that mean this machine or this network to everybody (RFC 6761, RFC 6762).
    !/(?:^|\.)(?:localhost|local|internal|invalid)$/.test(name)
  )
}

/** `taken` where the tenant has it, or a host of this server has that name; `full` where it has as many as it may. */
export async function askForDomain(
  transaction: Transaction,
  tenant: string,
  { domain, document }: ReturnType<typeof readDomain>,
  now: Instant,
): Promise<CustomDomainRecord | 'taken' | 'full'> {
  const { customDomains, tenants } = transaction
  await tenants.hold(tenant)
  if ((await customDomains.list(tenant, MOST_DOMAINS)).length >= MOST_DOMAINS) return 'full'
  if (await tenants.findHost(domain)) return 'taken'
  const record: CustomDomainRecord = {
    tenant,
    id: newId('cd'),
    domain,
    proof: `${PROOF}${randomSecret()}`,
    document,
    isDefault: false,
    createdAt: now,
    verifiedAt: null,
  }
  return (await customDomains.create(record)) === 'taken' ? 'taken' : record
}

export const listDomains = ({ customDomains }: Nouns, tenant: string): Promise<CustomDomainRecord[]> =>
  customDomains.list(tenant, MOST_DOMAINS)

/** `missing`: the DNS does not say so, or cannot be asked. `taken`: another tenant was first to show it. */
export async function verifyDomain(
  store: Store,
  record: CustomDomainRecord,
  findTexts: FindTexts,
  now: Instant,
  note: (transaction: Transaction) => Promise<void>,
): Promise<'verified' | 'missing' | 'taken' | 'gone'> {
  const { tenant, id, domain } = record
  if (record.verifiedAt !== null) return 'verified'
  const texts = await findTexts(`${CHALLENGE}.${domain}`)
  if (!texts.includes(record.proof)) return 'missing'
  return store.transaction(async transaction => {
    const { customDomains, tenants, announce } = transaction
    await tenants.hold(tenant)
    // Taken back, or asked for anew with another proof, while the DNS was asked.
    if ((await customDomains.find(tenant, id))?.proof !== record.proof) return 'gone'
    // A host is one tenant's: of two that show it, the first has it.
    const outcome = await tenants.putHost({ host: domain, tenant, issuer: issuerOf(domain) })
    if (outcome === 'taken') return 'taken'
    await customDomains.change(tenant, id, { verifiedAt: now })
    announce({ topic: 'host', tenant, id: domain })
    await note(transaction)
    return 'verified'
  })
}

/** It answers no more from then on. `false` when there is none. */
export async function removeDomain(transaction: Transaction, record: CustomDomainRecord): Promise<boolean> {
  const { customDomains, tenants, announce } = transaction
  await tenants.hold(record.tenant)
  const current = await customDomains.find(record.tenant, record.id)
  if (!current || !(await customDomains.remove(record.tenant, record.id))) return false
  // What was never verified is no host of the tenant's by this; a host of that name is the operator's.
  if (current.verifiedAt !== null) {
    await tenants.removeHost(record.tenant, record.domain)
    announce({ topic: 'host', tenant: record.tenant, id: record.domain })
  }
  return true
}

export const issuerOf = (domain: string): string => `https://${domain}/`

/**
 * The issuer by which mail and tickets lead people here that a machine asks for: of the host it names, of the default
 * domain, or the one it asked at. Undefined for a host that is not the tenant's: nobody is sent anywhere by naming it.
 */
export async function issuerFor(
  { customDomains, tenants }: Nouns,
  tenant: string,
  named: string | undefined,
  askedAt: string,
): Promise<string | undefined> {
  if (named !== undefined) {
    const host = await tenants.findHost(named.toLowerCase().slice(0, 260))
    return host?.tenant === tenant ? host.issuer : undefined
  }
  const standing = await customDomains.findDefault(tenant)
  return standing && standing.verifiedAt !== null ? issuerOf(standing.domain) : askedAt
}

/** As the Management API has it. */
export function domainToWire(record: CustomDomainRecord): JsonObject {
  const { type, verification_method: _method, ...rest } = readMembers(MEMBERS, record.document)
  const isVerified = record.verifiedAt !== null
  return {
    custom_domain_id: record.id,
    domain: record.domain,
    primary: false,
    is_default: record.isDefault,
    status: isVerified ? 'ready' : 'pending_verification',
    type,
    ...(rest as JsonObject),
    verification: {
      methods: [{ name: 'txt', record: record.proof, domain: `${CHALLENGE}.${record.domain}` }],
      status: isVerified ? 'verified' : 'pending',
      ...(record.verifiedAt !== null && { last_verified_at: new Date(record.verifiedAt).toISOString() }),
    },
  }
}

function checkMetadata(value: JsonValue, name: string): string | undefined {
  const isSound =
    isObject(value) &&
    Object.keys(value).length <= MOST_METADATA &&
    Object.entries(value).every(
      ([key, text]) =>
        key.length <= LONGEST_METADATA &&
        (text === null || (typeof text === 'string' && text.length <= LONGEST_METADATA)),
    )
  return isSound
    ? undefined
    : `${name} must be an object of at most ${MOST_METADATA} texts, each of at most ${LONGEST_METADATA} characters.`
}

function checkName(value: JsonValue, name: string): string | undefined {
  return typeof value === 'string' && isDomain(value) ? undefined : `${name} must be the name of a host.`
}
