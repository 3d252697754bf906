/** Who takes part in a measurement: the same clients, APIs and person at the product and at its peer, under the same names. */

/** In PKCE's words, RFC 7636 appendix B. It is sent in the clear all the time: what is measured is the work. */
export const VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'

export const REDIRECT_URI = 'https://app.example/callback'
export const SCOPES = ['read:videos', 'write:videos'] as const

/** What tokens are signed with in a measurement: access tokens and ID tokens alike. */
export type Algorithm = 'RS256' | 'ES256'

export interface BenchClient {
  readonly id: string
  readonly secret: string
}

export const apiOf = (algorithm: Algorithm): string => `https://${algorithm.toLowerCase()}.example/api`
export const machineOf = (algorithm: Algorithm): BenchClient => ({
  id: `machine-${algorithm}`,
  secret: `a machine remembers every character of it, ${algorithm}`,
})
export const applicationOf = (algorithm: Algorithm): BenchClient => ({
  id: `application-${algorithm}`,
  secret: `an application keeps this one to itself, ${algorithm}`,
})
/** A gateway's own, which follows what is revoked. */
export const EDGE: BenchClient = { id: 'edge', secret: 'the edge remembers every character of this one' }
/** Manages. */
export const OPERATOR: BenchClient = { id: 'operator', secret: 'the operator remembers every character of this one' }
export const ALGORITHMS: readonly Algorithm[] = ['RS256', 'ES256']

export const ANN = {
  email: 'ann@example.com',
  password: 'a lighthouse in the fog',
  name: 'Ann Example',
  given_name: 'Ann',
  family_name: 'Example',
} as const

/** Form-encoded, and then Basic, as RFC 6749 §2.3.1 says. */
export const basic = ({ id, secret }: BenchClient): string =>
  `Basic ${Buffer.from([id, secret].map(encodeURIComponent).join(':')).toString('base64')}`

/** The path of an authorization request. `lasting`: a refresh token comes of it. `forApi`: the tokens are for an API, too. */
export const authorizePath = (algorithm: Algorithm, { lasting = false, forApi = true } = {}): string =>
  `/authorize?${new URLSearchParams({
    client_id: applicationOf(algorithm).id,
    redirect_uri: REDIRECT_URI,
    response_type: 'code',
    scope: ['openid profile email', ...(forApi ? SCOPES : []), ...(lasting ? ['offline_access'] : [])].join(' '),
    ...(forApi && { resource: apiOf(algorithm) }),
    state: 'a state of 32 characters or more, as apps send',
    nonce: 'a nonce of 32 characters or more, as apps send',
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256',
  })}`

export const tenantFileOf = (issuer: string) => ({
  clients: [
    ...ALGORITHMS.flatMap(clientsOf),
    ...[EDGE, OPERATOR].map(({ id, secret }) => ({
      ...{ client_id: id, client_secret: secret, name: id, app_type: 'non_interactive' },
    })),
  ],
  resourceServers: ALGORITHMS.map(algorithm => ({
    identifier: apiOf(algorithm),
    name: algorithm,
    signing_alg: algorithm,
    allow_offline_access: true,
    scopes: SCOPES.map(value => ({ value })),
  })),
  clientGrants: [
    ...ALGORITHMS.map(algorithm => ({
      client_id: machineOf(algorithm).id,
      audience: apiOf(algorithm),
      scope: [...SCOPES],
    })),
    { client_id: EDGE.id, audience: `${issuer}api/v2/`, scope: ['read:revocations'] },
    {
      client_id: OPERATOR.id,
      audience: `${issuer}api/v2/`,
      scope: ['create:users', 'read:users', 'update:users', 'read:connections'],
    },
  ],
  users: [{ ...ANN, email_verified: true }],
})

function clientsOf(algorithm: Algorithm) {
  const [machine, application] = [machineOf(algorithm), applicationOf(algorithm)]
  return [
    { client_id: machine.id, client_secret: machine.secret, name: machine.id, app_type: 'non_interactive' },
    {
      client_id: application.id,
      client_secret: application.secret,
      name: application.id,
      app_type: 'regular_web',
      callbacks: [REDIRECT_URI],
      jwt_configuration: { alg: algorithm },
      refresh_token: { rotation_type: 'rotating', leeway: 0 },
    },
  ]
}
