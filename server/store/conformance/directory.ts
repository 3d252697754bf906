/** Tenants and hosts, connections, clients and their grants, resource servers, roles. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ClientFilter, GrantFilter } from '../clients.ts'
import {
  clientOf,
  connectionOf,
  grantOf,
  identityOf,
  inParallel,
  NOW,
  newTenant,
  type Stage,
  tally,
  userOf,
} from './stage.ts'

export function describeDirectory(stage: Stage): void {
  describe('tenants', () => {
    test('a tenant is found by id and by name, with its settings, and listed after another', async () => {
      const { tenants } = stage.store
      const [a, b] = [newTenant(), newTenant()].sort() as [string, string]
      const record = { id: a, name: `name-${a}`, settings: { friendly_name: '한국어' }, createdAt: NOW }
      assert.equal(await tenants.create(record), 'created')
      assert.equal(await tenants.create({ ...record, id: b, name: `name-${b}` }), 'created')
      assert.deepEqual(await tenants.find(a), record)
      assert.deepEqual(await tenants.findByName(`name-${a}`), record)
      assert.equal(await tenants.find(newTenant()), undefined)
      assert.deepEqual(
        (await tenants.list({ after: a, limit: 1 })).map(tenant => tenant.id),
        [b],
      )
      await tenants.changeSettings(a, { friendly_name: 'other' })
      assert.deepEqual((await tenants.find(a))?.settings, { friendly_name: 'other' })
      assert.deepEqual((await tenants.find(b))?.settings, record.settings)
    })

    test('of 16 that hold a tenant and add to its settings, none undoes another’s', async () => {
      const id = newTenant()
      await stage.store.tenants.create({ id, name: id, settings: {}, createdAt: NOW })
      await inParallel(16, index =>
        stage.store.transaction(async ({ tenants }) => {
          const held = await tenants.hold(id)
          await tenants.changeSettings(id, { ...held?.settings, [`setting-${index}`]: index })
        }),
      )
      assert.equal(Object.keys((await stage.store.tenants.find(id))?.settings ?? {}).length, 16)
      assert.equal(await stage.store.transaction(({ tenants }) => tenants.hold(newTenant())), undefined)
    })

    test('a tenant whose id or name is another’s is not made, and the transaction goes on', async () => {
      const [id, other] = [newTenant(), newTenant()]
      const record = { id, name: `name-${id}`, settings: {}, createdAt: NOW }
      await stage.store.tenants.create(record)
      await stage.store.transaction(async ({ tenants }) => {
        assert.equal(await tenants.create({ ...record, name: 'else' }), 'taken')
        assert.equal(await tenants.create({ ...record, id: other }), 'taken')
        assert.equal(await tenants.create({ ...record, id: other, name: `name-${other}` }), 'created')
      })
      assert.deepEqual(await stage.store.tenants.find(id), record)
    })

    test('a host belongs to one tenant: it can change the issuer, another tenant cannot take it', async () => {
      const { tenants } = stage.store
      const [mine, theirs] = [newTenant(), newTenant()]
      for (const id of [mine, theirs]) await tenants.create({ id, name: id, settings: {}, createdAt: NOW })
      const host = `${mine}.example`
      assert.equal(await tenants.putHost({ host, tenant: mine, issuer: `https://${host}/` }), 'put')
      assert.equal(await tenants.putHost({ host, tenant: theirs, issuer: 'https://evil.example/' }), 'taken')
      assert.deepEqual(await tenants.findHost(host), { host, tenant: mine, issuer: `https://${host}/` })
      assert.equal(await tenants.putHost({ host, tenant: mine, issuer: `http://${host}/` }), 'put')
      assert.deepEqual(await tenants.hostsOf(mine), [{ host, tenant: mine, issuer: `http://${host}/` }])
      assert.deepEqual(await tenants.hostsOf(theirs), [])
      await tenants.putHost({ host: `their.${host}`, tenant: theirs, issuer: `https://their.${host}/` })
      assert.deepEqual(
        (await tenants.hostsOf(mine, theirs)).map(found => found.host).sort(),
        [host, `their.${host}`].sort(),
      )
      assert.equal(await tenants.removeHost(theirs, host), false)
      assert.equal(await tenants.removeHost(mine, host), true)
      assert.equal(await tenants.removeHost(mine, host), false)
      assert.equal(await tenants.findHost(host), undefined)
      assert.equal(await tenants.putHost({ host, tenant: theirs, issuer: `https://${host}/` }), 'put')
    })
  })

  describe('connections', () => {
    test('a name is given once in a tenant, and again in another', async () => {
      const { connections } = stage.store
      const [tenant, other] = [newTenant(), newTenant()]
      const record = connectionOf(tenant, { id: 'con_1', settings: { display_name: 'Ours' }, sealedOptions: 'sealed' })
      assert.equal(await connections.create(record), 'created')
      assert.equal(await connections.create({ ...record, id: 'con_2' }), 'taken')
      assert.equal(await connections.create({ ...record, name: 'others' }), 'taken')
      assert.equal(await connections.create({ ...record, tenant: other }), 'created')
      assert.deepEqual(await connections.find(tenant, 'con_1'), record)
      assert.deepEqual(await connections.findByName(tenant, 'passwords'), record)
      assert.deepEqual(await connections.list(tenant), [record])
      assert.equal(await connections.find(tenant, 'con_2'), undefined)
    })

    test('a change leaves what it does not name', async () => {
      const { connections } = stage.store
      const record = connectionOf(newTenant())
      await connections.create(record)
      const { tenant, id } = record
      assert.equal(await connections.change(tenant, id, { options: { a: 1 }, sealedOptions: 'sealed' }), 'changed')
      assert.equal(await connections.change(tenant, id, { settings: { realms: ['x'] } }), 'changed')
      assert.equal(await connections.change(tenant, id, {}), 'changed')
      const now = { ...record, options: { a: 1 }, sealedOptions: 'sealed', settings: { realms: ['x'] } }
      assert.deepEqual(await connections.find(tenant, id), now)
      await connections.change(tenant, id, { sealedOptions: null })
      assert.deepEqual(await connections.find(tenant, id), { ...now, sealedOptions: null })
      assert.equal(await connections.change(tenant, 'con_none', {}), 'gone')
    })

    test('of two changes to a connection that was held, the second sees the first', async () => {
      const { store } = stage
      const record = connectionOf(newTenant())
      const { tenant, id } = record
      await store.connections.create(record)
      await inParallel(8, index =>
        store.transaction(async ({ connections }) => {
          const held = await connections.hold(tenant, id)
          await connections.change(tenant, id, { settings: { ...held?.settings, [`member ${index}`]: index } })
        }),
      )
      assert.equal(Object.keys((await store.connections.find(tenant, id))?.settings ?? {}).length, 8)
      await store.transaction(async ({ connections }) =>
        assert.equal(await connections.hold(tenant, 'con_none'), undefined),
      )
    })

    test('are listed by name, page by page, by strategy, by name and by whom they serve', async () => {
      const { connections } = stage.store
      const tenant = newTenant()
      const make = (name: string, strategy: string, clients: readonly string[] | null) =>
        connections.create(connectionOf(tenant, { id: `con_${name}`, name, strategy, clients }))
      await make('c', 'auth0', null)
      await make('a', 'email', ['app'])
      await make('b', 'google-oauth2', ['other', 'app'])
      await make('d', 'auth0', [])
      const names = async (page: Parameters<typeof connections.list>[1]) =>
        (await connections.list(tenant, page)).map(({ name }) => name)
      assert.deepEqual(await names({}), ['a', 'b', 'c', 'd'])
      assert.deepEqual(await names({ limit: 2 }), ['a', 'b'])
      assert.deepEqual(await names({ limit: 2, after: 'b' }), ['c', 'd'])
      assert.deepEqual(await names({ limit: 2, offset: 3 }), ['d'])
      assert.deepEqual(await names({ strategies: ['auth0', 'email'] }), ['a', 'c', 'd'])
      assert.deepEqual(await names({ strategies: [] }), [])
      assert.deepEqual(await names({ name: 'b' }), ['b'])
      assert.deepEqual(await names({ client: 'app' }), ['a', 'b', 'c'])
      assert.equal(await connections.count(tenant, { client: 'app', strategies: ['auth0'] }), 1)
      assert.deepEqual((await connections.findByName(tenant, 'b'))?.clients, ['app', 'other'])
    })

    test('serve every client until somebody makes a list, which then is as it was left', async () => {
      const { connections, clients } = stage.store
      const record = connectionOf(newTenant())
      const { tenant, id } = record
      await connections.create(record)
      for (const client of ['a', 'b', 'c']) await clients.create(clientOf(tenant, { id: client }))
      const served = async () => (await connections.find(tenant, id))?.clients
      assert.deepEqual(await connections.clientsOf(tenant, id, { limit: 2 }), ['a', 'b'])
      assert.deepEqual(await connections.clientsOf(tenant, id, { limit: 2, after: 'b' }), ['c'])
      await connections.settleClients(tenant, id)
      await connections.takeOffList(tenant, id, ['a', 'nobody'])
      // There is a list already.
      await connections.settleClients(tenant, id)
      assert.deepEqual(await served(), ['b', 'c'])
      await connections.putOnList(tenant, id, ['b', 'd'])
      assert.deepEqual(await served(), ['b', 'c', 'd'])
      assert.deepEqual(await connections.clientsOf(tenant, id, { limit: 2, after: 'b' }), ['c', 'd'])
      assert.equal(await connections.serve(tenant, id, ['x', 'a']), 'changed')
      assert.deepEqual(await served(), ['a', 'x'])
      assert.equal(await connections.serve(tenant, id, null), 'changed')
      assert.equal(await served(), null)
      assert.equal(await connections.serve(tenant, 'con_none', []), 'gone')
    })

    test('a new client is put on each list there is, and a removed one is on none', async () => {
      const { connections, clients } = stage.store
      const tenant = newTenant()
      await connections.create(connectionOf(tenant, { id: 'con_every', name: 'every' }))
      await connections.create(connectionOf(tenant, { id: 'con_some', name: 'some', clients: ['other'] }))
      await clients.create(clientOf(tenant))
      assert.deepEqual(await connections.putOnEveryList(tenant, 'app'), ['con_some'])
      assert.deepEqual((await connections.find(tenant, 'con_some'))?.clients, ['app', 'other'])
      assert.equal((await connections.find(tenant, 'con_every'))?.clients, null)
      await clients.remove(tenant, 'app', NOW)
      assert.deepEqual((await connections.find(tenant, 'con_some'))?.clients, ['other'])
    })

    test('a removed one is not there, its name is free, and its people are named until it is forgotten', async () => {
      const { store } = stage
      const { connections, users } = store
      const record = connectionOf(newTenant(), { clients: ['app'], sealedOptions: 'sealed' })
      const { tenant, id } = record
      await connections.create(record)
      assert.equal(await connections.hasPeople(tenant, id), false)
      for (const name of ['a', 'b', 'c']) {
        const user = userOf(tenant, { id: `auth0|${name}`, email: `${name}@example.com` })
        await users.create(user, identityOf(user, { connection: id }))
      }
      assert.equal(await connections.hasPeople(tenant, id), true)
      assert.equal(await connections.hasPeople(newTenant(), id), false)
      // Of this tenant and of others, whose tests may have left some.
      const people = async () => {
        for (;;) {
          const found = await connections.removedWithPeople(2)
          if (!found || found.tenant === tenant) return found?.people
          await connections.forget(found.tenant, found.id)
        }
      }
      assert.equal(await people(), undefined)
      assert.equal(await connections.remove(tenant, id, NOW), 'removed')
      assert.equal(await connections.remove(tenant, id, NOW), 'gone')
      assert.equal(await connections.find(tenant, id), undefined)
      assert.equal(await connections.findByName(tenant, record.name), undefined)
      assert.deepEqual(await connections.list(tenant), [])
      assert.deepEqual(await connections.clientsOf(tenant, id, { limit: 9 }), [])
      assert.deepEqual(await connections.putOnEveryList(tenant, 'app'), [])
      assert.equal(await connections.change(tenant, id, { options: {} }), 'gone')
      assert.equal(await connections.serve(tenant, id, null), 'gone')
      assert.equal(await connections.create({ ...record, id: 'con_next' }), 'created')
      assert.equal((await people())?.length, 2)
      for (const { user } of (await people()) ?? []) await users.remove(tenant, user, NOW)
      assert.equal((await people())?.length, 1)
      await connections.forget(tenant, 'con_next')
      assert.notEqual(await connections.find(tenant, 'con_next'), undefined)
      await connections.forget(tenant, id)
      assert.equal(await people(), undefined)
    })

    test('of 16 who put clients on a list at once none loses another’s', async () => {
      const { connections } = stage.store
      const record = connectionOf(newTenant(), { clients: [] })
      await connections.create(record)
      await inParallel(16, index => connections.putOnList(record.tenant, record.id, [`c${index}`]))
      assert.equal((await connections.find(record.tenant, record.id))?.clients?.length, 16)
    })
  })

  describe('clients', () => {
    test('a client comes back as it was given, and only in its tenant', async () => {
      const { clients } = stage.store
      const client = clientOf(newTenant())
      assert.equal(await clients.create(client), 'created')
      assert.equal(await clients.create(client), 'taken')
      assert.deepEqual(await clients.find(client.tenant, client.id), client)
      assert.equal(await clients.find(newTenant(), client.id), undefined)
    })

    test('a change leaves what it does not name', async () => {
      const { clients } = stage.store
      const client = clientOf(newTenant())
      await clients.create(client)
      assert.equal(await clients.change(client.tenant, client.id, { sealedSecret: null }, NOW + 1), 'changed')
      assert.deepEqual(await clients.find(client.tenant, client.id), {
        ...client,
        sealedSecret: null,
        updatedAt: NOW + 1,
      })
      assert.equal(await clients.change(client.tenant, client.id, { metadata: { name: 'B' } }, NOW + 2), 'changed')
      assert.deepEqual((await clients.find(client.tenant, client.id))?.metadata, { name: 'B' })
      assert.equal(await clients.change(client.tenant, 'unknown', {}, NOW), 'gone')
    })

    test('a client that registered itself is known by the digest of a token, until it is removed', async () => {
      const { clients, registrations } = stage.store
      const client = clientOf(newTenant())
      const { tenant, id } = client
      await clients.create(client)
      assert.equal(await registrations.tokenHashOf(tenant, id), undefined)
      await registrations.create({ tenant, client: id, tokenHash: 'digest' })
      assert.equal(await registrations.tokenHashOf(tenant, id), 'digest')
      assert.equal(await registrations.tokenHashOf(newTenant(), id), undefined)
      await clients.remove(tenant, id, NOW)
      assert.equal(await registrations.tokenHashOf(tenant, id), undefined)
    })

    test('a removed client is not found, its grants are gone, its epoch is raised and its id is never given again', async () => {
      const { clients } = stage.store
      const client = clientOf(newTenant())
      const { tenant, id } = client
      await clients.create(client)
      await clients.putGrant(grantOf(tenant, { client: id }))
      assert.equal(await clients.raiseEpoch(tenant, id), 1)
      assert.equal(await clients.remove(tenant, id, NOW), 'removed')
      assert.equal(await clients.remove(tenant, id, NOW), 'gone')
      assert.equal(await clients.find(tenant, id), undefined)
      assert.deepEqual(await clients.list(tenant, { limit: 10 }), [])
      assert.deepEqual(await clients.grantsOf(tenant, id), [])
      assert.equal(await clients.change(tenant, id, { metadata: {} }, NOW), 'gone')
      assert.equal(await clients.create(client), 'taken')
      assert.equal(await clients.raiseEpoch(tenant, id), 3)
    })

    test('pages of clients meet without a gap or an overlap, in byte order', async () => {
      const { clients } = stage.store
      const tenant = newTenant()
      for (const id of ['b', 'A', 'a', 'B', '_']) await clients.create(clientOf(tenant, { id }))
      const first = await clients.list(tenant, { limit: 2 })
      const rest = await clients.list(tenant, { after: first[1]?.id as string, limit: 10 })
      assert.deepEqual(
        [...first, ...rest].map(client => client.id),
        ['A', 'B', '_', 'a', 'b'],
      )
    })

    test('a grant is unique by client and audience, and keeps its id', async () => {
      const { clients } = stage.store
      const client = clientOf(newTenant())
      await clients.create(client)
      const grant = grantOf(client.tenant, { client: client.id, scopes: ['a', 'b'] })
      assert.equal(await clients.putGrant(grant), 'created')
      assert.equal(await clients.putGrant({ ...grant, id: 'cgr_2' }), 'same')
      assert.equal(await clients.putGrant({ ...grant, id: 'cgr_2', scopes: ['a'] }), 'changed')
      assert.deepEqual(await clients.grantsOf(client.tenant, client.id), [{ ...grant, scopes: ['a'] }])
    })

    test('are listed in parts, and those alone of a kind, of a party, or known elsewhere by an id', async () => {
      const { clients } = stage.store
      const tenant = newTenant()
      const all = [
        { app_type: 'spa' },
        { app_type: 'native', is_first_party: false },
        { app_type: 'spa', is_first_party: true, external_client_id: 'https://x.example' },
        {},
      ]
      for (const [index, metadata] of all.entries())
        await clients.create(clientOf(tenant, { id: `${index}`, metadata: { name: 'App', ...metadata } }))
      const ids = async (filter: ClientFilter, offset = 0) => {
        const found = await clients.list(tenant, { offset, limit: 10 }, filter)
        assert.equal(await clients.count(tenant, filter), found.length + offset)
        return found.map(({ id }) => id).join()
      }
      assert.equal(await ids({}), '0,1,2,3')
      assert.equal(await ids({}, 3), '3')
      assert.equal(await ids({ types: ['spa', 'native'] }), '0,1,2')
      assert.equal(await ids({ isFirstParty: true }), '0,2,3')
      assert.equal(await ids({ isFirstParty: false }), '1')
      assert.equal(await ids({ types: ['spa'], isFirstParty: false }), '')
      assert.equal(await ids({ externalId: 'https://x.example' }), '2')
      assert.equal(await clients.count(newTenant()), 0)
    })

    test('of two changes to a client that was held, the second sees the first', async () => {
      const { store } = stage
      const tenant = newTenant()
      await store.clients.create(clientOf(tenant, { metadata: { name: '' } }))
      await inParallel(8, index =>
        store.transaction(async ({ clients }) => {
          const held = await clients.hold(tenant, 'app')
          await clients.change(tenant, 'app', { metadata: { name: `${held?.metadata['name']}${index}` } }, NOW)
        }),
      )
      const name = String((await store.clients.find(tenant, 'app'))?.metadata['name'])
      assert.equal([...name].sort().join(''), '01234567')
      await store.transaction(async ({ clients }) => assert.equal(await clients.hold(tenant, 'none'), undefined))
    })

    test('grants for people, and for every client of somebody else’s, stand beside a machine’s', async () => {
      const { clients } = stage.store
      const tenant = newTenant()
      await clients.create(clientOf(tenant))
      const machine = grantOf(tenant, { id: 'cgr_1', scopes: ['a'], settings: { organization_usage: 'allow' } })
      const people = grantOf(tenant, { id: 'cgr_2', subject: 'user', settings: { allow_any_organization: true } })
      const others = grantOf(tenant, { id: 'cgr_3', client: null, audience: 'https://other.example' })
      for (const grant of [machine, people, others]) {
        assert.equal(await clients.createGrant(grant), 'created')
        assert.equal(await clients.createGrant({ ...grant, id: 'cgr_9' }), 'taken')
        assert.deepEqual(await clients.findGrant(tenant, grant.id), grant)
        assert.equal(await clients.findGrant(newTenant(), grant.id), undefined)
      }
      assert.deepEqual(await clients.grantsOf(tenant, 'app'), [machine, people])
      assert.deepEqual(await clients.grantsOf(tenant, null), [others])
      const ids = async (filter: GrantFilter, after?: string) => {
        const found = await clients.listGrants(tenant, { after, limit: 10 }, filter)
        if (after === undefined) assert.equal(await clients.countGrants(tenant, filter), found.length)
        return found.map(({ id }) => id).join()
      }
      assert.equal(await ids({}), 'cgr_1,cgr_2,cgr_3')
      assert.equal(await ids({}, 'cgr_1'), 'cgr_2,cgr_3')
      assert.equal(await ids({ client: 'app' }), 'cgr_1,cgr_2')
      assert.equal(await ids({ subject: 'client' }), 'cgr_1,cgr_3')
      assert.equal(await ids({ audience: 'https://other.example' }), 'cgr_3')
      assert.equal(await ids({ isDefault: true }), 'cgr_3')
      assert.equal(await ids({ anyOrganization: true }), 'cgr_2')
      assert.equal(await ids({ anyOrganization: false }), 'cgr_1,cgr_3')

      assert.equal(await clients.changeGrant(tenant, 'cgr_2', { scopes: ['b'] }), 'changed')
      assert.equal(await clients.changeGrant(tenant, 'cgr_1', { settings: {} }), 'changed')
      assert.equal(await clients.changeGrant(tenant, 'cgr_1', {}), 'changed')
      assert.equal(await clients.changeGrant(tenant, 'cgr_9', {}), 'gone')
      assert.deepEqual(await clients.grantsOf(tenant, 'app'), [
        { ...machine, settings: {} },
        { ...people, scopes: ['b'] },
      ])
      assert.equal(await clients.putGrant({ ...people, scopes: ['c'] }), 'changed')
      assert.equal(await clients.putGrant({ ...people, scopes: ['c'] }), 'same')
      assert.equal(await clients.removeGrant(tenant, 'cgr_2'), 'removed')
      assert.equal(await clients.removeGrant(tenant, 'cgr_1'), 'removed')
      assert.equal(await clients.removeGrant(tenant, 'cgr_1'), 'gone')
      assert.equal(await ids({}), 'cgr_3')
    })

    test('are asked for an algorithm by those of the tenant whose metadata names it, as it is now', async () => {
      const { clients } = stage.store
      const [tenant, other] = [newTenant(), newTenant()]
      const signedBy = (alg: string) => ({ name: 'App', jwt_configuration: { alg } })
      const asked = () => clients.askedAlgorithms(tenant, ['ES256', 'PS256', 'EdDSA'])
      assert.deepEqual(await asked(), [])
      assert.deepEqual(await clients.askedAlgorithms(tenant, []), [])
      await clients.create(clientOf(tenant, { id: '1', metadata: signedBy('ES256') }))
      await clients.create(clientOf(tenant, { id: '2', metadata: signedBy('ES256') }))
      await clients.create(clientOf(tenant, { id: '3' }))
      await clients.create(clientOf(other, { id: '4', metadata: signedBy('EdDSA') }))
      assert.deepEqual(await asked(), ['ES256'])
      await clients.change(tenant, '1', { metadata: signedBy('PS256') }, NOW)
      await clients.change(tenant, '1', { sealedSecret: 'another' }, NOW)
      assert.deepEqual(await asked(), ['ES256', 'PS256'])
      await clients.change(tenant, '1', { metadata: { name: 'App', jwt_configuration: null } }, NOW)
      await clients.remove(tenant, '2', NOW)
      assert.deepEqual(await asked(), [])
    })

    test('64 epochs raised at once are 64 numbers', async () => {
      const { clients } = stage.store
      const { tenant, id } = clientOf(newTenant())
      await clients.create(clientOf(tenant))
      const epochs = await inParallel(64, () => clients.raiseEpoch(tenant, id))
      assert.deepEqual(
        epochs.toSorted((a, b) => a - b),
        Array.from({ length: 64 }, (_, index) => index + 1),
      )
    })
  })

  describe('resource servers', () => {
    test('an identifier is unique in a tenant and compared byte for byte', async () => {
      const { resourceServers } = stage.store
      const tenant = newTenant()
      const record = {
        tenant,
        id: 'api_1',
        identifier: 'https://api.example/',
        settings: { token_lifetime: 3600 },
        createdAt: NOW,
        updatedAt: NOW,
      }
      const there = { ...record, epoch: 0 }
      assert.equal(await resourceServers.create(record), 'created')
      assert.equal(await resourceServers.create({ ...record, id: 'api_2' }), 'taken')
      assert.deepEqual(await resourceServers.findByIdentifier(tenant, 'https://api.example/'), there)
      assert.equal(await resourceServers.findByIdentifier(tenant, 'https://API.example/'), undefined)
      assert.equal(await resourceServers.findByIdentifier(tenant, 'https://api.example'), undefined)
      assert.equal(await resourceServers.change(tenant, 'api_1', { token_lifetime: 60 }, NOW + 1), 'changed')
      assert.deepEqual(await resourceServers.list(tenant), [
        { ...there, settings: { token_lifetime: 60 }, updatedAt: NOW + 1 },
      ])
      assert.equal(await resourceServers.change(tenant, 'api_2', {}, NOW), 'gone')
    })

    test('are asked for an algorithm by those of the tenant whose settings name it, as they are now', async () => {
      const { resourceServers } = stage.store
      const tenant = newTenant()
      const record = { tenant, id: 'api_1', identifier: 'https://api.example/', createdAt: NOW, updatedAt: NOW }
      const asked = (of = tenant) => resourceServers.askedAlgorithms(of, ['ES256', 'PS256'])
      await resourceServers.create({ ...record, settings: { signing_alg: 'PS256' } })
      assert.deepEqual(await asked(), ['PS256'])
      assert.deepEqual(await asked(newTenant()), [])
      await resourceServers.change(tenant, 'api_1', { signing_alg: 'ES256' }, NOW)
      assert.deepEqual(await asked(), ['ES256'])
      await resourceServers.change(tenant, 'api_1', {}, NOW)
      assert.deepEqual(await asked(), [])
    })
  })

  describe('roles', () => {
    const admin = (tenant: string) => ({ tenant, id: 'rol_1', name: 'admin', description: '' })

    test('a role is put by its name and keeps its id', async () => {
      const { roles } = stage.store
      const tenant = newTenant()
      assert.equal(await roles.put(admin(tenant)), 'created')
      assert.equal(await roles.put({ ...admin(tenant), id: 'rol_2' }), 'same')
      assert.equal(await roles.put({ ...admin(tenant), id: 'rol_2', description: 'All' }), 'changed')
      assert.deepEqual(await roles.findByName(tenant, 'admin'), { ...admin(tenant), description: 'All' })
      assert.equal(await roles.findByName(newTenant(), 'admin'), undefined)
    })

    test('a user’s roles in an organization are not those in the tenant', async () => {
      const { roles, users } = stage.store
      const user = userOf(newTenant())
      await users.create(user, identityOf(user))
      await roles.put(admin(user.tenant))
      await roles.put({ ...admin(user.tenant), id: 'rol_2', name: 'viewer' })
      const names = async (organization: string | null) =>
        (await roles.of(user.tenant, user.id, organization)).map(role => role.name)
      assert.equal(await roles.assign(user.tenant, user.id, null, ['rol_1', 'rol_2', 'rol_1']), 'changed')
      assert.equal(await roles.assign(user.tenant, user.id, null, ['rol_2', 'rol_1']), 'same')
      assert.equal(await roles.assign(user.tenant, user.id, 'org_1', ['rol_2']), 'changed')
      assert.deepEqual(await names(null), ['admin', 'viewer'])
      assert.deepEqual(await names('org_1'), ['viewer'])
      assert.equal(await roles.assign(user.tenant, user.id, null, []), 'changed')
      assert.deepEqual(await names(null), [])
      assert.deepEqual(await names('org_1'), ['viewer'])
    })

    test('of two assignments at once one wins, never the union', async () => {
      const { roles, users } = stage.store
      const user = userOf(newTenant())
      await users.create(user, identityOf(user))
      for (let index = 0; index < 8; index++) {
        await roles.put({ ...admin(user.tenant), id: `rol_${index}`, name: `${index}` })
      }
      const answers = await inParallel(8, index => roles.assign(user.tenant, user.id, null, [`rol_${index}`]))
      assert.deepEqual(tally(answers), { changed: 8 })
      assert.equal((await roles.of(user.tenant, user.id, null)).length, 1)
    })
  })
}
