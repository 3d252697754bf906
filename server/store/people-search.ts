/**
 * From what is looked for in people to the conditions of a statement. Profile and metadata are looked up in
 * `user_attributes`, by its index; what the user's own row says, by that row. Whatever came from outside travels as a
 * parameter and never as part of a statement.
 */
import { type RawBuilder, type SqlBool, sql } from 'kysely'
import {
  type Bound,
  type PatternPart,
  SearchProblem,
  type SearchQuery,
  type SearchTerm,
} from '../policy/search-query.ts'
import { foldAttribute, foldPattern } from './attributes.ts'
import { asNumberIn, type Dialect } from './dialect.ts'

/** What holds of a row of `users`. */
export type Condition = RawBuilder<SqlBool>

export interface SearchPlan {
  /** Exact values that everybody who is found has: the rows to begin with, each by its index. */
  readonly begins: readonly { readonly path: string; readonly value: string }[]
  readonly condition: Condition
}

/** More would be joins whose order a database tries out. */
const MOST_BEGINNINGS = 3

/** Where a term without a field is looked for: in no metadata, as with Auth0. */
const BARE_PATHS = ['email', 'name', 'given_name', 'family_name', 'nickname', 'username', 'phone_number']

const ALWAYS: Condition = sql<SqlBool>`1 = 1`
const NEVER: Condition = sql<SqlBool>`1 = 0`

/** @throws SearchProblem for what a field cannot be. */
export function planSearch(query: SearchQuery, tenant: string, dialect: Dialect): SearchPlan {
  const clauses = query.kind === 'all' ? query.of : [query]
  const begins: { path: string; value: string }[] = []
  const conditions: Condition[] = []
  for (const clause of clauses) {
    const exact = begins.length < MOST_BEGINNINGS ? exactIn(clause) : undefined
    if (exact) begins.push(exact)
    else conditions.push(conditionOf(clause, { tenant, dialect }))
  }
  return { begins, condition: all(conditions) }
}

const exactIn = (clause: SearchQuery): SearchPlan['begins'][number] | undefined =>
  clause.kind === 'is' && clause.field !== null && !Object.hasOwn(FIELDS, clause.field)
    ? { path: pathOf(clause.field), value: foldAttribute(clause.value) }
    : undefined

interface Place {
  readonly tenant: string
  readonly dialect: Dialect
}

function conditionOf(query: SearchQuery, place: Place): Condition {
  switch (query.kind) {
    case 'everything':
      return ALWAYS
    case 'all':
      return all(query.of.map(clause => conditionOf(clause, place)))
    case 'any':
      return anyOf(query.of, place)
    case 'not':
      return sql`not (${conditionOf(query.of, place)})`
    default:
      return termCondition(query, place)
  }
}

/** Values to choose among are one look-up with several ranges of the index, and not one after another for each row. */
function anyOf(clauses: readonly SearchQuery[], place: Place): Condition {
  const exact = clauses.map(exactIn)
  const values = exact.filter(value => value !== undefined)
  const others = clauses.filter((_, index) => exact[index] === undefined)
  const sets = values.map(({ path, value }) => attributesAt(place, sql`path = ${path} and value = ${value}`))
  const conditions = others.map(clause => conditionOf(clause, place))
  if (sets.length > 0) conditions.push(isAmong(sql.join(sets, sql` union all `)))
  return conditions.length === 0 ? NEVER : sql`(${sql.join(conditions, sql` or `)})`
}

const all = (conditions: readonly Condition[]): Condition =>
  conditions.length === 0 ? ALWAYS : sql`(${sql.join(conditions, sql` and `)})`

const isAmong = (ids: RawBuilder<unknown>): Condition => sql`users.id in (${ids})`

const attributesAt = ({ tenant }: Place, condition: RawBuilder<unknown>): RawBuilder<unknown> =>
  sql`select "user" from user_attributes where tenant = ${tenant} and ${condition}`

type Field = (term: SearchTerm & { readonly field: string }, place: Place) => Condition

function termCondition(term: SearchTerm, place: Place): Condition {
  const { field } = term
  if (field === null) return bareCondition(term, place)
  const known = Object.hasOwn(FIELDS, field) ? FIELDS[field] : undefined
  return known ? known({ ...term, field }, place) : ofAttribute(pathOf(field))({ ...term, field }, place)
}

function bareCondition(term: SearchTerm, place: Place): Condition {
  const paths = sql.join(BARE_PATHS.map(path => sql`${path}`))
  if (term.kind === 'is') {
    const named = attributesAt(place, sql`path in (${paths}) and value = ${foldAttribute(term.value)}`)
    return sql`(users.id = ${term.value} or ${isAmong(named)})`
  }
  if (term.kind !== 'like') throw new TypeError('A range or an existence of no field')
  return isAmong(
    attributesAt(place, sql`path in (${paths}) and ${likeCondition(sql`value`, foldPattern(term.pattern))}`),
  )
}

/** Auth0 calls it otherwise than OpenID Connect. */
const pathOf = (field: string): string => (field === 'phone_verified' ? 'phone_number_verified' : field)

/** A value of the profile or of metadata, found whatever its letter case; of several at a path, any. */
const ofAttribute =
  (path: string): Field =>
  (term, place) => {
    const at = sql`path = ${path}`
    switch (term.kind) {
      case 'is':
        return isAmong(attributesAt(place, sql`${at} and value = ${foldAttribute(term.value)}`))
      case 'like':
        return isAmong(attributesAt(place, sql`${at} and ${likeCondition(sql`value`, foldPattern(term.pattern))}`))
      case 'within':
        return isAmong(attributesAt(place, sql`${at} and ${attributeWithin(term, place)}`))
      case 'exists':
        // An object is there when anything in it is: `0` follows `.` in no path, and `/` does in every order of bytes.
        return isAmong(attributesAt(place, sql`(${at} or (path > ${`${path}.`} and path < ${`${path}/`}))`))
    }
  }

/** Between numbers as numbers, between other words by their letters. */
function attributeWithin({ from, to }: { from: Bound | null; to: Bound | null }, { dialect }: Place): Condition {
  const bounds = [from, to].filter(bound => bound !== null)
  if (bounds.length > 0 && bounds.every(({ value }) => isNumber(value)))
    return between(asNumberIn(dialect, sql`value`), from, to, Number)
  return between(sql`value`, from, to, foldAttribute)
}

const isNumber = (text: string): boolean => /^-?\d{1,15}(?:\.\d{1,15})?$/.test(text)

function between(
  column: RawBuilder<unknown>,
  from: Bound | null,
  to: Bound | null,
  read: (text: string) => string | number,
): Condition {
  const conditions = [
    sql<SqlBool>`${column} is not null`,
    ...(from === null
      ? []
      : [
          from.isIncluded
            ? sql<SqlBool>`${column} >= ${read(from.value)}`
            : sql<SqlBool>`${column} > ${read(from.value)}`,
        ]),
    ...(to === null
      ? []
      : [to.isIncluded ? sql<SqlBool>`${column} <= ${read(to.value)}` : sql<SqlBool>`${column} < ${read(to.value)}`]),
  ]
  return all(conditions)
}

/** The last code point there is. Text compares by its bytes on both databases, so whatever begins alike lies before it. */
const LAST = '\u{10ffff}'

/** By the index as far as the letters before the first wildcard reach. */
function likeCondition(column: RawBuilder<unknown>, pattern: readonly PatternPart[]): Condition {
  const [first, second] = pattern
  const prefix = first && 'literal' in first ? first.literal : ''
  const begins = prefix === '' ? ALWAYS : sql<SqlBool>`${column} >= ${prefix} and ${column} < ${prefix + LAST}`
  const isPrefixAlone =
    pattern.length === 2 && second !== undefined && 'wildcard' in second && second.wildcard === 'any'
  if (prefix !== '' && isPrefixAlone) return sql`(${begins})`
  const like = pattern.map(part =>
    'literal' in part ? part.literal.replace(/[\\%_]/g, '\\$&') : part.wildcard === 'any' ? '%' : '_',
  )
  return sql`(${begins} and ${column} like ${like.join('')} escape '\\')`
}

const refused = (term: SearchTerm & { field: string }, what: string): SearchProblem =>
  new SearchProblem(`${term.field} ${what}`, term.place)

const ofId: Field = term => {
  const column = sql`users.id`
  switch (term.kind) {
    case 'is':
      return sql`${column} = ${term.value}`
    case 'like':
      // SQLite's LIKE makes no difference between letter cases, and ids do.
      if (term.pattern.length > 2 || !('literal' in (term.pattern[0] ?? {})))
        throw refused(term, 'is found by its beginning, with one wildcard at the end')
      return likeCondition(column, term.pattern)
    case 'within':
      return between(column, term.from, term.to, String)
    case 'exists':
      return ALWAYS
  }
}

const ofFlag =
  (column: 'email_verified' | 'blocked'): Field =>
  term => {
    if (term.kind === 'exists') return ALWAYS
    if (term.kind !== 'is' || !/^(?:true|false)$/i.test(term.value)) throw refused(term, 'is true or false')
    return sql`${sql.ref(`users.${column}`)} = ${/^true$/i.test(term.value) ? 1 : 0}`
  }

const ofCount: Field = term => {
  const column = sql`users.logins_count`
  const read = (text: string): number => {
    if (!/^\d{1,15}$/.test(text)) throw refused(term, 'is a number')
    return Number(text)
  }
  switch (term.kind) {
    case 'is':
      return sql`${column} = ${read(term.value)}`
    case 'within':
      return between(column, term.from, term.to, read)
    case 'exists':
      return sql`${column} > 0`
    case 'like':
      throw refused(term, 'is a number')
  }
}

const ofInstant =
  (column: 'created_at' | 'updated_at' | 'last_login_at'): Field =>
  term => {
    const at = sql.ref(`users.${column}`)
    const read = (text: string): Span => {
      const span = spanOf(text)
      if (!span) throw refused(term, 'is a date: 2026-01-31, or 2026-01-31T12:00:00Z')
      return span
    }
    switch (term.kind) {
      case 'is': {
        const { first, last } = read(term.value)
        return sql`(${at} is not null and ${at} between ${first} and ${last})`
      }
      case 'within': {
        // A day, a month or a year has a beginning and an end: beyond it is after the end, and up to it is with the end.
        const { from, to } = term
        return all([
          sql<SqlBool>`${at} is not null`,
          ...(from === null
            ? []
            : [
                from.isIncluded
                  ? sql<SqlBool>`${at} >= ${read(from.value).first}`
                  : sql<SqlBool>`${at} > ${read(from.value).last}`,
              ]),
          ...(to === null
            ? []
            : [
                to.isIncluded
                  ? sql<SqlBool>`${at} <= ${read(to.value).last}`
                  : sql<SqlBool>`${at} < ${read(to.value).first}`,
              ]),
        ])
      }
      case 'exists':
        return sql`${at} is not null`
      case 'like':
        throw refused(term, 'is a date, and a date has no wildcards')
    }
  }

interface Span {
  readonly first: number
  readonly last: number
}

const DATE = /^(\d{4})(?:-(\d{2})(?:-(\d{2})(T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})?)?)?)?$/

/** In milliseconds, both included; in UTC unless it says otherwise. */
function spanOf(text: string): Span | undefined {
  const [, year, month, day, time] = DATE.exec(text) ?? []
  if (year === undefined) return undefined
  if (time !== undefined) {
    const isZoned = /(?:Z|[+-]\d{2}:\d{2})$/.test(time)
    const at = Date.parse(isZoned ? text : `${text}Z`)
    return Number.isNaN(at) ? undefined : { first: at, last: at }
  }
  const first = Date.parse(`${year}-${month ?? '01'}-${day ?? '01'}T00:00:00Z`)
  if (Number.isNaN(first)) return undefined
  const [y, m, d] = [Number(year), Number(month ?? 1) - 1, Number(day ?? 1)]
  const next = day ? Date.UTC(y, m, d + 1) : month ? Date.UTC(y, m + 1) : Date.UTC(y + 1, 0)
  return { first, last: next - 1 }
}

const ofAddress: Field = term => {
  const column = sql`users.last_ip`
  switch (term.kind) {
    case 'is':
      return sql`(${column} is not null and ${column} = ${term.value})`
    case 'exists':
      return sql`${column} is not null`
    case 'like':
      return sql`(${column} is not null and ${likeCondition(column, term.pattern)})`
    case 'within':
      throw refused(term, 'is an address, and addresses have no order here')
  }
}

/** Of the address as it is looked up: the part behind the sign. */
const ofDomain: Field = (term, place) => {
  if (term.kind === 'exists') return ofAttribute('email')(term, place)
  if (term.kind !== 'is') throw refused(term, 'is found as a whole')
  const pattern: PatternPart[] = [{ wildcard: 'any' }, { literal: `@${term.value}` }]
  return ofAttribute('email')({ kind: 'like', field: term.field, pattern, place: term.place }, place)
}

const ofIdentity =
  (column: 'provider' | 'subject' | 'connection'): Field =>
  (term, { tenant }) => {
    if (term.kind === 'exists') return ALWAYS
    if (term.kind !== 'is') throw refused(term, 'is found as a whole')
    const connections =
      column === 'connection'
        ? sql`select id from connections where tenant = ${tenant} and name = ${term.value}`
        : sql`select id from connections where tenant = ${tenant}`
    const narrowed = column === 'connection' ? sql`` : sql`and ${sql.ref(`identities.${column}`)} = ${term.value}`
    return isAmong(
      sql`select identities."user" from identities where identities.tenant = ${tenant}
          and identities.connection in (${connections}) ${narrowed}`,
    )
  }

const ofOrganization: Field = (term, { tenant }) => {
  const members = sql`select "user" from organization_members where tenant = ${tenant}`
  if (term.kind === 'exists') return isAmong(members)
  if (term.kind !== 'is') throw refused(term, 'is found as a whole')
  return isAmong(sql`${members} and organization = ${term.value}`)
}

/** What is not looked up as an attribute. */
const FIELDS: Readonly<Record<string, Field>> = {
  user_id: ofId,
  blocked: ofFlag('blocked'),
  email_verified: ofFlag('email_verified'),
  created_at: ofInstant('created_at'),
  updated_at: ofInstant('updated_at'),
  last_login: ofInstant('last_login_at'),
  logins_count: ofCount,
  last_ip: ofAddress,
  'email.domain': ofDomain,
  'identities.connection': ofIdentity('connection'),
  'identities.provider': ofIdentity('provider'),
  'identities.user_id': ofIdentity('subject'),
  organization_id: ofOrganization,
}
