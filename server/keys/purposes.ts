/**
 * What the keyring keeps keys for, and how long a key of each lives: one table. How a key moves through its life
 * is `rotation.ts`; when the moves are made is `schedule.ts`.
 */
import { DAY, HOUR, MINUTE } from '../kernel/seconds.ts'
import type { PairAlgorithmName } from './algorithms.ts'

export type PurposeName = 'token-signing' | 'refresh-token' | 'mailed-code' | 'api-secret' | 'pairwise-salt'

/** Pairs: announced → signing → verifying → retired. One signs per tenant and algorithm. All times in milliseconds. */
export interface SignatureLife {
  readonly kind: 'signature'
  /** Published for this long before it signs. */
  readonly announceFor: number
  /** Signs for this long; its successor is announced so that it is ready then. */
  readonly serveFor: number
  /** Stays published for this long after it signed, even if nothing it signed is alive. */
  readonly lingerFor: number
  /** Added to the latest expiry it vouched for, for verifiers whose clocks are late. */
  readonly leeway: number
  /** The public half is kept for this long after it left the key set, for ID tokens that come back as hints. */
  readonly rememberFor: number
  /** A new key signs for this long at least, even if nobody seems to ask for its algorithm. */
  readonly settleFor: number
}

/** Secrets: current → accepted → destroyed. All times in milliseconds. */
export interface SecretLife {
  readonly kind: 'secret'
  /** Null for one that is changed by hand only. */
  readonly serveFor: number | null
  readonly lingerFor: number
  readonly leeway: number
  /** How many former ones are taken beside the current one. */
  readonly acceptedAtMost: number
}

export type Life = SignatureLife | SecretLife

/**
 * For how long a node may go on with keys it can no longer re-read from the store. A key lingers longer than
 * this after it was replaced, so what a node signs that has not heard of the change is still verifiable.
 */
export const READ_AT_LEAST_EVERY = 5 * MINUTE
const LINGER = HOUR

/** A key is made before the setting that asks for it is written, by whoever writes it: seconds, on a busy database. */
const SETTLE = 10 * MINUTE

/** Our own verifiers grant seconds; five minutes is the widest setting in common use elsewhere. */
const CLOCK_LEEWAY = 5 * MINUTE

export const PURPOSES: Readonly<Record<PurposeName, Life>> = {
  // Signs access, ID and logout tokens; published in the JWKS. A day's announcement is beyond any verifier's cache
  // (ours is told 300 s); a season's signing keeps the change practised, which is worth more than its secrecy.
  'token-signing': {
    kind: 'signature',
    announceFor: DAY,
    serveFor: 90 * DAY,
    lingerFor: LINGER,
    leeway: CLOCK_LEEWAY,
    rememberFor: 365 * DAY,
    settleFor: SETTLE,
  },
  // Authenticates refresh tokens. A former key is taken as long as a family made with it lives, however many there are.
  'refresh-token': {
    kind: 'secret',
    serveFor: 90 * DAY,
    lingerFor: LINGER,
    leeway: CLOCK_LEEWAY,
    acceptedAtMost: Number.POSITIVE_INFINITY,
  },
  // Keeps the codes that are mailed, of which there are too few for a hash to hide. They live for minutes.
  'mailed-code': { kind: 'secret', serveFor: 90 * DAY, lingerFor: LINGER, leeway: CLOCK_LEEWAY, acceptedAtMost: 1 },
  // The HS256 secret that one API shares with us; its owner is the resource server's id. Others hold a copy, so
  // only a person can change it, and the former one is taken while they do.
  'api-secret': { kind: 'secret', serveFor: null, lingerFor: LINGER, leeway: CLOCK_LEEWAY, acceptedAtMost: 1 },
  // Makes the names by which sectors know people. It never changes: with another, everybody would be a stranger.
  'pairwise-salt': { kind: 'secret', serveFor: null, lingerFor: LINGER, leeway: CLOCK_LEEWAY, acceptedAtMost: 0 },
}

/** Which keys stand in for one another: at most one of a slot signs or is current. */
export interface Slot {
  readonly tenant: string
  readonly purpose: PurposeName
  /** Whose within the purpose, or empty. */
  readonly owner: string
  readonly algorithm: PairAlgorithmName | 'HS256'
}

export const tokenSigning = (tenant: string, algorithm: PairAlgorithmName): Slot => ({
  tenant,
  purpose: 'token-signing',
  owner: '',
  algorithm,
})

export const secretSlot = (tenant: string, purpose: PurposeName, owner = ''): Slot => ({
  tenant,
  purpose,
  owner,
  algorithm: 'HS256',
})

export const isInSlot = (slot: Slot, key: { purpose: string; owner: string; algorithm: string }): boolean =>
  key.purpose === slot.purpose && key.owner === slot.owner && key.algorithm === slot.algorithm

/** @throws TypeError for a row of a purpose that is not in the table: a newer release's, or not a key of ours. */
export function slotOf(key: { tenant: string; purpose: string; owner: string; algorithm: string }): Slot {
  if (!Object.hasOwn(PURPOSES, key.purpose)) throw new TypeError(`no such purpose of a key: ${key.purpose}`)
  return { ...key, purpose: key.purpose as PurposeName, algorithm: key.algorithm as Slot['algorithm'] }
}
