/**
 * X.509 certificates (RFC 5280) in as few fields as TLS needs, written as DER: the private authority's and the ones it
 * signs. Which certificate is wanted, and where it lies, is `authority.ts`'s.
 */
import { createHash, type KeyObject, sign } from 'node:crypto'
import { isIP } from 'node:net'
import type { Instant } from '../kernel/clock.ts'
import { randomKey } from '../kernel/secrets.ts'
import { bits, der, inPem, integer, nameOf, objectId, octets, sequence, spkiOf, time, yes } from './der.ts'

export interface Subject {
  readonly name: string
  readonly publicKey: KeyObject
  readonly notBefore: Instant
  readonly notAfter: Instant
  /** Names and addresses a server answers on; null for an authority, which signs servers' certificates and no other authority's. */
  readonly hosts: readonly string[] | null
}

/** Its pair is of the curve P-256. */
export interface Issuer {
  readonly name: string
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

const ECDSA_WITH_SHA256 = '2a8648ce3d040302'
const SUBJECT_KEY_IDENTIFIER = '551d0e'
const KEY_USAGE = '551d0f'
const SUBJECT_ALTERNATIVE_NAME = '551d11'
const BASIC_CONSTRAINTS = '551d13'
const AUTHORITY_KEY_IDENTIFIER = '551d23'
const EXTENDED_KEY_USAGE = '551d25'
const SERVER_AUTHENTICATION = '2b06010505070301'

/** §4.2.1.3: bits from the left, after the number of unused ones. */
const DIGITAL_SIGNATURE = Buffer.from([7, 0b1000_0000])
const CERTIFICATE_AND_CRL_SIGN = Buffer.from([1, 0b0000_0110])

/** In PEM. */
export function issueCertificate(subject: Subject, issuer: Issuer): string {
  const algorithm = sequence(objectId(ECDSA_WITH_SHA256))
  const body = sequence(
    der(0xa0, integer(Buffer.from([2]))),
    integer(serial()),
    algorithm,
    nameOf(issuer),
    sequence(time(subject.notBefore), time(subject.notAfter)),
    nameOf(subject),
    spkiOf(subject.publicKey),
    der(0xa3, sequence(...extensionsOf(subject, issuer))),
  )
  const signature = bits(Buffer.concat([Buffer.from([0]), sign('sha256', body, issuer.privateKey)]))
  return inPem('CERTIFICATE', sequence(body, algorithm, signature))
}

function extensionsOf({ publicKey, hosts }: Subject, issuer: Issuer): Buffer[] {
  const keys = [
    extension(SUBJECT_KEY_IDENTIFIER, octets(keyIdOf(publicKey))),
    extension(AUTHORITY_KEY_IDENTIFIER, sequence(der(0x80, keyIdOf(issuer.publicKey)))),
  ]
  if (hosts === null)
    return [
      ...keys,
      critical(BASIC_CONSTRAINTS, sequence(yes, integer(Buffer.from([0])))),
      critical(KEY_USAGE, bits(CERTIFICATE_AND_CRL_SIGN)),
    ]
  return [
    ...keys,
    critical(BASIC_CONSTRAINTS, sequence()),
    critical(KEY_USAGE, bits(DIGITAL_SIGNATURE)),
    extension(EXTENDED_KEY_USAGE, sequence(objectId(SERVER_AUTHENTICATION))),
    extension(SUBJECT_ALTERNATIVE_NAME, sequence(...hosts.map(alternativeName))),
  ]
}

const extension = (id: string, value: Buffer): Buffer => sequence(objectId(id), octets(value))
const critical = (id: string, value: Buffer): Buffer => sequence(objectId(id), yes, octets(value))

/** §4.2.1.2: any value that tells keys apart. */
const keyIdOf = (key: KeyObject): Buffer => createHash('sha256').update(spkiOf(key)).digest().subarray(0, 20)

/** Positive, and neither short nor guessed (CA/Browser Forum's rule: 64 bits of randomness at least). */
const serial = (): Buffer => Buffer.concat([Buffer.from([0x40]), randomKey().subarray(0, 15)])

/** §4.2.1.6: a dNSName, or an iPAddress of 4 or 16 bytes. */
function alternativeName(host: string): Buffer {
  if (isIP(host) === 4) return der(0x87, Buffer.from(host.split('.').map(Number)))
  return isIP(host) === 6 ? der(0x87, bytesOfIPv6(host)) : der(0x82, Buffer.from(host))
}

/** The WHATWG URL writes the last four bytes in hexadecimal too, and `::` once at most. */
function bytesOfIPv6(host: string): Buffer {
  const text = new URL(`http://[${host}]/`).hostname.slice(1, -1)
  const [before = [], after = []] = text.split('::').map(half => half.split(':').filter(Boolean))
  const groups = [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after]
  return Buffer.from(groups.flatMap(group => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]))
}
