/**
 * Auth0's `@auth0/auth0-auth-js`, unmodified, as a back end uses it: it speaks https alone, so the server does too, with
 * a certificate that this process trusts as an operator's machine trusts its own authority.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { AuthClient } from '@auth0/auth0-auth-js'
import { decodeJwt, exportJWK, exportPKCS8, generateKeyPair } from 'jose'
import { makeCertificate } from '../fixtures/certificate.ts'
import { freePort } from '../fixtures/free-port.ts'
import { linkIn, type Mailbox, openMailbox } from '../fixtures/mailbox.ts'
import { createPerson } from '../fixtures/person.ts'
import { type RunningServer, startServer } from '../fixtures/server.ts'

const JO = { email: 'jo@example.com', password: 'a fine long passphrase' } as const
const API = 'https://videos.example/api'
const CALLBACK = 'https://app.example/callback'
const GONE = 'https://app.example/gone'
const REALM = 'Username-Password-Authentication'
const OTP = 'http://auth0.com/oauth/grant-type/passwordless/otp'
const SECRET = 'the back end keeps this to itself'

describe('auth0-auth-js', () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-tls-'))
  const trusted = getCACertificates('default')
  let server: RunningServer
  let domain: string
  let signingKey: string
  let client: AuthClient
  let mailbox: Mailbox

  before(async () => {
    const { cert, key } = makeCertificate()
    for (const [name, text] of Object.entries({ cert, key })) writeFileSync(join(folder, name), text)
    setDefaultCACertificates([...trusted, cert])
    const port = await freePort()
    domain = `localhost:${port}`
    const pair = await generateKeyPair('RS256', { extractable: true })
    signingKey = await exportPKCS8(pair.privateKey)
    const common = { app_type: 'regular_web', callbacks: [CALLBACK], allowed_logout_urls: [GONE] }
    server = await startServer({
      store: 'sqlite',
      environment: {
        LATCHKEY_PORT: `${port}`,
        LATCHKEY_ISSUER: `https://${domain}/`,
        LATCHKEY_TLS_CERT: join(folder, 'cert'),
        LATCHKEY_TLS_KEY: join(folder, 'key'),
      },
      tenantFile: {
        clients: [
          {
            ...common,
            client_id: 'back-end',
            client_secret: SECRET,
            name: 'Back end',
            grant_types: ['authorization_code', 'refresh_token', 'client_credentials', 'password', OTP],
          },
          {
            ...common,
            client_id: 'signing',
            name: 'Signing back end',
            token_endpoint_auth_method: 'private_key_jwt',
            jwks: { keys: [{ ...(await exportJWK(pair.publicKey)), alg: 'RS256', use: 'sig', kid: 'one' }] },
            grant_types: ['client_credentials', 'password'],
          },
        ],
        resourceServers: [
          { identifier: API, name: 'Videos', allow_offline_access: true, scopes: [{ value: 'read:videos' }] },
        ],
        clientGrants: ['back-end', 'signing'].map(client_id => ({ client_id, audience: API, scope: ['read:videos'] })),
        users: [{ ...JO, email_verified: true, name: 'Jo March' }],
      },
    })
    const { connections } = server.latchkey.store
    await connections.create({
      tenant: 'default',
      id: 'con_email',
      name: 'email',
      strategy: 'email',
      options: {},
      sealedOptions: null,
      settings: {},
      clients: null,
    })
    const database = await connections.findByName('default', REALM)
    const options = { authentication_methods: { email_otp: { enabled: true } } }
    await connections.change('default', database?.id ?? '', { options })
    mailbox = openMailbox(server.latchkey)
    client = new AuthClient({
      domain,
      clientId: 'back-end',
      clientSecret: SECRET,
      authorizationParams: { redirect_uri: CALLBACK, audience: API, scope: 'openid email offline_access read:videos' },
    })
  })
  after(async () => {
    await server?.close()
    setDefaultCACertificates(trusted)
    rmSync(folder, { recursive: true })
  })

  async function signedIn(options: Parameters<typeof client.buildAuthorizationUrl>[0] = {}) {
    const { authorizationUrl, codeVerifier } = await client.buildAuthorizationUrl(options)
    const person = createPerson(server.issuer)
    const callback = await person.signIn(authorizationUrl, JO)
    return { authorizationUrl, person, tokens: await client.getTokenByCode(callback, { codeVerifier }) }
  }

  test('gets tokens for a code, and new ones for the refresh token', async () => {
    const { tokens } = await signedIn()
    assert.equal(tokens.claims?.['email'], JO.email)
    assert.equal(tokens.scope, 'openid email offline_access read:videos')
    const refreshed = await client.getTokenByRefreshToken({ refreshToken: tokens.refreshToken ?? '' })
    assert.notEqual(refreshed.refreshToken, tokens.refreshToken)
    assert.notEqual(refreshed.accessToken, tokens.accessToken)
  })

  test('pushes its request first, and sends the person with no more than its name', async () => {
    const { authorizationUrl, tokens } = await signedIn({ pushedAuthorizationRequests: true })
    assert.deepEqual([...authorizationUrl.searchParams.keys()].sort(), ['client_id', 'request_uri'])
    assert.equal(tokens.claims?.['email'], JO.email)
  })

  test('revokes a refresh token, which is then of no use', async () => {
    const { tokens } = await signedIn()
    await client.revokeToken({ token: tokens.refreshToken ?? '' })
    await assert.rejects(client.getTokenByRefreshToken({ refreshToken: tokens.refreshToken ?? '' }), error => {
      const { code, cause } = error as { code?: string; cause?: { error?: string } }
      assert.deepEqual([code, cause?.error], ['token_by_refresh_token_error', 'invalid_grant'])
      return true
    })
  })

  test('gets tokens for a password, with and without a realm, and reads the refusal of a wrong one', async () => {
    for (const realm of [undefined, REALM]) {
      const tokens = await client.getTokenByPassword({
        username: JO.email,
        password: JO.password,
        audience: API,
        scope: 'openid email read:videos',
        ...(realm !== undefined && { realm }),
      })
      assert.equal(tokens.claims?.['email'], JO.email)
      assert.deepEqual(tokens.claims?.['amr'], ['pwd'])
      assert.equal(decodeJwt(tokens.accessToken)['scope'], 'openid email read:videos')
    }
    await assert.rejects(client.getTokenByPassword({ username: JO.email, password: 'a wrong one' }), error => {
      const { code, cause } = error as { code?: string; cause?: { error?: string; error_description?: string } }
      assert.equal(code, 'token_by_password_error')
      assert.deepEqual([cause?.error, cause?.error_description], ['invalid_grant', 'Wrong email or password.'])
      return true
    })
  })

  test('gets a token for itself, by its secret and by a key', async () => {
    const signing = new AuthClient({
      domain,
      clientId: 'signing',
      clientAssertionSigningKey: signingKey,
      clientAssertionSigningAlg: 'RS256',
    })
    for (const one of [client, signing]) {
      const tokens = await one.getTokenByClientCredentials({ audience: API })
      assert.equal(decodeJwt(tokens.accessToken)['scope'], 'read:videos')
    }
    const tokens = await signing.getTokenByPassword({ username: JO.email, password: JO.password, scope: 'openid' })
    assert.deepEqual(tokens.claims?.['amr'], ['pwd'])
  })

  test('asks who a token is for', async () => {
    const { tokens } = await signedIn()
    const person = await client.getUserInfo({ accessToken: tokens.accessToken })
    assert.equal(person['email'], JO.email)
  })

  test('sends the person to sign out, and back', async () => {
    const { person } = await signedIn()
    const page = await person.visit(await client.buildLogoutUrl({ returnTo: GONE }))
    const left = page.left ? page : await person.submit(page)
    assert.equal(left.url.href, GONE)
  })

  test('signs people up, has a new password mailed, and reads why it may not', async () => {
    const person = { email: 'newcomer@example.com', password: 'seven quiet lanterns', connection: REALM }
    const made = await client.database.signUp({ ...person, givenName: 'Nora', userMetadata: { plan: 'gold' } })
    assert.match(String(made.id), /^[0-9a-f]{24}$/)
    assert.deepEqual([made.email, made.emailVerified, made.givenName], [person.email, false, 'Nora'])
    const readsCode = (code: string) => (error: unknown) => {
      assert.equal((error as { cause?: { error?: string } }).cause?.error, code)
      return true
    }
    await assert.rejects(client.database.signUp(person), readsCode('user_exists'))
    await assert.rejects(client.database.signUp({ ...person, password: 'short' }), readsCode('invalid_password'))
    const told = await client.database.changePassword({ email: person.email, connection: REALM })
    assert.match(told, /just sent you an email/)
    const tokens = await client.getTokenByPassword({ username: person.email, password: person.password })
    assert.equal(decodeJwt(tokens.accessToken)['sub'], `auth0|${made.id}`)
  })

  const codeIn = async (email: string) => /^(\d{6})$/m.exec((await mailbox.next(email)).text)?.[1] ?? ''

  test('gets tokens for a code that was mailed, and reads the refusal of a wrong one', async () => {
    const email = 'by-code@example.com'
    await client.passwordless.sendEmail({ email, language: 'ko' })
    const code = await codeIn(email)
    await assert.rejects(client.getTokenByPasswordlessEmail({ email, code: '12345' }), error => {
      assert.equal((error as { cause?: { error?: string } }).cause?.error, 'invalid_grant')
      return true
    })
    const tokens = await client.getTokenByPasswordlessEmail({ email, code, scope: 'openid email' })
    assert.deepEqual([tokens.claims?.['email'], tokens.claims?.['email_verified']], [email, true])
    await assert.rejects(client.passwordless.sendSms({ phoneNumber: '+14155550100' }), /telephones/)
  })

  test('gets tokens for a code that was mailed for a challenge of a database', async () => {
    const email = 'by-challenge@example.com'
    const { authSession } = await client.passwordless.challengeWithEmail({
      email,
      connection: REALM,
      allowSignup: true,
    })
    const code = await codeIn(email)
    const options = { authSession, otp: code, scope: 'openid email' }
    const tokens = await client.passwordless.getTokenByPasswordlessDbConnection(options)
    assert.equal(tokens.claims?.['email'], email)
    assert.match(String(tokens.claims?.sub), /^auth0\|/)
  })

  test('gets tokens for a link that was mailed', async () => {
    const email = 'by-link@example.com'
    const authParams = { redirect_uri: CALLBACK, response_type: 'code', scope: 'openid email', state: 'the-state' }
    await client.passwordless.sendEmail({ email, send: 'link', authParams })
    const person = createPerson(server.issuer)
    const { url } = await person.submit(await person.visit(linkIn(await mailbox.next(email))))
    const tokens = await client.getTokenByMagicLinkCode(url, { expectedState: 'the-state' })
    assert.equal(tokens.claims?.['email'], email)
  })
})
