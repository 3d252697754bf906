/** `id_token_hint`: an ID token of ours that comes back to say whom a request is about. */
import {
  allowAlgorithms,
  checkClaims,
  idTokenHint,
  VerificationError,
  type VerifiedToken,
  verifySignature,
} from '@latchkey/sdk/verify'
import { ID_TOKEN_ALGORITHMS } from '../clients/metadata.ts'
import type { Incoming } from '../http/route.ts'
import type { OAuthServices } from './feature.ts'

const ALGORITHMS = allowAlgorithms(ID_TOKEN_ALGORITHMS)

/**
 * Undefined for one that is not ours. An expired one is honoured while its public key is remembered: people come
 * back, and sign out, long after they signed in.
 */
export async function readIdTokenHint(
  { keyring, clock }: OAuthServices,
  { tenant, issuer }: Incoming,
  token: string,
): Promise<VerifiedToken | undefined> {
  try {
    const signed = await verifySignature(
      token,
      request => keyring.verificationKey(tenant, request, { retired: true }),
      ALGORITHMS,
    )
    return checkClaims(signed, idTokenHint({ issuer }), clock())
  } catch (error) {
    if (error instanceof VerificationError) return undefined
    throw error
  }
}
