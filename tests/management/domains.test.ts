/** Domains of a tenant's own: nothing unverified answers, and nobody's domain becomes another's. With Auth0's own client. */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { Management as Auth0 } from 'auth0'
import { authorizePath, CookieJarBrowser, codeOf, EVE, redemption, SPA, signIn, tenantFile } from '../attacks/stage.ts'
import { linkIn, openMailbox } from '../fixtures/mailbox.ts'
import { type Management, startManagement } from '../fixtures/management.ts'
import { lastEvent } from '../fixtures/management-person.ts'

const FILE = { ...tenantFile, users: [{ ...EVE, email_verified: true }] }

describe('A domain of a tenant’s own', () => {
  /** What stands in the DNS, by name. */
  const dns = new Map<string, readonly string[]>()
  let management: Management
  before(async () => {
    management = await startManagement({
      findDnsTexts: async name => dns.get(name) ?? [],
      tenantFile: FILE,
    })
  })
  after(() => management?.close())

  const NEW = { domain: 'login.video.example', type: 'self_managed_certs' } as const

  /** What the server says at that host of who it is. */
  async function issuerAt(host: string): Promise<string | number> {
    const answer = await management.server.latchkey.http.inject({
      url: '/.well-known/openid-configuration',
      headers: { host },
    })
    return answer.statusCode === 200 ? (answer.json() as { issuer: string }).issuer : answer.statusCode
  }

  function publish({ verification }: { readonly verification?: Auth0.DomainVerification | undefined }): void {
    const [method] = verification?.methods ?? []
    dns.set(method?.domain ?? '', ['something else', method?.record ?? ''])
  }

  test('answers once the DNS shows that it is, under an issuer of its own, and the first issuer stays', async () => {
    const { customDomains } = management.client
    const made = await customDomains.create(NEW)
    assert.equal(made.status, 'pending_verification')
    assert.equal(made.primary, false)
    const [method] = made.verification.methods ?? []
    assert.equal(method?.domain, '_latchkey-challenge.login.video.example')
    assert.equal(await issuerAt(NEW.domain), 421)

    assert.equal((await customDomains.verify(made.custom_domain_id)).verification?.status, 'failed')
    assert.equal(await issuerAt(NEW.domain), 421)
    publish(made)
    assert.equal((await customDomains.verify(made.custom_domain_id)).status, 'ready')
    assert.equal(await issuerAt(NEW.domain), 'https://login.video.example/')
    assert.equal(await issuerAt(management.domain), management.server.issuer)
    assert.equal((await lastEvent(management, 'custom-domain.changed')).target?.id, made.custom_domain_id)
    // Once more, after the record is gone.
    dns.clear()
    assert.equal((await customDomains.verify(made.custom_domain_id)).status, 'ready')
    assert.deepEqual(
      (await customDomains.list()).map(({ domain, status }) => [domain, status]),
      [[NEW.domain, 'ready']],
    )
  })

  test('is changed as far as Auth0 lets it be, and may be the one that mail leads to', async () => {
    const { customDomains } = management.client
    const [domain] = await customDomains.list()
    const id = domain?.custom_domain_id ?? ''
    const changed = await customDomains.update(id, { domain_metadata: { brand: 'films' }, tls_policy: 'recommended' })
    assert.deepEqual(changed.domain_metadata, { brand: 'films' })
    assert.equal((await customDomains.getDefault()).domain, management.domain)
    await assert.rejects(customDomains.setDefault({ domain: 'never.video.example' }), { statusCode: 400 })
    await customDomains.setDefault({ domain: NEW.domain })
    assert.equal((await customDomains.getDefault()).domain, NEW.domain)
    assert.equal((await customDomains.get(id)).is_default, true)
    // Mail that a machine asks for leads there, or where the machine says, and nowhere else.
    const mailbox = openMailbox(management.server.latchkey)
    const invite = (email: string, named?: string) =>
      management.call(
        'POST',
        '/users',
        { connection: 'Username-Password-Authentication', email, password: 'seven quiet magpies', verify_email: true },
        { headers: named === undefined ? {} : { 'auth0-custom-domain': named } },
      )
    assert.equal((await invite('ann@example.com')).status, 201)
    assert.match(linkIn(await mailbox.next('ann@example.com')), /^https:\/\/login\.video\.example\/verify-email\//)
    assert.equal((await invite('bob@example.com', management.domain)).status, 201)
    assert.ok(linkIn(await mailbox.next('bob@example.com')).startsWith(management.server.issuer))
    assert.equal((await invite('eve@example.com', 'evil.example')).status, 400)
    const ticket = await management.call('POST', '/tickets/password-change', {
      email: 'ann@example.com',
      connection_id: (await management.client.connections.list({ name: 'Username-Password-Authentication' })).data[0]
        ?.id,
    })
    assert.match(ticket.body.ticket, /^https:\/\/login\.video\.example\/reset-password\//)
    await customDomains.setDefault({ domain: management.domain })
    assert.equal((await customDomains.get(id)).is_default, false)
  })

  test('is taken by nobody else: neither while it is theirs, nor by who asked first without showing it', async () => {
    const { store } = management.server.latchkey
    await store.tenants.create({ id: 'other', name: 'other', settings: {}, createdAt: 0 })
    await store.tenants.putHost({
      host: 'login.other.example',
      tenant: 'other',
      issuer: 'https://login.other.example/',
    })
    for (const domain of [NEW.domain, 'login.other.example']) {
      const { status } = await management.call('POST', '/custom-domains', { ...NEW, domain })
      assert.equal(status, 409, domain)
    }
    // Both ask for one that is nobody's; the other shows it first.
    const mine = await management.client.customDomains.create({ ...NEW, domain: 'shared.example' })
    publish(mine)
    await store.tenants.putHost({ host: 'shared.example', tenant: 'other', issuer: 'https://shared.example/' })
    await assert.rejects(management.client.customDomains.verify(mine.custom_domain_id), { statusCode: 409 })
    await management.client.customDomains.delete(mine.custom_domain_id)
    assert.equal((await store.tenants.findHost('shared.example'))?.tenant, 'other')
  })

  test('that was taken back answers no more, and asked for again wants another proof', async () => {
    const { customDomains } = management.client
    const [domain] = await customDomains.list()
    assert.ok(domain)
    await customDomains.delete(domain.custom_domain_id)
    assert.equal(await issuerAt(NEW.domain), 421)
    await assert.rejects(customDomains.get(domain.custom_domain_id), { statusCode: 404 })
    publish(domain)
    const again = await customDomains.create(NEW)
    assert.equal((await customDomains.verify(again.custom_domain_id)).status, 'pending_verification')
    assert.equal(await issuerAt(NEW.domain), 421)
  })

  test('makes no way into the Management API of an API that had its audience before it had the domain', async () => {
    const { server, client } = management
    const secret = 'a secret that whoever made the API knows'
    const openedBy = async (domain: string, settings: object) => {
      const issuer = `https://${domain}/`
      const identifier = `${issuer}api/v2/`
      const api = { identifier, name: domain, scopes: [{ value: 'read:users' }], ...settings }
      assert.equal((await management.call('POST', '/resource-servers', api)).status, 201)
      const made = await client.customDomains.create({ domain, type: 'self_managed_certs' })
      publish(made)
      assert.equal((await client.customDomains.verify(made.custom_domain_id)).status, 'ready')

      const browser = new CookieJarBrowser(server, { issuer })
      const asked = { audience: identifier, scope: 'openid read:users' }
      const code = codeOf(await signIn(browser, EVE, authorizePath(SPA, asked)))
      const given = await browser.post('/oauth/token', redemption(SPA, code))
      const token = String(given.json()['access_token'])
      const open = async (bearer: string) =>
        (await browser.get('/api/v2/users', { authorization: `Bearer ${bearer}` })).json()['message']
      return { token, open, issuer, identifier }
    }

    const { token, open } = await openedBy('early.video.example', {})
    assert.equal(await open(token), 'The Management API is for machines.')

    const shared = { signing_alg: 'HS256', signing_secret: secret }
    const hs256 = await openedBy('shared.video.example', shared)
    const [header = '', payload = ''] = hs256.token.split('.')
    const { sub: _, subject_epoch: __, ...claims } = JSON.parse(Buffer.from(payload, 'base64url').toString())
    const forged = { ...claims, sub: 'spa@clients', aud: hs256.identifier, scope: 'read:users' }
    const input = `${header}.${Buffer.from(JSON.stringify(forged)).toString('base64url')}`
    const signature = createHmac('sha256', secret).update(input).digest('base64url')
    assert.match(String(await hs256.open(`${input}.${signature}`)), /key/)
  })

  test('is the name of a host and nothing else', async () => {
    for (const domain of [
      ...['localhost', 'login.localhost', 'printer.local', '127.0.0.1', '[::1]', '::1', 'login.example.com:443'],
      ...[
        'login.example.com/path',
        'user@login.example.com',
        '*.example.com',
        'com',
        '-a.example.com',
        'a..example.com',
      ],
      ...['a.example.com.', 'ex ample.com', 'a.example.com\r\nX: y', 'ä.example.com', 'x'.repeat(300), ''],
    ]) {
      const { status, body } = await management.call('POST', '/custom-domains', { ...NEW, domain })
      assert.equal(status, 400, domain)
      assert.match(body.message, /domain must be the name of a host/)
    }
    for (const wrong of [{ type: 'free' }, { tls_policy: 'none' }, { domain_metadata: { a: 1 } }, { what: 1 }]) {
      const given = { ...NEW, domain: 'b.example.com', ...wrong }
      assert.equal((await management.call('POST', '/custom-domains', given)).status, 400, JSON.stringify(wrong))
    }
    const test = await management.call('POST', `/custom-domains/nobody/test`, {})
    assert.equal(test.status, 404)
  })
})
