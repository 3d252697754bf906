/**
 * An access token of ours that comes back: whether we signed it for this purpose, and whether it still counts. The first
 * is decided in memory, from the key that it names, and remembered. The second by what has been revoked since, which this node knows,
 * and by one read of the person.
 */
import { parseObject } from '@latchkey/sdk/strict-json'
import {
  accessToken,
  allowAlgorithms,
  checkClaims,
  importSecret,
  type KeyRequest,
  type SignedToken,
  VerificationError,
  type VerificationKey,
  type VerifiedToken,
} from '@latchkey/sdk/verify'
import type { Clients } from '../clients/clients.ts'
import type { Client } from '../clients/metadata.ts'
import { ACCESS_TOKEN_ALGORITHMS, type ResourceServers } from '../clients/resource-servers.ts'
import { managementAudience } from '../clients/system-apis.ts'
import type { Incoming } from '../http/route.ts'
import type { Connections } from '../identity/connections.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Keyring, Secret } from '../keys/keyring.ts'
import type { RevocationsHere, TokenFacts } from '../revocation/revocations-here.ts'
import type { AuthorizationRecord } from '../store/authorizations.ts'
import type { Store } from '../store/store.ts'
import type { UserRecord } from '../store/users.ts'
import { userinfoAudience } from './access-token.ts'
import type { Subjects } from './subject.ts'
import { verifyOnce } from './verified-once.ts'

/** What judging one takes. */
export interface TokenJudges {
  readonly store: Store
  readonly clients: Clients
  readonly resourceServers: ResourceServers
  readonly connections: Connections
  readonly keyring: Keyring
  readonly revocations: RevocationsHere
  readonly subjects: Subjects
  readonly clock: Clock
}

/** Whose it would be: the tenant that was asked. */
type AskedTenant = Pick<Incoming, 'tenant' | 'issuer'>

/** An access token that was verified, with what ours always say. */
export interface OwnToken extends VerifiedToken {
  readonly jti: string
  readonly client: string
  readonly audiences: readonly string[]
  readonly scopes: readonly string[]
}

/** Whom a token that counts stands for. */
export interface Bearer {
  readonly client: Client
  /** Null for a machine. */
  readonly person: { readonly user: UserRecord; readonly authorization: AuthorizationRecord } | null
}

/** How far the clock of the node that signed may be from this one's. */
const CLOCKS_APART = 10

const ALGORITHMS = allowAlgorithms(ACCESS_TOKEN_ALGORITHMS)

/**
 * Whatever its audience is: that is the caller's to judge. One that an API's secret vouches for is for that API alone.
 * Throws `VerificationError` for all that is not an access token of this issuer, within its time.
 */
export async function readAccessToken(
  services: TokenJudges,
  { tenant, issuer }: AskedTenant,
  token: string,
): Promise<OwnToken> {
  const keys = ({ kid, alg }: KeyRequest) =>
    alg === 'HS256'
      ? secretOf(services, { tenant, issuer }, token, kid)
      : services.keyring.verificationKey(tenant, { kid, alg })
  const signed = await verifyOnce(tenant, token, keys, ALGORITHMS)
  const profile = { ...accessToken({ issuer, audience: issuer, leewaySeconds: CLOCKS_APART }), audiences: undefined }
  const verified = checkClaims(signed, profile, services.clock())
  const known = read.get(signed)
  if (known) return known
  const { claims } = verified
  const [jti, client] = [text(claims['jti']), text(claims['client_id'] ?? claims['azp'])]
  // An ID token is told apart by what it says, and this is what it does not.
  if (jti === null || client === null || !isEpoch(claims['client_epoch']))
    throw new VerificationError('wrong_type', 'the token is not an access token')
  const scopes = text(claims['scope'])?.split(' ') ?? []
  const own = { ...verified, jti, client, audiences: [claims.aud].flat(), scopes }
  read.set(signed, own)
  return own
}

/** What one that comes again says, for as long as its signature is remembered. */
const read = new WeakMap<SignedToken, OwnToken>()

/** The same for a token that somebody asks about: undefined for what is none. */
export async function findAccessToken(
  services: TokenJudges,
  incoming: AskedTenant,
  token: string,
): Promise<OwnToken | undefined> {
  try {
    return await readAccessToken(services, incoming, token)
  } catch (error) {
    if (error instanceof VerificationError) return undefined
    throw error
  }
}

/** Undefined when it has been ended since it was signed. Who presents it, and for what, is the caller's to judge. */
export async function bearerOf(
  { store, clients, connections, subjects, revocations }: TokenJudges,
  tenant: string,
  token: OwnToken,
): Promise<Bearer | undefined> {
  const { claims } = token
  const client = await clients.find(tenant, token.client)
  const facts = machineFacts(tenant, token)
  // A client that is remembered from before it was changed has a lower epoch: the log knows better.
  if (!client || client.epoch > facts.client.epoch) return undefined
  const subjectEpoch = claims['subject_epoch']
  if (!isEpoch(subjectEpoch)) return (await revocations.isRevoked(facts)) ? undefined : { client, person: null }

  const found = await store.authorizations.holder(tenant, facts.authorization)
  if (!found?.user || found.authorization.state !== 'live' || found.authorization.client !== client.id) return undefined
  const { user } = found
  if (user.blocked || user.epoch !== subjectEpoch) return undefined
  if (!(await connections.find(tenant, found.authorization.connection))) return undefined
  // The client may be set to know people by other names since.
  if ((await subjects.of(client, user.id)) !== claims.sub) return undefined
  if (await revocations.isRevoked({ ...facts, subject: { id: user.id, epoch: subjectEpoch } })) return undefined
  return { client, person: { user, authorization: found.authorization } }
}

/** What the log may know the token of this tenant by, but for the person it may stand for. The same, whenever it comes. */
export function machineFacts(tenant: string, token: OwnToken): TokenFacts {
  const { jti, client, claims, audiences } = token
  const facts = factsOf.get(token) ?? {
    tenant,
    jti,
    authorization: jti.split('.', 1)[0] ?? '',
    session: text(claims['sid']),
    subject: null,
    client: { id: client, epoch: claims['client_epoch'] as number },
    organization: text(claims['org_id']),
    audiences,
    apiEpoch: isEpoch(claims['api_epoch']) ? claims['api_epoch'] : 0,
  }
  factsOf.set(token, facts)
  return facts
}

const factsOf = new WeakMap<OwnToken, TokenFacts>()

const isEpoch = (claim: unknown): claim is number => Number.isSafeInteger(claim)
const text = (claim: unknown): string | null => (typeof claim === 'string' ? claim : null)

/** Imported once for as long as the keyring hands out the same secret. */
const imported = new WeakMap<Secret, Promise<VerificationKey>>()

/**
 * The secret of the one API that the token says it is for, which is none of the server's own. What the token says is
 * believed for nothing else.
 */
async function secretOf(
  { resourceServers, keyring }: TokenJudges,
  { tenant, issuer }: AskedTenant,
  token: string,
  kid: string | undefined,
): Promise<VerificationKey | undefined> {
  const audience = parseObject(Buffer.from(token.split('.')[1] ?? '', 'base64url'))?.['aud']
  // One may have been made under the name before the tenant had the domain in it.
  if (typeof audience !== 'string' || [managementAudience(issuer), userinfoAudience(issuer)].includes(audience))
    return undefined
  const api = await resourceServers.find(tenant, audience)
  if (api?.algorithm !== 'HS256') return undefined
  const secret = (await keyring.apiSecrets(tenant, api.id)).find(({ id }) => id === kid)
  if (!secret) return undefined
  const key =
    imported.get(secret) ?? importSecret(secret.key, { alg: 'HS256', audience: api.identifier, kid: secret.id })
  imported.set(secret, key)
  return key
}
