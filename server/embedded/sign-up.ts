/**
 * `/dbconnections/signup`. That an address is taken is said only once the password has passed the rules and the brake has
 * counted the wish; where the tenant makes accounts by mail, it is said to nobody but its owner.
 */
import { occasionOf, signedUp } from '../audit/events.ts'
import { languageHere } from '../http/language.ts'
import { type Answer, type Incoming, json } from '../http/route.ts'
import { browserHashOf } from '../identity/browsers.ts'
import { findPasswordProblem } from '../identity/choosable-password.ts'
import { databaseOptions } from '../identity/database-options.ts'
import { askForVerification } from '../identity/email-verification.ts'
import { BusyError } from '../identity/hash-queue.ts'
import { passwordError } from '../identity/password-errors.ts'
import { hashPassword } from '../identity/password-hash.ts'
import { askToSignUp } from '../identity/sign-up-by-mail.ts'
import { createUser } from '../identity/users.ts'
import type { JsonObject } from '../kernel/json.ts'
import { readEmailAddress } from '../policy/email-address.ts'
import { isProfileText, LONGEST_PROFILE_TEXT } from '../policy/profile-text.ts'
import { readUsername, usernameKey } from '../policy/username.ts'
import type { ConnectionRecord } from '../store/connections.ts'
import { callerOf, databaseFor } from './caller.ts'
import { busy, held, Refused, refusedPassword } from './refused.ts'
import { type Sent, sentIn } from './sent.ts'
import type { EmbeddedServices } from './services.ts'

/** Thrown inside the transaction to take everything back. */
class Taken extends Error {
  readonly code: 'user_exists' | 'username_exists'

  constructor(code: Taken['code']) {
    super(code)
    this.code = code
  }
}

/** What an application may say of a person beside how they sign in. */
const PROFILE = ['given_name', 'family_name', 'name', 'nickname'] as const
const LONGEST_URL = 2000
/** Auth0's bounds of what somebody who is not known yet may have kept. */
const METADATA = { members: 10, name: 100, value: 500 } as const

export async function signUp(services: EmbeddedServices, incoming: Incoming): Promise<Answer> {
  const { store, clock, hashQueue, brake, tenants } = services
  const sent = sentIn(incoming)
  const client = await callerOf(services, incoming, sent)
  const connection = await databaseFor(services, client, sent.required('connection'))
  if (!databaseOptions(connection.options).isSignUpOpen)
    throw new Refused(403, 'public_signup_disabled', 'Public signup is disabled.', { name: 'ForbiddenError' })
  const email = readEmailAddress(sent.required('email'))
  if (email === undefined) throw new Refused(400, 'invalid_email', 'email is not an e-mail address.')
  const profile = profileIn(sent)
  const userMetadata = metadataIn(sent)
  const password = sent.required('password')
  const { name, signsUpByMail } = await tenants.find(incoming.tenant)
  const username = usernameIn(sent, connection)
  const own = [email, username, client.name, name, ...Object.values(profile)]
  const problem = await findPasswordProblem(password, own, connection)
  if (problem) throw refusedPassword(passwordError(problem, password, connection))

  const now = clock()
  const begun = await brake.beginSignUp(incoming.tenant, incoming.address, now)
  if (begun.state === 'held') throw held(begun.freeAt - now)
  try {
    const passwordHash = await hashQueue.run(incoming.address, () => hashPassword(password))
    const occasion = occasionOf(incoming, now)
    const correspondence = { issuer: incoming.issuer, language: languageHere(incoming, null) }
    if (signsUpByMail) {
      const wish = {
        email,
        username,
        passwordHash,
        profile,
        userMetadata,
        browserHash: browserHashOf(incoming),
        client: client.id,
        ...correspondence,
      }
      await askToSignUp(store, connection, wish, occasion)
      await begun.free()
      // To free and to taken addresses alike: nobody is signed up yet.
      throw new Refused(400, 'invalid_signup', 'A mail was sent to this address. It says how to go on.')
    }
    const user = await store.transaction(async transaction => {
      const person = { email, username, emailVerified: false, passwordHash, profile, userMetadata }
      const made = await createUser(transaction, connection, person, clock)
      if (made === 'taken') {
        const key = username === null ? null : usernameKey(username)
        const isName =
          key !== null && (await transaction.users.findByUsernameKey(connection.tenant, connection.id, key))
        throw new Taken(isName ? 'username_exists' : 'user_exists')
      }
      await transaction.events.record([signedUp(occasion, made.id, email, connection.name)])
      const asked = { ...correspondence, client: client.id }
      await askForVerification(transaction, { id: made.id, email }, asked, occasion)
      return made
    })
    await begun.free()
    return json(200, {
      _id: user.id.slice(user.id.indexOf('|') + 1),
      email,
      email_verified: false,
      ...(username !== null && { username }),
      ...profile,
      ...(Object.keys(userMetadata).length > 0 && { user_metadata: userMetadata }),
    })
  } catch (error) {
    // As much worth to a stranger as a wrong password is: it stays counted.
    if (error instanceof Taken)
      throw new Refused(
        400,
        error.code,
        error.code === 'user_exists' ? 'The user already exists.' : 'The username already exists.',
      )
    if (error instanceof Refused) throw error
    await begun.free()
    if (error instanceof BusyError) throw busy()
    throw error
  }
}

function usernameIn(sent: Sent, { options }: ConnectionRecord): string | null {
  const { username: rule } = databaseOptions(options)
  const typed = rule && sent.text('username')
  if (rule === null || (typed === undefined && !rule.isRequired)) return null
  const username = readUsername(typed ?? '', rule)
  if (username === undefined)
    throw new Refused(
      400,
      'invalid_username',
      `username must be ${rule.shortest} to ${rule.longest} of the characters a to z, digits and _ + - . ! # $ ' ^ \` ~ @, and no e-mail address.`,
    )
  return username
}

function profileIn(sent: Sent): Record<string, string> {
  const profile: Record<string, string> = {}
  for (const member of PROFILE) {
    const value = sent.text(member)
    if (value === undefined) continue
    if (!isProfileText(value))
      throw new Refused(400, 'invalid_request', `${member} must be 1 to ${LONGEST_PROFILE_TEXT} visible characters.`)
    profile[member] = value
  }
  const picture = sent.text('picture')
  if (picture !== undefined) {
    if (picture.length > LONGEST_URL || URL.parse(picture)?.protocol !== 'https:')
      throw new Refused(400, 'invalid_request', 'picture must be an https URL.')
    profile['picture'] = picture
  }
  return profile
}

function metadataIn(sent: Sent): JsonObject {
  const metadata = sent.object('user_metadata') ?? {}
  const entries = Object.entries(metadata)
  if (entries.length > METADATA.members)
    throw new Refused(400, 'invalid_request', `user_metadata must have at most ${METADATA.members} members.`)
  for (const [name, value] of entries)
    if (name.length > METADATA.name || typeof value !== 'string' || value.length > METADATA.value)
      throw new Refused(
        400,
        'invalid_request',
        `user_metadata must have strings of at most ${METADATA.value} characters, by names of at most ${METADATA.name}.`,
      )
  return metadata
}
