/**
 * Whether a password may be chosen here: the rule of `policy/`, with the list that everybody's first tries stand on, and
 * what the person's connection asks beside it. To be asked wherever one is chosen, before it is hashed.
 */
import type { JsonObject } from '../kernel/json.ts'
import { type PasswordProblem, passwordProblem } from '../policy/password-rule.js'
import type { ConnectionRecord } from '../store/connections.ts'
import type { Nouns } from '../store/store.ts'
import type { UserRecord } from '../store/users.ts'
import { loadCommonPasswords } from './common-passwords.ts'
import { databaseOptions } from './database-options.ts'
import type { HashQueue } from './hash-queue.ts'
import { verifyPassword } from './password-hash.ts'
import { formerPasswordsOf } from './users.ts'

export type ChosenPasswordProblem = PasswordProblem | 'password_used_before'

/**
 * Undefined for one that may be chosen by somebody new. `own`: what a guesser knows of the person and the place, such as
 * the address, the name, and the names of the tenant and the application; what is not known may be left null. Without a
 * connection, what every password is asked.
 */
export async function findPasswordProblem(
  password: string,
  own: readonly (string | null | undefined)[],
  connection?: Pick<ConnectionRecord, 'options'>,
): Promise<PasswordProblem | undefined> {
  const { policy, words } = databaseOptions(connection?.options ?? {})
  const isListed = await loadCommonPasswords()
  if (words.includes(password.normalize('NFKC').toLowerCase())) return 'password_common'
  return passwordProblem(password, { own: own.filter(text => typeof text === 'string'), isCommon: isListed, policy })
}

/** What a guesser tries of a profile. */
const NAMES = ['name', 'given_name', 'family_name', 'nickname', 'preferred_username']

/** Of somebody who is there, for `own`. */
export const ownTextsOf = ({
  email,
  username,
  profile,
}: Pick<UserRecord, 'email' | 'username' | 'profile'>): string[] =>
  [email, username, ...namesIn(profile)].filter(text => typeof text === 'string')

export const namesIn = (profile: JsonObject): string[] =>
  NAMES.map(name => profile[name]).filter(text => typeof text === 'string')

/** The same for somebody who has had passwords. Throws `BusyError`. */
export async function findNewPasswordProblem(
  { store, hashQueue }: { readonly store: Nouns; readonly hashQueue: HashQueue },
  {
    connection,
    user,
    passwordId,
    password,
    own,
    address,
  }: {
    readonly connection: Pick<ConnectionRecord, 'options'> | undefined
    readonly user: Pick<UserRecord, 'tenant' | 'id'>
    /** Of the identity whose password it is. */
    readonly passwordId?: string
    readonly password: string
    readonly own: readonly (string | null | undefined)[]
    /** Of whoever chooses it. */
    readonly address: string
  },
): Promise<ChosenPasswordProblem | undefined> {
  const problem = await findPasswordProblem(password, own, connection)
  const { remembers } = databaseOptions(connection?.options ?? {})
  if (problem || remembers === 0) return problem
  // A turn for each: between two of them somebody else has one.
  for (const former of await formerPasswordsOf(store, user, remembers, passwordId)) {
    const check = () => verifyPassword(password, former)
    if ((await hashQueue.run(address, check)).matches) return 'password_used_before'
  }
  return undefined
}
