/** The published keys: that they are public, complete, readable and told apart. */
import { createPublicKey, type JsonWebKeyInput, X509Certificate } from 'node:crypto'
import { insist } from '../insist.ts'

export type Jwk = Readonly<Record<string, unknown>>

/** RFC 7518 §6, RFC 8037 §2 and RFC 9964 §4. */
const TYPES: Readonly<Record<string, { readonly members: readonly string[]; readonly curves?: readonly string[] }>> = {
  RSA: { members: ['n', 'e'] },
  EC: { members: ['x', 'y'], curves: ['P-256', 'P-384', 'P-521', 'secp256k1'] },
  OKP: { members: ['x'], curves: ['Ed25519', 'Ed448', 'X25519', 'X448'] },
  AKP: { members: ['pub'] },
}
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']
const ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'ES256K'],
  ...['EdDSA', 'Ed25519', 'Ed448', 'ML-DSA-44', 'ML-DSA-65', 'ML-DSA-87'],
]
const UNPADDED = /^[A-Za-z0-9_-]+$/

export function checkKeySet(document: unknown): readonly Jwk[] {
  const keys = (document as { readonly keys?: unknown } | null)?.keys
  insist('key-set#fetched', Array.isArray(keys) && keys.length > 0, document)
  for (const key of keys as readonly Jwk[]) checkKey(key)
  const kids = keys.map(key => key['kid'])
  insist('key-set#kid-unique', new Set(kids).size === kids.length, kids)
  return keys
}

function checkKey(key: Jwk): void {
  const { kty, kid, crv, alg } = key
  const type = TYPES[String(kty)]
  insist('key-set#no-private', kty !== 'oct' && PRIVATE.every(member => !(member in key)), Object.keys(key))
  insist('key-set#kid', typeof kid === 'string' && kid.trim() !== '', key)
  insist('key-set#known', type !== undefined, key)
  insist('key-set#known', type.curves?.includes(String(crv)) ?? true, key)
  insist('key-set#known', alg === undefined || ALGORITHMS.includes(String(alg)), key)
  const written = type.members.map(member => key[member])
  insist(
    'key-set#members',
    written.every(value => typeof value === 'string' && UNPADDED.test(value)),
    key,
  )
  insist('key-set#parses', isReadable(key), key)
}

/** RFC 7517 §4.7: the first certificate of `x5c` holds the key. */
function isReadable(key: Jwk): boolean {
  try {
    const read = createPublicKey({ key: key as JsonWebKeyInput['key'], format: 'jwk' })
    const [certificate] = (key['x5c'] as readonly string[] | undefined) ?? []
    return certificate === undefined || new X509Certificate(Buffer.from(certificate, 'base64')).publicKey.equals(read)
  } catch {
    return false
  }
}
