/** A server with connections that mail codes and links, and how an application asks for them: what tests of signing in by mail begin with. */
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { type Mail, type Mailbox, openMailbox } from '../fixtures/mailbox.ts'
import { type RunningServer, type StoreKind, startServer } from '../fixtures/server.ts'
import { createTestClock } from '../fixtures/test-clock.ts'
import { crossOrigin, LOCK, ORIGIN } from './own-page.ts'
import { askToken, type ClientCredentials, CookieJarBrowser, tenantFile, UNPROTECTED } from './stage.ts'

export const OTP = 'http://auth0.com/oauth/grant-type/passwordless/otp'
export const OTHER = { client_id: 'other-lock' } as const
export const MOBILE = { client_id: 'mobile', client_secret: 'the secret of what people carry' } as const
const [spa] = tenantFile.clients

const FILE = {
  ...tenantFile,
  attackProtection: UNPROTECTED,
  clients: [
    ...tenantFile.clients,
    { ...crossOrigin, ...LOCK },
    { ...crossOrigin, ...OTHER },
    { ...spa, ...MOBILE, app_type: 'regular_web', grant_types: [OTP, 'refresh_token'] },
  ],
}

/** To be called once in a describe: it begins before its tests, and ends after them. */
export function stageOfMail(store: StoreKind) {
  const clock = createTestClock()
  let server: RunningServer
  let mailbox: Mailbox

  before(async () => {
    server = await startServer({ store, clock: clock.now, tenantFile: FILE })
    mailbox = openMailbox(server.latchkey)
    const { connections } = server.latchkey.store
    const connection = { tenant: 'default', strategy: 'email', sealedOptions: null, settings: {}, clients: null }
    await connections.create({ ...connection, id: 'con_email', name: 'email', options: {} })
    await connections.create({
      ...connection,
      id: 'con_members',
      name: 'members',
      options: { disable_signup: true },
    })
    const database = await connections.findByName('default', 'Username-Password-Authentication')
    await connections.change('default', database?.id ?? '', {
      options: { authentication_methods: { email_otp: { enabled: true } } },
    })
  })
  after(() => server?.close())

  let people = 0
  const someone = () => {
    people += 1
    return `somebody-${people}@example.com`
  }
  const browserOf = () => new CookieJarBrowser(server)
  const codeIn = ({ text }: Mail) => /^(\d{6})$/m.exec(text)?.[1] ?? assert.fail(`no code in ${text}`)

  const start = (email: string, changes: object = {}, headers: Record<string, string> = {}) =>
    browserOf().ask(
      'POST',
      '/passwordless/start',
      { ...LOCK, connection: 'email', send: 'code', email, ...changes },
      { origin: ORIGIN, ...headers },
    )

  async function mailedCode(email: string, changes: object = {}): Promise<string> {
    const answer = await start(email, changes)
    assert.equal(answer.status, 200, answer.body)
    return codeIn(await mailbox.next(email))
  }

  const typeIn = (
    email: string,
    otp: string,
    { browser = browserOf(), client = LOCK as ClientCredentials, realm = 'email' } = {},
  ) =>
    browser.ask(
      'POST',
      '/co/authenticate',
      { client_id: client.client_id, username: email, otp, realm, credential_type: OTP },
      { origin: ORIGIN },
    )

  const redeem = (email: string, otp: string, changes: Record<string, string> = {}) =>
    askToken(server, {
      grant_type: OTP,
      ...MOBILE,
      username: email,
      otp,
      realm: 'email',
      scope: 'openid email',
      ...changes,
    })

  const accountsOf = (email: string) => server.latchkey.store.users.findByAttribute('default', 'email', email, 2)

  return {
    clock,
    get server() {
      return server
    },
    get mailbox() {
      return mailbox
    },
    someone,
    browserOf,
    codeIn,
    start,
    mailedCode,
    typeIn,
    redeem,
    accountsOf,
  }
}
