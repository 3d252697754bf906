/** `GET /users` and `GET /users-by-email`: who is there, found by what they are. */
import Type from 'typebox'
import { userToWire } from '../identity/user-wire.ts'
import {
  LONGEST_QUERY,
  readSearchQuery,
  SearchProblem,
  type SearchQuery,
  SearchTooLong,
} from '../policy/search-query.ts'
import type { PeopleOrder, PeoplePage, PeopleSearch, Person } from '../store/people.ts'
import { ManagementFault } from './fault.ts'
import { FIELDS_QUERY, fieldsOf } from './fields.ts'
import { type Operation, operation } from './operation.ts'
import { CHECKPOINT_QUERY, listOf, listReply, OFFSET_QUERY, type Paging, pagingOf } from './paging.ts'
import { totalOf } from './people-totals.ts'
import type { ApiServices } from './services.ts'
import { USER } from './user-schemas.ts'

/** Auth0's too: a page of a hundred thousand others before it would have to read them. */
const FURTHEST = 1000
/** Of one address: a tenant has one in each connection at most. */
const MOST_WITH_ADDRESS = 100

const ORDERS = [
  'user_id',
  'created_at',
  'updated_at',
  'last_login',
  'logins_count',
  'email',
  'name',
  'given_name',
  'family_name',
  'nickname',
  'username',
  'phone_number',
] as const satisfies readonly PeopleOrder[]

const LIST_QUERY = Type.Object({
  ...OFFSET_QUERY,
  ...CHECKPOINT_QUERY,
  ...FIELDS_QUERY,
  q: Type.Optional(Type.String({ maxLength: LONGEST_QUERY })),
  sort: Type.Optional(Type.String({ pattern: '^[a-z_.]+:(?:1|-1)$' })),
  connection: Type.Optional(Type.String({ maxLength: 200 })),
  // There is one, whichever is asked for.
  search_engine: Type.Optional(Type.Union([Type.Literal('v1'), Type.Literal('v2'), Type.Literal('v3')])),
  // Of which replica Auth0 reads.
  primary_order: Type.Optional(Type.Boolean()),
})

export const userList: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/users',
    summary: 'List users, or those that a search finds',
    scopes: ['read:users'],
    query: LIST_QUERY,
    answers: { 200: listOf('users', USER) },
    async run({ tenant, query }, services) {
      const paging = pagingOf(query)
      const order = orderOf(query.sort)
      if (query.sort !== undefined && paging.kind === 'checkpoint')
        throw wrong('from and take go through users in the order of their ids, so that sort cannot be given with them')
      const search = { query: wantedBy(query.q), connection: await connectionIn(services, tenant, query.connection) }
      const found = await naming(() => find(services, tenant, search, order, paging))
      const shown = fieldsOf(query)
      return listReply('users', paging, { ...found, items: found.people.map(person => shown(userToWire(person))) })
    },
  }),
  operation({
    method: 'GET',
    path: '/users-by-email',
    summary: 'Find users by their e-mail address, whatever its letter case',
    scopes: ['read:users'],
    query: Type.Object({ ...FIELDS_QUERY, email: Type.String({ minLength: 1, maxLength: 254 }) }),
    answers: { 200: Type.Array(USER) },
    async run({ tenant, query }, { store }) {
      const search = { query: { kind: 'is', field: 'email', value: query.email, place: 1 }, connection: null } as const
      const people = await store.people.after(tenant, search, null, MOST_WITH_ADDRESS)
      return { status: 200, body: people.map(userToWire).map(fieldsOf(query)) }
    },
  }),
]

interface FoundPeople {
  readonly people: readonly Person[]
  readonly total?: number
  readonly next?: string
}

async function find(
  services: ApiServices,
  tenant: string,
  search: PeopleSearch,
  order: PeoplePage['order'],
  paging: Paging,
): Promise<FoundPeople> {
  const { people: store } = services.store
  if (paging.kind === 'checkpoint') {
    const more = await store.after(tenant, search, paging.after, paging.limit + 1)
    const people = more.slice(0, paging.limit)
    const last = people.at(-1)
    return { people, ...(more.length > people.length && last && { next: last.user.id }) }
  }
  // Behind the end it is enough to know whether there is anybody: an SDK that goes through all asks for one page too many.
  const isBehind = paging.start >= FURTHEST
  const [start, limit] = isBehind ? [FURTHEST, 1] : [paging.start, paging.limit]
  const people = await store.page(tenant, { ...search, order, offset: start, limit })
  if (start + people.length > FURTHEST)
    throw new ManagementFault(
      400,
      'invalid_paging',
      `Pages end with the first ${FURTHEST} users. Narrow the search, or go through all of them with take, and from of the answer before.`,
    )
  if (!paging.withTotals) return { people }
  return { people, total: await totalOf(services, tenant, search, { start, limit, found: people.length }) }
}

function orderOf(sort: string | undefined): PeoplePage['order'] {
  const [name, direction] = sort?.split(':') ?? []
  const by = ORDERS.find(order => order === name)
  if (sort !== undefined && by === undefined) throw wrong(`sort takes ${ORDERS.join(', ')}, and then :1 or :-1`)
  return { by: by ?? 'user_id', descending: direction === '-1' }
}

function wantedBy(text: string | undefined): SearchQuery | null {
  return text === undefined || text.trim() === '' ? null : naming(() => readSearchQuery(text))
}

/** The id; of one that is not there, that of nobody's. */
async function connectionIn({ store }: ApiServices, tenant: string, name: string | undefined): Promise<string | null> {
  return name === undefined ? null : ((await store.connections.findByName(tenant, name))?.id ?? '')
}

/** A search that means nothing is its sender's fault. */
function naming<T>(search: () => T): T {
  const told = (error: unknown): never => {
    if (error instanceof SearchTooLong) throw tooLong()
    throw error instanceof SearchProblem ? wrong(`q: ${error.message}`) : error
  }
  try {
    const found = search()
    return (found instanceof Promise ? found.catch(told) : found) as T
  } catch (error) {
    return told(error)
  }
}

/** In Auth0's words, and with its status. */
const tooLong = (): ManagementFault =>
  new ManagementFault(
    503,
    'query_timeout',
    'The query exceeded the timeout. Refine the search: begin with an exact value, and leave out wildcards that come first.',
  )

const wrong = (problem: string): ManagementFault =>
  new ManagementFault(400, 'invalid_query_string', `Query validation error: ${problem}.`)
