/**
 * Letters as a tenant words them: Auth0's e-mail templates by Auth0's names. Each is tried on somebody made up before it
 * is kept, so that no letter is found broken by the person who waits for it. How templates are kept from harm is
 * `operator-template.ts`'s; which words a letter has that no template is for, `letter-view.ts`'.
 */
import { DocumentFault, mustBeSound } from '../config/document-fault.ts'
import { type Members, readMembers } from '../config/members.ts'
import { isBareAddress } from '../config/smtp-url.ts'
import { escapeHtml } from '../http/escape-html.ts'
import type { JsonObject, JsonValue } from '../kernel/json.ts'
import { SECOND } from '../kernel/seconds.ts'
import { LONGEST_LINK_LIFE } from './link-life.ts'
import { LONGEST_TEMPLATE, renderTemplate, TemplateFault } from './operator-template.ts'

type Carried = 'url' | 'link' | 'code' | null

/** By what a letter is good for nothing without: the link that it carries, or the code. */
const CARRIES = {
  verify_email: 'url',
  verify_email_by_code: 'code',
  auth_email_by_code: 'code',
  reset_email: 'url',
  reset_email_by_code: 'code',
  welcome_email: null,
  blocked_account: null,
  stolen_credentials: null,
  enrollment_email: 'link',
  mfa_oob_code: 'code',
  user_invitation: 'url',
  // Names from Auth0's first years, which exports still carry.
  change_password: 'url',
  password_reset: 'url',
  async_approval: null,
} as const satisfies Readonly<Record<string, Carried>>

export type TemplateName = keyof typeof CARRIES
export const TEMPLATE_NAMES = Object.keys(CARRIES) as readonly TemplateName[]
export const isTemplateName = (name: string): name is TemplateName => Object.hasOwn(CARRIES, name)

const MEMBERS = {
  template: { is: 'text', oneOf: TEMPLATE_NAMES },
  body: { is: 'text', optional: true },
  from: { is: 'text', optional: true },
  subject: { is: 'text', optional: true },
  syntax: { is: 'text', optional: true, oneOf: ['liquid'] },
  resultUrl: { is: 'text', optional: true },
  urlLifetimeInSeconds: { is: 'seconds', optional: true },
  includeEmailInRedirect: { is: 'boolean', optional: true },
  enabled: { is: 'boolean', optional: true },
} as const satisfies Members

/** A line of a header (RFC 5322 §2.1.1 wants none longer than 998), as Liquid. */
const LONGEST_LINE = 1000

/** What the letter is about, by Auth0's names. Whatever somebody wrote of themselves is printed escaped. */
export type TemplateVariables = JsonObject

export interface WrittenLetter {
  /** One line each. */
  readonly subject: string
  /** Null where the template does not say. */
  readonly from: { readonly name: string; readonly address: string } | null
  readonly html: string
}

/** Kept whole, as it was given. Throws `DocumentFault` for one that would not do. */
export async function readTemplate(given: JsonObject): Promise<JsonObject> {
  mustBeSound(MEMBERS, given)
  const [unknown] = Object.keys(given).filter(name => !Object.hasOwn(MEMBERS, name))
  if (unknown !== undefined) throw new DocumentFault('There is no such member of a template.', [unknown])
  const template = readMembers(MEMBERS, given)
  const life = template.urlLifetimeInSeconds
  if (life !== undefined && (life < 1 || life * SECOND > LONGEST_LINK_LIFE))
    throw new DocumentFault(`urlLifetimeInSeconds must be from 1 to ${LONGEST_LINK_LIFE / SECOND}.`, [
      'urlLifetimeInSeconds',
    ])
  for (const member of ['subject', 'from', 'resultUrl'] as const)
    if ((template[member] ?? '').length > LONGEST_LINE)
      throw new DocumentFault(`${member} is longer than ${LONGEST_LINE} characters.`, [member])
  if ((template.body ?? '').length > LONGEST_TEMPLATE)
    throw new DocumentFault(`body is longer than ${LONGEST_TEMPLATE / 1024} KiB.`, ['body'])
  await tryOut(template.template as TemplateName, given)
  return given
}

/** On somebody made up, with everything there is to know of them. */
async function tryOut(name: TemplateName, template: JsonObject): Promise<void> {
  const { body, subject, from, resultUrl } = readMembers(MEMBERS, template)
  for (const [member, source] of Object.entries({ subject, from, resultUrl }))
    if (source !== undefined) await sampled(member, source, 'text')
  if (from !== undefined && !isOneSender(await sampled('from', from, 'text')))
    throw new DocumentFault('from must be an e-mail address such as "Example <no-reply@example.com>".', ['from'])
  if (body === undefined) return
  const printed = await sampled('body', body, 'html')
  const carried = CARRIES[name]
  if (carried !== null && !printed.includes(escapeHtml(SAMPLE[carried])))
    throw new DocumentFault(`body does not hold {{ ${carried} }}: whoever gets ${name} could do nothing with it.`, [
      'body',
    ])
}

async function sampled(member: string, source: string, form: 'html' | 'text'): Promise<string> {
  try {
    return await renderTemplate(source, SAMPLE, form)
  } catch (error) {
    if (!(error instanceof TemplateFault)) throw error
    const where = error.line === null ? '' : `, line ${error.line}`
    throw new DocumentFault(`${member}${where}: ${error.message}`, [member])
  }
}

/** The letter, or null where the template is off or says nothing. `carried` is the template's own unless told. Throws `TemplateFault`. */
export async function writeLetter(
  template: JsonObject,
  variables: TemplateVariables,
  carried: Carried = CARRIES[template['template'] as TemplateName],
): Promise<WrittenLetter | null> {
  const { enabled, body, subject, from } = readMembers(MEMBERS, template)
  if (enabled !== true || body === undefined) return null
  const html = await renderTemplate(body, variables, 'html')
  const cargo = carried === null ? null : variables[carried]
  if (typeof cargo === 'string' && !html.includes(escapeHtml(cargo)))
    throw new TemplateFault(`It did not print {{ ${carried} }}`)
  return {
    html,
    subject: onOneLine(await renderTemplate(subject ?? '', variables, 'text')),
    from: from === undefined ? null : readFrom(await renderTemplate(from, variables, 'text')),
  }
}

/** A header ends where its line does: what would end it, or turn the text after it, becomes a blank. */
const onOneLine = (text: string): string =>
  [
    ...text
      .replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ')
      .replace(/\s+/g, ' ')
      .trim(),
  ]
    .slice(0, 200)
    .join('')

/**
 * `Name <address>` or an address. Null for what is neither. The name is somebody's, so nothing in it counts but its words:
 * a header is put together from the two, and never parsed again.
 */
function readFrom(text: string): { name: string; address: string } | null {
  const given = text.trim()
  const open = given.lastIndexOf('<')
  if (open === -1) return isBareAddress(given) ? { name: '', address: given } : null
  const address = given.slice(open + 1, -1)
  if (!given.endsWith('>') || !isBareAddress(address)) return null
  return { name: onOneLine(given.slice(0, open).replace(/["<>]/g, ' ')), address }
}

/** As a template has it, before anybody's name is in it: one sender, on one line. */
const isOneSender = (text: string): boolean =>
  !/[\r\n\0]/.test(text.trim()) && (text.match(/</g)?.length ?? 0) <= 1 && readFrom(text) !== null

/** Everybody's variables, each with something in it. */
const SAMPLE = {
  url: 'https://login.example.com/verify-email/sample?a=1&b=2',
  link: 'https://login.example.com/enroll/sample?a=1&b=2',
  code: '123456',
  send: 'code',
  email: 'ann@example.com',
  user: {
    user_id: 'auth0|0123456789abcdef01234567',
    email: 'ann@example.com',
    email_verified: true,
    name: 'Ann Example',
    nickname: 'ann',
    given_name: 'Ann',
    family_name: 'Example',
    picture: 'https://login.example.com/ann.png',
    username: 'ann',
    source_ip: '192.0.2.1',
    user_metadata: { lang: 'en' },
    app_metadata: {},
  },
  application: {
    name: 'Example',
    clientID: 'a-client',
    client_id: 'a-client',
    callback_domain: 'https://app.example.com',
  },
  organization: { name: 'example', display_name: 'Example' },
  inviter: { name: 'Bob Example' },
  tenant: 'example',
  friendly_name: 'Example',
  support_email: 'support@example.com',
  support_url: 'https://example.com/support',
  picture_url: 'https://login.example.com/logo.png',
  request_language: 'en',
  custom_domain: { domain: 'login.example.com', domain_metadata: {} },
  domain: 'login.example.com',
} as const satisfies Readonly<Record<string, JsonValue>>

/** Every variable that a template may print, for whoever lists them. */
export const VARIABLE_NAMES = Object.keys(SAMPLE)
