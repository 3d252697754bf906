/**
 * What the formats share that hash the password itself in each of their rounds: there a longer password is a dearer one,
 * and bounding the rounds alone would leave the cost of a check to whoever types.
 */
import type { PasswordCheck } from './format.ts'
import { MOST_WORK, roundsWork, roundsWorkOf } from './work.ts'

/** `read`: the bytes that each round hashes. */
export function repeatedCheck(
  rounds: number,
  read: (password: string) => Buffer,
  matches: (bytes: Buffer) => Promise<boolean>,
): PasswordCheck {
  const workOf = (password: string) => roundsWorkOf(rounds, read(password).length)
  return {
    work: roundsWork(rounds),
    workOf,
    refusal: password => (workOf(password) > MOST_WORK ? 'too-long-to-check' : undefined),
    matches: password => matches(read(password)),
  }
}
