/** A server that is told to stop: what has begun is finished, nothing is torn, and load balancers hear of it first. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { stringify } from 'yaml'
import { SECOND } from '../../server/kernel/seconds.ts'
import { createPerson, type Person, type Stop } from '../fixtures/person.ts'
import { type Environment, end, type ServingProcess, serve } from '../fixtures/process.ts'
import { newEnvironment, onEachStore } from '../fixtures/server.ts'
import { applicationAt, postToken, signIn } from './stage.ts'
import { JO, TENANT_FILE } from './tenant.ts'

/** Well under the five seconds that unfinished business is given: whoever takes them has waited for nothing. */
const PROMPT = 3 * SECOND

onEachStore('A server that gets SIGTERM', store => {
  let given: Awaited<ReturnType<typeof newEnvironment>>
  let environment: Environment
  let server: ServingProcess
  let issuer = ''
  before(async () => {
    given = await newEnvironment(store, {}, { isMigrated: true })
    const file = join(given.environment['LATCHKEY_DATA'] ?? '', 'tenant.yaml')
    writeFileSync(file, stringify(TENANT_FILE))
    environment = { ...given.environment, LATCHKEY_APPLY: file }
    issuer = environment['LATCHKEY_ISSUER'] ?? ''
  })
  beforeEach(async () => {
    server = await serve(environment)
  })
  afterEach(() => end(server?.child, 'SIGKILL'))
  after(() => given?.discard())

  /** Ends with 0, and soon. */
  async function endsInOrder(exited: Promise<unknown[]>, began: number): Promise<void> {
    assert.deepEqual(await exited, [0, null])
    assert.ok(performance.now() - began < PROMPT, `it took ${Math.round(performance.now() - began)} ms`)
    assert.match(server.written.at(-1) ?? '', /"closed"/)
    assert.deepEqual(
      server.written.filter(line => /"level":"(?:error|warn)"/.test(line) && !line.includes('a new secret')),
      [],
    )
  }

  test('while people wait for their passwords to be hashed signs them all in first', async () => {
    const spa = await applicationAt(issuer, 'spa')
    const pages = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const person = createPerson(issuer)
        return { person, page: await person.visit((await spa.begin()).url) }
      }),
    )
    const exited = once(server.child, 'exit')
    const answers = pages.map(({ person, page }) => sendPassword(person, page))
    // Two are hashed at a time, so by the first answer all have arrived and most still wait.
    assert.equal(await Promise.race(answers), 303)
    const began = performance.now()
    server.child.kill('SIGTERM')
    assert.deepEqual(await Promise.all(answers), Array(6).fill(303))
    await endsInOrder(exited, began)
  })

  test('in the middle of refreshes tears none: each was answered and counts, or can be asked for again', async () => {
    const spa = await applicationAt(issuer, 'spa')
    const { tokens } = await signIn(spa, createPerson(issuer), JO)
    const exited = once(server.child, 'exit')
    let answered = 0
    let last = tokens.refresh_token ?? ''
    const began = performance.now()
    /** One after the other, until nobody answers any more. */
    for (;;) {
      const refresh = { grant_type: 'refresh_token', client_id: 'spa', refresh_token: last }
      const answer = await postToken(issuer, refresh).catch(() => undefined)
      if (!answer) break
      assert.equal(answer.status, 200, JSON.stringify(answer.body))
      last = String(answer.body['refresh_token'])
      answered++
      if (answered === 5) server.child.kill('SIGTERM')
    }
    await endsInOrder(exited, began)
    server = await serve(environment)
    assert.equal(
      (await postToken(issuer, { grant_type: 'refresh_token', client_id: 'spa', refresh_token: last })).status,
      200,
    )
  })

  test('ends connections with their answer, and at once those that carry none', async t => {
    const { hostname, port } = new URL(issuer)
    const agent = new Agent({ keepAlive: true })
    t.after(() => agent.destroy())
    const person = createPerson(issuer)
    const page = await person.visit((await (await applicationAt(issuer, 'spa')).begin()).url)
    assert.equal((await ask(agent, '/healthz')).headers.connection, 'keep-alive')
    // As browsers do, for what they may want to ask later.
    const silent = connect(Number(port), hostname)
    t.after(() => silent.destroy())
    await once(silent, 'connect')

    const exited = once(server.child, 'exit')
    const signingIn = sendPassword(person, page)
    // Another exchange, by the end of which the password has arrived.
    await ask(agent, '/healthz')
    const began = performance.now()
    server.child.kill('SIGTERM')
    assert.equal(await signingIn, 303)
    await endsInOrder(exited, began)
  })

  /** Answers the status, and follows nobody: on the way there may be another server of ours. */
  async function sendPassword({ cookies }: Person, { url }: Stop): Promise<number> {
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      headers: { origin: new URL(issuer).origin, cookie: cookies.header() ?? '' },
      body: new URLSearchParams({ username: JO.email, password: JO.password }),
    })
    await response.arrayBuffer()
    return response.status
  }

  async function ask(agent: Agent, path: string): Promise<IncomingMessage> {
    const asking: ClientRequest = request(new URL(path, issuer), { agent }).end()
    const [answer] = (await once(asking, 'response')) as [IncomingMessage]
    answer.resume()
    await once(answer, 'end')
    return answer
  }
})

describe('A server that is given time to drain', () => {
  test('says at /readyz that it closes, answers all others meanwhile, and takes a second signal for the first', async t => {
    const { environment, discard } = await newEnvironment('sqlite', { LATCHKEY_DRAIN: '2' })
    t.after(discard)
    const { child } = await serve(environment)
    t.after(() => end(child, 'SIGKILL'))
    const statusOf = async (path: string) => {
      const response = await fetch(new URL(path, environment['LATCHKEY_ISSUER']), { headers: { connection: 'close' } })
      await response.arrayBuffer()
      return response.status
    }
    const until = async (status: number) => {
      const deadline = performance.now() + PROMPT
      while ((await statusOf('/readyz')) !== status) assert.ok(performance.now() < deadline, `/readyz is not ${status}`)
    }
    await until(200)

    const exited = once(child, 'exit')
    const began = performance.now()
    child.kill('SIGINT')
    await until(503)
    child.kill('SIGINT')
    child.kill('SIGTERM')
    assert.equal(await statusOf('/healthz'), 200)
    assert.equal(await statusOf('/.well-known/openid-configuration'), 200)

    assert.deepEqual(await exited, [0, null])
    const took = performance.now() - began
    assert.ok(took >= 2 * SECOND && took < 2 * SECOND + PROMPT, `it took ${Math.round(took)} ms`)
  })
})
