/**
 * The prompts of a tenant: Auth0's settings of them, and the words of its own that its pages say (`words/custom-text.ts`),
 * kept by language and prompt. This is for who changes them. What the settings ask for has no meaning here; they are kept and returned.
 */
import { DocumentFault, mustBeSound } from '../config/document-fault.ts'
import type { Members } from '../config/members.ts'
import type { Instant } from '../kernel/clock.ts'
import { isObject, type JsonObject } from '../kernel/json.ts'
import type { Nouns, Transaction } from '../store/store.ts'
import { TEXT_DOCUMENT } from './own-words.ts'

/** Auth0's. */
export const PROMPTS = [
  ...['login', 'login-id', 'login-password', 'login-passwordless', 'login-email-verification'],
  ...['signup', 'signup-id', 'signup-password', 'phone-identifier-enrollment', 'phone-identifier-challenge'],
  ...['email-identifier-challenge', 'reset-password', 'custom-form', 'consent', 'customized-consent', 'logout'],
  ...['mfa-push', 'mfa-otp', 'mfa-voice', 'mfa-phone', 'mfa-webauthn', 'mfa-sms', 'mfa-email', 'mfa-recovery-code'],
  ...['mfa', 'status', 'device-flow', 'email-verification', 'email-otp-challenge', 'organizations', 'invitation'],
  ...['common', 'passkeys', 'captcha', 'brute-force-protection', 'async-approval-flow', 'confirmation'],
] as const

export const isPrompt = (name: string): boolean => (PROMPTS as readonly string[]).includes(name)

const LOCALE = /^[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})?$/
export const isLocale = (text: string): boolean => LOCALE.test(text)

const LONGEST_TEXT = 4096
const MOST_SCREENS = 50
/** In characters of JSON, of one prompt in one language. */
const LONGEST_PROMPT = 64 * 1024

/** In `store/documents.ts`. */
const SETTINGS_DOCUMENT = 'prompts'

/** Of a prompt, by screen and key. Throws `DocumentFault`. */
export function readTexts(given: JsonObject): JsonObject {
  const screens = Object.entries(given)
  if (screens.length > MOST_SCREENS) throw new DocumentFault(`There are more than ${MOST_SCREENS} screens.`)
  for (const [screen, texts] of screens) {
    if (!isObject(texts)) throw new DocumentFault('A screen must be an object of texts.', [screen.slice(0, 100)])
    for (const [key, text] of Object.entries(texts))
      if (typeof text !== 'string' || text.length > LONGEST_TEXT)
        throw new DocumentFault(`A text must be text of at most ${LONGEST_TEXT} characters.`, [
          screen.slice(0, 100),
          key.slice(0, 100),
        ])
  }
  if (JSON.stringify(given).length > LONGEST_PROMPT)
    throw new DocumentFault(`The texts together are longer than ${LONGEST_PROMPT / 1024} KiB.`)
  return given
}

const idOf = (language: string, prompt: string): string => `${language}/${prompt}`

export async function findTexts(
  { documents }: Nouns,
  tenant: string,
  language: string,
  prompt: string,
): Promise<JsonObject> {
  return (await documents.find({ tenant, kind: TEXT_DOCUMENT, id: idOf(language, prompt) }))?.data ?? {}
}

/** All of a prompt in a language, in the place of what there was; an empty object takes them back. */
export async function putTexts(
  { documents, announce }: Transaction,
  tenant: string,
  language: string,
  prompt: string,
  texts: JsonObject,
  now: Instant,
): Promise<void> {
  const name = { tenant, kind: TEXT_DOCUMENT, id: idOf(language, prompt) }
  if (Object.keys(texts).length === 0) await documents.remove(name)
  else await documents.put({ ...name, data: texts, sealed: null, createdAt: now, updatedAt: now })
  announce({ topic: TEXT_DOCUMENT, tenant, id: language })
}

/** Everything that a tenant says in its own words, for whoever lists it. */
export async function listTexts(
  { documents }: Nouns,
  tenant: string,
): Promise<readonly { readonly language: string; readonly prompt: string; readonly texts: JsonObject }[]> {
  const listed = []
  for (let after: string | undefined; ; ) {
    const page = await documents.list(tenant, TEXT_DOCUMENT, { limit: 100, ...(after !== undefined && { after }) })
    for (const { id, data } of page) {
      const [language = '', prompt = ''] = id.split('/')
      listed.push({ language, prompt, texts: data })
    }
    after = page.at(-1)?.id
    if (after === undefined) return listed
  }
}

const PROMPT_SETTINGS = {
  universal_login_experience: { is: 'text', optional: true, oneOf: ['new', 'classic'] },
  identifier_first: { is: 'boolean', optional: true },
  webauthn_platform_first_factor: { is: 'boolean', optional: true },
} as const satisfies Members

const DEFAULTS: JsonObject = {
  universal_login_experience: 'new',
  identifier_first: false,
  webauthn_platform_first_factor: false,
}

/** Throws `DocumentFault`. */
export function readPromptSettings(given: JsonObject): JsonObject {
  const [unknown] = Object.keys(given).filter(name => !Object.hasOwn(PROMPT_SETTINGS, name))
  if (unknown !== undefined) throw new DocumentFault('There is no such setting of prompts.', [unknown.slice(0, 100)])
  mustBeSound(PROMPT_SETTINGS, given)
  return given
}

export async function findPromptSettings({ documents }: Nouns, tenant: string): Promise<JsonObject> {
  const found = await documents.find({ tenant, kind: SETTINGS_DOCUMENT, id: SETTINGS_DOCUMENT })
  return { ...DEFAULTS, ...found?.data }
}

export async function changePromptSettings(
  transaction: Transaction,
  tenant: string,
  change: JsonObject,
  now: Instant,
): Promise<{ readonly before: JsonObject; readonly after: JsonObject }> {
  const before = await findPromptSettings(transaction, tenant)
  const given = Object.entries(change).filter(([, value]) => value !== null)
  const after = { ...before, ...Object.fromEntries(given) }
  const name = { tenant, kind: SETTINGS_DOCUMENT, id: SETTINGS_DOCUMENT }
  await transaction.documents.put({ ...name, data: after, sealed: null, createdAt: now, updatedAt: now })
  return { before, after }
}
