/**
 * Tokens whose signature was found to hold, so that one that comes again and again costs one verification. Remembered is
 * only what neither time nor anything that happens can change: what these bytes say, and the key that vouches for it.
 * Times, audience, revocation and whoever presents it are judged anew each time, by whoever asks.
 */
import {
  type allowAlgorithms,
  type KeySource,
  type SignedToken,
  type VerificationKey,
  verifySignature,
} from '@latchkey/sdk/verify'
import { sha256 } from '../kernel/secrets.ts'

/**
 * Some kilobytes each, and of each generation so many. Only what this server signed gets in, so junk pushes nothing out.
 * What is asked for moves from the old generation into the young one, and once that is full the old one goes as a whole: a
 * map from which things are taken one by one keeps each of them alive until the whole heap is looked through.
 */
const GENERATION = 500

/** By tenant and SHA-256: what is remembered of a token is not the token. */
let young = new Map<string, SignedToken>()
let old = new Map<string, SignedToken>()

/**
 * As `verifySignature`. The key source is asked each time, and what is remembered counts for the very key that it still
 * answers: once that key is revoked or read again, it is as if the token had never been seen.
 */
export async function verifyOnce(
  tenant: string,
  token: string,
  keys: KeySource,
  allowed: ReturnType<typeof allowAlgorithms>,
): Promise<SignedToken> {
  const name = `${tenant} ${sha256(token)}`
  const known = young.get(name)
  if (known && (await isStillHeld(known, keys, allowed))) return known
  const older = known ? undefined : old.get(name)
  const signed =
    older && (await isStillHeld(older, keys, allowed)) ? older : await verifySignature(token, keys, allowed)
  if (young.size >= GENERATION && !young.has(name)) {
    old = young
    young = new Map()
  }
  young.set(name, signed)
  return signed
}

async function isStillHeld(
  { header, key }: SignedToken,
  keys: KeySource,
  allowed: ReturnType<typeof allowAlgorithms>,
): Promise<boolean> {
  const current: VerificationKey | undefined = allowed.has(header.alg) ? await keys(header) : undefined
  return current === key
}
