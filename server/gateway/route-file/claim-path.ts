/** Which claim an identity header tells: `sub`, `address.country`, or a namespaced one whole. */
import type { Form } from './member.ts'
import { fault } from './member.ts'

const SAYS =
  'the name of a claim such as email, address.country or "https://example.com/roles", or a list of steps to it'
const LONGEST = 500
const DEEPEST = 10

/** Steps into the claims. A name with "://" is one step, whatever dots it has. */
export const claimPath: Form<readonly string[]> = {
  says: SAYS,
  read(value, path, reading) {
    const steps = typeof value === 'string' ? (value.includes('://') ? [value] : value.split('.')) : value
    const isSound =
      Array.isArray(steps) &&
      steps.length > 0 &&
      steps.length <= DEEPEST &&
      steps.every(step => typeof step === 'string' && step !== '' && step.length <= LONGEST)
    return isSound ? (steps as string[]) : fault(reading, path, SAYS)
  },
}
