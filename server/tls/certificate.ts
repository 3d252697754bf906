/** A certificate with its key, as files hold them: read, and judged before anybody is answered with it. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { createSecureContext } from 'node:tls'
import type { Instant } from '../kernel/clock.ts'
import { OperatorError } from '../kernel/errors.ts'
import { TLS_OPTIONS } from './protocol.ts'

export interface Certificate {
  /** The chain, the server's own first; both in PEM. */
  readonly cert: string
  readonly key: string
  readonly expiresAt: Instant
}

/** Where an operator's own lie. */
export interface CertificateFiles {
  readonly cert: string
  readonly key: string
}

/** What they were given in, for whoever has to mend it. */
const SETTINGS: CertificateFiles = { cert: 'LATCHKEY_TLS_CERT', key: 'LATCHKEY_TLS_KEY' }

/** @throws OperatorError, in a sentence, for files that no client would or could be served with. */
export function readCertificate(files: CertificateFiles, now: Instant, names = SETTINGS): Certificate {
  const cert = read(names.cert, files.cert)
  const key = read(names.key, files.key)
  const parsed = parseCertificate(`${files.cert} (${names.cert})`, cert)
  const privateKey = parseKey(`${files.key} (${names.key})`, key)
  if (!parsed.checkPrivateKey(privateKey))
    throw new OperatorError(
      `The key in ${files.key} (${names.key}) is not the one of the certificate in ${files.cert} (${names.cert}), whose subject is ${nameIn(parsed)}. In a chain the server's own certificate comes first.`,
    )
  const [from, expiresAt] = [parsed.validFromDate.getTime(), parsed.validToDate.getTime()]
  if (now >= expiresAt)
    throw new OperatorError(`The certificate in ${files.cert} (${names.cert}) expired on ${day(expiresAt)}. Renew it.`)
  if (now < from)
    throw new OperatorError(
      `The certificate in ${files.cert} (${names.cert}) is good from ${day(from)} on, and not yet. Check this machine's clock.`,
    )
  try {
    createSecureContext({ ...TLS_OPTIONS, cert, key })
  } catch (error) {
    throw new OperatorError(
      `The certificate in ${files.cert} (${names.cert}) cannot be used for TLS: ${(error as Error).message}.`,
      { cause: error },
    )
  }
  return { cert, key, expiresAt }
}

/** Whether clients that ask for the host will take it. */
export function covers({ cert }: Certificate, host: string): boolean {
  const parsed = new X509Certificate(cert)
  return (isIP(host) === 0 ? parsed.checkHost(host) : parsed.checkIP(host)) !== undefined
}

function read(setting: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new OperatorError(`${setting} names a file that cannot be read: ${(error as Error).message}.`, {
      cause: error,
    })
  }
}

function parseCertificate(file: string, text: string): X509Certificate {
  try {
    return new X509Certificate(text)
  } catch (error) {
    throw new OperatorError(`The file ${file} holds no certificate in PEM.`, { cause: error })
  }
}

/** What the library says of a key that it cannot read may quote it, so it is not repeated. */
function parseKey(file: string, text: string): KeyObject {
  if (/-----BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(text))
    throw new OperatorError(
      `The key in ${file} is encrypted, and nobody is there to type its passphrase. Decrypt it with "openssl pkey", into a file of mode 0600.`,
    )
  try {
    return createPrivateKey(text)
  } catch {
    throw new OperatorError(`The file ${file} holds no private key in PEM.`)
  }
}

const nameIn = ({ subject, subjectAltName }: X509Certificate): string =>
  `"${(subject || subjectAltName || 'empty').replaceAll('\n', ', ')}"`

const day = (at: Instant): string => new Date(at).toISOString().slice(0, 10)
