/** A refresh token that is looked at and not used: the family it is of, and whether it would still be redeemed. */
import type { Client } from '../clients/metadata.ts'
import type { Instant } from '../kernel/clock.ts'
import { ProtocolError } from '../kernel/errors.ts'
import type { Standing } from '../store/authorizations.ts'
import type { FamilyRecord } from '../store/families.ts'
import { familyHash, isGenuine, parseRefreshToken } from '../tokens/refresh-token.ts'
import type { OAuthServices } from './feature.ts'
import { passTheGate } from './gate.ts'

/** What the secret behind refresh tokens is called in the keyring. */
export const REFRESH_PURPOSE = 'refresh-token'

export interface FoundFamily {
  readonly family: FamilyRecord
  readonly generation: number
  readonly standing: Standing
}

/** Whether it has the form of one. */
export const isRefreshToken = (token: string): boolean => parseRefreshToken(token) !== undefined

/** The family of a genuine token, whichever client's it is; undefined for one that was made up or is forgotten. */
export async function findFamily(
  { keyring, store }: OAuthServices,
  tenant: string,
  token: string,
): Promise<FoundFamily | undefined> {
  const parsed = parseRefreshToken(token)
  const secret = parsed && (await keyring.secretById(tenant, REFRESH_PURPOSE, parsed.token.keyId))
  if (!parsed || !secret) return undefined
  const family = await store.families.find(tenant, familyHash(parsed.token.family))
  if (!family || !isGenuine(parsed, { tenant, client: family.client }, secret.key)) return undefined
  const standing = await store.authorizations.standing(tenant, family.authorization)
  return standing && { family, standing, generation: parsed.token.generation }
}

/**
 * The newest, or the one before it, which yields the newest once more while that has never been used. What the leeway
 * of a client without a secret makes of that one is decided when it is presented.
 */
export async function standsNow(
  services: OAuthServices,
  client: Client,
  { family, standing, generation }: FoundFamily,
  now: Instant,
): Promise<boolean> {
  if (family.state !== 'live' || now >= family.idleExpiresAt || now >= family.expiresAt) return false
  if (generation > family.generation || generation < family.generation - 1) return false
  try {
    await passTheGate(services, client, standing, standing.authorization.session !== null, now)
    return true
  } catch (error) {
    if (error instanceof ProtocolError) return false
    throw error
  }
}
