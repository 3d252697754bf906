/**
 * What a mail is to tell somebody, and the promise to tell it: written in the transaction of the change that causes
 * it, so that the one is never without the other. Which words it is told in, and how it is sent, is decided later.
 */
import type { Instant } from '../kernel/clock.ts'
import { newSortableId } from '../kernel/ids.ts'
import type { Transaction } from '../store/store.ts'
import type { Language } from '../words/languages.ts'

/** One entry a mail, each with its words in every catalogue. */
export type MailMessage =
  | 'reset-password'
  | 'verify-email'
  | 'sign-up'
  | 'sign-up-taken'
  | 'password-changed'
  | 'guessing'
  | 'sign-in-code'
  | 'sign-in-link'
  | 'invitation'
  | 'welcome'

/** A type and not an interface, because it is stored as JSON. */
export type Letter = {
  readonly message: MailMessage
  /**
   * Null for nobody: somebody asked for a mail to an address that has no account. Such a letter is written, stored and
   * rendered like any other and then dropped, so that nothing in the time of an answer tells whether there is one.
   */
  readonly to: string | null
  /** Whose account it is about; null together with `to`, and where there is none yet. */
  readonly user: string | null
  /** The page's at the time. */
  readonly language: Language
  /** As stored for the tenant, never as asked for: whoever chose the link's host could read the link. */
  readonly issuer: string
  /** What the button leads to. A secret, where it opens something. Null for a letter that brings a code. */
  readonly link: string | null
  /** A secret that is typed where it was asked for. */
  readonly code?: string
  /** For how long the link or the code is good, in milliseconds; null for one that opens nothing. */
  readonly linkLife: number | null
  /** Who invites into what; given with an invitation alone. */
  readonly invitation?: { readonly inviter: string; readonly organization: string }
  /** The connection whose letter it is, by its id: one that mails codes and links may word them. */
  readonly connection?: string
  /** The application that somebody was on the way to, by its id. */
  readonly client?: string | null
  /** What the browser called itself in which this was asked for or done. */
  readonly userAgent: string | null
  /** The IP address from which it was done; where a letter tells of something that the person may not have done. */
  readonly address?: string | null
}

/** On this topic the bus says that mail was promised. */
export const MAIL_TOPIC = 'mail'

/** From `giveUpAt` on nobody wants it any more: the link is over, or the news old. */
export async function promiseMail(
  transaction: Transaction,
  tenant: string,
  letter: Letter,
  { now, giveUpAt }: { readonly now: Instant; readonly giveUpAt: Instant },
): Promise<void> {
  const id = newSortableId()
  await transaction.mails.promise({ tenant, id, letter, createdAt: now, giveUpAt })
  transaction.announce({ topic: MAIL_TOPIC, tenant, id })
}
