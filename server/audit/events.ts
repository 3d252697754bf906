/**
 * What is worth telling, one function an event: these names are the whole catalogue. A caller gives what it
 * knows and records the row in the transaction of the change; nobody builds a row by hand.
 */

import type { Incoming } from '../http/route.ts'
import type { Instant } from '../kernel/clock.ts'
import { newSortableId } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import type { MailFacts } from '../notify/mailer.ts'
import type { EventRecord } from '../store/events.ts'
import type { EventType } from './log-types.ts'

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
const operator = (id: string): Actor => ({ kind: 'operator', id, client: null, onBehalfOf: null })
const system = (id: string): Actor => ({ kind: 'system', id, client: null, onBehalfOf: null })

function event(
  occasion: Occasion,
  type: EventType,
  actor: Actor,
  target: EventRecord['target'],
  details: JsonObject = {},
  personal: JsonObject = {},
  /** Whom it is about, where neither the actor nor the target says so. */
  user: string | null = null,
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
    user,
  }
}

// People signing in and out

/** By an invitation, or by a connection whose people belong to the organization. */
export const memberJoined = (
  o: Occasion,
  client: string,
  user: string,
  organization: string,
  by: { readonly invitation: string } | { readonly connection: string },
) => event(o, 'organization.joined', person(user, client), { kind: 'organization', id: organization }, by)

export const signedUp = (o: Occasion, user: string, email: string, connection: string) =>
  event(o, 'user.signed-up', person(user), { kind: 'user', id: user }, { connection }, { email })

export const signInFailed = (
  o: Occasion,
  client: string | null,
  user: string | null,
  email: string,
  connection: string,
  /** Why a password could not even be tried; null when it was wrong. */
  reason: string | null,
) => {
  const target = user ? ({ kind: 'user', id: user } as const) : null
  return event(o, 'sign-in.failed', stranger(client), target, { connection, ...(reason && { reason }) }, { email })
}

/** Wrong passwords have to wait from now on: for one account, or from one network. `user` is null for a network, and when nobody has the address. */
export const signInHeld = (
  o: Occasion,
  what: 'account' | 'network',
  user: string | null,
  email: string,
  until: Instant,
) => event(o, 'sign-in.held', stranger(), user ? { kind: 'user', id: user } : null, { what, until }, { email })

/** The right password ended the wait where it was given, or a machine everywhere. */
export const signInReleased = (o: Occasion, user: string, by: EndedBy = null) =>
  event(o, 'sign-in.released', ender(by, user), { kind: 'user', id: user })

export const sessionStarted = (
  o: Occasion,
  client: string,
  user: string,
  session: string,
  methods: readonly string[],
  /** Its id. */
  connection: string,
) =>
  event(
    o,
    'session.started',
    person(user, client),
    { kind: 'session', id: session },
    { methods, connection_id: connection },
  )

export const sessionRenewed = (
  o: Occasion,
  client: string,
  user: string,
  session: string,
  methods: readonly string[],
  /** Its id. */
  connection: string,
) =>
  event(
    o,
    'session.renewed',
    person(user, client),
    { kind: 'session', id: session },
    { methods, connection_id: connection },
  )

/** Who ended what a person has: they themselves, through a client where one asked for it; or a machine. */
export type EndedBy = string | null | { readonly machine: string }

const ender = (by: EndedBy, user: string): Actor =>
  by !== null && typeof by === 'object' ? machine(by.machine) : person(user, by)

export const signedOut = (o: Occasion, by: EndedBy, user: string, session: string) =>
  event(o, 'session.ended', ender(by, user), { kind: 'session', id: session }, {}, {}, user)

export const signedOutEverywhere = (o: Occasion, user: string, by: EndedBy = null) =>
  event(o, 'user.signed-out-everywhere', ender(by, user), { kind: 'user', id: user })

/** `user` is null when nobody has the address: then the mail has a link by which an account is made. */
export const signUpAsked = (o: Occasion, client: string | null, user: string | null, email: string) =>
  event(o, 'sign-up.asked', stranger(client), user ? { kind: 'user', id: user } : null, {}, { email })

/** `user` is null when nobody has the address. That mail was sent is an event of its own. */
export const passwordResetAsked = (o: Occasion, client: string | null, user: string | null, email: string) =>
  event(o, 'password-reset.asked', stranger(client), user ? { kind: 'user', id: user } : null, {}, { email })

/** A code or a link to sign in with was mailed; `user` is null when nobody has the address yet. */
export const signInMailAsked = (
  o: Occasion,
  client: string,
  user: string | null,
  email: string,
  send: 'code' | 'link',
) => event(o, 'sign-in-mail.asked', stranger(client), user ? { kind: 'user', id: user } : null, { send }, { email })

/** By a mailed link. Everything the person had ended with it. */
export const passwordReset = (o: Occasion, user: string) =>
  event(o, 'user.password-reset', person(user), { kind: 'user', id: user })

export const emailVerified = (o: Occasion, user: string, email: string) =>
  event(o, 'user.email-verified', person(user), { kind: 'user', id: user }, {}, { email })

export const consentGiven = (
  o: Occasion,
  client: string,
  user: string,
  scopes: Readonly<Record<string, readonly string[]>>,
) => event(o, 'consent.given', person(user, client), { kind: 'client', id: client }, { scopes })

export const consentRefused = (o: Occasion, client: string, user: string) =>
  event(o, 'consent.refused', person(user, client), { kind: 'client', id: client })

/** `authorizations`: how many that still counted ended with it. `audience`: where it was one API's alone. */
export const consentWithdrawn = (
  o: Occasion,
  client: string,
  user: string,
  authorizations: number,
  by: EndedBy = null,
  audience: string | null = null,
) =>
  event(
    o,
    'consent.withdrawn',
    ender(by, user),
    { kind: 'client', id: client },
    { authorizations, ...(audience !== null && { audience }) },
    {},
    user,
  )

// Mail

/** `message`: what it was about (`reset-password`, …). `attempts`: the one that the mail server took included. */
export const mailSent = ({ tenant, at, mail, attempts, letter }: MailFacts) =>
  event(
    { tenant, at, requestId: mail, address: null, userAgent: null },
    'mail.sent',
    system('mailer'),
    letter?.user ? { kind: 'user', id: letter.user } : null,
    { message: letter?.message ?? null, attempts },
    { email: letter?.to ?? null },
  )

/** Refused for good by the recipient's side, or not taken for as long as anybody wanted it. */
export const mailGivenUp = ({ tenant, at, mail, attempts, letter }: MailFacts, reason: string) =>
  event(
    { tenant, at, requestId: mail, address: null, userAgent: null },
    'mail.given-up',
    system('mailer'),
    letter?.user ? { kind: 'user', id: letter.user } : null,
    { message: letter?.message ?? null, attempts, reason },
    { email: letter?.to ?? null },
  )

// Word of a session's end

/** What is known of a delivery over the back channel, the client's user included. */
export interface LogoutFacts {
  readonly tenant: string
  readonly id: string
  readonly client: string
  readonly session: string
  readonly user: string
  readonly attempts: number
}

const logoutEvent = (
  at: Instant,
  { tenant, id, client, session, user, attempts }: LogoutFacts,
  outcome: 'told' | 'given-up',
  details: JsonObject = {},
) =>
  event(
    { tenant, at, requestId: id, address: null, userAgent: null },
    `back-channel-logout.${outcome}`,
    system('back-channel-logout'),
    { kind: 'client', id: client },
    { session, user, attempts, ...details },
    {},
    user,
  )

/** The client took the logout token. */
export const logoutTold = (at: Instant, facts: LogoutFacts) => logoutEvent(at, facts, 'told')

/** It did not for as long as it was tried. */
export const logoutGivenUp = (at: Instant, facts: LogoutFacts, reason: string) =>
  logoutEvent(at, facts, 'given-up', { reason })

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

/** By the client unless it is said by whom, with the authorization and every access token that came of it. */
export const refreshTokenRevoked = (
  o: Occasion,
  client: string,
  user: string,
  authorization: string,
  by?: { readonly machine: string },
) =>
  event(
    o,
    'token.refresh-revoked',
    by ? machine(by.machine) : forPerson(client, user),
    { kind: 'authorization', id: authorization },
    by ? { client } : {},
    {},
    user,
  )

/** By a machine that knows no more of it than its name. */
export const accessTokenListed = (o: Occasion, by: { readonly machine: string }, jti: string, audience: string) =>
  event(o, 'token.revoked', machine(by.machine), { kind: 'token', id: jti }, audience === '' ? {} : { audience })

/** By the client, it alone. `user` is null for a machine's. */
export const accessTokenRevoked = (o: Occasion, client: string, user: string | null, jti: string) =>
  event(o, 'token.revoked', user === null ? machine(client) : forPerson(client, user), { kind: 'token', id: jti })

/** What an event says of an API key: nothing that one is made of. */
export interface ApiKeyFacts {
  readonly id: string
  readonly client: string
  /** Null for one that stands for the client itself. */
  readonly user: string | null
  readonly audience: string
}

const apiKeyEvent = (
  o: Occasion,
  change: 'created' | 'revoked',
  actor: Actor,
  key: ApiKeyFacts,
  details: JsonObject = {},
) =>
  event(
    o,
    `api-key.${change}`,
    actor,
    { kind: 'api-key', id: key.id },
    { client: key.client, user: key.user, audience: key.audience, ...details },
    {},
    key.user,
  )

export const apiKeyCreated = (o: Occasion, key: ApiKeyFacts, scopes: readonly string[], expiresAt: Instant | null) =>
  apiKeyEvent(o, 'created', operator('command'), key, { scopes, expiresAt })

/** By an operator, or by the client that it was given to. That it is used is counted, and no event. */
export const apiKeyRevoked = (o: Occasion, by: 'operator' | 'client', key: ApiKeyFacts) => {
  const client = () => (key.user === null ? machine(key.client) : forPerson(key.client, key.user))
  return apiKeyEvent(o, 'revoked', by === 'operator' ? operator('command') : client(), key)
}

export const machineTokenIssued = (o: Occasion, client: string, audience: string, scopes: readonly string[]) =>
  event(o, 'token.issued', machine(client), { kind: 'resource-server', id: audience }, { scopes })

/** `reason` is one of ours, never a stranger's text. */
export const clientRefused = (o: Occasion, client: string, reason: string) =>
  event(o, 'client.authentication-failed', stranger(client), { kind: 'client', id: client }, { reason })

/** A client that registered itself, changed that, or ended it: by the token of its registration, so as itself. */
export const clientRegistered = (o: Occasion, client: string, change: 'registered' | 'changed' | 'removed') =>
  event(
    o,
    change === 'registered' ? 'client.registered' : `client.registration-${change}`,
    change === 'registered' ? stranger() : machine(client),
    { kind: 'client', id: client },
  )

// What operators change

/** `by` is what the operator used: a tenant file, or a command. */
export const applied = (
  o: Occasion,
  kind: 'client' | 'resource-server' | 'client-grant' | 'user' | 'role' | 'tenant',
  id: string,
  change: 'created' | 'changed',
  by: 'tenant-file' | 'command' = 'tenant-file',
) => event(o, `${kind}.${change}`, operator(by), { kind, id })

/** All that the person had ended with it. */
export const userBlocked = (o: Occasion, user: string) =>
  event(o, 'user.blocked', operator('command'), { kind: 'user', id: user })

/** They may sign in again; what ended stays ended. */
export const userUnblocked = (o: Occasion, user: string) =>
  event(o, 'user.unblocked', operator('command'), { kind: 'user', id: user })

export const userRemoved = (o: Occasion, user: string) =>
  event(o, 'user.removed', operator('command'), { kind: 'user', id: user })

/** Because the connection was that vouched for them. */
export const userRemovedWithConnection = (o: Occasion, user: string, connection: string) =>
  event(o, 'user.removed', system('connection-removal'), { kind: 'user', id: user }, { connection })

/** All that it had been given ended. */
export const clientRevoked = (o: Occasion, client: string) =>
  event(o, 'client.revoked', operator('command'), { kind: 'client', id: client })

export const clientRemoved = (o: Occasion, client: string) =>
  event(o, 'client.removed', operator('command'), { kind: 'client', id: client })

// Keys

/** Who changed a key: its own schedule or first use, an operator with what they used, or a machine. */
export type KeyAuthor =
  | 'keyring'
  | 'tenant-file'
  | 'command'
  | 'management-api'
  | { readonly machine: string; readonly occasion: Occasion }

const keyActor = (by: KeyAuthor): Actor => {
  if (typeof by === 'object') return machine(by.machine)
  return by === 'keyring' ? system(by) : operator(by)
}

/** What an event says of a key: nothing that a key is made of. */
export interface KeyFacts {
  readonly id: string
  readonly purpose: string
  readonly owner: string
  readonly algorithm: string
}

type KeyChange = 'made' | 'announced' | 'signing' | 'stood-down' | 'retired' | 'rotated' | 'revoked'

const keyEvent = (
  o: Occasion,
  change: KeyChange,
  by: KeyAuthor,
  key: KeyFacts,
  details: JsonObject = {},
): EventRecord =>
  event(
    o,
    `key.${change}`,
    keyActor(by),
    { kind: 'key', id: key.id },
    { purpose: key.purpose, algorithm: key.algorithm, ...(key.owner !== '' && { owner: key.owner }), ...details },
  )

/** A key that signs, or is current, from the moment it exists. */
export const keyMade = (o: Occasion, by: KeyAuthor, key: KeyFacts) => keyEvent(o, 'made', by, key)

/** Instants in the details are milliseconds, here and below. */
export const keyAnnounced = (o: Occasion, by: KeyAuthor, key: KeyFacts, signsAt: Instant | null) =>
  keyEvent(o, 'announced', by, key, { signsAt })

export const keySigning = (o: Occasion, by: KeyAuthor, key: KeyFacts) => keyEvent(o, 'signing', by, key)

/** It makes nothing new; what it made is taken until then at least. */
export const keyStoodDown = (o: Occasion, by: KeyAuthor, key: KeyFacts, takenUntil: Instant | null) =>
  keyEvent(o, 'stood-down', by, key, { takenUntil })

/** Out of use, because all that it made is over. */
export const keyRetired = (o: Occasion, by: KeyAuthor, key: KeyFacts) => keyEvent(o, 'retired', by, key)

/** Somebody asked for a successor of this key, which takes over then. */
export const keyRotated = (o: Occasion, by: KeyAuthor, key: KeyFacts, takesOver: Instant | null) =>
  keyEvent(o, 'rotated', by, key, { takesOver })

export const keyRevoked = (o: Occasion, by: KeyAuthor, key: KeyFacts) => keyEvent(o, 'revoked', by, key)

/** Sealed values of the tenant are under this master key now: how many of which kind (`keys`, `clients`, …). */
export const rewrapped = (o: Occasion, masterKey: string, moved: Readonly<Record<string, number>>) =>
  event(o, 'master-key.rewrapped', operator('command'), { kind: 'master-key', id: masterKey }, { moved })

// What is managed

/** Who changed something: a machine through the Management API, or an operator with what they used. */
export type Manager = { readonly client: string } | { readonly operator: 'tenant-file' | 'command' }

/** Whose members are of people: what erasure empties. */
const OF_PEOPLE = ['user', 'identity', 'invitation', 'organization-member', 'session', 'refresh-token'] as const
/** What of a tenant can be managed, each told by `managed` as `<kind>.created`, `.changed` and `.removed`. */
export const MANAGED = [
  ...OF_PEOPLE,
  'attack-protection',
  'authentication-method',
  'block',
  'branding',
  'client',
  'client-credential',
  'client-grant',
  'connection',
  'consent',
  'custom-domain',
  'device-credential',
  'email-provider',
  'email-template',
  'job',
  'organization',
  'organization-client',
  'organization-client-grant',
  'organization-connection',
  'organization-domain',
  'prompt',
  'resource-server',
  'role',
  'role-permission',
  'tenant',
  'theme',
  'ticket',
  'user-permission',
  'user-role',
] as const
export type Managed = (typeof MANAGED)[number]

const manager = (by: Manager): Actor => ('client' in by ? machine(by.client) : operator(by.operator))

/** By whoever manages people. Everything the person had ended with it. */
export const passwordChanged = (o: Occasion, by: Manager, user: string) =>
  event(o, 'user.password-changed', manager(by), { kind: 'user', id: user })

export const managed = (
  o: Occasion,
  by: Manager,
  kind: Managed,
  id: string,
  change: 'created' | 'changed' | 'removed',
  /** As `changesBetween` tells them. */
  changes: JsonObject = {},
  /** Whom it is about, where it is not the target. */
  user: string | null = null,
) => {
  const isPersonal = OF_PEOPLE.some(one => one === kind)
  return event(
    o,
    `${kind}.${change}`,
    manager(by),
    { kind, id },
    isPersonal ? { members: Object.keys(changes) } : { changes },
    isPersonal ? { changes } : {},
    user,
  )
}

/** As `managed` tells it; of a change that changed nothing, nothing. */
export const managedUnlessSame = (...given: Parameters<typeof managed>): readonly EventRecord[] => {
  const [, , , , change, changes = {}] = given
  return change === 'changed' && Object.keys(changes).length === 0 ? [] : [managed(...given)]
}

// Jobs

/** A file of people was taken in whole. `asked`: what is to become of it. */
export const importedUsersBegun = (o: Occasion, client: string, job: string, asked: JsonObject) =>
  event(o, 'users-import.begun', machine(client), { kind: 'job', id: job }, asked)

/** What became of it. `failure`: why the rest was not read; null when all was. */
export const importedUsersEnded = (
  o: Occasion,
  client: string,
  job: string,
  facts: {
    readonly outcome: 'completed' | 'failed'
    readonly failure: string | null
    readonly inserted: number
    readonly updated: number
    readonly failed: number
  },
) => event(o, 'users-import.ended', machine(client), { kind: 'job', id: job }, facts)

export const exportedUsersBegun = (o: Occasion, client: string, job: string, asked: JsonObject) =>
  event(o, 'users-export.begun', machine(client), { kind: 'job', id: job }, asked)

export const exportedUsersEnded = (
  o: Occasion,
  client: string,
  job: string,
  facts: { readonly outcome: 'completed' | 'failed'; readonly failure: string | null; readonly users: number },
) => event(o, 'users-export.ended', machine(client), { kind: 'job', id: job }, facts)

/** By whoever had its address, which is good once and for a minute. */
export const exportedUsersDownloaded = (o: Occasion, job: string) =>
  event(o, 'users-export.downloaded', stranger(), { kind: 'job', id: job })

/** That a letter was sent is an event of its own. */
export const verificationMailAsked = (o: Occasion, client: string, user: string, email: string) =>
  event(o, 'verification-mail.asked', machine(client), { kind: 'user', id: user }, {}, { email })
