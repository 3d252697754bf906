/**
 * People as whoever manages them changes them: the rows, what ends with them, and the events of it, in the transaction of
 * the caller. Whether somebody may, and in which form they say it, is the caller's.
 */
import { changesBetween } from '../audit/changes.ts'
import { type Manager, managed, type Occasion, passwordChanged, signedOutEverywhere } from '../audit/events.ts'
import type { Clock } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import { emailKey } from '../policy/email-address.ts'
import { linkUsers, removeUser as remove, revokeSubject } from '../revocation/revoke.ts'
import type { ConnectionRecord } from '../store/connections.ts'
import type { NamedIdentity } from '../store/people.ts'
import type { Transaction } from '../store/store.ts'
import type { UserChanges, UserRecord } from '../store/users.ts'
import { chooseLanguage } from '../words/languages.ts'
import { askForVerification } from './email-verification.ts'
import { userToWire } from './user-wire.ts'
import { createUser as create, type NewUser, setPassword } from './users.ts'

/** Who changes people, on which occasion, and where links in mail to them lead. */
export interface Managing {
  readonly occasion: Occasion
  readonly by: Manager
  readonly issuer: string
  readonly clock: Clock
}

/** `verifyEmail`: whether a link goes to the address. */
export async function createUser(
  transaction: Transaction,
  connection: ConnectionRecord,
  { blocked, verifyEmail, ...person }: NewUser & { readonly blocked: boolean; readonly verifyEmail: boolean },
  managing: Managing,
): Promise<UserRecord | 'taken'> {
  const { occasion, by, clock } = managing
  const created = await create(transaction, connection, person, clock)
  if (created === 'taken') return 'taken'
  if (blocked) await transaction.users.change(occasion.tenant, created.id, { blocked }, occasion.at)
  const user = { ...created, blocked }
  if (verifyEmail) await sendVerification(transaction, user, managing)
  await transaction.events.record([
    managed(occasion, by, 'user', user.id, 'created', changesBetween(null, membersOf(user))),
  ])
  return user
}

/** What is to be of somebody. Members left out stay. */
export interface UserWish {
  readonly blocked?: boolean
  /** As `readEmailAddress` has it. */
  readonly email?: string | null
  readonly emailVerified?: boolean
  /** As it is kept, and as it is found. */
  readonly username?: { readonly name: string; readonly key: string } | null
  /** Claims; null takes one away. */
  readonly profile?: JsonObject
  /** First members; null takes one away, and an empty document all. */
  readonly appMetadata?: JsonObject
  readonly userMetadata?: JsonObject
  /** Of which of their identities, by `passwordIdOf`, and its hash. */
  readonly password?: { readonly id: string; readonly hash: string; readonly remembers: number }
  readonly verifyEmail?: boolean
}

export class MetadataTooLarge extends Error {
  override readonly name = 'MetadataTooLarge'
  readonly member: 'app_metadata' | 'user_metadata'

  constructor(member: MetadataTooLarge['member']) {
    super(`${member} would be larger than ${MOST_METADATA_BYTES / 1024} KiB`)
    this.member = member
  }
}

export const MOST_METADATA_BYTES = 16 * 1024

/**
 * `connection`: the id of the one that the person's first identity is in. A block and a new password end all that they
 * have. Throws `MetadataTooLarge`; whatever is thrown or answered but `changed`, nothing was written.
 */
export async function changeUser(
  transaction: Transaction,
  id: string,
  connection: string,
  wish: UserWish,
  managing: Managing,
): Promise<'changed' | 'taken' | 'gone'> {
  const { occasion, by, clock } = managing
  const { tenant, at } = occasion
  // Held, so that two changes of one document are both in it.
  const before = await transaction.users.hold(tenant, id)
  if (!before) return 'gone'
  const { changes, keys } = changesTo(before, wish)
  const outcome = await transaction.users.change(tenant, id, changes, at, keys && { connection, ...keys })
  if (outcome !== 'changed') return outcome
  const after = { ...before, ...changes }
  const told = changesBetween(membersOf(before), membersOf(after))
  const isChanged = Object.keys(told).length > 0
  if (isChanged) await transaction.events.record([managed(occasion, by, 'user', id, 'changed', told)])
  if (wish.password) {
    const { id: passwordId, hash, remembers } = wish.password
    await setPassword(transaction, before, hash, clock, { id: passwordId, remembers })
    await transaction.devices.forget(tenant, id)
    await transaction.events.record([passwordChanged(occasion, by, id)])
  }
  if (wish.password || (after.blocked && !before.blocked)) await revokeSubject(transaction, before, at)
  if (wish.verifyEmail) await sendVerification(transaction, after, managing)
  return 'changed'
}

function changesTo(before: UserRecord, wish: UserWish) {
  const { blocked, email, emailVerified, username, profile, appMetadata, userMetadata } = wish
  const isOtherAddress = email !== undefined && keyOf(email) !== keyOf(before.email)
  const changes: UserChanges = {
    ...(blocked !== undefined && { blocked }),
    ...(email !== undefined && { email }),
    // Nobody has proven a new address unless somebody vouches for it.
    ...((isOtherAddress || emailVerified !== undefined) && { emailVerified: emailVerified ?? false }),
    ...(username !== undefined && { username: username?.name ?? null }),
    ...(profile && { profile: merged(before.profile, profile) }),
    ...(appMetadata && { appMetadata: bounded('app_metadata', merged(before.appMetadata, appMetadata)) }),
    ...(userMetadata && { userMetadata: bounded('user_metadata', merged(before.userMetadata, userMetadata)) }),
  }
  const keys =
    email === undefined && username === undefined
      ? undefined
      : {
          ...(email !== undefined && { emailKey: keyOf(email) }),
          ...(username !== undefined && { usernameKey: username?.key ?? null }),
        }
  return { changes, keys }
}

const keyOf = (email: string | null): string | null => (email === null ? null : emailKey(email))

/** As Auth0 does it: members one by one, null takes one away; nothing at all, everything. */
function merged(document: JsonObject, changes: JsonObject): JsonObject {
  if (Object.keys(changes).length === 0) return {}
  return Object.fromEntries(Object.entries({ ...document, ...changes }).filter(([, value]) => value !== null))
}

export function bounded(member: MetadataTooLarge['member'], document: JsonObject): JsonObject {
  if (Buffer.byteLength(JSON.stringify(document)) > MOST_METADATA_BYTES) throw new MetadataTooLarge(member)
  return document
}

/** What events tell of somebody, under the wire names. */
export function membersOf(user: UserRecord): JsonObject {
  const { identities: _, created_at: __, updated_at: ___, ...members } = userToWire({ user, identities: [] })
  return members
}

/** Whoever asks for it may write to anybody, so that the address alone is counted. */
async function sendVerification(transaction: Transaction, user: UserRecord, { occasion, issuer }: Managing) {
  const { id, email, profile } = user
  if (email === null || user.emailVerified) return
  const { locale } = profile
  const language = chooseLanguage({ chosen: typeof locale === 'string' ? locale : undefined })
  await askForVerification(transaction, { id, email }, { issuer, language }, { ...occasion, address: null })
}

/** For good: their id is never given again. What they were given ends at once, and so does every identity of theirs. */
export async function removeUser(
  transaction: Transaction,
  id: string,
  occasion: Occasion,
  by: Manager,
): Promise<'removed' | 'gone'> {
  const { tenant, at } = occasion
  if ((await remove(transaction, { tenant, id }, at)) === 'gone') return 'gone'
  await transaction.events.record([managed(occasion, by, 'user', id, 'removed')])
  return 'removed'
}

/** The second is another way to be the first from now on, and nobody any more. */
export async function linkUser(
  transaction: Transaction,
  { primary, secondary }: { readonly primary: string; readonly secondary: string },
  occasion: Occasion,
  by: Manager,
): Promise<'linked' | 'gone'> {
  const { tenant, at } = occasion
  if ((await linkUsers(transaction, { tenant, primary, secondary }, at)) === 'gone') return 'gone'
  await transaction.events.record([
    managed(occasion, by, 'identity', secondary, 'created', changesBetween(null, { user_id: primary })),
    managed(occasion, by, 'user', secondary, 'removed', changesBetween(null, { linked_to: primary })),
  ])
  return 'linked'
}

/**
 * The identity is a user of its own again. Whoever is behind it came in as the other until now, so that all that was given
 * by it ends: nobody can tell which of it that was.
 */
export async function unlinkIdentity(
  transaction: Transaction,
  user: string,
  { connection, provider, subject }: Pick<NamedIdentity, 'connection' | 'provider' | 'subject'>,
  occasion: Occasion,
  by: Manager,
): Promise<'unlinked' | 'first' | 'gone'> {
  const { tenant, at } = occasion
  const outcome = await transaction.users.unlink(tenant, user, { connection, subject }, at)
  if (outcome !== 'unlinked') return outcome
  const alone = `${provider}|${subject}`
  await revokeSubject(transaction, { tenant, id: user }, at)
  await transaction.events.record([
    managed(occasion, by, 'identity', alone, 'removed', changesBetween({ user_id: user }, null)),
    managed(occasion, by, 'user', alone, 'created'),
    signedOutEverywhere(occasion, user, 'client' in by ? { machine: by.client } : null),
  ])
  return 'unlinked'
}
