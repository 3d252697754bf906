/**
 * Jobs: work that takes longer than an answer, with what it reads or writes (its parts) and what of it went wrong. Any node
 * takes one up where another left it: how far it came is written in the transaction of the work itself. What a job does
 * is its type's to know (`identity/jobs/`).
 */
import { sql } from 'kysely'
import type { Instant } from '../kernel/clock.ts'
import type { JsonObject } from '../kernel/json.ts'
import { atomically } from './atomic.ts'
import { toObject, toText } from './columns.ts'
import { skippingLockedIn, takeTurn } from './dialect.ts'
import type { Database, JobsTable } from './schema.ts'

export type JobType = 'users_import' | 'users_export' | 'verification_email'
/** `receiving`: its input is still being sent, and nobody is told of it yet. */
export type JobStatus = 'receiving' | 'pending' | 'processing' | 'completed' | 'failed'

export interface JobRecord {
  readonly tenant: string
  readonly id: string
  readonly type: JobType
  readonly status: JobStatus
  /** The connection's id; null for all of them, or where there is none to name. */
  readonly connection: string | null
  /** What was asked, under the wire names. */
  readonly asked: JsonObject
  /** Who asked, from where: for the events of its end. */
  readonly askedBy: JsonObject
  /** Where the work stands: for its type to know. */
  readonly progress: JsonObject
  /** How much there is to do, in whatever it is measured by, and how much is done. */
  readonly size: number
  readonly done: number
  readonly inserted: number
  readonly updated: number
  readonly failed: number
  /** Why it failed as a whole. */
  readonly failure: string | null
  readonly createdAt: Instant
  /** When somebody first worked on it. */
  readonly startedAt: Instant | null
  readonly endedAt: Instant | null
  /** From then on it may be purged with all that belongs to it. */
  readonly keptUntil: Instant
}

export type NewJob = Omit<JobRecord, 'progress' | 'done' | 'inserted' | 'updated' | 'failed' | 'startedAt' | 'endedAt'>

export interface ClaimedJob extends JobRecord {
  /** How often it has been claimed, this time included: whoever holds another number holds it no more. */
  readonly attempts: number
}

export type JobProgress = Pick<JobRecord, 'progress' | 'size' | 'done' | 'inserted' | 'updated' | 'failed'>

export interface JobError {
  /** Its order among the others. */
  readonly place: number
  readonly error: JsonObject
}

export interface Jobs {
  /** One that is pending is due at once; one that is over was done in the transaction that makes it. */
  create(job: NewJob): Promise<void>
  /**
   * As `create`, unless that many of the tenant's are not over, those that are being received included. However many are
   * asked for at once, no more than these are begun.
   */
  createWithin(most: number, job: NewJob): Promise<'created' | 'full'>
  find(tenant: string, id: string): Promise<JobRecord | undefined>
  /** Its input is whole: it is pending, and due at once. `false` when it was not being received any more. */
  submit(
    job: Pick<JobRecord, 'tenant' | 'id' | 'connection' | 'asked' | 'size' | 'keptUntil'>,
    at: Instant,
  ): Promise<boolean>
  /**
   * The one that has been due for the longest, to exactly one of any number of callers: it is due again at `leaseUntil`,
   * by which whoever claimed it has advanced, released or finished it, or is gone.
   */
  claim(now: Instant, leaseUntil: Instant): Promise<ClaimedJob | undefined>
  /** When the next one is due, of whichever tenant. */
  nextDue(): Promise<Instant | undefined>
  /** For a process that has the database to itself and has just begun: whatever is being worked on is due now. */
  abandonAll(now: Instant): Promise<void>
  /** How far the work has come, and a longer lease. `false`, and nothing is written, when somebody else has claimed it since. */
  advance(claimed: ClaimedJob, progress: JobProgress, leaseUntil: Instant): Promise<boolean>
  /** Nobody works on it until it is due again. `false` as for `advance`. */
  release(claimed: ClaimedJob, dueAt: Instant): Promise<boolean>
  /** `false` as for `advance`. */
  finish(
    claimed: ClaimedJob,
    outcome: { readonly status: 'completed' | 'failed'; readonly failure: string | null; readonly keptUntil: Instant },
    at: Instant,
  ): Promise<boolean>
  /** Removes it with its errors; its parts are the purge's. For one that was being received and will not be. */
  remove(tenant: string, id: string): Promise<void>

  /** Input or output, in pieces; `place` orders them. */
  addPart(tenant: string, job: string, place: number, bytes: Uint8Array): Promise<void>
  partAt(tenant: string, job: string, place: number): Promise<Uint8Array | undefined>
  /** Where the place of a part is that of its first byte: bytes of one part from that one on, at most so many; none behind the end. */
  bytesAt(tenant: string, job: string, from: number, most: number): Promise<Uint8Array>

  addErrors(tenant: string, job: string, errors: readonly JobError[]): Promise<void>
  /** In their order, those behind that place. */
  errorsOf(tenant: string, job: string, after: number, limit: number): Promise<JobError[]>

  /**
   * Removes what nobody keeps any more: jobs with all that belongs to them, parts without a job, and the input of imports
   * that are over. Answers how much, at most `limit`; as many as that means there may be more.
   */
  purge(now: Instant, limit: number): Promise<number>
}

const toJob = (row: JobsTable): ClaimedJob => ({
  tenant: row.tenant,
  id: row.id,
  type: row.type as JobType,
  status: row.status as JobStatus,
  connection: row.connection,
  asked: toObject(row.asked),
  askedBy: toObject(row.asked_by),
  progress: toObject(row.progress),
  size: row.size,
  done: row.done,
  inserted: row.inserted,
  updated: row.updated,
  failed: row.failed,
  failure: row.failure,
  createdAt: row.created_at,
  startedAt: row.started_at,
  endedAt: row.ended_at,
  keptUntil: row.kept_until,
  attempts: row.attempts,
})

const toRecord = (row: JobsTable): JobRecord => {
  const { attempts: _, ...job } = toJob(row)
  return job
}

const OVER = ['completed', 'failed']
/** Of a few megabytes together. */
const PARTS_AT_ONCE = 32

async function countOpen(db: Database, tenant: string): Promise<number> {
  const { open } = await db
    .selectFrom('jobs')
    .select(row => row.fn.countAll<number>().as('open'))
    .where('tenant', '=', tenant)
    .where('status', 'in', ['receiving', 'pending', 'processing'])
    .executeTakeFirstOrThrow()
  return Number(open)
}

export const jobsIn = (db: Database): Jobs => {
  const held = ({ tenant, id, attempts }: ClaimedJob) =>
    db
      .updateTable('jobs')
      .where('tenant', '=', tenant)
      .where('id', '=', id)
      .where('attempts', '=', attempts)
      .where('status', '=', 'processing')
      .returning('id')

  return {
    async create(job) {
      await db
        .insertInto('jobs')
        .values({
          tenant: job.tenant,
          id: job.id,
          type: job.type,
          status: job.status,
          connection: job.connection,
          asked: toText(job.asked),
          asked_by: toText(job.askedBy),
          progress: '{}',
          size: job.size,
          done: 0,
          inserted: 0,
          updated: 0,
          failed: 0,
          failure: job.failure,
          created_at: job.createdAt,
          started_at: OVER.includes(job.status) ? job.createdAt : null,
          ended_at: OVER.includes(job.status) ? job.createdAt : null,
          attempts: 0,
          due_at: job.status === 'pending' ? job.createdAt : null,
          kept_until: job.keptUntil,
        })
        .execute()
    },

    async find(tenant, id) {
      const row = await db
        .selectFrom('jobs')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('id', '=', id)
        .executeTakeFirst()
      return row && toRecord(row)
    },

    createWithin: (most, job) =>
      atomically(db, async transaction => {
        await takeTurn(transaction, `jobs of ${job.tenant}`)
        if ((await countOpen(transaction, job.tenant)) >= most) return 'full'
        await jobsIn(transaction).create(job)
        return 'created'
      }),

    async submit({ tenant, id, connection, asked, size, keptUntil }, at) {
      const submitted = await db
        .updateTable('jobs')
        .set({ status: 'pending', connection, asked: toText(asked), size, due_at: at, kept_until: keptUntil })
        .where('tenant', '=', tenant)
        .where('id', '=', id)
        .where('status', '=', 'receiving')
        .returning('id')
        .executeTakeFirst()
      return submitted !== undefined
    },

    async claim(now, leaseUntil) {
      const row = await db
        .updateTable('jobs')
        .set(job => ({
          status: 'processing',
          attempts: job('attempts', '+', 1),
          due_at: leaseUntil,
          started_at: job.fn.coalesce('started_at', job.val(now)),
        }))
        .where(job =>
          job(
            job.refTuple('tenant', 'id'),
            'in',
            job
              .selectFrom('jobs')
              .select(['tenant', 'id'])
              .where('due_at', '<=', now)
              .orderBy('due_at')
              .orderBy('id')
              .limit(1)
              .$call(skippingLockedIn(db))
              .$asTuple('tenant', 'id'),
          ),
        )
        .returningAll()
        .executeTakeFirst()
      return row && toJob(row)
    },

    async nextDue() {
      const next = await db
        .selectFrom('jobs')
        .select('due_at')
        .where('due_at', 'is not', null)
        .orderBy('due_at')
        .limit(1)
        .executeTakeFirst()
      return next?.due_at ?? undefined
    },

    async abandonAll(now) {
      await db.updateTable('jobs').set({ due_at: now }).where('status', '=', 'processing').execute()
    },

    async advance(claimed, { progress, size, done, inserted, updated, failed }, leaseUntil) {
      const advanced = await held(claimed)
        .set({ progress: toText(progress), size, done, inserted, updated, failed, due_at: leaseUntil })
        .executeTakeFirst()
      return advanced !== undefined
    },

    release: async (claimed, dueAt) => (await held(claimed).set({ due_at: dueAt }).executeTakeFirst()) !== undefined,

    async finish(claimed, { status, failure, keptUntil }, at) {
      const finished = await held(claimed)
        .set({ status, failure, kept_until: keptUntil, ended_at: at, due_at: null })
        .executeTakeFirst()
      return finished !== undefined
    },

    async remove(tenant, id) {
      await db.deleteFrom('job_errors').where('tenant', '=', tenant).where('job', '=', id).execute()
      await db.deleteFrom('jobs').where('tenant', '=', tenant).where('id', '=', id).execute()
    },

    async addPart(tenant, job, place, bytes) {
      await db.insertInto('job_parts').values({ tenant, job, place, bytes }).execute()
    },

    async partAt(tenant, job, place) {
      const part = await db
        .selectFrom('job_parts')
        .select('bytes')
        .where('tenant', '=', tenant)
        .where('job', '=', job)
        .where('place', '=', place)
        .executeTakeFirst()
      return part?.bytes
    },

    async bytesAt(tenant, job, from, most) {
      const part = await db
        .selectFrom('job_parts')
        .select(
          sql<Uint8Array>`substr(bytes, cast(${from} - place as integer) + 1, cast(${most} as integer))`.as('bytes'),
        )
        .where('tenant', '=', tenant)
        .where('job', '=', job)
        .where('place', '<=', from)
        .orderBy('place', 'desc')
        .limit(1)
        .executeTakeFirst()
      return part?.bytes ?? new Uint8Array()
    },

    async addErrors(tenant, job, errors) {
      if (errors.length === 0) return
      await db
        .insertInto('job_errors')
        .values(errors.map(({ place, error }) => ({ tenant, job, place, error: toText(error) })))
        .execute()
    },

    async errorsOf(tenant, job, after, limit) {
      const rows = await db
        .selectFrom('job_errors')
        .select(['place', 'error'])
        .where('tenant', '=', tenant)
        .where('job', '=', job)
        .where('place', '>', after)
        .orderBy('place')
        .limit(limit)
        .execute()
      return rows.map(({ place, error }) => ({ place, error: toObject(error) }))
    },

    async purge(now, limit) {
      const parts = await db
        .deleteFrom('job_parts')
        .where(row =>
          row(
            row.refTuple('tenant', 'job', 'place'),
            'in',
            row
              .selectFrom('job_parts')
              .leftJoin('jobs', join =>
                join.onRef('jobs.tenant', '=', 'job_parts.tenant').onRef('jobs.id', '=', 'job_parts.job'),
              )
              .select(['job_parts.tenant', 'job_parts.job', 'job_parts.place'])
              .where(job =>
                job.or([
                  job('jobs.id', 'is', null),
                  job('jobs.kept_until', '<=', now),
                  job.and([job('jobs.type', '=', 'users_import'), job('jobs.status', 'in', OVER)]),
                ]),
              )
              .limit(PARTS_AT_ONCE)
              .$asTuple('tenant', 'job', 'place'),
          ),
        )
        .returning('place')
        .execute()
      if (parts.length === PARTS_AT_ONCE) return limit
      const errors = await db
        .deleteFrom('job_errors')
        .where(row =>
          row(
            row.refTuple('tenant', 'job', 'place'),
            'in',
            row
              .selectFrom('job_errors')
              .innerJoin('jobs', join =>
                join.onRef('jobs.tenant', '=', 'job_errors.tenant').onRef('jobs.id', '=', 'job_errors.job'),
              )
              .select(['job_errors.tenant', 'job_errors.job', 'job_errors.place'])
              .where('jobs.kept_until', '<=', now)
              .limit(limit)
              .$asTuple('tenant', 'job', 'place'),
          ),
        )
        .returning('place')
        .execute()
      if (errors.length === limit) return limit
      const removed = await db
        .deleteFrom('jobs')
        .where(row =>
          row(
            row.refTuple('tenant', 'id'),
            'in',
            row
              .selectFrom('jobs')
              .select(['tenant', 'id'])
              .where('kept_until', '<=', now)
              .limit(limit)
              .$call(skippingLockedIn(db))
              .$asTuple('tenant', 'id'),
          ),
        )
        .returning('id')
        .execute()
      return removed.length
    },
  }
}
