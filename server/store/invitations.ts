/**
 * Invitations that are open: who is asked into which organization. What opens one is a ticket, found by its hash and
 * sealed beside it for those who may read it. The row is the invitation: it is there until it is taken, withdrawn or over.
 */
import type { Instant } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { SealContext, Sealer } from '../kernel/sealer.ts'
import { sha256 } from '../kernel/secrets.ts'
import { toDocument, toFlag, toObject, toText } from './columns.ts'
import { skippingLockedIn } from './dialect.ts'
import { type Page, pageOf } from './pages.ts'
import { isLeaving } from './removals.ts'
import type { Database, InvitationsTable } from './schema.ts'

export interface InvitationRecord {
  readonly tenant: string
  readonly id: string
  readonly organization: string
  /** Whoever has it may take the invitation. */
  readonly ticket: string
  /** The inviter's name. */
  readonly inviter: string
  /** As it was given. */
  readonly email: string
  readonly client: string
  /** The connection that has to vouch for whoever takes it; null for any of the organization's. */
  readonly connection: string | null
  /** Ids of roles that they get within the organization. */
  readonly roles: readonly string[]
  readonly appMetadata: JsonObject
  readonly userMetadata: JsonObject
  /** Whether the ticket went to the address by mail, so that whoever has it reads that mailbox. */
  readonly isMailed: boolean
  /** Where the person begins, without the ticket. */
  readonly url: string
  readonly createdAt: Instant
  readonly expiresAt: Instant
}

export interface Invitations {
  create(invitation: InvitationRecord): Promise<void>
  /** Open at `now`, as everywhere here. */
  find(tenant: string, organization: string, id: string, now: Instant): Promise<InvitationRecord | undefined>
  findByTicket(tenant: string, ticket: string, now: Instant): Promise<InvitationRecord | undefined>
  list(
    tenant: string,
    organization: string,
    now: Instant,
    page: Page & { readonly descending?: boolean },
  ): Promise<InvitationRecord[]>
  count(tenant: string, organization: string, now: Instant): Promise<number>
  /** It is open no more: to one of any number of calls at once it is answered `taken`. */
  take(tenant: string, id: string, now: Instant): Promise<'taken' | 'gone'>
  purge(now: Instant, limit: number): Promise<number>
}

export const sealContextOfInvitation = ({ tenant, id }: Pick<InvitationRecord, 'tenant' | 'id'>): SealContext => ({
  purpose: 'invitation',
  tenant,
  record: id,
})

export const invitationsIn = (db: Database, sealer: Sealer): Invitations => {
  const toRecord = (row: InvitationsTable): InvitationRecord => ({
    tenant: row.tenant,
    id: row.id,
    organization: row.organization,
    ticket: sealer.open(sealContextOfInvitation(row), row.ticket).toString(),
    inviter: row.inviter,
    email: row.email,
    client: row.client,
    connection: row.connection,
    roles: toDocument(row.roles),
    appMetadata: toObject(row.app_metadata),
    userMetadata: toObject(row.user_metadata),
    isMailed: row.mailed === 1,
    url: row.url,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  })
  const open = (tenant: string, now: Instant) =>
    db
      .selectFrom('invitations')
      .where('tenant', '=', tenant)
      .where('expires_at', '>', now)
      .where(row => row.not(isLeaving('client', tenant, 'invitations.client')))

  return {
    async create(invitation) {
      await db
        .insertInto('invitations')
        .values({
          tenant: invitation.tenant,
          id: invitation.id,
          organization: invitation.organization,
          ticket_hash: sha256(invitation.ticket),
          ticket: sealer.seal(sealContextOfInvitation(invitation), invitation.ticket),
          inviter: invitation.inviter,
          email: invitation.email,
          client: invitation.client,
          connection: invitation.connection,
          roles: toText(invitation.roles),
          app_metadata: toText(invitation.appMetadata),
          user_metadata: toText(invitation.userMetadata),
          mailed: toFlag(invitation.isMailed),
          url: invitation.url,
          created_at: invitation.createdAt,
          expires_at: invitation.expiresAt,
        })
        .execute()
    },

    async find(tenant, organization, id, now) {
      const row = await open(tenant, now)
        .selectAll()
        .where('organization', '=', organization)
        .where('id', '=', id)
        .executeTakeFirst()
      return row && toRecord(row)
    },

    async findByTicket(tenant, ticket, now) {
      const row = await open(tenant, now).selectAll().where('ticket_hash', '=', sha256(ticket)).executeTakeFirst()
      return row && toRecord(row)
    },

    async list(tenant, organization, now, { descending = false, ...page }) {
      const order = descending ? 'desc' : 'asc'
      const rows = await open(tenant, now)
        .selectAll()
        .where('organization', '=', organization)
        .orderBy('created_at', order)
        .orderBy('id', order)
        .$call(pageOf(page))
        .execute()
      return rows.map(toRecord)
    },

    async count(tenant, organization, now) {
      const { there } = await open(tenant, now)
        .select(row => row.fn.countAll<number>().as('there'))
        .where('organization', '=', organization)
        .executeTakeFirstOrThrow()
      return Number(there)
    },

    async take(tenant, id, now) {
      const taken = await db
        .deleteFrom('invitations')
        .where('tenant', '=', tenant)
        .where('id', '=', id)
        .where('expires_at', '>', now)
        .where(row => row.not(isLeaving('client', tenant, 'invitations.client')))
        .returning('id')
        .executeTakeFirst()
      return taken ? 'taken' : 'gone'
    },

    async purge(now, limit) {
      const purged = await db
        .deleteFrom('invitations')
        .where(row =>
          row(
            row.refTuple('tenant', 'id'),
            'in',
            row
              .selectFrom('invitations')
              .select(['tenant', 'id'])
              .where('expires_at', '<=', now)
              .orderBy('expires_at')
              .limit(limit)
              .$call(skippingLockedIn(db))
              .$asTuple('tenant', 'id'),
          ),
        )
        .executeTakeFirst()
      return Number(purged.numDeletedRows)
    },
  }
}
