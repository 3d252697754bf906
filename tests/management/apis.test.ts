/** APIs and what clients may ask of them, by Auth0's own library; and that what is changed here is in the next token. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { decodeJwt, jwtVerify } from 'jose'
import { type Management, startManagement, trusting } from '../fixtures/management.ts'
import { applyTo } from '../fixtures/server.ts'

const FILMS = 'https://films.example/api'
const SECRET = 'what the machine keeps to itself'
const TENANT_FILE = {
  resourceServers: [{ identifier: FILMS, name: 'Films', scopes: [{ value: 'read:films' }, { value: 'write:films' }] }],
  clients: [{ client_id: 'machine', client_secret: SECRET, name: 'Machine', app_type: 'non_interactive' }],
}

describe('APIs through the Management API', () => {
  let management: Management
  before(async () => {
    management = await startManagement({ tenantFile: TENANT_FILE })
  })
  after(() => management?.close())

  const failing = async (method: string, path: string, body?: unknown) => {
    const answered = await management.call(method, path, body)
    return [answered.status, answered.body?.errorCode]
  }
  const post = async (path: string, body: object): Promise<Record<string, unknown>> => {
    const { domain, ca } = management
    const response = await trusting(ca)(`https://${domain}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ client_id: 'machine', client_secret: SECRET, ...body }),
    })
    return (await response.json()) as Record<string, unknown>
  }
  const tokenFor = async (audience: string) =>
    String((await post('/oauth/token', { grant_type: 'client_credentials', audience }))['access_token'] ?? 'none')
  const isActive = async (token: string) => (await post('/oauth/introspect', { token }))['active']
  const grant = (audience: string, more: object = {}) =>
    management.client.clientGrants.create({ client_id: 'machine', audience, ...more })
  const events = async (type: string, id: string) =>
    (await management.server.latchkey.store.events.list('default', { limit: 1000 })).filter(
      one => one.type === type && one.target?.id === id,
    )

  test('are made, read by id and by identifier, changed and removed, and their tokens with them', async () => {
    const { client, server } = management
    const identifier = 'https://books.example/a b?c=1'
    const made = await client.resourceServers.create({
      identifier,
      name: 'Books',
      scopes: [{ value: 'read:books', description: 'Read' }],
      token_lifetime: 600,
    })
    const id = made.id ?? ''
    assert.deepEqual(
      [made.signing_alg, made.token_dialect, made.enforce_policies, made.is_system],
      ['RS256', 'rfc9068_profile', false, false],
    )
    assert.deepEqual(await client.resourceServers.get(id), made)
    for (const named of [identifier, encodeURIComponent(identifier)])
      assert.deepEqual(await client.resourceServers.get(named), made)
    await grant(identifier, { scope: ['read:books'] })
    const token = await tokenFor(identifier)
    const { exp = 0, iat = 0, scope, permissions } = decodeJwt(token)
    assert.deepEqual([exp - iat, scope, permissions], [600, 'read:books', undefined])

    const changed = await client.resourceServers.update(id, { token_dialect: 'access_token_authz', token_lifetime: 60 })
    assert.deepEqual([changed.token_lifetime, changed.scopes], [60, made.scopes])
    const dialect = decodeJwt(await tokenFor(identifier))
    assert.deepEqual([dialect['permissions'], dialect['azp']], [['read:books'], 'machine'])
    const { body } = await management.call('PATCH', `/resource-servers/${id}`, { token_lifetime: null })
    assert.ok(!('token_lifetime' in body))
    const [event] = await events('resource-server.changed', id)
    assert.deepEqual(event?.details['changes'], {
      token_dialect: { before: 'rfc9068_profile', after: 'access_token_authz' },
      token_lifetime: { before: 600, after: 60 },
    })

    assert.equal(await isActive(token), true)
    const head = await server.latchkey.store.revocations.head()
    await client.resourceServers.delete(id)
    const [entry] = await server.latchkey.store.revocations.after(head, 10)
    assert.deepEqual([entry?.kind, entry?.id, entry?.epoch], ['audience', identifier, 1])
    assert.equal(await isActive(token), false)
    assert.equal(await tokenFor(identifier), 'none')
    assert.deepEqual((await client.clientGrants.list({ audience: identifier })).data, [])
    assert.deepEqual(await failing('GET', `/resource-servers/${id}`), [404, 'inexistent_resource_server'])

    const again = await client.resourceServers.create({ identifier, scopes: [{ value: 'read:books' }] })
    await grant(identifier, { scope: ['read:books'] })
    assert.equal(await isActive(token), false)
    const anew = await tokenFor(identifier)
    assert.equal(await isActive(anew), true)
    assert.equal(decodeJwt(anew)['api_epoch'], 1)
    await client.resourceServers.delete(again.id ?? '')
    assert.equal(await isActive(anew), false)
  })

  test('have the server’s own among them, by Auth0’s name, which is nobody’s to change', async () => {
    const { client, domain } = management
    const audience = `https://${domain}/api/v2/`
    const all = (await management.call('GET', '/resource-servers?include_totals=true')).body
    assert.equal(all.total, all.resource_servers.length)
    const [own] = all.resource_servers
    assert.deepEqual([own.name, own.identifier, own.is_system], ['Auth0 Management API', audience, true])
    const named = `/resource-servers/${encodeURIComponent(audience)}`
    assert.deepEqual((await management.call('GET', named)).body, own)
    for (const path of [named, `/resource-servers/${own.id}`]) {
      assert.deepEqual(await failing('PATCH', path, { token_lifetime: 5 }), [403, 'system_resource_server'])
      assert.deepEqual(await failing('DELETE', path), [403, 'system_resource_server'])
    }
    for (const identifier of [audience, `https://${domain}/userinfo`])
      assert.deepEqual(await failing('POST', '/resource-servers', { identifier }), [409, 'resource_server_conflict'])

    const seen: string[] = []
    for (let page = 0; ; page++) {
      const { body } = await management.call('GET', `/resource-servers?include_totals=true&per_page=1&page=${page}`)
      if (body.resource_servers.length === 0) break
      assert.equal(body.total, all.total)
      seen.push(body.resource_servers[0].identifier)
    }
    assert.deepEqual(
      seen,
      all.resource_servers.map((one: { identifier: string }) => one.identifier),
    )
    const some = await client.resourceServers.list({ identifiers: [FILMS, audience, 'https://none.example'] })
    assert.deepEqual(
      some.data.map(({ identifier }) => identifier),
      [audience, FILMS],
    )
    const fields = await management.call('GET', '/resource-servers?include_fields=false&fields=scopes')
    assert.ok(fields.body.every((one: object) => !('scopes' in one) && 'identifier' in one))
  })

  test('are searched by their names and their age, a page at a time', async () => {
    const { client, domain } = management
    const identifiers = ['c', 'a', 'b'].map(name => `https://sought.example/${name}`)
    for (const [index, identifier] of identifiers.entries())
      await client.resourceServers.create({ identifier, name: `Sought ${index}` })
    const found = async (query: Parameters<typeof client.resourceServers.search>[0]) => {
      const all: (string | undefined)[] = []
      for await (const { identifier } of await client.resourceServers.search(query)) all.push(identifier)
      return all
    }
    assert.deepEqual(
      await found({ q: 'identifier:https\\:\\/\\/sought*', sort: 'identifier', take: 1 }),
      identifiers.toSorted(),
    )
    assert.deepEqual(await found({ q: 'name sw "sought"', parser: 'scim', sort: 'name', take: 2 }), identifiers)
    assert.deepEqual(await found({ q: 'name ew "ught 1" and updated_at gt "2020"', parser: 'scim' }), [identifiers[1]])
    assert.deepEqual(await found({ q: '"Auth0 Management API"' }), [`https://${domain}/api/v2/`])
    const [first, ...others] = (await client.resourceServers.search({ fields: 'name', sort: 'updated_at' })).data
    assert.deepEqual(first, { name: 'Auth0 Management API' })
    assert.ok(others.length >= identifiers.length)
    const { status, body } = await management.call('GET', '/resource-servers/search?q=scopes:x')
    assert.deepEqual([status, body.errorCode], [400, 'invalid_query_string'])
  })

  test('that share a secret keep it to themselves', async () => {
    const { client } = management
    const identifier = 'https://ledger.example'
    const secret = 'the ledger and the issuer know this secret'
    const made = await client.resourceServers.create({ identifier, signing_alg: 'HS256', signing_secret: secret })
    const id = made.id ?? ''
    await grant(identifier)
    const verified = await jwtVerify(await tokenFor(identifier), new TextEncoder().encode(secret))
    assert.equal(verified.payload.aud, identifier)
    assert.equal((await client.resourceServers.get(id)).signing_secret, undefined)
    assert.ok(!JSON.stringify(await events('resource-server.created', id)).includes(secret))
    const { signing_secret: other = '' } = await client.resourceServers.create({
      identifier: 'https://made.example',
      signing_alg: 'HS256',
    })
    assert.ok(other.length >= 43, 'one that nobody gave is told once')

    const changed = 'another secret of more than thirty-two bytes'
    await client.resourceServers.update(id, { signing_secret: changed })
    await jwtVerify(await tokenFor(identifier), new TextEncoder().encode(changed))
    const [event] = await events('resource-server.changed', id)
    assert.deepEqual(event?.details['changes'], { signing_secret: 'changed' })
    const jwks = await (await trusting(management.ca)(`https://${management.domain}/.well-known/jwks.json`)).text()
    for (const [body, message] of [
      [{ signing_secret: 'short' }, /at least 32 bytes/],
      [{ signing_secret: jwks }, /a key that others may know/],
      [{ signing_alg: 'RS256', signing_secret: secret }, /for an API whose signing_alg is HS256/],
    ] as const) {
      const answered = await management.call('PATCH', `/resource-servers/${id}`, body)
      assert.equal(answered.status, 400)
      assert.match(answered.body.message, message)
      assert.ok(!answered.body.message.includes(secret))
    }
  })

  test('say what is wrong with what they are not, and take back what they were read as', async () => {
    for (const [body, message] of [
      [{}, /identifier is missing/],
      [{ identifier: 'x', scops: [] }, /no member scops/],
      [{ identifier: 'x\n' }, /no controls/],
      [{ identifier: 'x', scopes: [{ value: 'a b' }] }, /is not a scope/],
      [{ identifier: 'x', scopes: [{ value: 'openid' }] }, /OpenID Connect/],
      [{ identifier: 'x', scopes: [{ value: 'a' }, { value: 'a' }] }, /there twice/],
      [{ identifier: 'x', scopes: Array.from({ length: 1001 }, (_, i) => ({ value: `s${i}` })) }, /1000 are the most/],
      [{ identifier: 'x', token_lifetime: -1 }, /token_lifetime/],
      [{ identifier: 'x', signing_alg: 'none' }, /signing_alg/],
      [{ identifier: 'x', claims: { aud: 'user.email' } }, /claims\.aud/],
    ] as const) {
      const answered = await management.call('POST', '/resource-servers', body)
      assert.equal(answered.status, 400, JSON.stringify(body))
      assert.match(answered.body.message, message)
    }
    assert.deepEqual(await failing('POST', '/resource-servers', { identifier: FILMS }), [
      409,
      'resource_server_conflict',
    ])
    const path = `/resource-servers/${encodeURIComponent(FILMS)}`
    const read = (await management.call('GET', path)).body
    assert.equal((await management.call('PATCH', path, read)).status, 200)
    assert.deepEqual((await management.call('GET', path)).body, read)
    assert.deepEqual(await failing('PATCH', path, { identifier: 'https://another.example' }), [400, 'invalid_body'])
    for (const method of ['GET', 'PATCH', 'DELETE'])
      assert.deepEqual(await failing(method, '/resource-servers/none', method === 'PATCH' ? {} : undefined), [
        404,
        'inexistent_resource_server',
      ])
  })

  test('of the tenant file and of here are the same', async () => {
    const { client, server } = management
    const found = await client.resourceServers.get(encodeURIComponent(FILMS))
    await client.resourceServers.update(found.id ?? '', { name: 'Changed by hand' })
    await applyTo(server.latchkey, { resourceServers: [{ ...TENANT_FILE.resourceServers[0], name: 'From the file' }] })
    assert.equal((await client.resourceServers.get(found.id ?? '')).name, 'From the file')
  })

  test('are asked by clients for what they are granted, and for nothing more once it is taken', async () => {
    const { client } = management
    const made = await grant(FILMS, { scope: ['read:films', 'write:films'], organization_usage: 'allow' })
    const id = made.id ?? ''
    const scope = async () => decodeJwt(await tokenFor(FILMS))['scope']
    assert.equal(await scope(), 'read:films write:films')
    assert.deepEqual(await failing('POST', '/client-grants', { client_id: 'machine', audience: FILMS, scope: [] }), [
      409,
      'client_grant_conflict',
    ])
    await client.clientGrants.update(id, { scope: ['read:films'] })
    assert.equal(await scope(), 'read:films')
    const all = await client.clientGrants.update(id, { scope: null, allow_all_scopes: true, organization_usage: null })
    assert.deepEqual([all.scope, all.allow_all_scopes, all.organization_usage], [[], true, undefined])
    assert.equal(await scope(), 'read:films write:films')
    assert.deepEqual(await client.clientGrants.get(id), all)
    const [event] = await events('client-grant.changed', id)
    assert.deepEqual(event?.details['changes'], {
      scope: { before: ['read:films', 'write:films'], after: ['read:films'] },
    })

    const people = await client.clientGrants.create({
      client_id: 'machine',
      audience: FILMS,
      subject_type: 'user',
      scope: [],
    })
    const others = await client.clientGrants.create({ default_for: 'third_party_clients', audience: FILMS, scope: [] })
    const ids = async (query: object) => (await client.clientGrants.list(query)).data.map(one => one.id).toSorted()
    assert.deepEqual(await ids({ audience: FILMS }), [id, people.id, others.id].toSorted())
    assert.deepEqual(await ids({ audience: FILMS, client_id: 'machine' }), [id, people.id].toSorted())
    assert.deepEqual(await ids({ subject_type: 'user' }), [people.id])
    assert.deepEqual(await ids({ default_for: 'third_party_clients' }), [others.id])
    const walked: (string | undefined)[] = []
    for await (const one of await client.clientGrants.list({ take: 1, audience: FILMS })) walked.push(one.id)
    assert.deepEqual(walked.toSorted(), [id, people.id, others.id].toSorted())
    const paged = (await management.call('GET', `/client-grants?audience=${FILMS}&include_totals=true&per_page=2`)).body
    assert.deepEqual([paged.total, paged.client_grants.length], [3, 2])

    await client.clientGrants.delete(id)
    assert.equal(await tokenFor(FILMS), 'none')
    assert.deepEqual(await failing('DELETE', `/client-grants/${id}`), [404, 'inexistent_client_grant'])
    assert.deepEqual(await failing('GET', `/client-grants/${id}`), [404, 'inexistent_client_grant'])
    assert.equal((await events('client-grant.removed', id)).length, 1)
  })

  test('grant nothing that they do not have, to nobody who is not there', async () => {
    const body = { client_id: 'machine', audience: FILMS, scope: ['erase:films'] }
    for (const [wrong, status, code] of [
      [body, 400, 'invalid_body'],
      [{ ...body, scope: [], audience: 'https://none.example' }, 404, 'inexistent_resource_server'],
      [{ ...body, scope: [], client_id: 'none' }, 404, 'inexistent_client'],
      [{ audience: FILMS, scope: [] }, 400, 'invalid_body'],
      [{ ...body, scope: [], default_for: 'third_party_clients' }, 400, 'invalid_body'],
      [{ ...body, scope: ['read:films'], allow_all_scopes: true }, 400, 'invalid_body'],
      [{ ...body, scope: [], subject_type: 'dog' }, 400, 'invalid_body'],
    ] as const)
      assert.deepEqual(await failing('POST', '/client-grants', wrong), [status, code], JSON.stringify(wrong))
    assert.deepEqual(await failing('PATCH', '/client-grants/none', { scope: [] }), [404, 'inexistent_client_grant'])
  })
})
