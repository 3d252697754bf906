/** Where the passwords of those are who may answer a request, and whether more of them may come. */
import { directoryWithin, mayJoinBySignUp } from '../identity/organizations.ts'
import { databaseOf } from '../identity/users.ts'
import type { Instant } from '../kernel/clock.ts'
import { PageError } from '../kernel/errors.ts'
import { emailKey } from '../policy/email-address.ts'
import type { ConnectionRecord } from '../store/connections.ts'
import type { Interaction } from './interaction.ts'
import type { LoginServices } from './services.ts'

/** Throws `PageError` for an organization that has none. */
export async function directoryOf(
  { store }: LoginServices,
  { client, request }: Interaction,
): Promise<ConnectionRecord> {
  const { tenant } = client
  const { organization, invitation } = request
  if (organization === null) return databaseOf(store, tenant)
  const asked = request.connection ?? invitation?.connection ?? null
  const own = await directoryWithin(store, tenant, organization, asked)
  if (!own) throw new PageError('start_again', 'The organization has no connection with passwords that would do.')
  return own
}

export async function maySignUp(services: LoginServices, interaction: Interaction): Promise<boolean> {
  const { client, request } = interaction
  if (request.organization === null) return true
  return mayJoinBySignUp(services.store, client.tenant, request, (await directoryOf(services, interaction)).id)
}

/** Whether the request is by an invitation to an address that has no account here. */
export async function isInvitedAnew(services: LoginServices, interaction: Interaction): Promise<boolean> {
  const { client, request } = interaction
  if (request.invitation === null) return false
  const { id } = await directoryOf(services, interaction)
  return !(await services.store.users.findByEmailKey(client.tenant, id, emailKey(request.invitation.email)))
}

/** Whether the request is by an invitation that went to its address by mail, and is still open. */
export async function invitedByMail(
  { store }: LoginServices,
  { client, request: { organization, invitation } }: Interaction,
  now: Instant,
): Promise<boolean> {
  if (organization === null || invitation === null) return false
  return (await store.invitations.find(client.tenant, organization, invitation.id, now))?.isMailed ?? false
}
