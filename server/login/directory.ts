/** Where the passwords of those are who may answer a request, and whether more of them may come. */
import { serves } from '../identity/connections.ts'
import { databaseOptions } from '../identity/database-options.ts'
import { databaseFor, defaultDirectoryFor } from '../identity/directories.ts'
import { directoryWithin, mayJoinBySignUp } from '../identity/organizations.ts'
import type { Instant } from '../kernel/clock.ts'
import { PageError } from '../kernel/errors.ts'
import { emailKey } from '../policy/email-address.ts'
import type { ConnectionRecord } from '../store/connections.ts'
import type { Interaction } from './interaction.ts'
import type { LoginServices } from './services.ts'

/** Throws `PageError` where there is none. */
export async function directoryOf(services: LoginServices, interaction: Interaction): Promise<ConnectionRecord> {
  const found = await findDirectory(services, interaction)
  if (found) return found
  if (interaction.request.organization === null)
    throw new PageError('no_connection', 'No database connection is enabled for the client.')
  throw new PageError('start_again', 'The organization has no connection with passwords that would do.')
}

/** The database that the request asks for, or the default one: of the organization's, or of those that serve the client. */
export async function findDirectory(
  { store }: LoginServices,
  { client, request }: Interaction,
): Promise<ConnectionRecord | undefined> {
  const { organization, invitation } = request
  if (organization === null)
    return request.connection === null
      ? defaultDirectoryFor(store, client)
      : databaseFor(store, client, { id: request.connection })
  const asked = request.connection ?? invitation?.connection ?? null
  const own = await directoryWithin(store, client.tenant, organization, asked)
  return own && serves(own, client) ? own : undefined
}

export async function maySignUp(services: LoginServices, interaction: Interaction): Promise<boolean> {
  const { client, request } = interaction
  const { id, options } = await directoryOf(services, interaction)
  if (!databaseOptions(options).isSignUpOpen) return false
  return request.organization === null || mayJoinBySignUp(services.store, client.tenant, request, id)
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
