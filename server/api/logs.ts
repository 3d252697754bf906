/** `/logs` and `/users/{id}/logs`: what happened, as Auth0 tells it. What is told, and how it is searched, is `audit/`'s. */
import Type, { type Static } from 'typebox'
import { type LogNames, toLog } from '../audit/log-document.ts'
import { membersIn, readLogSearch } from '../audit/log-query.ts'
import { type FoundLogs, type LogSearch, logsAfter, searchLogs } from '../audit/log-search.ts'
import type { JsonObject } from '../kernel/json.ts'
import { SearchProblem, type SearchQuery } from '../policy/search-query.ts'
import type { ConnectionRecord } from '../store/connections.ts'
import type { EventRecord } from '../store/events.ts'
import { ManagementFault, notFound } from './fault.ts'
import { FIELDS_QUERY, fieldsOf } from './fields.ts'
import { findUser } from './find-user.ts'
import { type Call, type Operation, operation, type Reply } from './operation.ts'
import { CHECKPOINT_QUERY, listOf, listReply, OFFSET_QUERY, pagingOf } from './paging.ts'
import type { ApiServices } from './services.ts'

const LOG = Type.Object({ log_id: Type.String(), date: Type.String(), type: Type.String() })
/** Fewer members where fewer were asked for. */
const LISTED_LOG = Type.Unknown()

const SORTED = { sort: Type.Optional(Type.Enum(['date:1', 'date:-1'])) }
const USER_LOGS_QUERY = Type.Object({ ...OFFSET_QUERY, ...SORTED })
const LOGS_QUERY = Type.Object({
  ...OFFSET_QUERY,
  ...CHECKPOINT_QUERY,
  ...FIELDS_QUERY,
  ...SORTED,
  q: Type.Optional(Type.String()),
  search: Type.Optional(Type.String()),
})

/** As with Auth0: whoever wants to go further goes on from a log, or narrows the search. */
const LAST_OFFSET = 1000

export const logs: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/logs',
    summary: 'Search the log, or go on from one of its entries',
    scopes: ['read:logs', 'read:logs_users'],
    query: LOGS_QUERY,
    answers: { 200: listOf('logs', LISTED_LOG) },
    async run(call, services) {
      const pick = fieldsOf(call.query)
      const { from, take = 50 } = call.query
      if (from === undefined && call.query.take === undefined) {
        const search = readSearch(call.query.q ?? call.query.search)
        return page(call, services, { search }, log => pick(log))
      }
      if (from !== undefined && !(await services.store.events.find(call.tenant, from)))
        throw new ManagementFault(400, 'invalid_query_string', 'Query validation error: from is the log_id of no log.')
      const events = await logsAfter(services.store.events, call.tenant, from ?? null, take, services.clock)
      // Auth0 answers a bare list here: whoever goes on does so from the last of it.
      return { status: 200, body: (await told(call.tenant, events, services, nothingKnown())).map(log => pick(log)) }
    },
  }),

  operation({
    method: 'GET',
    path: '/logs/:id',
    summary: 'Read an entry of the log',
    scopes: ['read:logs', 'read:logs_users'],
    answers: { 200: LOG },
    async run({ tenant, path }, services) {
      const event = await services.store.events.find(tenant, path('id'))
      if (!event) throw notFound('inexistent_log', 'The log does not exist.')
      const [log] = await told(tenant, [event], services, nothingKnown())
      return { status: 200, body: log }
    },
  }),

  operation({
    method: 'GET',
    path: '/users/:id/logs',
    summary: 'List what is in the log about a user',
    scopes: ['read:logs', 'read:logs_users'],
    query: USER_LOGS_QUERY,
    answers: { 200: listOf('logs', LISTED_LOG) },
    async run(call, services) {
      const id = call.path('id')
      const about = await services.store.events.count(call.tenant, { user: id }, 1)
      // Of somebody who was removed there is the log, and nothing else.
      if (about === 0) await findUser(services.store, call.tenant, id)
      return page(call, services, { search: { kind: 'everything' }, user: id }, log => log)
    },
  }),
]

async function page(
  { tenant, query }: Call<Static<typeof USER_LOGS_QUERY>, unknown>,
  services: ApiServices,
  wanted: Pick<LogSearch, 'search' | 'user'>,
  pick: (log: JsonObject) => object,
): Promise<Reply> {
  const paging = pagingOf({ page: query.page, per_page: query.per_page, include_totals: query.include_totals })
  if (paging.kind !== 'offset') throw new TypeError('nothing that begins a checkpoint was given')
  if (paging.start >= LAST_OFFSET)
    throw new ManagementFault(
      400,
      'invalid_paging',
      `Only the first ${LAST_OFFSET} are listed by page. Narrow the search, or go on with from and take.`,
    )
  const known = nothingKnown()
  const { events, total }: FoundLogs = await searchLogs(
    services.store.events,
    {
      ...wanted,
      tenant,
      order: query.sort === 'date:1' ? 'oldest-first' : 'newest-first',
      start: paging.start,
      limit: paging.limit,
      withTotals: paging.withTotals,
    },
    searched => told(tenant, searched, services, known, membersIn(wanted.search)),
  )
  const items = (await told(tenant, events, services, known)).map(pick)
  return listReply('logs', paging, { items, total })
}

const WITHOUT_NAMES: LogNames = {
  clientName: () => undefined,
  userName: () => undefined,
  connection: () => undefined,
}

/** What was looked up already, for one request: among many entries the same few stand again and again. */
interface KnownNames {
  readonly clients: Map<string, string | undefined>
  readonly people: Map<string, string | undefined>
  /** By name, and by id. */
  readonly connections: Map<string, ConnectionRecord | undefined>
}

const nothingKnown = (): KnownNames => ({ clients: new Map(), people: new Map(), connections: new Map() })

/** Members that do not stand in every event that they are told of, by what is looked up for them. */
const CLIENT_MEMBERS = ['client_name']
const PERSON_MEMBERS = ['user_name']
const CONNECTION_MEMBERS = ['connection', 'connection_id', 'strategy', 'strategy_type']

/** `members`: those that somebody looks at, null among them for each; all where nothing is said. */
async function told(
  tenant: string,
  events: readonly EventRecord[],
  { store, clients }: ApiServices,
  known: KnownNames,
  members: ReadonlySet<string | null> = new Set([null]),
): Promise<JsonObject[]> {
  const bare = events.map(event => toLog(event, WITHOUT_NAMES))
  const looksAt = (names: readonly string[]) => [null, ...names].some(name => members.has(name))
  const learn = async <Value>(names: readonly string[], by: string, into: Map<string, Value>, find: Find<Value>) => {
    if (!looksAt(names)) return
    const ids = new Set(bare.map(log => log[by]).filter(id => typeof id === 'string'))
    await Promise.all([...ids].filter(id => !into.has(id)).map(async id => into.set(id, await find(id))))
  }
  await Promise.all([
    learn(CLIENT_MEMBERS, 'client_id', known.clients, async id => (await clients.find(tenant, id))?.name),
    learn(PERSON_MEMBERS, 'user_id', known.people, async id => nameOf(await store.users.find(tenant, id))),
    learn(CONNECTION_MEMBERS, 'connection', known.connections, name => store.connections.findByName(tenant, name)),
    learn(CONNECTION_MEMBERS, 'connection_id', known.connections, id => store.connections.find(tenant, id)),
  ])
  const names: LogNames = {
    clientName: id => known.clients.get(id),
    userName: id => known.people.get(id),
    connection: nameOrId => known.connections.get(nameOrId),
  }
  return events.map(event => toLog(event, names))
}

type Find<Value> = (id: string) => Promise<Value>

const nameOf = (user: { readonly email: string | null; readonly username: string | null } | undefined) =>
  user?.email ?? user?.username ?? undefined

function readSearch(text: string | undefined): SearchQuery {
  if (text === undefined || text.trim() === '') return { kind: 'everything' }
  try {
    return readLogSearch(text)
  } catch (error) {
    if (!(error instanceof SearchProblem)) throw error
    throw new ManagementFault(400, 'invalid_query_string', `Query validation error: q: ${error.message}.`)
  }
}
