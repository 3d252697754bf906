/** Who takes part in the modules: the suite's clients, which are somebody else's applications, and one person of whom everything is known. */

import type { ClientKey } from '../fixtures/client-assertion.ts'

export interface SuiteClient {
  readonly id: string
  readonly redirectUri: string
  /** The first by a secret, which the last has none of. */
  readonly authentication: 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt'
  readonly secret: string
  /** For the last: what it signs with, and whom it says it is for; the token endpoint unless told. */
  readonly key?: ClientKey
  readonly audience?: string
}

const HOME = 'https://relying-party.example/test/a/latchkey'

export const SIGNED_OUT_URI = `${HOME}/post_logout_redirect`

/** What has to be encoded in the header (RFC 6749 §2.3.1), in the id and in the secret. */
export const FIRST: SuiteClient = {
  id: 'first:client%',
  secret: 'a secret with spaces, 50% + a colon: ü',
  authentication: 'client_secret_basic',
  redirectUri: `${HOME}/callback`,
}

/** Its address has a query of its own. */
export const SECOND: SuiteClient = {
  id: 'second',
  secret: 'the second client has another secret',
  authentication: 'client_secret_basic',
  redirectUri: `${HOME}/callback?dummy1=lorem&dummy2=ipsum`,
}

export const POSTING: SuiteClient = {
  id: 'posting',
  secret: 'a secret that comes in the form',
  authentication: 'client_secret_post',
  redirectUri: `${HOME}/callback`,
}

export const PERSON = { email: 'wren@example.com', password: 'a wren builds several nests' } as const

/** Every claim that a scope opens but those that nobody can choose: `email`, which is above, and `updated_at`. */
export const PROFILE = {
  name: 'Wren Isolde Ash',
  given_name: 'Wren',
  family_name: 'Ash',
  middle_name: 'Isolde',
  nickname: 'Wrennie',
  preferred_username: 'wren',
  profile: 'https://people.example/wren',
  picture: 'https://people.example/wren.png',
  website: 'https://wren.example/',
  gender: 'female',
  birthdate: '1990-02-28',
  zoneinfo: 'Europe/Dublin',
  locale: 'en-IE',
  phone_number: '+353 1 555 0100',
  phone_number_verified: true,
  address: {
    formatted: '1 Hedge Row\nGalway H91 XY00\nIreland',
    street_address: '1 Hedge Row',
    locality: 'Galway',
    region: 'Connacht',
    postal_code: 'H91 XY00',
    country: 'Ireland',
  },
} as const

const entry = ({ id, secret, authentication, redirectUri }: SuiteClient) => ({
  client_id: id,
  client_secret: secret,
  name: `Suite (${id})`,
  app_type: 'regular_web',
  grant_types: ['authorization_code', 'implicit', 'refresh_token'],
  token_endpoint_auth_method: authentication,
  is_first_party: false,
  // As for clients that register themselves: nothing of scopes in the ID token (OpenID Connect Core §5.4).
  id_token_claims: 'minimal',
  callbacks: [redirectUri],
  allowed_logout_urls: [SIGNED_OUT_URI],
})

export const TENANT_FILE = {
  clients: [FIRST, SECOND, POSTING].map(entry),
  users: [{ ...PERSON, email_verified: true, ...PROFILE }],
}
