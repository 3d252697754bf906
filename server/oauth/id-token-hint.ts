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

export type IdTokenHint = VerifiedToken & {
  /** The id of whom it names, whatever its client calls them. */
  readonly user: string
}

/**
 * Undefined for one that is not ours, or that names nobody we know. An expired one is honoured while its public key is remembered: people come
 * back, and sign out, long after they signed in.
 */
export async function readIdTokenHint(
  { keyring, clients, subjects, clock }: OAuthServices,
  { tenant, issuer }: Incoming,
  token: string,
): Promise<IdTokenHint | undefined> {
  try {
    const signed = await verifySignature(
      token,
      request => keyring.verificationKey(tenant, request, { retired: true }),
      ALGORITHMS,
    )
    const verified = checkClaims(signed, idTokenHint({ issuer }), clock())
    const { aud, sub } = verified.claims
    const client = typeof aud === 'string' ? await clients.find(tenant, aud) : undefined
    const user = client ? await subjects.userOf(client, sub) : sub
    return user === undefined ? undefined : { ...verified, user }
  } catch (error) {
    if (error instanceof VerificationError) return undefined
    throw error
  }
}
