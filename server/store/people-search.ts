/**
 * From what is looked for in people to the conditions of a statement. Profile and metadata are looked up in
 * `user_attributes`, by its index; what the user's own row says, by that row. Whatever came from outside travels as a
 * parameter and never as part of a statement.
 */
import { type RawBuilder, type SqlBool, sql } from 'kysely'
import { type Span, spanOfDate, WHAT_A_DATE_IS } from '../policy/search-date.ts'
import {
  type Bound,
  type PatternPart,
  SearchProblem,
  type SearchQuery,
  type SearchTerm,
} from '../policy/search-query.ts'
import { foldAttribute, foldPattern } from './attributes.ts'
import { asNumberIn, byIndex, type Dialect } from './dialect.ts'

/** What holds of a row of `users`. */
export type Condition = RawBuilder<SqlBool>

/** People who are found by an index other than that of their own rows. */
export interface Found {
  /** Their ids, each once. */
  readonly ids: RawBuilder<unknown>
  /** Whether the ids come in their order, one by one, without all of them being looked at. */
  readonly isOrdered: boolean
  /** Whether a row is one of theirs, asked of each row: for when there are few. */
  readonly holds: Condition
  /** The same, asked of all of them: for when there are many, and a database that answers beside this process. */
  readonly isAmong: Condition
  /** The same ids, some of them more than once: for who must not look at everything in one statement. */
  readonly parts: readonly FoundPart[]
}

/** A statement that looks at nobody but whom it finds, or a stretch of attributes to go through. */
export type FoundPart = { readonly ids: RawBuilder<unknown> } | Stretch

/** In the order of `user_attributes`' key: what lies at the path, or at each that begins so, and whose value begins so. */
export interface Stretch {
  readonly path: string
  readonly isPrefix: boolean
  readonly value: string
  /** Of `path` and `value`: which of them are meant. */
  readonly condition: Condition
}

export interface SearchPlan {
  /** Everybody who is meant is in each of these. */
  readonly founds: readonly Found[]
  /** What holds of them besides. */
  readonly conditions: readonly Condition[]
  /** What it costs to ask all of this of one row, in rows. */
  readonly effort: number
}

/** Where a term without a field is looked for: in no metadata, as with Auth0. */
const BARE_PATHS = ['email', 'name', 'given_name', 'family_name', 'nickname', 'username', 'phone_number']

const ALWAYS: Condition = sql<SqlBool>`1 = 1`
const NEVER: Condition = sql<SqlBool>`1 = 0`

/** @throws SearchProblem for what a field cannot be. */
export function planSearch(query: SearchQuery, tenant: string, dialect: Dialect): SearchPlan {
  const place = { tenant, dialect }
  const meanings = (query.kind === 'all' ? query.of : [query]).map(clause => meaningOf(clause, place))
  return {
    founds: meanings.filter(meaning => 'ids' in meaning),
    conditions: meanings
      .flatMap(meaning => ('ids' in meaning ? [] : [meaning.condition]))
      .filter(condition => condition !== ALWAYS),
    effort: effortOf(query),
  }
}

/** Of a user's own attributes there are some, and what is no exact value of a field is looked for among them. */
const AMONG_OWN = 4

function effortOf(query: SearchQuery): number {
  switch (query.kind) {
    case 'everything':
      return 0
    case 'all':
    case 'any':
      return query.of.reduce((sum, clause) => sum + effortOf(clause), 0)
    case 'not':
      return effortOf(query.of)
    default:
      return query.kind === 'is' && query.field !== null ? 1 : AMONG_OWN
  }
}

interface Place {
  readonly tenant: string
  readonly dialect: Dialect
}

/** Either looked up, or asked of each row. */
type Meaning = Found | { readonly condition: Condition }

function meaningOf(query: SearchQuery, place: Place): Meaning {
  switch (query.kind) {
    case 'everything':
      return { condition: ALWAYS }
    case 'all':
      return { condition: all(query.of.map(clause => conditionOf(clause, place))) }
    case 'any':
      return anyOf(query.of, place)
    case 'not':
      return { condition: sql`not (${conditionOf(query.of, place)})` }
    default:
      return termMeaning(query, place)
  }
}

function conditionOf(query: SearchQuery, place: Place): Condition {
  const meaning = meaningOf(query, place)
  return 'ids' in meaning ? asked(meaning, place) : meaning.condition
}

/** A set of all of them would be made at once, while an embedded database answers nobody else. */
const asked = (found: Found, { dialect }: Place): Condition => (dialect === 'sqlite' ? found.holds : found.isAmong)

/** Where all of them are looked up, so is the choice; else what is looked up is one set beside the rest. */
function anyOf(clauses: readonly SearchQuery[], place: Place): Meaning {
  const meanings = clauses.map(clause => meaningOf(clause, place))
  const founds = meanings.filter(meaning => 'ids' in meaning)
  const others = meanings.flatMap(meaning => ('ids' in meaning ? [] : [meaning.condition]))
  const together = founds.length === 0 ? [] : [unionOf(founds)]
  const [only] = together
  if (only && others.length === 0) return only
  return { condition: any([...together.map(found => asked(found, place)), ...others]) }
}

const all = (conditions: readonly Condition[]): Condition =>
  conditions.length === 0 ? ALWAYS : sql`(${sql.join(conditions, sql` and `)})`

const any = (conditions: readonly Condition[]): Condition =>
  conditions.length === 0 ? NEVER : sql`(${sql.join(conditions, sql` or `)})`

const among = (ids: RawBuilder<unknown>): Condition => sql`users.id in (${ids})`

function unionOf(founds: readonly Found[]): Found {
  const [only] = founds
  if (founds.length === 1 && only) return only
  const ids = sql`${sql.join(
    founds.map(({ ids }) => ids),
    sql` union `,
  )}`
  return {
    ids,
    isOrdered: false,
    holds: any(founds.map(({ holds }) => holds)),
    isAmong: among(ids),
    parts: founds.flatMap(({ parts }) => parts),
  }
}

/**
 * By attributes at which this holds, in these stretches of them, or in none where a statement finds them by their key alone;
 * `isExact` for one path and one value, which everybody has at most once.
 */
function withAttribute(
  { tenant, dialect }: Place,
  condition: Condition,
  { isExact = false, stretches = [] }: { isExact?: boolean; stretches?: readonly Omit<Stretch, 'condition'>[] },
): Found {
  const its = sql`from user_attributes where tenant = ${tenant} and ${condition}`
  const ids = isExact ? sql`select "user" ${its}` : sql`select distinct "user" ${its}`
  // A single value is found by its whole key. Anything else is found among the user's own attributes.
  const holds = isExact
    ? sql<SqlBool>`exists (select 1 ${its} and "user" = users.id)`
    : ownAttribute(dialect, condition)
  const parts = stretches.length === 0 ? [{ ids }] : stretches.map(stretch => ({ ...stretch, condition }))
  return { ids, isOrdered: isExact, holds, isAmong: among(ids), parts }
}

/** Whether one of the row's own attributes is such: they are few, and found by the index of those. */
export function ownAttribute(dialect: Dialect, condition: Condition): Condition {
  const own = sql`exists (select 1 from user_attributes as own ${byIndex(dialect, 'user_attributes_user')}
    where own.tenant = users.tenant and own."user" = users.id`
  // No column of the table is named inside, or its key would look like the better way to PostgreSQL.
  return dialect === 'sqlite'
    ? sql`${own} and ${condition})`
    : sql`${own} and exists (select 1 from (select own.path || '' as path, own.value as value) as its where ${condition}))`
}

/** What lies at a path and may look so. */
const stretchOf = (path: string, pattern: readonly PatternPart[] = []): Omit<Stretch, 'condition'> => {
  const [first] = pattern
  return { path, isPrefix: false, value: first && 'literal' in first ? first.literal : '' }
}

type Field = (term: SearchTerm & { readonly field: string }, place: Place) => Meaning

function termMeaning(term: SearchTerm, place: Place): Meaning {
  const { field } = term
  if (field === null) return bareMeaning(term, place)
  const known = Object.hasOwn(FIELDS, field) ? FIELDS[field] : undefined
  return known ? known({ ...term, field }, place) : ofAttribute(pathOf(field))({ ...term, field }, place)
}

function bareMeaning(term: SearchTerm, place: Place): Meaning {
  const paths = sql.join(BARE_PATHS.map(path => sql`${path}`))
  if (term.kind === 'like') {
    const pattern = foldPattern(term.pattern)
    return withAttribute(place, sql`path in (${paths}) and ${likeCondition(sql`value`, pattern)}`, {
      stretches: BARE_PATHS.map(path => stretchOf(path, pattern)),
    })
  }
  if (term.kind !== 'is') throw new TypeError('A range or an existence of no field')
  const named = withAttribute(place, sql`path in (${paths}) and value = ${foldAttribute(term.value)}`, {})
  return unionOf([named, withId(place, term.value)])
}

const withId = ({ tenant }: Place, id: string): Found => {
  const ids = sql`select id as "user" from users as named where named.tenant = ${tenant} and named.id = ${id}`
  const holds: Condition = sql`users.id = ${id}`
  return { ids, isOrdered: true, holds, isAmong: holds, parts: [{ ids }] }
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
        return withAttribute(place, sql`${at} and value = ${foldAttribute(term.value)}`, { isExact: true })
      case 'like': {
        const pattern = foldPattern(term.pattern)
        return withAttribute(place, sql`${at} and ${likeCondition(sql`value`, pattern)}`, {
          stretches: [stretchOf(path, pattern)],
        })
      }
      case 'within':
        return withAttribute(place, sql`${at} and ${attributeWithin(term, place)}`, { stretches: [stretchOf(path)] })
      case 'exists':
        // An object is there when anything in it is: `0` follows `.` in no path, and `/` does in every order of bytes.
        return withAttribute(place, sql`(${at} or (path > ${`${path}.`} and path < ${`${path}/`}))`, {
          stretches: [stretchOf(path), { path: `${path}.`, isPrefix: true, value: '' }],
        })
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

const ofId: Field = (term, place) => {
  const column = sql`users.id`
  switch (term.kind) {
    case 'is':
      return withId(place, term.value)
    case 'like':
      // SQLite's LIKE makes no difference between letter cases, and ids do.
      if (term.pattern.length > 2 || !('literal' in (term.pattern[0] ?? {})))
        throw refused(term, 'is found by its beginning, with one wildcard at the end')
      return { condition: likeCondition(column, term.pattern) }
    case 'within':
      return { condition: between(column, term.from, term.to, String) }
    case 'exists':
      return { condition: ALWAYS }
  }
}

const ofFlag =
  (column: 'email_verified' | 'blocked'): Field =>
  term => {
    if (term.kind === 'exists') return { condition: ALWAYS }
    if (term.kind !== 'is' || !/^(?:true|false)$/i.test(term.value)) throw refused(term, 'is true or false')
    return { condition: sql`${sql.ref(`users.${column}`)} = ${/^true$/i.test(term.value) ? 1 : 0}` }
  }

const ofCount: Field = term => {
  const column = sql`users.logins_count`
  const read = (text: string): number => {
    if (!/^\d{1,15}$/.test(text)) throw refused(term, 'is a number')
    return Number(text)
  }
  switch (term.kind) {
    case 'is':
      return { condition: sql`${column} = ${read(term.value)}` }
    case 'within':
      return { condition: between(column, term.from, term.to, read) }
    case 'exists':
      return { condition: sql`${column} > 0` }
    case 'like':
      throw refused(term, 'is a number')
  }
}

const ofInstant =
  (column: 'created_at' | 'updated_at' | 'last_login_at' | 'last_password_reset_at'): Field =>
  term => {
    const at = sql.ref(`users.${column}`)
    const read = (text: string): Span => {
      const span = spanOfDate(text)
      if (!span) throw refused(term, WHAT_A_DATE_IS)
      return span
    }
    switch (term.kind) {
      case 'is': {
        const { first, last } = read(term.value)
        return { condition: sql`(${at} is not null and ${at} between ${first} and ${last})` }
      }
      case 'within': {
        // A day, a month or a year has a beginning and an end: beyond it is after the end, and up to it is with the end.
        const { from, to } = term
        const conditions = [
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
        ]
        return { condition: all(conditions) }
      }
      case 'exists':
        return { condition: sql`${at} is not null` }
      case 'like':
        throw refused(term, 'is a date, and a date has no wildcards')
    }
  }

const ofAddress: Field = term => {
  const column = sql`users.last_ip`
  switch (term.kind) {
    case 'is':
      return { condition: sql`(${column} is not null and ${column} = ${term.value})` }
    case 'exists':
      return { condition: sql`${column} is not null` }
    case 'like':
      return { condition: sql`(${column} is not null and ${likeCondition(column, term.pattern)})` }
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
  (term, place) => {
    if (term.kind === 'exists') return { condition: ALWAYS }
    if (term.kind !== 'is') throw refused(term, 'is found as a whole')
    const { tenant } = place
    const connections = sql`select id from connections where tenant = ${tenant}`
    if (column === 'connection')
      return withIdentity(place, sql`connection in (${connections} and name = ${term.value})`)
    const found = withIdentity(place, sql`connection in (${connections}) and ${sql.ref(column)} = ${term.value}`)
    // No index has providers: to find those of one, all are looked at.
    return column === 'provider' && place.dialect === 'sqlite' ? { condition: found.holds } : found
  }

/** Who has an identity in it, by its id. */
export function withConnection(tenant: string, connection: string): Found {
  const found = withIdentity({ tenant }, sql`connection = ${connection}`)
  // Everybody in a large connection is found among all there are as quickly.
  return { ...found, isAmong: found.holds }
}

function withIdentity({ tenant }: Pick<Place, 'tenant'>, condition: RawBuilder<unknown>): Found {
  const ids = sql`select distinct "user" from identities where tenant = ${tenant} and ${condition}`
  // As with attributes: a user's own are few, and found by the index of those.
  const holds = sql<SqlBool>`exists (select 1 from identities as own where own.tenant = users.tenant and own."user" = users.id
    and exists (select 1 from (select own.connection || '' as connection, own.provider as provider, own.subject || '' as subject) as its
      where ${condition}))`
  return { ids, isOrdered: false, holds, isAmong: among(ids), parts: [{ ids }] }
}

const ofOrganization: Field = (term, { tenant }) => {
  const members = sql`select distinct "user" from organization_members where tenant = ${tenant}`
  if (term.kind !== 'exists' && term.kind !== 'is') throw refused(term, 'is found as a whole')
  const ids = term.kind === 'is' ? sql`${members} and organization = ${term.value}` : members
  const holds: Condition = sql`exists (${members} and organization_members."user" = users.id${
    term.kind === 'is' ? sql` and organization = ${term.value}` : sql``
  })`
  return { ids, isOrdered: false, holds, isAmong: among(ids), parts: [{ ids }] }
}

/** What is not looked up as an attribute. */
const FIELDS: Readonly<Record<string, Field>> = {
  user_id: ofId,
  blocked: ofFlag('blocked'),
  email_verified: ofFlag('email_verified'),
  created_at: ofInstant('created_at'),
  updated_at: ofInstant('updated_at'),
  last_login: ofInstant('last_login_at'),
  last_password_reset: ofInstant('last_password_reset_at'),
  logins_count: ofCount,
  last_ip: ofAddress,
  'email.domain': ofDomain,
  'identities.connection': ofIdentity('connection'),
  'identities.provider': ofIdentity('provider'),
  'identities.user_id': ofIdentity('subject'),
  organization_id: ofOrganization,
}
