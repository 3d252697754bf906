/**
 * People from a file, some hundred at a time: each row is checked by the rules of `user-document.ts` and written, or found
 * wrong and told of; the rest goes on. How far it came is written with it, so that whoever goes on after a crash neither
 * loses nor repeats anybody. The form of the file is Auth0's bulk import.
 */
import { parseObject } from '@latchkey/sdk/strict-json'
import { changesBetween } from '../../audit/changes.ts'
import { importedUsersEnded, managedUnlessSame, passwordChanged } from '../../audit/events.ts'
import type { Problem } from '../../config/members.ts'
import type { Instant } from '../../kernel/clock.ts'
import { isObject, type JsonObject } from '../../kernel/json.ts'
import { createSlices } from '../../kernel/slices.ts'
import { emailKey } from '../../policy/email-address.ts'
import { revokeSubject } from '../../revocation/revoke.ts'
import type { ConnectionRecord } from '../../store/connections.ts'
import type { ClaimedJob, JobError, JobProgress } from '../../store/jobs.ts'
import type { Transaction } from '../../store/store.ts'
import type { NewPerson } from '../../store/users-at-once.ts'
import { databaseOptions, type UsernameRule } from '../database-options.ts'
import { endWhatOthersBegan } from '../first-confirmation.ts'
import { membersOf } from '../managed-users.ts'
import { announceCost, changesTo, readUserDocument, type UserDocument } from '../user-document.ts'
import { DATABASE_STRATEGY, newPerson, passwordOf, setPassword } from '../users.ts'
import { JobLost, type JobServices, MOST_ERRORS, occasionOfJob, type Turn } from './job.ts'
import { BEFORE_ALL, createRowReader, LONGEST_ROW, type Row, RowsFault, type RowsState } from './rows.ts'

/** Everybody who writes waits meanwhile: some 20 ms on a usual core. */
const ROWS_AT_ONCE = 200
/** Not much more than the rows of a batch, so that nothing of it is left when the next are read. */
const BYTES_AT_ONCE = 64 * 1024

interface Read {
  readonly row: Row
  /** Null beside errors. */
  readonly user: UserDocument | null
  /** Nobody new can come of it, for want of a username. */
  readonly isNameless: boolean
  readonly shown: JsonObject
  readonly errors: readonly RowError[]
}

interface RowError {
  readonly code: string
  readonly message: string
  readonly path?: string
}

/** Works on it for as long as the turn lasts; answers whether it is over. */
export async function importUsers(services: JobServices, job: ClaimedJob, turn: Turn): Promise<'over' | 'goes-on'> {
  const { store, clock } = services
  const connection = await store.connections.find(job.tenant, job.connection ?? '')
  if (connection?.strategy !== DATABASE_STRATEGY)
    return endImport(services, job, progressOf(job), 'The connection is there no more.')

  const rule: RowRule = {
    usernames: databaseOptions(connection.options).username,
    isUpsert: job.asked['upsert'] === true,
  }
  let progress = progressOf(job)
  const batches = batchesOf(services, job, progress.progress.rows)
  try {
    for await (const rows of batches) {
      progress = await write(services, job, connection, progress, await readAll(rows, rule))
      if (turn.isOver(clock())) return 'goes-on'
      await turn.giveWay()
    }
  } catch (error) {
    if (!(error instanceof RowsFault)) throw error
    return endImport(services, job, progress, error.message)
  }
  return endImport(services, job, progress, null)
}

interface ImportProgress extends JobProgress {
  readonly progress: { readonly rows: RowsState; readonly errors: number } & JsonObject
}

const progressOf = ({ progress, size, done, inserted, updated, failed }: ClaimedJob): ImportProgress => ({
  progress: {
    rows: isObject(progress['rows']) ? (progress['rows'] as unknown as RowsState) : BEFORE_ALL,
    errors: Number(progress['errors'] ?? 0),
  } as ImportProgress['progress'],
  size,
  done,
  inserted,
  updated,
  failed,
})

/** From the parts of the input, behind what was read before. What stands before a fault comes first. */
async function* batchesOf({ store }: JobServices, job: ClaimedJob, from: RowsState): AsyncGenerator<readonly Row[]> {
  const reader = createRowReader(from)
  let batch: Row[] = []
  let fault: unknown
  try {
    for (let offset = from.offset; offset < job.size; ) {
      const bytes = await store.jobs.bytesAt(job.tenant, job.id, offset, BYTES_AT_ONCE)
      if (bytes.length === 0) throw new RowsFault('What was sent is not there any more.')
      for (const row of reader.read(bytes)) {
        batch.push(row)
        if (batch.length < ROWS_AT_ONCE) continue
        yield batch
        batch = []
      }
      offset += bytes.length
    }
    batch.push(...reader.end())
  } catch (error) {
    fault = error
  }
  if (batch.length > 0) yield batch
  if (fault !== undefined) throw fault
}

/** What the connection asks of its people, and whether a row may be about one who is there. */
interface RowRule {
  readonly usernames: UsernameRule | null
  readonly isUpsert: boolean
}

async function readAll(rows: readonly Row[], rule: RowRule): Promise<readonly Read[]> {
  const giveWay = createSlices()
  const read: Read[] = []
  for (const row of rows) {
    const isOthersTurn = giveWay()
    if (isOthersTurn) await isOthersTurn
    read.push(readRow(row, rule))
  }
  return read
}

/** Members of the tenant file's users, or of Auth0's, that an import does not have, each with why. */
const REFUSED: Readonly<Record<string, string>> = {
  mfa_factors: 'mfa_factors cannot be imported yet. Leave them out; the person enrols anew.',
  password: 'A password in the clear is not imported. Give password_hash or custom_password_hash.',
  roles: 'Roles are not imported. Assign them when the import is done.',
}

function readRow(row: Row, { usernames, isUpsert }: RowRule): Read {
  const nothing = { row, user: null, isNameless: false, shown: {} }
  if (row.bytes === null)
    return {
      ...nothing,
      errors: [
        { code: 'TOO_LARGE', message: `A user is at most ${LONGEST_ROW / 1024} KiB, and nests at most 32 deep.` },
      ],
    }
  const given = parseObject(row.bytes) as JsonObject | undefined
  if (!given)
    return {
      ...nothing,
      errors: [{ code: 'INVALID_JSON', message: 'A user is a JSON object in UTF-8 that has each name once.' }],
    }
  const { user, problems, unknown } = readUserDocument(given, usernames)
  const errors = [
    ...problems.map(toError),
    ...unknown
      .filter(name => !Object.hasOwn(REFUSED, name))
      .map(name => ({
        code: 'OBJECT_ADDITIONAL_PROPERTIES',
        message: `Nothing is done with "${name.slice(0, 100)}".`,
        path: name.slice(0, 100),
      })),
    ...Object.entries(REFUSED)
      .filter(([name]) => given[name] !== undefined && given[name] !== null)
      .map(([path, message]) => ({ code: 'UNSUPPORTED', message, path })),
  ]
  const isNameless = usernames?.isRequired === true && user?.username === null
  if (isNameless && !isUpsert) errors.push(NAMELESS)
  return { row, user: errors.length === 0 ? (user ?? null) : null, isNameless, shown: shownOf(given), errors }
}

const NAMELESS: RowError = {
  code: 'OBJECT_MISSING_REQUIRED_PROPERTY',
  message: 'username is missing.',
  path: 'username',
}

const toError = ({ path, message }: Problem): RowError => ({
  code: message.endsWith('is missing.') ? 'OBJECT_MISSING_REQUIRED_PROPERTY' : 'INVALID_FORMAT',
  message,
  ...(path.length > 0 && { path: path.join('.') }),
})

/** Enough to find somebody by, and nothing that is a secret. */
const SHOWN = ['user_id', 'email', 'username'] as const
const LONGEST_SHOWN = 254

const shownOf = (given: JsonObject): JsonObject =>
  Object.fromEntries(
    SHOWN.flatMap(name => {
      const value = given[name]
      return typeof value === 'string' ? [[name, value.slice(0, LONGEST_SHOWN).toWellFormed()]] : []
    }),
  )

type Outcome = 'inserted' | 'updated' | RowError

/** One transaction: the people, what was wrong, and how far it came. */
function write(
  { store, clock, lease }: JobServices,
  job: ClaimedJob,
  connection: ConnectionRecord,
  before: ImportProgress,
  rows: readonly Read[],
): Promise<ImportProgress> {
  const now = clock()
  const sound = rows.flatMap(({ user, isNameless }) =>
    user ? [{ user, isNameless, person: newPerson(connection, asNew(user), now) }] : [],
  )
  return store.transaction(async transaction => {
    const outcomes = new Map<UserDocument, Outcome>()
    const complete = sound.filter(({ isNameless }) => !isNameless)
    const answers = await transaction.users.createAll(complete.map(({ person }) => person))
    for (const [index, { user }] of complete.entries())
      outcomes.set(user, answers[index] === 'created' ? 'inserted' : DUPLICATED)
    if (job.asked['upsert'] === true)
      for (const row of sound)
        if (outcomes.get(row.user) !== 'inserted')
          outcomes.set(row.user, await update(transaction, job, connection, row, now))
    if (sound.some(({ person }) => (person.password?.costClass ?? 0) > 0)) announceCost(transaction, job.tenant)

    const failed = rows.flatMap(({ row, user, shown, errors }) => {
      const outcome = user && outcomes.get(user)
      const all = typeof outcome === 'object' && outcome !== null ? [outcome] : errors
      return all.length > 0 ? [{ place: row.place, error: { user: shown, errors: all, line: row.line } }] : []
    })
    const kept = failed.slice(0, Math.max(0, MOST_ERRORS - before.progress.errors)) as unknown as JobError[]
    await transaction.jobs.addErrors(job.tenant, job.id, kept)
    const count = (kind: Outcome) => [...outcomes.values()].filter(outcome => outcome === kind).length
    const next = rows.at(-1)?.row.next ?? before.progress.rows
    const progress: ImportProgress = {
      progress: { rows: next, errors: before.progress.errors + kept.length } as unknown as ImportProgress['progress'],
      size: before.size,
      done: next.offset,
      inserted: before.inserted + count('inserted'),
      updated: before.updated + count('updated'),
      failed: before.failed + failed.length,
    }
    // Whoever has it by now has written these people too, or will.
    if (!(await transaction.jobs.advance(job, progress, clock() + lease))) throw new JobLost()
    return progress
  })
}

const asNew = (user: UserDocument) => ({
  ...(user.id !== null && { id: user.id }),
  email: user.email,
  username: user.username,
  emailVerified: user.emailVerified ?? false,
  passwordHash: user.passwordHash,
  blocked: user.blocked ?? false,
  profile: user.profile,
  appMetadata: user.appMetadata ?? {},
  userMetadata: user.userMetadata ?? {},
})

interface Sound {
  readonly user: UserDocument
  readonly isNameless: boolean
  readonly person: NewPerson
}

const OTHERS: RowError = {
  code: 'DUPLICATED_USER',
  message: 'The user_id or the address belongs to somebody else.',
}
const DUPLICATED: RowError = { code: 'DUPLICATED_USER', message: 'Somebody has this user_id or address already.' }

/**
 * A file says how it was elsewhere, perhaps years ago: it lets nobody in again who was blocked here since, and its hash is
 * no password of somebody who has one. But whoever made an account with an address before its owner came has chosen a
 * password, and not the owner's: where the file is the first to say whose the address is, its hash stands.
 */
async function update(
  transaction: Transaction,
  job: ClaimedJob,
  connection: ConnectionRecord,
  { user: document, isNameless, person }: Sound,
  now: Instant,
): Promise<Outcome> {
  const { tenant } = connection
  const meant = await whoIsMeant(transaction, connection, document)
  if (meant === undefined) return isNameless ? NAMELESS : DUPLICATED
  const found = meant === 'another' ? undefined : await transaction.users.hold(tenant, meant)
  if (!found) return OTHERS
  const changes = changesTo(found, { ...document, blocked: document.blocked || null })
  const { emailKey, usernameKey } = person.identity
  const keys =
    changes.email === undefined && changes.username === undefined
      ? undefined
      : {
          connection: connection.id,
          emailKey,
          ...(changes.username !== undefined && { usernameKey }),
        }
  const isChanged = Object.keys(changes).length > 0
  if (isChanged && (await transaction.users.change(tenant, found.id, changes, now, keys)) !== 'changed')
    return DUPLICATED
  const [occasion, client] = occasionOfJob(job, now)
  const told = changesBetween(membersOf(found), membersOf({ ...found, ...changes }))
  await transaction.events.record(managedUnlessSame(occasion, { client }, 'user', found.id, 'changed', told))

  const isOwnersFirst = changes.emailVerified === true
  const takesHash = isOwnersFirst || (await passwordOf(transaction, tenant, found.id)) === undefined
  const password = takesHash ? document.passwordHash : null
  if (password !== null) {
    await setPassword(transaction, found, password, () => now)
    await transaction.devices.forget(tenant, found.id)
    if (isOwnersFirst) await endWhatOthersBegan(transaction, found)
    await transaction.events.record([passwordChanged(occasion, { client }, found.id)])
  }
  if (password !== null || changes.blocked) await revokeSubject(transaction, found, now)
  return 'updated'
}

/** The id; undefined when there is nobody of that address. */
async function whoIsMeant(
  { users }: Transaction,
  { tenant, id: connection }: ConnectionRecord,
  document: UserDocument,
): Promise<string | 'another' | undefined> {
  const isAddress = document.id === null
  const found = await users.findByIdentity(
    tenant,
    connection,
    isAddress
      ? { emailKey: emailKey(document.email) }
      : { subject: (document.id ?? '').slice(DATABASE_STRATEGY.length + 1) },
  )
  if (!found) return undefined
  const { user, identity } = found
  return (isAddress ? identity.ordinal === 0 : user.id === document.id) ? user.id : 'another'
}

async function endImport(
  { store, clock, keptFor }: JobServices,
  job: ClaimedJob,
  progress: ImportProgress,
  failure: string | null,
): Promise<'over'> {
  const now = clock()
  const status = failure === null ? 'completed' : 'failed'
  const { inserted, updated, failed } = progress
  await store.transaction(async transaction => {
    if (!(await transaction.jobs.finish(job, { status, failure, keptUntil: now + keptFor }, now))) throw new JobLost()
    const facts = { outcome: status, failure, inserted, updated, failed } as const
    await transaction.events.record([importedUsersEnded(...occasionOfJob(job, now), job.id, facts)])
  })
  return 'over'
}
