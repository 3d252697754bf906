/** Sealing at rest: the type. `keys/wrapping/` implements it; the store is handed one and sees no key. */

/**
 * What a sealed value belongs to. It is authenticated with the value, so that a ciphertext moved to another
 * row, tenant or purpose does not open.
 */
export interface SealContext {
  readonly purpose: string
  readonly tenant: string
  readonly record: string
}

export interface Sealer {
  /** `version.master key id.purpose.nonce.ciphertext`, each part base64url or plain text without dots. */
  seal(context: SealContext, plaintext: string | Uint8Array): string
  /** Throws `SealError` for a value that was changed, moved, or sealed under a master key that is not listed. */
  open(context: SealContext, sealed: string): Buffer
}

/** `unknown-master-key` means a key file is missing a line, not that data is lost. */
export class SealError extends Error {
  override readonly name = 'SealError'
  readonly reason: 'unknown-master-key' | 'does-not-open' | 'malformed'

  constructor(reason: SealError['reason'], message: string) {
    super(message)
    this.reason = reason
  }
}
