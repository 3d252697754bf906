/** Whether an address is its owner's: the link that is mailed to it, and what opening it and pressing the button means. */
import { emailVerified, type Occasion } from '../audit/events.ts'
import type { Instant } from '../kernel/clock.ts'
import { randomSecret, sha256 } from '../kernel/secrets.ts'
import { promiseMail } from '../notify/letter.ts'
import { linkLife } from '../notify/link-life.ts'
import { VERIFICATION_LINK_KNOWN, VERIFICATION_LINK_LIFE } from '../policy/lifetimes.ts'
import type { Nouns, Store, Transaction } from '../store/store.ts'
import type { UserRecord } from '../store/users.ts'
import { takeMail } from './mail-limits.ts'
import type { Onward } from './onward.ts'
import type { Correspondence } from './password-reset.ts'
import { onwardByTemplate } from './template-onward.ts'
import { sendWelcome } from './welcome.ts'

const VERIFICATION_TICKET = 'email-verification'

type VerificationData = {
  readonly email: string
  /** The ticket outlives the link, so that an old link can ask for its successor. */
  readonly goodUntil: Instant
  /** The application by which it was asked for, by its id. */
  readonly client?: string
  /** Where whoever asked for it wants the person to go then. */
  readonly onward?: Onward
}

/** `confirmed` by this link or in another way. `over`: it is unknown, or the account has another address by now. */
export type FoundVerification =
  | OpenVerification
  | {
      readonly state: 'expired' | 'confirmed'
      readonly user: UserRecord
      readonly email: string
      readonly onward: Onward | undefined
    }
  | { readonly state: 'over' }

export interface OpenVerification {
  readonly state: 'open'
  readonly user: UserRecord
  readonly email: string
  readonly onward: Onward | undefined
}

/**
 * Mails a link, in the transaction that gave the user the address; not one more than may go to it: `false` when that would
 * be one.
 */
export async function askForVerification(
  transaction: Transaction,
  user: Pick<UserRecord, 'id'> & { readonly email: string },
  { issuer, language, client }: Correspondence & { readonly client?: string },
  occasion: Occasion,
): Promise<boolean> {
  const { tenant, at, userAgent } = occasion
  if (!(await takeMail(transaction, tenant, 'verify-email', user.email, occasion))) return false
  const secret = randomSecret()
  const life = await linkLife(transaction, tenant, 'verify-email', VERIFICATION_LINK_LIFE)
  const by = client === undefined ? {} : { client }
  const data: VerificationData = { email: user.email, goodUntil: at + life, ...by }
  await transaction.tickets.issue({
    tenant,
    kind: VERIFICATION_TICKET,
    id: sha256(secret),
    subject: user.id,
    data,
    createdAt: at,
    expiresAt: at + VERIFICATION_LINK_KNOWN,
  })
  const letter = {
    message: 'verify-email',
    to: user.email,
    user: user.id,
    language,
    issuer,
    link: `${issuer}verify-email/${secret}`,
    linkLife: life,
    ...by,
    userAgent,
  } as const
  await promiseMail(transaction, tenant, letter, { now: at, giveUpAt: at + life })
  return true
}

/** A link that an operator hands over. Answers its secret. */
export async function issueVerification(
  { tickets }: Transaction,
  { tenant, id, email }: Pick<UserRecord, 'tenant' | 'id'> & { readonly email: string },
  { onward, life }: { readonly onward: Onward; readonly life: number },
  now: Instant,
): Promise<string> {
  const secret = randomSecret()
  const data: VerificationData = { email, goodUntil: now + life, onward }
  const times = { createdAt: now, expiresAt: now + Math.max(life, VERIFICATION_LINK_KNOWN) }
  await tickets.issue({ tenant, kind: VERIFICATION_TICKET, id: sha256(secret), subject: id, data, ...times })
  return secret
}

/** Spends nothing. */
export async function findVerification(
  store: Nouns,
  tenant: string,
  secret: string,
  now: Instant,
): Promise<FoundVerification> {
  const ticket = await store.tickets.peek<VerificationData>(tenant, VERIFICATION_TICKET, sha256(secret), now)
  const user = ticket?.subject == null ? undefined : await store.users.find(tenant, ticket.subject)
  if (!ticket || !user || user.email !== ticket.data.email) return { state: 'over' }
  const { email, goodUntil, client = null } = ticket.data
  const about = { to: email, user: user.id, client }
  const onward = ticket.data.onward ?? (await onwardByTemplate(store, tenant, 'verify-email', about))
  if (user.emailVerified) return { state: 'confirmed', user, email, onward }
  return { state: ticket.consumedAt === null && now < goodUntil ? 'open' : 'expired', user, email, onward }
}

/** Thrown inside the transaction to take everything back. */
class AnotherAddress extends Error {}

/** Spends the link and answers what it has become: `confirmed` for however many presses of its button. */
export async function verifyEmail(
  store: Store,
  secret: string,
  correspondence: Correspondence,
  occasion: Occasion,
): Promise<FoundVerification> {
  const { tenant, at } = occasion
  const found = await findVerification(store, tenant, secret, at)
  if (found.state !== 'open') return found
  const { user, email } = found
  try {
    await store.transaction(async transaction => {
      if ((await transaction.tickets.consume(tenant, VERIFICATION_TICKET, sha256(secret), at)) !== 'consumed') return
      await transaction.users.change(tenant, user.id, { emailVerified: true }, at)
      // Only now, with the row ours, is it certain whose address was just confirmed.
      if ((await transaction.users.find(tenant, user.id))?.email !== email) throw new AnotherAddress()
      await transaction.events.record([emailVerified(occasion, user.id, email)])
      await sendWelcome(transaction, user, correspondence, occasion)
    })
  } catch (error) {
    if (!(error instanceof AnotherAddress)) throw error
  }
  return findVerification(store, tenant, secret, at)
}
