/**
 * Whether a request is for an organization, by id or by name, or for whoever was invited into one. Who belongs to it is
 * decided elsewhere: `policy/next-step.ts` says who may go on, and the gate of `tokens/` who is given anything.
 * What clients are told is in Auth0's words.
 */
import { findOrganization } from '../../identity/organizations.ts'
import { ProtocolError } from '../../kernel/errors.ts'
import type { InvitationRecord } from '../../store/invitations.ts'
import type { Feature, ValidateContext } from '../feature.ts'

export const organization: Feature = {
  name: 'organization',
  spec: 'Auth0 Organizations',
  steps: {
    'authorize.validate': async context => {
      const { client, draft, tenant, services, parameters } = context
      const invitation = await findInvitation(context)
      const named = parameters.get('organization')
      const found =
        named === undefined
          ? undefined
          : await findOrganization(services.store, tenant.id, named, { byName: tenant.namesOrganizations })
      if (named !== undefined && !found) throw refused('parameter organization is invalid')
      if (invitation && found && invitation.organization !== found.id) throw noTicket()

      const id = invitation?.organization ?? found?.id ?? null
      const { usage, asks } = client.organizations
      if (id !== null && usage === 'deny') throw refused('parameter organization is not allowed for this client')
      if (id === null && usage === 'require' && asks === 'never')
        throw refused('parameter organization is required for this client')

      draft.organization = id
      if (id === null && usage !== 'deny' && asks !== 'never')
        draft.asksOrganization = { when: asks, mayBeNone: usage === 'allow' }
      if (invitation)
        draft.invitation = { id: invitation.id, email: invitation.email, connection: invitation.connection }
    },
  },
}

/** Of this client, and open: nobody is told which of it is wrong. */
async function findInvitation(context: ValidateContext): Promise<InvitationRecord | undefined> {
  const { services, incoming, parameters, client } = context
  const ticket = parameters.get('invitation')
  if (ticket === undefined) return undefined
  const { invitations, organizations } = services.store
  const invitation = await invitations.findByTicket(incoming.tenant, ticket, services.clock())
  if (invitation?.client !== client.id) throw noTicket()
  if (!(await organizations.find(incoming.tenant, invitation.organization))) throw noTicket()
  return invitation
}

const refused = (description: string) => new ProtocolError('invalid_request', description)
const noTicket = () => refused('the specified ticket was not found')
