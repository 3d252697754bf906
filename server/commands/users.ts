/** `latchkey users …`: what the operator types and reads. What is done is `operations/users.ts`. */
import { randomSecret } from '../kernel/secrets.ts'
import { type Answering, answer, makeSureToTell, tellOnce } from './answer.ts'
import { ask } from './ask.ts'
import { readPiped, typeUnseen } from './secret.ts'

interface CreateUser extends Answering {
  readonly email: string
  readonly tenant: string
  readonly name?: string | undefined
  readonly role?: readonly string[] | undefined
  readonly verified?: boolean | undefined
  readonly 'password-stdin'?: boolean | undefined
}

export async function createUser(given: CreateUser): Promise<void> {
  const chosen = given['password-stdin'] ? await readPiped('--password-stdin') : await typeUnseen('Password')
  if (chosen === null) makeSureToTell(given)
  const password = chosen ?? randomSecret().slice(0, 20)
  const user = await ask('users create', {
    tenant: given.tenant,
    email: given.email,
    name: given.name ?? null,
    password,
    isVerified: given.verified ?? false,
    roles: given.role ?? [],
  })
  answer(given, { ...user, ...(chosen === null && { password }) }, () => [
    `${user.email} is ${user.id} of the tenant ${user.tenant}`,
    ...(chosen === null
      ? [tellOnce(`${user.id}-of-${user.tenant}`, `The password of ${user.email} is ${password}`)]
      : []),
  ])
}

type OfTenant = Answering & { readonly tenant: string }

export async function blockUser(user: string, given: OfTenant): Promise<void> {
  const { id, outcome } = await ask('users block', { tenant: given.tenant, user })
  answer(given, { id, outcome }, () => [
    outcome === 'already' ? `${id} was blocked already.` : `${id} is blocked, and all that they had has ended.`,
  ])
}

export async function unblockUser(user: string, given: OfTenant): Promise<void> {
  const { id, outcome } = await ask('users unblock', { tenant: given.tenant, user })
  answer(given, { id, outcome }, () => [
    outcome === 'already' ? `${id} was not blocked.` : `${id} may sign in again. What ended stays ended.`,
  ])
}

export async function removeUser(user: string, given: OfTenant): Promise<void> {
  const { id, outcome } = await ask('users remove', { tenant: given.tenant, user })
  answer(given, { id, outcome }, () => [`${id} is removed, with all that they had.`])
}
