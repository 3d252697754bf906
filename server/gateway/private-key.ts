/** A private key of the gateway's own, from PEM or a JWK: to sign the internal JWT with, or to open encrypted tokens. */
import { createPrivateKey, type KeyObject, type webcrypto } from 'node:crypto'

export interface PrivateKey {
  readonly key: KeyObject
  /** As the JWK names itself. */
  readonly kid: string | null
}

/**
 * The key, or why there is none, as the end of a sentence that begins with the file. What the library says may quote
 * the key, so it is not repeated.
 */
export function readPrivateKey(text: string): PrivateKey | string {
  if (/-----BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(text))
    return 'holds an encrypted key, and nobody is there to type its passphrase: decrypt it with "openssl pkey".'
  const isJwk = text.trimStart().startsWith('{')
  try {
    if (!isJwk) return { key: createPrivateKey(text), kid: null }
    const jwk = JSON.parse(text) as webcrypto.JsonWebKey & { readonly kid?: unknown }
    return { key: createPrivateKey({ key: jwk, format: 'jwk' }), kid: typeof jwk.kid === 'string' ? jwk.kid : null }
  } catch {
    return 'holds no private key, in PEM or as a JWK.'
  }
}
