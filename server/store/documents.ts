/**
 * Documents: what is kept as it was given, under Auth0's names, because nothing of it is ever searched for or joined:
 * a mail template, the words of a page, a theme. What a document means is said where it is read.
 */
import type { Instant } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { SealContext } from '../kernel/sealer.ts'
import { toObject, toText } from './columns.ts'
import type { Database, DocumentsTable } from './schema.ts'

export interface DocumentName {
  readonly tenant: string
  /** What it is, by the part that reads it: `email-template`. */
  readonly kind: string
  /** Unique within (tenant, kind). */
  readonly id: string
}

export interface DocumentRecord extends DocumentName {
  readonly data: JsonObject
  /** What of it is a secret, sealed to `sealContextOfDocument`; null without one. */
  readonly sealed: string | null
  readonly createdAt: Instant
  readonly updatedAt: Instant
}

export interface Documents {
  /** `taken` when there is one of that name, which stays as it is. */
  create(document: DocumentRecord): Promise<'created' | 'taken'>
  /** Created, or put in the place of the one there is, whose `createdAt` stays. */
  put(document: DocumentRecord): Promise<void>
  find(name: DocumentName): Promise<DocumentRecord | undefined>
  /** In order of id, after the one named. */
  list(tenant: string, kind: string, page: { after?: string; limit: number }): Promise<DocumentRecord[]>
  remove(name: DocumentName): Promise<'removed' | 'gone'>
}

export const sealContextOfDocument = ({ tenant, kind, id }: DocumentName): SealContext => ({
  purpose: 'document',
  tenant,
  record: JSON.stringify([kind, id]),
})

const toRecord = (row: DocumentsTable): DocumentRecord => ({
  tenant: row.tenant,
  kind: row.kind,
  id: row.id,
  data: toObject(row.data),
  sealed: row.sealed,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
})

const toRow = (document: DocumentRecord): DocumentsTable => ({
  tenant: document.tenant,
  kind: document.kind,
  id: document.id,
  data: toText(document.data),
  sealed: document.sealed,
  created_at: document.createdAt,
  updated_at: document.updatedAt,
})

export const documentsIn = (db: Database): Documents => ({
  async create(document) {
    const created = await db
      .insertInto('documents')
      .values(toRow(document))
      .onConflict(conflict => conflict.doNothing())
      .returning('id')
      .executeTakeFirst()
    return created ? 'created' : 'taken'
  },

  async put(document) {
    const { data, sealed, updated_at } = toRow(document)
    await db
      .insertInto('documents')
      .values(toRow(document))
      .onConflict(conflict => conflict.columns(['tenant', 'kind', 'id']).doUpdateSet({ data, sealed, updated_at }))
      .execute()
  },

  async find({ tenant, kind, id }) {
    const row = await db
      .selectFrom('documents')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('kind', '=', kind)
      .where('id', '=', id)
      .executeTakeFirst()
    return row && toRecord(row)
  },

  async list(tenant, kind, { after, limit }) {
    const rows = await db
      .selectFrom('documents')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('kind', '=', kind)
      .where('id', '>', after ?? '')
      .orderBy('id')
      .limit(limit)
      .execute()
    return rows.map(toRecord)
  },

  async remove({ tenant, kind, id }) {
    const removed = await db
      .deleteFrom('documents')
      .where('tenant', '=', tenant)
      .where('kind', '=', kind)
      .where('id', '=', id)
      .returning('id')
      .executeTakeFirst()
    return removed ? 'removed' : 'gone'
  },
})
