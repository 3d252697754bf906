/** A master key is replaced beside a running server: nothing that was given under the old one stops working, and the old one can go. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { jwtVerify } from 'jose'
import * as oidc from 'openid-client'
import { randomSecret } from '../../server/kernel/secrets.ts'
import type { Rewrapped } from '../../server/keys/rewrap.ts'
import { dump } from '../fixtures/dump.ts'
import { createPerson, departure, type Person } from '../fixtures/person.ts'
import { onEachStore, type RunningServer, startServer } from '../fixtures/server.ts'
import { applicationAt, askSilently, postToken, type SignedIn, signIn, userinfoStatus } from './stage.ts'
import { ANN, JO, LEDGER, LEDGER_SECRET, REDIRECT_URI, SECRETS, TENANT_FILE, VIDEOS } from './tenant.ts'

const machine = { grant_type: 'client_credentials', client_id: 'machine', client_secret: SECRETS.machine }

onEachStore('Replacing the master key', store => {
  let server: RunningServer
  before(async () => {
    server = await startServer({ store, tenantFile: TENANT_FILE })
  })
  after(() => server?.close())

  const masterKeyFile = () => server.latchkey.settings.masterKeyFile

  /** The lines of keys, without the heading. */
  const linesOf = () =>
    readFileSync(masterKeyFile(), 'utf8')
      .split('\n')
      .filter(line => /^[^#\s]/.test(line))

  async function restartWith(...lines: string[]): Promise<void> {
    writeFileSync(masterKeyFile(), `${lines.join('\n')}\n`)
    server = await server.restart()
    // Until this process has noticed that its connections to the former server are gone.
    while (!(await fetch(new URL('healthz', server.issuer)).catch(() => undefined))?.ok);
  }

  const rewrap = async () => (await server.latchkey.operate('keys rewrap', {})) as unknown as Rewrapped

  test('moves everything while people sign in, and then the old one is needed by nobody', async () => {
    const [old = ''] = linesOf()
    const [oldId = ''] = old.split(' ')
    const person = createPerson(server.issuer)
    const given = await giveEverything(server.issuer, person)

    // First every server can open what the next key seals; only then it seals.
    const next = `next ${randomSecret()}`
    await restartWith(old, next)
    assert.deepEqual(await rewrap(), { masterKey: oldId, moved: {}, left: [], idle: ['next'] })
    await restartWith(next, old)

    // Both at once, as often as it takes: what is issued meanwhile is neither lost nor spoilt.
    let isDone = false
    const issuing = (async () => {
      const web = await applicationAt(server.issuer, 'web', { authentication: oidc.ClientSecretPost(SECRETS.web) })
      const issued: SignedIn[] = []
      while (!isDone || issued.length < 5) issued.push(await signIn(web, createPerson(server.issuer), ANN))
      return issued
    })()
    const first = await rewrap()
    const second = await rewrap()
    isDone = true
    const issued = await issuing
    assert.equal(first.masterKey, 'next')
    for (const place of ['keys', 'clients', 'tickets'] as const) assert.ok((first.moved[place] ?? 0) > 0, place)
    assert.deepEqual(second, { masterKey: 'next', moved: {}, left: [], idle: [oldId] })

    const stored = await dump(server.environment)
    assert.ok(stored.includes('"1.next.') && !stored.includes(`"1.${oldId}.`), 'no column was forgotten')

    await restartWith(next)
    await assertEverythingWorks(server.issuer, person, given)
    const web = await applicationAt(server.issuer, 'web', { authentication: oidc.ClientSecretPost(SECRETS.web) })
    for (const { tokens } of issued) {
      assert.equal(await userinfoStatus(server.issuer, tokens.access_token), 200)
      assert.ok((await web.refresh(tokens.refresh_token ?? '')).access_token)
    }
    const events = await server.latchkey.store.events.list('default', { limit: 1000 })
    assert.ok(events.some(({ type, target }) => type === 'master-key.rewrapped' && target?.id === 'next'))
    assert.deepEqual(await rewrap(), { masterKey: 'next', moved: {}, left: [], idle: [] })
  })
})

type Given = Awaited<ReturnType<typeof giveEverything>>

/** One of each that somebody may hold while the keys change under it. */
async function giveEverything(issuer: string, person: Person) {
  const spa = await applicationAt(issuer, 'spa')
  const { tokens, begun, callback } = await signIn(spa, person, JO)
  const waiting = await askSilently(spa, person)
  const opened = await spa.begin()
  const visitor = createPerson(issuer)
  const page = await visitor.visit(opened.url)
  return { tokens, spent: { begun, callback }, waiting, visitor, page, opened }
}

async function assertEverythingWorks(issuer: string, person: Person, given: Given): Promise<void> {
  const spa = await applicationAt(issuer, 'spa')
  assert.equal(await userinfoStatus(issuer, given.tokens.access_token), 200)
  assert.ok((await spa.refresh(given.tokens.refresh_token ?? '')).access_token)
  const { begun, callback } = await askSilently(spa, person)
  assert.ok((await spa.finish(callback, begun)).access_token, 'the session')
  assert.ok((await spa.finish(given.waiting.callback, given.waiting.begun)).access_token, 'a code that was given')

  const signedIn = departure(await given.visitor.submit(given.page, { username: ANN.email, password: ANN.password }))
  assert.ok((await spa.finish(signedIn, given.opened)).access_token, 'a page that was open')

  const ledger = await postToken(issuer, { ...machine, audience: LEDGER })
  await jwtVerify(String(ledger.body['access_token']), new TextEncoder().encode(LEDGER_SECRET), { audience: LEDGER })
  assert.equal((await postToken(issuer, { ...machine, audience: VIDEOS })).status, 200, 'a client’s secret')
  assert.equal((await postToken(issuer, { ...machine, client_secret: 'another', audience: VIDEOS })).status, 401)

  const reused = await postToken(issuer, {
    grant_type: 'authorization_code',
    client_id: 'spa',
    redirect_uri: REDIRECT_URI,
    code: given.spent.callback.searchParams.get('code') ?? '',
    code_verifier: given.spent.begun.checks.pkceCodeVerifier,
  })
  assert.equal(reused.body['error'], 'invalid_grant', 'a code spent under the old key is still known to be spent')
}
