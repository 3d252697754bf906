/**
 * What a tenant sends its mail through instead of the server's own way: Auth0's providers by Auth0's names. All that
 * can be enabled are SMTP relays; for the others, documents are kept for whoever exports them. Where a connection may
 * go is the egress guard's to say: the administrator of a tenant is not the operator of this machine.
 */
import { createHmac } from 'node:crypto'
import { DocumentFault, mustBeSound } from '../config/document-fault.ts'
import { type Members, readMembers, unknownMembers } from '../config/members.ts'
import { isBareAddress, isThisMachine, type SmtpServer } from '../config/smtp-url.ts'
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts'
import type { EmailProviderRecord, StoredEmailProvider } from '../store/email-providers.ts'
import type { Nouns, Transaction } from '../store/store.ts'

const PORTS = { tls: 465, starttls: 587 } as const

interface ProviderKind {
  /** Of `credentials`. */
  readonly members: Members
  /** Of these, what may be read again. */
  readonly shown: readonly string[]
  /** Null where mail cannot be sent through it. Given credentials whose form is sound; undefined where some are missing. */
  readonly relay: ((credentials: JsonObject) => SmtpServer | undefined) | null
}

const text = { is: 'text', optional: true } as const
const API_KEY = { api_key: text } as const

/** RFC 8314 §3.3: the key is the password, and it goes to the provider's own host alone. */
const withKey =
  (host: string, user: string, port: number = PORTS.starttls): ProviderKind['relay'] =>
  credentials => {
    const { api_key: key } = readMembers(API_KEY, credentials)
    const protection = port === PORTS.tls ? 'tls' : 'starttls'
    return key === undefined ? undefined : { host, port, protection, login: { user, password: key } }
  }

const SMTP = {
  smtp_host: { is: 'any', optional: true, check: checkHost },
  smtp_port: { is: 'count', optional: true },
  smtp_user: text,
  smtp_pass: text,
} as const satisfies Members
const SES = {
  accessKeyId: text,
  secretAccessKey: text,
  region: { is: 'any', optional: true, check: checkRegion },
} as const satisfies Members
const REGION = { is: 'text', optional: true, oneOf: ['eu'] } as const

const KINDS = {
  smtp: { members: SMTP, shown: ['smtp_host', 'smtp_port', 'smtp_user'], relay: ownServer },
  sendgrid: { members: API_KEY, shown: [], relay: withKey('smtp.sendgrid.net', 'apikey') },
  mandrill: { members: API_KEY, shown: [], relay: withKey('smtp.mandrillapp.com', 'latchkey') },
  resend: { members: API_KEY, shown: [], relay: withKey('smtp.resend.com', 'resend', PORTS.tls) },
  sparkpost: {
    members: { ...API_KEY, region: REGION },
    shown: ['region'],
    relay: credentials =>
      withKey(`smtp${credentials['region'] === 'eu' ? '.eu' : ''}.sparkpostmail.com`, 'SMTP_Injection')?.(credentials),
  },
  ses: { members: SES, shown: ['region'], relay: amazon },
  // Its SMTP server takes other passwords than the key that Auth0 asks for.
  mailgun: { members: { ...API_KEY, domain: text, region: REGION }, shown: ['domain', 'region'], relay: null },
  azure_cs: { members: { connectionString: text }, shown: [], relay: null },
  ms365: { members: { tenantId: text, clientId: text, clientSecret: text }, shown: [], relay: null },
  custom: { members: {}, shown: [], relay: null },
} as const satisfies Readonly<Record<string, ProviderKind>>

export type ProviderName = keyof typeof KINDS
export const PROVIDER_NAMES = Object.keys(KINDS) as readonly ProviderName[]

const DOCUMENT = {
  name: { is: 'text', oneOf: PROVIDER_NAMES },
  enabled: { is: 'boolean', optional: true },
  default_from_address: { is: 'any', optional: true, check: checkSender },
  credentials: { is: 'object', optional: true, members: {} },
  settings: { is: 'object', optional: true, members: {} },
} as const satisfies Members

const MOST_SETTINGS_CHARACTERS = 8 * 1024
const LONGEST_SECRET = 4096

/**
 * The provider as it is to be after `given`, a whole one or a change of `before`. Throws `DocumentFault`.
 * What is enabled can be sent through, as far as its form tells.
 */
export function readProvider(tenant: string, given: JsonObject, before?: StoredEmailProvider): EmailProviderRecord {
  const merged = { ...before?.document, ...given }
  mustBeSound(DOCUMENT, merged)
  const [unknown] = Object.keys(given).filter(name => !Object.hasOwn(DOCUMENT, name))
  if (unknown !== undefined) throw new DocumentFault('There is no such member of a provider.', [unknown])
  const { name, enabled = true, default_from_address: from } = readMembers(DOCUMENT, merged)
  const { settings } = merged
  if (settings && JSON.stringify(settings).length > MOST_SETTINGS_CHARACTERS)
    throw new DocumentFault('settings holds more than 8 KiB.', ['settings'])
  const isSame = before?.document['name'] === name
  const credentials = readCredentials(name, given['credentials'], isSame ? before : undefined)
  const document = { name, enabled, ...(from != null && { default_from_address: from }), ...(settings && { settings }) }
  if (enabled) mustRelay(name, credentials)
  return { tenant, document, credentials }
}

function readCredentials(name: ProviderName, given: JsonValue | undefined, before?: StoredEmailProvider): JsonObject {
  if (given === undefined && before) return before.readCredentials()
  const named = isObject(given) ? given : {}
  const { members }: ProviderKind = KINDS[name]
  mustBeSound(members, named, ['credentials'])
  const [unknown] = unknownMembers(members, named)
  if (unknown !== undefined && name !== 'custom')
    throw new DocumentFault(`The credentials of ${name} have no such member.`, ['credentials', unknown])
  for (const [member, value] of Object.entries(named))
    if (typeof value === 'string' && value.length > LONGEST_SECRET)
      throw new DocumentFault(`${member} is longer than ${LONGEST_SECRET} characters.`, ['credentials', member])
  if (!before) return named
  const known = before.readCredentials()
  // Whoever may change a provider may not read its password: they must not have it sent to a server of theirs either.
  const leadsElsewhere =
    name === 'smtp' &&
    ['smtp_host', 'smtp_port', 'smtp_user'].some(member => (named[member] ?? null) !== (known[member] ?? null))
  if (leadsElsewhere && named['smtp_pass'] === undefined && known['smtp_pass'] !== undefined)
    throw new DocumentFault('smtp_pass must be given with another smtp_host, smtp_port or smtp_user.', [
      'credentials',
      'smtp_pass',
    ])
  return { ...known, ...named }
}

function mustRelay(name: ProviderName, credentials: JsonObject): void {
  const { relay, members }: ProviderKind = KINDS[name]
  if (!relay)
    throw new DocumentFault(
      `Latchkey cannot send through ${name}: give it enabled: false, or use its SMTP server as provider smtp.`,
      ['enabled'],
    )
  if (relay(credentials)) return
  const missing = Object.keys(members).filter(member => credentials[member] == null || credentials[member] === '')
  throw new DocumentFault(`credentials lack ${missing.join(' and ')}.`, ['credentials', ...missing.slice(0, 1)])
}

/** Where mail goes for this tenant; null where it takes the server's own way. Throws `SealError`. */
export function relayOf(provider: StoredEmailProvider): { server: SmtpServer; from: string | null } | null {
  const { name, enabled, default_from_address: from } = readMembers(DOCUMENT, provider.document)
  const { relay }: ProviderKind = KINDS[name]
  const server = enabled === true ? relay?.(provider.readCredentials()) : undefined
  return server ? { server, from: typeof from === 'string' && from !== '' ? from : null } : null
}

/** As the Management API has it: without a secret. */
export function providerToWire(provider: StoredEmailProvider | EmailProviderRecord): JsonObject {
  const { name } = readMembers(DOCUMENT, provider.document)
  const { shown }: ProviderKind = KINDS[name]
  const credentials = 'credentials' in provider ? provider.credentials : provider.readCredentials()
  return {
    ...provider.document,
    credentials: Object.fromEntries(
      Object.entries(credentials).filter(([member, value]) => shown.includes(member) && value != null),
    ),
  }
}

/** Puts the provider in the place of the one there is, if any. */
export async function putProvider({ emailProviders }: Transaction, provider: EmailProviderRecord): Promise<void> {
  if (!(await emailProviders.change(provider))) await emailProviders.create(provider)
}

export const findProvider = ({ emailProviders }: Nouns, tenant: string) => emailProviders.find(tenant)

function ownServer(credentials: JsonObject): SmtpServer | undefined {
  const { smtp_host, smtp_port: port = PORTS.starttls, smtp_user: user, smtp_pass } = readMembers(SMTP, credentials)
  if (typeof smtp_host !== 'string' || (user === undefined) !== (smtp_pass === undefined)) return undefined
  return {
    host: smtp_host,
    port,
    protection: port === PORTS.tls ? 'tls' : isThisMachine(smtp_host) ? 'none' : 'starttls',
    login: user === undefined || smtp_pass === undefined ? null : { user, password: smtp_pass },
  }
}

/** Amazon's SMTP passwords are made of the secret key by its signature, version 4, of a fixed day and message. */
function amazon(credentials: JsonObject): SmtpServer | undefined {
  const { accessKeyId: user, secretAccessKey: secret, region } = readMembers(SES, credentials)
  if (user === undefined || secret === undefined || typeof region !== 'string') return undefined
  const signature = ['11111111', region, 'ses', 'aws4_request', 'SendRawEmail'].reduce<Buffer | string>(
    (key, part) => createHmac('sha256', key).update(part).digest(),
    `AWS4${secret}`,
  )
  const password = Buffer.concat([Buffer.of(4), Buffer.from(signature)]).toString('base64')
  return {
    host: `email-smtp.${region}.amazonaws.com`,
    port: PORTS.starttls,
    protection: 'starttls',
    login: { user, password },
  }
}

function checkHost(value: JsonValue, name: string): string | undefined {
  const isHost =
    typeof value === 'string' &&
    value.length <= 253 &&
    /^(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?|[0-9a-f:.]+)$/i.test(value)
  return isHost ? undefined : `${name} must be the name or the address of a host, without a port.`
}

function checkRegion(value: JsonValue, name: string): string | undefined {
  const isRegion = typeof value === 'string' && value.length <= 30 && /^[a-z]{2}(?:-[a-z]+)+-\d+$/.test(value)
  return isRegion ? undefined : `${name} must be a region such as eu-central-1.`
}

function checkSender(value: JsonValue, name: string): string | undefined {
  return typeof value === 'string' && isBareAddress(value)
    ? undefined
    : `${name} must be an e-mail address without a name, such as no-reply@example.com.`
}
