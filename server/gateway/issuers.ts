/**
 * What the gateway knows of the issuers of its file while it runs: their keys, and what they revoked. It goes on with what
 * it knew when one is away; how long that is good enough, each route says.
 */
import { remoteKeys } from '@latchkey/sdk/jwks'
import { createRevocations, type RevocationFacts, revocationFacts } from '@latchkey/sdk/revocations'
import {
  importSecret,
  type KeyRequest,
  type KeySource,
  type SignerKeys,
  type VerificationKey,
} from '@latchkey/sdk/verify'
import type { JsonObject } from '../kernel/json.ts'
import type { Log } from '../kernel/log.ts'
import type { IssuerPlan } from './plan.ts'

export type { RevocationFacts }

/** The state that the revocation stream fills, as `sdk/revocations.ts` keeps it. */
export interface RevocationState {
  /** Rises with everything taken in: what was found to count at one version need not be looked up again at the same. */
  readonly version: number
  isRevoked(facts: RevocationFacts): boolean
  /** Milliseconds since the reading of the log that the state is as good as; Infinity before the first. */
  age(): number
  /** The number up to which the log is known. */
  readonly position: number
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

export interface OpenIssuer extends EdgeIssuer {
  /** By what the file says of it: one that a reload leaves as it was is gone on with. */
  readonly name: string
  close(): Promise<void>
}

/** Of a token's claims, and of the key that it was verified with where it is a JWT. */
export const factsOf = (claims: JsonObject, kid?: string): RevocationFacts => revocationFacts(claims, kid)

export const nameOfIssuer = (plan: IssuerPlan): string => JSON.stringify(plan)

/**
 * Whether a token that was verified with the keys of the one would be with the other's: they may differ in how they are
 * asked what was revoked, and in nothing else.
 */
export const isSuccessor = (one: IssuerPlan, other: IssuerPlan): boolean =>
  nameOfIssuer({ ...one, client: null, followsRevocations: false }) ===
  nameOfIssuer({ ...other, client: null, followsRevocations: false })

/** What was known before counts too, until all of it is known anew: nothing that was revoked counts again meanwhile. */
function continued(fresh: RevocationState, former: RevocationState): RevocationState {
  let before: RevocationState | null = former
  const isRevokedBefore = (facts: RevocationFacts): boolean => {
    if (before && Number.isFinite(fresh.age())) before = null
    return before?.isRevoked(facts) === true
  }
  return {
    get version() {
      return fresh.version
    },
    get position() {
      return fresh.position
    },
    isRevoked: facts => fresh.isRevoked(facts) || isRevokedBefore(facts),
    age: () => fresh.age(),
    onChange: listener => fresh.onChange(listener),
  }
}

/**
 * Begins to follow its revocations. It is not waited for: whoever needs it finds out how old what is known is. `former` is
 * the same issuer as a file before had it.
 */
export async function openIssuer(plan: IssuerPlan, log: Log, former?: EdgeIssuer): Promise<OpenIssuer> {
  const { issuer, url, client, hs256, allowHttp: allowInsecure } = plan
  const published = remoteKeys({
    issuer,
    algorithms: plan.algorithms,
    allowInsecure,
    ...(url !== issuer && { jwksUri: new URL('.well-known/jwks.json', url).href }),
  })
  const secrets = await Promise.all(
    hs256.map(({ secret, audience, kid }) =>
      importSecret(secret, { alg: 'HS256', audience, ...(kid !== null && { kid }) }),
    ),
  )
  const revocations =
    client && plan.followsRevocations
      ? createRevocations({ issuer, url, client, keys: published, log, allowInsecure })
      : null
  revocations?.start()
  return {
    plan,
    name: nameOfIssuer(plan),
    keys: async request =>
      request.alg === 'HS256'
        ? secrets.filter(secret => fits(secret, request))
        : [(await published(request)) ?? []].flat(),
    keysVersion: () => published.version,
    revocations: revocations && former?.revocations ? continued(revocations, former.revocations) : revocations,
    close: async () => revocations?.close(),
  }
}

/** A secret without a name fits any: which of them was meant is found by trying, and each vouches for its own audience. */
const fits = ({ kid }: VerificationKey, request: KeyRequest): boolean =>
  kid === undefined || request.kid === undefined || kid === request.kid
