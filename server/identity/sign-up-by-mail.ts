/**
 * Accounts that are made by mail, where a tenant asks for it: what somebody chose at the sign-up page waits under a link
 * that is mailed, and becomes an account when it is opened. An address that has an account already is told so by mail.
 * Whoever asks is answered alike and at the same cost, and until then nobody can sign in with what they chose: so the
 * page tells nobody which addresses have accounts.
 */
import { emailVerified, type Occasion, signedUp, signUpAsked } from '../audit/events.ts'
import type { Clock, Instant } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import { randomSecret, sha256 } from '../kernel/secrets.ts'
import { promiseMail } from '../notify/letter.ts'
import { emailKey } from '../policy/email-address.ts'
import { NEWS_LIFE, SIGN_UP_LINK_LIFE } from '../policy/lifetimes.ts'
import type { ConnectionRecord } from '../store/connections.ts'
import type { Nouns, Store } from '../store/store.ts'
import { rememberDevice } from './brake.ts'
import { takeMail } from './mail-limits.ts'
import type { Correspondence } from './password-reset.ts'
import { createUser } from './users.ts'
import { sendWelcome } from './welcome.ts'

const SIGN_UP_TICKET = 'sign-up'
/** Of passwords at one link. Whoever reads the mail and did not choose the password has no business with it. */
const MOST_TRIES = 10

/** A type and not an interface, because it is stored as JSON. */
type Chosen = {
  /** The id of the connection that the account is made in; null in a link from before there were several. */
  readonly connection: string | null
  readonly email: string
  readonly username: string | null
  readonly passwordHash: string
  /** What an application said of the person; nothing in a link from before it was kept. */
  readonly profile?: JsonObject
  readonly userMetadata?: JsonObject
  /** SHA-256 of the secret of the browser it was chosen in; null where there was none. */
  readonly browserHash: string | null
}

export interface SignUpWish extends Correspondence, Omit<Chosen, 'connection'> {
  readonly client: string | null
}

/** `done`: an account came of it. `over`: it is unknown or too old, or was tried in vain too often. */
export type FoundSignUp = OpenSignUp | { readonly state: 'done' } | { readonly state: 'over' }
export type OpenSignUp = { readonly state: 'open' } & Chosen

/** Mails a link, or the word that there is an account; not more of either than may go to the address. */
export async function askToSignUp(
  store: Store,
  connection: ConnectionRecord,
  { client, issuer, language, ...chosen }: SignUpWish,
  occasion: Occasion,
): Promise<void> {
  const { tenant, at, userAgent } = occasion
  const { email } = chosen
  const found = await store.users.findByEmailKey(tenant, connection.id, emailKey(email))
  const secret = randomSecret()
  const data: Chosen = { connection: connection.id, ...chosen }

  await store.transaction(async transaction => {
    if (!(await takeMail(transaction, tenant, 'sign-up', email, occasion))) return
    // Under a link that nobody knows where there is an account: each statement has its twin.
    const times = { createdAt: at, expiresAt: at + SIGN_UP_LINK_LIFE }
    await transaction.tickets.issue({ tenant, kind: SIGN_UP_TICKET, id: sha256(secret), data, ...times })
    await transaction.events.record([signUpAsked(occasion, client, found?.id ?? null, email)])
    const common = { language, issuer, userAgent } as const
    const letter = found
      ? ({
          ...common,
          message: 'sign-up-taken',
          to: found.blocked ? null : found.email,
          user: found.blocked ? null : found.id,
          link: `${issuer}forgot-password`,
          linkLife: null,
        } as const)
      : ({
          ...common,
          message: 'sign-up',
          to: email,
          user: null,
          link: `${issuer}sign-up/${secret}`,
          linkLife: SIGN_UP_LINK_LIFE,
        } as const)
    await promiseMail(transaction, tenant, letter, { now: at, giveUpAt: at + (found ? NEWS_LIFE : SIGN_UP_LINK_LIFE) })
  })
}

/** Spends nothing. */
export async function findSignUp(store: Nouns, tenant: string, secret: string, now: Instant): Promise<FoundSignUp> {
  const ticket = await store.tickets.peek<Chosen>(tenant, SIGN_UP_TICKET, sha256(secret), now)
  if (!ticket || ticket.attempts >= MOST_TRIES) return { state: 'over' }
  return ticket.consumedAt === null ? { state: 'open', ...ticket.data } : { state: 'done' }
}

/** Counts a password that was not the one chosen. */
export const failSignUp = (store: Nouns, tenant: string, secret: string, now: Instant): Promise<number> =>
  store.tickets.fail(tenant, SIGN_UP_TICKET, sha256(secret), MOST_TRIES, now)

/** Thrown inside the transaction to take everything back. */
class NotMade extends Error {}

/**
 * Makes the account, whose address is its owner's: of any number of calls one does. `browserHash` is theirs from now on.
 * What it has become: `over` too where somebody else has the address by now.
 */
export async function finishSignUp(
  store: Store,
  connection: ConnectionRecord,
  {
    secret,
    browserHash,
    ...correspondence
  }: Correspondence & {
    readonly secret: string
    readonly browserHash: string
  },
  occasion: Occasion,
  clock: Clock,
): Promise<FoundSignUp> {
  const { tenant, at } = occasion
  const found = await findSignUp(store, tenant, secret, at)
  if (found.state !== 'open') return found
  const { email, passwordHash, username = null, profile = {}, userMetadata = {} } = found
  try {
    await store.transaction(async transaction => {
      if ((await transaction.tickets.consume(tenant, SIGN_UP_TICKET, sha256(secret), at)) !== 'consumed') return
      const user = await createUser(
        transaction,
        connection,
        { email, username, emailVerified: true, passwordHash, profile, userMetadata },
        clock,
      )
      if (user === 'taken') throw new NotMade()
      await rememberDevice(transaction, user, browserHash, at)
      await transaction.events.record([
        signedUp(occasion, user.id, email, connection.name),
        emailVerified(occasion, user.id, email),
      ])
      await sendWelcome(transaction, user, correspondence, occasion)
    })
  } catch (error) {
    if (error instanceof NotMade) return { state: 'over' }
    throw error
  }
  return findSignUp(store, tenant, secret, at)
}
