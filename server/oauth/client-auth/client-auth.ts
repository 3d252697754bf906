/** How a client proves that it is itself: the type, and the list. */
import type { AlgorithmName, VerificationCode } from '@latchkey/sdk/verify'
import type { Client } from '../../clients/metadata.ts'
import type { Incoming } from '../../http/route.ts'
import type { Instant } from '../../kernel/clock.ts'
import type { OAuthServices } from '../feature.ts'
import { clientSecretJwt } from './client-secret-jwt.ts'
import { none } from './none.ts'
import { privateKeyJwt } from './private-key-jwt.ts'
import { secretBasic, secretPost } from './secret.ts'

/** A claim to be a client, as found in a request; nothing of it is believed yet. */
export interface Claimed {
  readonly clientId: string
  readonly proof: string
}

export interface Proving {
  readonly services: OAuthServices
  readonly incoming: Incoming
  readonly client: Client
  readonly proof: string
  readonly now: Instant
}

/** Why a proof is none, for the operator's eyes. `method`: the client is to prove itself in another way. */
export type Disproof = 'method' | 'secret' | 'weak_secret' | 'keys_unavailable' | 'replayed' | VerificationCode

export interface ClientAuthMethod {
  /** Its `token_endpoint_auth_method` value. */
  readonly name: string
  readonly spec: string
  /** The proof is a secret that could be guessed. */
  readonly isGuessable?: true
  /** What may sign, for those who sign. */
  readonly algorithms?: readonly AlgorithmName[]
  /** Undefined when the request does not use it. Throws `ProtocolError` when it does so badly. */
  readonly find: (incoming: Incoming) => Claimed | undefined
  /** Null when the client may use it and the proof is good. Constant in time for a client that may. */
  readonly disprove: (proving: Proving) => Promise<Disproof | null> | Disproof | null
}

/** `none` is last: naming oneself is no proof when there is another. */
export const clientAuthMethods: readonly ClientAuthMethod[] = [
  secretBasic,
  secretPost,
  privateKeyJwt,
  clientSecretJwt,
  none,
]

/** For discovery, of each endpoint that clients call: all of them take the same. */
export const clientAuthMethodNames: readonly string[] = clientAuthMethods.map(method => method.name)
export const clientAuthAlgorithms: readonly AlgorithmName[] = clientAuthMethods.flatMap(
  method => method.algorithms ?? [],
)
