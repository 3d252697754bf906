/** Whether there is a job to work on: all that a server which is asked for none ever loads of them. */

import type { Job } from '../../kernel/jobs.ts'
import { HOUR, MINUTE } from '../../kernel/seconds.ts'
import type { JobServices } from './job.ts'

/** Announced in the transaction that makes a job due. */
export const JOB_TOPIC = 'job'
/** As Auth0 keeps them. */
export const JOB_KEPT = 24 * HOUR
/** Far longer than some hundred rows take, so that a job is taken over only from who is gone. */
const LEASE = MINUTE

export function createJobQueue(services: Omit<JobServices, 'lease' | 'keptFor'>): Job {
  const { store, clock } = services
  // Nobody else works on an embedded database: whoever was at it is gone, and nobody waits for their lease to end.
  let isFirst = store.dialect === 'sqlite'
  return {
    name: 'user jobs',
    async run() {
      const due = await store.jobs.nextDue()
      if (due === undefined) {
        isFirst = false
        return undefined
      }
      if (isFirst) await store.jobs.abandonAll(clock())
      else if (due > clock()) return due
      isFirst = false
      return (await import('./work.ts')).workOnJobs({ ...services, lease: LEASE, keptFor: JOB_KEPT })
    },
  }
}
