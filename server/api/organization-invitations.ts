/** `/organizations/{id}/invitations`: who is asked to join. One that was accepted, withdrawn or is over is not there any more. */
import Type from 'typebox'
import { languageHere } from '../http/language.ts'
import { invitationToWire } from '../identity/organization-documents.ts'
import { invite, withdrawInvitation } from '../identity/organization-management.ts'
import type { JsonObject } from '../kernel/json.ts'
import { DAY, SECOND } from '../kernel/seconds.ts'
import { readEmailAddress } from '../policy/email-address.ts'
import { isName } from '../policy/profile-text.ts'
import type { InvitationRecord } from '../store/invitations.ts'
import type { Nouns } from '../store/store.ts'
import { ManagementFault, notFound } from './fault.ts'
import { FIELDS_QUERY, fieldsOf } from './fields.ts'
import { doingOf, findOrganization, holdOrganization } from './find-organization.ts'
import { mailIssuer } from './mail-issuer.ts'
import { type Operation, operation } from './operation.ts'
import { listOf, listReply, OFFSET_QUERY, pagingOf } from './paging.ts'

/** Auth0's: a week, and at most thirty days. */
const USUAL_LIFE = (7 * DAY) / SECOND
const LONGEST_LIFE = (30 * DAY) / SECOND
const LONGEST_NAME = 300
const MOST_ROLES = 50
/** In characters of JSON. */
const LONGEST_METADATA = 16_384

const NEW = Type.Object(
  {
    inviter: Type.Object({ name: Type.String({ minLength: 1 }) }, { additionalProperties: false }),
    invitee: Type.Object({ email: Type.String({ minLength: 1 }) }, { additionalProperties: false }),
    client_id: Type.String({ minLength: 1 }),
    connection_id: Type.Optional(Type.String({ minLength: 1 })),
    app_metadata: Type.Optional(Type.Object({})),
    user_metadata: Type.Optional(Type.Object({})),
    ttl_sec: Type.Optional(Type.Integer({ minimum: 0, maximum: LONGEST_LIFE })),
    roles: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { maxItems: MOST_ROLES })),
    send_invitation_email: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
const INVITATION = Type.Object({
  id: Type.Optional(Type.String()),
  organization_id: Type.Optional(Type.String()),
  inviter: Type.Optional(Type.Object({ name: Type.String() })),
  invitee: Type.Optional(Type.Object({ email: Type.String() })),
  invitation_url: Type.Optional(Type.String()),
  ticket_id: Type.Optional(Type.String()),
  client_id: Type.Optional(Type.String()),
  connection_id: Type.Optional(Type.String()),
  roles: Type.Optional(Type.Array(Type.String())),
  app_metadata: Type.Optional(Type.Unknown()),
  user_metadata: Type.Optional(Type.Unknown()),
  created_at: Type.Optional(Type.String()),
  expires_at: Type.Optional(Type.String()),
})

const refused = (what: string) => new ManagementFault(400, 'invalid_body', what)
const wrong = (what: string) => refused(`Payload validation error: ${what}.`)

async function find(
  store: Nouns,
  { tenant, organization, id, now }: { tenant: string; organization: string; id: string; now: number },
): Promise<InvitationRecord> {
  const found = await store.invitations.find(tenant, organization, id, now)
  if (!found) throw notFound('inexistent_invitation', 'The invitation does not exist.')
  return found
}

const SORT = /^created_at:(-?1)$/

export const organizationInvitations: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/organizations/:id/invitations',
    summary: 'List the invitations to an organization that are open',
    scopes: ['read:organization_invitations'],
    query: Type.Object({ ...OFFSET_QUERY, ...FIELDS_QUERY, sort: Type.Optional(Type.String()) }),
    answers: { 200: listOf('invitations', INVITATION) },
    async run({ tenant, path, query, now }, { store }) {
      const { id, name } = await findOrganization(store, tenant, path('id'))
      const [, direction = undefined] = SORT.exec(query.sort ?? 'created_at:-1') ?? []
      if (direction === undefined)
        throw new ManagementFault(
          400,
          'invalid_query_string',
          'Query validation error: sort has to be created_at:1 or created_at:-1.',
        )
      const paging = pagingOf(query)
      const page = { offset: paging.kind === 'offset' ? paging.start : 0, limit: paging.limit }
      const found = await store.invitations.list(tenant, id, now, { ...page, descending: direction === '-1' })
      const total = query.include_totals ? await store.invitations.count(tenant, id, now) : undefined
      const wanted = fieldsOf(query)
      return listReply('invitations', paging, { items: found.map(one => wanted(invitationToWire(one, name))), total })
    },
  }),

  operation({
    method: 'POST',
    path: '/organizations/:id/invitations',
    summary: 'Invite somebody to an organization',
    scopes: ['create:organization_invitations'],
    body: NEW,
    answers: { 200: INVITATION },
    async run({ tenant, path, body, incoming, ...call }, { store, clients, tenants }) {
      const issuer = await mailIssuer({ tenant, incoming }, { store })
      const email = readEmailAddress(body.invitee.email)
      if (email === undefined) throw wrong('invitee.email must be an e-mail address')
      if (!isName(body.inviter.name, LONGEST_NAME))
        throw wrong(`inviter.name has at most ${LONGEST_NAME} characters and no controls`)
      const { app_metadata: appMetadata = {}, user_metadata: userMetadata = {}, roles = [] } = body
      if (JSON.stringify([appMetadata, userMetadata]).length > LONGEST_METADATA)
        throw wrong(`the metadata is longer than ${LONGEST_METADATA} characters`)

      const client = await clients.find(tenant, body.client_id)
      if (!client) throw wrong(`there is no client ${body.client_id}`)
      // Auth0's words.
      if (client.organizations.usage === 'deny')
        throw refused(`The specified client_id (${client.id}) does not allow organizations.`)
      const url = client.initiateLoginUri ?? (await tenants.find(tenant)).loginUrl
      if (url === null) throw refused('A default login route is required to generate the invitation url.')

      return store.transaction(async transaction => {
        const organization = await holdOrganization(transaction, tenant, path('id'))
        const connection = body.connection_id ?? null
        const named = { tenant, organization: organization.id }
        if (connection !== null && !(await transaction.organizationConnections.find({ ...named, connection })))
          throw wrong(`the organization has no connection ${connection}`)
        for (const role of roles)
          if (!(await transaction.roles.find(tenant, role))) throw wrong(`there is no role ${role}`)
        const invitation = await invite(
          transaction,
          organization,
          {
            inviter: body.inviter.name,
            email,
            client: client.id,
            connection,
            roles: [...new Set(roles)],
            appMetadata: appMetadata as JsonObject,
            userMetadata: userMetadata as JsonObject,
            isMailed: body.send_invitation_email ?? true,
            url,
            lifeSeconds: body.ttl_sec || USUAL_LIFE,
          },
          { issuer, language: languageHere(incoming, null) },
          doingOf(call),
        )
        return { status: 200, body: invitationToWire(invitation, organization.name) }
      })
    },
  }),

  operation({
    method: 'GET',
    path: '/organizations/:id/invitations/:invitation',
    summary: 'Read an invitation to an organization',
    scopes: ['read:organization_invitations'],
    query: Type.Object(FIELDS_QUERY),
    answers: { 200: INVITATION },
    async run({ tenant, path, query, now }, { store }) {
      const { id, name } = await findOrganization(store, tenant, path('id'))
      const found = await find(store, { tenant, organization: id, id: path('invitation'), now })
      return { status: 200, body: fieldsOf(query)(invitationToWire(found, name)) }
    },
  }),

  operation({
    method: 'DELETE',
    path: '/organizations/:id/invitations/:invitation',
    summary: 'Withdraw an invitation to an organization',
    scopes: ['delete:organization_invitations'],
    answers: { 204: null },
    async run({ tenant, path, now, ...call }, { store }) {
      await store.transaction(async transaction => {
        const { id } = await holdOrganization(transaction, tenant, path('id'))
        const found = await find(transaction, { tenant, organization: id, id: path('invitation'), now })
        await withdrawInvitation(transaction, found, doingOf(call))
      })
      return { status: 204 }
    },
  }),
]
