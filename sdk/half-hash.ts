/** What an ID token says of a code or an access token that it goes with, so that neither can be exchanged for another. */
import { createHash, type Hash } from 'node:crypto'

/**
 * OpenID Connect Core §3.1.3.6: the left half of the hash that the signature's algorithm uses. Where the algorithm's
 * name does not say which, OpenID Connect Token Hash Algorithms 1.0 does: SHA-512 for Ed25519, and for ML-DSA the first
 * 64 bytes of SHAKE256.
 */
export function halfHash(value: string, algorithm: string): string {
  const digest = hashOf(algorithm).update(value).digest()
  return digest.subarray(0, digest.length / 2).toString('base64url')
}

function hashOf(algorithm: string): Hash {
  if (algorithm === 'EdDSA' || algorithm === 'Ed25519') return createHash('sha512')
  if (algorithm.startsWith('ML-DSA')) return createHash('shake256', { outputLength: 64 })
  return createHash(`sha${algorithm.slice(2)}`)
}
