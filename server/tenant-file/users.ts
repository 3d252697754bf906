/**
 * The `users` of a tenant file. What an entry may say of a person is `identity/user-document.ts`'s, what follows from it
 * `user-changes.ts`'s.
 */
import type { Findings } from '../config/findings.ts'
import type { Path } from '../config/yaml.ts'
import { readUserDocument, type UserDocument } from '../identity/user-document.ts'
import { DATABASE_CONNECTION } from '../identity/users.ts'
import { emailKey } from '../policy/email-address.ts'
import { type Entry, isSound, refuseRepeats, without } from './entries.ts'

export interface UserEntry extends UserDocument {
  readonly path: Path
  /** The name of the database that they are in; null for the one that a tenant begins with. */
  readonly connection: string | null
}

export function readUsers(entries: readonly Entry[], findings: Findings): readonly UserEntry[] {
  const users = entries.flatMap(entry => readUser(entry, findings))
  refuseRepeats(
    users,
    ({ id }) => id,
    ({ id }) => `user_id "${id}" is there twice.`,
    findings,
  )
  refuseRepeats(
    users,
    ({ connection, email }) => JSON.stringify([connection ?? DATABASE_CONNECTION, emailKey(email)]),
    ({ email }) => `Another user has the address ${email} too; letter case does not count.`,
    findings,
  )
  return users
}

const CONNECTION = { connection: { is: 'text', optional: true } } as const

function readUser({ path, given }: Entry, findings: Findings): readonly UserEntry[] {
  const { user, problems, unknown } = readUserDocument(without(given, 'connection'))
  const where = { path, given: { connection: given['connection'] ?? null } }
  const isSoundly = isSound('a user', CONNECTION, where, findings)
  for (const problem of problems) findings.fault([...path, ...problem.path], problem.message)
  for (const name of unknown) findings.unused('a user', path, name)
  return user && isSoundly ? [{ path, ...user, connection: (given['connection'] as string | undefined) || null }] : []
}
