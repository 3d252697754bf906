/**
 * What no longer counts, told to everybody who verifies tokens alone. Each function ends a thing in the store
 * and appends to the log in the same transaction: the one without the other would be a lie to somebody.
 */
import type { Instant } from '../kernel/clock.ts'
import { CLOCK_SLACK, ENDED_API_KEY_LIFE, LONGEST_TOKEN_LIFE, REVOCATION_LIFE } from '../policy/lifetimes.ts'
import type { AuthorizationRecord } from '../store/authorizations.ts'
import type { SessionRecord } from '../store/sessions.ts'
import type { Transaction } from '../store/store.ts'

/** Kills the authorization: its codes, families and tokens are dead, those still to be minted by a slower request too. `false` when it had ended before. */
export async function revokeAuthorization(
  transaction: Transaction,
  authorization: { tenant: string; id: string; expiresAt: Instant },
  at: Instant,
): Promise<boolean> {
  const { tenant, id, expiresAt } = authorization
  if ((await transaction.authorizations.kill(tenant, id)) !== 'killed') return false
  transaction.revocations.append({
    tenant,
    kind: 'authorization',
    id,
    epoch: null,
    at,
    expiresAt: expiresAt + CLOCK_SLACK,
  })
  return true
}

/** Ends the session with every token that carries its `sid`; families without `offline_access` are dead by join. `false` when it had ended before. */
export async function revokeSession(
  transaction: Transaction,
  session: Pick<SessionRecord, 'tenant' | 'id'>,
  at: Instant,
): Promise<boolean> {
  const { tenant, id } = session
  if ((await transaction.sessions.end(tenant, id, at)) !== 'ended') return false
  transaction.revocations.append({ tenant, kind: 'session', id, epoch: null, at, expiresAt: at + REVOCATION_LIFE })
  return true
}

/**
 * Ends all that a person gave a client: codes, families, tokens and API keys. One entry for each authorization rather than one
 * for the pair: that could spare what the person gives the client afterwards only by comparing clocks. Answers how many.
 */
export async function revokeGrants(
  transaction: Transaction,
  { tenant, user, client }: { tenant: string; user: string; client: string },
  at: Instant,
): Promise<number> {
  const killed = await transaction.authorizations.killOf(tenant, user, client)
  tellOfAuthorizations(transaction, tenant, killed, at)
  const keys = await transaction.apiKeys.revokeOf(tenant, user, client, at + ENDED_API_KEY_LIFE)
  for (const id of keys) tellOfApiKey(transaction, { tenant, id }, at)
  return killed.length + keys.length
}

function tellOfAuthorizations(
  { revocations }: Transaction,
  tenant: string,
  killed: readonly Pick<AuthorizationRecord, 'id' | 'expiresAt'>[],
  at: Instant,
): void {
  for (const { id, expiresAt } of killed)
    revocations.append({ tenant, kind: 'authorization', id, epoch: null, at, expiresAt: expiresAt + CLOCK_SLACK })
}

/**
 * Ends the membership with all that the person was given within the organization, and the sessions they began for it. One
 * entry for each authorization, for the reason that `revokeGrants` has: whoever is let in again is given anew, and an
 * entry for the pair would end that too. What they have elsewhere goes on, so that the sessions end without a word.
 */
export async function removeMember(
  transaction: Transaction,
  { tenant, organization, user }: { tenant: string; organization: string; user: string },
  at: Instant,
): Promise<'removed' | 'gone'> {
  if ((await transaction.memberships.remove(tenant, organization, user)) === 'gone') return 'gone'
  tellOfAuthorizations(transaction, tenant, await transaction.authorizations.killWithin(tenant, user, organization), at)
  await transaction.sessions.endWithin(tenant, user, organization, at)
  return 'removed'
}

/** For good: its id is never given again, so that one entry covers whatever was given within it, to people and machines. */
export async function removeOrganization(
  transaction: Transaction,
  { tenant, id }: { tenant: string; id: string },
  at: Instant,
): Promise<'removed' | 'gone'> {
  const outcome = await transaction.organizations.remove(tenant, id, at)
  if (outcome === 'removed')
    transaction.revocations.append({
      tenant,
      kind: 'organization',
      id,
      epoch: null,
      at,
      expiresAt: at + REVOCATION_LIFE,
    })
  return outcome
}

/** The same of one API and organization alone: of an authorization for several APIs, all of it. */
export async function revokeGrant(
  transaction: Transaction,
  grant: {
    readonly tenant: string
    readonly user: string
    readonly client: string
    readonly audience: string
    readonly organization: string | null
  },
  at: Instant,
): Promise<number> {
  const { tenant, user, client, audience, organization } = grant
  const given = (await transaction.authorizations.liveOf(tenant, user, client)).filter(
    one => audience in one.audiences && one.organization === organization,
  )
  let ended = 0
  for (const authorization of given) if (await revokeAuthorization(transaction, authorization, at)) ended++
  if (organization !== null) return ended
  const keys = await transaction.apiKeys.revokeOf(tenant, user, client, at + ENDED_API_KEY_LIFE, audience)
  for (const id of keys) tellOfApiKey(transaction, { tenant, id }, at)
  return ended + keys.length
}

/** Ends the key and nothing else. `false` when it had ended before. */
export async function revokeApiKey(
  transaction: Transaction,
  { tenant, id }: { tenant: string; id: string },
  at: Instant,
): Promise<boolean> {
  if ((await transaction.apiKeys.revoke(tenant, id, at + ENDED_API_KEY_LIFE)) !== 'revoked') return false
  tellOfApiKey(transaction, { tenant, id }, at)
  return true
}

/**
 * A key is what an authorization is to other tokens: what their `jti` begins with. This server asks the store about each
 * key, so that the entry is for whoever has remembered an answer about one, and may be forgotten when no token is
 * remembered that long.
 */
const tellOfApiKey = (
  { revocations }: Transaction,
  { tenant, id }: { tenant: string; id: string },
  at: Instant,
): void => revocations.append({ tenant, kind: 'authorization', id, epoch: null, at, expiresAt: at + REVOCATION_LIFE })

/** Signs the person out everywhere: every session, family and token of theirs carries the old epoch and is dead with it. */
export async function revokeSubject(
  transaction: Transaction,
  { tenant, id }: { tenant: string; id: string },
  at: Instant,
): Promise<void> {
  const epoch = await transaction.users.raiseEpoch(tenant, id)
  tellOfSubject(transaction, { tenant, names: await namesOf(transaction, tenant, id), epoch, at })
}

/** Each name that a token may have for the person: whoever verifies alone knows them by no other. */
const namesOf = async ({ pairwiseSubjects }: Transaction, tenant: string, id: string): Promise<readonly string[]> => [
  id,
  ...(await pairwiseSubjects.ofUser(tenant, id)),
]

function tellOfSubject(
  { revocations }: Transaction,
  { tenant, names, epoch, at }: { tenant: string; names: readonly string[]; epoch: number | null; at: Instant },
): void {
  for (const id of names)
    revocations.append({ tenant, kind: 'subject', id, epoch, at, expiresAt: at + REVOCATION_LIFE })
}

/** Ends one access token. What it was given with, a refresh token or a session, goes on. */
export function revokeToken(
  transaction: Transaction,
  { tenant, jti, expiresAt }: { tenant: string; jti: string; expiresAt: Instant },
  at: Instant,
): void {
  const entry = { tenant, kind: 'token', id: jti, epoch: null, at, expiresAt: expiresAt + CLOCK_SLACK } as const
  transaction.revocations.append(entry)
}

/**
 * Ends whatever access token has this `jti`, for as long as one could be valid: nothing else is known of it. It is listed
 * with the audience that is said of it. `false` when it was listed before.
 */
export async function endToken(
  transaction: Transaction,
  { tenant, jti, audience }: { tenant: string; jti: string; audience: string },
  at: Instant,
): Promise<boolean> {
  const expiresAt = at + LONGEST_TOKEN_LIFE
  if ((await transaction.endedTokens.add({ tenant, jti, audience, endedAt: at, expiresAt })) === 'already') return false
  revokeToken(transaction, { tenant, jti, expiresAt }, at)
  return true
}

/** Nobody signs in as the person and nothing of theirs counts; what ended stays so after `unblocked`. */
export async function blockUser(
  transaction: Transaction,
  { tenant, id }: { tenant: string; id: string },
  at: Instant,
): Promise<'changed' | 'gone'> {
  if ((await transaction.users.change(tenant, id, { blocked: true }, at)) !== 'changed') return 'gone'
  await revokeSubject(transaction, { tenant, id }, at)
  return 'changed'
}

/**
 * The second becomes another way to be the first. Whatever the second had ends: who they are is somebody else by now.
 * `gone`, and nothing is changed, when either is not there.
 */
export async function linkUsers(
  transaction: Transaction,
  { tenant, primary, secondary }: { tenant: string; primary: string; secondary: string },
  at: Instant,
): Promise<'linked' | 'gone'> {
  const names = await namesOf(transaction, tenant, secondary)
  const epoch = await transaction.users.link(tenant, primary, secondary, at)
  if (epoch === 'gone') return 'gone'
  // With a number and not for good: unlinked, the second is somebody again.
  tellOfSubject(transaction, { tenant, names, epoch, at })
  return 'linked'
}

/** For good: the id is never given again. Dependents are dead by join from this instant. */
export async function removeUser(
  transaction: Transaction,
  { tenant, id }: { tenant: string; id: string },
  at: Instant,
): Promise<'removed' | 'gone'> {
  const names = await namesOf(transaction, tenant, id)
  const outcome = await transaction.users.remove(tenant, id, at)
  if (outcome === 'removed') tellOfSubject(transaction, { tenant, names, epoch: null, at })
  return outcome
}

/** For good: what tokens for it say is nothing to an API that gets its identifier later. */
export async function removeApi(
  transaction: Transaction,
  { tenant, id, identifier }: { tenant: string; id: string; identifier: string },
  at: Instant,
): Promise<'removed' | 'gone'> {
  const epoch = await transaction.resourceServers.remove(tenant, id, at)
  if (epoch === 'gone') return 'gone'
  const expiresAt = at + REVOCATION_LIFE
  transaction.revocations.append({ tenant, kind: 'audience', id: identifier, epoch, at, expiresAt })
  transaction.announce({ topic: 'resource-server', tenant, id: identifier })
  return 'removed'
}

/** Ends all that the client was ever given, its own tokens included: a secret of its became known. It may ask anew. */
export async function revokeClient(
  transaction: Transaction,
  { tenant, id }: { tenant: string; id: string },
  at: Instant,
): Promise<void> {
  const epoch = await transaction.clients.raiseEpoch(tenant, id)
  transaction.revocations.append({ tenant, kind: 'client', id, epoch, at, expiresAt: at + REVOCATION_LIFE })
  transaction.announce({ topic: 'client', tenant, id })
}

/** For good, as with a user. */
export async function removeClient(
  transaction: Transaction,
  { tenant, id }: { tenant: string; id: string },
  at: Instant,
): Promise<'removed' | 'gone'> {
  const outcome = await transaction.clients.remove(tenant, id, at)
  if (outcome === 'removed') {
    transaction.revocations.append({ tenant, kind: 'client', id, epoch: null, at, expiresAt: at + REVOCATION_LIFE })
    transaction.announce({ topic: 'client', tenant, id })
  }
  return outcome
}
