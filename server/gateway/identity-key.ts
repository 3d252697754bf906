/** The key that signs the gateway's own JWT: which algorithm it is for, what it is called, and what of it is published. */
import { createPublicKey, hash, type KeyObject } from 'node:crypto'
import { isObject, type JsonObject } from '../kernel/json.ts'
import type { KeyFile } from './plan.ts'
import { readPrivateKey } from './private-key.ts'

export interface IdentityKey {
  readonly kid: string
  readonly algorithm: 'RS256' | 'ES256' | 'EdDSA'
  readonly key: KeyObject
  readonly publicJwk: JsonObject
}

interface Row {
  readonly algorithm: IdentityKey['algorithm']
  /** Of the public JWK, in the order of RFC 7638 §3.2. */
  readonly members: readonly string[]
}

const ROWS: Readonly<Record<string, Row>> = {
  rsa: { algorithm: 'RS256', members: ['e', 'kty', 'n'] },
  'ec prime256v1': { algorithm: 'ES256', members: ['crv', 'kty', 'x', 'y'] },
  ed25519: { algorithm: 'EdDSA', members: ['crv', 'kty', 'x'] },
}

/** RFC 7518 §3.3. */
const SHORTEST_RSA = 2048

/** The key, or a sentence that says why it cannot sign. */
export function readIdentityKey({ kid, text, file }: KeyFile): IdentityKey | string {
  const read = readPrivateKey(text)
  if (typeof read === 'string') return `The file ${file} ${read}`
  const { key } = read
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {}
  const row = ROWS[[key.asymmetricKeyType, namedCurve].filter(Boolean).join(' ')]
  if (!row) return `The key in ${file} must be RSA, P-256 or Ed25519.`
  if (key.asymmetricKeyType === 'rsa' && modulusLength < SHORTEST_RSA)
    return `The RSA key in ${file} has ${modulusLength} bits, and needs ${SHORTEST_RSA}.`

  const jwk: unknown = createPublicKey(key).export({ format: 'jwk' })
  const exported = isObject(jwk) ? jwk : {}
  const members = Object.fromEntries(row.members.map(member => [member, exported[member]]))
  // RFC 7638 §3: the thumbprint, which is the same wherever the key is read.
  const named = kid ?? read.kid ?? hash('sha256', JSON.stringify(members), 'base64url')
  return {
    kid: named,
    algorithm: row.algorithm,
    key,
    publicJwk: { ...members, kid: named, alg: row.algorithm, use: 'sig' },
  }
}
