/** Roles, permissions and who has them, by Auth0's own library; and that what is changed here is in the next token. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Management, startManagement, trusting } from '../fixtures/management.ts'

const FILMS = 'https://films.example/api'
const ANN = { email: 'ann@example.com', password: 'correct horse battery staple' } as const

const films = (...names: readonly string[]) =>
  names.map(name => ({ permission_name: name, resource_server_identifier: FILMS }))

const TENANT_FILE = {
  clients: [
    {
      ...{ client_id: 'desktop', name: 'Desktop', app_type: 'native', token_endpoint_auth_method: 'none' },
      grant_types: ['password'],
    },
  ],
  resourceServers: [
    {
      ...{ identifier: FILMS, name: 'Films', enforce_policies: true },
      scopes: [{ value: 'read:films', description: 'See films' }, { value: 'write:films' }],
    },
  ],
  roles: [{ name: 'Written', permissions: films('read:films') }],
  users: [ANN, ...Array.from({ length: 4 }, (_, index) => ({ ...ANN, email: `user${index}@example.com` }))],
}

describe('Roles through the Management API', () => {
  let management: Management
  let ann: string

  before(async () => {
    management = await startManagement({
      tenantFile: TENANT_FILE,
    })
    ann = await idOf(ANN.email)
  })
  after(() => management?.close())

  const idOf = async (email: string) =>
    (await management.server.latchkey.store.users.findByAttribute('default', 'email', email, 1))[0] ?? assert.fail()
  const errorCode = async (method: string, path: string, body?: unknown) => {
    const answered = await management.call(method, path, body)
    return [answered.status, answered.body?.errorCode]
  }
  /** The scopes of a token that she is given now. */
  const scopeOf = async (email: string = ANN.email) => {
    const { domain, ca } = management
    const form = { ...ANN, username: email, grant_type: 'password', client_id: 'desktop', audience: FILMS }
    const response = await trusting(ca)(`https://${domain}/oauth/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...form, scope: 'read:films write:films' }),
    })
    return ((await response.json()) as { scope: string }).scope
  }
  const events = async (type: string) =>
    (await management.server.latchkey.store.events.list('default', { limit: 500 })).filter(one => one.type === type)

  test('are made, read, listed, changed and removed', async () => {
    const { client } = management
    const made = await client.roles.create({ name: 'Editor', description: 'Edits films' })
    assert.match(made.id ?? '', /^rol_/)
    assert.deepEqual(made, { id: made.id, name: 'Editor', description: 'Edits films', type: 'tenant' })
    const id = made.id ?? ''
    assert.deepEqual(await client.roles.get(id), made)
    assert.deepEqual(await client.roles.update(id, { description: 'Cuts' }), { ...made, description: 'Cuts' })
    // What a role is read with may be sent back.
    const { status } = await management.call('PATCH', `/roles/${id}`, await client.roles.get(id))
    assert.equal(status, 200)
    const listed = await client.roles.list({ name_filter: 'EDIT' })
    assert.deepEqual(
      listed.data.map(role => role.name),
      ['Editor'],
    )
    assert.deepEqual((await client.roles.list({ type: 'organization' })).data, [])
    const { body } = await management.call('GET', '/roles?include_totals=true&per_page=1&page=1&type=tenant')
    assert.deepEqual([body.start, body.limit, body.length, body.total], [1, 1, 1, 3])
    await client.roles.delete(id)
    assert.deepEqual(await errorCode('GET', `/roles/${id}`), [404, 'inexistent_role'])
    assert.deepEqual(await errorCode('DELETE', `/roles/${id}`), [404, 'inexistent_role'])

    const [changed] = await events('role.changed')
    assert.deepEqual(changed?.details['changes'], { description: { before: 'Edits films', after: 'Cuts' } })
    assert.equal(changed?.actor.client, 'management-root')
    for (const type of ['role.created', 'role.removed'])
      assert.ok(
        (await events(type)).some(({ target }) => target?.id === id),
        type,
      )
  })

  test('have no name twice, none that is empty or too long, and no members that nobody knows', async () => {
    const { client } = management
    const { id = '' } = await client.roles.create({ name: 'One' })
    assert.deepEqual(await errorCode('POST', '/roles', { name: 'One' }), [409, 'role_conflict'])
    assert.deepEqual(await errorCode('PATCH', `/roles/${id}`, { name: 'Written' }), [409, 'role_conflict'])
    for (const body of [
      {},
      { name: '' },
      { name: 'x'.repeat(201) },
      { name: 'a\nb' },
      { name: 5 },
      { name: 'x', nme: 1 },
    ])
      assert.deepEqual(await errorCode('POST', '/roles', body), [400, 'invalid_body'], JSON.stringify(body))
    assert.deepEqual(await errorCode('PATCH', '/roles/rol_none', { name: 'x' }), [404, 'inexistent_role'])
    await client.roles.delete(id)
    assert.equal((await management.call('POST', '/roles', { name: 'One' })).status, 200)
  })

  test('may what they are given, of what APIs have, and it is in the next token', async () => {
    const { client } = management
    const { id = '' } = await client.roles.create({ name: 'Cutter' })
    await client.roles.permissions.add(id, { permissions: films('write:films', 'read:films', 'read:films') })
    const listed = await client.roles.permissions.list(id)
    assert.deepEqual(listed.data, [
      {
        ...films('read:films')[0],
        resource_server_name: 'Films',
        description: 'See films',
      },
      { ...films('write:films')[0], resource_server_name: 'Films' },
    ])
    assert.equal(await scopeOf(), '')
    await client.roles.users.assign(id, { users: [ann] })
    assert.equal(await scopeOf(), 'read:films write:films')
    await client.roles.permissions.delete(id, { permissions: films('write:films') })
    assert.equal(await scopeOf(), 'read:films')
    const told = await events('role-permission.removed')
    assert.deepEqual(told[0]?.details['changes'], { permissions: { before: films('write:films') } })

    assert.deepEqual(await errorCode('POST', `/roles/${id}/permissions`, { permissions: films('erase:films') }), [
      400,
      'inexistent_permission',
    ])
    assert.deepEqual(await errorCode('POST', `/roles/${id}/permissions`, { permissions: [] }), [400, 'invalid_body'])
    const nowhere = '/roles/rol_none/permissions'
    for (const method of ['GET', 'POST', 'DELETE'])
      assert.deepEqual(
        await errorCode(method, nowhere, method === 'GET' ? undefined : { permissions: films('read:films') }),
        [404, 'inexistent_role'],
        method,
      )
    await client.roles.delete(id)
    assert.equal(await scopeOf(), '')
  })

  test('are listed with who has them, by checkpoint and by page', async () => {
    const { client } = management
    const { id = '' } = await client.roles.create({ name: 'Crowd' })
    const users = await Promise.all([0, 1, 2, 3].map(index => idOf(`user${index}@example.com`)))
    await client.roles.users.assign(id, { users })
    const all = await client.roles.users.list(id, { take: 3 })
    const seen = all.data.map(user => user.email)
    assert.equal(seen.length, 3)
    const rest = await all.getNextPage()
    assert.deepEqual(
      [...seen, ...rest.data.map(user => user.email)].toSorted(),
      users.map((_, index) => `user${index}@example.com`),
    )
    assert.equal(rest.hasNextPage(), false)
    const { body } = await management.call('GET', `/roles/${id}/users?include_totals=true&per_page=2&page=1`)
    assert.deepEqual([body.users.length, body.total, body.start], [2, 4, 2])
    assert.deepEqual(await errorCode('GET', `/roles/${id}/users?from=nonsense!`), [400, 'invalid_query_string'])

    const body404 = { users: [users[0], 'auth0|nobody'] }
    const { id: other = '' } = await client.roles.create({ name: 'Nobody' })
    assert.deepEqual(await errorCode('POST', `/roles/${other}/users`, body404), [404, 'inexistent_user'])
    // All or nothing.
    assert.deepEqual((await client.roles.users.list(other)).data, [])
  })

  test('are given to a user and taken away, and so are permissions of their own, by bodies of a DELETE', async () => {
    const { client } = management
    const user = await idOf('user0@example.com')
    const written = (await client.roles.list({ name_filter: 'Written' })).data[0]?.id ?? ''
    await client.users.roles.assign(user, { roles: [written] })
    await client.users.permissions.create(user, { permissions: films('write:films') })
    assert.equal(await scopeOf('user0@example.com'), 'read:films write:films')
    const roles = await client.users.roles.list(user)
    assert.ok(roles.data.some(role => role.name === 'Written'))
    assert.deepEqual((await client.users.permissions.list(user)).data, [
      { ...films('write:films')[0], resource_server_name: 'Films' },
    ])

    const effective = await client.users.effectivePermissions.list(user, { take: 1, resource_server_identifier: FILMS })
    assert.deepEqual(
      effective.data.map(permission => [permission.permission_name, permission.sources]),
      [['read:films', ['roles']]],
    )
    const next = await effective.getNextPage()
    assert.deepEqual(
      next.data.map(permission => [permission.permission_name, permission.sources]),
      [['write:films', ['direct']]],
    )
    assert.equal(next.hasNextPage(), false)
    const rolesWith = async (permission_name: string) =>
      (
        await client.users.effectivePermissions.sources.roles.list(user, {
          resource_server_identifier: FILMS,
          permission_name,
        })
      ).data.map(({ id, sources }) => [id, sources])
    assert.deepEqual(await rolesWith('read:films'), [[written, ['direct']]])
    assert.deepEqual(await rolesWith('write:films'), [])
    const effectiveRoles = await client.users.effectiveRoles.list(user)
    assert.deepEqual(effectiveRoles.data.find(role => role.name === 'Written')?.sources, ['direct'])

    await client.users.roles.delete(user, { roles: [written] })
    assert.equal(await scopeOf('user0@example.com'), 'write:films')
    await client.users.permissions.delete(user, { permissions: films('write:films') })
    assert.equal(await scopeOf('user0@example.com'), '')
    const given = (await events('user-role.created')).filter(({ target }) => target?.id === user)
    assert.ok(given.some(({ details }) => JSON.stringify(details['changes']).includes(written)))
  })

  test('of somebody who is not there, or that are not there, are nothing and no harm', async () => {
    for (const path of ['/users/auth0%7Cnobody/roles', '/users/auth0%7Cnobody/permissions']) {
      const body = path.endsWith('roles') ? { roles: ['rol_x'] } : { permissions: films('read:films') }
      for (const method of ['GET', 'POST', 'DELETE'])
        assert.deepEqual(
          await errorCode(method, path, method === 'GET' ? undefined : body),
          [404, 'inexistent_user'],
          `${method} ${path}`,
        )
    }
    const path = `/users/${encodeURIComponent(ann)}/roles`
    assert.deepEqual(await errorCode('POST', path, { roles: ['rol_none'] }), [404, 'inexistent_role'])
    assert.equal((await management.call('DELETE', path, { roles: ['rol_none'] })).status, 204)
    assert.deepEqual(await errorCode('POST', path, { roles: Array.from({ length: 51 }, (_, i) => `rol_${i}`) }), [
      400,
      'invalid_body',
    ])
  })

  test('are no business of a token without their scopes', async () => {
    const token = await management.tokenWith('read:roles')
    assert.equal((await management.call('GET', '/roles', undefined, { token })).status, 200)
    for (const [method, path, body, named] of [
      ['POST', '/roles', { name: 'x' }, 'create:roles'],
      ['PATCH', '/roles/x', {}, 'update:roles'],
      ['DELETE', '/roles/x', undefined, 'delete:roles'],
      ['POST', '/roles/x/permissions', { permissions: films('read:films') }, 'update:roles'],
      ['GET', '/roles/x/users', undefined, 'read:users'],
      ['POST', '/roles/x/users', { users: ['x'] }, 'create:role_members'],
      ['POST', '/users/x/roles', { roles: ['x'] }, 'update:users'],
      ['DELETE', '/users/x/permissions', { permissions: films('read:films') }, 'update:users'],
    ] as const) {
      const answered = await management.call(method, path, body, { token })
      assert.equal(answered.status, 403, `${method} ${path}`)
      assert.match(answered.body.message, new RegExp(named))
    }
  })
})
