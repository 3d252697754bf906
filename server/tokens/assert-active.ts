/**
 * The one gate. Before anything is issued, whoever it is for and whoever asks must still count: this is the only
 * way to get an `Active`, and an `Active` is the only thing `mint.ts` accepts.
 */
import type { Client } from '../clients/metadata.ts'
import { serves } from '../identity/connections.ts'
import { isVouchedForBy } from '../identity/organizations.ts'
import { isLive } from '../identity/sessions.ts'
import { ProtocolError } from '../kernel/errors.ts'
import type { ApiKeyStanding } from '../store/api-keys.ts'
import type { AuthorizationRecord } from '../store/authorizations.ts'
import type { ConnectionRecord } from '../store/connections.ts'
import type { MembershipStanding } from '../store/memberships.ts'
import type { OrganizationRecord } from '../store/organizations.ts'
import type { SessionStanding } from '../store/sessions.ts'
import type { UserRecord } from '../store/users.ts'

declare const passedTheGate: unique symbol

export interface Active {
  readonly [passedTheGate]: true
  readonly client: Client
  /** Null for a machine, which stands for itself. */
  readonly user: UserRecord | null
  /** Within which whatever is issued is given. */
  readonly organization: OrganizationRecord | null
}

/** What somebody gave a client, as far as the gate asks: it was given under these epochs. */
type Given = Pick<AuthorizationRecord, 'subject' | 'client' | 'organization' | 'userEpoch' | 'clientEpoch' | 'state'>

export interface Person {
  /** Undefined when deleted. */
  readonly user: UserRecord | undefined
  readonly client: Client
  /** Undefined when the connection that vouched for them was removed. */
  readonly connection: ConnectionRecord | undefined
  /** How they stand in the organization it is given within, by that connection; null for none, undefined when it is gone. */
  readonly organization: MembershipStanding | null | undefined
  /** What they gave the client; null while it is only about to be given. */
  readonly authorization: Given | null
  /** The session it hangs on; null when it outlives it, undefined when that session is gone. */
  readonly session: SessionStanding | null | undefined
  readonly now: number
}

/** Throws `invalid_grant` with the reason, in Auth0's words where its SDKs look for them. */
export function assertActive(person: Person): Active {
  const { user, client, connection, organization, authorization, session, now } = person
  if (!user) return refuse('The user no longer exists.')
  if (user.blocked) return refuse('user is blocked')
  if (client.requiresVerifiedEmail && !user.emailVerified) return refuse('Please verify your email before logging in.')
  if (!connection || connection.tenant !== user.tenant) return refuse('The connection no longer exists.')
  if (client.tenant !== user.tenant) return refuse('The client is of another tenant.')
  if (!serves(connection, client)) return refuse('The connection is not enabled for the client.')
  if (organization === undefined) return refuse('The organization no longer exists.')
  // Auth0's words, from here to the end of what is asked of organizations.
  if (organization === null && client.organizations.usage === 'require')
    return refuse('parameter organization is required for this client')
  if (organization !== null) {
    const { id, tenant } = organization.organization
    if (tenant !== user.tenant) return refuse('The organization is of another tenant.')
    if (client.organizations.usage === 'deny') return refuse('parameter organization is not allowed for this client')
    if (!organization.isMember) return refuse(`user ${user.id} is not part of the ${id} organization`)
    if (!isVouchedForBy(organization)) return refuse('The connection is not enabled for the organization.')
  }
  if (authorization) {
    if (authorization.state !== 'live') return refuse('The authorization was revoked.')
    if (authorization.subject !== user.id || authorization.client !== client.id)
      return refuse('The authorization is for somebody else.')
    if (authorization.organization !== (organization?.organization.id ?? null))
      return refuse('The authorization is for another organization.')
    if (authorization.userEpoch !== user.epoch || authorization.clientEpoch !== client.epoch)
      return refuse('The authorization was revoked.')
  }
  if (session === undefined) return refuse('The session has ended.')
  if (session !== null && !isLive(session, user, now)) return refuse('The session has ended.')
  return { client, user, organization: organization?.organization ?? null } as Active
}

/** A machine stands for itself: the client was found and has proven that it is itself. */
export const assertActiveMachine = (client: Client, organization: OrganizationRecord | null = null): Active =>
  ({ client, user: null, organization }) as Active

/** For an API key: it counts no longer than whoever it was given to. Throws `invalid_grant`. */
export function assertActiveKey({ key, user, clientEpoch }: ApiKeyStanding, holder: Omit<Person, GivenByKey>): Active {
  const { client, connection, now } = holder
  if (key.state !== 'live') return refuse('The API key was revoked.')
  if (key.expiresAt !== null && now >= key.expiresAt) return refuse('The API key has expired.')
  if (key.client !== client.id || key.tenant !== client.tenant) return refuse('The API key is for somebody else.')
  // Read with the key: the client at hand may be from before it was revoked.
  if (key.clientEpoch !== clientEpoch) return refuse('The API key was revoked.')
  if (key.person === null) return assertActiveMachine(client)
  const given: Given = {
    subject: key.person.id,
    client: key.client,
    organization: null,
    userEpoch: key.person.epoch,
    clientEpoch: key.clientEpoch,
    state: key.state,
  }
  return assertActive({ user, client, connection, organization: null, authorization: given, session: null, now })
}

type GivenByKey = 'user' | 'organization' | 'authorization' | 'session'

function refuse(reason: string): never {
  throw new ProtocolError('invalid_grant', reason)
}
