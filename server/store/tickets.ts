/**
 * Tickets: every short-lived artefact. Authorization codes, login interactions, pushed requests, device codes,
 * challenges and replay marks are one table, so that most protocol features need no migration.
 *
 * A ticket's id is what travels for kinds that are named by a URL; kinds that are secrets (a code) travel as a
 * random secret whose SHA-256 is the id. What a ticket carries is sealed, bound to tenant, kind and id. The same id
 * may exist in several kinds: a name that somebody else chose (a `jti`) cannot stand in the way of ours.
 */
import type { Instant } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { SealContext, Sealer } from '../kernel/sealer.ts'
import { columnsOf, onlyGiven, toText } from './columns.ts'
import { skippingLockedIn } from './dialect.ts'
import { prepared } from './prepared.ts'
import type { Database, TicketsTable } from './schema.ts'

export interface TicketRecord<Data extends JsonObject = JsonObject> {
  readonly tenant: string
  readonly id: string
  /** `request`, `code`, … A verb that names another kind than the ticket's finds nothing. */
  readonly kind: string
  /** SHA-256 of a second secret that must come with the id, for kinds that have one. */
  readonly secretHash: string | null
  /** SHA-256 of the browser's secret: the ticket is of no use in another browser. */
  readonly browserHash: string | null
  /** By what a short code is found, hashed. */
  readonly handleHash: string | null
  readonly subject: string | null
  readonly authorization: string | null
  readonly attempts: number
  readonly version: number
  readonly state: string
  readonly data: Data
  readonly createdAt: Instant
  readonly expiresAt: Instant
  readonly consumedAt: Instant | null
}

export type NewTicket<Data extends JsonObject = JsonObject> = Pick<
  TicketRecord<Data>,
  'tenant' | 'id' | 'kind' | 'data' | 'createdAt' | 'expiresAt'
> &
  Partial<Pick<TicketRecord, 'secretHash' | 'browserHash' | 'handleHash' | 'subject' | 'authorization' | 'state'>>

export interface Tickets {
  issue(ticket: NewTicket): Promise<void>
  /** The same, in the place of whatever stands under that name: what was there before counts no more, nor do its tries. */
  reissue(ticket: NewTicket): Promise<void>
  /** Reads without spending. Consumed tickets are still seen while their row stays (`consumedAt`); expired ones are not. */
  peek<Data extends JsonObject>(
    tenant: string,
    kind: string,
    id: string,
    now: Instant,
  ): Promise<TicketRecord<Data> | undefined>
  /** Replaces what is given if the ticket is not consumed and its version still the one expected, and counts that up. */
  advance(
    tenant: string,
    kind: string,
    id: string,
    expectedVersion: number,
    next: { state?: string; data?: JsonObject; subject?: string | null },
  ): Promise<boolean>
  /**
   * Counts a wrong try and answers how many there have been; the ticket is consumed when they reach `limit`. One
   * that can be tried no more (consumed, expired, unknown) answers `limit`.
   */
  fail(tenant: string, kind: string, id: string, limit: number, now: Instant): Promise<number>
  /**
   * Spends it. Of any number of parallel calls exactly one is answered `consumed`; the others, and all later
   * ones while the row stays, `replayed`; `gone` when it never was, is of another kind, or has expired.
   */
  consume(tenant: string, kind: string, id: string, now: Instant): Promise<'consumed' | 'replayed' | 'gone'>
  /** Remembers that something was seen (a `jti`) until `expiresAt`: `first` for exactly one of any number of calls. */
  mark(tenant: string, kind: string, id: string, now: Instant, expiresAt: Instant): Promise<'first' | 'seen'>
  /** Names of that kind that are remembered and begin so, in their order. */
  marksUnder(tenant: string, kind: string, beginning: string, now: Instant, limit: number): Promise<string[]>
  /**
   * Removes at most `limit` expired ones. A consumed ticket that belongs to an authorization stays as long as
   * that, so that its reuse is seen.
   */
  purge(now: Instant, limit: number): Promise<number>
}

/** Slashes stand in no kind, so no two tickets share a name. */
export const sealContextOfTicket = ({
  tenant,
  kind,
  id,
}: Pick<TicketRecord, 'tenant' | 'kind' | 'id'>): SealContext => ({
  purpose: 'ticket',
  tenant,
  record: `${kind}/${id}`,
})

const ticketColumns = [
  'tenant',
  'kind',
  'id',
  'secret_hash',
  'browser_hash',
  'handle_hash',
  'subject',
  'authorization',
  'attempts',
  'version',
  'state',
  'data',
  'created_at',
  'expires_at',
  'consumed_at',
] as const satisfies (keyof TicketsTable)[]

const toRecord = (row: TicketsTable, sealer: Sealer): TicketRecord => ({
  tenant: row.tenant,
  id: row.id,
  kind: row.kind,
  secretHash: row.secret_hash,
  browserHash: row.browser_hash,
  handleHash: row.handle_hash,
  subject: row.subject,
  authorization: row.authorization,
  attempts: row.attempts,
  version: row.version,
  state: row.state,
  data: JSON.parse(sealer.open(sealContextOfTicket(row), row.data).toString()) as JsonObject,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  consumedAt: row.consumed_at,
})

function toRow(ticket: NewTicket, sealer: Sealer): TicketsTable {
  const { tenant, kind, id } = ticket
  return {
    tenant,
    kind,
    id,
    secret_hash: ticket.secretHash ?? null,
    browser_hash: ticket.browserHash ?? null,
    handle_hash: ticket.handleHash ?? null,
    subject: ticket.subject ?? null,
    authorization: ticket.authorization ?? null,
    attempts: 0,
    version: 0,
    state: ticket.state ?? '',
    data: sealer.seal(sealContextOfTicket({ tenant, kind, id }), toText(ticket.data)),
    created_at: ticket.createdAt,
    expires_at: ticket.expiresAt,
    consumed_at: null,
  }
}

type Named = Pick<TicketRecord, 'tenant' | 'kind' | 'id'>
type NamedNow = Named & { readonly now: Instant }

const one = (db: Database, { tenant, kind, id }: Named) =>
  db.selectFrom('tickets').where('tenant', '=', tenant).where('kind', '=', kind).where('id', '=', id)

const changing = (db: Database, { tenant, kind, id }: Named) =>
  db
    .updateTable('tickets')
    .where('tenant', '=', tenant)
    .where('kind', '=', kind)
    .where('id', '=', id)
    .where('consumed_at', 'is', null)

const insert = prepared((db, row: TicketsTable) => db.insertInto('tickets').values(columnsOf(row, ticketColumns)))

const read = prepared((db, { tenant, kind, id, now }: NamedNow) =>
  one(db, { tenant, kind, id })
    .select(ticketColumns)
    .where(ticket => ticket.or([ticket('expires_at', '>', now), ticket('consumed_at', 'is not', null)])),
)

const spend = prepared((db, { tenant, kind, id, now }: NamedNow) =>
  changing(db, { tenant, kind, id }).set({ consumed_at: now }).where('expires_at', '>', now).returning('id'),
)

export function ticketsIn(db: Database, sealer: Sealer): Tickets {
  const change = (tenant: string, kind: string, id: string) => changing(db, { tenant, kind, id })

  return {
    async issue(ticket) {
      await insert(db, toRow(ticket, sealer))
    },

    async reissue(ticket) {
      const { tenant, kind, id, ...fresh } = toRow(ticket, sealer)
      await db
        .insertInto('tickets')
        .values({ tenant, kind, id, ...fresh })
        .onConflict(conflict => conflict.columns(['tenant', 'kind', 'id']).doUpdateSet(fresh))
        .execute()
    },

    async peek<Data extends JsonObject>(tenant: string, kind: string, id: string, now: Instant) {
      const [row] = await read(db, { tenant, kind, id, now })
      return row && (toRecord(row, sealer) as TicketRecord<Data>)
    },

    async advance(tenant, kind, id, expectedVersion, next) {
      const advanced = await change(tenant, kind, id)
        .set(ticket => ({
          version: ticket('version', '+', 1),
          ...onlyGiven({
            state: next.state,
            data: next.data && sealer.seal(sealContextOfTicket({ tenant, kind, id }), toText(next.data)),
            subject: next.subject,
          }),
        }))
        .where('version', '=', expectedVersion)
        .returning('id')
        .executeTakeFirst()
      return advanced !== undefined
    },

    async fail(tenant, kind, id, limit, now) {
      const failed = await change(tenant, kind, id)
        .set(ticket => ({
          attempts: ticket('attempts', '+', 1),
          consumed_at: ticket
            .case()
            .when('attempts', '>=', limit - 1)
            .then(ticket.val(now))
            .else(ticket.ref('consumed_at'))
            .end(),
        }))
        .where('expires_at', '>', now)
        .returning('attempts')
        .executeTakeFirst()
      return failed?.attempts ?? limit
    },

    async consume(tenant, kind, id, now) {
      const [consumed] = await spend(db, { tenant, kind, id, now })
      if (consumed) return 'consumed'
      const spent = await one(db, { tenant, kind, id })
        .select('id')
        .where('consumed_at', 'is not', null)
        .executeTakeFirst()
      return spent ? 'replayed' : 'gone'
    },

    async mark(tenant, kind, id, now, expiresAt) {
      const row = toRow({ tenant, kind, id, data: {}, createdAt: now, expiresAt }, sealer)
      const marked = await db
        .insertInto('tickets')
        .values(row)
        .onConflict(conflict =>
          conflict
            .columns(['tenant', 'kind', 'id'])
            .doUpdateSet({ created_at: now, expires_at: expiresAt })
            .where('tickets.expires_at', '<=', now),
        )
        .returning('id')
        .executeTakeFirst()
      return marked ? 'first' : 'seen'
    },

    async marksUnder(tenant, kind, beginning, now, limit) {
      const rows = await db
        .selectFrom('tickets')
        .select('id')
        .where('tenant', '=', tenant)
        .where('kind', '=', kind)
        .where('id', '>=', beginning)
        .where('id', '<', `${beginning}\u{10FFFF}`)
        .where('expires_at', '>', now)
        .orderBy('id')
        .limit(limit)
        .execute()
      return rows.map(({ id }) => id)
    },

    async purge(now, limit) {
      const purged = await db
        .deleteFrom('tickets')
        .where(row =>
          row(
            row.refTuple('tenant', 'kind', 'id'),
            'in',
            row
              .selectFrom('tickets')
              .select(['tenant', 'kind', 'id'])
              .where('expires_at', '<=', now)
              .where(ticket => ticket.or([ticket('consumed_at', 'is', null), ticket('authorization', 'is', null)]))
              .orderBy('expires_at')
              .limit(limit)
              .$call(skippingLockedIn(db))
              .$asTuple('tenant', 'kind', 'id'),
          ),
        )
        .executeTakeFirst()
      return Number(purged.numDeletedRows)
    },
  }
}
