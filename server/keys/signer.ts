/**
 * A key that signs, without the key: what it is called, and the act. Makes compact JWTs from claims; which claims
 * a token holds is `tokens/`, which key signs it is `keyring.ts`.
 */
import type { KeyObject } from 'node:crypto'
import type { Instant } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import { SECOND } from '../kernel/seconds.ts'
import { type SigningAlgorithmName, signingAlgorithm } from './algorithms.ts'

export interface Signer {
  readonly kid: string
  readonly algorithm: SigningAlgorithmName
  /**
   * Signs the bytes. `expiresAt` (milliseconds) is when what they say ends: it is on record before the signature
   * is handed out, so that the key is published until then, whatever crashes in between.
   */
  sign(input: Uint8Array, expiresAt: Instant): Promise<Uint8Array>
}

/** `noteUse` resolves once the expiry is on record. */
export function createSigner(
  { kid, algorithm }: { kid: string; algorithm: SigningAlgorithmName },
  key: KeyObject,
  noteUse: (expiresAt: Instant) => Promise<void>,
): Signer {
  const row = signingAlgorithm(algorithm)
  return {
    kid,
    algorithm,
    async sign(input, expiresAt) {
      const [signature] = await Promise.all([row.sign(key, input), noteUse(expiresAt)])
      return signature
    },
  }
}

/** Claims that end: a token without `exp` (seconds, RFC 7519 §4.1.4) could not be outlived by its key. */
export type SignedClaims = JsonObject & { readonly exp: number }

/**
 * A JWS in compact serialisation (RFC 7515 §7.1). The header holds `typ`, and the signer's `alg` and `kid`.
 * @throws TypeError for an `exp` that is not a whole number of seconds.
 */
export async function signJwt(
  { header, claims }: { header: { readonly typ: string }; claims: SignedClaims },
  signer: Signer,
): Promise<string> {
  if (!Number.isSafeInteger(claims.exp)) throw new TypeError('exp is a whole number of seconds')
  return signJws({ header, claims }, claims.exp * SECOND, signer)
}

/** The same of what has no end of its own to tell: it is to be verified until `expiresAt` (milliseconds). */
export async function signJws(
  { header, claims }: { header: { readonly typ: string }; claims: JsonObject },
  expiresAt: Instant,
  signer: Signer,
): Promise<string> {
  const input = `${headerOf(signer, header.typ)}.${encode(claims)}`
  const signature = await signer.sign(Buffer.from(input), expiresAt)
  return `${input}.${Buffer.from(signature).toString('base64url')}`
}

/** The same for every token of a type that a signer signs. */
const headers = new WeakMap<Signer, Map<string, string>>()

function headerOf(signer: Signer, typ: string): string {
  const known = headers.get(signer) ?? new Map<string, string>()
  headers.set(signer, known)
  const encoded = known.get(typ) ?? encode({ alg: signer.algorithm, typ, kid: signer.kid })
  known.set(typ, encoded)
  return encoded
}

const encode = (json: JsonObject): string => Buffer.from(JSON.stringify(json)).toString('base64url')
