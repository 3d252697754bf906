/** For how long the link of a letter is good: as the tenant's template of it says, or as it is otherwise. */
import { DAY, SECOND } from '../kernel/seconds.ts'
import type { Nouns } from '../store/store.ts'

/** In `store/documents.ts`, by the template's name. */
export const TEMPLATE_DOCUMENT = 'email-template'

/** A link of a year would be a password in a mailbox. Milliseconds. */
export const LONGEST_LINK_LIFE = 30 * DAY

/** Milliseconds, both. */
export async function linkLife(
  { documents }: Nouns,
  tenant: string,
  template: 'reset_email' | 'verify_email' | 'user_invitation',
  fallback: number,
): Promise<number> {
  const { data } = (await documents.find({ tenant, kind: TEMPLATE_DOCUMENT, id: template })) ?? {}
  const life = data?.['enabled'] === true ? data['urlLifetimeInSeconds'] : undefined
  return typeof life === 'number' && life >= 1 ? Math.min(life * SECOND, LONGEST_LINK_LIFE) : fallback
}
