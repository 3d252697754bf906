/**
 * A letter as the bytes that travel (RFC 5322, MIME): headers, a text and an HTML part. Where they go is `smtp.ts`'s
 * and `outbox.ts`'s. Imported at the first mail: nodemailer weighs more than the rest of the sender together.
 */
import { fileURLToPath } from 'node:url'
import MailComposer from 'nodemailer/lib/mail-composer'
import { createTemplateEngine } from '../http/template-engine.ts'
import type { Instant } from '../kernel/clock.ts'
import { textOf } from './html-text.ts'
import type { Letter } from './letter.ts'
import { letterText, letterView, type Sender } from './letter-view.ts'

export interface Message {
  /** Of the promise. */
  readonly id: string
  readonly promisedAt: Instant
  readonly from: string
  readonly to: string
  readonly bytes: Buffer
}

export interface Envelope {
  /** Of the promise: a mail that is sent twice, because nobody knows whether it had arrived, is twice the same. */
  readonly id: string
  readonly promisedAt: Instant
  /** A bare address. */
  readonly from: string
}

/** How a letter is worded whose tenant words it itself. */
export interface Wording {
  readonly subject: string
  /** Empty for the tenant's. */
  readonly senderName: string
  readonly html: string
}

const engine = createTemplateEngine(fileURLToPath(new URL('./mails', import.meta.url)))

/** A letter to nobody becomes a message too, to its sender: it is not meant to be sent. */
export async function composeMessage(
  letter: Letter,
  sender: Sender,
  { id, promisedAt, from }: Envelope,
  own: Wording | null = null,
): Promise<Message> {
  const view = letterView(letter, sender)
  const to = letter.to ?? from
  const composer = new MailComposer({
    // As objects: an address in text would be parsed, and a comma in it would be another recipient.
    from: { name: own?.senderName || view.sender, address: from },
    to: { name: '', address: to },
    subject: own?.subject || view.subject,
    date: new Date(promisedAt),
    messageId: `<${id}@${from.slice(from.lastIndexOf('@') + 1)}>`,
    // RFC 3834 §5: no vacation answers this, and no list keeps it.
    headers: { 'Auto-Submitted': 'auto-generated' },
    text: own ? textOf(own.html) : letterText(view),
    html: own?.html ?? (await (await engine).renderFile('mail', { mail: view })),
    // RFC 5322 §2.3: a line ends with both or it does not end, and servers refuse what could be read in two ways.
    newline: 'windows',
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return { id, promisedAt, from, to, bytes: await composer.compile().build() }
}
