/** By which template a tenant words a letter, and for how long the link in it is good. How it is worded is `email-templates.ts`'. */
import type { JsonObject } from '../kernel/json.ts'
import { DAY, SECOND } from '../kernel/seconds.ts'
import type { Nouns } from '../store/store.ts'
import type { MailMessage } from './letter.ts'

/** In `store/documents.ts`, by the template's name. */
export const TEMPLATE_DOCUMENT = 'email-template'

/** A link of a year would be a password in a mailbox. Milliseconds. */
export const LONGEST_LINK_LIFE = 30 * DAY

/** Which templates may word a letter, the first that is there and enabled; letters that Auth0 has no template of are not here. */
const TEMPLATE_NAMES_OF = {
  'reset-password': ['reset_email', 'password_reset', 'change_password'],
  'verify-email': ['verify_email'],
  guessing: ['blocked_account'],
  'sign-in-code': ['auth_email_by_code'],
  invitation: ['user_invitation'],
  welcome: ['welcome_email'],
} as const satisfies Partial<Record<MailMessage, readonly string[]>>
export type TemplatedMessage = keyof typeof TEMPLATE_NAMES_OF
export const isTemplated = (message: MailMessage): message is TemplatedMessage =>
  Object.hasOwn(TEMPLATE_NAMES_OF, message)

/** The template by which the tenant words that letter, if it does. */
export async function enabledTemplate(
  { documents }: Pick<Nouns, 'documents'>,
  tenant: string,
  message: TemplatedMessage,
): Promise<JsonObject | undefined> {
  for (const id of TEMPLATE_NAMES_OF[message]) {
    const { data } = (await documents.find({ tenant, kind: TEMPLATE_DOCUMENT, id })) ?? {}
    if (data?.['enabled'] === true) return data
  }
  return undefined
}

/** Milliseconds, both. */
export async function linkLife(
  { documents }: Nouns,
  tenant: string,
  message: TemplatedMessage,
  fallback: number,
): Promise<number> {
  const { urlLifetimeInSeconds: life } = (await enabledTemplate({ documents }, tenant, message)) ?? {}
  return typeof life === 'number' && life >= 1 ? Math.min(life * SECOND, LONGEST_LINK_LIFE) : fallback
}
