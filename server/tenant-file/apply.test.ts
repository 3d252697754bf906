import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { createDatabase } from '../../tests/fixtures/postgres.ts'
import { aConnection } from '../../tests/fixtures/records.ts'
import { createMemoryBus } from '../bus/memory.ts'
import { type Clients, createClients } from '../clients/clients.ts'
import { createResourceServers } from '../clients/resource-servers.ts'
import { wantedAlgorithmsIn } from '../clients/wanted-algorithms.ts'
import { type Connections, createConnections } from '../identity/connections.ts'
import { hashPassword, verifyPassword } from '../identity/password-hash.ts'
import { createUser, DATABASE_CONNECTION, setPassword } from '../identity/users.ts'
import { OperatorError } from '../kernel/errors.ts'
import { SECOND } from '../kernel/seconds.ts'
import { randomKey, sha256 } from '../kernel/secrets.ts'
import { createKeyring, type Keyring } from '../keys/keyring.ts'
import { createSealer } from '../keys/sealer.ts'
import { masterKeys } from '../keys/wrapping/master-keys.ts'
import { openPostgres } from '../store/postgres.ts'
import { openSqlite } from '../store/sqlite.ts'
import type { Store, StoreOptions } from '../store/store.ts'
import { applyParsed, applyTenantFile, planParsed } from './apply.ts'
import { exportTenant } from './export.ts'
import { readKeywords } from './keywords.ts'
import type { Change } from './plan.ts'
import { parseTenantFile, readTenantFile } from './read.ts'

const ISSUER = 'https://login.example.com/'
const SECRET = 'an-hs256-secret-of-more-than-32-bytes'
const PASSWORD = 'correct horse battery'

const FILE = `
tenant: { friendly_name: Films, session_lifetime: 12 }
clients:
  - client_id: films
    name: Films
    app_type: spa
    callbacks: [https://films.example.com/callback]
  - client_id: importer
    client_secret: the-importer-s-own-secret
    name: Importer
    app_type: non_interactive
  - name: Reports
    app_type: regular_web
    jwt_configuration: { alg: ES256 }
resourceServers:
  - identifier: https://films.example.com/api
    name: Films API
    scopes: [{ value: read:films, description: See films }, { value: write:films }]
  - identifier: https://edge.example.com/
    signing_alg: HS256
    signing_secret: ${SECRET}
clientGrants:
  - { client_id: Importer, audience: https://films.example.com/api, scope: [read:films, write:films] }
  - { client_id: Reports, audience: https://films.example.com/api, scope: [read:films] }
roles: [{ name: Editor, description: May edit films }]
users:
  - email: Ann@Example.com
    password: ${PASSWORD}
    email_verified: true
    given_name: Ann
    roles: [Editor]
    app_metadata: { plan: gold }
`

type Open = (options: StoreOptions) => Promise<{ store: Store; close(): Promise<void> }>

const openOnSqlite: Open = async options => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-tenant-file-'))
  const store = await openSqlite(join(folder, 'test.db'), { ...options, synchronous: 'normal' })
  return {
    store,
    async close() {
      await store.close()
      rmSync(folder, { recursive: true })
    },
  }
}

const openOnPostgres: Open = async options => {
  const database = await createDatabase()
  const store = await openPostgres(database.url, options)
  return {
    store,
    async close() {
      await store.close()
      await database.drop()
    },
  }
}

function describeApplying(name: string, open: Open): void {
  describe(`a tenant file applied on ${name}`, () => {
    const bus = createMemoryBus()
    const sealer = createSealer(masterKeys([{ id: 'm1', bytes: randomKey() }]))
    let now = Date.UTC(2026, 0, 1)
    const clock = () => now
    let opened: Awaited<ReturnType<Open>>
    let store: Store
    let clients: Clients
    let connections: Connections
    let keyring: Keyring
    let tenant = ''
    let tenants = 0

    before(async () => {
      opened = await open({ sealer, bus })
      store = opened.store
      clients = createClients({ store, sealer, bus, clock })
      connections = createConnections({ store, sealer, bus, clock })
      keyring = createKeyring({ store, sealer, clock, bus, wanted: wantedAlgorithmsIn(store) })
    })
    after(() => opened.close())
    beforeEach(async () => {
      tenant = `t${tenants++}`
      await store.tenants.create({ id: tenant, name: tenant, settings: { kept: true }, createdAt: now })
      await store.tenants.putHost({ host: `${tenant}.example.com`, tenant, issuer: ISSUER })
      await store.connections.create(aConnection({ tenant, id: 'con', name: DATABASE_CONNECTION }))
    })

    const services = () => ({ store, clients, connections, keyring, clock })
    const grantedTo = async (id: string, audience: string) =>
      (await clients.grantOf({ tenant, id, isFirstParty: true }, audience))?.scopes
    const apply = (text: string) => {
      now += SECOND
      return applyTenantFile(services(), tenant, { name: 'tenant.yaml', text })
    }
    const plan = async (text: string) =>
      planParsed(services(), tenant, await parseTenantFile({ name: 'tenant.yaml', text }))
    const faultsOf = async (text: string): Promise<string> => {
      const error = await apply(text).then(
        () => assert.fail('the file was applied'),
        (thrown: unknown) => thrown,
      )
      assert.ok(error instanceof OperatorError, String(error))
      return error.message
    }
    const refuses = async (text: string, ...expected: readonly RegExp[]) => {
      const message = await faultsOf(text)
      for (const one of expected) assert.match(message, one)
    }
    /** But for those of keys, which the keyring records where it makes them. */
    const eventsOf = async () =>
      (await store.events.list(tenant, { limit: 1000 })).filter(({ type }) => !type.startsWith('key.'))
    const ann = async () => (await store.users.findByEmailKey(tenant, 'con', 'ann@example.com')) ?? assert.fail()
    const organizationRevocations = async (head: number) =>
      (await store.revocations.after(head, 10))
        .filter(({ kind }) => kind === 'organization')
        .map(({ kind, id }) => `${kind} ${id}`)
    const passwordOf = async (user: string) => (await store.credentials.of(tenant, user, 'password'))[0]?.secret ?? ''

    /** All that a file can write: applying is judged by what this says before and after. */
    const everything = async () => {
      const all = await store.clients.list(tenant, { limit: 1000 })
      const user = await store.users.findByEmailKey(tenant, 'con', 'ann@example.com')
      return {
        tenant: await store.tenants.find(tenant),
        clients: all,
        grants: await Promise.all(all.map(({ id }) => store.clients.grantsOf(tenant, id))),
        apis: await store.resourceServers.list(tenant),
        role: await store.roles.findByName(tenant, 'Editor'),
        user,
        password: user && (await passwordOf(user.id)),
        roles: user && (await store.roles.of(tenant, user.id, null)),
        keys: await store.keys.list(tenant),
        events: await eventsOf(),
        revocations: await store.revocations.head(),
      }
    }

    test('makes everything it names, with an event each', async () => {
      const { changes, secrets, warnings } = await apply(FILE)
      assert.deepEqual(warnings, [])
      assert.deepEqual(
        (await eventsOf()).map(({ type, target }) => `${type} ${target?.id}`).sort(),
        changes.map(({ kind, id, change }) => `${kind}.${change} ${id}`).sort(),
      )
      assert.equal(changes.length, 10)

      const importer = await clients.find(tenant, 'importer')
      assert.equal(importer?.secretHash, sha256('the-importer-s-own-secret'))
      const reports = secrets[0] ?? assert.fail('the client without a secret was given none')
      assert.deepEqual([secrets.length, reports.name], [1, 'Reports'])
      assert.equal((await clients.find(tenant, reports.id))?.secretHash, sha256(reports.secret))
      assert.equal((await clients.find(tenant, 'films'))?.secretHash, null)
      assert.deepEqual(await grantedTo('importer', 'https://films.example.com/api'), ['read:films', 'write:films'])
      const { id, emailVerified, profile, appMetadata } = await ann()
      assert.deepEqual([emailVerified, profile['given_name'], appMetadata], [true, 'Ann', { plan: 'gold' }])
      assert.ok((await verifyPassword(PASSWORD, await passwordOf(id))).matches)
      assert.deepEqual(
        (await store.roles.of(tenant, id, null)).map(role => role.name),
        ['Editor'],
      )
      assert.deepEqual((await store.tenants.find(tenant))?.settings, {
        kept: true,
        friendly_name: 'Films',
        session_lifetime: 12,
      })
    })

    test('changes nothing the second time', async () => {
      await apply(FILE)
      const first = await everything()
      assert.deepEqual(await apply(FILE), { changes: [], secrets: [], warnings: [] })
      assert.deepEqual(await everything(), first)
    })

    test('writes only what was changed in it, and every cache hears of it', async () => {
      await apply(FILE)
      const films = 'https://films.example.com/api'
      const apis = createResourceServers({ store, bus, clock })
      await clients.find(tenant, 'films')
      await grantedTo('importer', films)
      await apis.find(tenant, films)
      const first = await everything()

      const { changes } = await apply(
        FILE.replace('/callback]', '/other]')
          .replace('scope: [read:films, write:films]', 'scope: [read:films]')
          .replace('See films', 'See all films')
          .replace('name: Films API', 'name: API'),
      )
      assert.deepEqual(
        changes.map(({ kind }) => kind),
        ['resource-server', 'client', 'client-grant'],
      )
      assert.deepEqual((await clients.find(tenant, 'films'))?.redirectUris, ['https://films.example.com/other'])
      assert.deepEqual(await grantedTo('importer', films), ['read:films'])
      assert.equal((await apis.find(tenant, films))?.name, 'API')
      const second = await everything()
      assert.deepEqual(second.user, first.user)
      assert.deepEqual(
        second.clients.map(client => client.updatedAt === now),
        first.clients.map(({ id }) => id === 'films'),
      )
    })

    test('is told beforehand with what it would change, member by member and without secrets, and then nothing is', async () => {
      const fresh = await everything()
      const first = await plan(FILE)
      assert.deepEqual(await everything(), fresh)
      assert.deepEqual(await eventsOf(), [])
      assert.deepEqual(
        first.changes.map(({ kind, change }) => `${kind}.${change}`),
        (await apply(FILE)).changes.map(({ kind, change }) => `${kind}.${change}`),
      )
      assert.deepEqual((await plan(FILE)).changes, [])

      const before = await everything()
      const { changes } = await plan(
        FILE.replace('See films', 'See all films')
          .replace('the-importer-s-own-secret', 'another-secret-of-the-importer')
          .replace('plan: gold', 'plan: silver')
          .replace(PASSWORD, 'another correct horse battery'),
      )
      assert.deepEqual(await everything(), before)
      assert.doesNotMatch(JSON.stringify(changes), /another|argon2/)
      assert.deepEqual(
        changes.map(({ kind, name, change, changes }) => [kind, name, change, changes]),
        [
          [
            'resource-server',
            'https://films.example.com/api',
            'changed',
            {
              scopes: {
                before: [{ value: 'read:films', description: 'See films' }, { value: 'write:films' }],
                after: [{ value: 'read:films', description: 'See all films' }, { value: 'write:films' }],
              },
            },
          ],
          ['client', 'Importer', 'changed', { client_secret: 'changed' }],
          [
            'user',
            'Ann@Example.com',
            'changed',
            { app_metadata: { before: { plan: 'gold' }, after: { plan: 'silver' } }, password: 'changed' },
          ],
        ],
      )
      await refuses(FILE.replace('app_type: spa', 'app_type: website'), /app_type must be one of/)
    })

    test('means the same with its defaults spelled out, as tools do, and of settings with parts it changes those it names', async () => {
      const by = (more: object, { clients = {}, apis = {} } = {}) =>
        stringify({
          clients: [{ client_id: 'films', name: 'Films', app_type: 'spa', ...clients }],
          resourceServers: [{ identifier: 'https://films.example.com/api', ...apis }],
          databases: [{ name: DATABASE_CONNECTION, strategy: 'auth0' }],
          ...more,
        })
      await apply(
        by({
          tenant: { friendly_name: 'Films', flags: { enable_client_connections: false } },
          attackProtection: { bruteForceProtection: { max_attempts: 5 } },
          branding: { logo_url: 'https://films.example.com/logo.png' },
        }),
      )
      const spelledOut = by(
        {
          tenant: {
            ...{ friendly_name: 'Films', support_url: '', session_lifetime: 168, default_audience: '' },
            ...{ session_cookie: { mode: 'persistent' }, allowed_logout_urls: [], error_page: null },
            flags: { enable_client_connections: false, enable_dynamic_client_registration: false },
          },
          attackProtection: {
            bruteForceProtection: { enabled: true, shields: ['user_notification', 'block'], max_attempts: 5 },
            suspiciousIpThrottling: { enabled: true, allowlist: [] },
            botDetection: { bot_detection_level: 'low' },
          },
          branding: { logo_url: 'https://films.example.com/logo.png', templates: [] },
          databases: [
            {
              name: DATABASE_CONNECTION,
              strategy: 'auth0',
              realms: [DATABASE_CONNECTION],
              is_domain_connection: false,
            },
          ],
        },
        {
          clients: {
            ...{ is_first_party: true, oidc_conformant: true, custom_login_page_on: true },
            jwt_configuration: { alg: 'RS256', lifetime_in_seconds: 36_000, secret_encoded: false },
          },
          apis: { name: 'https://films.example.com/api', is_system: false, enforce_policies: false, scopes: [] },
        },
      )
      assert.deepEqual(await plan(spelledOut), { changes: [], warnings: [] })

      await apply(
        by({
          tenant: { flags: { enable_dynamic_client_registration: true } },
          attackProtection: { suspiciousIpThrottling: { stage: { 'pre-login': { rate: 60 } } } },
          branding: { colors: { primary: '#0f6b4f' }, logo_url: null },
        }),
      )
      assert.partialDeepStrictEqual((await store.tenants.find(tenant))?.settings, {
        friendly_name: 'Films',
        flags: { enable_client_connections: false, enable_dynamic_client_registration: true },
        attackProtection: {
          bruteForceProtection: { max_attempts: 5 },
          suspiciousIpThrottling: { stage: { 'pre-login': { rate: 60 } } },
        },
        branding: { colors: { primary: '#0f6b4f' } },
      })
      assert.deepEqual(
        (await plan(by({}, { clients: { grant_types: ['implicit'] } }))).changes.map(({ changes }) => changes),
        [{ grant_types: { before: ['authorization_code', 'refresh_token'], after: ['implicit'] } }],
      )
    })

    test('is in its events with what it changed, and what it said of people where erasure empties it', async () => {
      await apply(FILE)
      await apply(FILE.replace('See films', 'See all films').replace('plan: gold', 'plan: silver'))
      const told = (await eventsOf())
        .filter(({ type }) => type.endsWith('.changed'))
        .map(({ type, details, personal }) => ({
          ...{ type, details: Object.keys((details['changes'] as object) ?? {}) },
          personal: personal['changes'],
        }))
      assert.deepEqual(
        told.filter(({ type }) => type !== 'tenant.changed').sort((one, other) => one.type.localeCompare(other.type)),
        [
          { type: 'resource-server.changed', details: ['scopes'], personal: undefined },
          {
            ...{ type: 'user.changed', details: [] },
            personal: { app_metadata: { before: { plan: 'gold' }, after: { plan: 'silver' } } },
          },
        ],
      )
    })

    test('is what is exported: applied where it came from it changes nothing, and elsewhere it makes the same', async () => {
      await apply(FILE)
      const exported = stringify(await exportTenant({ store }, tenant))
      assert.doesNotMatch(exported, new RegExp([SECRET, 'importer-s-own', 'ann@'].join('|'), 'i'))
      assert.deepEqual((await plan(exported)).changes, [])
      assert.deepEqual((await apply(exported)).changes, [])

      tenant = `copy-of-${tenant}`
      await store.tenants.create({ id: tenant, name: tenant, settings: {}, createdAt: now })
      await store.tenants.putHost({ host: `${tenant}.example.com`, tenant, issuer: ISSUER })
      await store.connections.create(aConnection({ tenant, id: 'con', name: DATABASE_CONNECTION }))
      await refuses(exported, /signs with HS256 and needs a signing_secret/)
      await apply(exported.replace('signing_alg: HS256', `signing_alg: HS256\n    signing_secret: ${SECRET}`))
      assert.equal(stringify(await exportTenant({ store }, tenant)), exported)
    })

    test('holds letters, looks, words, domains and the mail server of a tenant, and an export has all but the secrets', async () => {
      const theme = { borders: {}, colors: { primary_button: '#0f6b4f' }, fonts: {}, page_background: {}, widget: {} }
      const file = {
        branding: { colors: { primary: '#0f6b4f' } },
        emailProvider: {
          ...{ name: 'smtp', default_from_address: 'no-reply@example.com' },
          credentials: { smtp_host: 'mail.example.com', smtp_port: 587, smtp_user: 'films', smtp_pass: SECRET },
        },
        emailTemplates: [
          { template: 'reset_email', subject: 'Your password', body: '<a href="{{ url }}">here</a>', enabled: true },
          { template: 'stolen_credentials', subject: 'Take care', body: '<p>Hm.</p>', enabled: false, resultUrl: null },
        ],
        prompts: {
          identifier_first: true,
          customText: { en: { login: { login: { title: 'Come in' } }, consent: {} }, ko: {} },
          partials: {},
        },
        themes: [theme],
        customDomains: [{ domain: 'Login.example.org', type: 'self_managed_certs', custom_domain_id: 'cd_1' }],
      }
      const kinds = (changes: readonly Change[]) => changes.map(({ kind, change, name }) => `${kind}.${change} ${name}`)
      const first = await apply(stringify(file))
      assert.deepEqual(first.warnings, [])
      assert.deepEqual(kinds(first.changes).sort(), [
        'custom-domain.created login.example.org',
        'email-provider.created provider',
        'email-template.created reset_email',
        'email-template.created stolen_credentials',
        'prompt.changed login/en',
        'prompt.changed settings',
        `tenant.changed ${tenant}`,
        'theme.created default',
      ])
      assert.doesNotMatch(JSON.stringify([first, await eventsOf()]), new RegExp(SECRET))
      assert.deepEqual((await plan(stringify(file))).changes, [])

      const exported = stringify(await exportTenant({ store }, tenant))
      assert.doesNotMatch(exported, new RegExp(SECRET))
      assert.deepEqual((await plan(exported)).changes, [])

      const changed = structuredClone(file)
      changed.emailProvider.credentials.smtp_pass = `${SECRET}-2`
      changed.prompts.customText.en.login.login.title = 'Welcome'
      const { changes } = await apply(stringify(changed))
      assert.doesNotMatch(JSON.stringify(changes), new RegExp(SECRET))
      assert.deepEqual(
        changes.map(({ kind, changes }) => [kind, changes]),
        [
          ['email-provider', { credentials: 'changed' }],
          ['prompt', { login: { before: { title: 'Come in' }, after: { title: 'Welcome' } } }],
        ],
      )
      assert.equal((await store.emailProviders.find(tenant))?.readCredentials()['smtp_pass'], `${SECRET}-2`)
    })

    test('holds databases and connections, and whom they serve; a secret that it leaves out stays, and none is told', async () => {
      const file = (options: object, more: object = {}) =>
        stringify({
          tenant: { default_directory: 'members' },
          clients: [
            { client_id: 'films', name: 'Films', app_type: 'spa' },
            { client_id: 'jobs', name: 'Jobs', app_type: 'spa' },
          ],
          databases: [
            {
              name: 'members',
              strategy: 'auth0',
              enabled_clients: ['Films'],
              options: { passwordPolicy: 'good' },
              ...more,
            },
            { name: DATABASE_CONNECTION, strategy: 'auth0', options: {} },
          ],
          connections: [{ name: 'google', strategy: 'google-oauth2', enabled_clients: ['jobs', 'Films'], options }],
        })
      const options = { client_id: 'g', client_secret: SECRET, scope: ['email'] }
      const first = await apply(file(options))
      assert.deepEqual(first.warnings, [
        'tenant.yaml:21: The connection "google" is kept, and nobody signs in by it: google-oauth2 is not spoken here.',
      ])
      const find = async (name: string) => (await store.connections.findByName(tenant, name)) ?? assert.fail()
      // Every list of the day gets a client that is made: these lists are what the file says all the same.
      assert.deepEqual((await find('members')).clients, ['films'])
      assert.deepEqual((await find('google')).clients, ['films', 'jobs'])
      assert.equal((await find(DATABASE_CONNECTION)).clients, null)
      assert.deepEqual((await apply(file(options))).changes, [])
      // What a tool writes in the place of a secret is none.
      const masked = await apply(file({ ...options, client_secret: '##CONNECTIONS_GOOGLE_SECRET##' }))
      assert.deepEqual(masked.changes, [])
      assert.match(
        masked.warnings.join('\n'),
        /:\d+: client_secret of the connection "google" stays as it is: give ##CON/,
      )
      assert.doesNotMatch(masked.warnings.join('\n'), /taken as it stands/)

      const secretless = file({ client_id: 'g', scope: ['email', 'profile'] })
      await apply(secretless)
      assert.deepEqual(connections.openOptions(await find('google')), { ...options, scope: ['email', 'profile'] })
      const another = await apply(file({ ...options, client_secret: `${SECRET}-2` }))
      assert.deepEqual(
        another.changes.map(({ kind, name, changes }) => [kind, name, Object.keys(changes)]),
        [['connection', 'google', ['options', 'options (secret)']]],
      )
      const third = file(options).replace('clients:', 'clients:\n  - { client_id: third, name: Third }')
      await apply(third)
      assert.deepEqual((await find('members')).clients, ['films'])
      assert.deepEqual((await apply(third)).changes, [])

      const exported = stringify(await exportTenant({ store }, tenant))
      assert.doesNotMatch(JSON.stringify([first, another, exported, await eventsOf()]), new RegExp(SECRET))
      assert.deepEqual((await plan(exported)).changes, [])
      assert.equal(connections.openOptions(await find('google'))['client_secret'], SECRET)

      await refuses(file({}, { enabled_clients: ['Nobody'] }), /^tenant\.yaml:\d+: There is no client .*"Nobody"/m)
      await refuses(file({}, { options: { passwordPolicy: 'worst' } }), /passwordPolicy must be one of/)
      await refuses(file({}, { strategy: 'oidc' }), /strategy of a database is auth0/)
      await refuses('connections: [{ name: members, strategy: oidc }]', /strategy auth0, which cannot be changed/)
      await refuses('tenant: { default_directory: google }', /There is no connection "google" that has passwords/)
      await refuses('connections: [{ name: -x, strategy: magic }]', /strategy must be one of/)
    })

    test('holds organizations and what belongs to them but people; a list is all there is, and what is left out stays', async () => {
      const file = (more: object) =>
        stringify({
          clients: [{ client_id: 'importer', name: 'Importer', app_type: 'non_interactive', client_secret: SECRET }],
          resourceServers: [{ identifier: 'https://films.example.com/api', scopes: [{ value: 'read:films' }] }],
          clientGrants: [{ client_id: 'Importer', audience: 'https://films.example.com/api', scope: ['read:films'] }],
          databases: [{ name: 'members', enabled_clients: ['Importer'] }],
          organizations: [{ name: 'acme', ...more }],
        })
      const acme = {
        display_name: 'Acme',
        branding: {
          logo_url: 'https://acme.example/logo.png',
          colors: { primary: '#fff', page_background: '#000000' },
        },
        metadata: { plan: 'gold', since: '2020' },
        connections: [{ name: 'members', assign_membership_on_login: true, is_signup_enabled: true, is_enabled: true }],
        client_grants: [{ client_id: 'Importer' }],
        clients: [{ client_id: 'Importer', use_for_member_access: true }],
        discovery_domains: [{ domain: 'Acme.example', status: 'verified' }],
      }
      assert.deepEqual((await apply(file(acme))).warnings, [])
      assert.deepEqual((await plan(file(acme))).changes, [])
      const { id } = (await store.organizations.findByName(tenant, 'acme')) ?? assert.fail()
      const told = (await eventsOf()).filter(({ type }) => type.startsWith('organization')).map(({ type }) => type)
      assert.deepEqual(told.sort(), [
        'organization-client-grant.created',
        'organization-client.created',
        'organization-connection.created',
        'organization-domain.created',
        'organization.created',
      ])
      const exported = stringify(await exportTenant({ store }, tenant))
      assert.deepEqual((await plan(exported)).changes, [])
      assert.deepEqual((await apply(file({}))).changes, [])

      const { changes } = await apply(file({ metadata: { plan: 'silver' }, discovery_domains: [], clients: [] }))
      assert.deepEqual(Object.keys(changes[0]?.changes ?? {}).sort(), ['clients', 'discovery_domains', 'metadata'])
      assert.deepEqual((await store.organizations.find(tenant, id))?.settings['metadata'], { plan: 'silver' })
      assert.equal((await store.organizationConnections.list(tenant, id)).length, 1)
      assert.equal((await store.organizationClients.grantsOf(tenant, id)).length, 1)
      await apply(exported)
      assert.equal(stringify(await exportTenant({ store }, tenant)), exported)

      await refuses(file({ connections: [{ name: 'nowhere' }] }), /There is no connection "nowhere"/)
      await refuses(file({ client_grants: [{ client_id: 'Nobody' }] }), /There is no client .*"Nobody"/)
      await refuses(file({ connections: [{ name: 'members', is_signup_enabled: true }] }), /needs assign_membership_on/)
      await refuses(file({ branding: { logo_url: 'http://x' } }), /logo_url must be a URL/)
      await refuses(file({ discovery_domains: [{ domain: 'nowhere' }] }), /"nowhere" is not the name of a domain/)
      await refuses(stringify({ organizations: [{ name: 'org_acme' }] }), /name begins like an id/)
    })

    test('as auth0-deploy-cli exports a whole tenant, files beside it: nothing differs afterwards, and its own export makes the same elsewhere', async () => {
      const folder = new URL('../../tests/fixtures/film-club-export/', import.meta.url)
      const keywords = readKeywords(fileURLToPath(new URL('mappings.json', folder)))
      const parsed = () => parseTenantFile(readTenantFile(fileURLToPath(new URL('tenant.yaml', folder))), keywords)
      const first = await applyParsed(services(), tenant, await parsed())
      assert.deepEqual(
        first.warnings.map(warning => warning.slice(0, 72)),
        [
          'tenant.yaml:16: "flags.cannot_change_enforce_client_authentication_on_pa',
          'tenant.yaml:21: "flags.enable_sso" of the tenant has no effect.',
          'tenant.yaml:25: "oidc_logout" of the tenant has no effect.',
          'tenant.yaml:29: "sandbox_version" of the tenant has no effect.',
          'tenant.yaml:57: "breachedPasswordDetection" has no effect: of passwords ',
          'tenant.yaml:68: "botDetection" has no effect: nobody is asked to prove t',
          'tenant.yaml:75: "captcha" has no effect: nobody is asked to prove that t',
          'tenant.yaml:79: ##CAPTCHA_SECRET## is taken as it stands: give it a valu',
          'tenant.yaml:85: templates of the branding have no effect: pages on which',
          'tenant.yaml:185: "addons" of a client has no effect.',
          'tenant.yaml:215: "https://film-club.eu.auth0.com/me/" is an API of the s',
          'tenant.yaml:227: "Importer" is given nothing: "https://film-club.eu.auth',
          'tenant.yaml:247: passkey of the database "members" has no effect: people',
          'tenant.yaml:251: "passkey_options" of the options of a database has no e',
          'tenant.yaml:270: The scripts of the database "members" are kept and not ',
          'tenant.yaml:274: The connection "google-oauth2" is kept, and nobody sign',
          'tenant.yaml:288: The connection "studio" is kept, and nobody signs in by',
          'tenant.yaml:297: ##STUDIO_CERTIFICATE## is taken as it stands: give it a',
          'tenant.yaml:330: The page "login" is kept and not shown: pages here take',
          'tenant.yaml:336: The page "error_page" is kept and not shown: pages here',
          'tenant.yaml:340: emailProvider is left as it is: fill in its credentials',
          'tenant.yaml:374: "guardianFactors" has no effect: nobody is asked for a ',
          'tenant.yaml:386: "phoneProviders" has no effect: nothing is sent to tele',
          'tenant.yaml:397: "actions" has no effect: code of your own is not run. W',
          'tenant.yaml:409: "triggers" has no effect: actions are not run.',
          'tenant.yaml:413: "rules" has no effect: code of your own is not run. Who',
          'tenant.yaml:421: "logStreams" has no effect: events are not sent on. `/a',
          'tenant.yaml:431: "forms" has no effect: nobody is shown a form of yours ',
          'tenant.yaml:436: "networkACLs" has no effect: no address is shut out by ',
          'tenant.yaml:448: "userAttributeProfiles" has no effect: nobody signs in ',
        ],
      )
      const exported = stringify(await exportTenant({ store }, tenant))
      for (const part of ['Come in.', 'Choose another password', 'That went wrong', 'function login'])
        assert.ok(exported.includes(part), part)
      assert.doesNotMatch(JSON.stringify([first, exported, await eventsOf()]), /the-secret-of-google/)
      assert.doesNotMatch(exported, /CAPTCHA|TWILIO/)
      assert.match(exported, /domain_aliases:\n +- studio\.example\n/)
      const google = (await store.connections.findByName(tenant, 'google-oauth2')) ?? assert.fail()
      assert.equal(connections.openOptions(google)['client_secret'], 'the-secret-of-google')

      assert.deepEqual((await plan(exported)).changes, [])
      assert.deepEqual((await planParsed(services(), tenant, await parsed())).changes, [])
      assert.deepEqual((await planParsed(services(), tenant, await parsed(), { removes: true })).changes, [])

      tenant = `copy-of-${tenant}`
      await store.tenants.create({ id: tenant, name: tenant, settings: {}, createdAt: now })
      await store.tenants.putHost({ host: `${tenant}.example.com`, tenant, issuer: ISSUER })
      await store.connections.create(aConnection({ tenant, id: 'con', name: DATABASE_CONNECTION }))
      await apply(exported)
      assert.equal(stringify(await exportTenant({ store }, tenant)), exported)
    })

    test('removes what its lists do not name when it is asked to, and never people, the default database or the administrators', async () => {
      const removing = async (text: string) => {
        now += SECOND
        return applyParsed(services(), tenant, await parseTenantFile({ name: 'tenant.yaml', text }), { removes: true })
      }
      const theme = { borders: {}, colors: {}, fonts: {}, page_background: {}, widget: {} }
      const other = stringify({
        clients: [{ client_id: 'old', name: 'Old', app_type: 'spa' }],
        resourceServers: [{ identifier: 'https://old.example', scopes: [{ value: 'a' }] }],
        clientGrants: [
          { client_id: 'old', audience: 'https://old.example', scope: ['a'] },
          { client_id: 'importer', audience: 'https://old.example', scope: [] },
          { client_id: 'importer', audience: `${ISSUER}api/v2/`, scope: ['read:users'] },
          { client_id: 'old', audience: `${ISSUER}api/v2/`, scope: ['read:users'] },
        ],
        databases: [{ name: 'empty' }, { name: 'peopled' }, { name: 'directory' }],
        connections: [{ name: 'google', strategy: 'google-oauth2', options: { client_secret: SECRET } }],
        organizations: [{ name: 'acme', connections: [{ name: 'empty' }] }],
        roles: [{ name: 'Administrator' }, { name: 'Old' }],
        emailTemplates: [{ template: 'reset_email', subject: 'x', body: '{{ url }}', enabled: true }],
        themes: [theme],
        customDomains: [{ domain: 'old.example.org', type: 'self_managed_certs' }],
        tenant: { default_directory: 'directory' },
      })
      await apply(FILE)
      await apply(other)
      const peopled = (await store.connections.findByName(tenant, 'peopled')) ?? assert.fail()
      const bob = { email: 'bob@example.com', emailVerified: true, passwordHash: 'x', profile: {} }
      await store.transaction(transaction => createUser(transaction, peopled, bob, clock))
      assert.deepEqual((await apply(FILE)).changes, [])

      const before = await everything()
      const all = `${FILE}databases: []\nconnections: []\norganizations: []\nemailTemplates: []\nthemes: []\ncustomDomains: []\n`
      const shown = await planParsed(services(), tenant, await parseTenantFile({ name: 'tenant.yaml', text: all }), {
        removes: true,
      })
      assert.deepEqual(await everything(), before)
      const head = await store.revocations.head()
      const { changes, warnings } = await removing(all)
      const names = (some: readonly Change[]) => some.map(({ kind, change, name }) => `${kind}.${change} ${name}`)
      assert.deepEqual(names(changes), names(shown.changes))
      assert.deepEqual(names(changes), [
        'organization.removed acme',
        'role.removed Old',
        'connection.removed empty',
        'connection.removed google',
        ...names(changes).filter(name => name.startsWith('client-grant.')),
        'client.removed Old',
        'resource-server.removed https://old.example',
        'custom-domain.removed old.example.org',
        'email-template.removed reset_email',
        'theme.removed default',
      ])
      assert.deepEqual(
        warnings
          .map(warning => /"?(\w+)"?( may manage this tenant)? is not named and is left/.exec(warning)?.[1])
          .sort(),
        ['Administrator', 'directory', 'importer', 'peopled'],
      )
      assert.deepEqual(await grantedTo('importer', `${ISSUER}api/v2/`), ['read:users'])
      assert.doesNotMatch(JSON.stringify(changes), new RegExp(SECRET))
      assert.deepEqual((await removing(all)).changes, [])
      assert.deepEqual(
        (await store.revocations.after(head, 10)).map(({ kind, id }) => `${kind} ${id}`).sort(),
        ['audience https://old.example', 'client old', ...(await organizationRevocations(head))].sort(),
      )
      assert.notEqual(await store.connections.findByName(tenant, DATABASE_CONNECTION), undefined)
      assert.notEqual(await ann(), undefined)
      const removed = (await eventsOf()).filter(({ type }) => type.endsWith('.removed')).length
      assert.equal(removed, changes.length)
      // A section that the file does not have is not looked at.
      await apply(other.replaceAll('client_id: old', 'client_id: newer'))
      assert.deepEqual(
        (await removing('roles: [{ name: Old }, { name: Editor, description: May edit films }]')).changes,
        [],
      )
    })

    test('with a letter that could not be sent, or words that are none, changes nothing; what an export cannot have is left', async () => {
      await refuses(
        stringify({
          emailTemplates: [
            { template: 'reset_email', body: 'no link', subject: 'x', enabled: true },
            { template: 'verify_email', body: '{{ url | nonsense }}', subject: 'x', enabled: true },
          ],
          prompts: { customText: { en: { login: { login: { title: 5 } } } }, identifier_frist: true },
          themes: [{ colors: 'red' }],
          customDomains: [{ domain: '127.0.0.1', type: 'self_managed_certs' }],
        }),
        /body does not hold {{ url }}/,
        /body, line 1: /,
        /A text must be text/,
        /no such setting of prompts/,
        /borders is missing/,
        /domain must be the name of a host/,
      )
      const { changes, warnings } = await apply(
        stringify({
          emailProvider: { name: 'smtp', credentials: { smtp_host: '##SMTP_HOSTNAME##', smtp_pass: '##SMTP_PASS##' } },
          emailTemplates: [{ template: 'letter_of_tomorrow', body: 'x' }],
          prompts: { partials: { login: { login: { 'form-content-start': '<b>hi</b>' } } } },
        }),
      )
      assert.deepEqual(changes, [])
      assert.match(warnings.join(), /fill in its credentials.*no letter "letter_of_tomorrow".*partials has no effect/)
    })

    test('with one fault on any line changes nothing at all, and lists every fault with its line', async () => {
      const untouched = await everything()
      const message = await faultsOf(
        FILE.replace('app_type: spa', 'app_type: spaceship')
          .replace('value: write:films', 'value: "write films"')
          .replace('roles: [Editor]', 'roles: Editor'),
      )
      assert.deepEqual(
        message.split('\n').map(line => line.slice(0, 16)),
        ['The tenant file ', 'tenant.yaml:6: a', 'tenant.yaml:18: ', 'tenant.yaml:31: '],
      )
      await refuses(FILE.replace('roles: [Editor]', 'roles: [Emperor]'), /^tenant\.yaml:31: .*"Emperor"/m)
      const both = await faultsOf(FILE.replace('roles: [Editor]', 'roles: [Emperor]\n    user_id: "google-oauth2|1"'))
      assert.deepEqual(both.match(/yaml:\d+: \w+/g), ['yaml:31: There', 'yaml:32: user_id'])
      const inRole = await faultsOf(FILE.replace('description: May edit films', 'description: [films]'))
      assert.equal(inRole.split('\n').length, 2, 'a role with a fault is there all the same')
      await refuses(FILE.replace('https://edge.example.com/', `${ISSUER}userinfo`), /an API of the server itself/)
      await refuses(FILE.replace('scope: [read:films]', 'scope: [burn:films]'), /^tenant\.yaml:24: .*"burn:films"/m)
      assert.deepEqual(await everything(), untouched)
    })

    test('may grant a client what the server’s own API has, without listing the API, and nothing else of it', async () => {
      const audience = `${ISSUER}api/v2/`
      const grant = (scope: string) =>
        FILE.replace('clientGrants:\n', `$&  - { client_id: importer, audience: "${audience}", scope: [${scope}] }\n`)
      await apply(grant('read:revocations'))
      assert.deepEqual(
        (await store.clients.grantsOf(tenant, 'importer')).find(one => one.audience === audience)?.scopes,
        ['read:revocations'],
      )
      await refuses(grant('read:everything'), /has no scope "read:everything"/)
    })

    test('a role may what its entry says of APIs that there are, and one that does not speak of it keeps what it may', async () => {
      const films = 'https://films.example.com/api'
      const may = (...names: string[]) =>
        names.map(name => `{ permission_name: "${name}", resource_server_identifier: "${films}" }`).join(', ')
      const editor = (permissions: string) =>
        FILE.replace('description: May edit films', `$&, type: tenant, permissions: [${permissions}]`)
      await apply(FILE)
      const { id } = (await store.roles.findByName(tenant, 'Editor')) ?? assert.fail()
      const held = async () => (await store.permissions.ofRole(tenant, id)).map(({ name }) => name)
      const { changes } = await apply(editor(may('read:films', 'write:films')))
      assert.deepEqual(
        changes.map(({ kind, id, change, changes }) => ({ kind, id, change, what: Object.keys(changes) })),
        [{ kind: 'role', id, change: 'changed', what: ['permissions'] }],
      )
      assert.deepEqual(await held(), ['read:films', 'write:films'])
      assert.deepEqual((await apply(editor(may('write:films', 'read:films')))).changes, [])
      assert.deepEqual((await apply(FILE)).changes, [])
      await apply(editor(may('write:films')))
      assert.deepEqual(await held(), ['write:films'])
      await refuses(editor(may('erase:films')), /The API "https:\/\/films.example.com\/api" has no scope "erase:films"/)
      await refuses(editor(may('read:films', 'read:films')), /The permission "read:films" is there twice/)
      await refuses(editor('x'), /must be a mapping of permission_name/)
      await apply(editor(''))
      assert.deepEqual(await held(), [])
    })

    test('grants for people and for every client of somebody else’s stand beside a machine’s', async () => {
      const audience = 'https://films.example.com/api'
      const grant = (rest: string) =>
        FILE.replace('clientGrants:\n', `$&  - { ${rest}, audience: "${audience}", scope: [read:films] }\n`)
      const people = grant(
        'client_id: importer, subject_type: user, organization_usage: allow, allow_any_organization: true',
      )
      const others = grant('default_for: third_party_clients')
      for (const file of [people, others]) {
        await apply(file)
        assert.deepEqual((await apply(file)).changes, [])
      }
      const granted = async (id: string | null) =>
        (await store.clients.grantsOf(tenant, id)).map(({ subject, scopes, settings }) => [subject, scopes, settings])
      assert.deepEqual(await granted('importer'), [
        ['client', ['read:films', 'write:films'], {}],
        ['user', ['read:films'], { organization_usage: 'allow', allow_any_organization: true }],
      ])
      assert.deepEqual(await granted(null), [['client', ['read:films'], {}]])
      const stranger = { tenant, id: 'reader', isFirstParty: false }
      assert.deepEqual((await clients.grantOf(stranger, audience))?.scopes, ['read:films'])
      assert.equal(await clients.grantOf({ ...stranger, isFirstParty: true }, audience), undefined)
      await refuses(grant('client_id: importer, default_for: third_party_clients'), /and not both/)
      await refuses(grant('organization_usage: deny'), /and not both/)
    })

    test('a password that differs replaces the old one and ends what was signed in to', async () => {
      await apply(FILE)
      const { id, epoch } = await ann()
      const head = await store.revocations.head()
      await apply(FILE.replace(PASSWORD, 'another long password'))
      assert.ok((await verifyPassword('another long password', await passwordOf(id))).matches)
      assert.equal((await ann()).epoch, epoch + 1)
      const [revocation] = await store.revocations.after(head, 10)
      assert.deepEqual([revocation?.kind, revocation?.id, revocation?.epoch], ['subject', id, epoch + 1])
    })

    test('blocking a person ends what they were signed in to; a profile of their own stays', async () => {
      await apply(FILE)
      const { id, epoch, profile } = await ann()
      await store.users.change(tenant, id, { profile: { ...profile, nickname: 'annie' } }, now)
      await apply(`${FILE}    blocked: true\n`)
      const blocked = await ann()
      assert.deepEqual([blocked.blocked, blocked.epoch, blocked.profile['nickname']], [true, epoch + 1, 'annie'])
    })

    test('a person is in the database that their entry names, of the same file too, and in no other', async () => {
      const by = (
        users: readonly object[],
        databases: readonly object[] = [{ name: 'members', options: { passwordPolicy: 'good' } }],
      ) => stringify({ databases, users })
      const inMembers = { email: 'ann@example.com', password: 'Correct-horse-4', connection: 'members' }
      await refuses(by([{ ...inMembers, password: 'correct horse' }]), /lacks a kind of character/)
      await refuses(by([{ ...inMembers, connection: 'memers' }]), /tenant\.yaml:8: There is no database "memers"\./)
      await refuses(by([{ ...inMembers, connection: 5 }]), /connection must be text/)
      await refuses(by([inMembers, inMembers]), /Another user has the address/)
      await apply(by([inMembers, { email: inMembers.email, password: PASSWORD }]))
      const members = (await store.connections.findByName(tenant, 'members')) ?? assert.fail()
      const other = (await store.users.findByEmailKey(tenant, members.id, 'ann@example.com')) ?? assert.fail()
      assert.notEqual((await ann()).id, other.id)
      assert.equal((await verifyPassword(inMembers.password, await passwordOf(other.id))).matches, true)
      assert.deepEqual((await apply(by([inMembers]))).changes, [])
      await refuses(by([{ user_id: other.id, email: 'new@example.com' }]), /is in another database than "Username-Pass/)

      // A tenant that has lost the database it began with.
      await store.connections.remove(tenant, 'con', now)
      assert.deepEqual((await apply(by([inMembers]))).changes, [])
      await refuses(by([{ email: 'c@example.com', password: PASSWORD }]), /say by connection which one is meant/)
    })

    test('a new address is not verified because the old one was', async () => {
      await apply(FILE)
      const { id } = await ann()
      const users = (rest: string) => `users: [{ user_id: "${id}", email: ann@elsewhere.example${rest} }]`
      await apply(users(''))
      const moved = await store.users.find(tenant, id)
      assert.deepEqual([moved?.email, moved?.emailVerified], ['ann@elsewhere.example', false])
      await apply(users(', email_verified: true'))
      assert.equal((await store.users.find(tenant, id))?.emailVerified, true)
    })

    test('an imported hash opens the account once and never undoes a password chosen since', async () => {
      const imported = `users: [{ email: ann@example.com, password_hash: "${await hashPassword('the old one')}" }]`
      await apply(imported)
      const user = await ann()
      assert.ok((await verifyPassword('the old one', await passwordOf(user.id))).matches)
      await setPassword(store, user, await hashPassword('chosen since then'), clock)
      assert.deepEqual((await apply(imported)).changes, [])
      assert.ok((await verifyPassword('chosen since then', await passwordOf(user.id))).matches)
    })

    test('an export, which has names and no ids, finds its clients again', async () => {
      const exported = `clients: [{ name: App, callbacks: [https://a.example] }]`
      const [made] = (await apply(exported)).secrets
      assert.deepEqual(await apply(exported), { changes: [], secrets: [], warnings: [] })
      await apply(exported.replace('https://a.example', 'https://b.example'))
      const all = await store.clients.list(tenant, { limit: 10 })
      assert.deepEqual(
        all.map(({ id, metadata }) => [id, metadata['callbacks']]),
        [[made?.id, ['https://b.example']]],
      )
      assert.equal(clients.openSecret(all[0] ?? assert.fail()), made?.secret)

      await apply(`clients: [{ client_id: second, name: App }]`)
      await refuses(exported, /Several clients are called "App"/)
    })

    test('an HS256 API keeps its secret in the keyring, takes a new one, and is never left without', async () => {
      const api = (more: string) => `resourceServers: [{ identifier: https://x.example, signing_alg: HS256${more} }]`
      await refuses(api(''), /needs a signing_secret/)
      await apply(api(`, signing_secret: ${SECRET}`))
      const { id } = (await store.resourceServers.findByIdentifier(tenant, 'https://x.example')) ?? assert.fail()
      assert.deepEqual((await apply(api(''))).changes, [])
      const { changes } = await apply(api(`, signing_secret: ${SECRET}-2`))
      assert.deepEqual(changes, [
        {
          ...{ kind: 'resource-server', id, name: 'https://x.example', change: 'changed' },
          changes: { signing_secret: 'changed' },
        },
      ])
      assert.deepEqual(
        (await keyring.apiSecrets(tenant, id)).map(({ key, state }) => [key.toString(), state]),
        [
          [`${SECRET}-2`, 'current'],
          [SECRET, 'accepted'],
        ],
      )
    })

    test('an HS256 secret that was revoked does not come back with the file: its line is warned of, all else is done', async () => {
      const file = (secret: string, name = 'One') =>
        `resourceServers:\n  - identifier: https://x.example\n    name: ${name}\n    signing_alg: HS256\n    signing_secret: ${secret}\n`
      await apply(file(SECRET))
      const { id } = (await store.resourceServers.findByIdentifier(tenant, 'https://x.example')) ?? assert.fail()
      const [first] = await keyring.apiSecrets(tenant, id)
      assert.equal(await keyring.revoke(tenant, first?.id ?? ''), 'revoked')

      for (let count = 0; count < 2; count++) {
        const { changes, warnings } = await apply(file(SECRET))
        assert.deepEqual([changes, warnings.length], [[], 1])
        assert.match(warnings[0] ?? '', /^tenant\.yaml:5: .+"https:\/\/x\.example" was revoked .+ No tokens are issued/)
        assert.ok(!warnings[0]?.includes(SECRET))
        assert.deepEqual(await keyring.apiSecrets(tenant, id), [])
      }
      assert.equal((await apply(file(SECRET, 'Two'))).changes.length, 1)
      const without = file(SECRET).replace(/ +signing_secret.+\n/, '')
      assert.match((await apply(without)).warnings[0] ?? '', /^tenant\.yaml:2: .+"https:\/\/x\.example" .+ no secret/)
      const moved = file(SECRET).replace('x.example', 'y.example')
      assert.match((await apply(moved)).warnings[0] ?? '', /"https:\/\/y\.example" was revoked/)

      assert.deepEqual((await apply(file(`${SECRET}-2`))).warnings, [])
      assert.match((await apply(file(SECRET))).warnings[0] ?? '', /was revoked .+ keeps the one it has/)
      const [current] = await keyring.apiSecrets(tenant, id)
      assert.equal(`${current?.key}`, `${SECRET}-2`)
    })

    test('a key is published before the setting that lets it sign', async () => {
      await apply(FILE)
      const { keys } = await keyring.jwks(tenant)
      assert.deepEqual(
        keys.map(({ alg }) => alg),
        ['RS256', 'ES256'],
      )
    })

    test('no secret stands in an event, a setting or the metadata of a client', async () => {
      await apply(FILE)
      const { tenant: row, clients: all, apis, events, user } = await everything()
      const written = JSON.stringify([row, all.map(one => one.metadata), apis, events, user])
      for (const secret of [SECRET, PASSWORD, 'the-importer-s-own-secret']) assert.ok(!written.includes(secret))
    })

    test('two nodes that apply it at once make one of everything', async () => {
      const other = createClients({ store, sealer, bus: createMemoryBus(), clock })
      const results = await Promise.all(
        [clients, other, clients].map(some =>
          applyTenantFile({ ...services(), clients: some }, tenant, { name: 'tenant.yaml', text: FILE }),
        ),
      )
      assert.deepEqual(results.map(({ changes }) => changes.length).sort(), [0, 0, 10])
      assert.equal(results.flatMap(({ secrets }) => secrets).length, 1)
      assert.equal((await store.clients.list(tenant, { limit: 10 })).length, 3)
      assert.equal((await eventsOf()).length, 10)
    })

    test('what somebody changes while the plan is made is not lost', async () => {
      await apply(FILE)
      const { id, profile } = await ann()
      const text = FILE.replace('given_name: Ann', 'given_name: Anne')
      let waits = true
      const overtaken: Store = {
        ...store,
        async transaction(work) {
          if (waits) await store.users.change(tenant, id, { profile: { ...profile, nickname: 'annie' } }, now)
          waits = false
          return store.transaction(work)
        },
      }
      await applyTenantFile({ ...services(), store: overtaken }, tenant, { name: 'tenant.yaml', text })
      const after = (await ann()).profile
      assert.deepEqual([after['given_name'], after['nickname']], ['Anne', 'annie'])
    })

    test('the id of a client that was removed is not given again', async () => {
      await apply(FILE)
      await store.clients.remove(tenant, 'films', now)
      const before = await everything()
      await refuses(FILE, /^tenant\.yaml:4: The client films cannot be created/)
      assert.deepEqual(await everything(), before)
    })

    test('two hundred clients take a moment', async () => {
      const entry = (index: number) =>
        `  - { client_id: c${index}, name: Client ${index}, callbacks: [https://c.example] }`
      const many = `clients:\n${Array.from({ length: 200 }, (_, index) => entry(index)).join('\n')}\n`
      const began = performance.now()
      assert.equal((await apply(many)).changes.length, 200)
      assert.deepEqual((await apply(many)).changes, [])
      assert.ok(performance.now() - began < 10 * SECOND)
    })

    test('the example’s file applies as it stands, to a tenant on the issuer that it names', async () => {
      await store.tenants.putHost({ host: 'localhost:4000', tenant, issuer: 'http://localhost:4000/' })
      const { warnings } = await apply(
        readFileSync(new URL('../../examples/24-hour-video/tenant.yaml', import.meta.url), 'utf8'),
      )
      assert.deepEqual(warnings, [])
      assert.equal((await clients.find(tenant, '24-hour-video'))?.authentication, 'none')
    })
  })
}

describeApplying('SQLite', openOnSqlite)
describeApplying('PostgreSQL', openOnPostgres)
