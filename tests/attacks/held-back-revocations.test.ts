/**
 * Somebody on the way between a service and its issuer who cannot read or change what passes, but can hold it back: what
 * was revoked is then known late, and every byte that comes looks as new as ever. The service must not take it for that.
 */
import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { createGuard, type Guard } from '@latchkey/sdk/express'
import { SECOND } from '../../server/kernel/seconds.ts'
import { applyTo, type RunningServer, startServer } from '../fixtures/server.ts'
import { API, askToken, MACHINE, tenantFile, WEB } from './stage.ts'

/** More than a reading is old when the next one comes, and less than is given up for. */
const HELD_BACK = 1.5 * SECOND
const STALE_AFTER = 1.3 * SECOND

describe('Held back on its way, the stream of revocations', () => {
  let server: RunningServer
  let wire: Server
  let heldBack = 0
  const sockets = new Set<Socket>()
  const guards: Guard[] = []

  before(async () => {
    server = await startServer({ store: 'sqlite', tenantFile })
    const audience = `${server.issuer}api/v2/`
    const grant = { client_id: WEB.client_id, audience, scope: ['read:revocations'] }
    await applyTo(server.latchkey, { clientGrants: [...tenantFile.clientGrants, grant] })
    wire = createServer(one => {
      const other = connect(Number(new URL(server.issuer).port), 'localhost')
      for (const socket of [one, other]) sockets.add(socket.on('error', () => socket.destroy()))
      one.pipe(other)
      // In their order, each byte as late as every other.
      other.on('data', bytes => void setTimeout(() => one.write(bytes), heldBack))
      other.on('close', () => void setTimeout(() => one.destroy(), heldBack))
      one.on('close', () => other.destroy())
    })
    await new Promise<void>(resolve => wire.listen(0, 'localhost', resolve))
    await server.latchkey.store.tenants.putHost({ host: onTheWay().host, tenant: 'default', issuer: server.issuer })
  })
  after(async () => {
    for (const guard of guards) await guard.close()
    for (const socket of sockets) socket.destroy()
    wire?.close()
    await server?.close()
  })

  const onTheWay = () => new URL(`http://localhost:${(wire.address() as AddressInfo).port}/`)
  const newToken = async () =>
    String(
      (await askToken(server, { grant_type: 'client_credentials', audience: API, ...MACHINE })).json()['access_token'],
    )
  const guardOver = (url: string): Guard => {
    const guard = createGuard({
      issuer: server.issuer,
      url,
      audience: API,
      algorithms: ['RS256'],
      client: { id: WEB.client_id, secret: WEB.client_secret },
      onStale: { after: STALE_AFTER, do: 'deny' },
    })
    guards.push(guard)
    return guard
  }
  const statusOf = async (guard: Guard, token: string) => {
    const verdict = await guard.judge({ headers: { authorization: `Bearer ${token}` }, rawHeaders: [] })
    return 'status' in verdict ? verdict.status : 200
  }
  const until = async (isTrue: () => Promise<boolean> | boolean) => {
    const deadline = performance.now() + 30 * SECOND
    while (!(await isTrue())) {
      assert.ok(performance.now() < deadline, isTrue.toString())
      await pause(20)
    }
  }

  test('is known to be old, so that a revoked token is let through at no time', async () => {
    const near = guardOver(server.issuer)
    const token = await newToken()
    await until(async () => (await statusOf(near, token)) === 200)
    const far = guardOver(onTheWay().href)
    // Not even keys and tokens come in time at first.
    await until(async () => (await statusOf(far, token)) === 200)

    heldBack = HELD_BACK
    await until(async () => (await statusOf(far, token)) === 503)
    await server.latchkey.operate('clients revoke', { tenant: 'default', client: MACHINE.client_id })
    await until(async () => (await statusOf(near, token)) === 401)
    const answers = new Set<number>()
    await until(async () => {
      const status = await statusOf(far, token)
      answers.add(status)
      return status === 401
    })
    assert.deepEqual([...answers].sort(), [401, 503])

    // What is new comes all the while, and is as old as ever.
    const { revocations } = far
    const position = revocations?.position ?? 0
    await server.latchkey.operate('clients revoke', { tenant: 'default', client: MACHINE.client_id })
    await until(() => (revocations?.position ?? 0) > position)
    assert.ok((revocations?.age() ?? 0) >= HELD_BACK)
    heldBack = 0
  })
})
