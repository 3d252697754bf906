/** THE LIST of what jobs do, and whose turn it is. Loaded when there is a job. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { exportedUsersEnded, importedUsersEnded } from '../../audit/events.ts'
import type { Instant } from '../../kernel/clock.ts'
import { UnavailableError } from '../../kernel/errors.ts'
import { SECOND } from '../../kernel/seconds.ts'
import type { ClaimedJob, JobType } from '../../store/jobs.ts'
import { exportUsers } from './export-users.ts'
import { importUsers } from './import-users.ts'
import { JobLost, type JobServices, occasionOfJob, type Turn } from './job.ts'

type Work = (services: JobServices, job: ClaimedJob, turn: Turn) => Promise<'over' | 'goes-on'>

const WORK: Readonly<Partial<Record<JobType, Work>>> = {
  users_import: importUsers,
  users_export: exportUsers,
}

/** Then whichever has waited longest goes on. */
const TURN = SECOND

/** Gives one job a turn. Answers when there is something to do again; undefined when there is nothing. */
export async function workOnJobs(services: JobServices): Promise<Instant | undefined> {
  const { store, clock, lease, log } = services
  const began = clock()
  const job = await store.jobs.claim(began, began + lease)
  if (!job) return store.jobs.nextDue()
  const turn = { isOver: (now: Instant) => now - began >= TURN, giveWay: () => nextTurn() }
  try {
    const work = WORK[job.type]
    if (!work) throw new TypeError(`Nothing is known of jobs of type ${job.type}`)
    if ((await work(services, job, turn)) === 'goes-on') await store.jobs.release(job, clock())
  } catch (error) {
    // Whoever claimed it goes on. While the database is away, so does whoever comes when its lease is over.
    if (error instanceof JobLost) return clock()
    if (error instanceof UnavailableError) throw error
    log.error({ tenant: job.tenant, job: job.id, error }, 'a job failed')
    await giveUp(services, job)
  }
  return clock()
}

/** What it has done stays done, and says so. */
async function giveUp({ store, clock, keptFor }: JobServices, claimed: ClaimedJob): Promise<void> {
  const now = clock()
  const failure = `An unexpected failure; the log has it under ${claimed.id}.`
  await store.transaction(async transaction => {
    const outcome = { status: 'failed', failure, keptUntil: now + keptFor } as const
    const job = await transaction.jobs.find(claimed.tenant, claimed.id)
    if (!job || !(await transaction.jobs.finish(claimed, outcome, now))) return
    const by = occasionOfJob(claimed, now)
    const { id, type, inserted, updated, failed, done: users } = job
    await transaction.events.record([
      type === 'users_import'
        ? importedUsersEnded(...by, id, { outcome: 'failed', failure, inserted, updated, failed })
        : exportedUsersEnded(...by, id, { outcome: 'failed', failure, users }),
    ])
  })
}
