/** Organizations, managed with Auth0's own library: all that belongs to them, what is refused, and what is told of each change. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { ManagementClient } from 'auth0'
import { type Management, startManagement } from '../fixtures/management.ts'

const TENANT_FILE = {
  clients: [
    {
      client_id: 'app',
      name: 'Player',
      app_type: 'spa',
      organization_usage: 'allow',
      initiate_login_uri: 'https://app.example/login',
    },
    { client_id: 'nowhere', name: 'Nowhere', app_type: 'spa', organization_usage: 'allow' },
    { client_id: 'alone', name: 'Alone', app_type: 'spa' },
    {
      client_id: 'robot',
      name: 'Robot',
      app_type: 'non_interactive',
      client_secret: 'a robot remembers a long secret',
    },
  ],
  resourceServers: [{ identifier: 'https://api.example/', name: 'API', scopes: [{ value: 'read' }] }],
  clientGrants: [{ client_id: 'robot', audience: 'https://api.example/', scope: ['read'] }],
  roles: [{ name: 'editor', description: 'Edits' }, { name: 'viewer' }],
  users: ['ann', 'bob', 'cyd'].map(name => ({
    email: `${name}@example.com`,
    password: 'a fine long passphrase',
    user_id: name,
    name: name.toUpperCase(),
  })),
}
const [ANN, BOB, CYD] = ['auth0|ann', 'auth0|bob', 'auth0|cyd'] as const

describe('Organizations, managed', () => {
  let management: Management
  let client: ManagementClient
  let passwords: string
  const roles: Record<string, string> = {}
  before(async () => {
    management = await startManagement({
      tenantFile: TENANT_FILE,
      environment: { LATCHKEY_MANAGEMENT_CALLS: '100000' },
    })
    client = management.client
    const { store } = management.server.latchkey
    passwords = (await store.connections.findByName('default', 'Username-Password-Authentication'))?.id ?? assert.fail()
    for (const name of ['editor', 'viewer']) roles[name] = (await store.roles.findByName('default', name))?.id ?? ''
  })
  after(() => management?.close())

  let made = 0
  const create = async (more: object = {}) => {
    const { id, name } = await client.organizations.create({ name: `acme-${++made}`, ...more })
    return { id: id ?? assert.fail(), name: name ?? assert.fail() }
  }
  const refusal = async (method: string, path: string, body?: unknown) => {
    const { status, body: answered } = await management.call(method, path, body)
    return [status, answered.errorCode]
  }
  async function all<T>(pages: AsyncIterable<T> | Promise<AsyncIterable<T>>): Promise<T[]> {
    const items: T[] = []
    for await (const one of await pages) items.push(one)
    return items
  }

  test('one is created, read by id and name, changed member by member, and removed', async () => {
    const branding = {
      logo_url: 'https://acme.example/logo.png',
      colors: { primary: '#123456', page_background: '#fff' },
    }
    const created = await client.organizations.create({
      name: 'first',
      display_name: 'First Inc.',
      branding,
      metadata: { plan: 'gold', seat: '7' },
      enabled_connections: [{ connection_id: passwords, assign_membership_on_login: true }],
    })
    const id = created.id ?? assert.fail()
    assert.match(id, /^org_/)
    assert.equal(created.enabled_connections?.[0]?.connection?.name, 'Username-Password-Authentication')
    assert.deepEqual((await client.organizations.getByName('first')).id, id)
    const changed = await client.organizations.update(id, { metadata: { seat: null, region: 'eu' }, name: 'premier' })
    assert.deepEqual(changed.metadata, { plan: 'gold', region: 'eu' })
    const read = await client.organizations.get(id)
    assert.deepEqual([read.name, read.display_name, read.branding], ['premier', 'First Inc.', branding])
    await client.organizations.delete(id)
    await assert.rejects(client.organizations.get(id), { statusCode: 404 })
    assert.equal((await create({ name: 'premier' })).name, 'premier')
  })

  test('what is no organization is refused by member and rule, and a name is given once', async () => {
    const { name } = await create()
    for (const body of [
      {},
      { name: 'Acme' },
      { name: 'org_1' },
      { name: 'a'.repeat(51) },
      { name: 'ok', nonsense: 1 },
      { name: 'ok', branding: { logo_url: 'http://plain.example/' } },
      { name: 'ok', branding: { colors: { primary: 'red', page_background: '#fff' } } },
      { name: 'ok', metadata: { plan: 1 } },
      { name: 'ok', metadata: Object.fromEntries(Array.from({ length: 26 }, (_, index) => [`m${index}`, 'x'])) },
      { name: 'ok', enabled_connections: [{ connection_id: 'con_none' }] },
    ])
      assert.deepEqual(await refusal('POST', '/organizations', body), [400, 'invalid_body'], JSON.stringify(body))
    assert.deepEqual(await refusal('POST', '/organizations', { name }), [409, 'organization_conflict'])
    const other = await create()
    assert.deepEqual(await refusal('PATCH', `/organizations/${other.id}`, { name }), [409, 'organization_conflict'])
    const many = (from: number) =>
      Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`m${from + index}`, 'x']))
    await client.organizations.update(other.id, { metadata: many(0) })
    assert.deepEqual(await refusal('PATCH', `/organizations/${other.id}`, { metadata: many(20) }), [
      400,
      'invalid_body',
    ])
    assert.equal(Object.keys((await client.organizations.get(other.id)).metadata ?? {}).length, 20)
  })

  test('are listed in all three shapes and in order', async () => {
    for (const name of ['zz-list-b', 'zz-list-a', 'zz-list-c']) await create({ name })
    const mine = (found: readonly { name?: string | undefined }[]) =>
      found.flatMap(({ name }) => (name?.startsWith('zz-list') ? [name.at(-1)] : []))
    assert.deepEqual(mine(await all(client.organizations.list({ take: 2, sort: 'name:1' }))), ['a', 'b', 'c'])
    assert.deepEqual(mine(await all(client.organizations.list({ take: 1 }))), ['b', 'a', 'c'])
    const { body } = await management.call('GET', '/organizations?include_totals=true&per_page=1&page=1&sort=name:-1')
    assert.deepEqual([body.start, body.limit, body.length, body.organizations[0].name], [1, 1, 1, 'zz-list-b'])
    assert.ok(body.total >= 3)
    assert.ok(Array.isArray((await management.call('GET', '/organizations')).body))
    for (const query of ['sort=id:1', 'sort=name', 'from=nonsense', `from=${Buffer.from('[1]').toString('base64url')}`])
      assert.deepEqual(await refusal('GET', `/organizations?${query}`), [400, 'invalid_query_string'], query)
  })

  test('members come, are listed with what is asked of them, and go', async () => {
    const { id } = await create()
    await client.organizations.members.create(id, { members: [ANN, BOB, CYD, ANN] })
    const listed = await all(client.organizations.members.list(id, { take: 2 }))
    assert.deepEqual(
      listed.map(one => one.user_id),
      [ANN, BOB, CYD],
    )
    assert.deepEqual(listed[0], { user_id: ANN, email: 'ann@example.com', name: 'ANN' })
    await client.organizations.members.roles.assign(id, ANN, { roles: [roles['editor'] ?? ''] })
    const [first] = await all(client.organizations.members.list(id, { fields: 'user_id,roles' }))
    assert.deepEqual(first, { user_id: ANN, roles: [{ id: roles['editor'], name: 'editor' }] })
    assert.equal((await management.call('GET', `/organizations/${id}/members?include_totals=true`)).body.total, 3)
    assert.deepEqual((await all(client.users.organizations.list(ANN))).at(-1)?.id, id)

    await client.organizations.members.delete(id, { members: [ANN, 'auth0|nobody'] })
    assert.deepEqual(
      (await all(client.organizations.members.list(id))).map(one => one.user_id),
      [BOB, CYD],
    )
    assert.deepEqual(await refusal('POST', `/organizations/${id}/members`, { members: [ANN, 'auth0|nobody'] }), [
      400,
      'invalid_body',
    ])
    assert.equal((await all(client.organizations.members.list(id))).length, 2, 'all of them or none')
  })

  test('a member has roles within it, and nowhere else', async () => {
    const { id } = await create()
    const other = await create()
    for (const organization of [id, other.id])
      await client.organizations.members.create(organization, { members: [ANN] })
    const { editor = '', viewer = '' } = roles
    await client.organizations.members.roles.assign(id, ANN, { roles: [editor, viewer] })
    await client.organizations.members.roles.assign(id, ANN, { roles: [editor] })
    const names = async (organization: string) =>
      (await all(client.organizations.members.roles.list(organization, ANN))).map(({ name }) => name)
    assert.deepEqual(await names(id), ['editor', 'viewer'])
    assert.deepEqual(await names(other.id), [])
    assert.deepEqual((await all(client.organizations.members.effectiveRoles.list(id, ANN, { take: 1 }))).at(0), {
      id: editor,
      name: 'editor',
      description: 'Edits',
      sources: ['direct'],
    })
    assert.deepEqual(
      (await all(client.organizations.roles.members.list(id, editor))).map(one => one.user_id),
      [ANN],
    )
    await client.organizations.members.roles.delete(id, ANN, { roles: [editor] })
    assert.deepEqual(await names(id), ['viewer'])
    const at = `/organizations/${id}/members/${encodeURIComponent(ANN)}/roles`
    assert.deepEqual(await refusal('POST', at, { roles: ['rol_none'] }), [400, 'invalid_body'])
    const bobs = `/organizations/${id}/members/${encodeURIComponent(BOB)}/roles`
    assert.deepEqual(await refusal('POST', bobs, { roles: [editor] }), [404, 'inexistent_member'])
    assert.deepEqual(await refusal('GET', bobs), [404, 'inexistent_member'])
  })

  test('its connections are the same by both names', async () => {
    const { id } = await create()
    const { enabledConnections, connections } = client.organizations
    const added = await enabledConnections.add(id, { connection_id: passwords })
    assert.deepEqual(added, {
      connection_id: passwords,
      assign_membership_on_login: false,
      show_as_button: true,
      is_signup_enabled: false,
      connection: { name: 'Username-Password-Authentication', strategy: 'auth0' },
    })
    await connections.update(id, passwords, { organization_connection_name: 'Staff', assign_membership_on_login: true })
    const [twin] = await all(connections.list(id))
    assert.deepEqual(
      [twin?.organization_connection_name, twin?.is_enabled, twin?.assign_membership_on_login],
      ['Staff', true, true],
    )
    await enabledConnections.update(id, passwords, { is_signup_enabled: true })
    assert.equal((await connections.get(id, passwords)).is_signup_enabled, true)
    const at = `/organizations/${id}/enabled_connections`
    assert.deepEqual(await refusal('POST', at, { connection_id: passwords }), [409, 'connection_conflict'])
    assert.deepEqual(await refusal('PATCH', `${at}/${passwords}`, { assign_membership_on_login: false }), [
      400,
      'invalid_body',
    ])
    assert.deepEqual(await refusal('GET', `${at}/con_none`), [404, 'inexistent_connection'])
    assert.equal((await management.call('GET', `/organizations/${id}/connections?is_enabled=false`)).body.length, 0)
    await enabledConnections.delete(id, passwords)
    assert.deepEqual(await all(enabledConnections.list(id)), [])
  })

  test('an invitation names its application, and is refused where it would lead nowhere', async () => {
    const { id, name } = await create()
    const wish = { inviter: { name: 'Bob' }, invitee: { email: 'New@Example.com' }, client_id: 'app' }
    const { invitations } = client.organizations
    const invitation = await invitations.create(id, { ...wish, roles: [roles['editor'] ?? ''], ttl_sec: 60 })
    const url = new URL(invitation.invitation_url ?? '')
    assert.equal(url.origin + url.pathname, 'https://app.example/login')
    assert.deepEqual(Object.fromEntries(url.searchParams), {
      invitation: invitation.ticket_id,
      organization: id,
      organization_name: name,
    })
    assert.equal(Date.parse(invitation.expires_at ?? '') - Date.parse(invitation.created_at ?? ''), 60_000)
    assert.deepEqual(await invitations.get(id, invitation.id ?? ''), invitation)
    assert.deepEqual(await all(invitations.list(id, { fields: 'id' })), [{ id: invitation.id }])
    await invitations.delete(id, invitation.id ?? '')
    await assert.rejects(invitations.get(id, invitation.id ?? ''), { statusCode: 404 })

    const at = `/organizations/${id}/invitations`
    const said = async (more: object) => {
      const { status, body } = await management.call('POST', at, { ...wish, ...more })
      return [status, body.message]
    }
    assert.deepEqual(await said({ client_id: 'alone' }), [
      400,
      'The specified client_id (alone) does not allow organizations.',
    ])
    assert.deepEqual(await said({ client_id: 'nowhere' }), [
      400,
      'A default login route is required to generate the invitation url.',
    ])
    for (const more of [
      { client_id: 'none' },
      { invitee: { email: 'nobody' } },
      { roles: ['rol_none'] },
      { connection_id: passwords },
      { ttl_sec: 2_592_001 },
      { inviter: { name: 'a\nb' } },
    ])
      assert.equal((await said(more))[0], 400, JSON.stringify(more))
  })

  test('applications, client grants and domains are associated with it and let go of', async () => {
    const { id } = await create()
    const { clients, clientGrants, discoveryDomains } = client.organizations
    await clients.create(id, { clients: [{ client_id: 'app', use_for_member_access: true }] })
    assert.deepEqual(await clients.get(id, 'app'), {
      client_id: 'app',
      use_for_member_access: true,
      client: { name: 'Player', app_type: 'spa', organization_usage: 'allow' },
    })
    assert.equal((await clients.update(id, 'app', { use_for_member_access: false })).use_for_member_access, false)
    const [shown] = (await all(client.organizations.list({ include_client_association_for: 'app' }))).filter(
      one => one.client,
    )
    assert.deepEqual([shown?.id, shown?.client], [id, { use_for_member_access: false }])
    assert.equal((await all(clients.list(id))).length, 1)
    await clients.delete(id, { clients: ['app'] })
    assert.deepEqual(await refusal('GET', `/organizations/${id}/clients/app`), [404, 'inexistent_client'])

    const [grant] = await management.server.latchkey.store.clients.grantsOf('default', 'robot')
    const grantId = grant?.id ?? assert.fail()
    assert.equal((await clientGrants.create(id, { grant_id: grantId })).client_id, 'robot')
    assert.deepEqual(
      (await all(clientGrants.list(id, { client_id: 'robot' }))).map(one => one.id),
      [grantId],
    )
    assert.deepEqual(await all(clientGrants.list(id, { audience: 'https://other.example/' })), [])
    assert.deepEqual(
      (await all(client.clientGrants.organizations.list(grantId))).map(one => one.id),
      [id],
    )
    assert.deepEqual(await refusal('POST', `/organizations/${id}/client-grants`, { grant_id: grantId }), [
      409,
      'client_grant_conflict',
    ])
    await clientGrants.delete(id, grantId)
    assert.deepEqual(await all(client.clientGrants.organizations.list(grantId)), [])

    const domain = await discoveryDomains.create(id, { domain: 'Acme.example' })
    assert.deepEqual([domain.domain, domain.status], ['acme.example', 'pending'])
    assert.match(domain.verification_host, /acme\.example$/)
    await discoveryDomains.update(id, domain.id, { status: 'verified' })
    assert.equal((await discoveryDomains.getByName(id, 'acme.example')).status, 'verified')
    assert.equal((await all(discoveryDomains.list(id))).length, 1)
    assert.deepEqual(await refusal('POST', `/organizations/${id}/discovery-domains`, { domain: 'acme.example' }), [
      409,
      'organization_discovery_domain_conflict',
    ])
    assert.deepEqual(await refusal('POST', `/organizations/${id}/discovery-domains`, { domain: 'no domain' }), [
      400,
      'invalid_body',
    ])
    await discoveryDomains.delete(id, domain.id)
    await assert.rejects(discoveryDomains.get(id, domain.id), { statusCode: 404 })
  })

  test('whatever is of an organization that is not there is not there either', async () => {
    for (const [method, path, body] of [
      ['GET', ''],
      ['PATCH', '', {}],
      ['DELETE', ''],
      ['GET', '/members'],
      ['POST', '/members', { members: [ANN] }],
      ['DELETE', '/members', { members: [ANN] }],
      ['GET', '/enabled_connections'],
      ['POST', '/connections', { connection_id: passwords }],
      ['GET', '/invitations'],
      ['POST', '/invitations', { inviter: { name: 'B' }, invitee: { email: 'a@example.com' }, client_id: 'app' }],
      ['GET', '/clients'],
      ['GET', '/client-grants'],
      ['GET', '/discovery-domains'],
    ] as const)
      assert.deepEqual(
        await refusal(method, `/organizations/org_none${path}`, body),
        [404, 'inexistent_organization'],
        `${method} ${path}`,
      )
    assert.deepEqual(await refusal('GET', '/organizations/name/none'), [404, 'inexistent_organization'])
    assert.deepEqual(await refusal('GET', '/users/nobody/organizations'), [404, 'inexistent_user'])
    assert.deepEqual(await refusal('GET', '/client-grants/none/organizations'), [404, 'inexistent_client_grant'])
  })

  test('are searched by their names, metadata and age, in the language of Lucene and of SCIM', async () => {
    const made = await Promise.all(
      ['one', 'two', 'three'].map((name, index) =>
        client.organizations.create({
          name: `sought-${name}`,
          display_name: `Sought ${index}`,
          metadata: { tier: index === 0 ? 'gold' : 'tin' },
        }),
      ),
    )
    const names = made.map(({ name }) => name)
    const found = async (query: Parameters<typeof client.organizations.search>[0]) => {
      const all: (string | undefined)[] = []
      for await (const { name } of await client.organizations.search(query)) all.push(name)
      return all
    }
    assert.deepEqual(await found({ q: 'name:sought-*', sort: 'name', take: 1 }), names.toSorted())
    assert.deepEqual(await found({ q: 'display_name:*ought*', sort: 'display_name', take: 2 }), names)
    assert.deepEqual(await found({ q: 'sought*', sort: 'display_name' }), names)
    assert.deepEqual(await found({ q: 'sought* AND NOT metadata.tier:tin' }), ['sought-one'])
    assert.deepEqual(await found({ q: 'name sw "sought" and metadata.tier ne "tin"', parser: 'scim' }), ['sought-one'])
    assert.deepEqual(await found({ q: `id eq "${made[1]?.id}" and created_at ge "2020"`, parser: 'scim' }), [
      'sought-two',
    ])
    assert.deepEqual(await found({ q: 'name:sought-* AND created_at:[* TO 2020]' }), [])
    for (const [query, problem] of [
      ['q=colour:red', /colour, which is none of id, name, display_name, created_at, metadata\./],
      ['q=name+eq+x&parser=scim', /x, which is no text in quotes, number, true or false, at character 9/],
      ['q=created_at:yesterday', /created_at is a date/],
      ['q=a+b+c+d+e+f', /more than 5 things to look for/],
      ['sort=metadata', /sort/],
      ['from=bm9uc2Vuc2U', /from is not what an answer before held/],
    ] as const) {
      const { status, body } = await management.call('GET', `/organizations/search?${query}`)
      assert.equal(status, 400, query)
      assert.match(body.message, problem)
    }
  })

  test('what is not built is what a token may not', async () => {
    const { id } = await create()
    for (const path of [`/organizations/${id}/groups`, `/organizations/${id}/organization-templates`])
      assert.deepEqual(await refusal('GET', path), [403, 'insufficient_scope'], path)
  })

  test('each change is an event with who made it and what it was, and no ticket in it', async () => {
    const { id } = await create()
    await client.organizations.members.create(id, { members: [ANN] })
    const invitation = await client.organizations.invitations.create(id, {
      ...{ inviter: { name: 'Bob' }, invitee: { email: 'x@example.com' }, client_id: 'app' },
      send_invitation_email: false,
    })
    const { store } = management.server.latchkey
    const events = (await store.events.list('default', { limit: 500 })).filter(
      ({ target }) => target?.id === id || target?.id === invitation.id,
    )
    assert.deepEqual(
      new Set(events.map(({ type }) => type)),
      new Set(['organization.created', 'organization-member.created', 'invitation.created']),
    )
    for (const { actor } of events) assert.deepEqual([actor.kind, actor.id], ['client', 'management-root'])
    assert.ok(!JSON.stringify(events).includes(invitation.ticket_id ?? assert.fail()))
  })
})
