/**
 * The peer: oidc-provider 9 as its documentation would have it run, with the memory adapter that comes with it. It
 * gives what Latchkey gives: JWT access tokens by resource indicators, ID tokens that carry the profile, refresh tokens
 * that rotate. The page on which a person would sign in is left out: whoever comes is Ann, and has consented.
 *
 * A process of its own, told its port by `BENCH_PORT`.
 */
import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import { Provider } from 'oidc-provider'
import { ALGORITHMS, ANN, apiOf, applicationOf, machineOf, REDIRECT_URI, SCOPES } from '../world.ts'

const port = Number(process.env['BENCH_PORT'])
const HOUR_IN_SECONDS = 3600
const DAY_IN_SECONDS = 24 * HOUR_IN_SECONDS

const { privateKey: rsa } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const { privateKey: ec } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const jwk = (key: typeof rsa, alg: string) => ({ ...key.export({ format: 'jwk' }), alg, use: 'sig', kid: alg })

const algorithmOf = new Map(ALGORITHMS.map(algorithm => [apiOf(algorithm), algorithm]))

const provider = new Provider(`http://localhost:${port}`, {
  jwks: { keys: [jwk(rsa, 'RS256'), jwk(ec, 'ES256')] },
  clients: ALGORITHMS.flatMap(algorithm => [
    {
      client_id: machineOf(algorithm).id,
      client_secret: machineOf(algorithm).secret,
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
    },
    {
      client_id: applicationOf(algorithm).id,
      client_secret: applicationOf(algorithm).secret,
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      redirect_uris: [REDIRECT_URI],
      id_token_signed_response_alg: algorithm,
    },
  ]),
  scopes: ['openid', 'offline_access'],
  claims: {
    openid: ['sub'],
    profile: ['name', 'given_name', 'family_name', 'updated_at'],
    email: ['email', 'email_verified'],
  },
  // The ID token carries the profile, as Latchkey's does unless a client is set to have it otherwise.
  conformIdTokenClaims: false,
  findAccount: (_context: unknown, id: string) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      email: ANN.email,
      email_verified: true,
      name: ANN.name,
      given_name: ANN.given_name,
      family_name: ANN.family_name,
      updated_at: 1_700_000_000,
    }),
  }),
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    resourceIndicators: {
      enabled: true,
      // A request that names none is one for the issuer's own userinfo, by an opaque token: the only one it takes there.
      defaultResource: () => undefined,
      useGrantedResource: () => true,
      getResourceServerInfo: (_context: unknown, resource: string) => ({
        audience: resource,
        scope: SCOPES.join(' '),
        accessTokenTTL: DAY_IN_SECONDS,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: algorithmOf.get(resource) } },
      }),
    },
  },
  rotateRefreshToken: true,
  // Latchkey gives one where `offline_access` was granted; here that takes a page of consent each time, which is not measured.
  issueRefreshToken: ({ oidc }: { oidc: { client: { clientId: string } } }) => oidc.client.clientId.startsWith('app'),
  expiresWithSession: () => false,
  pkce: { required: () => true },
  ttl: {
    AccessToken: HOUR_IN_SECONDS,
    AuthorizationCode: 60,
    ClientCredentials: DAY_IN_SECONDS,
    Grant: 14 * DAY_IN_SECONDS,
    IdToken: HOUR_IN_SECONDS,
    Interaction: HOUR_IN_SECONDS,
    RefreshToken: 14 * DAY_IN_SECONDS,
    Session: 14 * DAY_IN_SECONDS,
  },
  cookies: { keys: ['the bench signs its cookies with this'] },
  interactions: { url: (_context: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
  routes: {
    authorization: '/authorize',
    introspection: '/oauth/introspect',
    token: '/oauth/token',
    userinfo: '/userinfo',
  },
})

const answer = provider.callback()
const server = createServer(async (request, response) => {
  if (!request.url?.startsWith('/interaction/')) return answer(request, response)
  const { params } = await provider.interactionDetails(request, response)
  const grant = new provider.Grant({ accountId: ANN.email, clientId: String(params['client_id']) })
  grant.addOIDCScope('openid profile email offline_access')
  for (const api of algorithmOf.keys()) grant.addResourceScope(api, SCOPES.join(' '))
  await provider.interactionFinished(request, response, {
    login: { accountId: ANN.email },
    consent: { grantId: await grant.save() },
  })
})
server.listen(port, '127.0.0.1')
