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
