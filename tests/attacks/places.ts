/**
 * Every place where the server believes a signature, for every algorithm that it takes there: an honest token for it,
 * the means to sign another as honestly, and the question whether the place takes what it is shown. What is shown to
 * them is the tests'.
 */
import type { AlgorithmName } from '@latchkey/sdk/verify'
import { MINUTE } from '../../server/kernel/seconds.ts'
import { asserted, assertionClaims, type ClientKey, makeClientKey, signJws } from '../fixtures/client-assertion.ts'
import { type RunningServer, startServer } from '../fixtures/server.ts'
import {
  ANN,
  askToken,
  askUserinfo,
  CALLBACK,
  CookieJarBrowser,
  challengeOf,
  claimsOf,
  queryOf,
  tenantFile,
  tokensFor,
  VERIFIER,
} from './stage.ts'

export type PublicJwk = Readonly<Record<string, string>>

export interface Place {
  readonly name: string
  readonly algorithm: AlgorithmName
  /** What everybody knows of the key; null for a secret. */
  readonly jwk: PublicJwk | null
  /** One that was taken nowhere yet. */
  honest(): Promise<string>
  /** Signed with the honest key, under a header that says more or else than it would. */
  signed(header: object): Promise<string>
  takes(token: string): Promise<boolean>
}

const CLIENT_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const
const API_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA', 'ML-DSA-44', 'HS256'] as const
const SECRET = 'what the API and the server share, 32 bytes or more'
const LOGGED_OUT = 'https://app.example/'

const apiOf = (algorithm: string) => `https://${algorithm.toLowerCase()}.example/api`
const MACHINE = { client_id: 'asking', client_secret: 'the secret of the one that asks' } as const

const keyed = (key: ClientKey) => ({
  client_id: `signs-${key.alg}`,
  name: key.alg,
  app_type: 'regular_web',
  grant_types: ['authorization_code', 'client_credentials'],
  token_endpoint_auth_method: 'private_key_jwt',
  callbacks: [CALLBACK],
  jwks: { keys: [key.jwk] },
})

/** One server, with a client of its own for each algorithm that clients sign with, and an API for each of its own. */
export async function openPlaces(more: { clients?: readonly object[]; environment?: Record<string, string> } = {}) {
  const keys = CLIENT_ALGORITHMS.map(algorithm => makeClientKey(algorithm, 'one'))
  const clients = [
    ...tenantFile.clients,
    ...keys.map(keyed),
    { ...MACHINE, name: 'Asking', app_type: 'non_interactive' },
    ...(more.clients ?? []),
  ]
  const server = await startServer({
    store: 'sqlite',
    environment: more.environment ?? {},
    tenantFile: {
      ...tenantFile,
      clients,
      resourceServers: API_ALGORITHMS.map(algorithm => ({
        identifier: apiOf(algorithm),
        name: algorithm,
        signing_alg: algorithm,
        scopes: [{ value: 'introspect:tokens' }],
        ...(algorithm === 'HS256' && { signing_secret: SECRET }),
      })),
      clientGrants: [
        ...API_ALGORITHMS.map(algorithm => ({
          client_id: MACHINE.client_id,
          audience: apiOf(algorithm),
          scope: ['introspect:tokens'],
        })),
        ...keys.map(({ alg }) => ({ client_id: `signs-${alg}`, audience: apiOf('RS256'), scope: [] })),
      ],
    },
  })
  const browser = new CookieJarBrowser(server)
  const tokens = await tokensFor(server, ANN, { browser })
  const places = [
    ...(await ownPlaces(server, tokens)),
    ...keys.flatMap(key => [assertionPlace(server, key), requestPlace(server, browser, key)]),
  ]
  return { server, places }
}

/** What the server signed and is shown again. */
async function ownPlaces(server: RunningServer, tokens: { access_token: string; id_token: string }): Promise<Place[]> {
  const { keyring } = server.latchkey
  const { keys } = (await new CookieJarBrowser(server).get('/.well-known/jwks.json')).json() as { keys: PublicJwk[] }
  const place = (name: string, token: string, takes: Place['takes']): Place => {
    const header = headerOf(token)
    const algorithm = header['alg'] as AlgorithmName
    return {
      name: `${name}, ${algorithm}`,
      algorithm,
      jwk: keys.find(({ kid }) => kid === header['kid']) ?? null,
      honest: async () => token,
      async signed(changes) {
        const signer =
          algorithm === 'HS256'
            ? await keyring.apiSigner('default', await idOfApi(server))
            : await keyring.signer('default', algorithm as 'RS256')
        const input = `${encode({ ...header, ...changes })}.${encode(claimsOf(token))}`
        const signature = await signer?.sign(Buffer.from(input), Date.now() + MINUTE)
        return `${input}.${Buffer.from(signature ?? []).toString('base64url')}`
      },
      takes,
    }
  }
  const introspects: Place['takes'] = async token => {
    const reply = await new CookieJarBrowser(server).post('/oauth/introspect', { ...MACHINE, token }, NOT_A_BROWSER)
    return reply.json()['active'] === true
  }
  const forApis = API_ALGORITHMS.map(async algorithm => {
    const form = { grant_type: 'client_credentials', ...MACHINE, audience: apiOf(algorithm) }
    const token = String((await askToken(server, form)).json()['access_token'])
    return place('an access token at introspection', token, introspects)
  })
  return [
    place(
      'an access token at /userinfo',
      tokens.access_token,
      async token => (await askUserinfo(server, token)).status === 200,
    ),
    place('an ID token as the hint of a sign-out', tokens.id_token, async id_token_hint => {
      const query = queryOf({ id_token_hint, post_logout_redirect_uri: LOGGED_OUT })
      const { location } = await new CookieJarBrowser(server).get(`/oidc/logout?${query}`)
      return location === LOGGED_OUT
    }),
    ...(await Promise.all(forApis)),
  ]
}

async function idOfApi(server: RunningServer): Promise<string> {
  const found = await server.latchkey.store.resourceServers.findByIdentifier('default', apiOf('HS256'))
  return found?.id ?? ''
}

function assertionPlace(server: RunningServer, key: ClientKey): Place {
  const claims = () => assertionClaims(`signs-${key.alg}`, server.issuer)
  return {
    name: `an assertion of a client, ${key.alg}`,
    algorithm: key.alg as AlgorithmName,
    jwk: key.jwk,
    honest: async () => signJws(key, claims()),
    signed: async header => signJws(key, claims(), header),
    async takes(token) {
      const form = { grant_type: 'client_credentials', audience: apiOf('RS256'), ...asserted(token) }
      return (await askToken(server, form)).status === 200
    },
  }
}

function requestPlace(server: RunningServer, browser: CookieJarBrowser, key: ClientKey): Place {
  const client_id = `signs-${key.alg}`
  const asked = { client_id, response_type: 'code', redirect_uri: CALLBACK, scope: 'openid' }
  const claims = {
    ...asked,
    iss: client_id,
    aud: server.issuer,
    code_challenge: challengeOf(VERIFIER),
    code_challenge_method: 'S256',
  }
  return {
    name: `a signed request of a client, ${key.alg}`,
    algorithm: key.alg as AlgorithmName,
    jwk: key.jwk,
    honest: async () => signJws(key, claims),
    signed: async header => signJws(key, claims, header),
    async takes(request) {
      const { location } = await browser.get(`/authorize?${queryOf({ ...asked, request })}`)
      return location?.includes('code=') ?? false
    },
  }
}

export const headerOf = (token: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())

export const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** The same token with other bytes for its signature. */
export const withSignature = (token: string, bytes: Uint8Array): string =>
  `${token.slice(0, token.lastIndexOf('.'))}.${Buffer.from(bytes).toString('base64url')}`

export const signatureOf = (token: string): Buffer => Buffer.from(token.split('.')[2] ?? '', 'base64url')

/** The same token with other members in its header, and its signature kept or made by whoever. */
export function withHeader(token: string, changes: object, sign?: (input: string) => Uint8Array): string {
  const [, payload = '', signature = ''] = token.split('.')
  const input = `${encode({ ...headerOf(token), ...changes })}.${payload}`
  return `${input}.${sign ? Buffer.from(sign(input)).toString('base64url') : signature}`
}

/** All of `tokens` that the place takes, by what each is called: none, if it is as it should be. */
export async function takenOf(place: Place, tokens: Readonly<Record<string, string>>): Promise<string[]> {
  const taken: string[] = []
  for (const [said, token] of Object.entries(tokens)) if (await place.takes(token)) taken.push(`${place.name}: ${said}`)
  return taken
}

export const NOT_A_BROWSER = { origin: undefined, 'sec-fetch-site': undefined }
