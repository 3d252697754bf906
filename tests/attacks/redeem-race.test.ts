/**
 * One code or one refresh token used by many at once, while the server is killed and comes back: whoever counts in
 * memory, or looks first and writes afterwards, has given twice by then (Keycloak and Better Auth, 2026). Real processes,
 * ended without a warning in the middle of it; what may come of a race without a kill is `tests/flows/races.test.ts`.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { stringify } from 'yaml'
import { createPerson } from '../fixtures/person.ts'
import { type Environment, end, type ServingProcess, serve } from '../fixtures/process.ts'
import { newEnvironment, onEachStore } from '../fixtures/server.ts'
import { applicationAt, askSilently, postToken, signIn, userinfoStatus } from '../flows/stage.ts'
import { JO, REDIRECT_URI, TENANT_FILE } from '../flows/tenant.ts'

const AT_ONCE = 64
const SPA = { client_id: 'spa' } as const

onEachStore('Used sixty-four times at once, before and after kill -9,', store => {
  let given: Awaited<ReturnType<typeof newEnvironment>>
  let environment: Environment
  let issuer: string
  let server: ServingProcess | undefined

  before(async () => {
    given = await newEnvironment(store, {}, { isMigrated: true })
    const file = join(given.environment['LATCHKEY_DATA'] ?? '', 'tenant.yaml')
    writeFileSync(file, stringify(TENANT_FILE))
    environment = { ...given.environment, LATCHKEY_APPLY: file }
    issuer = environment['LATCHKEY_ISSUER'] ?? ''
    server = await serve(environment)
  })
  after(async () => {
    await end(server?.child, 'SIGKILL')
    await given?.discard()
  })

  /** All at once, and a kill at the first answer; then all at once again. Answers those that were told anything. */
  async function raceThroughKill(form: Readonly<Record<string, string>>) {
    const ask = () => Array.from({ length: AT_ONCE }, () => postToken(issuer, form))
    const first = ask()
    await Promise.any(first)
    await end(server?.child, 'SIGKILL')
    const told = (await Promise.allSettled(first)).flatMap(one => (one.status === 'fulfilled' ? [one.value] : []))
    server = await serve(environment)
    return [...told, ...(await Promise.all(ask()))]
  }

  test('a code has given tokens once at most, and those are dead', async () => {
    const person = createPerson(issuer)
    const spa = await applicationAt(issuer, 'spa')
    await signIn(spa, person, JO)
    const { begun, callback } = await askSilently(spa, person)
    const form = {
      grant_type: 'authorization_code',
      ...SPA,
      redirect_uri: REDIRECT_URI,
      code: callback.searchParams.get('code') ?? '',
      code_verifier: begun.checks.pkceCodeVerifier,
    }
    const answers = await raceThroughKill(form)
    assert.ok(answers.length >= AT_ONCE)
    const won = answers.filter(({ status }) => status === 200)
    assert.ok(won.length <= 1, `${won.length} families were given`)
    for (const { status, body } of answers)
      if (status !== 200) assert.deepEqual([status, body['error']], [400, 'invalid_grant'])
    for (const { body } of won) {
      assert.equal(await userinfoStatus(issuer, String(body['access_token'])), 401)
      const refresh = { grant_type: 'refresh_token', ...SPA, refresh_token: String(body['refresh_token']) }
      assert.equal((await postToken(issuer, refresh)).body['error'], 'invalid_grant')
    }
  })

  test('a refresh token has one successor, told to all, and its family goes on', async () => {
    const { tokens } = await signIn(await applicationAt(issuer, 'spa'), createPerson(issuer), JO)
    const refreshing = (token: string) => ({ grant_type: 'refresh_token', ...SPA, refresh_token: token })
    const first = tokens.refresh_token ?? ''
    const answers = await raceThroughKill(refreshing(first))
    for (const { status, body } of answers) assert.equal(status, 200, JSON.stringify(body))
    const successors = [...new Set(answers.map(({ body }) => String(body['refresh_token'])))]
    assert.equal(successors.length, 1)
    const [successor = ''] = successors
    assert.notEqual(successor, first)
    const next = await postToken(issuer, refreshing(successor))
    assert.equal(next.status, 200)
    // Two generations on, the first is a thief's.
    assert.equal((await postToken(issuer, refreshing(first))).body['error'], 'invalid_grant')
    assert.equal((await postToken(issuer, refreshing(String(next.body['refresh_token'])))).status, 400)
  })
})
