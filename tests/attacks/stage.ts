/**
 * What the attacks are played on: a tenant with one client of each kind, three people, and a browser made of nothing
 * but a cookie jar, which shows every redirect and sends whatever headers an attacker would. What is tried is the
 * tests'; where a real browser is the point, they start one.
 */
import { createHash } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Latchkey } from '../../server/compose.ts'
import type { RunningServer } from '../fixtures/server.ts'

export interface Person {
  readonly email: string
  readonly password: string
}

export const ANN: Person = { email: 'ann@example.com', password: 'a lighthouse in the fog' }
export const EVE: Person = { email: 'eve@example.com', password: 'seven quiet magpies' }
export const BEN: Person = { email: 'ben@example.com', password: 'blue bicycles uphill' }

export const CALLBACK = 'https://app.example/callback'
export const API = 'https://videos.example/api'
/** As imported from Auth0: its access tokens say `typ: JWT`, as ID tokens do. */
export const LEGACY_API = 'https://legacy.example/api'
/** Two APIs that share a secret with the server, and must not be able to speak for one another. */
export const SECRET_API_A = 'https://a.example/api'
export const SECRET_API_B = 'https://b.example/api'
export const API_SECRET_A = 'the first shared secret, 32 bytes or more'
export const API_SECRET_B = 'the second shared secret, 32 bytes or more'

/** A single-page app: no secret, so PKCE. */
export const SPA = { client_id: 'spa' } as const
export const OTHER_SPA = { client_id: 'other-spa' } as const
/** A web application with a secret. */
export const WEB = { client_id: 'web', client_secret: 'the secret of the web application' } as const
/** Somebody else's: people are asked to consent. */
export const PARTNER = { client_id: 'partner', client_secret: 'the secret of the partner' } as const
export const MACHINE = { client_id: 'machine', client_secret: 'the secret of the machine' } as const

/** The operator's own, which takes passwords itself. */
export const TRUSTED = { client_id: 'trusted', client_secret: 'the secret of the trusted' } as const
export const PASSWORD_REALM = 'http://auth0.com/oauth/grant-type/password-realm'

export type ClientCredentials = { readonly client_id: string; readonly client_secret?: string }

const client = (credentials: ClientCredentials, rest: object) => ({
  ...credentials,
  name: credentials.client_id,
  callbacks: [CALLBACK],
  allowed_logout_urls: ['https://app.example/'],
  web_origins: ['https://app.example'],
  refresh_token: { rotation_type: 'rotating', leeway: 30 },
  ...rest,
})

const secretApi = (identifier: string, signing_secret: string) => ({
  identifier,
  name: identifier,
  signing_alg: 'HS256',
  signing_secret,
  scopes: [{ value: 'read:videos' }],
})

export const tenantFile = {
  clients: [
    client(SPA, { app_type: 'spa' }),
    client(OTHER_SPA, { app_type: 'spa' }),
    client(WEB, { app_type: 'regular_web' }),
    client(PARTNER, { app_type: 'regular_web', is_first_party: false }),
    client(TRUSTED, { app_type: 'regular_web', grant_types: ['password', PASSWORD_REALM, 'refresh_token'] }),
    client(MACHINE, { app_type: 'non_interactive', callbacks: [] }),
  ],
  resourceServers: [
    {
      identifier: API,
      name: 'Videos',
      signing_alg: 'RS256',
      allow_offline_access: true,
      scopes: [{ value: 'read:videos' }, { value: 'write:videos' }],
    },
    { identifier: LEGACY_API, name: 'Legacy', token_dialect: 'access_token', scopes: [{ value: 'read:videos' }] },
    secretApi(SECRET_API_A, API_SECRET_A),
    secretApi(SECRET_API_B, API_SECRET_B),
  ],
  clientGrants: [{ client_id: MACHINE.client_id, audience: API, scope: ['read:videos'] }],
  users: [ANN, EVE, BEN].map(person => ({ ...person, email_verified: true })),
}

/** For a tenant whose brake on guessing is not what is tested: nothing is held up. */
export const UNPROTECTED = {
  bruteForceProtection: { enabled: false },
  suspiciousIpThrottling: { enabled: false },
}

/** RFC 7636 §4.1, fixed: what is attacked is never its randomness. */
export const VERIFIER = 'a-verifier-of-43-to-128-characters.0123456789~'
export const challengeOf = (verifier: string): string => createHash('sha256').update(verifier).digest('base64url')

/** A sound request of a client; `changes` replaces parameters, and undefined leaves one out. */
export function authorizePath(
  { client_id }: ClientCredentials = SPA,
  changes: Readonly<Record<string, string | undefined>> = {},
): string {
  return `/authorize?${queryOf({
    client_id,
    response_type: 'code',
    redirect_uri: CALLBACK,
    scope: 'openid profile email',
    state: 'the-state',
    nonce: 'the-nonce',
    code_challenge: challengeOf(VERIFIER),
    code_challenge_method: 'S256',
    ...changes,
  })}`
}

export const queryOf = (parameters: Readonly<Record<string, string | undefined>>): URLSearchParams =>
  new URLSearchParams(Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined))

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  /** The `Location` header. */
  readonly location: string | undefined
  /** As sent, attributes and all. */
  readonly cookies: readonly string[]
  readonly body: string
  json(): Record<string, unknown>
}

export interface BrowserOptions {
  /** Another host than the issuer's, with its scheme: the tenant is chosen by it. */
  readonly issuer?: string
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS'

/** A cookie jar. Posts say that they come from a page of the server, unless `headers` say otherwise. */
export class CookieJarBrowser {
  readonly cookies = new Map<string, string>()
  readonly #http: Latchkey['http']
  readonly #issuer: URL

  constructor(server: Pick<RunningServer, 'issuer' | 'latchkey'>, { issuer = server.issuer }: BrowserOptions = {}) {
    this.#http = server.latchkey.http
    this.#issuer = new URL(issuer)
  }

  /** `where` is a path or a whole `Location`. */
  get(where: string, headers: Readonly<Record<string, string>> = {}): Promise<Reply> {
    return this.#send('GET', where, headers)
  }

  post(
    where: string,
    form: Readonly<Record<string, string | undefined>>,
    headers: Readonly<Record<string, string | undefined>> = {},
  ): Promise<Reply> {
    const body = queryOf(form).toString()
    return this.#send(
      'POST',
      where,
      {
        origin: this.#issuer.origin,
        'sec-fetch-site': 'same-origin',
        'content-type': 'application/x-www-form-urlencoded',
        ...headers,
      },
      body,
    )
  }

  /** As a program does, with a document or without one. */
  ask(
    method: Method,
    where: string,
    document?: object,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Reply> {
    if (document === undefined) return this.#send(method, where, headers)
    return this.#send(method, where, { 'content-type': 'application/json', ...headers }, JSON.stringify(document))
  }

  async #send(
    method: Method,
    where: string,
    headers: Readonly<Record<string, string | undefined>>,
    payload?: string,
  ): Promise<Reply> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const given = { host: this.#issuer.host, ...(cookie && { cookie }), ...headers }
    const response = await this.#http.inject({
      method,
      url: where,
      headers: Object.fromEntries(
        Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined),
      ),
      ...(payload !== undefined && { payload }),
    })
    const cookies = [response.headers['set-cookie'] ?? []].flat()
    for (const set of cookies) this.#keep(set)
    return {
      status: response.statusCode,
      headers: response.headers,
      location: response.headers.location,
      cookies,
      body: response.body,
      json: () => JSON.parse(response.body),
    }
  }

  #keep(set: string): void {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? []
    if (/;\s*max-age=0(?:;|$)/i.test(set)) this.cookies.delete(name)
    else this.cookies.set(name, value)
  }
}

/** From `/authorize` to the page that waits for the person: its path, which holds the ticket's id. */
export async function beginAt(browser: CookieJarBrowser, path = authorizePath()): Promise<string> {
  const { location, body } = await browser.get(path)
  if (!location?.startsWith('/login/')) throw new Error(`No sign-in was asked for: ${location ?? body}`)
  // A proof counts as new from the next millisecond on, and nobody answers a page sooner.
  await pause(2)
  return location
}

/** The whole way with a password. Answers the last redirect, to the application. */
export async function signIn(browser: CookieJarBrowser, person: Person, path = authorizePath()): Promise<URL> {
  const login = await beginAt(browser, path)
  const posted = await browser.post(login, { username: person.email, password: person.password })
  if (posted.status !== 303) throw new Error(`Signing in was answered with ${posted.status}`)
  return follow(browser, posted.location)
}

/** Redirects within the server, until one leaves it. */
export async function follow(browser: CookieJarBrowser, location: string | undefined): Promise<URL> {
  for (let hops = 0, next = location; next !== undefined && hops < 5; hops++) {
    if (!next.startsWith('/')) return new URL(next)
    next = (await browser.get(next)).location
  }
  throw new Error(`The way from ${location} did not lead to the application`)
}

/** A code for somebody who is signed in in that browser. */
export async function silentCode(browser: CookieJarBrowser, path = authorizePath()): Promise<string> {
  return codeOf(await follow(browser, path))
}

export function codeOf(callback: URL): string {
  const code = callback.searchParams.get('code')
  if (code === null) throw new Error(`There is no code in ${callback}`)
  return code
}

/** The token endpoint, asked by an application: no cookies, no browser's headers. */
export const askToken = (
  server: Pick<RunningServer, 'issuer' | 'latchkey'>,
  form: Readonly<Record<string, string | undefined>>,
  options?: BrowserOptions,
): Promise<Reply> => new CookieJarBrowser(server, options).post('/oauth/token', form, NOT_A_BROWSER)

const NOT_A_BROWSER = { origin: undefined, 'sec-fetch-site': undefined }

export const redemption = (client: ClientCredentials, code: string, changes: Record<string, string> = {}) => ({
  grant_type: 'authorization_code',
  ...client,
  code,
  redirect_uri: CALLBACK,
  code_verifier: VERIFIER,
  ...changes,
})

export const refreshing = (client: ClientCredentials, refresh_token: string) => ({
  grant_type: 'refresh_token',
  ...client,
  refresh_token,
})

/** A password, as the application that it was typed into sends it. */
export const passing = ({ email, password }: Person, grant_type = 'password', client: ClientCredentials = TRUSTED) => ({
  grant_type,
  ...client,
  username: email,
  password,
})

export interface Tokens {
  readonly access_token: string
  readonly id_token: string
  readonly refresh_token: string
}

/** Tokens for somebody, in a browser of their own unless one is given. With `offline_access` a refresh token too. */
export async function tokensFor(
  server: Pick<RunningServer, 'issuer' | 'latchkey'>,
  person: Person,
  {
    client = SPA,
    browser = new CookieJarBrowser(server),
    ...changes
  }: {
    client?: ClientCredentials
    browser?: CookieJarBrowser
    scope?: string
    audience?: string
    claims?: string
  } = {},
): Promise<Tokens> {
  const callback = await signIn(browser, person, authorizePath(client, changes))
  const answer = await askToken(server, redemption(client, codeOf(callback)))
  if (answer.status !== 200) throw new Error(`The code was refused: ${answer.body}`)
  return answer.json() as unknown as Tokens
}

export const askUserinfo = (
  server: Pick<RunningServer, 'issuer' | 'latchkey'>,
  token: string,
  options?: BrowserOptions,
): Promise<Reply> => new CookieJarBrowser(server, options).get('/userinfo', { authorization: `Bearer ${token}` })

/** What a token says, believed without a check. */
export const claimsOf = (token: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
