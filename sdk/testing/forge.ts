/** Tokens for tests, honest and forged: any header text, any payload text, any bytes for a signature. Not published. */
import { CompactSign, type CryptoKey, exportJWK, generateKeyPair, type JWK } from 'jose'
import { type AlgorithmName, importPublicKey, type VerificationKey } from '../verify.ts'

export const ISSUER = 'https://id.example/'
export const AUDIENCE = 'https://videos.example/api'
/** An instant that is no round number of anything. */
export const NOW = 1_789_012_345_678
export const nowSeconds = Math.floor(NOW / 1000)

export const claims = {
  iss: ISSUER,
  sub: 'auth0|ann',
  aud: AUDIENCE,
  iat: nowSeconds - 10,
  exp: nowSeconds + 3600,
  scope: 'read:videos write:videos',
}

export interface Signer {
  readonly privateKey: CryptoKey | Uint8Array
  readonly publicJwk: JWK
  readonly key: VerificationKey
}

export async function createSigner(alg: AlgorithmName, kid: string): Promise<Signer> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  const publicJwk = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }
  return { privateKey, publicJwk, key: await importPublicKey(publicJwk, alg) }
}

export const base64url = (text: string | Uint8Array): string => Buffer.from(text as string).toString('base64url')

/** Signs well: for tokens whose fault, if any, is in what they say. */
export async function signToken(signer: Signer, payload: object = claims, header: object = {}): Promise<string> {
  const { alg, kid } = signer.key
  const protectedHeader = { alg, typ: 'at+jwt', ...(kid === undefined ? {} : { kid }), ...header }
  const definite = Object.fromEntries(Object.entries(protectedHeader).filter(([, value]) => value !== undefined))
  return new CompactSign(Buffer.from(JSON.stringify(payload)))
    .setProtectedHeader(definite as { alg: string })
    .sign(signer.privateKey)
}

/** Signs any header text over any payload, which no honest library would write. */
export async function signText(
  headerText: string | Uint8Array,
  payloadText: string | Uint8Array,
  sign: (input: Buffer) => Uint8Array | Promise<Uint8Array>,
): Promise<string> {
  const input = `${base64url(headerText)}.${base64url(payloadText)}`
  return `${input}.${base64url(await sign(Buffer.from(input)))}`
}

/** A signature by the algorithm the key was made for, whatever the header says. */
export const signWith =
  ({ privateKey }: Signer, parameters: AlgorithmIdentifierLike) =>
  async (input: Buffer): Promise<Uint8Array> =>
    new Uint8Array(
      await crypto.subtle.sign(
        parameters as Parameters<typeof crypto.subtle.sign>[0],
        privateKey as CryptoKey,
        new Uint8Array(input),
      ),
    )

type AlgorithmIdentifierLike = { readonly name: string; readonly hash?: string }
