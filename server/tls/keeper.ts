/**
 * The certificate this server presents, for as long as it runs: the operator's, read again when its files change, or one
 * of the private authority, renewed in time and when there are other hosts. What is wrong with a successor is logged, and
 * the one at hand stays: connections that are open, and those to come, have nothing to fear from a half-written file.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock, Instant } from '../kernel/clock.ts'
import { OperatorError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import { DAY, HOUR, SECOND } from '../kernel/seconds.ts'
import { nameOfHost, ownCertificate } from './authority.ts'
import { type Certificate, type CertificateFiles, covers, readCertificate } from './certificate.ts'

export interface KeeperOptions {
  /** Null for one of the private authority. */
  readonly files: CertificateFiles | null
  readonly dataFolder: string
  /** Host names and addresses, with or without a port, that clients ask for. */
  readonly hosts: () => Promise<readonly string[]>
  readonly clock: Clock
  readonly log: Log
}

export interface CertificateKeeper {
  /** The one to begin with. */
  readonly first: Certificate
  /** What clients have to trust to believe the private authority; null where there is none. */
  readonly caFile: string | null
  /** Looks for another, and hands it to `present`. Answers when to look again. */
  look(present: (certificate: Certificate) => void): Promise<Instant>
}

/** Two small files, of which nothing tells reliably when they change: behind links, on network file systems. */
const LOOK_AT_FILES = 10 * SECOND
const LOOK_AT_OWN = HOUR
/** Time to renew by hand what a machine should have renewed. */
const WARN_BEFORE = 14 * DAY

/** @throws OperatorError for a certificate that is no good, and for a folder that none can be kept in. */
export async function keepCertificate(options: KeeperOptions): Promise<CertificateKeeper> {
  const { files, dataFolder, clock, log } = options
  const folder = join(dataFolder, 'tls')
  let caFile: string | null = null
  let complaint = ''
  let warnedAt = Number.NEGATIVE_INFINITY

  async function find(): Promise<Certificate> {
    if (files) return readCertificate(files, clock())
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const own = ownCertificate(folder, await options.hosts(), clock())
    caFile = own.caFile
    if (own.wasMade) log.info({ trust: own.caFile, expires: isoOf(own.expiresAt) }, 'a certificate was made')
    if (own.wasMade && own.leftOut > 0) log.warn({ leftOut: own.leftOut }, 'the certificate has no room for all hosts')
    return own
  }

  function warnOfExpiry({ expiresAt }: Certificate): void {
    if (expiresAt - clock() > WARN_BEFORE || clock() - warnedAt < DAY) return
    warnedAt = clock()
    log.warn({ expires: isoOf(expiresAt) }, 'the TLS certificate expires soon: renew it')
  }

  let current = await find()
  const strangers = (await options.hosts()).map(nameOfHost).filter(host => !covers(current, host))
  if (strangers.length > 0)
    log.warn({ hosts: strangers.slice(0, 10) }, 'the TLS certificate is not for these hosts; clients will refuse it')
  warnOfExpiry(current)

  return {
    first: current,
    caFile,
    async look(present) {
      try {
        const found = await find()
        if (found.cert !== current.cert || found.key !== current.key) {
          present(found)
          log.info({ expires: isoOf(found.expiresAt) }, 'another TLS certificate is presented from now on')
        }
        current = found
        complaint = ''
      } catch (error) {
        if (!(error instanceof OperatorError)) throw error
        // Once, and not at every look.
        if (error.message !== complaint)
          log.error({ reason: error.message }, 'the TLS certificate could not be read again; the one at hand stays')
        complaint = error.message
      }
      warnOfExpiry(current)
      return clock() + (files ? LOOK_AT_FILES : LOOK_AT_OWN)
    },
  }
}

const isoOf = (at: Instant): string => new Date(at).toISOString()
