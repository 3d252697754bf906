/** The ID token as a relying party reads it (OpenID Connect Core §3.1.3.7): signature first, then what it says. */
import { compactVerify, decodeProtectedHeader, importJWK, type JWK } from 'jose'
import { DAY, MINUTE, SECOND, toSeconds } from '../../../server/kernel/seconds.ts'
import { insist } from '../insist.ts'
import type { Jwk } from './key-set.ts'
import { isUpdateTime, mistyped } from './standard-claims.ts'

export interface IdToken {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
}

export interface Expected {
  readonly issuer: string
  readonly keys: readonly Jwk[]
  readonly clientId: string
  /** Undefined when the request had none; null for an answer that no request led to, which may have it or not. */
  readonly nonce: string | undefined | null
  /** Milliseconds. */
  readonly now: number
}

/** In seconds, as the times of a token are. */
const YEAR = (365 * DAY) / SECOND
const FIVE_MINUTES = (5 * MINUTE) / SECOND

export async function checkIdToken(token: string, expected: Expected): Promise<IdToken> {
  const header = await checkSignature(token, expected.keys)
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as IdToken['claims']
  checkParties(claims, expected)
  checkTimes(claims, toSeconds(expected.now))
  const { acr, updated_at: updatedAt } = claims
  insist('id-token#acr', acr === undefined || isFilled(acr), acr)
  insist('id-token#updated-at', updatedAt === undefined || isUpdateTime(updatedAt, toSeconds(expected.now)), updatedAt)
  const wrong = mistyped(claims, toSeconds(expected.now))
  insist('id-token#claim-types', Object.keys(wrong).length === 0, wrong)
  return { header, claims }
}

async function checkSignature(token: string, keys: readonly Jwk[]): Promise<IdToken['header']> {
  const header = decodeProtectedHeader(token)
  const fitting = keys.filter(key => fits(key, header))
  insist('id-token#signature', fitting.length === 1, { header, keys })
  const key = await importJWK(fitting[0] as JWK, String(header.alg))
  const isGenuine = await compactVerify(token, key).then(
    () => true,
    () => false,
  )
  insist('id-token#signature', isGenuine, header)
  return { ...header }
}

const TYPE_OF: readonly (readonly [RegExp, string])[] = [
  [/^[RP]S/, 'RSA'],
  [/^ES/, 'EC'],
  [/^Ed/, 'OKP'],
  [/^ML-DSA/, 'AKP'],
]

function fits(key: Jwk, { kid, alg = '' }: { readonly kid?: string; readonly alg?: string }): boolean {
  const type = TYPE_OF.find(([pattern]) => pattern.test(alg))?.[1]
  return (
    key['kty'] === type &&
    (kid === undefined || key['kid'] === kid) &&
    (key['alg'] ?? alg) === alg &&
    (key['use'] ?? 'sig') === 'sig'
  )
}

function checkParties({ iss, aud, sub, nonce }: IdToken['claims'], { issuer, clientId, nonce: sent }: Expected): void {
  insist('id-token#iss', iss === issuer, iss)
  insist('id-token#aud', aud === clientId || (Array.isArray(aud) && aud.includes(clientId)), aud)
  insist('id-token#sub', isFilled(sub), sub)
  if (sent === undefined) insist('id-token#nonce-absent', nonce === undefined, nonce)
  else if (sent !== null) insist('id-token#nonce', nonce === sent, nonce)
}

function checkTimes({ exp, iat, auth_time: authTime }: IdToken['claims'], now: number): void {
  insist('id-token#exp', typeof exp === 'number' && exp > now && exp <= now + 50 * YEAR, exp)
  insist('id-token#iat', typeof iat === 'number' && Math.abs(now - iat) <= FIVE_MINUTES, iat)
  const isPast = typeof authTime === 'number' && authTime <= now && authTime >= now - YEAR
  insist('id-token#auth-time', authTime === undefined || isPast, authTime)
}

const isFilled = (value: unknown): boolean => typeof value === 'string' && value !== ''
