/**
 * The only issuer: what is signed here is what Latchkey vouches for. It takes an `Active`, which only the gate
 * makes, and asks the keyring for the one key that may sign it.
 */
import type { ID_TOKEN_ALGORITHMS } from '../clients/metadata.ts'
import { ProtocolError } from '../kernel/errors.ts'
import type { Keyring } from '../keys/keyring.ts'
import { type SignedClaims, type Signer, signJwt } from '../keys/signer.ts'
import { type AccessTokenRequest, accessTokenContent } from './access-token.ts'
import type { Active } from './assert-active.ts'
import { type IdTokenRequest, idTokenClaims } from './id-token.ts'
import { LOGOUT_TOKEN_TYPE, type LogoutTokenRequest, logoutTokenClaims } from './logout-token.ts'

export interface Minted {
  readonly accessToken: { readonly token: string; readonly lifetimeSeconds: number } | null
  readonly idToken: string | null
}

export interface MintOptions {
  readonly keyring: Keyring
  readonly tenant: string
  readonly active: Active
  readonly accessToken: AccessTokenRequest | null
  readonly idToken: IdTokenRequest | null
}

type PairAlgorithm = (typeof ID_TOKEN_ALGORITHMS)[number]

export async function mint({ keyring, tenant, active, accessToken, idToken }: MintOptions): Promise<Minted> {
  const access = accessToken && (await mintAccessToken(keyring, tenant, active, accessToken))
  return {
    accessToken: access,
    idToken:
      idToken &&
      (await signJwt(
        { header: { typ: 'JWT' }, claims: idTokenClaims(active, idToken, access?.token ?? null) as SignedClaims },
        await keyring.signer(tenant, active.client.idToken.algorithm as PairAlgorithm),
      )),
  }
}

async function mintAccessToken(keyring: Keyring, tenant: string, active: Active, request: AccessTokenRequest) {
  const { typ, claims, algorithm, lifetimeSeconds } = accessTokenContent(active, request)
  const signer = await accessTokenSigner(keyring, tenant, request, algorithm)
  return { token: await signJwt({ header: { typ }, claims: claims as SignedClaims }, signer), lifetimeSeconds }
}

/** An HS256 token is signed with the secret of the one API that it is for. */
async function accessTokenSigner(
  keyring: Keyring,
  tenant: string,
  { api }: AccessTokenRequest,
  algorithm: string,
): Promise<Signer> {
  if (algorithm !== 'HS256') return keyring.signer(tenant, algorithm as PairAlgorithm)
  const signer = api && (await keyring.apiSigner(tenant, api.id))
  if (!signer) throw new ProtocolError('invalid_target', 'The API signs with HS256 and has no secret.')
  return signer
}

/** Needs no `Active`: it grants nothing, and is for those above all who do not count any more. */
export const mintLogoutToken = async (keyring: Keyring, request: LogoutTokenRequest): Promise<string> =>
  signJwt(
    { header: { typ: LOGOUT_TOKEN_TYPE }, claims: logoutTokenClaims(request) as SignedClaims },
    await keyring.signer(request.client.tenant, request.client.idToken.algorithm as PairAlgorithm),
  )
