/** What a letter says, and in which words: a letter in, a view of plain text out. How it looks is the template's. */
import { isColour, shadesOf } from '../http/accent.ts'
import { deviceName } from '../http/user-agent.ts'
import { wordsOf } from '../words/catalogue.ts'
import { duration } from '../words/duration.ts'
import type { Language } from '../words/languages.ts'
import { isolatedName, shownName } from '../words/names.ts'
import type { Letter } from './letter.ts'

/** Whose mail it is: the tenant, as stored. */
export interface Sender {
  readonly name: string
  readonly accent: string | null
  /** For a tenant's own templates. */
  readonly logoUrl?: string | null
  readonly supportEmail?: string | null
  readonly supportUrl?: string | null
  /** Those that it writes in; all where it does not say. */
  readonly languages?: readonly Language[]
}

export const languageOf = ({ language }: Pick<Letter, 'language'>, { languages = [] }: Sender): Language =>
  languages.includes(language) ? language : (languages[0] ?? language)

/** The page's own, for a tenant without a colour. */
const ACCENT = '#1f5d4c'

export function letterView(letter: Letter, sender: Sender) {
  // What was written on a page of a tenant that has changed its mind since.
  const language = languageOf(letter, sender)
  const { mails } = wordsOf(language)
  const { inviter = '', organization = '' } = letter.invitation ?? {}
  const words = {
    'reset-password': mails.resetPassword,
    'verify-email': mails.verifyEmail,
    'sign-up': mails.signUp,
    'sign-up-taken': { ...mails.signUpTaken, limit: null },
    'password-changed': { ...mails.passwordChanged, limit: null },
    guessing: mails.guessing,
    welcome: { ...mails.welcome, limit: null },
    'sign-in-code': { ...mails.signInCode, act: null },
    'sign-in-link': mails.signInLink,
    invitation: {
      ...mails.invitation,
      subject: () => mails.invitation.subject(shownName(organization)),
      lead: (tenant: string) => mails.invitation.lead(tenant, isolatedName(inviter), isolatedName(organization)),
    },
  }[letter.message]
  const device = deviceName(letter.userAgent)
  const colour = sender.accent !== null && isColour(sender.accent) ? sender.accent : ACCENT
  const { accent, onAccent } = shadesOf(colour, 'light')
  return {
    language,
    sender: shownName(sender.name),
    // A header has no use for the marks around a name, which some readers show as boxes.
    subject: words.subject(shownName(sender.name)),
    heading: words.heading,
    lead: words.lead(isolatedName(sender.name)),
    act: words.act,
    link: letter.link,
    code: letter.code ?? null,
    instead: mails.instead,
    limit: words.limit && letter.linkLife !== null ? words.limit(duration(language, letter.linkLife)) : null,
    device: device === null ? null : mails.device(device),
    notYou: words.notYou,
    accent,
    onAccent,
  }
}

export type LetterView = ReturnType<typeof letterView>

/** For whoever reads mail as text. The link has a line of its own, which no program breaks. */
export const letterText = (view: LetterView): string =>
  [
    view.heading,
    view.lead,
    view.code ?? `${view.act}:\n${view.link}`,
    [view.limit, view.device].filter(line => line !== null).join('\n'),
    view.notYou,
    `-- \n${view.sender}`,
  ]
    .filter(Boolean)
    .join('\n\n')
