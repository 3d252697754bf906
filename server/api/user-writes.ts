/**
 * `POST /users` and `PATCH /users/{id}`: what a body may say of a user, and what becomes of it. Passwords are hashed in the
 * queue that everybody's are, before anything is written.
 */
import Type from 'typebox'
import {
  type ChosenPasswordProblem,
  findNewPasswordProblem,
  findPasswordProblem,
  ownTextsOf,
} from '../identity/choosable-password.ts'
import { databaseOptions, NO_USERNAMES, usernameSentence } from '../identity/database-options.ts'
import { BusyError } from '../identity/hash-queue.ts'
import {
  bounded,
  changeUser,
  createUser,
  type Managing,
  MetadataTooLarge,
  type UserWish,
} from '../identity/managed-users.ts'
import { passwordError } from '../identity/password-errors.ts'
import { hashPassword } from '../identity/password-hash.ts'
import { userToWire } from '../identity/user-wire.ts'
import { DATABASE_STRATEGY } from '../identity/users.ts'
import type { JsonObject, JsonValue } from '../kernel/json.ts'
import { readEmailAddress } from '../policy/email-address.ts'
import { isName, isProfileText, LONGEST_PROFILE_TEXT } from '../policy/profile-text.ts'
import { readUsername, usernameKey } from '../policy/username.ts'
import type { ConnectionRecord } from '../store/connections.ts'
import { passwordIdOf } from '../store/credentials.ts'
import type { NamedIdentity, Person } from '../store/people.ts'
import type { Nouns } from '../store/store.ts'
import { ManagementFault } from './fault.ts'
import { inexistentUser } from './find-user.ts'
import { mailIssuer } from './mail-issuer.ts'
import { type Call, type Operation, operation } from './operation.ts'
import type { ApiServices } from './services.ts'
import { USER } from './user-schemas.ts'

const LONGEST_SUBJECT = 200
const LONGEST_URL = 2000

const flag = Type.Optional(Type.Boolean())
const text = Type.String({ minLength: 1, maxLength: 2000 })
/** E.164, as Auth0 has it. */
const phone = Type.String({ pattern: '^\\+[0-9]{1,15}$' })
const metadata = Type.Optional(Type.Object({}, { additionalProperties: true }))
const orNull = <Schema extends ReturnType<typeof Type.String>>(schema: Schema) =>
  Type.Optional(Type.Union([schema, Type.Null()]))

const NEW = Type.Object(
  {
    connection: text,
    email: Type.Optional(text),
    username: Type.Optional(text),
    password: Type.Optional(text),
    phone_number: Type.Optional(phone),
    user_id: Type.Optional(text),
    blocked: flag,
    email_verified: flag,
    phone_verified: flag,
    verify_email: flag,
    given_name: Type.Optional(text),
    family_name: Type.Optional(text),
    name: Type.Optional(text),
    nickname: Type.Optional(text),
    picture: Type.Optional(text),
    user_metadata: metadata,
    app_metadata: metadata,
  },
  { additionalProperties: false },
)

const CHANGES = Type.Object(
  {
    connection: Type.Optional(text),
    client_id: Type.Optional(text),
    email: orNull(text),
    username: orNull(text),
    password: orNull(text),
    phone_number: orNull(phone),
    blocked: flag,
    email_verified: flag,
    phone_verified: flag,
    verify_email: flag,
    verify_phone_number: flag,
    given_name: orNull(text),
    family_name: orNull(text),
    name: orNull(text),
    nickname: orNull(text),
    picture: orNull(text),
    user_metadata: metadata,
    app_metadata: metadata,
  },
  { additionalProperties: false, minProperties: 1 },
)

type Changes = Type.Static<typeof CHANGES>

export const userWrites: readonly Operation[] = [
  operation({
    method: 'POST',
    path: '/users',
    summary: 'Create a user in a database of passwords',
    scopes: ['create:users'],
    body: NEW,
    answers: { 201: USER },
    async run(call, services) {
      const { tenant, body } = call
      const connection = await databaseNamed(services, tenant, body.connection)
      const email = addressIn(body.email)
      const { password } = body
      if (password === undefined) throw invalid('password is missing')
      const profile = profileOf(body)
      const username = usernameIn(body.username, connection)
      if (username === null && databaseOptions(connection.options).username?.isRequired)
        throw invalid('username is missing')
      if (email === null && username === null) throw invalid('email is missing')
      const problem = await findPasswordProblem(password, [email, username, ...textsOf(profile)], connection)
      if (problem) throw refusedPassword(problem, password, connection)
      const person = {
        email,
        username,
        emailVerified: body.email_verified ?? false,
        passwordHash: await hash(services, call.incoming.address, password),
        ...(body.user_id !== undefined && { id: subjectIn(body.user_id) }),
        profile,
        appMetadata: within('app_metadata', body.app_metadata),
        userMetadata: within('user_metadata', body.user_metadata),
        blocked: body.blocked ?? false,
        // With Auth0 a link goes to every address that nobody vouches for.
        verifyEmail: body.verify_email ?? body.email_verified !== true,
      }
      const managing = await managingBy(call, services)
      const made = await services.store.transaction(transaction =>
        createUser(transaction, connection, person, managing),
      )
      if (made === 'taken') throw taken()
      return { status: 201, body: await shown(services, tenant, made.id) }
    },
  }),
  operation({
    method: 'PATCH',
    path: '/users/:id',
    summary: 'Change a user',
    scopes: ['update:users', 'update:users_app_metadata'],
    body: CHANGES,
    answers: { 200: USER },
    async run(call, services) {
      const { tenant, path, body, scopes } = call
      if (!scopes.includes('update:users')) demandAppMetadataAlone(body)
      const person = await services.store.people.find(tenant, path('id'))
      const [first] = person?.identities ?? []
      if (!person || !first) throw inexistentUser()
      const { id } = person.user
      const wish = await wishOf(call, services, person)
      const managing = await managingBy(call, services)
      const outcome = await naming(() =>
        services.store.transaction(transaction => changeUser(transaction, id, first.connection, wish, managing)),
      )
      if (outcome === 'gone') throw inexistentUser()
      if (outcome === 'taken') throw taken()
      return { status: 200, body: await shown(services, tenant, id) }
    },
  }),
]

const invalid = (problem: string): ManagementFault =>
  new ManagementFault(400, 'invalid_body', `Payload validation error: ${problem}.`)

/** Auth0's words, by which its SDKs' users tell a duplicate from other conflicts. */
const taken = () => new ManagementFault(409, 'auth0_idp_error', 'The user already exists.')

const managingBy = async (call: Call<unknown, unknown>, services: ApiServices): Promise<Managing> => ({
  occasion: call.occasion,
  by: { client: call.client.id },
  issuer: await mailIssuer(call, services),
  clock: services.clock,
})

async function shown({ store }: ApiServices, tenant: string, id: string): Promise<JsonObject> {
  const person = await store.people.find(tenant, id)
  if (!person) throw inexistentUser()
  return userToWire(person)
}

function demandAppMetadataAlone(body: Changes): void {
  const [beyond] = Object.keys(body).filter(name => name !== 'app_metadata')
  if (beyond !== undefined)
    throw new ManagementFault(
      403,
      'insufficient_scope',
      `Insufficient scope, expected any of: update:users, to change ${beyond}`,
    )
}

async function databaseNamed({ store }: ApiServices, tenant: string, name: string): Promise<ConnectionRecord> {
  const connection = await store.connections.findByName(tenant, name)
  if (!connection) throw new ManagementFault(400, 'inexistent_connection', 'The connection does not exist.')
  if (connection.strategy !== DATABASE_STRATEGY)
    throw new ManagementFault(400, 'invalid_connection', 'Users are created in databases of passwords.')
  return connection
}

/** Null where there is none. */
function addressIn(given: string | null | undefined): string | null {
  if (given === undefined || given === null) return null
  const address = readEmailAddress(given)
  if (address === undefined) throw invalid('email is not an e-mail address')
  return address
}

/** With or without its provider before it, as an export has it. */
function subjectIn(given: string): string {
  const prefix = `${DATABASE_STRATEGY}|`
  const subject = given.startsWith(prefix) ? given.slice(prefix.length) : given
  if (subject === '' || /[|\s]/.test(subject) || !isName(subject, LONGEST_SUBJECT))
    throw invalid(`user_id is ${prefix}… or what follows it: at most ${LONGEST_SUBJECT} characters, no spaces`)
  return subject
}

const TEXTS = ['name', 'given_name', 'family_name', 'nickname'] as const

/** The claims that are given, null for one that is to go. */
function profileOf(body: Omit<Changes, 'connection'>): JsonObject {
  const profile: Record<string, JsonValue> = {}
  for (const name of TEXTS) {
    const value = body[name]
    if (value === undefined) continue
    if (value !== null && !isProfileText(value))
      throw invalid(`${name} must be 1 to ${LONGEST_PROFILE_TEXT} characters that can be seen, on one line`)
    profile[name] = value
  }
  if (body.picture !== undefined) profile['picture'] = body.picture === null ? null : urlIn(body.picture)
  if (body.phone_number !== undefined) profile['phone_number'] = body.phone_number
  if (body.phone_verified !== undefined) profile['phone_number_verified'] = body.phone_verified
  // Of a number that was proven nothing is left when it changes.
  else if (body.phone_number !== undefined) profile['phone_number_verified'] = body.phone_number === null ? null : false
  return profile
}

function urlIn(text: string): string {
  const url = URL.parse(text)
  if (text.length > LONGEST_URL || !url || !/^https?:$/.test(url.protocol))
    throw invalid(`picture must be a URL of at most ${LONGEST_URL} characters`)
  return text
}

const textsOf = (profile: JsonObject): string[] =>
  TEXTS.map(name => profile[name]).filter(value => typeof value === 'string')

function within(member: 'app_metadata' | 'user_metadata', given: object | undefined): JsonObject {
  return naming(() => bounded(member, (given ?? {}) as JsonObject))
}

function naming<T>(write: () => T): T {
  const told = (error: unknown): never => {
    throw error instanceof MetadataTooLarge ? invalid(error.message) : error
  }
  try {
    const written = write()
    return (written instanceof Promise ? written.catch(told) : written) as T
  } catch (error) {
    return told(error)
  }
}

/** In Auth0's words: the name of the error first, and the rules of a weak one after them. */
function refusedPassword(problem: ChosenPasswordProblem, password: string, connection: ConnectionRecord): Error {
  const { name, message, description, policy } = passwordError(problem, password, connection)
  const rules = typeof description === 'object' ? `\n${policy}` : ''
  return new ManagementFault(400, 'invalid_password', `${name}: ${message}${rules}`)
}

/** Null where none is given, or it is taken away. */
function usernameIn(given: string | null | undefined, { options }: ConnectionRecord): string | null {
  if (given === undefined || given === null) return null
  const { username: rule } = databaseOptions(options)
  if (!rule) throw invalid(NO_USERNAMES)
  const username = readUsername(given, rule)
  if (username === undefined) throw invalid(usernameSentence(rule))
  return username
}

async function usernameWish(
  { store }: ApiServices,
  given: string | null | undefined,
  identity: NamedIdentity,
): Promise<Pick<UserWish, 'username'>> {
  if (given === undefined) return {}
  const connection = await connectionOf(store, identity)
  const name = usernameIn(given, connection)
  if (name === null && databaseOptions(connection.options).username?.isRequired)
    throw invalid('username can be changed, and not taken away')
  return { username: name === null ? null : { name, key: usernameKey(name) } }
}

async function connectionOf({ connections }: Nouns, identity: NamedIdentity): Promise<ConnectionRecord> {
  const connection = await connections.find(identity.tenant, identity.connection)
  if (!connection) throw new ManagementFault(400, 'inexistent_connection', 'The connection of the user was removed.')
  return connection
}

/** The hash of a password that may be chosen, or nothing. */
async function passwordWish(
  { tenant, body, incoming }: Call<unknown, Changes>,
  services: ApiServices,
  { user }: Person,
  identity: NamedIdentity,
  profile: JsonObject,
): Promise<Pick<UserWish, 'password'>> {
  const { password } = body
  if (password === null) throw invalid('password can be changed, and not taken away')
  if (password === undefined) return {}
  const connection = await connectionOf(services.store, identity)
  const own = [
    ...ownTextsOf({ ...user, profile: { ...user.profile, ...profile } }),
    addressIn(body.email),
    body.username ?? null,
  ]
  const id = passwordIdOf(identity)
  const { address } = incoming
  const chosen = { connection, user: { tenant, id: user.id }, passwordId: id, password, own, address }
  const problem = await whenNotBusy(() => findNewPasswordProblem(services, chosen))
  if (problem) throw refusedPassword(problem, password, connection)
  const { remembers } = databaseOptions(connection.options)
  return { password: { id, hash: await hash(services, address, password), remembers } }
}

const hash = ({ hashQueue }: ApiServices, address: string, password: string): Promise<string> =>
  whenNotBusy(() => hashQueue.run(address, () => hashPassword(password)))

async function whenNotBusy<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof BusyError)) throw error
    const headers = { 'retry-after': '1' }
    throw new ManagementFault(429, 'too_many_requests', 'The server is busy with passwords. Try again.', headers)
  }
}

async function wishOf(call: Call<unknown, Changes>, services: ApiServices, person: Person): Promise<UserWish> {
  const { tenant, body } = call
  const { client_id: client, blocked, email_verified: emailVerified, verify_email: verifyEmail } = body
  if (body.verify_phone_number) throw invalid('verify_phone_number cannot be true, as no message reaches a phone here')
  if (client !== undefined && !(await services.clients.find(tenant, client)))
    throw invalid('client_id is no client of this tenant')
  const identity = identityMeant(person, body)
  const profile = profileOf(body)
  const left = { email: person.user.email, username: person.user.username, ...body }
  if (left.email === null && left.username === null) throw invalid('email or username has to be left')
  return {
    ...(blocked !== undefined && { blocked }),
    ...(emailVerified !== undefined && { emailVerified }),
    ...(verifyEmail !== undefined && { verifyEmail }),
    ...(body.email !== undefined && { email: addressIn(body.email) }),
    ...(Object.keys(profile).length > 0 && { profile }),
    ...(body.app_metadata && { appMetadata: body.app_metadata as JsonObject }),
    ...(body.user_metadata && { userMetadata: body.user_metadata as JsonObject }),
    ...(await usernameWish(services, body.username, identity)),
    ...(await passwordWish(call, services, person, identity, profile)),
  }
}

/** What is asked of the identity in the connection that is named, or of the first. */
function identityMeant({ identities }: Person, body: Changes): NamedIdentity {
  const { connection, email, username, password } = body
  const identity = connection === undefined ? identities[0] : identities.find(one => one.connectionName === connection)
  if (!identity) throw new ManagementFault(400, 'inexistent_connection', 'The user has no identity in that connection.')
  for (const [name, value] of Object.entries({ email, username, password })) {
    if (value === undefined) continue
    if (identity.strategy !== DATABASE_STRATEGY)
      throw invalid(`${name} can be changed in a database of passwords alone`)
    // Each identity has a password of its own. The rest is the user's, and the first one's.
    if (name !== 'password' && identity.ordinal !== 0) throw invalid(`${name} is that of the first identity`)
  }
  return identity
}
