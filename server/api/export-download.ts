/**
 * `GET /exports/{ticket}`: what an export has written. Whoever may read the job is given the address, which is good once
 * and for a minute, as a browser or a tool that fetches it has no token to show.
 */
import { Readable } from 'node:stream'
import { exportedUsersDownloaded, occasionOf } from '../audit/events.ts'
import type { Incoming, Route } from '../http/route.ts'
import type { Clock, Instant } from '../kernel/clock.ts'
import { PageError } from '../kernel/errors.ts'
import { MINUTE } from '../kernel/seconds.ts'
import { randomSecret, sha256 } from '../kernel/secrets.ts'
import type { JobRecord } from '../store/jobs.ts'
import type { Store } from '../store/store.ts'

const EXPORT_TICKET = 'export'
/** As Auth0's links. */
const LINK_LIFE = MINUTE

/** The address of it, for whoever asked. */
export async function ticketForExport(
  store: Store,
  { issuer }: Pick<Incoming, 'issuer'>,
  { tenant, id }: JobRecord,
  now: Instant,
): Promise<string> {
  const secret = randomSecret()
  await store.tickets.issue({
    tenant,
    kind: EXPORT_TICKET,
    id: sha256(secret),
    data: { job: id },
    createdAt: now,
    expiresAt: now + LINK_LIFE,
  })
  return `${issuer}exports/${secret}`
}

export const exportDownloadRoute = ({ store, clock }: { readonly store: Store; readonly clock: Clock }): Route => ({
  method: 'GET',
  path: '/exports/:ticket',
  speaks: 'json',
  // A HEAD would spend it.
  isStream: true,
  async answer(incoming) {
    const { tenant } = incoming
    const now = clock()
    const id = sha256(incoming.path['ticket'] ?? '')
    const ticket = await store.tickets.peek<{ job: string }>(tenant, EXPORT_TICKET, id, now)
    const job = ticket && (await store.jobs.find(tenant, ticket.data.job))
    const isOurs =
      job &&
      (await store.transaction(async transaction => {
        if ((await transaction.tickets.consume(tenant, EXPORT_TICKET, id, now)) !== 'consumed') return false
        await transaction.events.record([exportedUsersDownloaded(occasionOf(incoming, now), job.id)])
        return true
      }))
    if (!isOurs) throw new PageError('not_found', 'This address was used, or is over. Ask for the job again.')
    return {
      status: 200,
      headers: {
        'content-type': 'application/gzip',
        'content-disposition': `attachment; filename="${job.id}.${job.asked['format'] === 'csv' ? 'csv' : 'json'}.gz"`,
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      },
      body: Readable.from(partsOf(store, job)),
    }
  },
})

async function* partsOf(store: Store, { tenant, id, progress }: JobRecord): AsyncGenerator<Uint8Array> {
  const parts = Number(progress['parts'] ?? 0)
  for (let place = 0; place < parts; place++) {
    const part = await store.jobs.partAt(tenant, id, place)
    // Purged meanwhile: the answer breaks off, so that nobody takes it for all there was.
    if (!part) throw new Error(`The export ${id} is there no more`)
    yield part
  }
}
