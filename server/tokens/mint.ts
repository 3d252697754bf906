/**
 * The only issuer: what is signed here is what Latchkey vouches for. It takes an `Active`, which only the gate
 * makes, and asks the keyring for the one key that may sign it.
 */
import type { Client, ID_TOKEN_ALGORITHMS } from '../clients/metadata.ts'
import type { Instant } from '../kernel/clock.ts'
import { ProtocolError } from '../kernel/errors.ts'
import type { JsonObject } from '../kernel/json.ts'
import { HOUR } from '../kernel/seconds.ts'
import type { Keyring } from '../keys/keyring.ts'
import { type SignedClaims, type Signer, signJws, signJwt } from '../keys/signer.ts'
import { type AccessTokenRequest, accessTokenContent } from './access-token.ts'
import type { Active } from './assert-active.ts'
import { customClaims } from './custom-claims.ts'
import { encryptToken } from './encrypted-token.ts'
import { type IdTokenRequest, idTokenClaims } from './id-token.ts'
import type { NoteLeftOut } from './left-out-claims.ts'
import { LOGOUT_TOKEN_TYPE, type LogoutTokenRequest, logoutTokenClaims } from './logout-token.ts'
import { type Subjects, subjectOf } from './subject.ts'

export interface Minted {
  readonly accessToken: { readonly token: string; readonly lifetimeSeconds: number; readonly algorithm: string } | null
  readonly idToken: string | null
}

export interface MintOptions {
  readonly keyring: Keyring
  readonly subjects: Subjects
  readonly tenant: string
  readonly active: Active
  readonly accessToken: AccessTokenRequest | null
  readonly idToken: IdTokenRequest | null
  readonly noteLeftOut: NoteLeftOut
}

type PairAlgorithm = (typeof ID_TOKEN_ALGORITHMS)[number]

export async function mint(options: MintOptions): Promise<Minted> {
  const { keyring, tenant, active, accessToken, idToken, noteLeftOut } = options
  const subject = await subjectOf(options.subjects, active)
  const access = accessToken && (await mintAccessToken(options, accessToken, subject))
  return {
    accessToken: access,
    idToken:
      idToken &&
      (await signJwt(
        {
          header: { typ: 'JWT' },
          claims: {
            ...idTokenClaims(active, idToken, access?.token ?? null, subject),
            ...(await customClaims(active.client.claims, 'id_token', active, (claim, reason) =>
              noteLeftOut({ tenant, client: active.client.id }, claim, reason),
            )),
          } as SignedClaims,
        },
        await keyring.signer(tenant, active.client.idToken.algorithm as PairAlgorithm),
      )),
  }
}

async function mintAccessToken(
  { keyring, tenant, active, noteLeftOut }: MintOptions,
  request: AccessTokenRequest,
  subject: string,
) {
  const { typ, claims, algorithm, lifetimeSeconds } = accessTokenContent(active, request, subject)
  // The API's own word counts for more: it is the one that reads them.
  const { api } = request
  const wanted = [...active.client.claims, ...(api?.claims ?? [])]
  const custom = await customClaims(wanted, 'access_token', active, (claim, reason) => {
    const owner = api?.claims.includes(claim) ? { api: api.identifier } : { client: active.client.id }
    noteLeftOut({ tenant, ...owner }, claim, reason)
  })
  const all = { ...claims, ...custom } as SignedClaims
  const signer = await accessTokenSigner(keyring, tenant, request, algorithm)
  const signed = await signJwt({ header: { typ }, claims: all }, signer)
  const token = api?.encryption ? await encryptToken(signed, typ, api.encryption) : signed
  return { token, lifetimeSeconds, algorithm }
}

/** Clients verify an answer when it comes. */
const USERINFO_VERIFIED_WITHIN = HOUR

/**
 * What `/userinfo` says, signed (OpenID Connect Core §5.3.2). It has neither times nor a nonce, so that nothing that
 * takes tokens takes it for one.
 */
export async function signUserinfo(
  { keyring, client, issuer, now }: { keyring: Keyring; client: Client; issuer: string; now: Instant },
  claims: JsonObject,
): Promise<string> {
  const signer = await keyring.signer(client.tenant, client.userinfoAlgorithm as PairAlgorithm)
  const said = { ...claims, iss: issuer, aud: client.id }
  return signJws({ header: { typ: 'JWT' }, claims: said }, now + USERINFO_VERIFIED_WITHIN, signer)
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
