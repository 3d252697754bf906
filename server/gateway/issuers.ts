/**
 * What the gateway knows of the issuers of its file while it runs: their keys, and what they revoked. It goes on with what
 * it knew when one is away; how long that is good enough, each route says.
 */
import { remoteKeys } from '@latchkey/sdk/jwks'
import {
  importSecret,
  type KeyRequest,
  type KeySource,
  type SignerKeys,
  type VerificationKey,
} from '@latchkey/sdk/verify'
import type { JsonObject } from '../kernel/json.ts'
import type { IssuerPlan } from './plan.ts'

/** What of a token the revocation log can know it by; made once for each token. The SDK's to look into. */
export type RevocationFacts = object

/** The state that the revocation stream fills, as `sdk/revocations.ts` keeps it. */
export interface RevocationState {
  /** Rises with everything taken in: what was found to count at one version need not be looked up again at the same. */
  readonly version: number
  isRevoked(facts: RevocationFacts): boolean
  /** Milliseconds since the reading of the log that the state is as good as; Infinity before the first. */
  age(): number
  /** Calls the listener after entries were taken in. Answers how to stop. */
  onChange(listener: () => void): () => void
}

export interface EdgeIssuer {
  readonly plan: IssuerPlan
  readonly keys: KeySource | SignerKeys
  /** Rises when the set of keys changes: what was verified before has to be verified again. */
  keysVersion(): number
  /** Null for an issuer whose revocations nobody tells. */
  readonly revocations: RevocationState | null
}

export const factsOf = (claims: JsonObject): RevocationFacts => claims

export async function openIssuer(plan: IssuerPlan): Promise<EdgeIssuer> {
  const { issuer, algorithms, hs256 } = plan
  const published = remoteKeys({ issuer, algorithms })
  const secrets = await Promise.all(
    hs256.map(({ secret, audience, kid }) =>
      importSecret(secret, { alg: 'HS256', audience, ...(kid !== null && { kid }) }),
    ),
  )
  return {
    plan,
    keys: async request =>
      request.alg === 'HS256'
        ? secrets.filter(secret => fits(secret, request))
        : [(await published(request)) ?? []].flat(),
    keysVersion: () => 0,
    revocations: null,
  }
}

/** A secret without a name fits any: which of them was meant is found by trying, and each vouches for its own audience. */
const fits = ({ kid }: VerificationKey, request: KeyRequest): boolean =>
  kid === undefined || request.kid === undefined || kid === request.kid
