/**
 * A signing key's public half as a certificate (RFC 5280), for verifiers that were given one of those rather than the key
 * set. It says nothing but which key it is of: no token is judged by it, and nobody is trusted for having signed it.
 */
import { createHash, type KeyObject, X509Certificate } from 'node:crypto'
import type { Instant } from '../kernel/clock.ts'
import { DAY } from '../kernel/seconds.ts'
import { bits, der, inPem, integer, nameOf, objectId, sequence, spkiOf, time } from '../tls/der.ts'
import { type PairAlgorithmName, signingAlgorithm } from './algorithms.ts'

/** What is said of a signature of the algorithm. Keys of PS256 are RSA keys, and sign their certificate as any other. */
const SIGNED_WITH: Readonly<Record<PairAlgorithmName, { readonly by: PairAlgorithmName; readonly as: Buffer }>> = {
  // RFC 4055 §5: the parameters are NULL.
  RS256: { by: 'RS256', as: sequence(objectId('2a864886f70d01010b'), der(0x05)) },
  PS256: { by: 'RS256', as: sequence(objectId('2a864886f70d01010b'), der(0x05)) },
  // RFC 5758 §3.2, RFC 8410 §3, RFC 9881 §2: there are none.
  ES256: { by: 'ES256', as: sequence(objectId('2a8648ce3d040302')) },
  EdDSA: { by: 'EdDSA', as: sequence(objectId('2b6570')) },
  'ML-DSA-44': { by: 'ML-DSA-44', as: sequence(objectId('608648016503040311')) },
}

/** Longer than any key is remembered, so that nobody who holds one has to renew it for its date. */
const CERTIFICATE_LIFE = 3650 * DAY

export interface Certified {
  readonly kid: string
  readonly publicKey: KeyObject
  readonly createdAt: Instant
}

export interface Certifier {
  readonly kid: string
  readonly algorithm: PairAlgorithmName
  readonly privateKey: KeyObject
}

/** In PEM. `by` is the key itself, unless its private part is gone. */
export async function certify({ kid, publicKey, createdAt }: Certified, by: Certifier): Promise<string> {
  const signed = SIGNED_WITH[by.algorithm]
  const body = sequence(
    // Version 1 (§4.1.2.1): there are no extensions. The number is positive, and of this key alone.
    integer(
      Buffer.concat([Buffer.from([0x40]), createHash('sha256').update(`${by.kid} ${kid}`).digest().subarray(0, 15)]),
    ),
    signed.as,
    nameOf({ name: by.kid }),
    sequence(time(createdAt), time(createdAt + CERTIFICATE_LIFE)),
    nameOf({ name: kid }),
    spkiOf(publicKey),
  )
  const signature = await signCertificate(signed.by, by.privateKey, body)
  return inPem('CERTIFICATE', sequence(body, signed.as, bits(Buffer.concat([Buffer.from([0]), signature]))))
}

async function signCertificate(name: PairAlgorithmName, key: KeyObject, body: Buffer): Promise<Buffer> {
  const algorithm = signingAlgorithm(name)
  const signature = await algorithm.sign(key, body)
  return name === 'ES256' ? asSequence(signature) : signature
}

/** RFC 3279 §2.2.3: R and S as two numbers, which JOSE has side by side. */
const asSequence = (signature: Buffer): Buffer =>
  sequence(positive(signature.subarray(0, signature.length / 2)), positive(signature.subarray(signature.length / 2)))

function positive(bytes: Buffer): Buffer {
  let first = 0
  while (first < bytes.length - 1 && bytes[first] === 0) first++
  const shortest = bytes.subarray(first)
  return integer((shortest[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), shortest]) : shortest)
}

const SIGNED_DATA = '2a864886f70d010702'
const DATA = '2a864886f70d010701'

/** The same in the form of PKCS #7 (RFC 2315 §9.1): signed data with nothing in it but the certificate. */
export function inPkcs7(certificate: string): string {
  const { raw } = new X509Certificate(certificate)
  const nothing = der(0x31)
  const signedData = sequence(integer(Buffer.from([1])), nothing, sequence(objectId(DATA)), der(0xa0, raw), nothing)
  return inPem('PKCS7', sequence(objectId(SIGNED_DATA), der(0xa0, signedData)))
}

/** By which it is known, as Auth0 has it: the SHA-1 of the certificate, with colons and without. */
export function digestsOf(certificate: string): { readonly fingerprint: string; readonly thumbprint: string } {
  const { fingerprint } = new X509Certificate(certificate)
  return { fingerprint, thumbprint: fingerprint.replaceAll(':', '') }
}
