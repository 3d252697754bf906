/**
 * An invitation from the mail to a token, in Chromium, with Auth0's library for single-page apps unmodified: it checks by
 * itself that the organization of the ID token is the one that it asked for, by id or by name.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { invite } from '../../server/identity/organization-management.ts'
import type { Store } from '../../server/store/store.ts'
import { launchBrowser } from '../fixtures/browser.ts'
import { openMailbox } from '../fixtures/mailbox.ts'
import { type RunningServer, startServer } from '../fixtures/server.ts'

const PATIENCE = 15_000
const TENANT = 'default'
const LIBRARY = readFileSync(
  createRequire(import.meta.url)
    .resolve('@auth0/auth0-spa-js')
    .replace(/dist.*$/, 'dist/auth0-spa-js.production.esm.js'),
)

/** An application in one page: it signs in as its address says, and shows the claims that it was given. */
const pageFor = (issuer: string): string => `<!doctype html><title>app</title><pre id="claims"></pre>
<script type="module">
import { createAuth0Client } from '/library.js'
const said = new URLSearchParams(location.search)
const pick = name => said.has(name) ? { [name]: said.get(name) } : JSON.parse(sessionStorage.getItem(name) ?? '{}')
const asked = { ...pick('organization'), ...(said.has('invitation') && { invitation: said.get('invitation') }) }
if (asked.organization) sessionStorage.setItem('organization', JSON.stringify({ organization: asked.organization }))
const show = text => { document.getElementById('claims').textContent = text }
try {
  const client = await createAuth0Client({
    domain: ${JSON.stringify(issuer.slice(0, -1))}, clientId: 'app', cacheLocation: 'memory',
    authorizationParams: { redirect_uri: location.origin + '/callback', ...asked },
  })
  if (said.has('code') || said.has('error')) {
    await client.handleRedirectCallback()
    show(JSON.stringify(await client.getIdTokenClaims()))
  } else await client.loginWithRedirect()
} catch (error) { show('failed: ' + error.message) }
</script>`

let server: RunningServer
let store: Store
let application: Server
let origin: string
let chromium: Browser

before(async () => {
  application = createServer((request, response) => {
    const isLibrary = request.url === '/library.js'
    response.setHeader('content-type', isLibrary ? 'text/javascript' : 'text/html')
    response.end(isLibrary ? LIBRARY : request.url === '/favicon.ico' ? '' : pageFor(server.issuer))
  })
  await new Promise<void>(resolve => application.listen(0, '127.0.0.1', resolve))
  origin = `http://localhost:${(application.address() as AddressInfo).port}`
  server = await startServer({
    store: 'sqlite',
    tenantFile: {
      tenant: { allow_organization_name_in_authentication_api: true },
      clients: [
        {
          ...{ client_id: 'app', name: 'Player', app_type: 'spa', organization_usage: 'require' },
          ...{ callbacks: [`${origin}/callback`], web_origins: [origin], initiate_login_uri: `${origin}/login` },
        },
      ],
      roles: [{ name: 'editor' }],
    },
  })
  store = server.latchkey.store
  chromium = await launchBrowser()
})
after(async () => {
  await chromium?.close()
  await server?.close()
  application?.close()
})

async function claimsAt(page: Page): Promise<Record<string, unknown>> {
  const shown = await page.waitForFunction("document.getElementById('claims')?.textContent || undefined")
  const text = String(await shown.jsonValue())
  assert.match(text, /^\{/, text)
  return JSON.parse(text) as Record<string, unknown>
}

test('somebody invited opens the mail, makes an account, and is a member with roles; then signs in by the name', async () => {
  const now = Date.now()
  const connection = (await store.connections.findByName(TENANT, 'Username-Password-Authentication'))?.id ?? ''
  const editor = (await store.roles.findByName(TENANT, 'editor'))?.id ?? assert.fail()
  const acme = {
    ...{ tenant: TENANT, id: 'org_acme', name: 'acme', displayName: 'Acme Inc.' },
    settings: { branding: { colors: { primary: '#7a1f5c', page_background: '#ffffff' } } },
    ...{ createdAt: now, updatedAt: now },
  }
  await store.organizations.create(acme)
  await store.organizationConnections.add({ tenant: TENANT, organization: acme.id, connection, settings: {} })
  const occasion = { tenant: TENANT, at: now, requestId: 'test', address: null, userAgent: null }
  await store.transaction(transaction =>
    invite(
      transaction,
      acme,
      {
        ...{ inviter: 'Bob <b>', email: 'ann@example.com', client: 'app', connection: null, roles: [editor] },
        ...{
          appMetadata: { plan: 'gold' },
          userMetadata: {},
          isMailed: true,
          url: `${origin}/login`,
          lifeSeconds: 3600,
        },
      },
      { issuer: server.issuer, language: 'en' },
      { by: { operator: 'command' }, occasion },
    ),
  )
  const mail = await openMailbox(server.latchkey).next('ann@example.com')
  assert.equal(mail.subject, 'You are invited to Acme Inc.')
  assert.match(mail.html, /Bob &lt;b&gt;/)
  const link = /http:\/\/localhost:\S+invitation=\S+/.exec(mail.text)?.[0] ?? assert.fail(mail.text)

  const context = await chromium.newContext({ locale: 'en-GB', reducedMotion: 'reduce' })
  context.setDefaultTimeout(PATIENCE)
  try {
    const page = await context.newPage()
    await page.goto(link)
    await page.getByRole('heading', { name: 'Create an account' }).waitFor()
    assert.equal(await page.locator('.brand').innerText(), 'Acme Inc.')
    assert.equal(await page.getByLabel('E-mail').inputValue(), 'ann@example.com')
    await page.getByLabel('Password', { exact: true }).fill('a lighthouse in the fog')
    await page.getByRole('button', { name: 'Create account' }).click()
    const claims = await claimsAt(page)
    assert.deepEqual([claims['org_id'], claims['org_name'], claims['email_verified']], ['org_acme', 'acme', true])
    const user = await store.users.find(TENANT, String(claims['sub']))
    assert.deepEqual(user?.appMetadata, { plan: 'gold' })
    assert.deepEqual(
      (await store.roles.of(TENANT, String(claims['sub']), acme.id)).map(({ name }) => name),
      ['editor'],
    )

    // Signed in already, and by a name that is written as people write it.
    await page.goto(`${origin}/login?organization=ACME`)
    assert.equal((await claimsAt(page))['org_name'], 'acme')
  } finally {
    await context.close()
  }
})
