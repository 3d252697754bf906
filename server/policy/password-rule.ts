/**
 * Which passwords may be chosen. Length is what counts (NIST SP 800-63B §3.1.1.2): no classes of characters are
 * demanded, since they make passwords predictable rather than strong.
 */

export const SHORTEST_PASSWORD = 8
/** Bounds the work of hashing; generous for passphrases. In UTF-8 bytes. */
export const LONGEST_PASSWORD_BYTES = 1024

export type PasswordProblem = 'password_too_short' | 'password_too_long' | 'password_is_address'

/** Undefined for one that may be chosen. Characters are counted as people count them, not in UTF-16 units. */
export function passwordProblem(password: string, email: string): PasswordProblem | undefined {
  if ([...password].length < SHORTEST_PASSWORD) return 'password_too_short'
  if (Buffer.byteLength(password) > LONGEST_PASSWORD_BYTES) return 'password_too_long'
  const plain = password.toLowerCase()
  const address = email.toLowerCase()
  if (plain === address || plain === address.split('@')[0]) return 'password_is_address'
  return undefined
}
