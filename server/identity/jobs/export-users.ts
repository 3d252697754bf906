/**
 * Everybody, or everybody of a connection, as lines of JSON or a table: a page at a time, each compressed by itself and
 * written with how far it came. What is put together of gzip is gzip (RFC 1952 §2.2), so whoever goes on after a crash
 * goes on behind the last page. What is secret of a user is in none: a user is shown as `user-wire.ts` shows one.
 */
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { exportedUsersEnded } from '../../audit/events.ts'
import type { Instant } from '../../kernel/clock.ts'
import { isObject, type JsonObject, type JsonValue } from '../../kernel/json.ts'
import type { ClaimedJob, JobProgress } from '../../store/jobs.ts'
import { userToWire } from '../user-wire.ts'
import { csvLine } from './csv.ts'
import { JobLost, type JobServices, occasionOfJob, type Turn } from './job.ts'

const compress = promisify(gzip)

/** Read at once, while nobody else reads: some milliseconds. */
const USERS_AT_ONCE = 200

export interface ExportField {
  /** Of a user as the API shows one: `email`, `identities[0].connection`, `user_metadata.plan`. */
  readonly name: string
  readonly export_as?: string
}

/** Of a table, when nobody says which. */
const USUAL_FIELDS: readonly ExportField[] = [
  'user_id',
  'email',
  'email_verified',
  'username',
  'name',
  'nickname',
  'given_name',
  'family_name',
  'phone_number',
  'picture',
  'blocked',
  'identities[0].connection',
  'created_at',
  'updated_at',
  'last_login',
  'logins_count',
].map(name => ({ name, export_as: name === 'identities[0].connection' ? 'connection' : name }))

interface Asked {
  readonly format: 'json' | 'csv'
  /** Null for all that there are. */
  readonly limit: number | null
  readonly fields: readonly ExportField[] | null
}

/** Where it is: in the last user of the last part. */
interface At {
  readonly after: string | null
  readonly parts: number
}

/** Works on it for as long as the turn lasts; answers whether it is over. */
export async function exportUsers(services: JobServices, job: ClaimedJob, turn: Turn): Promise<'over' | 'goes-on'> {
  const { store, clock } = services
  const asked = askedOf(job)
  const search = { query: null, connection: job.connection }
  let progress = progressOf(job)
  if (progress.progress.parts === 0) {
    const there = await store.people.count(job.tenant, search)
    progress = { ...progress, size: Math.min(there, asked.limit ?? there) }
  }
  for (;;) {
    const { after } = progress.progress
    const left = asked.limit === null ? USERS_AT_ONCE : Math.min(USERS_AT_ONCE, asked.limit - progress.done)
    const people = left > 0 ? await store.people.after(job.tenant, search, after, left) : []
    // A table has its heading even when there is nobody.
    const isEmpty = people.length === 0 && progress.progress.parts > 0
    if (!isEmpty) {
      const text = textOf(asked, people.map(userToWire), progress.progress.parts === 0)
      progress = await write(
        services,
        job,
        progress,
        await compress(text),
        people.length,
        people.at(-1)?.user.id ?? after,
      )
    }
    if (people.length < left || left <= 0) return end(services, job, progress.done)
    if (turn.isOver(clock())) return 'goes-on'
    await turn.giveWay()
  }
}

const askedOf = ({ asked }: ClaimedJob): Asked => ({
  format: asked['format'] === 'csv' ? 'csv' : 'json',
  limit: typeof asked['limit'] === 'number' ? asked['limit'] : null,
  fields: Array.isArray(asked['fields']) ? (asked['fields'] as unknown as ExportField[]) : null,
})

type ExportProgress = Omit<JobProgress, 'progress'> & { readonly progress: At }

const progressOf = ({ progress, size, done, inserted, updated, failed }: ClaimedJob): ExportProgress => ({
  progress: {
    after: typeof progress['after'] === 'string' ? progress['after'] : null,
    parts: Number(progress['parts'] ?? 0),
  },
  size,
  done,
  inserted,
  updated,
  failed,
})

function textOf({ format, fields }: Asked, users: readonly JsonObject[], isFirst: boolean): string {
  if (format === 'json') return users.map(user => `${JSON.stringify(fields ? chosen(user, fields) : user)}\n`).join('')
  const columns = fields ?? USUAL_FIELDS
  const heading = isFirst ? csvLine(columns.map(titleOf)) : ''
  return heading + users.map(user => csvLine(columns.map(({ name }) => valueAt(user, name)))).join('')
}

const titleOf = ({ name, export_as: title = name }: ExportField): string => title

/** Null where a user has no such thing, so that every line has the same members. */
const chosen = (user: JsonObject, fields: readonly ExportField[]): JsonObject =>
  Object.fromEntries(fields.map(field => [titleOf(field), valueAt(user, field.name) ?? null]))

/** A name with dots, as metadata may have one, is tried as it stands first. */
export function valueAt(user: JsonObject, name: string): JsonValue | undefined {
  if (Object.hasOwn(user, name)) return user[name]
  let value: JsonValue | undefined = user
  for (const step of name.split(/[.[\]]+/).filter(Boolean)) {
    if (Array.isArray(value))
      value = /^\d{1,4}$/.test(step) ? (value[Number(step)] as JsonValue | undefined) : undefined
    else if (isObject(value) && Object.hasOwn(value, step)) value = value[step]
    else return undefined
  }
  return value
}

async function write(
  { store, clock, lease }: JobServices,
  job: ClaimedJob,
  before: ExportProgress,
  bytes: Uint8Array,
  users: number,
  after: string | null,
): Promise<ExportProgress> {
  const { parts } = before.progress
  const progress = { ...before, done: before.done + users, progress: { after, parts: parts + 1 } }
  await store.transaction(async transaction => {
    await transaction.jobs.addPart(job.tenant, job.id, parts, bytes)
    const isOurs = await transaction.jobs.advance(
      job,
      { ...progress, progress: { ...progress.progress } },
      clock() + lease,
    )
    if (!isOurs) throw new JobLost()
  })
  return progress
}

async function end({ store, clock, keptFor }: JobServices, job: ClaimedJob, users: number): Promise<'over'> {
  const now: Instant = clock()
  await store.transaction(async transaction => {
    const outcome = { status: 'completed', failure: null, keptUntil: now + keptFor } as const
    if (!(await transaction.jobs.finish(job, outcome, now))) throw new JobLost()
    const facts = { outcome: 'completed', failure: null, users } as const
    await transaction.events.record([exportedUsersEnded(...occasionOfJob(job, now), job.id, facts)])
  })
  return 'over'
}
