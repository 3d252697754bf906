/**
 * Knowing a revoked secret of an API again. Others hold it and may give it again, in a tenant file that still has it or
 * by a slip, and then whoever it leaked to could make tokens once more. What is kept for that is a digest, because the
 * secret itself is of no use any more; sealed, because one that people chose could be guessed from its digest.
 */
import { SealError, type Sealer } from '../kernel/sealer.ts'
import { equalSecrets, sha256 } from '../kernel/secrets.ts'
import { type KeyRecord, sealContextOfKey } from '../store/keys.ts'

/** What is kept in place of the secret. Null when it does not open: that one serves nobody, and its end is not to wait for a master key. */
export function sealedDigestOf(sealer: Sealer, key: KeyRecord): string | null {
  if (key.sealedPrivate === null) return null
  try {
    const bytes = sealer.open(sealContextOfKey(key), key.sealedPrivate)
    const digest = sha256(bytes)
    bytes.fill(0)
    return sealer.seal(sealContextOfKey({ ...key, state: 'destroyed' }), digest)
  } catch (error) {
    if (error instanceof SealError) return null
    throw error
  }
}

/** @throws SealError as `Sealer.open` does. */
export const isRevokedSecret = (sealer: Sealer, key: KeyRecord, secret: Uint8Array): boolean =>
  key.purpose === 'api-secret' &&
  key.state === 'destroyed' &&
  key.sealedPrivate !== null &&
  equalSecrets(sealer.open(sealContextOfKey(key), key.sealedPrivate).toString(), sha256(secret))
