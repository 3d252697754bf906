/**
 * Every sealed value there is, whichever noun's, for those who care under which master key and not what it says. A
 * column that holds sealed values is a line of `PLACES`; what seals and opens is handed in with each noun.
 */
import { type RawBuilder, sql } from 'kysely'
import type { SealContext } from '../kernel/sealer.ts'
import { sealContextOfClientSecret } from './clients.ts'
import { sealContextOfConnection } from './connections.ts'
import { betweenDotsIn } from './dialect.ts'
import { sealContextOfDocument } from './documents.ts'
import { sealContextOfEmailProvider } from './email-providers.ts'
import { sealContextOfInvitation } from './invitations.ts'
import { sealContextOfKey } from './keys.ts'
import { sealContextOfMail } from './mails.ts'
import type { Database } from './schema.ts'
import { sealContextOfTicket } from './tickets.ts'

/** The tables that hold sealed values. */
export type SealedPlace = keyof typeof PLACES

export interface SealedValue {
  readonly place: SealedPlace
  /** The row's primary key, its tenant first. */
  readonly row: readonly string[]
  /** What it is sealed to. */
  readonly context: SealContext
  readonly sealed: string
}

export interface SealedValues {
  readonly places: readonly SealedPlace[]
  /** How many values each master key seals, by its id. Reads every row that holds one. */
  countByMasterKey(): Promise<ReadonlyMap<string, number>>
  /** At most `limit` of a place that are not sealed under this master key, in the order of their rows, after the one given. */
  notUnder(
    masterKey: string,
    page: { place: SealedPlace; after?: SealedValue | undefined; limit: number },
  ): Promise<SealedValue[]>
  /** Puts another sealed form of the same in its place; `false` when it is no longer the one that was read. */
  replace(value: SealedValue, sealed: string): Promise<boolean>
}

/** A row as far as it is read here: text, all of it. */
type Row = Readonly<Record<string, string>>

interface Place {
  readonly column: string
  /** The primary key. */
  readonly key: readonly string[]
  /** What else the context is made of. */
  readonly reads?: readonly string[]
  readonly contextOf: (row: Row) => SealContext
}

const PLACES = {
  keys: {
    column: 'sealed_private',
    key: ['tenant', 'id'],
    reads: ['purpose', 'owner', 'algorithm', 'state'],
    contextOf: row => sealContextOfKey(row as Row & Parameters<typeof sealContextOfKey>[0]),
  },
  clients: {
    column: 'sealed_secret',
    key: ['tenant', 'id'],
    contextOf: row => sealContextOfClientSecret(row as Row & Parameters<typeof sealContextOfClientSecret>[0]),
  },
  connections: {
    column: 'sealed_options',
    key: ['tenant', 'id'],
    contextOf: row => sealContextOfConnection(row as Row & Parameters<typeof sealContextOfConnection>[0]),
  },
  documents: {
    column: 'sealed',
    key: ['tenant', 'kind', 'id'],
    contextOf: row => sealContextOfDocument(row as Row & Parameters<typeof sealContextOfDocument>[0]),
  },
  tickets: {
    column: 'data',
    key: ['tenant', 'kind', 'id'],
    contextOf: row => sealContextOfTicket(row as Row & Parameters<typeof sealContextOfTicket>[0]),
  },
  invitations: {
    column: 'ticket',
    key: ['tenant', 'id'],
    contextOf: row => sealContextOfInvitation(row as Row & Parameters<typeof sealContextOfInvitation>[0]),
  },
  mails: {
    column: 'letter',
    key: ['tenant', 'id'],
    contextOf: row => sealContextOfMail(row as Row & Parameters<typeof sealContextOfMail>[0]),
  },
  email_providers: {
    column: 'sealed_credentials',
    key: ['tenant'],
    contextOf: row => sealContextOfEmailProvider(row as Row & Parameters<typeof sealContextOfEmailProvider>[0]),
  },
} satisfies Readonly<Record<string, Place>>

/** The sealed value of a whole row of any table, and what it is sealed to; undefined where there is none. */
export function sealedIn(
  table: string,
  row: Readonly<Record<string, unknown>>,
): Pick<SealedValue, 'context' | 'sealed'> | undefined {
  const place = Object.hasOwn(PLACES, table) ? (PLACES[table as SealedPlace] as Place) : undefined
  const sealed = place && row[place.column]
  return place && typeof sealed === 'string' ? { sealed, context: place.contextOf(row as Row) } : undefined
}

const places = Object.keys(PLACES) as SealedPlace[]
const placeOf = (place: SealedPlace): Place => PLACES[place]

const columns = (names: readonly string[]): RawBuilder<unknown> => sql.join(names.map(name => sql.ref(name)))

export const sealedValuesIn = (db: Database): SealedValues => ({
  places,

  async countByMasterKey() {
    const counts = new Map<string, number>()
    for (const place of places) {
      const { column } = placeOf(place)
      const masterKey = betweenDotsIn(db, sql.ref(column))
      const { rows } = await sql<{ master_key: string; values_there: number }>`
        select ${masterKey} as master_key, count(*) as values_there
          from ${sql.table(place)} where ${sql.ref(column)} is not null group by 1`.execute(db)
      for (const { master_key, values_there } of rows)
        counts.set(master_key, (counts.get(master_key) ?? 0) + Number(values_there))
    }
    return counts
  },

  async notUnder(masterKey, { place, after, limit }) {
    const { column, key, reads = [], contextOf } = placeOf(place)
    const { rows } = await sql<Row>`
      select ${columns([...key, ...reads, column])} from ${sql.table(place)}
       where ${sql.ref(column)} is not null and ${betweenDotsIn(db, sql.ref(column))} <> ${masterKey}
         ${after ? sql`and (${columns(key)}) > (${sql.join(after.row)})` : sql``}
       order by ${columns(key)} limit ${limit}`.execute(db)
    return rows.map(row => ({
      place,
      row: key.map(name => row[name] ?? ''),
      context: contextOf(row),
      sealed: row[column] ?? '',
    }))
  },

  async replace({ place, row, sealed: expected }, sealed) {
    const { column, key } = placeOf(place)
    const { rows } = await sql`
      update ${sql.table(place)} set ${sql.ref(column)} = ${sealed}
       where (${columns(key)}) = (${sql.join(row)}) and ${sql.ref(column)} = ${expected}
      returning 1 as replaced`.execute(db)
    return rows.length > 0
  },
})
