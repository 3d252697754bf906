/**
 * The stream of revocations of a node that did not revoke: word of it comes from the node that did, by PostgreSQL's
 * notifications or by Redis, or without any from the log; and a node that is cut off from its database shows that it is.
 */
import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { createRevocations, revocationFacts } from '@latchkey/sdk/revocations'
import pg from 'pg'
import { compose, type Latchkey } from '../../server/compose.ts'
import { loadSettings } from '../../server/config/load.ts'
import { silentLog } from '../../server/kernel/log.ts'
import { HOUR, SECOND } from '../../server/kernel/seconds.ts'
import { MACHINE, tenantFile } from '../attacks/stage.ts'
import { freePort } from '../fixtures/free-port.ts'
import { startRedis, type TestRedis } from '../fixtures/redis.ts'
import { edgeToken, type RevocationReader, readRevocations } from '../fixtures/revocation-reader.ts'
import { applyTo, type RunningServer, startServer } from '../fixtures/server.ts'

const isReading = ({ name }: { name: string }) => name === 'reading'

/** A wire to the database that can be cut. */
interface Wire {
  readonly port: number
  cut(): void
  mend(): void
  close(): Promise<void>
}

async function layWire({ hostname, port }: URL): Promise<Wire> {
  const sockets = new Set<Socket>()
  let isCut = false
  const server: Server = createServer(one => {
    if (isCut) return void one.destroy()
    const other = connect(Number(port), hostname)
    for (const [from, into] of [
      [one, other],
      [other, one],
    ] as const) {
      sockets.add(from)
      from.pipe(into)
      from.on('error', () => into.destroy())
      from.on('close', () => {
        sockets.delete(from)
        into.destroy()
      })
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const cut = () => {
    isCut = true
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    mend() {
      isCut = false
    },
    async close() {
      cut()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

for (const carrier of ['PostgreSQL', 'Redis'] as const)
  describe(`The stream of another node, with word by ${carrier}`, () => {
    let redis: TestRedis | undefined
    let here: RunningServer
    let there: Latchkey
    let thereUrl: string
    let wire: Wire
    let token: string

    before(async () => {
      redis = carrier === 'Redis' ? await startRedis() : undefined
      const environment: Record<string, string> = redis ? { LATCHKEY_REDIS_URL: redis.url } : {}
      here = await startServer({ store: 'postgres', environment, tenantFile })
      const grant = { client_id: MACHINE.client_id, audience: `${here.issuer}api/v2/`, scope: ['read:revocations'] }
      await applyTo(here.latchkey, { ...tenantFile, clientGrants: [...tenantFile.clientGrants, grant] })
      const database = new URL(here.environment['LATCHKEY_DATABASE_URL'] ?? '')
      wire = await layWire(database)
      database.port = `${wire.port}`
      const port = await freePort()
      thereUrl = `http://localhost:${port}/`
      await here.latchkey.store.tenants.putHost({
        host: `localhost:${port}`,
        tenant: 'default',
        issuer: here.issuer,
      })
      there = await compose(
        loadSettings({ ...here.environment, LATCHKEY_PORT: `${port}`, LATCHKEY_DATABASE_URL: database.href }),
        silentLog,
      )
      await there.listen()
      token = await edgeToken(here.issuer, MACHINE)
    })
    after(async () => {
      wire?.mend()
      await there?.close()
      await wire?.close()
      await here?.close()
      await redis?.stop()
    })

    const revokeHere = (id: string) =>
      here.latchkey.store.transaction(async transaction => {
        const at = Date.now()
        transaction.revocations.append({
          tenant: 'default',
          kind: 'session',
          id,
          epoch: null,
          at,
          expiresAt: at + HOUR,
        })
      })
    const isAbout = (id: string) => (event: { name: string; data: string }) =>
      event.name === 'entries' && event.data.includes(`"${id}"`)

    test('tells of what was revoked here as soon as word of it comes', async () => {
      const reader = await readRevocations(thereUrl, token)
      await reader.next(isReading)
      // One may come with a reading by chance.
      let alone = 0
      for (let round = 0; round < 5; round++) {
        await revokeHere(`ses_${carrier}_${round}`)
        if (reader.cameAlone(await reader.next(isAbout(`ses_${carrier}_${round}`)))) alone++
      }
      assert.ok(alone > 0, 'all of them came with a reading')
      await reader.close()
    })

    if (carrier === 'Redis') {
      test('tells of it within two seconds when no word comes', async () => {
        const reader = await readRevocations(thereUrl, token)
        await reader.next(isReading)
        await redis?.stop()
        await tellsWithinTwoSeconds(reader, 'ses_without_redis')
      })
      return
    }

    test('tells of it within two seconds when no word comes', async () => {
      const reader = await readRevocations(thereUrl, token)
      await reader.next(isReading)
      const url = new URL(here.environment['LATCHKEY_DATABASE_URL'] ?? '')
      const name = url.pathname.slice(1)
      url.pathname = '/postgres'
      const client = new pg.Client({ connectionString: url.href })
      await client.connect()
      await client.query(`alter database ${name} allow_connections false`)
      await client.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and application_name = 'latchkey bus'`,
        [name],
      )
      try {
        await tellsWithinTwoSeconds(reader, 'ses_without_word')
      } finally {
        await client.query(`alter database ${name} allow_connections true`)
        await client.end()
      }
    })

    test('that is cut off from its database gets stale and says so, and then knows all that was revoked', async () => {
      const revocations = createRevocations({
        issuer: here.issuer,
        url: thereUrl,
        client: { id: MACHINE.client_id, secret: MACHINE.client_secret },
        random: () => 0,
      })
      revocations.start()
      await until(() => revocations.state === 'live')
      const reader = await readRevocations(thereUrl, token)
      await reader.next(isReading)
      wire.cut()
      await pause(100)
      const readings = reader.events.filter(isReading).length
      await revokeHere('ses_unheard')
      await pause(2.2 * SECOND)
      assert.ok(reader.events.filter(isReading).length <= readings, 'it tells of readings that it cannot have made')
      assert.ok(revocations.age() >= 2 * SECOND, `${revocations.age()}`)
      assert.equal(revocations.isRevoked(revocationFacts({ sid: 'ses_unheard' })), false)
      wire.mend()
      await until(() => revocations.isRevoked(revocationFacts({ sid: 'ses_unheard' })))
      await until(() => revocations.age() < 2 * SECOND)
      await reader.close()
      await revocations.close()
    })

    async function tellsWithinTwoSeconds(reader: RevocationReader, id: string) {
      const began = performance.now()
      await revokeHere(id)
      const event = await reader.next(isAbout(id))
      const took = performance.now() - began
      assert.ok(reader.cameAlone(event) === false, 'word of it came, so this shows nothing')
      // Two of the promise's, and eight for a machine that is busy with other tests.
      assert.ok(took < 10 * SECOND, `${took}`)
      await reader.close()
    }

    async function until(isTrue: () => boolean) {
      const deadline = performance.now() + 20 * SECOND
      while (!isTrue()) {
        assert.ok(performance.now() < deadline, isTrue.toString())
        await pause(10)
      }
    }
  })
