/** What an organization may be called in URLs and tokens: Auth0's rule, by which nothing can be taken for an id. */

const LONGEST_NAME = 50
const NAME = /^[a-z0-9][a-z0-9_-]*$/

/** What an organization's id begins with. */
export const ORGANIZATION_ID_PREFIX = 'org_'

export const isOrganizationId = (text: string): boolean => text.startsWith(ORGANIZATION_ID_PREFIX)

/** What is wrong with it, or undefined. */
export function organizationNameFault(name: string): string | undefined {
  if (name.length > LONGEST_NAME) return `is longer than ${LONGEST_NAME} characters`
  if (!NAME.test(name))
    return 'has to begin with a lower-case letter or a digit and hold lower-case letters, digits, hyphens and underscores alone'
  return isOrganizationId(name) ? `begins like an id (${ORGANIZATION_ID_PREFIX})` : undefined
}
