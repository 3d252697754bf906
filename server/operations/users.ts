/** People made, blocked and removed by hand. Whom a tenant file names is `tenant-file/`'s; who signs up, `login/`'s. */
import { applied, userBlocked, userRemoved, userUnblocked } from '../audit/events.ts'
import { findPasswordProblem } from '../identity/choosable-password.ts'
import { defaultDirectoryOf } from '../identity/directories.ts'
import { BusyError } from '../identity/hash-queue.ts'
import { hashPassword } from '../identity/password-hash.ts'
import { createUser as create } from '../identity/users.ts'
import { OperatorError } from '../kernel/errors.ts'
import { emailKey, readEmailAddress } from '../policy/email-address.ts'
import { isProfileText, LONGEST_PROFILE_TEXT } from '../policy/profile-text.ts'
import { blockUser as block, removeUser as remove } from '../revocation/revoke.ts'
import type { ConnectionRecord } from '../store/connections.ts'
import type { UserRecord } from '../store/users.ts'
import { findTenant, type Operation, type OperatorServices, occasionOfCommand } from './operation.ts'

export type NewUser = {
  readonly tenant: string
  readonly email: string
  /** Null: the address stands for it, as at sign-up. */
  readonly name: string | null
  readonly password: string
  readonly isVerified: boolean
  /** By name. */
  readonly roles: readonly string[]
}

export type CreatedUser = {
  readonly id: string
  readonly tenant: string
  readonly email: string
}

/** The operators of a server hash from one place. */
const ADDRESS = 'operator'

export const createUser: Operation<NewUser, CreatedUser> = async (services, given) => {
  const { store, clock } = services
  const tenant = await findTenant(services, given.tenant)
  const email = readEmailAddress(given.email)
  if (email === undefined) throw new OperatorError(`"${given.email}" is not an e-mail address.`)
  if (given.name !== null && !isProfileText(given.name))
    throw new OperatorError(`A person's name is 1 to ${LONGEST_PROFILE_TEXT} characters that can be seen, on one line.`)
  const connection = await databaseOf(services, tenant)
  const problem = await findPasswordProblem(given.password, [email, given.name], connection)
  if (problem) throw new OperatorError(`The password will not do: ${problem.replaceAll('_', ' ')}.`)
  const roles = await findRoles(services, tenant, given.roles)
  const passwordHash = await hash(services, given.password)

  return store.transaction(async transaction => {
    const profile = given.name === null ? {} : { name: given.name }
    const person = { email, emailVerified: given.isVerified, passwordHash, profile }
    const user = await create(transaction, connection, person, clock)
    if (user === 'taken') throw new OperatorError(`Somebody has an account with the address ${email} already.`)
    await transaction.roles.assign(tenant, user.id, null, roles)
    await transaction.events.record([applied(occasionOfCommand(tenant, clock), 'user', user.id, 'created', 'command')])
    return { id: user.id, tenant, email }
  })
}

/** Who is meant: an id, or the address of an account in the tenant's database. */
export type NamedUser = { readonly tenant: string; readonly user: string }
export type EndedUser = { readonly id: string; readonly outcome: 'done' | 'already' }

/** Ends all that they have, and lets them have nothing more until they are unblocked. */
export const blockUser: Operation<NamedUser, EndedUser> = async (services, given) => {
  const user = await findUser(services, given)
  if (user.blocked) return { id: user.id, outcome: 'already' }
  const occasion = occasionOfCommand(user.tenant, services.clock)
  await services.store.transaction(async transaction => {
    await block(transaction, user, occasion.at)
    await transaction.events.record([userBlocked(occasion, user.id)])
  })
  return { id: user.id, outcome: 'done' }
}

export const unblockUser: Operation<NamedUser, EndedUser> = async (services, given) => {
  const user = await findUser(services, given)
  if (!user.blocked) return { id: user.id, outcome: 'already' }
  const occasion = occasionOfCommand(user.tenant, services.clock)
  await services.store.transaction(async transaction => {
    await transaction.users.change(user.tenant, user.id, { blocked: false }, occasion.at)
    await transaction.events.record([userUnblocked(occasion, user.id)])
  })
  return { id: user.id, outcome: 'done' }
}

/** For good. Their id is never given again; their address may be. */
export const removeUser: Operation<NamedUser, EndedUser> = async (services, given) => {
  const user = await findUser(services, given)
  const occasion = occasionOfCommand(user.tenant, services.clock)
  const outcome = await services.store.transaction(async transaction => {
    const removed = await remove(transaction, user, occasion.at)
    if (removed === 'removed') await transaction.events.record([userRemoved(occasion, user.id)])
    return removed
  })
  return { id: user.id, outcome: outcome === 'removed' ? 'done' : 'already' }
}

/** Throws `OperatorError` where there is none. */
async function databaseOf({ store }: OperatorServices, tenant: string): Promise<ConnectionRecord> {
  const connection = await defaultDirectoryOf(store, tenant)
  if (!connection) throw new OperatorError(`The tenant ${tenant} has no database of passwords.`)
  return connection
}

/** By id or address. Throws `OperatorError` where there is none. */
export async function findUser(services: OperatorServices, given: NamedUser): Promise<UserRecord> {
  const { store } = services
  const tenant = await findTenant(services, given.tenant)
  const byId = await store.users.find(tenant, given.user)
  if (byId) return byId
  const { id: connection } = await databaseOf(services, tenant)
  const byAddress = await store.users.findByEmailKey(tenant, connection, emailKey(given.user))
  if (!byAddress) throw new OperatorError(`The tenant ${tenant} has no user "${given.user}".`)
  return byAddress
}

async function findRoles({ store }: OperatorServices, tenant: string, names: readonly string[]): Promise<string[]> {
  const ids: string[] = []
  for (const name of new Set(names)) {
    const role = await store.roles.findByName(tenant, name)
    if (!role) throw new OperatorError(`The tenant ${tenant} has no role "${name}". Roles are made by a tenant file.`)
    ids.push(role.id)
  }
  return ids
}

async function hash({ hashQueue }: OperatorServices, password: string): Promise<string> {
  try {
    return await hashQueue.run(ADDRESS, () => hashPassword(password))
  } catch (error) {
    if (error instanceof BusyError)
      throw new OperatorError('The server is busy with passwords. Try again in a moment.', { cause: error })
    throw error
  }
}
