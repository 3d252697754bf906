/**
 * What can be set, by environment variables: each option with its default, its unit and a sentence. This table
 * is the manual (`docs/configuration.gen.md` is printed from it) and the parser at once; nothing else reads
 * the environment.
 */
import { resolve } from 'node:path'
import { OperatorError } from '../kernel/errors.ts'
import { isAddressOrRange } from '../kernel/ip-ranges.ts'
import { DAY, SECOND } from '../kernel/seconds.ts'
import { noReplyAt, readSender, readSmtpUrl, type SmtpServer } from './smtp-url.ts'

export interface Option<T = unknown> {
  readonly name: string
  /** For the reader. */
  readonly default: string
  readonly unit?: string
  readonly sentence: string
  /** `raw` is undefined when the variable is unset or empty. Throws `OperatorError` for a value that makes no sense. */
  readonly read: (raw: string | undefined, settled: Partial<Settings>) => T
}

/** Settings, resolved once at start: no optionals, nothing left to decide later. */
export interface Settings {
  readonly port: number
  readonly host: string
  readonly tlsCert: string | null
  readonly tlsKey: string | null
  readonly tls: 'off' | 'auto' | 'files'
  readonly issuer: string
  readonly gatewayConfig: string | null
  readonly gatewayPort: number | null
  readonly dataFolder: string
  readonly databaseUrl: string | null
  readonly workers: number
  readonly redisUrl: string | null
  readonly sqliteSynchronous: 'full' | 'normal'
  readonly masterKeyFile: string
  readonly smtp: SmtpServer | null
  readonly mailFrom: string
  readonly apply: string | null
  readonly adminEmail: string
  readonly adminPassword: string | null
  readonly trustedProxies: readonly string[]
  readonly egressAllow: readonly string[]
  /** Milliseconds. */
  readonly drain: number
  /** A second, of one client, in one process; 0 for any number. */
  readonly managementCalls: number
  /** In bytes. */
  readonly largestImport: number
  readonly metricsPort: number | null
  readonly metricsHost: string
  /** Milliseconds; null keeps them for ever. */
  readonly eventRetention: number | null
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent'
}

const complain = (name: string, problem: string): never => {
  throw new OperatorError(`${name} ${problem}`)
}

/** Throws `OperatorError` for what is not a port. `name` is the variable's. */
export function port(name: string, raw: string | undefined, fallback: number): number {
  if (raw === undefined) return fallback
  const value = Number(raw)
  return /^\d{1,5}$/.test(raw) && value <= 65535
    ? value
    : complain(name, `must be a port from 0 to 65535, not "${raw}".`)
}

function wholeNumber(name: string, raw: string | undefined, fallback: number, most: number): number {
  if (raw === undefined) return fallback
  const value = Number(raw)
  return /^\d{1,6}$/.test(raw) && value <= most
    ? value
    : complain(name, `must be a whole number from 0 to ${most}, not "${raw}".`)
}

/** Milliseconds, of a whole number of seconds. */
function seconds(name: string, raw: string | undefined, fallback: number, most: number): number {
  if (raw === undefined) return fallback * SECOND
  const value = Number(raw)
  return /^\d{1,6}$/.test(raw) && value <= most
    ? value * SECOND
    : complain(name, `must be a whole number of seconds from 0 to ${most}, not "${raw}".`)
}

/** Milliseconds, of a whole number of days; null for 0. */
function days(name: string, raw: string | undefined, fallback: number): number | null {
  const value = raw === undefined ? fallback : Number(raw)
  if (raw !== undefined && !/^\d{1,5}$/.test(raw))
    return complain(name, `must be a whole number of days, or 0 for no end, not "${raw}".`)
  return value === 0 ? null : value * DAY
}

function oneOf<T extends string>(name: string, raw: string | undefined, values: readonly T[], fallback: T): T {
  if (raw === undefined) return fallback
  return values.find(value => value === raw) ?? complain(name, `must be one of ${values.join(', ')}, not "${raw}".`)
}

/** The issuer as it is compared, byte for byte. Throws `OperatorError` for what is none; `name` is what it was given as. */
export function readIssuer(name: string, text: string): string {
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol)) return complain(name, `must be an http or https URL, not "${text}".`)
  if (url.pathname !== '/' || url.search || url.hash || url.username || url.password)
    return complain(
      name,
      'must be a bare origin such as https://login.example.com/, because a tenant is a host: it holds a path or more.',
    )
  // OpenID Connect Discovery §4.3 compares the issuer byte for byte, and Auth0's SDKs expect the slash.
  return text === url.href ? text : complain(name, `must be written "${url.href}", with the slash at the end.`)
}

/** Whatever is wrong with it, what was written is not repeated: there is a password in it. */
function postgresUrl(name: string, raw: string | undefined): string | null {
  if (raw === undefined) return null
  if (!/^postgres(ql)?:\/\//.test(raw))
    return complain(name, 'must begin with postgres:// (or be unset, for the embedded database).')
  const url = URL.parse(raw)
  // Up to a bare "/", "?" or "#" a password is read as host and port, and those are told to whoever reads the log.
  if (!url || `${url.pathname}${url.search}${url.hash}`.includes('@'))
    return complain(
      name,
      'must be of the form postgres://user:password@host:5432/database, with a "/", "?", "#" or "@" in its parts written %2F, %3F, %23 or %40.',
    )
  return raw
}

/**
 * Names of ranges (`loopback`, `uniquelocal`), which the HTTP layer would take, are not: who may say where a
 * request comes from is to be read in the setting itself.
 */
function proxies(name: string, raw: string | undefined): readonly string[] {
  const listed = (raw ?? '').split(',').map(entry => entry.trim())
  return listed
    .filter(Boolean)
    .map(entry =>
      isAddressOrRange(entry)
        ? entry
        : complain(
            name,
            `must list IP addresses or CIDR ranges such as 10.0.0.0/8, with commas between them: "${entry}" is neither.`,
          ),
    )
}

/** Of a DNS name as `URL` writes it: no wildcard, no port, and no number at the end, which would be an address. */
const HOST = /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/** A range of /0 would be no guard at all. */
function egressList(name: string, raw: string | undefined): readonly string[] {
  const listed = (raw ?? '').split(',').map(entry => entry.trim().toLowerCase())
  return listed
    .filter(Boolean)
    .map(entry =>
      isAddressOrRange(entry) || HOST.test(entry)
        ? entry
        : complain(
            name,
            `must list host names, IP addresses or CIDR ranges such as 10.0.0.0/8, with commas between them and without ports: "${entry}" is none of them.`,
          ),
    )
}

/**
 * Whatever is wrong with it, what was written is not repeated: there may be a password in it.
 * @throws OperatorError
 */
export function redisUrl(name: string, raw: string | undefined): string | null {
  if (raw === undefined) return null
  const url = URL.parse(raw)
  const isSound =
    url !== null &&
    /^rediss?:$/.test(url.protocol) &&
    url.hostname !== '' &&
    /^\/?(?:\d{1,4})?$/.test(url.pathname) &&
    url.search === '' &&
    url.hash === ''
  return isSound
    ? raw
    : complain(
        name,
        'must be of the form redis://user:password@host:6379/0, or rediss:// for TLS, with a "/", "?", "#", "%" or "@" in the user or password written %2F, %3F, %23, %25 or %40.',
      )
}

/** In this order: a later option may lean on an earlier one. */
export const options = {
  port: {
    name: 'LATCHKEY_PORT',
    default: '4000',
    sentence: 'The port the identity server listens on; 0 takes a free one.',
    read: raw => port('LATCHKEY_PORT', raw, 4000),
  },
  host: {
    name: 'LATCHKEY_HOST',
    default: '127.0.0.1',
    sentence: 'The address the identity server listens on.',
    read: raw => raw ?? '127.0.0.1',
  },
  tlsCert: {
    name: 'LATCHKEY_TLS_CERT',
    default: 'none',
    sentence:
      "A file in PEM with the server's certificate and those that lead to a known authority, to serve HTTPS with. It is read again when it changes, and on SIGHUP.",
    read: raw => (raw === undefined ? null : resolve(raw)),
  },
  tlsKey: {
    name: 'LATCHKEY_TLS_KEY',
    default: 'none',
    sentence: 'A file in PEM with the private key of that certificate, without a passphrase.',
    read: (raw, settled) => {
      if ((raw === undefined) !== (settled.tlsCert === null))
        return complain('LATCHKEY_TLS_KEY', 'and LATCHKEY_TLS_CERT belong together: set both, or neither.')
      return raw === undefined ? null : resolve(raw)
    },
  },
  tls: {
    name: 'LATCHKEY_TLS',
    default: 'off',
    sentence:
      'With `auto`, HTTPS is served with a certificate for every host of every tenant, and for localhost, from a private authority in LATCHKEY_DATA/tls. Clients have to trust its `ca.pem` (NODE_EXTRA_CA_CERTS, for Node). Off, unless there are files of a certificate.',
    read: (raw, settled) => {
      const chosen = oneOf('LATCHKEY_TLS', raw, ['off', 'auto'], 'off')
      if (settled.tlsCert === null) return chosen
      return raw === undefined
        ? 'files'
        : complain('LATCHKEY_TLS', 'is to be unset where LATCHKEY_TLS_CERT says which certificate to use.')
    },
  },
  issuer: {
    name: 'LATCHKEY_ISSUER',
    default: 'http://localhost:4000/',
    sentence:
      'The public URL of the default tenant, with its trailing slash: the `iss` of its tokens and the host it answers on. Unset, it follows LATCHKEY_PORT, and is https where this server speaks TLS.',
    read: (raw, settled) => {
      const scheme = settled.tls === 'off' ? 'http' : 'https'
      const issuer = readIssuer(
        'LATCHKEY_ISSUER',
        raw ?? new URL(`${scheme}://localhost:${settled.port ?? 4000}/`).href,
      )
      if (scheme === 'https' && !issuer.startsWith('https:'))
        return complain('LATCHKEY_ISSUER', `must begin with https:// where this server speaks TLS, not "${issuer}".`)
      return issuer
    },
  },
  gatewayConfig: {
    name: 'LATCHKEY_GATEWAY_CONFIG',
    default: 'none',
    sentence:
      'The route file of `latchkey gateway`, where its arguments name none: YAML of its own, or a tenant file with a `gateway` member.',
    read: raw => (raw === undefined ? null : resolve(raw)),
  },
  gatewayPort: {
    name: 'LATCHKEY_GATEWAY_PORT',
    default: 'that of `listen` in the route file',
    sentence: 'The port the gateway listens on, whatever the route file says; 0 takes a free one.',
    read: raw => (raw === undefined ? null : port('LATCHKEY_GATEWAY_PORT', raw, 0)),
  },
  dataFolder: {
    name: 'LATCHKEY_DATA',
    default: './data',
    sentence:
      'The folder of the embedded database, the master key, the outbox, the compile cache and the socket through which commands reach the running server.',
    read: raw => resolve(raw ?? './data'),
  },
  databaseUrl: {
    name: 'LATCHKEY_DATABASE_URL',
    default: 'SQLite in LATCHKEY_DATA',
    sentence: 'A postgres:// URL, to keep everything in PostgreSQL 15 or later.',
    read: raw => postgresUrl('LATCHKEY_DATABASE_URL', raw),
  },
  workers: {
    name: 'LATCHKEY_WORKERS',
    default: '1',
    sentence:
      'How many processes share the port; with more than one, another beside them runs the jobs and takes commands. On PostgreSQL only. As many as there are processors is enough.',
    read: (raw, settled) => {
      if (raw === undefined || raw === '1') return 1
      if (!/^[1-9]\d?$/.test(raw)) return complain('LATCHKEY_WORKERS', `must be a number from 1 to 99, not "${raw}".`)
      return settled.databaseUrl === null
        ? complain(
            'LATCHKEY_WORKERS',
            'needs LATCHKEY_DATABASE_URL: one process owns an embedded database, and several share one in PostgreSQL.',
          )
        : Number(raw)
    },
  },
  redisUrl: {
    name: 'LATCHKEY_REDIS_URL',
    default: 'none: PostgreSQL, or memory with SQLite',
    sentence:
      'A redis:// or rediss:// URL (Redis 6.2, Valkey), through which nodes tell each other of changes and count wrong passwords. Its absence is no outage: changes then take up to half a minute, and PostgreSQL or SQLite counts. It does not make several processes of an embedded database.',
    read: raw => redisUrl('LATCHKEY_REDIS_URL', raw),
  },
  sqliteSynchronous: {
    name: 'LATCHKEY_SQLITE_SYNCHRONOUS',
    default: 'full',
    sentence:
      'Whether a commit to the embedded database waits for the disk: `full` survives a power cut, `normal` only a crash.',
    read: raw => oneOf('LATCHKEY_SQLITE_SYNCHRONOUS', raw, ['full', 'normal'], 'full'),
  },
  masterKeyFile: {
    name: 'LATCHKEY_MASTER_KEY_FILE',
    default: 'master.key in LATCHKEY_DATA',
    sentence:
      'The file of master keys that seal every secret and private key at rest. It is made on the first start, with mode 0600; keep a copy away from the database.',
    read: (raw, settled) => resolve(raw ?? `${settled.dataFolder}/master.key`),
  },
  smtp: {
    name: 'LATCHKEY_SMTP_URL',
    default: 'none: LATCHKEY_DATA/outbox/*.eml',
    sentence:
      'Where mail goes: smtps://user:password@host, encrypted from the first byte, or smtp://user:password@host:587, encrypted by STARTTLS or not sent. Its certificate has to be valid. smtp:// goes unencrypted to this machine, and with ?tls=none to any. Unset, each mail becomes a file, whose links open accounts like those of any mail.',
    read: raw => (raw === undefined ? null : readSmtpUrl('LATCHKEY_SMTP_URL', raw)),
  },
  mailFrom: {
    name: 'LATCHKEY_MAIL_FROM',
    default: 'no-reply@localhost',
    sentence:
      'The e-mail address that mail comes from, under the name of the tenant. Unset, it is no-reply at the host of LATCHKEY_ISSUER.',
    read: (raw, settled) =>
      raw === undefined ? noReplyAt(settled.issuer ?? 'http://localhost/') : readSender('LATCHKEY_MAIL_FROM', raw),
  },
  apply: {
    name: 'LATCHKEY_APPLY',
    default: 'none',
    sentence:
      'A tenant file (YAML, as auth0-deploy-cli writes it) applied to the default tenant at start. Applying it again changes nothing.',
    read: raw => (raw === undefined ? null : resolve(raw)),
  },
  adminEmail: {
    name: 'LATCHKEY_ADMIN_EMAIL',
    default: 'admin@localhost.localdomain',
    sentence: 'The e-mail address of the first administrator, made on the first start.',
    read: raw => raw ?? 'admin@localhost.localdomain',
  },
  adminPassword: {
    name: 'LATCHKEY_ADMIN_PASSWORD',
    default: 'made on the first start',
    sentence:
      "The first administrator's password. Unset, one is made and told once: on the terminal, or in a file of mode 0600 when there is none.",
    read: raw => raw ?? null,
  },
  trustedProxies: {
    name: 'LATCHKEY_TRUSTED_PROXIES',
    default: 'none',
    sentence:
      'IP addresses or CIDR ranges, comma-separated, whose X-Forwarded-For and X-Forwarded-Host count. Names of ranges (`loopback`) are not taken.',
    read: raw => proxies('LATCHKEY_TRUSTED_PROXIES', raw),
  },
  egressAllow: {
    name: 'LATCHKEY_EGRESS_ALLOW',
    default: 'none',
    sentence:
      'Host names, IP addresses or CIDR ranges, comma-separated, that may be asked for what clients point to (`jwks_uri` and the like) though they are not public, and by http as well as https. Everything else is asked by https alone, and only at public addresses. Whoever may set up a client can make this server ask what is listed.',
    read: raw => egressList('LATCHKEY_EGRESS_ALLOW', raw),
  },
  drain: {
    name: 'LATCHKEY_DRAIN',
    default: '0',
    unit: 'seconds',
    sentence:
      'How long the server goes on answering after SIGTERM while `/readyz` says 503, so that load balancers notice before connections are refused. A little more than they wait between two questions.',
    read: raw => seconds('LATCHKEY_DRAIN', raw, 0, 300),
  },
  metricsPort: {
    name: 'LATCHKEY_METRICS_PORT',
    default: 'none',
    sentence: 'The port that answers Prometheus at /metrics; 0 takes a free one. Unset, nothing is counted.',
    read: raw => (raw === undefined ? null : port('LATCHKEY_METRICS_PORT', raw, 0)),
  },
  managementCalls: {
    name: 'LATCHKEY_MANAGEMENT_CALLS',
    default: '500',
    unit: 'calls a second',
    sentence:
      'How often one client may call the Management API, counted by each process; 0 for as often as it likes. Answers tell in X-RateLimit-* how much is left.',
    read: raw => wholeNumber('LATCHKEY_MANAGEMENT_CALLS', raw, 500, 100_000),
  },
  largestImport: {
    name: 'LATCHKEY_LARGEST_IMPORT',
    default: '1024',
    unit: 'MiB',
    sentence:
      'How large a file of users to import may be. It lies in the database until its import is over, and an embedded one needs twice that room on its disk.',
    read: raw => wholeNumber('LATCHKEY_LARGEST_IMPORT', raw, 1024, 102_400) * 1024 * 1024,
  },
  metricsHost: {
    name: 'LATCHKEY_METRICS_HOST',
    default: '127.0.0.1',
    sentence: 'The address that port is on. Whoever can reach it can read it.',
    read: raw => raw ?? '127.0.0.1',
  },
  eventRetention: {
    name: 'LATCHKEY_EVENT_RETENTION',
    default: '365',
    unit: 'days',
    sentence: 'How long events are kept: the record of who did what and when. 0 keeps them for ever.',
    read: raw => days('LATCHKEY_EVENT_RETENTION', raw, 365),
  },
  logLevel: {
    name: 'LATCHKEY_LOG_LEVEL',
    default: 'info',
    sentence: 'The least important level that is logged: debug, info, warn, error or silent.',
    read: raw => oneOf('LATCHKEY_LOG_LEVEL', raw, ['debug', 'info', 'warn', 'error', 'silent'], 'info'),
  },
} satisfies { readonly [K in keyof Settings]: Option<Settings[K]> }
