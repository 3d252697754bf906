/**
 * A forgotten password: the link that is mailed, what it is good for, and the new password in the place of the old.
 * Whoever asks is answered alike and at the same cost, whether there is an account or not; which page says so, and
 * whether a password may be chosen, is decided elsewhere.
 */
import { emailVerified, type Occasion, passwordReset, passwordResetAsked } from '../audit/events.ts'
import type { Clock, Instant } from '../kernel/clock.ts'
import { randomSecret, sha256 } from '../kernel/secrets.ts'
import { promiseMail } from '../notify/letter.ts'
import { linkLife } from '../notify/link-life.ts'
import { emailKey } from '../policy/email-address.ts'
import { NEWS_LIFE, RESET_LINK_LIFE } from '../policy/lifetimes.ts'
import { revokeSubject } from '../revocation/revoke.ts'
import type { ConnectionRecord } from '../store/connections.ts'
import { FIRST_PASSWORD, passwordIdOf } from '../store/credentials.ts'
import type { Nouns, Store, Transaction } from '../store/store.ts'
import type { UserRecord } from '../store/users.ts'
import type { Language } from '../words/languages.ts'
import { rememberDevice } from './brake.ts'
import { databaseOptions } from './database-options.ts'
import { endWhatOthersBegan } from './first-confirmation.ts'
import { takeMail } from './mail-limits.ts'
import type { Onward } from './onward.ts'
import { onwardByTemplate } from './template-onward.ts'
import { addressOf, passwordOf, setPassword } from './users.ts'
import { sendWelcome } from './welcome.ts'

const RESET_TICKET = 'password-reset'

type ResetData = {
  /** What the account was when the link was asked for, by `stateOf`. */
  readonly state: string
  /** Where the person was on the way to, if anywhere. */
  readonly interaction: string | null
  /** Whose rules the new password is to meet: an id. Left out, here and below, in a link from before there were several. */
  readonly connection?: string
  /** Of the identity whose password it is. */
  readonly passwordId?: string
  /** Whether who has the link has read what was mailed to the address. */
  readonly isMailed?: boolean
  /** Where whoever asked for it wants the person to go then. */
  readonly onward?: Onward
  /** The application by which it was asked for, by its id; null or left out for none. */
  readonly client?: string | null
}

/** Where mail about an account leads, and in which language it speaks. */
export interface Correspondence {
  readonly issuer: string
  readonly language: Language
}

export interface ResetWish extends Correspondence {
  /** Where the account is looked for; undefined where there is no database to look in. */
  readonly connection: ConnectionRecord | undefined
  /** As `readEmailAddress` has it. */
  readonly address: string
  readonly client: string | null
  readonly interaction: string | null
}

export interface OpenReset {
  readonly state: 'open'
  readonly user: UserRecord
  readonly interaction: string | null
  /** Undefined where it was removed since, and where nobody knows. */
  readonly connection: ConnectionRecord | undefined
  readonly passwordId: string
  readonly onward: Onward | undefined
}

/** `used`: it did its work. `over`: it is unknown or too old, or the account has another password or address by now. */
export type FoundReset = OpenReset | { readonly state: 'used' | 'over' }

/**
 * Mails a link to whoever has that address in the tenant's database and is not blocked. For an address that nobody has,
 * a link that nobody knows is written down and a letter to nobody: each statement has its twin.
 */
export async function askForReset(store: Store, wish: ResetWish, occasion: Occasion): Promise<void> {
  const { tenant, at } = occasion
  const { connection } = wish
  const key = { emailKey: emailKey(wish.address) }
  const identified = await store.users.findByIdentity(tenant, connection?.id ?? '', key)
  const found = connection && databaseOptions(connection.options).isResetOpen ? identified?.user : undefined
  const passwordId = identified ? passwordIdOf(identified.identity) : FIRST_PASSWORD
  const state = await stateOf(store, tenant, found, passwordId)
  const user = found?.blocked ? undefined : found
  const isFirst = identified?.identity.ordinal === 0
  const secret = randomSecret()
  const life = await linkLife(store, tenant, 'reset-password', RESET_LINK_LIFE)

  await store.transaction(async transaction => {
    if (!(await takeMail(transaction, tenant, 'reset-password', wish.address, occasion))) return
    const data: ResetData = {
      state,
      interaction: wish.interaction,
      passwordId,
      // The address of an account that is part of another says nothing of that one's.
      isMailed: isFirst,
      ...(connection && { connection: connection.id }),
      client: wish.client,
    }
    await transaction.tickets.issue({
      tenant,
      kind: RESET_TICKET,
      id: sha256(secret),
      subject: user?.id ?? null,
      data,
      createdAt: at,
      expiresAt: at + life,
    })
    await transaction.events.record([passwordResetAsked(occasion, wish.client, found?.id ?? null, wish.address)])
    const letter = {
      message: 'reset-password',
      to: user && identified ? addressOf(identified) : null,
      user: user?.id ?? null,
      language: wish.language,
      issuer: wish.issuer,
      link: `${wish.issuer}reset-password/${secret}`,
      linkLife: life,
      client: wish.client,
      userAgent: occasion.userAgent,
    } as const
    await promiseMail(transaction, tenant, letter, { now: at, giveUpAt: at + life })
  })
}

/**
 * A link to a new password that an operator hands over: issued for whoever it is given to, who has not shown to read the
 * address unless `confirms` says so. Answers its secret.
 */
export async function issueReset(
  transaction: Transaction,
  {
    user,
    connection,
    passwordId,
    confirms,
    onward,
    life,
  }: {
    readonly user: UserRecord
    readonly connection: string
    readonly passwordId: string
    readonly confirms: boolean
    readonly onward: Onward
    readonly life: number
  },
  now: Instant,
): Promise<string> {
  const { tenant, id } = user
  const secret = randomSecret()
  const state = await stateOf(transaction, tenant, user, passwordId)
  const data: ResetData = { state, interaction: null, connection, passwordId, isMailed: confirms, onward }
  const times = { createdAt: now, expiresAt: now + life }
  await transaction.tickets.issue({ tenant, kind: RESET_TICKET, id: sha256(secret), subject: id, data, ...times })
  return secret
}

/** Spends nothing. */
export async function findReset(store: Nouns, tenant: string, secret: string, now: Instant): Promise<FoundReset> {
  const ticket = await store.tickets.peek<ResetData>(tenant, RESET_TICKET, sha256(secret), now)
  if (ticket?.consumedAt != null) return { state: 'used' }
  const user = ticket?.subject == null ? undefined : await store.users.find(tenant, ticket.subject)
  const { interaction, connection, passwordId = FIRST_PASSWORD, onward, client = null } = ticket?.data ?? {}
  if (!ticket || !isReachable(user) || (await stateOf(store, tenant, user, passwordId)) !== ticket.data.state)
    return { state: 'over' }
  return {
    state: 'open',
    user,
    interaction: interaction ?? null,
    connection: connection === undefined ? undefined : await store.connections.find(tenant, connection),
    passwordId,
    onward:
      onward ?? (await onwardByTemplate(store, tenant, 'reset-password', { to: user.email, user: user.id, client })),
  }
}

/** Thrown inside the transaction to take everything back. */
class LinkIsOver extends Error {
  readonly state: 'used' | 'over'

  constructor(state: LinkIsOver['state']) {
    super('the link does not count any more')
    this.state = state
  }
}

/**
 * Spends the link: the new password stands, its address is confirmed, since the mail was read there, and everything the
 * person had ends: sessions, tokens, and every other open link, as each is good for the old password only. This browser
 * is theirs from now on, and none that signed in with the old password is. The person is told by mail. Of any number of calls, with this or another of the account's links, one is answered `done`.
 */
export async function resetPassword(
  store: Store,
  {
    secret,
    hash,
    browserHash,
    issuer,
    language,
    remembers,
  }: Correspondence & {
    readonly secret: string
    readonly hash: string
    readonly browserHash: string
    /** How many former passwords the connection keeps. */
    readonly remembers: number
  },
  occasion: Occasion,
  clock: Clock,
): Promise<'done' | 'used' | 'over'> {
  const { tenant, at } = occasion
  try {
    await store.transaction(async transaction => {
      const { user, data } = await spend(transaction, tenant, secret, at)
      await setPassword(transaction, user, hash, clock, { id: data.passwordId ?? FIRST_PASSWORD, remembers })
      await transaction.devices.forget(tenant, user.id)
      await rememberDevice(transaction, user, browserHash, at)
      if (user.email !== null && !user.emailVerified && data.isMailed !== false) {
        await endWhatOthersBegan(transaction, user)
        await transaction.users.change(tenant, user.id, { emailVerified: true }, at)
        await transaction.events.record([emailVerified(occasion, user.id, user.email)])
        await sendWelcome(transaction, user, { issuer, language }, occasion)
      }
      await transaction.events.record([passwordReset(occasion, user.id)])
      const letter = {
        message: 'password-changed',
        to: user.email,
        user: user.id,
        language,
        issuer,
        link: `${issuer}forgot-password`,
        linkLife: null,
        userAgent: occasion.userAgent,
      } as const
      await promiseMail(transaction, tenant, letter, { now: at, giveUpAt: at + NEWS_LIFE })
    })
    return 'done'
  } catch (error) {
    if (error instanceof LinkIsOver) return error.state
    throw error
  }
}

/** Ends what the person has, and answers who they are. Throws `LinkIsOver`. */
async function spend(
  transaction: Transaction,
  tenant: string,
  secret: string,
  now: Instant,
): Promise<{ readonly user: UserRecord; readonly data: ResetData }> {
  const ticket = await transaction.tickets.peek<ResetData>(tenant, RESET_TICKET, sha256(secret), now)
  const outcome = await transaction.tickets.consume(tenant, RESET_TICKET, sha256(secret), now)
  if (outcome === 'replayed') throw new LinkIsOver('used')
  if (outcome === 'gone' || ticket?.subject == null) throw new LinkIsOver('over')
  // Before the account is looked at: from here on no other link of it, and no change to it, gets between.
  await revokeSubject(transaction, { tenant, id: ticket.subject }, now)
  const user = await transaction.users.find(tenant, ticket.subject)
  // It was counted up here.
  const epochBefore = (user?.epoch ?? 0) - 1
  const { passwordId = FIRST_PASSWORD } = ticket.data
  if (!isReachable(user) || (await stateOf(transaction, tenant, user, passwordId, epochBefore)) !== ticket.data.state)
    throw new LinkIsOver('over')
  return { user, data: ticket.data }
}

const isReachable = (user: UserRecord | undefined): user is UserRecord => user !== undefined && !user.blocked

/**
 * What a link is bound to: it is dead as soon as the address or the password is another, and when everything the person
 * had has ended, by a block too. Of nobody too, at the same cost.
 */
async function stateOf(
  nouns: Nouns,
  tenant: string,
  user: UserRecord | undefined,
  passwordId: string,
  epoch = user?.epoch ?? 0,
): Promise<string> {
  const credential = await passwordOf(nouns, tenant, user?.id ?? '', passwordId)
  return sha256(JSON.stringify([user?.email ?? null, credential?.secret ?? null, epoch]))
}
