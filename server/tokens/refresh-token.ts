/**
 * Refresh tokens: `key id . family . generation . MAC`. The MAC is checked in memory before the store is asked
 * anything, so that a flood of made-up tokens costs no query; the store keeps only a hash of the family's name,
 * so that a stolen database makes no token. The same generation always yields the same bytes, which is what
 * lets a lost answer be repeated.
 */
import { equalSecrets, hmacSha256, randomSecret, sha256 } from '../kernel/secrets.ts'

export interface RefreshToken {
  readonly keyId: string
  /** 32 random bytes, base64url. */
  readonly family: string
  readonly generation: number
}

/** To whom it was given: under the MAC, so that a token is not even well-formed for anybody else. */
export interface Holder {
  readonly tenant: string
  readonly client: string
}

export const newFamily = (): string => randomSecret()
export const familyHash = (family: string): string => sha256(family)

export function formatRefreshToken(token: RefreshToken, holder: Holder, key: Uint8Array): string {
  const { keyId, family, generation } = token
  return `${keyId}.${family}.${generation}.${mac(token, holder, key)}`
}

/** Undefined for what cannot be one of ours, whoever presents it. */
export function parseRefreshToken(text: string): { token: RefreshToken; mac: string } | undefined {
  const match = /^([\w-]{1,64})\.([\w-]{43})\.(0|[1-9]\d{0,14})\.([\w-]{43})$/.exec(text)
  if (!match) return undefined
  const [, keyId = '', family = '', generation, found = ''] = match
  return { token: { keyId, family, generation: Number(generation) }, mac: found }
}

export const isGenuine = (parsed: { token: RefreshToken; mac: string }, holder: Holder, key: Uint8Array): boolean =>
  equalSecrets(parsed.mac, mac(parsed.token, holder, key))

/** JSON, because no choice of ids can make two different lists of texts the same. */
const mac = ({ family, generation }: RefreshToken, { tenant, client }: Holder, key: Uint8Array): string =>
  hmacSha256(key, JSON.stringify(['refresh-token', tenant, client, family, generation]))
