/**
 * Getting into an organization without being asked: by an invitation that is another's, spent, over or of another tenant,
 * by an organization of another tenant, or by what one had before one was removed.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { DAY, HOUR, SECOND } from '../../server/kernel/seconds.ts'
import { removeMember } from '../../server/revocation/revoke.ts'
import type { InvitationRecord } from '../../server/store/invitations.ts'
import type { Store } from '../../server/store/store.ts'
import { type Application, discoverApplication } from '../fixtures/application.ts'
import { type Account, createPerson, departure, type Person } from '../fixtures/person.ts'
import { onEachStore, type RunningServer, startServer } from '../fixtures/server.ts'
import { createTestClock, type TestClock } from '../fixtures/test-clock.ts'

const TENANT = 'default'
const REDIRECT_URI = 'http://localhost:5999/callback'
const ANN = { email: 'ann@example.com', password: 'a fine long passphrase' }
const BOB = { email: 'bob@example.com', password: 'another fine passphrase' }
const EVE = { email: 'eve@example.com', password: 'yet another fine passphrase' }
const client = { app_type: 'spa', callbacks: [REDIRECT_URI], organization_usage: 'allow' }

onEachStore('An organization that nobody let them into', kind => {
  let server: RunningServer
  let clock: TestClock
  let store: Store
  let app: Application
  let passwords: string
  const ids = new Map<Account, string>()
  before(async () => {
    clock = createTestClock()
    server = await startServer({
      store: kind,
      clock: clock.now,
      tenantFile: {
        clients: [
          { ...client, client_id: 'app', name: 'Player' },
          { ...client, client_id: 'other', name: 'Other' },
          { ...client, client_id: 'careful', name: 'Careful', require_verified_email: true },
        ],
        roles: [{ name: 'editor' }],
        users: [
          ...[ANN, BOB].map(account => ({ ...account, email_verified: true })),
          { ...EVE, email_verified: false },
        ],
      },
    })
    store = server.latchkey.store
    app = await discoverApplication(server.issuer, { clientId: 'app', redirectUri: REDIRECT_URI })
    passwords = (await store.connections.findByName(TENANT, 'Username-Password-Authentication'))?.id ?? assert.fail()
    for (const account of [ANN, BOB, EVE])
      ids.set(account, (await store.users.findByEmailKey(TENANT, passwords, account.email))?.id ?? assert.fail())
  })
  after(() => server?.close())

  let made = 0
  async function organization(tenant = TENANT): Promise<string> {
    made += 1
    const id = `org_${kind}${made}`
    const times = { createdAt: clock.now(), updatedAt: clock.now() }
    await store.organizations.create({ tenant, id, name: `o-${made}`, displayName: 'O', settings: {}, ...times })
    await store.organizationConnections.add({ tenant, organization: id, connection: passwords, settings: {} })
    return id
  }

  async function invitation(organization: string, more: Partial<InvitationRecord> = {}): Promise<InvitationRecord> {
    made += 1
    const one: InvitationRecord = {
      ...{ tenant: TENANT, id: `inv-${made}`, organization, ticket: `ticket-${made}`, inviter: 'Bob' },
      ...{ email: ANN.email, client: 'app', connection: null, roles: [], appMetadata: {}, userMetadata: {} },
      ...{ isMailed: true, url: 'http://localhost:5999/login' },
      createdAt: clock.now(),
      expiresAt: clock.now() + DAY,
      ...more,
    }
    await store.invitations.create(one)
    return one
  }

  const isMember = async (organization: string, account: Account) =>
    (await store.memberships.standing(TENANT, organization, ids.get(account) ?? ''))?.isMember

  /** What the application is told by an answer that shows no page. */
  async function told(who: Person, parameters: Readonly<Record<string, string>>): Promise<string | null> {
    const { searchParams } = departure(await who.visit((await app.begin(parameters)).url))
    return searchParams.get('error_description')
  }

  const joined = async (organization: string) =>
    (await store.events.list(TENANT, { limit: 5000 })).filter(
      ({ type, target }) => type === 'organization.joined' && target?.id === organization,
    ).length

  test('an invitation that is used by 64 requests at once makes one member once, and is spent', async () => {
    const org = await organization()
    const editor = (await store.roles.findByName(TENANT, 'editor'))?.id ?? assert.fail()
    const { ticket } = await invitation(org, { roles: [editor, 'rol_removed-since'] })
    const who = createPerson(server.issuer)
    await who.signIn((await app.begin()).url, ANN)
    const requests = await Promise.all(
      Array.from({ length: 64 }, () => app.begin({ prompt: 'none', organization: org, invitation: ticket })),
    )
    const stops = await Promise.all(requests.map(({ url }) => who.visit(url)))
    for (const stop of stops) {
      const said = departure(stop).searchParams
      const outcome = said.has('code') ? 'code' : said.get('error_description')
      assert.ok(['code', 'the specified ticket was not found'].includes(outcome ?? ''), outcome ?? 'nothing')
    }
    assert.equal(await joined(org), 1)
    assert.deepEqual(
      (await store.roles.of(TENANT, ids.get(ANN) ?? '', org)).map(({ name }) => name),
      ['editor'],
    )

    // Removed again, nobody comes back by it.
    const user = ids.get(ANN) ?? ''
    await store.transaction(t => removeMember(t, { tenant: TENANT, organization: org, user }, clock.now()))
    assert.equal(await told(who, { invitation: ticket, organization: org }), 'the specified ticket was not found')
    assert.equal(await isMember(org, ANN), false)
  })

  test('an invitation is of no use to another address, signed in before or for it', async () => {
    const org = await organization()
    const { id, ticket } = await invitation(org)
    const asked = { organization: org, invitation: ticket }
    const who = createPerson(server.issuer)
    await who.signIn((await app.begin()).url, BOB)
    assert.equal(await told(who, { ...asked, prompt: 'none' }), 'Login required')

    const page = await who.visit((await app.begin(asked)).url)
    assert.match(page.html, /value="ann@example\.com"/, 'the page is for the invited one')
    clock.advance(SECOND)
    const { searchParams } = departure(await who.submit(page, { username: BOB.email, password: BOB.password }))
    assert.deepEqual(
      [searchParams.get('error'), searchParams.get('error_description')],
      ['access_denied', 'The invitation is for another address'],
    )
    assert.equal(await isMember(org, BOB), false)
    assert.ok(await store.invitations.find(TENANT, org, id, clock.now()), 'and is open still')

    const begun = await app.begin(asked)
    const fresh = createPerson(server.issuer)
    const signIn = await fresh.visit(begun.url)
    const signUp = await fresh.visit(new URL(`${signIn.url.pathname}/sign-up`, server.issuer))
    const refused = await fresh.submit(signUp, {
      email: `mallory-${kind}@example.com`,
      password: 'a passphrase of hers',
    })
    assert.deepEqual([refused.left, refused.status], [false, 400])
  })

  test('an invitation that is over, withdrawn, of another application or tenant, or made up opens nothing', async () => {
    const org = await organization()
    const who = createPerson(server.issuer)
    await who.signIn((await app.begin()).url, ANN)
    const over = await invitation(org, { expiresAt: clock.now() + HOUR })
    const begun = await app.begin({ organization: org, invitation: over.ticket, prompt: 'login' })
    const page = await who.visit(begun.url)
    clock.advance(HOUR / 2)
    const withdrawn = await invitation(org)
    await store.invitations.take(TENANT, withdrawn.id, clock.now())
    const foreignOrganization = await organization('another-tenant')
    const foreign = await invitation(foreignOrganization, { tenant: 'another-tenant' })
    const others = await invitation(org, { client: 'other' })
    const elsewhere = await invitation(await organization())
    for (const [ticket, organization] of [
      [withdrawn.ticket, org],
      [foreign.ticket, org],
      [foreign.ticket, foreignOrganization],
      [others.ticket, org],
      [elsewhere.ticket, org],
      ['made-up', org],
    ] as const)
      assert.match((await told(who, { invitation: ticket, organization })) ?? '', /ticket was not found|is invalid/)

    // One that ends while its person is at the page.
    clock.advance(HOUR / 2 - SECOND)
    const { searchParams } = departure(await who.submit(page, { username: ANN.email, password: ANN.password }))
    assert.ok(searchParams.has('code'), 'in its last second it counts')
    const late = await invitation(await organization(), { expiresAt: clock.now() + SECOND })
    const waiting = await who.visit(
      (await app.begin({ organization: late.organization, invitation: late.ticket, prompt: 'login' })).url,
    )
    clock.advance(2 * SECOND)
    const after = departure(await who.submit(waiting, { username: ANN.email, password: ANN.password })).searchParams
    assert.equal(after.get('error'), 'access_denied')
    assert.equal(await isMember(late.organization, ANN), false)
  })

  test('a refresh token is of no use to whoever is no member any more, however the membership ended', async () => {
    const org = await organization()
    const user = ids.get(ANN) ?? ''
    await store.memberships.add({ tenant: TENANT, organization: org, user, since: clock.now() })
    const begun = await app.begin({ organization: org })
    const tokens = await app.finish(await createPerson(server.issuer).signIn(begun.url, ANN), begun)
    // The row alone, so that nothing but the gate stands in the way.
    await store.memberships.remove(TENANT, org, user)
    await assert.rejects(app.refresh(tokens.refresh_token ?? ''), {
      error: 'invalid_grant',
      error_description: `user ${user} is not part of the ${org} organization`,
    })
  })

  test('nor is it to one whose connection the organization has no more, until it has it again', async () => {
    const org = await organization()
    const named = { tenant: TENANT, organization: org, connection: passwords }
    await store.memberships.add({ tenant: TENANT, organization: org, user: ids.get(ANN) ?? '', since: clock.now() })
    const begun = await app.begin({ organization: org })
    const tokens = await app.finish(await createPerson(server.issuer).signIn(begun.url, ANN), begun)
    const refused = {
      error: 'invalid_grant',
      error_description: 'The connection is not enabled for the organization.',
    }
    await store.organizationConnections.change(named, { is_enabled: false })
    await assert.rejects(app.refresh(tokens.refresh_token ?? ''), refused)
    await store.organizationConnections.remove(named)
    await assert.rejects(app.refresh(tokens.refresh_token ?? ''), refused)
    await store.organizationConnections.add({ ...named, settings: {} })
    assert.ok((await app.refresh(tokens.refresh_token ?? '')).access_token)
  })

  test('an invitation is not spent by whoever the gate refuses', async () => {
    const org = await organization()
    const { id, ticket } = await invitation(org, { email: EVE.email, client: 'careful' })
    const careful = await discoverApplication(server.issuer, { clientId: 'careful', redirectUri: REDIRECT_URI })
    const eve = createPerson(server.issuer)
    await eve.signIn((await app.begin()).url, EVE)
    const asked = { organization: org, invitation: ticket, prompt: 'none' }
    const answer = async () => departure(await eve.visit((await careful.begin(asked)).url)).searchParams
    assert.equal((await answer()).get('error_description'), 'Please verify your email before logging in.')
    assert.equal(await isMember(org, EVE), false)
    assert.ok(await store.invitations.find(TENANT, org, id, clock.now()), 'it is open still')

    await store.users.change(TENANT, ids.get(EVE) ?? '', { emailVerified: true }, clock.now())
    assert.ok((await answer()).has('code'))
    assert.equal(await isMember(org, EVE), true)
  })

  test('an organization of another tenant is none here', async () => {
    const foreign = await organization('another-tenant')
    await store.memberships.add({
      ...{ tenant: 'another-tenant', organization: foreign, user: ids.get(ANN) ?? '', since: clock.now() },
    })
    const who = createPerson(server.issuer)
    await who.signIn((await app.begin()).url, ANN)
    assert.equal(await told(who, { organization: foreign }), 'parameter organization is invalid')
  })

  test('a member of one organization is nobody in another, whatever their session was begun for', async () => {
    const [mine, theirs] = [await organization(), await organization()]
    const user = ids.get(ANN) ?? ''
    await store.memberships.add({ tenant: TENANT, organization: mine, user, since: clock.now() })
    const who = createPerson(server.issuer)
    const begun = await app.begin({ organization: mine })
    const tokens = await app.finish(await who.signIn(begun.url, ANN), begun)
    assert.equal(await told(who, { organization: theirs, prompt: 'none' }), 'Login required')
    const refreshed = await app.refresh(tokens.refresh_token ?? '', { organization: theirs })
    assert.equal(refreshed.claims()?.['org_id'], mine, 'a refresh token is of the organization it was given for')
  })
})
