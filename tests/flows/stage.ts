/** What every flow stands on: a server with the flows' tenant on each store, its clock, people and applications. */
import { after, before } from 'node:test'
import * as oidc from 'openid-client'
import { type Application, type Begun, discoverApplication, type Tokens } from '../fixtures/application.ts'
import { type Account, createPerson, type Person } from '../fixtures/person.ts'
import { onEachStore, type RunningServer, type StoreKind, startServer } from '../fixtures/server.ts'
import { createTestClock, type TestClock } from '../fixtures/test-clock.ts'
import { REDIRECT_URI, SECRETS, TENANT_FILE } from './tenant.ts'

export interface Stage {
  readonly store: StoreKind
  readonly server: RunningServer
  readonly issuer: string
  readonly clock: TestClock
  person(): Person
  spa(): Promise<Application>
  /** With its secret in the body, unless it is told otherwise. */
  web(authentication?: oidc.ClientAuth): Promise<Application>
  application(clientId: string, options?: Parameters<typeof applicationAt>[2]): Promise<Application>
}

/** The suite on each store, with one server for all of its tests. The stage is set when they run, not before. */
export function onEachStage(name: string, suite: (stage: Stage) => void): void {
  onEachStore(name, store => {
    const stage = {} as Stage
    before(async () => {
      Object.assign(stage, await setStage(store))
    })
    after(() => stage.server?.close())
    suite(stage)
  })
}

async function setStage(store: StoreKind): Promise<Stage> {
  const clock = createTestClock()
  const server = await startServer({ store, clock: clock.now, tenantFile: TENANT_FILE })
  const { issuer } = server
  const application: Stage['application'] = (clientId, options) => applicationAt(issuer, clientId, options)
  return {
    store,
    server,
    issuer,
    clock,
    application,
    person: () => createPerson(issuer),
    spa: () => application('spa'),
    web: (authentication = oidc.ClientSecretPost(SECRETS.web)) => application('web', { authentication }),
  }
}

/** One of the flows' tenant, as openid-client finds it. */
export const applicationAt = (
  issuer: string,
  clientId: string,
  options: { authentication?: oidc.ClientAuth; idTokenAlgorithm?: string } = {},
): Promise<Application> => discoverApplication(issuer, { clientId, redirectUri: REDIRECT_URI, ...options })

export interface SignedIn {
  readonly begun: Begun
  readonly callback: URL
  readonly tokens: Tokens
}

/** From the application through the sign-in page to tokens. */
export async function signIn(
  application: Application,
  person: Person,
  account: Account,
  parameters?: Readonly<Record<string, string>>,
): Promise<SignedIn> {
  const begun = await application.begin(parameters)
  const callback = await person.signIn(begun.url, account)
  return { begun, callback, tokens: await application.finish(callback, begun) }
}

/** Asks without showing anything: the answer of a browser that is signed in, or the error of one that is not. */
export async function askSilently(
  application: Application,
  person: Person,
  parameters: Readonly<Record<string, string>> = {},
): Promise<{ begun: Begun; callback: URL }> {
  const begun = await application.begin({ prompt: 'none', ...parameters })
  return { begun, callback: (await person.visit(begun.url)).url }
}

/** A form sent to the token endpoint, for what no library would send. */
export async function postToken(
  issuer: string,
  fields: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; headers: Headers; body: Record<string, unknown> }> {
  const response = await fetch(new URL('oauth/token', issuer), {
    method: 'POST',
    body: new URLSearchParams(fields),
    headers,
  })
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  }
}

/** The status of `/userinfo` for an access token: 200 while it counts. */
export async function userinfoStatus(issuer: string, accessToken: string): Promise<number> {
  const response = await fetch(new URL('userinfo', issuer), { headers: { authorization: `Bearer ${accessToken}` } })
  await response.arrayBuffer()
  return response.status
}
