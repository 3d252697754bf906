/** An ID token that is brought to show that somebody is there: `link_with`, by which two accounts of a person become one. */
import { allowAlgorithms, checkClaims, idTokenHint, VerificationError, verifySignature } from '@latchkey/sdk/verify'
import { ID_TOKEN_ALGORITHMS } from '../clients/metadata.ts'
import type { Incoming } from '../http/route.ts'
import type { TokenJudges } from './returned-token.ts'

const ALGORITHMS = allowAlgorithms(ID_TOKEN_ALGORITHMS)

/**
 * Whom it names: a user's id, or undefined for what is no ID token of ours within its time. One whose session has ended
 * shows nothing any more.
 */
export async function readLinkingToken(
  { store, keyring, clients, subjects, clock }: TokenJudges,
  { tenant, issuer }: Pick<Incoming, 'tenant' | 'issuer'>,
  token: string,
): Promise<string | undefined> {
  try {
    const signed = await verifySignature(token, request => keyring.verificationKey(tenant, request), ALGORITHMS)
    const profile = { ...idTokenHint({ issuer }), acceptsExpired: false }
    const { aud, sub, sid } = checkClaims(signed, profile, clock()).claims
    const client = typeof aud === 'string' ? await clients.find(tenant, aud) : undefined
    if (!client) return undefined
    const user = await subjects.userOf(client, sub)
    if (typeof sid !== 'string' || user === undefined) return user
    const live = await store.sessions.liveOf(tenant, user, clock())
    return live.some(session => session.id === sid) ? user : undefined
  } catch (error) {
    if (error instanceof VerificationError) return undefined
    throw error
  }
}
