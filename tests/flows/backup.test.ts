/** A backup taken while people use the server, restored elsewhere, into the other kind of database: who can still do what. */
import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { compose, type Latchkey } from '../../server/compose.ts'
import { loadSettings } from '../../server/config/load.ts'
import { silentLog } from '../../server/kernel/log.ts'
import { createPerson } from '../fixtures/person.ts'
import { createDatabase } from '../fixtures/postgres.ts'
import { run } from '../fixtures/process.ts'
import { onEachStore, type RunningServer, startServer } from '../fixtures/server.ts'
import { applicationAt, postToken, signIn, userinfoStatus } from './stage.ts'
import { JO, SECRETS, TENANT_FILE, VIDEOS } from './tenant.ts'

onEachStore('A backup of a server that is in use', store => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-backup-'))
  const file = join(folder, 'backup')
  const databases: Awaited<ReturnType<typeof createDatabase>>[] = []
  let server: RunningServer
  let kept = ''
  let accessToken = ''
  let restored: Latchkey | undefined
  before(async () => {
    server = await startServer({ store, tenantFile: TENANT_FILE })
  })
  after(async () => {
    await restored?.close()
    for (const database of databases) await database.drop()
    await server?.close()
    rmSync(folder, { recursive: true })
  })

  const refresh = (token: string) =>
    postToken(server.issuer, { grant_type: 'refresh_token', client_id: 'spa', refresh_token: token })
  const signInAsJo = async () => signIn(await applicationAt(server.issuer, 'spa'), createPerson(server.issuer), JO)

  test('is taken beside it while refresh tokens go round, of which none is spent for nothing', async () => {
    const signedIn = [await signInAsJo(), await signInAsJo()]
    const [first, second] = signedIn.map(({ tokens }) => tokens)
    kept = first?.refresh_token ?? ''
    accessToken = first?.access_token ?? ''
    let isOver = false
    let rounds = 0
    const using = (async () => {
      for (let token = second?.refresh_token ?? ''; !isOver; rounds++) {
        const { status, body } = await refresh(token)
        assert.equal(status, 200, JSON.stringify(body))
        token = String(body['refresh_token'])
      }
    })()
    const { code, out, err } = await run(['backup', file], server.environment)
    const during = rounds
    isOver = true
    await using
    assert.deepEqual([code, err], [0, ''])
    assert.match(out, /the master key master_\S+ is needed, which is not in it/)
    assert.ok(during > 1, 'nobody had to wait')
  })

  /** Everything elsewhere but the master key and the address. */
  async function restoreElsewhere(...options: string[]) {
    await (restored ?? server.latchkey).close()
    const data = mkdtempSync(join(folder, 'data-'))
    const { LATCHKEY_DATABASE_URL: _, ...same } = server.environment
    const other = store === 'sqlite' ? await createDatabase() : undefined
    if (other) databases.push(other)
    const environment = { ...same, LATCHKEY_DATA: data, ...(other && { LATCHKEY_DATABASE_URL: other.url }) }
    const attempt = () => run(['restore', file, ...options], environment)
    const refused = await attempt()
    assert.equal(refused.code, 1)
    assert.match(refused.err, /^The master key file .+master\.key is missing/)
    copyFileSync(join(server.environment['LATCHKEY_DATA'] ?? '', 'master.key'), join(data, 'master.key'))
    const { code, err } = await attempt()
    assert.deepEqual([code, err], [0, ''])
    restored = await compose(loadSettings(environment), silentLog)
    await restored.listen()
    return { attempt, data }
  }

  test('ends every sign-in when it is restored, and nothing else: passwords, clients and keys are as they were', async () => {
    const { attempt } = await restoreElsewhere()
    assert.deepEqual((await refresh(kept)).body['error'], 'invalid_grant')
    assert.equal(await userinfoStatus(server.issuer, accessToken), 401)
    const { tokens } = await signInAsJo()
    assert.equal((await refresh(tokens.refresh_token ?? '')).status, 200)
    const machine = { grant_type: 'client_credentials', client_id: 'machine', client_secret: SECRETS.machine }
    assert.equal((await postToken(server.issuer, { ...machine, audience: VIDEOS })).status, 200)
    if (store === 'postgres') assert.match((await attempt()).err, /^Another Latchkey process is using/)
    else assert.match((await attempt()).err, /is not empty/)
  })

  test('that is restored with its sign-ins goes on with the refresh tokens and access tokens from before', async () => {
    await restoreElsewhere('--keep-sign-ins')
    assert.equal(await userinfoStatus(server.issuer, accessToken), 200)
    const first = await refresh(kept)
    assert.equal(first.status, 200, JSON.stringify(first.body))
    assert.equal(await userinfoStatus(server.issuer, String(first.body['access_token'])), 200)
  })
})
