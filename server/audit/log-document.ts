/** An event as Auth0 writes its logs, which is what tools that read them know. What a code means is `log-types.ts`'s. */
import type { JsonObject, JsonValue } from '../kernel/json.ts'
import type { EventRecord } from '../store/events.ts'
import { logTypeOf } from './log-types.ts'

/** What events name by an id alone. Undefined for what is not there any more. */
export interface LogNames {
  clientName(id: string): string | undefined
  /** The address of a person, or what else they sign in with. */
  userName(id: string): string | undefined
  /** By its name, or by its id: events say the one or the other. */
  connection(nameOrId: string): { readonly id: string; readonly name: string; readonly strategy: string } | undefined
}

const MOBILE = /Mobile|Android|iPhone|iPad/

/** The client that acted or that somebody acted through, or else the one that it happened to. */
export const clientOf = ({ actor, target }: EventRecord): string | null =>
  actor.client ?? (target?.kind === 'client' ? target.id : null)

export function toLog(event: EventRecord, names: LogNames): JsonObject {
  const { personal, details, user = null } = event
  const client = clientOf(event)
  const { address, userAgent, email, ...morePersonal } = personal
  const [connection, connectionId] = [textIn(details, 'connection'), textIn(details, 'connection_id')]
  const named = connection ?? connectionId
  const known = named === undefined ? undefined : names.connection(named)
  const userAgentText = typeof userAgent === 'string' ? userAgent : undefined
  const { code, description } = logTypeOf(event)
  return given({
    date: new Date(event.at).toISOString(),
    type: code,
    description,
    connection: connection ?? known?.name,
    connection_id: connectionId ?? known?.id,
    strategy: known?.strategy,
    strategy_type: known?.strategy === 'auth0' ? 'database' : undefined,
    client_id: client ?? undefined,
    client_name: client === null ? undefined : names.clientName(client),
    ip: address ?? undefined,
    user_agent: userAgentText,
    isMobile: userAgentText === undefined ? undefined : MOBILE.test(userAgentText),
    user_id: user ?? undefined,
    user_name: email ?? (user === null ? undefined : names.userName(user)),
    audience: audienceOf(event),
    scope: scopeOf(details),
    details: {
      event: event.type,
      actor: { kind: event.actor.kind, id: event.actor.id, on_behalf_of: event.actor.onBehalfOf },
      target: event.target && { kind: event.target.kind, id: event.target.id },
      request_id: event.requestId,
      ...details,
      ...morePersonal,
    },
    _id: event.id,
    log_id: event.id,
  })
}

const given = (members: Readonly<Record<string, JsonValue | undefined>>): JsonObject =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as JsonObject

const textIn = (document: JsonObject, name: string): string | undefined => {
  const value = document[name]
  return typeof value === 'string' ? value : undefined
}

/** The API that it is about; of several, the issuer's own aside, none is told apart. */
function audienceOf({ target, details }: EventRecord): string | undefined {
  if (target?.kind === 'resource-server') return target.id
  const { audiences } = details
  if (typeof audiences !== 'object' || audiences === null) return textIn(details, 'audience')
  const own = Object.keys(audiences).filter(audience => !audience.endsWith('/userinfo'))
  return own.length === 1 ? own[0] : undefined
}

function scopeOf(details: JsonObject): string | undefined {
  const { scopes, audiences } = details
  const lists = [scopes, audiences].flatMap(value =>
    Array.isArray(value) ? [value] : typeof value === 'object' && value !== null ? Object.values(value) : [],
  )
  const all = lists.flat().filter(scope => typeof scope === 'string')
  return all.length > 0 ? [...new Set(all)].join(' ') : undefined
}
