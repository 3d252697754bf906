/** What was answered outlives a kill: a real process, ended without a warning, started again over the same data. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { stringify } from 'yaml'
import { SECOND } from '../../server/kernel/seconds.ts'
import { freePort } from '../fixtures/free-port.ts'
import { createPerson } from '../fixtures/person.ts'
import { type Environment, end, type ServingProcess, serve, spawnServe } from '../fixtures/process.ts'
import { newEnvironment, onEachStore } from '../fixtures/server.ts'
import { applicationAt, askSilently, postToken, signIn, userinfoStatus } from './stage.ts'
import { JO, REDIRECT_URI, TENANT_FILE } from './tenant.ts'

const keySet = (issuer: string) =>
  fetch(new URL('.well-known/jwks.json', issuer)).then(response => response.json() as Promise<{ keys: unknown[] }>)

onEachStore('After kill -9 and a new start', store => {
  let given: Awaited<ReturnType<typeof newEnvironment>>
  let environment: Environment
  let server: ServingProcess | undefined

  before(async () => {
    given = await newEnvironment(store, {}, { isMigrated: true })
    const file = join(given.environment['LATCHKEY_DATA'] ?? '', 'tenant.yaml')
    writeFileSync(file, stringify(TENANT_FILE))
    environment = { ...given.environment, LATCHKEY_APPLY: file }
    server = await serve(environment)
  })
  after(async () => {
    await end(server?.child, 'SIGKILL')
    await given?.discard()
  })

  test('sessions, refresh tokens, redeemed codes and keys are what they were', async () => {
    const issuer = environment['LATCHKEY_ISSUER'] ?? ''
    const spa = await applicationAt(issuer, 'spa')
    const person = createPerson(issuer)

    const kept = await signIn(spa, person, JO)
    const rotated = await spa.refresh(kept.tokens.refresh_token ?? '')
    const redeemed = await askSilently(spa, person)
    const fromCode = await spa.finish(redeemed.callback, redeemed.begun)
    const waiting = await askSilently(spa, person)
    const over = await signIn(spa, createPerson(issuer), JO)
    const killed = { grant_type: 'refresh_token', client_id: 'spa', refresh_token: over.tokens.refresh_token ?? '' }
    const second = await spa.refresh(killed.refresh_token)
    await spa.refresh(second.refresh_token ?? '')
    assert.equal((await postToken(issuer, killed)).status, 400)
    const keys = await keySet(issuer)
    assert.ok(keys.keys.length > 0)

    await end(server?.child, 'SIGKILL')
    server = await serve(environment)

    assert.deepEqual(await keySet(issuer), keys)
    const { begun, callback } = await askSilently(spa, person)
    const claims = (await spa.finish(callback, begun)).claims()
    assert.equal(claims?.sub, kept.tokens.claims()?.sub)
    assert.equal(claims?.auth_time, kept.tokens.claims()?.auth_time)

    assert.equal(await userinfoStatus(issuer, rotated.access_token), 200)
    const repeated = await spa.refresh(kept.tokens.refresh_token ?? '')
    assert.equal(repeated.refresh_token, rotated.refresh_token, 'a lost answer is repeated byte for byte')
    assert.ok((await spa.refresh(rotated.refresh_token ?? '')).refresh_token)

    assert.ok((await spa.finish(waiting.callback, waiting.begun)).access_token, 'a code that was given is taken')

    assert.equal(await userinfoStatus(issuer, fromCode.access_token), 200)
    const reuse = await postToken(issuer, {
      grant_type: 'authorization_code',
      client_id: 'spa',
      redirect_uri: REDIRECT_URI,
      code: redeemed.callback.searchParams.get('code') ?? '',
      code_verifier: redeemed.begun.checks.pkceCodeVerifier,
    })
    assert.equal(reuse.body['error'], 'invalid_grant')
    assert.equal(await userinfoStatus(issuer, fromCode.access_token), 401)

    assert.equal(await userinfoStatus(issuer, second.access_token), 401, 'what was revoked stays revoked')
  })
})

describe('An embedded database', () => {
  test('belongs to one process: a second is told so and ends with 1, and the first lives on', async t => {
    const { environment, discard } = await newEnvironment('sqlite')
    t.after(discard)
    const { child: first } = await serve(environment)
    t.after(() => end(first, 'SIGKILL'))

    const port = await freePort()
    const second = spawnServe({
      ...environment,
      LATCHKEY_PORT: String(port),
      LATCHKEY_ISSUER: `http://localhost:${port}/`,
    })
    let told = ''
    second.stderr?.setEncoding('utf8').on('data', text => {
      told += text
    })
    t.after(() => end(second, 'SIGKILL'))
    const [code] = await once(second, 'close', { signal: AbortSignal.timeout(20 * SECOND) })
    assert.equal(code, 1)
    assert.match(told, /^Another Latchkey process is using .+\. Stop it, or give this one a folder of its own/)
    assert.ok(told.includes(environment['LATCHKEY_DATA'] ?? '') && !told.includes('    at '), told)

    const response = await fetch(new URL('.well-known/openid-configuration', environment['LATCHKEY_ISSUER']))
    assert.equal(response.status, 200)
    await response.arrayBuffer()
  })

  test('is free again for the next process when the first was killed', async t => {
    const { environment, discard } = await newEnvironment('sqlite')
    t.after(discard)
    await end((await serve(environment)).child, 'SIGKILL')
    const { child: next } = await serve(environment)
    t.after(() => end(next, 'SIGKILL'))
    assert.equal((await keySet(environment['LATCHKEY_ISSUER'] ?? '')).keys.length > 0, true)
  })

  test('is closed in order on SIGTERM, with 0', async t => {
    const { environment, discard } = await newEnvironment('sqlite')
    t.after(discard)
    const { child: server } = await serve(environment)
    const exited = once(server, 'exit')
    server.kill('SIGTERM')
    assert.deepEqual(await exited, [0, null])
  })
})
