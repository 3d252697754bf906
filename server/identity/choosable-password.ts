/** Whether a password may be chosen here: the rule of `policy/`, with the list that everybody's first tries stand on. */
import { type PasswordProblem, passwordProblem } from '../policy/password-rule.js'
import { loadCommonPasswords } from './common-passwords.ts'

/**
 * Undefined for one that may be chosen. `own`: what a guesser knows of the person and the place, such as the address,
 * the name, and the names of the tenant and the application; what is not known may be left null.
 */
export async function findPasswordProblem(
  password: string,
  own: readonly (string | null | undefined)[],
): Promise<PasswordProblem | undefined> {
  const isCommon = await loadCommonPasswords()
  return passwordProblem(password, { own: own.filter(text => typeof text === 'string'), isCommon })
}
