/** How values that are neither text nor number stand in a column, and how they come back. */
import { type RawBuilder, sql } from 'kysely'
import type { JsonObject } from '../kernel/json.ts'

/** JSON text. What is not JSON (an undefined member) is left out, as `JSON.stringify` does. */
export const toText = (document: object): string => JSON.stringify(document)

export const toObject = (text: string): JsonObject => JSON.parse(text) as JsonObject

/** For columns that only the store writes, from values of that very type. */
export const toDocument = <T>(text: string): T => JSON.parse(text) as T

export const toFlag = (truth: boolean): number => (truth ? 1 : 0)

/** The members that are given, so that a change leaves the others as they are. */
export function onlyGiven<T extends object>(row: T): { [Column in keyof T]?: Exclude<T[Column], undefined> } {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined)) as {
    [Column in keyof T]?: Exclude<T[Column], undefined>
  }
}

/**
 * A column of which many rows hold the same, in a statement that has something better to go by: no index is used for it. A
 * database that has not counted its rows yet takes every column to be held by few, and goes by either.
 */
export const heldByMany = (column: string): RawBuilder<string> => sql<string>`${sql.ref(column)} || ''`

/** The columns of a row, each by its name: for a prepared insert, whose values are stand-ins. */
export const columnsOf = <Row extends object>(row: Row, columns: readonly (keyof Row & string)[]): Row =>
  Object.fromEntries(columns.map(column => [column, row[column]])) as Row

/** A table's columns for a query that joins others, where `select *` would be of all of them. */
export const qualified = <Table extends string, Column extends string>(table: Table, columns: readonly Column[]) =>
  columns.map(column => `${table}.${column}` as const)

type Prefixed<Table extends string, Prefix extends string, Column extends string> = Column extends string
  ? `${Table}.${Column} as ${Prefix}${Column}`
  : never

/** A joined table's columns under names of their own (`users.id as user_id`), for `unprefixing` to take apart again. */
export const prefixed = <Table extends string, Prefix extends string, Column extends string>(
  table: Table,
  prefix: Prefix,
  columns: readonly Column[],
) => columns.map(column => `${table}.${column} as ${prefix}${column}`) as Prefixed<Table, Prefix, Column>[]

/** The joined table's own row, or undefined when a left join found none: every table's `tenant` is never null. */
export function unprefixing<Row extends { tenant: string }>(
  prefix: string,
  columns: readonly (keyof Row & string)[],
): (joined: object) => Row | undefined {
  // Named once: a name that is put together for each row is a new text each time.
  const names = columns.map(column => [column, `${prefix}${column}`] as const)
  return joined => {
    const values = joined as Record<string, unknown>
    if (values[`${prefix}tenant`] === null) return undefined
    const row: Record<string, unknown> = {}
    for (const [column, name] of names) row[column] = values[name]
    return row as unknown as Row
  }
}
