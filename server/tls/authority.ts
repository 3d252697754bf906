/**
 * A private certificate authority and the server's certificate from it, in a folder of the data: for a laptop, or a
 * network whose machines one can tell whom to trust. Whoever has `ca.key` can pretend to be any site to those that do.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto'
import { chmodSync, linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import type { Instant } from '../kernel/clock.ts'
import { OperatorError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import { DAY, HOUR } from '../kernel/seconds.ts'
import type { Certificate } from './certificate.ts'
import { type Issuer, issueCertificate } from './x509.ts'

export interface OwnCertificate extends Certificate {
  /** What clients have to trust, in PEM. */
  readonly caFile: string
  /** Of the names wanted, those that one certificate had no room for. */
  readonly leftOut: number
  readonly wasMade: boolean
}

const AUTHORITY_LIFE = 10 * 365 * DAY
const LIFE = 90 * DAY
const RENEWED_BEFORE = 30 * DAY
/** For clocks that are late. */
const LEEWAY = HOUR
/** Clients read no certificate of any length, and each handshake carries it. */
const MOST_NAMES = 500
const OWNER_ONLY = 0o600

/** This machine is reached under them whatever else it is called. */
const LOCAL = ['localhost', '127.0.0.1', '::1']

/**
 * The certificate for these hosts (`localhost:4000`, `[::1]`), made anew when there is none, when it has less than a
 * month left and when the names are others. Of processes that make one at once the last one's stays, and each is good.
 * @throws OperatorError when the folder, which exists, cannot be written to or holds something else.
 */
export function ownCertificate(folder: string, hosts: readonly string[], now: Instant): OwnCertificate {
  const wanted = [...new Set([...LOCAL, ...hosts.map(nameOfHost)])]
  const names = wanted.slice(0, MOST_NAMES)
  try {
    const authority = authorityIn(folder, now)
    const caFile = join(folder, 'ca.pem')
    if (tryRead(caFile) !== authority.cert) writeInPlace(caFile, authority.cert, 0o644)
    const file = join(folder, 'server.key')
    const kept = certificateIn(tryRead(file), authority, names, now)
    const certificate = kept ?? makeCertificate(authority, names, now)
    if (!kept) writeInPlace(file, certificate.key + certificate.cert, OWNER_ONLY)
    return { ...certificate, caFile, leftOut: wanted.length - names.length, wasMade: !kept }
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error
    throw new OperatorError(`The folder ${folder} cannot be used for certificates: ${error.message}.`, { cause: error })
  }
}

/** Without its port, and an address without its brackets. */
export const nameOfHost = (host: string): string => new URL(`http://${host}/`).hostname.replace(/^\[|\]$/g, '')

interface Authority extends Issuer {
  readonly cert: string
  readonly expiresAt: Instant
}

/** Key and certificate are one file, so that no crash parts them. */
function authorityIn(folder: string, now: Instant): Authority {
  const file = join(folder, 'ca.key')
  const text = tryRead(file)
  if (text !== undefined) {
    const authority = parseAuthority(file, text)
    // One that ends before what it signs is of no more use; whoever trusts it has to be told of its successor anyway.
    if (authority.expiresAt - now > LIFE) return authority
    unlinkSync(file)
  }
  writeOnce(file, makeAuthority(now))
  return parseAuthority(file, readFileSync(file, 'utf8'))
}

function parseAuthority(file: string, text: string): Authority {
  try {
    const privateKey = createPrivateKey(text)
    const cert = certificatesOf(text)
    const { subject, validToDate } = new X509Certificate(cert)
    const name = subject.replace(/^CN=/, '')
    return { name, privateKey, publicKey: createPublicKey(privateKey), cert, expiresAt: validToDate.getTime() }
  } catch {
    throw new OperatorError(
      `The file ${file} does not hold the private authority. Put it back, or remove it to have another made, which clients then have to trust.`,
    )
  }
}

/** Each has a name of its own: clients that trusted an earlier one tell them apart by it. */
function makeAuthority(now: Instant): string {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const name = `Latchkey private authority ${newId('ca').slice(-8)}`
  const issuer = { name, privateKey, publicKey }
  const validity = { notBefore: now - LEEWAY, notAfter: now + AUTHORITY_LIFE }
  return pemOf(privateKey) + issueCertificate({ name, publicKey, hosts: null, ...validity }, issuer)
}

function makeCertificate(authority: Authority, hosts: readonly string[], now: Instant): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const validity = { notBefore: now - LEEWAY, notAfter: now + LIFE }
  const cert = issueCertificate({ name: 'Latchkey', publicKey, hosts, ...validity }, authority)
  return { cert, key: pemOf(privateKey), expiresAt: validity.notAfter }
}

/** What the file holds, if it is this authority's, good for a while, and for exactly these names. */
function certificateIn(
  text: string | undefined,
  authority: Authority,
  names: readonly string[],
  now: Instant,
): Certificate | undefined {
  if (text === undefined) return undefined
  try {
    const cert = certificatesOf(text)
    const parsed = new X509Certificate(cert)
    const expiresAt = parsed.validToDate.getTime()
    const isOurs = parsed.verify(authority.publicKey) && parsed.checkPrivateKey(createPrivateKey(text))
    const isFor = parsed.subjectAltName?.split(', ').length === names.length && names.every(isNamedIn(parsed))
    const key = text.slice(0, text.indexOf('-----BEGIN CERTIFICATE'))
    return isOurs && isFor && expiresAt > now + RENEWED_BEFORE ? { cert, key, expiresAt } : undefined
  } catch {
    return undefined
  }
}

const isNamedIn = (parsed: X509Certificate) => (name: string) =>
  (isIP(name) === 0 ? parsed.checkHost(name, { subject: 'never' }) : parsed.checkIP(name)) !== undefined

const pemOf = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString()
const certificatesOf = (text: string): string => text.slice(text.indexOf('-----BEGIN CERTIFICATE'))

function tryRead(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Under another name first: nobody ever reads half of it. */
function draft(file: string, text: string, mode: number): string {
  const name = `${file}.${newId('draft')}`
  writeFileSync(name, text, { mode, flag: 'wx' })
  // The umask may have taken more away than was meant.
  chmodSync(name, mode)
  return name
}

function writeInPlace(file: string, text: string, mode: number): void {
  renameSync(draft(file, text, mode), file)
}

/** By a link, which never replaces a file: of processes that start at once all go on with the first one's. */
function writeOnce(file: string, text: string): void {
  const name = draft(file, text, OWNER_ONLY)
  try {
    linkSync(name, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    unlinkSync(name)
  }
}
