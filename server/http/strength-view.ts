/**
 * What a page that takes a new password hands to its script, `strength.js`: the words it says and what it knows of the
 * place. Where scripts do not run there is nothing to see.
 */
import type { PasswordPolicy } from '../policy/password-rule.js'
import type { Catalogue } from '../words/catalogue.ts'

/** `own`: names that a guesser of this page's passwords knows too. */
export const strengthView = (
  { strength, problems }: Catalogue['newPassword'],
  own: readonly string[],
  policy: PasswordPolicy,
) => ({
  words: JSON.stringify({ strength, problems }),
  own: JSON.stringify([...new Set(own)]),
  policy: JSON.stringify(policy),
})
