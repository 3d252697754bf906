/**
 * `/jobs`: what takes longer than an answer. A file to import is written down as it comes and worked on later, by whichever
 * node has the time; what becomes of a job is `identity/jobs/`'s.
 */
import Type, { type Static } from 'typebox'
import { exportedUsersBegun, importedUsersBegun, verificationMailAsked } from '../audit/events.ts'
import { FormFault, readForm } from '../http/multipart.ts'
import { askForVerification } from '../identity/email-verification.ts'
import { askedByOf, MOST_ERRORS } from '../identity/jobs/job.ts'
import { JOB_KEPT, JOB_TOPIC } from '../identity/jobs/queue.ts'
import { beginsAsRows } from '../identity/jobs/rows.ts'
import { DATABASE_STRATEGY } from '../identity/users.ts'
import { newId } from '../kernel/ids.ts'
import type { JsonObject } from '../kernel/json.ts'
import { HOUR, SECOND } from '../kernel/seconds.ts'
import type { ConnectionRecord } from '../store/connections.ts'
import type { JobRecord, JobType, NewJob } from '../store/jobs.ts'
import type { Nouns } from '../store/store.ts'
import { chooseLanguage } from '../words/languages.ts'
import { ticketForExport } from './export-download.ts'
import { ManagementFault, notFound } from './fault.ts'
import { mailIssuer } from './mail-issuer.ts'
import { type Call, type Operation, operation } from './operation.ts'
import type { ApiServices } from './services.ts'

/** Of a tenant, being received and waiting included: what is behind them is asked for again. */
const MOST_OPEN = 10
/** What is being received is forgotten then, whoever has stopped sending it. */
const LONGEST_RECEIVING = 2 * HOUR
/** In bytes: what is sent lies in the database in pieces of that size. */
const PART = 256 * 1024
/** The database's log holds what is written for a while, beside the database. */
const ROOM_FOR_EACH_BYTE = 2
const ROOM_TO_SPARE = 64 * 1024 * 1024

const JOB = Type.Object({
  id: Type.String(),
  type: Type.String(),
  status: Type.String(),
  created_at: Type.String(),
})

const IMPORT = Type.Object({
  users: Type.String({ description: 'A JSON array of users, or one user a line.' }),
  connection_id: Type.String(),
  upsert: Type.Optional(Type.Boolean()),
  external_id: Type.Optional(Type.String()),
  send_completion_email: Type.Optional(Type.Boolean()),
})

const EXPORT = Type.Object(
  {
    connection_id: Type.Optional(Type.String()),
    format: Type.Optional(Type.Enum(['json', 'csv'])),
    limit: Type.Optional(Type.Integer({ minimum: 1 })),
    fields: Type.Optional(
      Type.Array(
        Type.Object(
          {
            name: Type.String({ minLength: 1, maxLength: 200 }),
            export_as: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
          },
          { additionalProperties: false },
        ),
        { minItems: 1, maxItems: 100 },
      ),
    ),
  },
  { additionalProperties: false },
)

const VERIFICATION = Type.Object(
  {
    user_id: Type.String(),
    client_id: Type.Optional(Type.String()),
    identity: Type.Optional(
      Type.Object(
        { user_id: Type.String(), provider: Type.String(), connection_id: Type.Optional(Type.String()) },
        { additionalProperties: false },
      ),
    ),
    organization_id: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
)

export const jobs: readonly Operation[] = [
  operation({
    method: 'POST',
    path: '/jobs/users-imports',
    summary: 'Import users from a file',
    scopes: ['create:users'],
    body: IMPORT,
    takesForm: true,
    answers: { 202: JOB },
    async run(call, services) {
      // Told before it is sent, where its length is said.
      await hasRoom(services, Number(call.incoming.header('content-length') ?? 0))
      const job = await receive(call, services)
      return { status: 202, body: await toWire(job, call, services) }
    },
  }),

  operation({
    method: 'POST',
    path: '/jobs/users-exports',
    summary: 'Export users to a file',
    scopes: ['read:users'],
    body: EXPORT,
    bodyMayBeLeftOut: true,
    answers: { 200: JOB },
    async run(call, services) {
      const { connection_id: connection = null, ...asked } = call.body
      if (connection !== null && !(await services.store.connections.find(call.tenant, connection)))
        throw invalidBody('connection_id is the id of no connection.')
      const job = newJob(call, 'users_export', { connection, asked: { format: 'json', ...asked } as JsonObject })
      await services.store.transaction(async transaction => {
        await begin(transaction, job)
        await transaction.events.record([
          exportedUsersBegun(call.occasion, call.client.id, job.id, { connection, ...job.asked }),
        ])
        transaction.announce({ topic: JOB_TOPIC, tenant: job.tenant, id: job.id })
      })
      return { status: 200, body: await toWire(await find(call, services, job.id), call, services) }
    },
  }),

  operation({
    method: 'POST',
    path: '/jobs/verification-email',
    summary: 'Send a user the mail that asks whether the address is theirs',
    scopes: ['update:users'],
    body: VERIFICATION,
    answers: { 201: JOB },
    async run(call, services) {
      const job = await sendVerification(call, services)
      return { status: 201, body: await toWire(job, call, services) }
    },
  }),

  operation({
    method: 'GET',
    path: '/jobs/:id',
    summary: 'Read a job',
    scopes: ['create:users', 'read:users', 'update:users'],
    answers: { 200: JOB },
    async run(call, services) {
      const job = await find(call, services, call.path('id'))
      // Of a job everybody who begins some may know how it goes; what was exported is for who may read it.
      const location =
        job.type === 'users_export' && job.status === 'completed' && call.scopes.includes('read:users')
          ? await ticketForExport(services.store, call.incoming, job, call.now)
          : undefined
      return { status: 200, body: { ...(await toWire(job, call, services)), location } }
    },
  }),

  operation({
    method: 'GET',
    path: '/jobs/:id/errors',
    summary: 'List what of a job went wrong',
    scopes: ['create:users', 'read:users', 'update:users'],
    answers: { 200: Type.Union([Type.Array(Type.Object({ errors: Type.Array(Type.Unknown()) })), JOB]), 204: null },
    async run(call, services) {
      const job = await find(call, services, call.path('id'))
      const errors = await services.store.jobs.errorsOf(job.tenant, job.id, 0, MOST_ERRORS)
      if (errors.length > 0)
        return { status: 200, body: errors.map(({ place, error }) => ({ ...error, position: place })) }
      if (job.failure !== null) return { status: 200, body: await toWire(job, call, services) }
      return { status: 204 }
    },
  }),
]

type AnyCall = Call<unknown, unknown>

const invalidBody = (message: string) =>
  new ManagementFault(400, 'invalid_body', `Payload validation error: ${message}`)

async function find({ tenant }: AnyCall, { store }: ApiServices, id: string): Promise<JobRecord> {
  const job = await store.jobs.find(tenant, id)
  if (!job || job.status === 'receiving') throw notFound('inexistent_job', 'The job does not exist.')
  return job
}

const newJob = (
  { tenant, client, occasion, now }: AnyCall,
  type: JobType,
  more: Pick<NewJob, 'connection' | 'asked'> & Partial<NewJob>,
): NewJob => ({
  tenant,
  id: newId('job'),
  type,
  status: 'pending',
  askedBy: askedByOf(occasion, client.id),
  size: 0,
  failure: null,
  createdAt: now,
  keptUntil: now + JOB_KEPT,
  ...more,
})

async function begin({ jobs }: Nouns, job: NewJob): Promise<void> {
  if ((await jobs.createWithin(MOST_OPEN, job)) === 'full')
    throw new ManagementFault(
      429,
      'too_many_jobs',
      `There are ${MOST_OPEN} jobs that are not over. Wait until some of them are.`,
      { 'retry-after': '10' },
    )
}

/** For so many bytes more. */
async function hasRoom({ imports }: ApiServices, length: number): Promise<void> {
  const room = await imports.roomLeft()
  if (room !== null && room - ROOM_TO_SPARE < ROOM_FOR_EACH_BYTE * length)
    throw new ManagementFault(413, 'insufficient_storage', 'There is no room for the file on the disk of this server.')
}

/** Whatever goes wrong until the file is whole and understood, nothing is left of it but for the purge. */
async function receive(call: AnyCall, services: ApiServices): Promise<JobRecord> {
  const { store } = services
  const receiving = newJob(call, 'users_import', {
    connection: null,
    asked: {},
    status: 'receiving',
    keptUntil: call.now + LONGEST_RECEIVING,
  })
  await begin(store, receiving)
  try {
    const { fields, size } = await writeDown(call, services, receiving)
    const { connection, asked } = await readFields(call, services, fields)
    const at = services.clock()
    const job = { ...receiving, connection: connection.id, asked, size, keptUntil: at + JOB_KEPT }
    await store.transaction(async transaction => {
      if (!(await transaction.jobs.submit(job, at))) throw invalidBody('It took too long to send.')
      const told = { connection: connection.id, bytes: size, ...asked }
      await transaction.events.record([importedUsersBegun(call.occasion, call.client.id, job.id, told)])
      transaction.announce({ topic: JOB_TOPIC, tenant: job.tenant, id: job.id })
    })
    return await find(call, services, job.id)
  } catch (error) {
    await store.jobs.remove(receiving.tenant, receiving.id)
    if (!(error instanceof FormFault)) throw error
    throw error.isTooLarge ? new ManagementFault(413, 'payload_too_large', error.message) : invalidBody(error.message)
  }
}

async function writeDown(
  { incoming }: AnyCall,
  services: ApiServices,
  { tenant, id }: NewJob,
): Promise<{ readonly fields: Map<string, string>; readonly size: number }> {
  const { store, imports } = services
  let size = 0
  // One for all of it: whoever sends a byte at a time would have each kept as what describes a hundred.
  const part = Buffer.allocUnsafeSlow(PART)
  let filled = 0
  const flush = async () => {
    if (filled === 0) return
    const bytes = part.subarray(0, filled)
    // Told at once, and not after a gigabyte of it: an archive, or another kind of file.
    if (size === 0 && !beginsAsRows(bytes))
      throw new FormFault('users must be a JSON array of users, or one user a line (NDJSON); an archive is neither.')
    // Of no length that was said, or beside others: a full disk would hold up everybody's sign-ins.
    await hasRoom(services, bytes.length)
    await store.jobs.addPart(tenant, id, size, bytes)
    size += filled
    filled = 0
  }
  const take = async (chunk: Buffer) => {
    for (let from = 0; from < chunk.length; ) {
      const copied = chunk.copy(part, filled, from)
      filled += copied
      from += copied
      if (filled === PART) await flush()
    }
  }
  const fields = await readForm(incoming, {
    file: 'users',
    fields: ['connection_id', 'upsert', 'external_id', 'send_completion_email'],
    largest: imports.largest,
    take,
  })
  await flush()
  if (size === 0) throw new FormFault('The file users is empty.')
  return { fields, size }
}

async function readFields(
  { tenant, scopes }: AnyCall,
  { store }: ApiServices,
  fields: Map<string, string>,
): Promise<{ readonly connection: ConnectionRecord; readonly asked: JsonObject }> {
  const id = fields.get('connection_id')
  if (!id) throw invalidBody('connection_id is missing.')
  const connection = await store.connections.find(tenant, id)
  if (connection?.strategy !== DATABASE_STRATEGY)
    throw invalidBody('connection_id is not the id of a database of passwords.')
  const upsert = flagOf(fields, 'upsert', false)
  // Whoever may only create people blocks nobody who is there, and gives nobody another address.
  if (upsert && !scopes.includes('update:users'))
    throw new ManagementFault(
      403,
      'insufficient_scope',
      'Insufficient scope, expected any of: update:users, for upsert',
    )
  const externalId = fields.get('external_id')
  return {
    connection,
    asked: {
      upsert,
      send_completion_email: flagOf(fields, 'send_completion_email', true),
      ...(externalId && { external_id: externalId.toWellFormed().replaceAll('\0', '\uFFFD') }),
    },
  }
}

function flagOf(fields: Map<string, string>, name: string, fallback: boolean): boolean {
  const given = fields.get(name) ?? ''
  if (given === '') return fallback
  if (given !== 'true' && given !== 'false') throw invalidBody(`${name} must be true or false.`)
  return given === 'true'
}

async function sendVerification(
  call: Call<unknown, Static<typeof VERIFICATION>>,
  { store, clients }: ApiServices,
): Promise<JobRecord> {
  const { tenant, body, occasion } = call
  const user = await store.users.find(tenant, body.user_id)
  if (!user) throw notFound('inexistent_user', 'The user does not exist.')
  const { email } = user
  if (email === null) throw invalidBody('The user has no e-mail address.')
  if (body.client_id !== undefined && !(await clients.find(tenant, body.client_id)))
    throw invalidBody('client_id is the id of no client.')
  if (body.organization_id !== undefined && !(await store.organizations.find(tenant, body.organization_id)))
    throw invalidBody('organization_id is the id of no organization.')
  const meant = body.identity
  const identities = meant ? await store.users.identitiesOf(tenant, user.id) : []
  if (meant && !identities.some(({ subject, provider }) => subject === meant.user_id && provider === meant.provider))
    throw invalidBody('The user has no such identity.')

  const job = newJob(call, 'verification_email', { connection: null, asked: { user_id: user.id } })
  const issuer = await mailIssuer(call, { store })
  return store.transaction(async transaction => {
    // What a stranger may ask for by the network they come from is no limit of the operator's.
    const byOperator = { ...occasion, address: null, userAgent: null }
    const correspondence = { issuer, language: chooseLanguage({}) }
    const isSent = await askForVerification(transaction, { id: user.id, email }, correspondence, byOperator)
    const failure = isSent ? null : 'Too many of these went to that address within the hour.'
    await transaction.jobs.create({ ...job, status: isSent ? 'completed' : 'failed', failure })
    await transaction.events.record([verificationMailAsked(occasion, call.client.id, user.id, email)])
    return (await transaction.jobs.find(tenant, job.id)) as JobRecord
  })
}

async function toWire(job: JobRecord, { now }: AnyCall, { store }: ApiServices): Promise<JsonObject> {
  const connection = job.connection === null ? undefined : await store.connections.find(job.tenant, job.connection)
  const { format, limit, fields, external_id: externalId } = job.asked
  return {
    id: job.id,
    type: job.type,
    status: job.status,
    created_at: new Date(job.createdAt).toISOString(),
    connection_id: job.connection ?? undefined,
    connection: connection?.name,
    external_id: externalId,
    format,
    limit,
    fields,
    status_details: job.failure ?? undefined,
    ...progressOf(job, now),
    ...(job.type === 'users_import' && {
      summary: {
        total: job.inserted + job.updated + job.failed,
        inserted: job.inserted,
        updated: job.updated,
        failed: job.failed,
      },
    }),
  }
}

function progressOf({ status, size, done, startedAt, type }: JobRecord, now: number): JsonObject {
  if (type === 'verification_email') return {}
  if (status === 'completed') return { percentage_done: 100, time_left_seconds: 0 }
  if (status !== 'processing' || size === 0 || startedAt === null) return { percentage_done: 0 }
  const share = Math.min(1, done / size)
  return {
    percentage_done: Math.min(99, Math.floor(100 * share)),
    ...(share > 0 && { time_left_seconds: Math.ceil(((now - startedAt) * (1 - share)) / share / SECOND) }),
  }
}
