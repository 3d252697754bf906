/** Signing in for an organization: who may, by which connection, what their tokens say of it, and what ends with it. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { SECOND } from '../../server/kernel/seconds.ts'
import { isEndedBy, type TokenFacts } from '../../server/revocation/revocations-here.ts'
import { removeMember, removeOrganization } from '../../server/revocation/revoke.ts'
import type { Store } from '../../server/store/store.ts'
import { type Application, discoverApplication, type Tokens } from '../fixtures/application.ts'
import { type Account, createPerson, departure, type Person } from '../fixtures/person.ts'
import { onEachStore, type RunningServer, startServer } from '../fixtures/server.ts'
import { createTestClock, type TestClock } from '../fixtures/test-clock.ts'
import { postToken, userinfoStatus } from './stage.ts'
import { REDIRECT_URI } from './tenant.ts'

const ANN = { email: 'ann@example.com', password: 'a fine long passphrase' }
const BOB = { email: 'bob@example.com', password: 'another fine passphrase' }
const TENANT = 'default'
const SECRET = 'a machine remembers every character of it'
const VIDEOS = 'https://videos.example/api'

const client = (id: string, more: object) => ({
  client_id: id,
  name: 'Player',
  app_type: 'spa',
  callbacks: [REDIRECT_URI],
  ...more,
})
const TENANT_FILE = {
  tenant: { allow_organization_name_in_authentication_api: true },
  clients: [
    client('alone', {}),
    client('open', { organization_usage: 'allow' }),
    client('strict', { organization_usage: 'require' }),
    client('before', { organization_usage: 'require', organization_require_behavior: 'pre_login_prompt' }),
    client('before-or-none', { organization_usage: 'allow', organization_require_behavior: 'pre_login_prompt' }),
    client('after', { organization_usage: 'require', organization_require_behavior: 'post_login_prompt' }),
    client('after-or-none', { organization_usage: 'allow', organization_require_behavior: 'post_login_prompt' }),
    ...['machine', 'robot', 'plain'].map(id => ({
      ...{ client_id: id, name: id, app_type: 'non_interactive', client_secret: SECRET },
    })),
    client('theirs', { organization_usage: 'allow', is_first_party: false }),
  ],
  clientGrants: [
    { client_id: 'machine', audience: VIDEOS, scope: ['read:videos'], organization_usage: 'allow' },
    {
      ...{ client_id: 'robot', audience: VIDEOS, scope: ['read:videos'] },
      ...{ organization_usage: 'require', allow_any_organization: true },
    },
    { client_id: 'plain', audience: VIDEOS, scope: ['read:videos'] },
  ],
  resourceServers: [
    { identifier: VIDEOS, name: 'Videos', allow_offline_access: true, scopes: [{ value: 'read:videos' }] },
  ],
  roles: [{ name: 'editor' }],
  users: [
    { ...ANN, email_verified: true },
    { ...BOB, email_verified: true },
  ],
}

/** Of an access token, which is ours to read here. */
const claimsOf = (token: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())

onEachStore('Organizations', kind => {
  let server: RunningServer
  let clock: TestClock
  let store: Store
  let ann: string
  let bob: string
  let passwords: string
  before(async () => {
    clock = createTestClock()
    server = await startServer({ store: kind, clock: clock.now, tenantFile: TENANT_FILE })
    store = server.latchkey.store
    const found = await store.connections.findByName(TENANT, 'Username-Password-Authentication')
    passwords = found?.id ?? assert.fail()
    const idOf = async ({ email }: Account) =>
      (await store.users.findByEmailKey(TENANT, passwords, email))?.id ?? assert.fail()
    ann = await idOf(ANN)
    bob = await idOf(BOB)
  })
  after(() => server.close())

  const application = (clientId: string): Promise<Application> =>
    discoverApplication(server.issuer, { clientId, redirectUri: REDIRECT_URI })
  const person = (): Person => createPerson(server.issuer)

  let made = 0
  /** One of its own for a test, with these members. */
  async function organization(
    members: readonly string[],
    { settings = {}, connections = [passwords], connectionSettings = {}, tenant = TENANT, displayName = '' } = {},
  ) {
    made += 1
    const id = `org_${kind}${made}`
    const name = `acme-${made}`
    const now = clock.now()
    const times = { createdAt: now, updatedAt: now }
    const called = displayName || `Acme ${made}`
    await store.organizations.create({ tenant, id, name, displayName: called, settings, ...times })
    for (const connection of connections)
      await store.organizationConnections.add({ tenant, organization: id, connection, settings: connectionSettings })
    for (const user of members) await store.memberships.add({ tenant, organization: id, user, since: now })
    return { id, name }
  }

  async function tokensOf(
    app: Application,
    who: Person,
    account: Account,
    parameters: Record<string, string>,
  ): Promise<Tokens> {
    const begun = await app.begin(parameters)
    return app.finish(await who.signIn(begun.url, account), begun)
  }

  /** What the application is told, without a look at any page. */
  async function told(clientId: string, parameters: Record<string, string>, who = person()) {
    const { url } = await (await application(clientId)).begin(parameters)
    const stop = await who.visit(url)
    const { searchParams } = departure(stop)
    return [searchParams.get('error'), searchParams.get('error_description')]
  }

  test('a member signs in for it, by id or by name, and every token says which it is', async () => {
    const acme = await organization([ann])
    const app = await application('open')
    for (const named of [acme.id, acme.name, acme.name.toUpperCase()]) {
      const tokens = await tokensOf(app, person(), ANN, { organization: named, audience: VIDEOS })
      for (const claims of [tokens.claims() ?? {}, claimsOf(tokens.access_token)])
        assert.deepEqual([claims['org_id'], claims['org_name']], [acme.id, acme.name])
      const refreshed = await app.refresh(tokens.refresh_token ?? '')
      assert.equal(refreshed.claims()?.['org_id'], acme.id)
      assert.equal(claimsOf(refreshed.access_token)['org_id'], acme.id)
    }
  })

  test('the name is known to applications where the tenant says so, and nowhere else', async () => {
    const acme = await organization([ann])
    const settings = (await store.tenants.find(TENANT))?.settings ?? {}
    const say = (isKnown: boolean) =>
      store.transaction(async transaction => {
        const said = { ...settings, allow_organization_name_in_authentication_api: isKnown }
        await transaction.tenants.changeSettings(TENANT, said)
        transaction.announce({ topic: 'tenant', tenant: TENANT, id: TENANT })
      })
    await say(false)
    assert.deepEqual(await told('open', { organization: acme.name }), [
      'invalid_request',
      'parameter organization is invalid',
    ])
    const tokens = await tokensOf(await application('open'), person(), ANN, { organization: acme.id })
    assert.deepEqual([tokens.claims()?.['org_id'], tokens.claims()?.['org_name']], [acme.id, undefined])
    await say(true)
  })

  test('a pushed request is for an organization as any other is', async () => {
    const acme = await organization([ann])
    const app = await application('open')
    const push = async (named: string) => {
      const begun = await app.begin({ organization: named })
      const response = await fetch(new URL('oauth/par', server.issuer), {
        method: 'POST',
        body: begun.url.searchParams,
      })
      return { begun, status: response.status, body: (await response.json()) as Record<string, string> }
    }
    const refused = await push('org_none')
    assert.deepEqual([refused.status, refused.body['error']], [400, 'invalid_request'])
    const { begun, body } = await push(acme.id)
    const url = new URL('authorize', server.issuer)
    url.search = String(new URLSearchParams({ client_id: 'open', request_uri: body['request_uri'] ?? '' }))
    const tokens = await app.finish(await person().signIn(url, ANN), begun)
    assert.equal(tokens.claims()?.['org_id'], acme.id)
  })

  test('somebody who is no member is sent back with Auth0’s words, whoever they are', async () => {
    const acme = await organization([ann])
    const begun = await (await application('open')).begin({ organization: acme.id })
    const who = person()
    const page = await who.visit(begun.url)
    clock.advance(SECOND)
    const { searchParams } = departure(await who.submit(page, { username: BOB.email, password: BOB.password }))
    assert.deepEqual(
      [searchParams.get('error'), searchParams.get('error_description')],
      ['access_denied', `user ${bob} is not part of the ${acme.id} organization`],
    )
  })

  test('what a client says of organizations is settled before anybody is asked', async () => {
    const acme = await organization([ann])
    for (const [clientId, parameters, error] of [
      ['alone', { organization: acme.id }, 'parameter organization is not allowed for this client'],
      ['strict', {}, 'parameter organization is required for this client'],
      ['open', { organization: 'org_unknown' }, 'parameter organization is invalid'],
      ['open', { organization: 'nobody' }, 'parameter organization is invalid'],
      ['open', { invitation: 'made-up' }, 'the specified ticket was not found'],
    ] as const)
      assert.deepEqual(await told(clientId, parameters), ['invalid_request', error])
  })

  test('a member who is signed in already goes on to another of theirs without a password, and to none of others', async () => {
    const [acme, beta, others] = [await organization([ann]), await organization([ann]), await organization([bob])]
    const [app, who] = [await application('open'), person()]
    await tokensOf(app, who, ANN, { organization: acme.id })
    const silently = async (parameters: Record<string, string>) => {
      const begun = await app.begin({ prompt: 'none', ...parameters })
      const { url } = await who.visit(begun.url)
      return url.searchParams.has('code')
        ? (await app.finish(url, begun)).claims()?.['org_id']
        : url.searchParams.get('error')
    }
    assert.equal(await silently({ organization: beta.id }), beta.id)
    assert.equal(await silently({ organization: acme.id }), acme.id)
    assert.equal(await silently({}), undefined)
    assert.equal(await silently({ organization: others.id }), 'login_required')
    const page = await who.visit((await app.begin({ organization: others.id })).url)
    assert.match(page.html, /type="password"/)
  })

  test('nobody comes in by a connection that is not the organization’s', async () => {
    const acme = await organization([ann], { connections: [] })
    const [app, who] = [await application('open'), person()]
    await tokensOf(app, who, ANN, {})
    const begun = await app.begin({ organization: acme.id, prompt: 'none' })
    assert.equal((await who.visit(begun.url)).url.searchParams.get('error'), 'login_required')
    const page = await who.visit((await app.begin({ organization: acme.id })).url)
    assert.deepEqual([page.left, page.status], [false, 400])
  })

  test('whoever signs in by a connection whose people belong to it becomes a member, and may sign up where that is open', async () => {
    const connectionSettings = { assign_membership_on_login: true, is_signup_enabled: true }
    const acme = await organization([], { connectionSettings })
    const app = await application('open')
    const tokens = await tokensOf(app, person(), BOB, { organization: acme.id })
    assert.equal(tokens.claims()?.['org_id'], acme.id)
    assert.equal((await store.memberships.standing(TENANT, acme.id, bob))?.isMember, true)

    const begun = await app.begin({ organization: acme.id })
    const account = { email: `new-${made}@example.com`, password: 'a passphrase of a newcomer' }
    const newcomer = await app.finish(await person().signUp(begun.url, account), begun)
    assert.equal(newcomer.claims()?.['org_id'], acme.id)

    const closed = await organization([ann])
    const who = person()
    const page = await who.visit((await app.begin({ organization: closed.id })).url)
    assert.doesNotMatch(page.html, /sign-up/)
    const forced = await who.visit(new URL(`${page.url.pathname}/sign-up`, server.issuer))
    assert.match(forced.html, /name="username"/)
    const posted = await who.post(
      new URL(`${page.url.pathname}/sign-up`, server.issuer),
      { email: `late-${made}@example.com`, password: 'a passphrase of a newcomer' },
      new URL(server.issuer).origin,
    )
    assert.deepEqual([posted.left, posted.status], [false, 400])
  })

  test('its pages wear its face', async () => {
    const branding = {
      logo_url: 'https://acme.example/logo.png',
      colors: { primary: '#123456', page_background: '#fff' },
    }
    const acme = await organization([ann], { settings: { branding } })
    const { html } = await person().visit((await (await application('open')).begin({ organization: acme.id })).url)
    assert.match(html, /https:\/\/acme\.example\/logo\.png/)
    assert.match(html, /<bdi>Acme \d+<\/bdi>/)
    assert.match(html, /#123456/)
  })

  test('a client may have its name asked for before anybody signs in', async () => {
    const acme = await organization([ann])
    const app = await application('before')
    const [who, begun] = [person(), await app.begin()]
    const page = await who.visit(begun.url)
    assert.match(page.html, /name="organization"/)
    const again = await who.submit(page, { organization: '<b>nobody</b>' })
    assert.equal(again.status, 400)
    assert.match(again.html, /&lt;b&gt;nobody/)
    const signIn = await who.submit(again, { organization: ` ${acme.name.toUpperCase()} ` })
    const callback = departure(await who.submit(signIn, { username: ANN.email, password: ANN.password }))
    assert.equal((await app.finish(callback, begun)).claims()?.['org_id'], acme.id)
    assert.deepEqual((await told('before', { prompt: 'none' }, who))[0], 'interaction_required')
  })

  test('or chosen among theirs afterwards, where there are several, or none if that will do', async () => {
    const account = { email: `chooser-${kind}@example.com`, password: 'a passphrase of a newcomer' }
    const app = await application('after-or-none')
    const who = person()
    const first = await app.begin()
    assert.equal((await app.finish(await who.signUp(first.url, account), first)).claims()?.['org_id'], undefined)
    const user = (await store.users.findByEmailKey(TENANT, passwords, account.email))?.id ?? assert.fail()
    assert.deepEqual(await told('after', { prompt: 'none' }, who), [
      'access_denied',
      'client requires organization membership, but user does not belong to any organization',
    ])

    const acme = await organization([user])
    const begun = await app.begin()
    const page = await who.visit(begun.url)
    const stranger = await organization([ann])
    assert.equal((await who.submit(page, { organization: stranger.id })).left, false)
    const chosen = await app.finish(departure(await who.submit(page, { organization: acme.id })), begun)
    assert.equal(chosen.claims()?.['org_id'], acme.id)
    const none = await app.begin()
    const refused = await who.submit(await who.visit(none.url), { none: 'true' })
    assert.equal((await app.finish(departure(refused), none)).claims()?.['org_id'], undefined)

    // The only one, where one is needed, is not asked about.
    const needed = await (await application('after')).begin()
    const only = await (await application('after')).finish(departure(await who.visit(needed.url)), needed)
    assert.equal(only.claims()?.['org_id'], acme.id)

    for (const displayName of ['Zebra', 'zoo 10', 'Zoo 9']) await organization([user], { displayName })
    const { html } = await who.visit((await app.begin()).url)
    assert.match(html, /Acme .*Zebra.*Zoo 9.*zoo 10/s, 'in the order of their names')
  })

  test('what is allowed within one organization is asked again within another', async () => {
    const [acme, beta] = [await organization([ann]), await organization([ann])]
    const [app, who] = [await application('theirs'), person()]
    const begun = await app.begin({ organization: acme.id })
    const consent = await who.submit(await who.visit(begun.url), { username: ANN.email, password: ANN.password })
    departure(await who.submit(consent, { decision: 'allow' }))
    assert.deepEqual(await told('theirs', { organization: acme.id, prompt: 'none' }, who), [null, null])
    for (const parameters of [{ organization: beta.id }, {}])
      assert.equal((await told('theirs', { ...parameters, prompt: 'none' } as never, who))[0], 'consent_required')
  })

  test('whoever is removed loses at once what they have within it, and nothing that they have elsewhere', async () => {
    const [acme, beta] = [await organization([ann]), await organization([ann])]
    const app = await application('open')
    const [who, elsewhere] = [person(), person()]
    const within = await tokensOf(app, who, ANN, { organization: acme.id })
    const other = await tokensOf(app, elsewhere, ANN, { organization: beta.id })
    const code = await app.begin({ organization: acme.id, prompt: 'none' })
    const { url: unspent } = await who.visit(code.url)

    await store.transaction(transaction =>
      removeMember(transaction, { tenant: TENANT, organization: acme.id, user: ann }, clock.now()),
    )
    assert.equal(await userinfoStatus(server.issuer, within.access_token), 401)
    await assert.rejects(app.refresh(within.refresh_token ?? ''), { error: 'invalid_grant' })
    await assert.rejects(app.finish(unspent, code), { error: 'invalid_grant' })
    assert.equal((await told('open', { prompt: 'none' }, who))[0], 'login_required', 'the session began for it')

    assert.equal(await userinfoStatus(server.issuer, other.access_token), 200)
    assert.equal((await app.refresh(other.refresh_token ?? '')).claims()?.['org_id'], beta.id)
    assert.equal((await told('open', { prompt: 'none', organization: beta.id }, elsewhere))[0], null)

    // Let in again, they are given anew; what ended stays so.
    await store.memberships.add({ tenant: TENANT, organization: acme.id, user: ann, since: clock.now() })
    const anew = await tokensOf(app, person(), ANN, { organization: acme.id })
    assert.equal(await userinfoStatus(server.issuer, anew.access_token), 200)
    assert.equal(await userinfoStatus(server.issuer, within.access_token), 401)
    await assert.rejects(app.refresh(within.refresh_token ?? ''), { error: 'invalid_grant' })
  })

  test('a machine acts for an organization that its grant is for, and for no other', async () => {
    const [acme, beta] = [await organization([]), await organization([])]
    const [grant] = await store.clients.grantsOf(TENANT, 'machine')
    await store.organizationClients.allowGrant(TENANT, acme.id, grant?.id ?? assert.fail())
    const ask = async (id: string, organization?: string) => {
      const { status, body } = await postToken(server.issuer, {
        ...{ grant_type: 'client_credentials', client_id: id, client_secret: SECRET, audience: VIDEOS },
        ...(organization !== undefined && { organization }),
      })
      return status === 200 ? claimsOf(String(body['access_token']))['org_id'] : body['error_description']
    }
    assert.deepEqual(
      [await ask('machine', acme.id), await ask('machine', acme.name), await ask('machine')],
      [acme.id, acme.id, undefined],
    )
    assert.equal(await ask('machine', beta.id), 'The client grant is not associated with the organization.')
    assert.equal(await ask('robot', beta.id), beta.id)
    assert.equal(await ask('robot'), 'parameter organization is required for this client')
    assert.equal(await ask('plain', acme.id), 'parameter organization is not allowed for this client')
    assert.equal(await ask('robot', 'org_none'), 'parameter organization is invalid')
  })

  test('and so does everybody of an organization that is removed', async () => {
    const [acme, beta] = [await organization([ann, bob]), await organization([ann])]
    const app = await application('open')
    const who = person()
    const within = await tokensOf(app, who, ANN, { organization: acme.id })
    const other = await tokensOf(app, person(), ANN, { organization: beta.id })
    await store.transaction(transaction =>
      removeOrganization(transaction, { tenant: TENANT, id: acme.id }, clock.now()),
    )
    assert.equal(await userinfoStatus(server.issuer, within.access_token), 401)
    await assert.rejects(app.refresh(within.refresh_token ?? ''), { error: 'invalid_grant' })
    assert.equal((await told('open', { prompt: 'none' }, who))[0], 'login_required')
    assert.equal((await told('open', { organization: acme.id }))[0], 'invalid_request')
    assert.equal(await userinfoStatus(server.issuer, other.access_token), 200)
  })

  /** Columns of the table in docs/revocation.md, and whether that ends with the event. */
  const HELD = [
    'the session begun for it',
    'a code within it',
    'the refresh token within it',
    'an access token within it',
    'the machine’s token for it',
    'a session begun for another',
    'the refresh token within another',
    'an access token within another',
  ]
  const EVENTS = {
    'the member removed': (organization: string) =>
      store.transaction(t => removeMember(t, { tenant: TENANT, organization, user: ann }, clock.now())),
    'the connection taken from it': (organization: string) =>
      store.organizationConnections.remove({ tenant: TENANT, organization, connection: passwords }),
    'the organization removed': (organization: string) =>
      store.transaction(t => removeOrganization(t, { tenant: TENANT, id: organization }, clock.now())),
  }

  for (const [event, happen] of Object.entries(EVENTS))
    test(`${event}: what docs/revocation.md says ends does, and nothing else`, async () => {
      const [acme, beta] = [await organization([ann]), await organization([ann])]
      const app = await application('open')
      const [here, there] = [person(), person()]
      const within = await tokensOf(app, here, ANN, { organization: acme.id })
      const elsewhere = await tokensOf(app, there, ANN, { organization: beta.id })
      const code = await app.begin({ organization: acme.id, prompt: 'none' })
      const { url: unspent } = await here.visit(code.url)
      const { body } = await postToken(server.issuer, {
        ...{ grant_type: 'client_credentials', client_id: 'robot', client_secret: SECRET, audience: VIDEOS },
        organization: acme.id,
      })

      await happen(acme.id)
      const log = await store.revocations.after(0, 10_000)
      const isLogged = (token: string) => log.some(entry => isEndedBy(factsOf(token), entry))
      /** Here, and at whoever knows the log alone. */
      const isOver = async (token: string) => {
        const isRefused = (await userinfoStatus(server.issuer, token)) === 401
        assert.equal(isLogged(token), isRefused)
        return isRefused
      }
      const fails = (work: Promise<unknown>) =>
        work.then(
          () => false,
          () => true,
        )
      const isOut = async (who: Person, parameters = {}) =>
        (await told('open', { prompt: 'none', ...parameters }, who))[0] === 'login_required'
      const found = [
        await isOut(here),
        await fails(app.finish(unspent, code)),
        await fails(app.refresh(within.refresh_token ?? '')),
        await isOver(within.access_token),
        isLogged(String(body['access_token'])),
        await isOut(there, { organization: beta.id }),
        await fails(app.refresh(elsewhere.refresh_token ?? '')),
        await isOver(elsewhere.access_token),
      ]
      const document = readFileSync(new URL('../../docs/revocation.md', import.meta.url), 'utf8')
      assert.ok(document.includes(`|  | ${HELD.join(' | ')} |`), 'the columns are others')
      const row = `| ${[event, ...found.map(ends => (ends ? '**ends**' : 'stays'))].join(' | ')} |`
      assert.ok(document.includes(row), `docs/revocation.md says otherwise than\n${row}`)
    })
})

/** What the log can know a token by. */
function factsOf(token: string): TokenFacts {
  const {
    jti,
    sid,
    sub,
    org_id: organization,
    subject_epoch: subject,
    client_epoch: client,
    client_id: id,
  } = claimsOf(token)
  return {
    tenant: TENANT,
    jti: String(jti),
    authorization: String(jti).split('.')[0] ?? '',
    session: typeof sid === 'string' ? sid : null,
    subject: typeof subject === 'number' ? { id: String(sub), epoch: subject } : null,
    client: { id: String(id), epoch: Number(client) },
    audiences: [],
    apiEpoch: 0,
    organization: typeof organization === 'string' ? organization : null,
  }
}
