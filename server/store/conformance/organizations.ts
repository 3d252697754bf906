/** Organizations with what belongs to them: members, connections, applications, invitations and domains. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  authorizationOf,
  clientOf,
  connectionOf,
  identityOf,
  inParallel,
  invitationOf,
  NOW,
  newTenant,
  organizationOf,
  type Stage,
  sessionOf,
  tally,
  userOf,
} from './stage.ts'

export function describeOrganizations(stage: Stage): void {
  /** A tenant with people and organizations of these names. */
  async function directory(people: readonly string[], organizations: readonly string[]): Promise<string> {
    const { store } = stage
    const tenant = newTenant()
    for (const name of people) {
      const user = userOf(tenant, { id: `auth0|${name}`, email: `${name}@example.com` })
      await store.users.create(user, identityOf(user))
    }
    for (const [index, name] of organizations.entries())
      await store.organizations.create(
        organizationOf(tenant, { id: `org_${name}`, name, displayName: name.toUpperCase(), createdAt: NOW + index }),
      )
    return tenant
  }

  describe('organizations', () => {
    test('one is found by id and by name in its tenant, and a name is given once', async () => {
      const { organizations } = stage.store
      const tenant = newTenant()
      const acme = organizationOf(tenant)
      assert.equal(await organizations.create(acme), 'created')
      assert.equal(await organizations.create({ ...acme, id: 'org_2' }), 'taken')
      assert.equal(await organizations.create({ ...acme, name: 'other' }), 'taken')
      assert.deepEqual(await organizations.find(tenant, 'org_1'), acme)
      assert.deepEqual(await organizations.findByName(tenant, 'acme'), acme)
      assert.equal(await organizations.findByName(tenant, 'Acme'), undefined)
      assert.equal(await organizations.find(newTenant(), 'org_1'), undefined)
    })

    test('what is changed is changed alone, and nobody gets a name that another has', async () => {
      const { store } = stage
      const tenant = await directory([], ['acme', 'beta'])
      const change = (changes: Parameters<typeof store.organizations.change>[2]) =>
        store.transaction(async transaction => {
          const outcome = await transaction.organizations.change(tenant, 'org_acme', changes, NOW + 9)
          await transaction.organizations.count(tenant)
          return outcome
        })
      assert.equal(await change({ name: 'beta' }), 'taken')
      assert.equal((await store.organizations.find(tenant, 'org_acme'))?.updatedAt, NOW)
      assert.equal(await change({ displayName: 'Acme Inc.' }), 'changed')
      const { name, displayName, settings, updatedAt } =
        (await store.organizations.find(tenant, 'org_acme')) ?? assert.fail()
      assert.deepEqual(
        [name, displayName, settings, updatedAt],
        ['acme', 'Acme Inc.', { metadata: { plan: 'gold' } }, NOW + 9],
      )
      assert.equal(await store.organizations.change(tenant, 'org_none', {}, NOW), 'gone')
    })

    test('are listed in any order, page by page, without one twice or left out', async () => {
      const { organizations } = stage.store
      const tenant = await directory([], ['delta', 'alpha', 'charlie', 'bravo'])
      for (const [by, descending, expected] of [
        [undefined, false, ['delta', 'alpha', 'charlie', 'bravo']],
        ['created_at', true, ['bravo', 'charlie', 'alpha', 'delta']],
        ['name', false, ['alpha', 'bravo', 'charlie', 'delta']],
        ['display_name', true, ['delta', 'charlie', 'bravo', 'alpha']],
      ] as const) {
        const seen: string[] = []
        for (let after: ReturnType<typeof organizationOf> | undefined; ; ) {
          const [one] = await organizations.list(tenant, { after, by, descending, limit: 1 })
          if (!one) break
          seen.push(one.name)
          after = one
        }
        assert.deepEqual(seen, expected)
        const page = await organizations.list(tenant, { by, descending, offset: 1, limit: 2 })
        assert.deepEqual(
          page.map(({ name }) => name),
          expected.slice(1, 3),
        )
      }
      assert.equal(await organizations.count(tenant), 4)
    })

    test('one that is removed is found by nobody, frees its name, and leaves with all its rows in batches', async () => {
      const { store, execute } = stage
      const tenant = await directory(['ada', 'bob', 'cyd'], ['acme', 'beta'])
      const inAcme = { tenant, organization: 'org_acme' }
      for (const name of ['ada', 'bob', 'cyd'])
        await store.memberships.add({ ...inAcme, user: `auth0|${name}`, since: NOW })
      await store.memberships.add({ tenant, organization: 'org_beta', user: 'auth0|ada', since: NOW })
      await store.roles.put({ tenant, id: 'rol_1', name: 'admin', description: '' })
      await store.roles.assign(tenant, 'auth0|ada', 'org_acme', ['rol_1'])
      await store.consents.give({
        ...{ tenant, user: 'auth0|ada', client: 'app', audience: 'api', scopes: ['read'], givenAt: NOW },
        organization: 'org_acme',
      })
      await store.connections.create(connectionOf(tenant, { id: 'con_1', name: 'Passwords' }))
      await store.organizationConnections.add({ ...inAcme, connection: 'con_1', settings: {} })
      await store.organizationClients.put({ ...inAcme, client: 'app', isForMembers: true })
      await store.organizationClients.allowGrant(tenant, 'org_acme', 'cgr_1')
      await store.invitations.create(invitationOf(tenant, { organization: 'org_acme' }))
      await store.sessions.begin(sessionOf(tenant, { id: `${tenant} acme`, organization: 'org_acme' }), {
        from: null,
        secretHash: tenant,
      })

      assert.equal(await store.organizations.remove(tenant, 'org_acme', NOW), 'removed')
      assert.equal(await store.organizations.remove(tenant, 'org_acme', NOW), 'gone')
      assert.equal(await store.organizations.find(tenant, 'org_acme'), undefined)
      assert.equal(await store.organizations.findByName(tenant, 'org_acme'), undefined)
      assert.equal(await store.memberships.standing(tenant, 'org_acme', 'auth0|ada'), undefined)
      assert.equal(await store.memberships.add({ ...inAcme, user: 'auth0|ada', since: NOW }), 'gone')
      assert.deepEqual(await store.memberships.among(tenant, 'org_acme', ['auth0|ada']), [])
      assert.deepEqual(
        (await store.memberships.ofUser(tenant, 'auth0|ada', { limit: 9 })).map(({ id }) => id),
        ['org_beta'],
      )
      assert.equal(await store.organizations.create(organizationOf(tenant, { id: 'org_new' })), 'created')

      // Everything of other tests' that is to be purged goes first.
      const purged: number[] = []
      for (;;) {
        const some = await store.organizations.purge(NOW, 4)
        purged.push(some)
        if (some < 4) break
      }
      assert.ok(purged.every(some => some <= 4))
      assert.equal((await store.sessions.find(tenant, `${tenant} acme`))?.endedAt, NOW)
      assert.equal(await store.organizationClients.allowsGrant(tenant, 'org_acme', 'cgr_1'), false)
      assert.deepEqual(await store.roles.of(tenant, 'auth0|ada', 'org_acme'), [])
      assert.deepEqual(await store.consents.of(tenant, 'auth0|ada', 'app'), [])
      assert.equal(await store.invitations.count(tenant, 'org_acme', NOW), 0)
      // The key is free, so that the tombstone is gone too.
      await execute(
        `insert into organizations (tenant, id, name, display_name, settings, created_at, updated_at)
         values ('${tenant}', 'org_acme', 'again', '', '{}', 0, 0)`,
      )
      assert.equal(await store.memberships.countMembers(tenant, 'org_acme'), 0)
      assert.equal(await store.memberships.countMembers(tenant, 'org_beta'), 1)
    })
  })

  describe('memberships', () => {
    test('somebody is a member of what exists, once, until they leave or are removed', async () => {
      const { memberships, users } = stage.store
      const tenant = await directory(['ada', 'bob'], ['acme'])
      const ada = { tenant, organization: 'org_acme', user: 'auth0|ada', since: NOW }
      assert.equal(await memberships.add(ada), 'added')
      assert.equal(await memberships.add(ada), 'already')
      assert.equal(await memberships.add({ ...ada, user: 'auth0|bob' }), 'added')
      assert.equal(await memberships.add({ ...ada, user: 'auth0|none' }), 'gone')
      assert.equal(await memberships.add({ ...ada, organization: 'org_none' }), 'gone')
      assert.equal(await memberships.add({ ...ada, tenant: newTenant() }), 'gone')
      assert.equal((await memberships.standing(tenant, 'org_acme', 'auth0|ada'))?.isMember, true)
      assert.equal((await memberships.standing(tenant, 'org_acme', 'auth0|none'))?.isMember, false)
      const named = { tenant, organization: 'org_acme', connection: 'con_1' }
      await stage.store.organizationConnections.add({ ...named, settings: { is_enabled: false } })
      for (const [connection, settings] of [
        ['con_1', { is_enabled: false }],
        ['con_2', null],
        [undefined, null],
      ] as const)
        for (const user of ['auth0|ada', 'auth0|none'])
          assert.deepEqual((await memberships.standing(tenant, 'org_acme', user, connection))?.connection, settings)
      assert.equal(await memberships.standing(newTenant(), 'org_acme', 'auth0|ada'), undefined)
      assert.deepEqual(
        (await memberships.members(tenant, 'org_acme', { after: 'auth0|ada', limit: 5 })).map(({ id }) => id),
        ['auth0|bob'],
      )
      assert.equal(await memberships.countMembers(tenant, 'org_acme'), 2)
      assert.equal(await memberships.countOfUser(tenant, 'auth0|ada'), 1)

      assert.equal(await memberships.remove(tenant, 'org_acme', 'auth0|ada'), 'removed')
      assert.equal(await memberships.remove(tenant, 'org_acme', 'auth0|ada'), 'gone')
      assert.equal(await memberships.hold(tenant, 'org_acme', 'auth0|ada'), false)
      await users.remove(tenant, 'auth0|bob', NOW)
      assert.deepEqual(await memberships.among(tenant, 'org_acme', ['auth0|ada', 'auth0|bob']), [])
      assert.equal(await memberships.countMembers(tenant, 'org_acme'), 0)
    })

    test('whoever leaves has no role within the organization any more, and keeps those elsewhere', async () => {
      const { memberships, roles } = stage.store
      const tenant = await directory(['ada'], ['acme', 'beta'])
      await roles.put({ tenant, id: 'rol_1', name: 'admin', description: '' })
      for (const organization of ['org_acme', 'org_beta']) {
        await memberships.add({ tenant, organization, user: 'auth0|ada', since: NOW })
        await roles.assign(tenant, 'auth0|ada', organization, ['rol_1'])
      }
      const withRole = async (organization: string) =>
        (await memberships.withRole(tenant, organization, 'rol_1', { limit: 9 })).map(({ id }) => id)
      assert.deepEqual(await withRole('org_acme'), ['auth0|ada'])
      await memberships.remove(tenant, 'org_acme', 'auth0|ada')
      assert.deepEqual(await withRole('org_acme'), [])
      assert.deepEqual(await withRole('org_beta'), ['auth0|ada'])
      assert.deepEqual(await roles.of(tenant, 'auth0|ada', 'org_acme'), [])
    })

    test('a membership that a transaction holds ends after it', async () => {
      const { store } = stage
      const tenant = await directory(['ada'], ['acme'])
      await store.memberships.add({ tenant, organization: 'org_acme', user: 'auth0|ada', since: NOW })
      const order: string[] = []
      let isHeld = () => {}
      const held = new Promise<void>(resolve => (isHeld = resolve))
      const holding = store.transaction(async transaction => {
        assert.equal(await transaction.memberships.hold(tenant, 'org_acme', 'auth0|ada'), true)
        isHeld()
        await transaction.authorizations.create(authorizationOf(tenant, { organization: 'org_acme' }))
        order.push('given')
      })
      await held
      const leaving = store.transaction(async transaction => {
        await transaction.memberships.remove(tenant, 'org_acme', 'auth0|ada')
        const killed = await transaction.authorizations.killWithin(tenant, 'auth0|ada', 'org_acme')
        order.push(`${killed.length} killed`)
      })
      await Promise.all([holding, leaving])
      assert.deepEqual(order, ['given', '1 killed'])
    })
  })

  test('what was given within an organization is ended apart from what was given elsewhere', async () => {
    const { authorizations, sessions } = stage.store
    const tenant = newTenant()
    const expiresAt = NOW + 1000
    const given = (id: string, organization: string | null, subject = 'auth0|ada') =>
      authorizations.create(authorizationOf(tenant, { id, organization, subject, expiresAt }))
    await given('one', 'org_1')
    await given('two', 'org_1')
    await given('other', 'org_2')
    await given('none', null)
    await given('bob', 'org_1', 'auth0|bob')
    const killed = await authorizations.killWithin(tenant, 'auth0|ada', 'org_1')
    assert.deepEqual(
      killed.sort((one, other) => (one.id < other.id ? -1 : 1)),
      [
        { id: 'one', expiresAt },
        { id: 'two', expiresAt },
      ],
    )
    assert.deepEqual(await authorizations.killWithin(tenant, 'auth0|ada', 'org_1'), [])
    for (const id of ['other', 'none', 'bob']) assert.equal((await authorizations.find(tenant, id))?.state, 'live')

    const begin = async (organization: string | null, user = 'auth0|ada') =>
      (
        await sessions.begin(sessionOf(tenant, { organization, user }), {
          from: null,
          secretHash: `${organization} ${user} ${tenant}`,
        })
      ).id
    const [within, elsewhere, nowhere, bobs] = [
      await begin('org_1'),
      await begin('org_2'),
      await begin(null),
      await begin('org_1', 'auth0|bob'),
    ]
    assert.equal(await sessions.endWithin(tenant, 'auth0|ada', 'org_1', NOW), 1)
    assert.equal((await sessions.find(tenant, within))?.endedAt, NOW)
    for (const id of [elsewhere, nowhere, bobs]) assert.equal((await sessions.find(tenant, id))?.endedAt, null)
  })

  test('a session that is renewed is of the organization that it was renewed for', async () => {
    const { sessions } = stage.store
    const tenant = newTenant()
    const first = await sessions.begin(sessionOf(tenant, { organization: 'org_1' }), {
      from: null,
      secretHash: `1 ${tenant}`,
    })
    const second = await sessions.begin(sessionOf(tenant, { organization: 'org_2' }), {
      from: `1 ${tenant}`,
      secretHash: `2 ${tenant}`,
    })
    assert.deepEqual([second.id, second.renewed], [first.id, true])
    assert.equal((await sessions.find(tenant, first.id))?.organization, 'org_2')
  })

  test('connections of an organization are added once, known by name while the connection is there, changed and removed', async () => {
    const { connections, organizationConnections } = stage.store
    const tenant = newTenant()
    await connections.create(connectionOf(tenant, { id: 'con_1', name: 'Passwords' }))
    const named = { tenant, organization: 'org_1', connection: 'con_1' }
    const settings = { assign_membership_on_login: true }
    assert.equal(await organizationConnections.add({ ...named, settings }), 'added')
    assert.equal(await organizationConnections.add({ ...named, settings: {} }), 'already')
    await organizationConnections.add({ ...named, connection: 'con_gone', settings: {} })
    assert.deepEqual(await organizationConnections.find(named), {
      ...named,
      name: 'Passwords',
      strategy: 'auth0',
      settings,
    })
    assert.deepEqual(
      (await organizationConnections.list(tenant, 'org_1')).map(({ connection }) => connection),
      ['con_1'],
    )
    assert.deepEqual(await organizationConnections.list(tenant, 'org_1', { offset: 1, limit: 1 }), [])
    assert.deepEqual(await organizationConnections.list(newTenant(), 'org_1'), [])
    const having = async (organizations: readonly string[]) =>
      (await organizationConnections.having(tenant, organizations, 'con_1')).map(({ organization }) => organization)
    assert.deepEqual([await having(['org_1', 'org_2']), await having([])], [['org_1'], []])
    assert.equal(await organizationConnections.change(named, { show_as_button: false }), 'changed')
    assert.deepEqual((await organizationConnections.find(named))?.settings, { show_as_button: false })
    assert.equal(await organizationConnections.remove(named), 'removed')
    assert.equal(await organizationConnections.remove(named), 'gone')
    assert.equal(await organizationConnections.change(named, {}), 'gone')
  })

  test('applications and client grants are associated with an organization and let go of', async () => {
    const { clients, organizationClients } = stage.store
    const tenant = newTenant()
    for (const id of ['app', 'other']) await clients.create(clientOf(tenant, { id }))
    const app = { tenant, organization: 'org_1', client: 'app', isForMembers: true }
    assert.equal(await organizationClients.put(app), 'added')
    assert.equal(await organizationClients.put(app), 'same')
    assert.equal(await organizationClients.put({ ...app, isForMembers: false }), 'changed')
    assert.equal(await organizationClients.put({ ...app, client: 'other' }), 'added')
    assert.deepEqual(await organizationClients.find(tenant, 'org_1', 'app'), { ...app, isForMembers: false })
    const ids = async (page = {}) =>
      (await organizationClients.list(tenant, 'org_1', { limit: 9, ...page })).map(({ client }) => client)
    assert.deepEqual([await ids(), await ids({ after: 'app' })], [['app', 'other'], ['other']])
    assert.equal(await organizationClients.remove(tenant, 'org_1', 'app'), 'removed')
    assert.equal(await organizationClients.remove(tenant, 'org_1', 'app'), 'gone')
    await clients.remove(tenant, 'other', NOW)
    assert.deepEqual(await ids(), [])

    assert.equal(await organizationClients.allowGrant(tenant, 'org_1', 'cgr_1'), 'added')
    assert.equal(await organizationClients.allowGrant(tenant, 'org_1', 'cgr_1'), 'already')
    await organizationClients.allowGrant(tenant, 'org_2', 'cgr_1')
    assert.deepEqual(await organizationClients.grantsOf(tenant, 'org_1'), ['cgr_1'])
    assert.deepEqual(await organizationClients.organizationsOf(tenant, 'cgr_1', { limit: 9 }), ['org_1', 'org_2'])
    assert.equal(await organizationClients.allowsGrant(newTenant(), 'org_1', 'cgr_1'), false)
    assert.equal(await organizationClients.disallowGrant(tenant, 'org_1', 'cgr_1'), 'removed')
    assert.equal(await organizationClients.disallowGrant(tenant, 'org_1', 'cgr_1'), 'gone')
    assert.equal(await organizationClients.allowsGrant(tenant, 'org_1', 'cgr_1'), false)
  })

  describe('invitations', () => {
    test('one is found by its id and by its ticket in its tenant, while it is open', async () => {
      const { invitations } = stage.store
      const tenant = newTenant()
      const invitation = invitationOf(tenant)
      await invitations.create(invitation)
      assert.deepEqual(await invitations.find(tenant, 'org_1', 'inv_1', NOW), invitation)
      assert.deepEqual(await invitations.findByTicket(tenant, 'ticket', NOW), invitation)
      assert.equal(await invitations.findByTicket(newTenant(), 'ticket', NOW), undefined)
      assert.equal(await invitations.find(tenant, 'org_2', 'inv_1', NOW), undefined)
      assert.equal(await invitations.findByTicket(tenant, 'ticket', invitation.expiresAt), undefined)
      assert.equal(await invitations.take(tenant, 'inv_1', invitation.expiresAt), 'gone')
    })

    test('a ticket is sealed to its invitation', async () => {
      const { invitations } = stage.store
      const tenant = newTenant()
      await invitations.create(invitationOf(tenant, { ticket: 'one' }))
      await invitations.create(invitationOf(tenant, { id: 'inv_2', ticket: 'two' }))
      const ticketOfFirst = `(select ticket from invitations where tenant = '${tenant}' and id = 'inv_1')`
      await stage.execute(
        `update invitations set ticket = ${ticketOfFirst} where tenant = '${tenant}' and id = 'inv_2'`,
      )
      await assert.rejects(invitations.find(tenant, 'org_1', 'inv_2', NOW), { name: 'SealError' })
    })

    test('one is taken once, by however many at once', async () => {
      const { invitations } = stage.store
      const tenant = newTenant()
      await invitations.create(invitationOf(tenant))
      const answers = await inParallel(64, () => invitations.take(tenant, 'inv_1', NOW))
      assert.deepEqual(tally(answers), { taken: 1, gone: 63 })
    })

    test('are listed in the order they were made in, counted, and purged when they are over', async () => {
      const { invitations } = stage.store
      const tenant = newTenant()
      for (const [index, id] of ['a', 'b', 'c'].entries())
        await invitations.create(
          invitationOf(tenant, { id, ticket: id, createdAt: NOW + index, expiresAt: NOW + 1000 - 300 * index }),
        )
      const ids = async (now: number, page: Partial<Parameters<typeof invitations.list>[3]> = {}) =>
        (await invitations.list(tenant, 'org_1', now, { limit: 9, ...page })).map(({ id }) => id)
      assert.deepEqual(await ids(NOW), ['a', 'b', 'c'])
      assert.deepEqual(await ids(NOW, { descending: true, offset: 1, limit: 1 }), ['b'])
      assert.deepEqual([await ids(NOW + 700), await invitations.count(tenant, 'org_1', NOW + 700)], [['a'], 1])
      while ((await invitations.purge(NOW + 700, 2)) === 2);
      assert.deepEqual(await ids(NOW), ['a'])
    })
  })

  test('a domain is an organization’s once, verified and used apart', async () => {
    const { discoveryDomains } = stage.store
    const tenant = newTenant()
    const domain = {
      ...{ tenant, id: 'dom_1', organization: 'org_1', domain: 'acme.example', proof: 'txt' },
      isVerified: false,
      isUsed: true,
    }
    assert.equal(await discoveryDomains.create(domain), 'created')
    assert.equal(await discoveryDomains.create({ ...domain, id: 'dom_2' }), 'taken')
    assert.equal(await discoveryDomains.create({ ...domain, id: 'dom_3', organization: 'org_2' }), 'created')
    assert.equal(await discoveryDomains.change(tenant, 'org_1', 'dom_1', { isVerified: true }), 'changed')
    assert.equal(await discoveryDomains.change(tenant, 'org_1', 'dom_3', {}), 'gone')
    assert.deepEqual(await discoveryDomains.find(tenant, 'org_1', 'dom_1'), { ...domain, isVerified: true })
    assert.deepEqual(await discoveryDomains.findByName(tenant, 'org_1', 'acme.example'), {
      ...domain,
      isVerified: true,
    })
    assert.equal((await discoveryDomains.list(tenant, 'org_1', { limit: 9 })).length, 1)
    assert.equal(await discoveryDomains.remove(tenant, 'org_1', 'dom_1'), 'removed')
    assert.equal(await discoveryDomains.remove(tenant, 'org_1', 'dom_1'), 'gone')
  })
}
