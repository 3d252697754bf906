/**
 * Signing in by what was mailed: a code of six digits that is typed where it was asked for, or a link. The one place
 * where codes are made and tried, whichever surface asks. Whoever asks for a mail is answered alike, and at the same cost,
 * whether there is an account; an account is made when the first code or link is used, since only then is the address
 * its owner's. Whether a person who is found may go on is the surfaces' to ask.
 */
import { emailVerified, type Occasion, signedUp, signInFailed, signInMailAsked } from '../audit/events.ts'
import type { AuditBuffer } from '../audit/log.ts'
import type { Brake, CodeAccount } from '../identity/brake.ts'
import { endWhatOthersBegan } from '../identity/first-confirmation.ts'
import { takeMail } from '../identity/mail-limits.ts'
import type { Correspondence } from '../identity/password-reset.ts'
import { addressOf, createUser } from '../identity/users.ts'
import { sendWelcome } from '../identity/welcome.ts'
import type { Clock, Instant } from '../kernel/clock.ts'
import { equalSecrets, hmacSha256, randomCode, randomSecret, sha256 } from '../kernel/secrets.ts'
import type { Keyring } from '../keys/keyring.ts'
import { promiseMail } from '../notify/letter.ts'
import { emailKey } from '../policy/email-address.ts'
import { MAILED_CODE_LIFE, SIGN_IN_LINK_LIFE } from '../policy/lifetimes.ts'
import type { Proof } from '../policy/proof.ts'
import { type ConnectionRecord, EMAIL_STRATEGY } from '../store/connections.ts'
import type { Nouns, Store, Transaction } from '../store/store.ts'
import type { TicketRecord } from '../store/tickets.ts'
import type { UserRecord } from '../store/users.ts'
import type { Language } from '../words/languages.ts'

/** A code and a link prove the same: that somebody reads the mailbox. Two of them are no two factors. */
const FACTOR = 'email-code'

const CODE_TICKET = 'mailed-code'
const CHALLENGE_TICKET = 'code-challenge'
const LINK_TICKET = 'sign-in-link'

/** Of a code, wherever they come from. Right ones count too, since what is counted afterwards can be outrun. */
const MOST_TRIES = 5
/** Never reached: tries that come after the last are refused, and do not take the code from the one that was right. */
const UNREACHED = 1_000_000

export interface Wish extends Correspondence {
  readonly connection: ConnectionRecord
  /** The client's id. */
  readonly client: string
  /** As `readEmailAddress` has it. */
  readonly email: string
  /** Whether an account may come of it. */
  readonly mayMakeAccount: boolean
  readonly occasion: Occasion
}

/** By what a code is looked for: the address that it went to, or the challenge that it was mailed for. */
export type Whose = { readonly email: string } | { readonly challenge: string }

export interface Attempt {
  readonly whose: Whose
  readonly code: string
  /** Where the account is looked for; of a challenge, the one that it was for. */
  readonly connection: ConnectionRecord | null
  readonly client: string
  /** The caller's, as an IP address. */
  readonly address: string
  /** Of the browser in front of us, as `identity/browsers.ts` has it; null where there is none. */
  readonly browserHash: string | null
  readonly occasion: Occasion
}

export interface Proven {
  readonly user: UserRecord
  readonly proof: Proof
  readonly connection: ConnectionRecord
}
/** `held`: nothing was checked, and is not before `freeAt`. */
export type Outcome =
  | {
      readonly state: 'right'
      /** Spends the code, and makes the account where there is none. Of any number of calls one is answered. */
      enter(): Promise<Proven | undefined>
    }
  | { readonly state: 'wrong' }
  | { readonly state: 'held'; readonly freeAt: Instant }

export interface OpenLink {
  readonly state: 'open'
  readonly email: string
  readonly client: string
  /** What the client asks for, as a query. */
  readonly request: string
}

export interface MailedSignIn {
  /** In the place of the code that went to the address for this client before. `held`: as much mail as may go there went. */
  sendCode(wish: Wish): Promise<'sent' | 'held'>
  /** The same for whoever keeps the challenge, beside all others. */
  challenge(wish: Wish): Promise<{ readonly challenge: string } | 'held'>
  sendLink(wish: Wish & { readonly request: string }): Promise<'sent' | 'held'>
  /** Spends nothing but a try. */
  tryCode(attempt: Attempt): Promise<Outcome>
  /** Spends nothing. Undefined for one that is over. */
  findLink(tenant: string, secret: string, now: Instant): Promise<OpenLink | undefined>
  /** Of any number of calls one is answered with the person. */
  spendLink(secret: string, occasion: Occasion): Promise<(Proven & OpenLinkFacts) | undefined>
}

type OpenLinkFacts = Pick<OpenLink, 'client' | 'request'>

/** Types and not interfaces, because they are stored as JSON. */
type Mailed = {
  readonly connection: string
  readonly email: string
  readonly client: string
  /** Whether it was mailed to anybody: what nobody was told, nobody knows, and it opens nothing. */
  readonly wasSent: boolean
  readonly mayMakeAccount: boolean
  /** Left out in one from before an account that came of it was welcomed. */
  readonly correspondence?: { readonly issuer: string; readonly language: Language }
}
type MailedCode = Mailed & {
  readonly key: string
  readonly mac: string
}
type MailedLink = Mailed & { readonly request: string }

type Place = { readonly kind: string; readonly id: string }

/** Loaded when somebody first signs in so. */
export type LoadMailedSignIn = () => Promise<MailedSignIn>

export function createMailedSignIn(services: {
  readonly store: Store
  readonly keyring: Keyring
  readonly brake: Brake
  readonly audit: AuditBuffer
  readonly clock: Clock
}): MailedSignIn {
  const { store, keyring, brake, audit, clock } = services

  const macOf = (key: Uint8Array, tenant: string, { kind, id }: Place, code: string) =>
    hmacSha256(key, JSON.stringify(['mailed-code', tenant, kind, id, code]))

  const placeOf = (whose: Whose, connection: ConnectionRecord | null, client: string): Place =>
    'challenge' in whose
      ? { kind: CHALLENGE_TICKET, id: sha256(whose.challenge) }
      : { kind: CODE_TICKET, id: sha256(JSON.stringify([connection?.id ?? '', client, emailKey(whose.email)])) }

  async function mailCode(wish: Wish, place: Place): Promise<'sent' | 'held'> {
    const { tenant, at } = wish.occasion
    const { id: keyId, key } = await keyring.secret(tenant, 'mailed-code')
    const expiresAt = at + MAILED_CODE_LIFE
    await keyring.noteUse(tenant, keyId, expiresAt)
    const code = randomCode()
    const ticket = { tenant, ...place, createdAt: at, expiresAt }
    return mail(wish, 'sign-in-code', { code, link: null, life: MAILED_CODE_LIFE }, (transaction, mailed) => {
      const data: MailedCode = { ...mailed, key: keyId, mac: macOf(key, tenant, place, code) }
      return transaction.tickets.reissue({ ...ticket, data })
    })
  }

  /** Each statement has its twin: for an address that may not come in, a letter to nobody. */
  async function mail(
    { connection, client, email, mayMakeAccount, issuer, language, occasion }: Wish,
    message: 'sign-in-code' | 'sign-in-link',
    { code, link, life }: { code?: string; link: string | null; life: number },
    keep: (transaction: Transaction, mailed: Mailed) => Promise<void>,
  ): Promise<'sent' | 'held'> {
    const { tenant, at, userAgent } = occasion
    const identified = await byAddress(store, connection, email)
    const found = identified?.user
    const wasSent = identified ? !identified.user.blocked && mayComeIn(identified, connection) : mayMakeAccount
    // Of somebody new there is none but the one that was typed.
    const to = wasSent ? (identified ? addressOf(identified) : email) : null
    return store.transaction(async transaction => {
      if (!(await takeMail(transaction, tenant, message, email, occasion))) return 'held'
      const correspondence = { issuer, language }
      await keep(transaction, { connection: connection.id, email, client, wasSent, mayMakeAccount, correspondence })
      const send = message === 'sign-in-code' ? 'code' : 'link'
      await transaction.events.record([signInMailAsked(occasion, client, found?.id ?? null, email, send)])
      const user = wasSent ? (found?.id ?? null) : null
      const letter = {
        message,
        to,
        user,
        language,
        issuer,
        link,
        ...(code !== undefined && { code }),
        linkLife: life,
        connection: connection.id,
        client,
        userAgent,
      }
      await promiseMail(transaction, tenant, letter, { now: at, giveUpAt: at + life })
      return 'sent'
    })
  }

  /** Counted before it is looked at: of 64 tries at once no more are looked at than of 64 one after another. */
  async function look(attempt: Attempt): Promise<TicketRecord<MailedCode> | undefined> {
    const { occasion, client, code } = attempt
    const { tenant, at } = occasion
    const place = placeOf(attempt.whose, attempt.connection, client)
    const tries = await store.tickets.fail(tenant, place.kind, place.id, UNREACHED, at)
    const ticket = await store.tickets.peek<MailedCode>(tenant, place.kind, place.id, at)
    if (!ticket || tries > MOST_TRIES || ticket.consumedAt !== null || ticket.data.client !== client) return undefined
    const secret = await keyring.secretById(tenant, 'mailed-code', ticket.data.key)
    const isRight = secret !== undefined && equalSecrets(macOf(secret.key, tenant, place, code), ticket.data.mac)
    return isRight && ticket.data.wasSent ? ticket : undefined
  }

  /** Null for a challenge that nobody was given. */
  async function accountOf({ whose, client, occasion, ...attempt }: Attempt): Promise<CodeAccount | null> {
    const { tenant, at } = occasion
    let { connection, email } = { connection: attempt.connection?.id ?? '', email: 'email' in whose ? whose.email : '' }
    if ('challenge' in whose) {
      const { kind, id } = placeOf(whose, null, client)
      const ticket = await store.tickets.peek<MailedCode>(tenant, kind, id, at)
      if (!ticket) return null
      ;({ connection, email } = ticket.data)
    }
    const key = emailKey(email)
    return { connection, key, user: (await store.users.findByIdentity(tenant, connection, { emailKey: key }))?.user }
  }

  async function tryCode(attempt: Attempt): Promise<Outcome> {
    const { occasion, connection, client, whose, address, browserHash } = attempt
    const begun = await brake.beginCode({ account: await accountOf(attempt), address, browserHash, occasion })
    if (begun.state === 'held') return begun
    let ticket: TicketRecord<MailedCode> | undefined
    try {
      ticket = await look(attempt)
    } catch (error) {
      await begun.unmade()
      throw error
    }
    if (ticket) {
      await begun.right()
      const right = ticket
      return { state: 'right', enter: () => enter(right, occasion) }
    }
    const email = 'email' in whose ? whose.email : ''
    audit.add(signInFailed(occasion, client, null, email, connection?.name ?? '', null))
    return { state: 'wrong' }
  }

  /** Spends the ticket, and answers whose it was, made now where there is nobody yet. */
  async function enter(
    ticket: Pick<TicketRecord<Mailed>, 'kind' | 'id' | 'data'>,
    occasion: Occasion,
  ): Promise<Proven | undefined> {
    const { tenant, at } = occasion
    const { email, mayMakeAccount, correspondence, client } = ticket.data
    const connection = await store.connections.find(tenant, ticket.data.connection)
    if (!connection) return undefined
    const person = { email, connection, mayMakeAccount, ...(correspondence && { to: { ...correspondence, client } }) }
    const user = await store.transaction(async transaction => {
      if ((await transaction.tickets.consume(tenant, ticket.kind, ticket.id, at)) !== 'consumed') return undefined
      return admit(transaction, person, occasion, clock)
    })
    return user && { user, connection, proof: { factor: FACTOR, amr: ['otp'], at } }
  }

  return {
    sendCode: wish => mailCode(wish, placeOf({ email: wish.email }, wish.connection, wish.client)),

    async challenge(wish) {
      const challenge = randomSecret()
      return (await mailCode(wish, placeOf({ challenge }, null, wish.client))) === 'held' ? 'held' : { challenge }
    },

    async sendLink({ request, ...wish }) {
      const { tenant, at } = wish.occasion
      const secret = randomSecret()
      const ticket = { tenant, kind: LINK_TICKET, id: sha256(secret), createdAt: at, expiresAt: at + SIGN_IN_LINK_LIFE }
      const link = `${wish.issuer}passwordless/link/${secret}`
      return mail(wish, 'sign-in-link', { link, life: SIGN_IN_LINK_LIFE }, (transaction, mailed) => {
        const data: MailedLink = { ...mailed, request }
        return transaction.tickets.issue({ ...ticket, data })
      })
    },

    tryCode,

    async findLink(tenant, secret, now) {
      const ticket = await store.tickets.peek<MailedLink>(tenant, LINK_TICKET, sha256(secret), now)
      if (!ticket || ticket.consumedAt !== null || !ticket.data.wasSent) return undefined
      const { email, client, request } = ticket.data
      return { state: 'open', email, client, request }
    },

    async spendLink(secret, occasion) {
      const ticket = await store.tickets.peek<MailedLink>(occasion.tenant, LINK_TICKET, sha256(secret), occasion.at)
      if (!ticket?.data.wasSent) return undefined
      const entered = await enter(ticket, occasion)
      return entered && { ...entered, client: ticket.data.client, request: ticket.data.request }
    },
  }
}

type Identified = NonNullable<Awaited<ReturnType<typeof byAddress>>>

/**
 * In a database of passwords somebody else may have made the account with this address and chosen its password: until
 * its owner has confirmed it, a mail does not sign in to it.
 */
const mayComeIn = ({ user, identity }: Identified, { strategy }: ConnectionRecord): boolean =>
  strategy === EMAIL_STRATEGY || (user.emailVerified && identity.ordinal === 0)

interface Newcomer {
  readonly email: string
  readonly connection: ConnectionRecord
  readonly mayMakeAccount: boolean
  /** What the letter to somebody new is to say. */
  readonly to?: Correspondence & { readonly client: string }
}

async function admit(
  transaction: Transaction,
  { email, connection, mayMakeAccount, to }: Newcomer,
  occasion: Occasion,
  clock: Clock,
): Promise<UserRecord | undefined> {
  const found = await byAddress(transaction, connection, email)
  if (found) return welcome(transaction, found, connection, occasion)
  if (!mayMakeAccount) return undefined
  const made = await createUser(transaction, connection, { email, emailVerified: true, passwordHash: null }, clock)
  if (made === 'taken') {
    // In this moment, by another code of theirs.
    const other = await byAddress(transaction, connection, email)
    return other && welcome(transaction, other, connection, occasion)
  }
  await transaction.events.record([
    signedUp(occasion, made.id, email, connection.name),
    emailVerified(occasion, made.id, email),
  ])
  if (to) await sendWelcome(transaction, made, to, occasion)
  return made
}

/** Whoever reads the mail has confirmed the address: the account's, unless that is part of another. */
async function welcome(
  transaction: Transaction,
  found: Identified,
  connection: ConnectionRecord,
  occasion: Occasion,
): Promise<UserRecord | undefined> {
  const { user, identity } = found
  if (!mayComeIn(found, connection)) return undefined
  if (user.emailVerified || user.email === null || identity.ordinal !== 0) return user
  await endWhatOthersBegan(transaction, user)
  await transaction.users.change(user.tenant, user.id, { emailVerified: true }, occasion.at)
  await transaction.events.record([emailVerified(occasion, user.id, user.email)])
  return { ...user, emailVerified: true }
}

const byAddress = (nouns: Nouns, { tenant, id }: ConnectionRecord, email: string) =>
  nouns.users.findByIdentity(tenant, id, { emailKey: emailKey(email) })
