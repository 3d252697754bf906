/**
 * The Management API as one surface: the order in which a request is judged. What it can do is `resources.ts`, which is
 * loaded, with all that its schemas need, when somebody first asks.
 */
import { occasionOf } from '../audit/events.ts'
import { type Answer, type Incoming, json, type Route } from '../http/route.ts'
import { ProtocolError } from '../kernel/errors.ts'
import { demandScopes, identify } from './admit.ts'
import { ManagementFault, tell, tellFault } from './fault.ts'
import type { Place } from './find-operation.ts'
import { isNotBuiltByName, notBuiltPart } from './not-built.ts'
import type { Operation, Reply } from './operation.ts'
import { type CallLimit, createCallLimit } from './rate-limit.ts'
import type { ApiServices } from './services.ts'

const PREFIX = '/api/v2'
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
/** In characters, decoded: an identifier of an API is the longest name there is. */
const LONGEST_PART = 1024

/** `callsPerSecond`: of one client; 0 for any number. */
export function managementRoutes(services: ApiServices, callsPerSecond: number): readonly Route[] {
  const limit = createCallLimit(callsPerSecond)
  const answer = async (incoming: Incoming): Promise<Answer> => {
    try {
      return await judge(services, limit, incoming)
    } catch (error) {
      return tell(error)
    }
  }
  return METHODS.map(method => ({
    method,
    path: `${PREFIX}/*`,
    takes: 'json',
    speaks: 'json',
    tells: tellFault,
    answer,
  }))
}

async function judge(services: ApiServices, limit: CallLimit, incoming: Incoming): Promise<Answer> {
  const parts = partsOf(incoming)
  const api = loaded ?? (await loadApi())
  if (parts[0] === 'openapi.json' && parts.length === 1)
    return json(200, await api.openApi(incoming.issuer), { 'cache-control': 'max-age=300' })
  const found = isNotBuiltByName(parts) ? undefined : api.findPlace(parts)
  const { token, client } = await identify(services, incoming)
  const now = services.clock()
  const headers = limit.take(incoming.tenant, client.id, now)
  const place = found ? `${PREFIX}${found.path}` : `${PREFIX}/*`
  try {
    const operation = operationAt(found, incoming, parts)
    demandScopes(token.scopes, operation.scopes)
    const reply = await carryOut(api, operation, found?.values ?? {}, services, {
      incoming,
      tenant: incoming.tenant,
      client,
      scopes: token.scopes,
      now,
      occasion: occasionOf(incoming, now),
    })
    return { ...written(reply, headers), place }
  } catch (error) {
    const { headers: own, ...fault } = tell(error)
    return { ...fault, headers: { ...headers, ...own }, place }
  }
}

function carryOut(
  { checkBody, checkQuery }: Api,
  operation: Operation,
  values: Readonly<Record<string, string>>,
  services: ApiServices,
  call: Omit<Parameters<Operation['run']>[0], 'query' | 'body' | 'path'>,
): Promise<Reply> {
  const { incoming } = call
  if (incoming.body.names.length > 0 || (incoming.stream !== null) !== operation.takesForm)
    throw new ManagementFault(415, 'invalid_body', operation.takesForm ? 'Send multipart/form-data.' : 'Send JSON.')
  const query = checkQuery(operation.query, incoming.query) as never
  const given = incoming.json ?? (operation.bodyMayBeLeftOut ? {} : undefined)
  const body = (operation.body && !operation.takesForm ? checkBody(operation.body, given) : given) as never
  const path = (name: string) => values[name] ?? ''
  return operation.run({ ...call, query, body, path }, services)
}

interface Api {
  readonly findPlace: (parts: readonly string[]) => Place | undefined
  readonly openApi: (issuer: string) => Promise<object>
  readonly checkBody: Check['checkBody']
  readonly checkQuery: Check['checkQuery']
}
type Check = typeof import('./check.ts')

/** At hand, so that no request after the first waits for a module. */
let loaded: Api | undefined

async function loadApi(): Promise<Api> {
  const [{ operations }, { placesOf }, { checkBody, checkQuery }] = await Promise.all([
    import('./resources.ts'),
    import('./find-operation.ts'),
    import('./check.ts'),
  ])
  loaded ??= {
    findPlace: placesOf(operations),
    openApi: async issuer => (await import('./openapi.ts')).printOpenApi(operations, issuer),
    checkBody,
    checkQuery,
  }
  return loaded
}

/** Decoded one by one, so that an escaped slash belongs to the name it stands in. */
function partsOf({ path }: Incoming): readonly string[] {
  const parts = (path['*'] ?? '').split('/').map(decode)
  if (parts.some(part => part.length > LONGEST_PART || part.includes('\0')))
    throw new ProtocolError('invalid_request', 'A part of the path is none of ours.')
  return parts
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new ProtocolError('invalid_request', 'The path could not be read.')
  }
}

function operationAt(place: Place | undefined, { method }: Incoming, parts: readonly string[]): Operation {
  if (!place) {
    const missing = notBuiltPart(parts)
    if (missing !== undefined)
      throw new ManagementFault(403, 'insufficient_scope', `Insufficient scope: ${missing} is not built here.`)
    throw new ManagementFault(404, 'not_found', 'There is nothing at this address.')
  }
  // What answers GET answers HEAD, without the body.
  const operation = place.operations.get(method === 'HEAD' ? 'GET' : method)
  if (!operation) {
    const allow = [...place.operations.keys()].join(', ')
    throw new ManagementFault(405, 'method_not_allowed', `What can be done at this address is ${allow}.`, { allow })
  }
  return operation
}

const written = ({ status, body, headers }: Reply, limits: Readonly<Record<string, string>>): Answer =>
  body === undefined
    ? { status, headers: { 'cache-control': 'no-store', ...limits, ...headers } }
    : json(status, body, { ...limits, ...headers })
