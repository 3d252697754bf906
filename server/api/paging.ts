/**
 * The three shapes of a list, chosen by the query as Auth0 does: a checkpoint where `take` or `from` is given, an envelope
 * with totals where `include_totals` is true, and a bare list.
 */
import Type from 'typebox'
import type { JsonValue } from '../kernel/json.ts'
import { ManagementFault } from './fault.ts'
import type { Reply } from './operation.ts'

export const MOST_AT_ONCE = 100
const USUAL = 50

export const OFFSET_QUERY = {
  page: Type.Optional(Type.Integer({ minimum: 0 })),
  per_page: Type.Optional(Type.Integer({ minimum: 1, maximum: MOST_AT_ONCE })),
  include_totals: Type.Optional(Type.Boolean()),
}
export const CHECKPOINT_QUERY = {
  from: Type.Optional(Type.String({ maxLength: 1000 })),
  take: Type.Optional(Type.Integer({ minimum: 1, maximum: MOST_AT_ONCE })),
}

interface PagingQuery {
  readonly page?: number | undefined
  readonly per_page?: number | undefined
  readonly include_totals?: boolean | undefined
  readonly from?: string | undefined
  readonly take?: number | undefined
}

export type Paging =
  | { readonly kind: 'offset'; readonly start: number; readonly limit: number; readonly withTotals: boolean }
  /** `after`: what `next` of the page before said; null for the first. */
  | { readonly kind: 'checkpoint'; readonly after: string | null; readonly limit: number }

/** Checkpoint wins: the SDKs send `include_totals` with it. Throws for a `from` that no answer held. */
export function pagingOf(query: PagingQuery): Paging {
  const { page = 0, per_page: limit = USUAL, include_totals: withTotals = false, from, take } = query
  if (from === undefined && take === undefined) return { kind: 'offset', start: page * limit, limit, withTotals }
  return { kind: 'checkpoint', after: from === undefined ? null : readCursor(from), limit: take ?? USUAL }
}

/** Of a list that Auth0 has in no other shape. */
export const checkpointOf = ({ from, take = USUAL }: PagingQuery): Paging & { readonly kind: 'checkpoint' } => ({
  kind: 'checkpoint',
  after: from === undefined ? null : readCursor(from),
  limit: take,
})

/** Of whatever the store goes on from: unreadable, so that nobody counts on what it is. */
export const cursorOf = (position: string): string => Buffer.from(position).toString('base64url')

function readCursor(cursor: string): string {
  const position = Buffer.from(cursor, 'base64url').toString()
  if (position === '' || cursorOf(position) !== cursor || position.includes('\0')) throw noPosition()
  return position
}

const noPosition = (): ManagementFault =>
  new ManagementFault(
    400,
    'invalid_query_string',
    'Query validation error: from is not what an answer before held as next.',
  )

/** Of a position that is JSON: what it says. Null for the beginning; throws for what is no such position. */
export function readPositionOf<Position>(
  { after }: { readonly after: string | null },
  isPosition: (read: unknown) => read is Position,
): Position | null {
  if (after === null) return null
  let read: unknown
  try {
    read = JSON.parse(after)
  } catch {
    throw noPosition()
  }
  if (!isPosition(read)) throw noPosition()
  return read
}

/** `total`, exact, where it is asked for (`Paging.withTotals`); `next`, the position to go on from, where there is more. */
export interface Found {
  readonly items: readonly unknown[]
  readonly total?: number | undefined
  readonly next?: string | undefined
}

/** `key`: the member that holds the items of an envelope. */
export function listReply(key: string, paging: Paging, { items, total, next }: Found): Reply {
  if (paging.kind === 'checkpoint')
    return { status: 200, body: { [key]: items, ...(next !== undefined && { next: cursorOf(next) }) } }
  const { start, limit, withTotals } = paging
  if (!withTotals) return { status: 200, body: items }
  return { status: 200, body: { start, limit, length: items.length, total: total ?? items.length, [key]: items } }
}

/** Of a list that is short enough to be at hand as a whole, whichever shape is asked for. `nameOf`: unique, and what it is sorted by. */
export function sliceReply<T>(
  key: string,
  paging: Paging,
  all: readonly T[],
  nameOf: (item: T) => string,
  toWire: (item: T) => JsonValue | object,
): Reply {
  if (paging.kind === 'offset') {
    const items = all.slice(paging.start, paging.start + paging.limit).map(toWire)
    return listReply(key, paging, { items, total: all.length })
  }
  const { after, limit } = paging
  const rest = after === null ? all : all.filter(item => nameOf(item) > after)
  const page = rest.slice(0, limit)
  const last = page.at(-1)
  return listReply(key, paging, {
    items: page.map(toWire),
    next: rest.length > page.length && last !== undefined ? nameOf(last) : undefined,
  })
}

/** What a list answers, for its description: whichever of the shapes. */
export const listOf = (key: string, item: ReturnType<typeof Type.Object> | ReturnType<typeof Type.Unknown>) =>
  Type.Union([
    Type.Array(item),
    Type.Object({
      [key]: Type.Array(item),
      start: Type.Optional(Type.Integer()),
      limit: Type.Optional(Type.Integer()),
      length: Type.Optional(Type.Integer()),
      total: Type.Optional(Type.Integer()),
      next: Type.Optional(Type.String()),
    }),
  ])
