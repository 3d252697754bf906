/**
 * What administrators do with organizations, whichever way they come: each change with its event, in the transaction of
 * the caller. What a value has to be like is for whoever reads it to say.
 */
import { changesBetween } from '../audit/changes.ts'
import { type Manager, managed, type Occasion } from '../audit/events.ts'
import { newId } from '../kernel/ids.ts'
import { type JsonObject, type JsonValue, withoutNulls } from '../kernel/json.ts'
import { SECOND } from '../kernel/seconds.ts'
import { randomSecret } from '../kernel/secrets.ts'
import { promiseMail } from '../notify/letter.ts'
import { removeMember, removeOrganization } from '../revocation/revoke.ts'
import type { DiscoveryDomainRecord } from '../store/discovery-domains.ts'
import type { InvitationRecord } from '../store/invitations.ts'
import type { OrganizationConnectionRecord } from '../store/organization-connections.ts'
import type { OrganizationRecord } from '../store/organizations.ts'
import type { Transaction } from '../store/store.ts'
import { discoveryDomainToWire, invitationToWire, invitationUrl, organizationToWire } from './organization-documents.ts'
import type { Correspondence } from './password-reset.ts'

/** Who does it, and when. */
export interface Doing {
  readonly by: Manager
  readonly occasion: Occasion
}

type Organization = Pick<OrganizationRecord, 'tenant' | 'id'>

export async function createOrganization(
  transaction: Transaction,
  { tenant, name, displayName, settings }: Pick<OrganizationRecord, 'tenant' | 'name' | 'displayName' | 'settings'>,
  { by, occasion }: Doing,
): Promise<OrganizationRecord | 'taken'> {
  const { at } = occasion
  const organization = { tenant, id: newId('org'), name, displayName, settings, createdAt: at, updatedAt: at }
  if ((await transaction.organizations.create(organization)) === 'taken') return 'taken'
  const changes = changesBetween(null, organizationToWire(organization))
  await transaction.events.record([managed(occasion, by, 'organization', organization.id, 'created', changes)])
  return organization
}

/** Members of `metadata` that are null are taken away, and those not given stay; the other settings are replaced. */
export async function changeOrganization(
  transaction: Transaction,
  { tenant, id }: Organization,
  { name, displayName, settings = {} }: Partial<Pick<OrganizationRecord, 'name' | 'displayName' | 'settings'>>,
  { by, occasion }: Doing,
): Promise<OrganizationRecord | 'taken' | 'gone'> {
  if (!(await transaction.organizations.hold(tenant, id))) return 'gone'
  const before = await transaction.organizations.find(tenant, id)
  if (!before) return 'gone'
  const { metadata, ...rest } = settings
  const merged = {
    ...before.settings,
    ...rest,
    ...(metadata !== undefined && {
      metadata: withoutNulls({
        ...(before.settings['metadata'] as JsonObject | undefined),
        ...(metadata as JsonObject),
      }),
    }),
  }
  const changes = {
    ...(name !== undefined && { name }),
    ...(displayName !== undefined && { displayName }),
    settings: withoutNulls(merged),
  }
  const outcome = await transaction.organizations.change(tenant, id, changes, occasion.at)
  if (outcome !== 'changed') return outcome
  const after = (await transaction.organizations.find(tenant, id)) ?? before
  const told = changesBetween(organizationToWire(before), organizationToWire(after))
  if (Object.keys(told).length > 0)
    await transaction.events.record([managed(occasion, by, 'organization', id, 'changed', told)])
  return after
}

/** With all that was given within it (`revocation/revoke.ts`). */
export async function endOrganization(
  transaction: Transaction,
  organization: OrganizationRecord,
  { by, occasion }: Doing,
): Promise<'removed' | 'gone'> {
  const outcome = await removeOrganization(transaction, organization, occasion.at)
  if (outcome === 'removed') {
    const changes = changesBetween(organizationToWire(organization), null)
    await transaction.events.record([managed(occasion, by, 'organization', organization.id, 'removed', changes)])
  }
  return outcome
}

const told = (before: JsonValue | undefined, after: JsonValue | undefined, name: string): JsonObject =>
  changesBetween(before === undefined ? null : { [name]: before }, after === undefined ? null : { [name]: after })

/** All of them or none: answers the first who is not there, and then nothing was done. */
export async function addMembers(
  transaction: Transaction,
  { tenant, id }: Organization,
  users: readonly string[],
  { by, occasion }: Doing,
): Promise<string | undefined> {
  for (const user of users) {
    const outcome = await transaction.memberships.add({ tenant, organization: id, user, since: occasion.at })
    if (outcome === 'gone') return user
    if (outcome === 'added')
      await transaction.events.record([
        managed(occasion, by, 'organization-member', id, 'created', told(undefined, user, 'user_id')),
      ])
  }
  return undefined
}

/** With all that they were given within it. Whoever is no member is passed over. */
export async function removeMembers(
  transaction: Transaction,
  { tenant, id }: Organization,
  users: readonly string[],
  { by, occasion }: Doing,
): Promise<void> {
  for (const user of users)
    if ((await removeMember(transaction, { tenant, organization: id, user }, occasion.at)) === 'removed')
      await transaction.events.record([
        managed(occasion, by, 'organization-member', id, 'removed', told(user, undefined, 'user_id')),
      ])
}

/** `unknown`: one of the roles is none; `gone`: they are no member. Then nothing is changed. */
export async function changeMemberRoles(
  transaction: Transaction,
  { tenant, id }: Organization,
  user: string,
  change: { readonly give?: readonly string[]; readonly take?: readonly string[] },
  { by, occasion }: Doing,
): Promise<'done' | 'unknown' | 'gone'> {
  const { give = [], take = [] } = change
  if (!(await transaction.memberships.hold(tenant, id, user))) return 'gone'
  const given = await transaction.roles.give(tenant, user, id, give)
  if (given === 'gone') return 'unknown'
  const taken = await transaction.roles.take(tenant, user, id, take)
  for (const [roles, change] of [
    [given, 'created'],
    [taken, 'removed'],
  ] as const)
    if (roles.length > 0) {
      const changes = change === 'created' ? told(undefined, roles, 'roles') : told(roles, undefined, 'roles')
      await transaction.events.record([
        managed(occasion, by, 'user-role', user, change, { organization: id, ...changes }),
      ])
    }
  return 'done'
}

type Connection = Pick<OrganizationConnectionRecord, 'tenant' | 'organization' | 'connection'>

export async function addConnection(
  transaction: Transaction,
  { tenant, organization, connection }: Connection,
  settings: JsonObject,
  { by, occasion }: Doing,
): Promise<'added' | 'already'> {
  const outcome = await transaction.organizationConnections.add({ tenant, organization, connection, settings })
  if (outcome === 'added') {
    const changes = changesBetween(null, { connection_id: connection, ...settings })
    await transaction.events.record([
      managed(occasion, by, 'organization-connection', organization, 'created', changes),
    ])
  }
  return outcome
}

export async function changeConnection(
  transaction: Transaction,
  before: OrganizationConnectionRecord,
  settings: JsonObject,
  { by, occasion }: Doing,
): Promise<void> {
  const after = withoutNulls({ ...before.settings, ...settings })
  await transaction.organizationConnections.change(before, after)
  const changes = changesBetween(before.settings, after)
  if (Object.keys(changes).length > 0) {
    const all = { connection_id: before.connection, ...changes }
    await transaction.events.record([
      managed(occasion, by, 'organization-connection', before.organization, 'changed', all),
    ])
  }
}

export async function removeConnection(
  transaction: Transaction,
  connection: Connection,
  { by, occasion }: Doing,
): Promise<'removed' | 'gone'> {
  const outcome = await transaction.organizationConnections.remove(connection)
  if (outcome === 'removed') {
    const changes = told(connection.connection, undefined, 'connection_id')
    await transaction.events.record([
      managed(occasion, by, 'organization-connection', connection.organization, 'removed', changes),
    ])
  }
  return outcome
}

export interface NewInvitation
  extends Pick<
    InvitationRecord,
    'inviter' | 'email' | 'client' | 'connection' | 'roles' | 'appMetadata' | 'userMetadata' | 'isMailed' | 'url'
  > {
  readonly lifeSeconds: number
}

/** With its mail, if it is wanted. */
export async function invite(
  transaction: Transaction,
  organization: OrganizationRecord,
  { lifeSeconds, ...wish }: NewInvitation,
  { issuer, language }: Correspondence,
  { by, occasion }: Doing,
): Promise<InvitationRecord> {
  const { at } = occasion
  const { tenant } = organization
  const invitation: InvitationRecord = {
    tenant,
    id: newId('uinv'),
    organization: organization.id,
    ticket: randomSecret(),
    ...wish,
    createdAt: at,
    expiresAt: at + lifeSeconds * SECOND,
  }
  await transaction.invitations.create(invitation)
  if (wish.isMailed)
    await promiseMail(
      transaction,
      tenant,
      {
        message: 'invitation',
        to: invitation.email,
        user: null,
        language,
        issuer,
        link: invitationUrl(invitation, organization.name),
        linkLife: lifeSeconds * SECOND,
        userAgent: null,
        invitation: { inviter: invitation.inviter, organization: organization.displayName },
      },
      { now: at, giveUpAt: invitation.expiresAt },
    )
  await transaction.events.record([
    managed(occasion, by, 'invitation', invitation.id, 'created', toldOf(invitation, 'after')),
  ])
  return invitation
}

/** `gone` for one that was taken or is over. */
export async function withdrawInvitation(
  transaction: Transaction,
  invitation: InvitationRecord,
  { by, occasion }: Doing,
): Promise<'taken' | 'gone'> {
  const outcome = await transaction.invitations.take(invitation.tenant, invitation.id, occasion.at)
  if (outcome === 'taken')
    await transaction.events.record([
      managed(occasion, by, 'invitation', invitation.id, 'removed', toldOf(invitation, 'before')),
    ])
  return outcome
}

/** Everything but what opens it. */
function toldOf(invitation: InvitationRecord, when: 'before' | 'after'): JsonObject {
  const { ticket_id: _ticket, invitation_url: _url, ...rest } = invitationToWire(invitation, '')
  return when === 'after' ? changesBetween(null, rest) : changesBetween(rest, null)
}

export async function associateClient(
  transaction: Transaction,
  { tenant, id }: Organization,
  { client, isForMembers }: { readonly client: string; readonly isForMembers: boolean },
  { by, occasion }: Doing,
): Promise<void> {
  const before = await transaction.organizationClients.find(tenant, id, client)
  const outcome = await transaction.organizationClients.put({ tenant, organization: id, client, isForMembers })
  if (outcome === 'same') return
  const changes = {
    client_id: client,
    ...told(before?.isForMembers, isForMembers, 'use_for_member_access'),
  }
  const change = outcome === 'added' ? 'created' : 'changed'
  await transaction.events.record([managed(occasion, by, 'organization-client', id, change, changes)])
}

export async function dissociateClient(
  transaction: Transaction,
  { tenant, id }: Organization,
  client: string,
  { by, occasion }: Doing,
): Promise<void> {
  if ((await transaction.organizationClients.remove(tenant, id, client)) === 'gone') return
  const changes = told(client, undefined, 'client_id')
  await transaction.events.record([managed(occasion, by, 'organization-client', id, 'removed', changes)])
}

export async function allowGrant(
  transaction: Transaction,
  { tenant, id }: Organization,
  grant: string,
  { by, occasion }: Doing,
): Promise<'added' | 'already'> {
  const outcome = await transaction.organizationClients.allowGrant(tenant, id, grant)
  if (outcome === 'added') {
    const changes = told(undefined, grant, 'grant_id')
    await transaction.events.record([managed(occasion, by, 'organization-client-grant', id, 'created', changes)])
  }
  return outcome
}

export async function disallowGrant(
  transaction: Transaction,
  { tenant, id }: Organization,
  grant: string,
  { by, occasion }: Doing,
): Promise<'removed' | 'gone'> {
  const outcome = await transaction.organizationClients.disallowGrant(tenant, id, grant)
  if (outcome === 'removed') {
    const changes = told(grant, undefined, 'grant_id')
    await transaction.events.record([managed(occasion, by, 'organization-client-grant', id, 'removed', changes)])
  }
  return outcome
}

export async function createDomain(
  transaction: Transaction,
  { tenant, id }: Organization,
  { domain, isVerified, isUsed }: Pick<DiscoveryDomainRecord, 'domain' | 'isVerified' | 'isUsed'>,
  { by, occasion }: Doing,
): Promise<DiscoveryDomainRecord | 'taken'> {
  const record = {
    tenant,
    id: newId('dom'),
    organization: id,
    domain,
    isVerified,
    isUsed,
    proof: `latchkey-verification=${randomSecret()}`,
  }
  if ((await transaction.discoveryDomains.create(record)) === 'taken') return 'taken'
  const changes = changesBetween(null, discoveryDomainToWire(record))
  await transaction.events.record([managed(occasion, by, 'organization-domain', record.id, 'created', changes)])
  return record
}

export async function changeDomain(
  transaction: Transaction,
  before: DiscoveryDomainRecord,
  changes: Partial<Pick<DiscoveryDomainRecord, 'isVerified' | 'isUsed'>>,
  { by, occasion }: Doing,
): Promise<DiscoveryDomainRecord> {
  const after = { ...before, ...changes }
  await transaction.discoveryDomains.change(before.tenant, before.organization, before.id, changes)
  const told = changesBetween(discoveryDomainToWire(before), discoveryDomainToWire(after))
  if (Object.keys(told).length > 0)
    await transaction.events.record([managed(occasion, by, 'organization-domain', before.id, 'changed', told)])
  return after
}

export async function removeDomain(
  transaction: Transaction,
  domain: DiscoveryDomainRecord,
  { by, occasion }: Doing,
): Promise<void> {
  if ((await transaction.discoveryDomains.remove(domain.tenant, domain.organization, domain.id)) === 'gone') return
  const changes = changesBetween(discoveryDomainToWire(domain), null)
  await transaction.events.record([managed(occasion, by, 'organization-domain', domain.id, 'removed', changes)])
}
