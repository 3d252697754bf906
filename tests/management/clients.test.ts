/** Clients, their secrets and keys, by Auth0's own library; and that what is changed here is so at the token endpoint. */
import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { SignJWT } from 'jose'
import { type Management, startManagement, trusting } from '../fixtures/management.ts'
import { applyTo } from '../fixtures/server.ts'

const API = 'https://api.example'
const SECRET = 'a secret that was written into the tenant file'
const TENANT_FILE = {
  resourceServers: [{ identifier: API, name: 'API', scopes: [{ value: 'read:it' }] }],
  clients: [
    { client_id: 'written', client_secret: SECRET, name: 'Written', app_type: 'non_interactive' },
    {
      client_id: 'theirs',
      name: 'Theirs',
      app_type: 'spa',
      is_first_party: false,
      external_client_id: 'https://x.example',
    },
  ],
  clientGrants: [{ client_id: 'written', audience: API, scope: ['read:it'] }],
}

describe('Clients through the Management API', () => {
  let management: Management
  before(async () => {
    management = await startManagement({ tenantFile: TENANT_FILE })
  })
  after(() => management?.close())

  const failing = async (method: string, path: string, body?: unknown) => {
    const answered = await management.call(method, path, body)
    return [answered.status, answered.body?.errorCode]
  }
  const post = async (path: string, body: object): Promise<{ status: number; body: Record<string, unknown> }> => {
    const { domain, ca } = management
    const response = await trusting(ca)(`https://${domain}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  const tokenFor = (client_id: string, client_secret: string) =>
    post('/oauth/token', { grant_type: 'client_credentials', client_id, client_secret, audience: API })
  const events = async (type: string, id: string) =>
    (await management.server.latchkey.store.events.list('default', { limit: 1000 })).filter(
      one => one.type === type && one.target?.id === id,
    )
  const granted = (client_id: string) =>
    management.client.clientGrants.create({ client_id, audience: API, scope: ['read:it'] })

  test('are made with a secret that is told, and change by what is named of them', async () => {
    const { client } = management
    const made = await client.clients.create({
      name: 'Nightly',
      app_type: 'non_interactive',
      client_metadata: { team: 'films' },
      refresh_token: { rotation_type: 'rotating', expiration_type: 'expiring', leeway: 10 },
    })
    const id = made.client_id ?? ''
    assert.ok((made.client_secret ?? '').length >= 43)
    assert.deepEqual(made.grant_types, ['client_credentials'])
    await granted(id)
    assert.equal((await tokenFor(id, made.client_secret ?? '')).status, 200)

    const changed = await client.clients.update(id, {
      description: 'Runs at night',
      client_metadata: { team: 'books' },
      addons: { azure_sb: { sasKey: 'a key of another service' } },
    })
    assert.deepEqual([changed.description, changed.client_metadata], ['Runs at night', { team: 'books' }])
    assert.equal(changed.name, 'Nightly')
    // An object is put in the place of the one there was; null unsets.
    const refresh = { rotation_type: 'non-rotating', expiration_type: 'non-expiring' } as const
    assert.deepEqual((await client.clients.update(id, { refresh_token: refresh })).refresh_token, refresh)
    const { body } = await management.call('PATCH', `/clients/${id}`, { description: null, refresh_token: null })
    assert.ok(!('description' in body) && !('refresh_token' in body))
    assert.equal((await client.clients.get(id)).description, undefined)

    const [event] = await events('client.changed', id)
    assert.deepEqual(event?.details['changes'], {
      description: { after: 'Runs at night' },
      client_metadata: { before: { team: 'films' }, after: { team: 'books' } },
      addons: 'changed',
    })
    assert.ok(!JSON.stringify(await events('client.created', id)).includes(made.client_secret ?? '-'))
  })

  test('show their secrets to a token that may read them, and to no other', async () => {
    const token = await management.tokenWith('read:clients', 'update:clients')
    const secretAt = async (path: string, by?: string) =>
      (await management.call('GET', path, undefined, by === undefined ? {} : { token: by })).body.client_secret
    assert.equal(await secretAt('/clients/written'), SECRET)
    assert.equal(await secretAt('/clients/written', token), undefined)
    assert.equal(await secretAt('/clients/theirs'), undefined)
    const list = await management.call('GET', '/clients', undefined, { token })
    assert.ok(!JSON.stringify(list.body).includes(SECRET))
    const refused = await management.call('PATCH', '/clients/written', { client_secret: 'x'.repeat(40) }, { token })
    assert.deepEqual([refused.status, refused.body.errorCode], [403, 'insufficient_scope'])
    assert.equal((await management.call('POST', '/clients/written/rotate-secret', {}, { token })).status, 403)
  })

  test('are not taken over by who may change what they look like, nor changed by who may replace their secret', async () => {
    const { client } = management
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    const made = await client.clients.create({
      name: 'By key',
      app_type: 'non_interactive',
      client_authentication_methods: { private_key_jwt: { credentials: [{ credential_type: 'public_key', pem }] } },
    })
    const path = `/clients/${made.client_id}`
    const before = (await management.call('GET', path)).body
    const changer = await management.tokenWith('update:clients', 'read:clients')
    const byOf = (token: string) => async (body: object) =>
      (await management.call('PATCH', path, body, { token })).status
    const change = byOf(changer)
    // A secret would be made for it, and told.
    const method = { client_authentication_methods: null, token_endpoint_auth_method: 'client_secret_post' }
    const credentials = [{ credential_type: 'public_key', pem }]
    const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'ours', alg: 'RS256' }
    for (const takeover of [
      method,
      { client_authentication_methods: { private_key_jwt: { credentials } } },
      { jwks: { keys: [jwk] } },
      { jwks_uri: 'https://elsewhere.example/jwks.json' },
    ])
      assert.equal(await change(takeover), 403, JSON.stringify(takeover))
    // What was read may be sent back, and the rest changed.
    const { client_authentication_methods: methods } = before
    assert.equal(await change({ description: 'Told', client_authentication_methods: methods }), 200)

    const replacer = byOf(await management.tokenWith('update:client_keys'))
    assert.equal(await replacer({ callbacks: ['https://elsewhere.example/'] }), 403)
    assert.equal(await replacer({ is_first_party: true, client_secret: 'x'.repeat(40) }), 403)
    const after = (await management.call('GET', path)).body
    assert.deepEqual(after, { ...before, description: 'Told' })
    assert.equal(await replacer({ client_secret: 'x'.repeat(40), client_id: made.client_id }), 200)
    const both = byOf(await management.tokenWith('update:clients', 'update:client_keys'))
    assert.equal(await both(method), 200)
  })

  test('have another secret after a rotation, and the one before is dead at once', async () => {
    const { client } = management
    const made = await client.clients.create({ name: 'Rotated', app_type: 'non_interactive' })
    const id = made.client_id ?? ''
    await granted(id)
    const first = made.client_secret ?? ''
    assert.equal((await tokenFor(id, first)).status, 200)
    const { client_secret: second = '' } = await client.clients.rotateSecret(id)
    assert.notEqual(second, first)
    assert.equal((await tokenFor(id, first)).status, 401)
    assert.equal((await tokenFor(id, second)).status, 200)
    const [event] = await events('client.changed', id)
    assert.deepEqual(event?.details['changes'], { client_secret: 'changed' })
    await client.clients.update(id, { client_secret: 'a secret that an operator has chosen for it' })
    assert.equal((await tokenFor(id, 'a secret that an operator has chosen for it')).status, 200)
    assert.deepEqual(await failing('POST', '/clients/none/rotate-secret'), [404, 'inexistent_client'])
  })

  test('are listed by page, by kind and by what is wanted of them, with the one that is all of them', async () => {
    const { client } = management
    const names = async (query: string) =>
      ((await management.call('GET', `/clients?${query}`)).body as { name: string }[]).map(({ name }) => name)
    assert.deepEqual(await names('is_global=true'), ['All Applications'])
    assert.deepEqual(await names('is_global=false&is_first_party=false'), ['Theirs'])
    assert.deepEqual(await names('app_type=spa,native'), ['Theirs'])
    assert.deepEqual(await names('external_client_id=https://x.example'), ['Theirs'])
    const all = (await management.call('GET', '/clients?include_totals=true')).body
    assert.equal(all.total, all.clients.length)
    const paged: string[] = []
    for (let page = 0; ; page++) {
      const { body } = await management.call('GET', `/clients?include_totals=true&per_page=2&page=${page}`)
      if (body.clients.length === 0) break
      assert.equal(body.total, all.total)
      paged.push(...body.clients.map((one: { client_id: string }) => one.client_id))
    }
    assert.deepEqual(
      paged,
      all.clients.map((one: { client_id: string }) => one.client_id),
    )
    const some = await management.call('GET', '/clients?fields=name,client_id&is_first_party=false')
    assert.deepEqual(some.body, [{ name: 'Theirs', client_id: 'theirs' }])
    const found: string[] = []
    for await (const one of await client.clients.list({ is_global: false })) found.push(one.client_id ?? '')
    assert.equal(found.length, all.total - 1)

    const grant = await client.clientGrants.list({ client_id: 'written' })
    await client.clientGrants.update(grant.data[0]?.id ?? '', { allow_any_organization: true })
    assert.deepEqual(await names(`q=${encodeURIComponent('client_grant.allow_any_organization:true')}`), ['Written'])
    assert.deepEqual(await failing('GET', `/clients?q=${encodeURIComponent("name:x' or 1=1")}`), [
      400,
      'invalid_query_string',
    ])
  })

  test('have one that stands for all, which holds a page, signs nobody in and stays', async () => {
    const { client } = management
    const [global] = (await client.clients.list({ is_global: true })).data
    const id = global?.client_id ?? ''
    const changed = await client.clients.update(id, { custom_login_page: '<p>Hello</p>', custom_login_page_on: true })
    assert.deepEqual(
      [changed.custom_login_page, changed.name, changed['global']],
      ['<p>Hello</p>', 'All Applications', true],
    )
    assert.equal((await client.clients.get(id)).custom_login_page, '<p>Hello</p>')
    assert.equal((await events('client.changed', id)).length, 1)
    assert.deepEqual(await failing('DELETE', `/clients/${id}`), [403, 'operation_not_supported'])
    assert.equal((await tokenFor(id, 'any')).status, 401)
    const { domain, ca } = management
    const page = await trusting(ca)(`https://${domain}/authorize?response_type=code&client_id=${id}`)
    assert.ok(page.status >= 400, 'it is no application')
  })

  test('take back what they were read as, and say what is wrong with what they are not', async () => {
    for (const id of ['written', 'theirs']) {
      const read = (await management.call('GET', `/clients/${id}`)).body
      const { client_secret: _secret, ...rest } = read
      const again = await management.call('PATCH', `/clients/${id}`, rest)
      assert.equal(again.status, 200, JSON.stringify(again.body))
      assert.deepEqual((await management.call('GET', `/clients/${id}`)).body, read)
    }
    for (const [body, message] of [
      [{}, /name is missing/],
      [{ name: 'x', callbaks: [] }, /no member callbaks/],
      [{ name: 'x', app_type: 'fax' }, /app_type/],
      [{ name: 'x', callbacks: ['/one'] }, /callbacks holds "\/one"/],
      [{ name: 'x', callbacks: ['javascript:alert(1)'] }, /callbacks holds/],
      [{ name: 'x', jwt_configuration: { alg: 'HS256' } }, /jwt_configuration/],
      [{ name: 'x', subject_type: 'pairwise', callbacks: ['https://a.example', 'https://b.example'] }, /pairwise/],
      [{ name: 'x', claims: { sub: 'user.email' } }, /claims\.sub/],
      [
        { name: 'x', client_authentication_methods: { private_key_jwt: { credentials: [{ id: 'cred_x' }] } } },
        /no credential/,
      ],
      [
        { name: 'x', client_authentication_methods: { tls_client_auth: { credentials: [] } } },
        /client_authentication_methods\.tls_client_auth: tls_client_auth is not built here/,
      ],
      [{ name: 'x', compliance_level: 'fapi2_sp_mtls_mtls' }, /compliance_level/],
      [{ name: 'x\u0000' }, /null character/],
    ] as const) {
      const answered = await management.call('POST', '/clients', body)
      assert.equal(answered.status, 400, JSON.stringify(body))
      assert.match(answered.body.message, message)
    }
    assert.deepEqual(await failing('GET', '/clients/none'), [404, 'inexistent_client'])
    assert.deepEqual(await failing('PATCH', '/clients/none', {}), [404, 'inexistent_client'])
    assert.deepEqual(await failing('DELETE', '/clients/none'), [404, 'inexistent_client'])
  })

  test('of the tenant file and of here are the same clients', async () => {
    const { client, server } = management
    await client.clients.update('written', { description: 'Changed by hand' })
    const { body } = await management.call('GET', '/clients/written')
    assert.equal(body.description, 'Changed by hand')
    await applyTo(server.latchkey, { clients: [TENANT_FILE.clients[0]] })
    assert.equal((await client.clients.get('written')).description, undefined)
    const made = await client.clients.create({ name: 'Made by hand', app_type: 'native' })
    await applyTo(server.latchkey, { clients: [{ name: 'Made by hand', app_type: 'spa' }] })
    assert.equal((await client.clients.get(made.client_id ?? '')).app_type, 'spa')
  })

  test('that are removed are dead with all they had, and their id is never another’s', async () => {
    const { client, server } = management
    const made = await client.clients.create({ name: 'Brief', app_type: 'non_interactive' })
    const id = made.client_id ?? ''
    await granted(id)
    const { body } = await tokenFor(id, made.client_secret ?? '')
    await client.clients.update('written', { name: 'Written' })
    const introspect = () =>
      post('/oauth/introspect', { token: body['access_token'], client_id: id, client_secret: made.client_secret })
    assert.equal((await introspect()).body['active'], true)
    const head = await server.latchkey.store.revocations.head()
    await client.clients.delete(id)
    const [entry] = await server.latchkey.store.revocations.after(head, 10)
    assert.deepEqual([entry?.kind, entry?.id, entry?.epoch], ['client', id, null])
    assert.equal((await introspect()).status, 401)
    assert.equal((await tokenFor(id, made.client_secret ?? '')).status, 401)
    assert.deepEqual(await failing('GET', `/clients/${id}`), [404, 'inexistent_client'])
    assert.deepEqual((await client.clientGrants.list({ client_id: id })).data, [])
    assert.equal((await events('client.removed', id)).length, 1)
  })

  test('are told the connections by which people come to them', async () => {
    const found = await management.client.clients.connections.get('theirs', { take: 1 })
    assert.deepEqual(
      found.data.map(({ name, strategy }) => [name, strategy]),
      [['Username-Password-Authentication', 'auth0']],
    )
    assert.equal(found.hasNextPage(), false)
    assert.deepEqual(await failing('GET', '/clients/none/connections'), [404, 'inexistent_client'])
  })

  describe('prove themselves by their credentials', () => {
    const pair = (kind: 'rsa' | 'ec' = 'rsa') => {
      const made =
        kind === 'rsa'
          ? generateKeyPairSync('rsa', { modulusLength: 2048 })
          : generateKeyPairSync('ec', { namedCurve: 'P-256' })
      return { privateKey: made.privateKey, pem: made.publicKey.export({ type: 'spki', format: 'pem' }).toString() }
    }
    const asserted = async (id: string, key: Parameters<SignJWT['sign']>[0], alg: string) => {
      const assertion = await new SignJWT({})
        .setProtectedHeader({ alg })
        .setIssuer(id)
        .setSubject(id)
        .setAudience(`https://${management.domain}/`)
        .setJti(randomUUID())
        .setIssuedAt()
        .setExpirationTime('1m')
        .sign(key)
      return post('/oauth/token', {
        ...{ grant_type: 'client_credentials', audience: API, client_id: id, client_assertion: assertion },
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      })
    }

    test('given when they are made, added later, and gone when they are taken away', async () => {
      const { client } = management
      const [first, second] = [pair(), pair('ec')]
      const made = await client.clients.create({
        name: 'Signing',
        app_type: 'non_interactive',
        client_authentication_methods: {
          private_key_jwt: { credentials: [{ credential_type: 'public_key', name: 'First', pem: first.pem }] },
        },
      })
      const id = made.client_id ?? ''
      await granted(id)
      assert.equal(made.client_secret, undefined)
      const ids = made.client_authentication_methods?.private_key_jwt?.credentials ?? []
      assert.equal(ids.length, 1)
      assert.ok(!JSON.stringify(made).includes('BEGIN'))
      assert.equal((await asserted(id, first.privateKey, 'RS256')).status, 200)

      const added = await client.clients.credentials.create(id, { credential_type: 'public_key', pem: second.pem })
      assert.match(added.id ?? '', /^cred_/)
      // Registered, and not in use before the client says so.
      assert.equal((await asserted(id, second.privateKey, 'ES256')).status, 401)
      await client.clients.update(id, {
        client_authentication_methods: { private_key_jwt: { credentials: [...ids, { id: added.id ?? '' }] } },
      })
      assert.equal((await asserted(id, second.privateKey, 'ES256')).status, 200)

      const listed = await client.clients.credentials.list(id)
      assert.deepEqual(
        listed.map(({ name, credential_type: type, alg }) => [name, type, alg]),
        [
          ['First', 'public_key', 'RS256'],
          [undefined, 'public_key', undefined],
        ],
      )
      assert.deepEqual(await client.clients.credentials.get(id, added.id ?? ''), listed[1])
      const past = new Date(Date.now() - 1000).toISOString()
      const ended = await client.clients.credentials.update(id, added.id ?? '', { expires_at: past })
      assert.equal(ended.expires_at, past)
      assert.equal((await asserted(id, second.privateKey, 'ES256')).status, 401)
      await client.clients.credentials.delete(id, ids[0]?.id ?? '')
      assert.equal((await asserted(id, first.privateKey, 'RS256')).status, 401)
      const after = await client.clients.get(id)
      assert.deepEqual(after.client_authentication_methods?.private_key_jwt?.credentials, [{ id: added.id }])
      assert.equal((await events('client-credential.removed', ids[0]?.id ?? '')).length, 1)
    })

    test('of every kind that Auth0 has are kept, and what is none is refused', async () => {
      const { client, ca } = management
      const thumbprint = createHash('sha256')
        .update(Buffer.from(ca.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64'))
        .digest('base64url')
      const path = '/clients/written/credentials'
      const x509 = await client.clients.credentials.create('written', { credential_type: 'x509_cert', pem: ca })
      assert.equal(x509.thumbprint_sha256, thumbprint)
      assert.ok(x509.expires_at)
      const named = await client.clients.credentials.create('written', { credential_type: 'cert_subject_dn', pem: ca })
      assert.match(named.subject_dn ?? '', /CN=/)
      const dated = await management.call('POST', path, {
        ...{ credential_type: 'public_key', pem: ca, parse_expiry_from_cert: true },
      })
      assert.deepEqual([dated.status, dated.body.expires_at], [201, x509.expires_at])

      const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ type: 'spki', format: 'pem' })
      const secret = pair().privateKey.export({ type: 'pkcs8', format: 'pem' })
      for (const [body, message] of [
        [{ credential_type: 'public_key' }, /pem is missing/],
        [{ credential_type: 'public_key', pem: 'nonsense' }, /cannot be read/],
        [{ credential_type: 'public_key', pem: secret }, /not a public key/],
        [{ credential_type: 'public_key', pem: weak }, /1024 bits/],
        [{ credential_type: 'x509_cert', pem: pair().pem }, /not a certificate/],
        [{ credential_type: 'cert_subject_dn' }, /one of subject_dn and pem/],
        [{ credential_type: 'password', pem: 'x' }, /credential_type must be one of/],
        [{ credential_type: 'public_key', pem: pair().pem, expires_at: 'soon' }, /not a date/],
      ] as const) {
        const answered = await management.call('POST', path, body)
        assert.equal(answered.status, 400, JSON.stringify(answered.body))
        assert.match(answered.body.message, message)
        assert.ok(!answered.body.message.includes('PRIVATE'))
      }
      assert.deepEqual(await failing('GET', '/clients/none/credentials'), [404, 'inexistent_client'])
      for (const method of ['GET', 'PATCH', 'DELETE'])
        assert.deepEqual(await failing(method, `${path}/cred_none`, method === 'PATCH' ? {} : undefined), [
          404,
          'inexistent_client_credential',
        ])
    })
  })
})
