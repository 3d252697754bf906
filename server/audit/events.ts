/**
 * What is worth telling, one function an event: these names are the whole catalogue. A caller gives what it
 * knows and records the row in the transaction of the change; nobody builds a row by hand.
 */

import type { Incoming } from '../http/route.ts'
import type { Instant } from '../kernel/clock.ts'
import { newSortableId } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { EventRecord } from '../store/events.ts'

/** On which occasion something happened: made once per request, or once per command of an operator. */
export interface Occasion {
  readonly tenant: string
  readonly at: Instant
  readonly requestId: string
  readonly address: string | null
  readonly userAgent: string | null
}

/** Real ones are shorter; a stranger's could be as long as all headers together. */
const LONGEST_USER_AGENT = 512

export const occasionOf = (incoming: Incoming, at: Instant): Occasion => ({
  tenant: incoming.tenant,
  at,
  requestId: incoming.id,
  address: incoming.address,
  userAgent: incoming.header('user-agent')?.slice(0, LONGEST_USER_AGENT) ?? null,
})

type Actor = EventRecord['actor']
const person = (id: string, client: string | null = null): Actor => ({ kind: 'user', id, client, onBehalfOf: null })
const machine = (client: string): Actor => ({ kind: 'client', id: client, client, onBehalfOf: null })
const forPerson = (client: string, user: string): Actor => ({ kind: 'client', id: client, client, onBehalfOf: user })
const stranger = (client: string | null = null): Actor => ({ kind: 'anonymous', id: '', client, onBehalfOf: null })
const operator: Actor = { kind: 'operator', id: 'tenant-file', client: null, onBehalfOf: null }

function event(
  occasion: Occasion,
  type: string,
  actor: Actor,
  target: EventRecord['target'],
  details: JsonObject = {},
  personal: JsonObject = {},
): EventRecord {
  return {
    id: newSortableId(),
    tenant: occasion.tenant,
    at: occasion.at,
    type,
    actor,
    target,
    requestId: occasion.requestId,
    details,
    personal: { address: occasion.address, userAgent: occasion.userAgent, ...personal },
  }
}

// People signing in and out

export const signedUp = (o: Occasion, user: string, email: string, connection: string) =>
  event(o, 'user.signed-up', person(user), { kind: 'user', id: user }, { connection }, { email })

export const signInFailed = (
  o: Occasion,
  client: string | null,
  user: string | null,
  email: string,
  connection: string,
) => event(o, 'sign-in.failed', stranger(client), user ? { kind: 'user', id: user } : null, { connection }, { email })

export const sessionStarted = (
  o: Occasion,
  client: string,
  user: string,
  session: string,
  methods: readonly string[],
) => event(o, 'session.started', person(user, client), { kind: 'session', id: session }, { methods })

export const sessionRenewed = (
  o: Occasion,
  client: string,
  user: string,
  session: string,
  methods: readonly string[],
) => event(o, 'session.renewed', person(user, client), { kind: 'session', id: session }, { methods })

export const signedOut = (o: Occasion, client: string | null, user: string, session: string) =>
  event(o, 'session.ended', person(user, client), { kind: 'session', id: session })

export const consentGiven = (
  o: Occasion,
  client: string,
  user: string,
  scopes: Readonly<Record<string, readonly string[]>>,
) => event(o, 'consent.given', person(user, client), { kind: 'client', id: client }, { scopes })

export const consentRefused = (o: Occasion, client: string, user: string) =>
  event(o, 'consent.refused', person(user, client), { kind: 'client', id: client })

// What clients are given

export const authorized = (
  o: Occasion,
  client: string,
  user: string,
  authorization: string,
  audiences: Readonly<Record<string, readonly string[]>>,
) => event(o, 'authorization.given', person(user, client), { kind: 'authorization', id: authorization }, { audiences })

export const codeRedeemed = (o: Occasion, client: string, user: string, authorization: string) =>
  event(o, 'code.redeemed', forPerson(client, user), { kind: 'authorization', id: authorization })

export const codeReused = (o: Occasion, client: string, user: string, authorization: string) =>
  event(o, 'code.reused', forPerson(client, user), { kind: 'authorization', id: authorization })

export const codeGuessed = (o: Occasion, client: string, authorization: string, tries: number) =>
  event(o, 'code.proof-failed', machine(client), { kind: 'authorization', id: authorization }, { tries })

export const refreshed = (o: Occasion, client: string, user: string, authorization: string, generation: number) =>
  event(o, 'token.refreshed', forPerson(client, user), { kind: 'authorization', id: authorization }, { generation })

export const refreshRepeated = (o: Occasion, client: string, user: string, authorization: string, generation: number) =>
  event(
    o,
    'token.refresh-repeated',
    forPerson(client, user),
    { kind: 'authorization', id: authorization },
    { generation },
  )

export const refreshReused = (o: Occasion, client: string, user: string, authorization: string, generation: number) =>
  event(
    o,
    'token.refresh-reused',
    forPerson(client, user),
    { kind: 'authorization', id: authorization },
    { generation },
  )

export const machineTokenIssued = (o: Occasion, client: string, audience: string, scopes: readonly string[]) =>
  event(o, 'token.issued', machine(client), { kind: 'resource-server', id: audience }, { scopes })

export const clientRefused = (o: Occasion, client: string) =>
  event(o, 'client.authentication-failed', stranger(client), { kind: 'client', id: client })

// What operators change

export const applied = (
  o: Occasion,
  kind: 'client' | 'resource-server' | 'client-grant' | 'user' | 'role' | 'tenant',
  id: string,
  change: 'created' | 'changed',
) => event(o, `${kind}.${change}`, operator, { kind, id })
