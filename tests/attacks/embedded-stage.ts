/** A server with applications that sign people in on their own pages, and how those ask: what tests of login tickets begin with. */
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { type RunningServer, type StoreKind, startServer } from '../fixtures/server.ts'
import { createTestClock } from '../fixtures/test-clock.ts'
import { crossOrigin, LOCK, ORIGIN } from './own-page.ts'
import { ANN, authorizePath, CookieJarBrowser, PASSWORD_REALM, type Reply, tenantFile } from './stage.ts'

export const REALM = 'Username-Password-Authentication'
export const FOREIGN = 'https://evil.example'
export const ELSEWHERE = { client_id: 'elsewhere' } as const
export const STRANGER = { client_id: 'stranger' } as const

const FILE = {
  ...tenantFile,
  attackProtection: { suspiciousIpThrottling: { enabled: false } },
  clients: [
    ...tenantFile.clients,
    { ...crossOrigin, ...LOCK },
    {
      ...crossOrigin,
      ...ELSEWHERE,
      callbacks: ['https://elsewhere.example/callback'],
      web_origins: [],
      allowed_origins: ['https://elsewhere.example'],
    },
    { ...crossOrigin, ...STRANGER, is_first_party: false, callbacks: ['https://stranger.example/'], web_origins: [] },
  ],
}

/** To be called once in a describe: it begins before its tests, and ends after them. */
export function stageOfPages(store: StoreKind) {
  const clock = createTestClock()
  let server: RunningServer

  before(async () => {
    server = await startServer({ store, clock: clock.now, tenantFile: FILE })
  })
  after(() => server?.close())

  const browserOf = () => new CookieJarBrowser(server)
  const from = (origin: string | undefined) => (origin === undefined ? {} : { origin })

  const post = (
    path: string,
    document: object,
    { browser = browserOf(), origin = ORIGIN as string | undefined } = {},
  ): Promise<Reply> => browser.ask('POST', path, document, from(origin))

  const credentials = (person = ANN, client: { client_id: string } = LOCK) => ({
    ...client,
    username: person.email,
    password: person.password,
    realm: REALM,
    credential_type: PASSWORD_REALM,
  })

  async function ticketFor(browser: CookieJarBrowser, document: object = credentials(), origin = ORIGIN) {
    const answer = await post('/co/authenticate', document, { browser, origin })
    assert.equal(answer.status, 200, answer.body)
    return String(answer.json()['login_ticket'])
  }

  const withTicket = (
    login_ticket: string,
    changes: Record<string, string> = {},
    client: { client_id: string } = LOCK,
  ) => authorizePath(client, { login_ticket, realm: REALM, ...changes })

  return {
    clock,
    get server() {
      return server
    },
    browserOf,
    from,
    post,
    credentials,
    ticketFor,
    withTicket,
  }
}
