/** A server that is killed in the middle of an import, and started again: nobody is lost, and nobody is there twice. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { stringify } from 'yaml'
import { MANAGEMENT_SCOPES } from '../../server/clients/management-scopes.ts'
import { end, serve } from '../fixtures/process.ts'
import { newEnvironment } from '../fixtures/server.ts'

const MACHINE = { client_id: 'importer', client_secret: 'the secret of a machine that imports people' }
const USERS = 3000

test('an import goes on where it was when its server was killed', async t => {
  const { environment, discard } = await newEnvironment('sqlite', {}, { isMigrated: true })
  const issuer = environment['LATCHKEY_ISSUER'] ?? ''
  const audience = `${issuer}api/v2/`
  const file = join(environment['LATCHKEY_DATA'] ?? '', 'tenant.yaml')
  writeFileSync(
    file,
    stringify({
      clients: [{ ...MACHINE, name: 'Importer', app_type: 'non_interactive' }],
      clientGrants: [{ client_id: MACHINE.client_id, audience, scope: Object.keys(MANAGEMENT_SCOPES) }],
    }),
  )
  let server = await serve({ ...environment, LATCHKEY_APPLY: file })
  t.after(async () => {
    await end(server.child, 'SIGKILL')
    await discard()
  })
  const tokens = await fetch(new URL('oauth/token', issuer), {
    method: 'POST',
    body: new URLSearchParams({ ...MACHINE, grant_type: 'client_credentials', audience }),
  })
  const { access_token: token } = (await tokens.json()) as { access_token: string }
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(new URL(`api/v2${path}`, issuer), { ...init, headers: { authorization: `Bearer ${token}`, ...init.headers } })
  const read = async (path: string) => (await (await ask(path)).json()) as never

  const [connection] = (await read('/connections?strategy=auth0')) as { id: string }[]
  const form = new FormData()
  const line = (index: number) =>
    index % 100 === 50 ? '{"email":"nobody"}' : `{"email":"person${index}@example.com","given_name":"Person ${index}"}`
  form.append('users', new Blob([Array.from({ length: USERS }, (_, index) => line(index)).join('\n')]), 'users.json')
  form.append('connection_id', connection?.id ?? '')
  const begun = await ask('/jobs/users-imports', { method: 'POST', body: form })
  assert.equal(begun.status, 202)
  const { id } = (await begun.json()) as { id: string }
  interface Job {
    readonly status: string
    readonly summary: { readonly total: number }
  }
  const until = async (isSo: (job: Job) => boolean): Promise<Job> => {
    for (;;) {
      const job = (await read(`/jobs/${id}`)) as Job
      if (isSo(job)) return job
      await pause(2)
    }
  }
  const some = await until(({ summary }) => summary.total > 0)
  const exited = once(server.child, 'exit')
  server.child.kill('SIGKILL')
  await exited
  // Unless the machine was quicker than the question, it was in the middle.
  if (some.status === 'processing') assert.ok(some.summary.total < USERS)

  server = await serve(environment)
  const over = await until(({ status }) => status === 'completed')
  assert.deepEqual(over.summary, { total: USERS, inserted: USERS - 30, updated: 0, failed: 30 })
  const errors = (await read(`/jobs/${id}/errors`)) as { line: number }[]
  assert.deepEqual(
    errors.map(error => error.line),
    Array.from({ length: 30 }, (_, index) => index * 100 + 51),
  )
  const { total } = (await read('/users?q=given_name:Person*&include_totals=true')) as { total: number }
  assert.equal(total, USERS - 30)
})
