/**
 * A signed token, encrypted to the API it is for (RFC 7519 §5.2): nobody on its way can read it, the client that carries it
 * and this server included. Signing comes first and is `mint.ts`'s: what an API believes is inside.
 */
import { CompactEncrypt, type CryptoKey, importJWK } from 'jose'
import type { TokenEncryption } from '../clients/token-encryption.ts'

/** An AEAD that every library has; 256 bits, as nothing is gained by fewer. */
const CONTENT_ENCRYPTION = 'A256GCM'

/** Imported once for as long as the API is remembered. */
const imported = new WeakMap<TokenEncryption, Promise<CryptoKey>>()

function keyOf(encryption: TokenEncryption): Promise<CryptoKey> {
  const known = imported.get(encryption)
  if (known) return known
  const key = importJWK(encryption.jwk, encryption.alg) as Promise<CryptoKey>
  imported.set(encryption, key)
  return key
}

/** `typ` is the signed token's own. */
export async function encryptToken(token: string, typ: string, encryption: TokenEncryption): Promise<string> {
  const { alg, kid } = encryption
  return new CompactEncrypt(Buffer.from(token))
    .setProtectedHeader({ alg, enc: CONTENT_ENCRYPTION, typ, cty: 'JWT', ...(kid !== null && { kid }) })
    .encrypt(await keyOf(encryption))
}
