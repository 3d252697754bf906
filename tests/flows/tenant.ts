/** Who takes part in the flows: the tenant file of their servers, and the names that tests call its entries by. */

/** Nobody listens there: a person's browser stops before it leaves the server. */
const HOME = 'http://localhost:5999'

export const REDIRECT_URI = `${HOME}/callback`
export const SIGNED_OUT_URI = `${HOME}/signed-out`
export const WEB_ORIGIN = HOME

export const JO = { email: 'jo@example.com', password: 'a fine long passphrase' } as const
/** Of whom everything is known. */
export const KIM = { email: 'kim@example.com', password: 'yet another fine passphrase' } as const
export const ANN = { email: 'ann@example.com', password: 'another fine passphrase' } as const

export const VIDEOS = 'https://videos.example/api'
/** Where every token is checked with a secret that the API shares with the issuer. */
export const LEDGER = 'https://ledger.example/api'
export const LEDGER_SECRET = 'the ledger and the issuer know this secret'
export const CURVES = 'https://curves.example/api'
export const EDWARDS = 'https://edwards.example/api'
/** Imported from Auth0, so its tokens speak as they did there. */
export const IMPORTED = 'https://imported.example/api'

export const PASSWORD_REALM = 'http://auth0.com/oauth/grant-type/password-realm'

export const SECRETS = {
  web: 'the web application keeps this to itself',
  other: 'the other application keeps this to itself',
  stranger: 'somebody else wrote this application',
  kiosk: 'a kiosk of the operator keeps this to itself',
  desktop: 'a desktop application of the operator keeps this to itself',
  machine: 'a machine remembers every character of it',
} as const

/** Every claim of OpenID Connect Core §5.1 that an operator can give. */
export const EVERY_CLAIM = {
  name: 'Kim Minjun',
  given_name: 'Minjun',
  family_name: 'Kim',
  middle_name: 'J',
  nickname: 'min',
  preferred_username: 'minjun',
  profile: 'https://people.example/kim',
  picture: 'https://people.example/kim.png',
  website: 'https://kim.example',
  gender: 'male',
  birthdate: '0000-04-01',
  zoneinfo: 'Asia/Seoul',
  locale: 'ko-KR',
  phone_number: '+82 2 312 3456',
  phone_number_verified: true,
  address: {
    formatted: '1 Sejong-daero, Seoul',
    street_address: '1 Sejong-daero',
    locality: 'Seoul',
    region: 'Seoul',
    postal_code: '03172',
    country: 'KR',
  },
} as const

const application = {
  callbacks: [REDIRECT_URI],
  allowed_logout_urls: [SIGNED_OUT_URI],
  web_origins: [WEB_ORIGIN],
}

const scopes = [
  { value: 'read:videos', description: 'See your films' },
  { value: 'write:videos', description: 'Upload films' },
]

export const TENANT_FILE = {
  clients: [
    { client_id: 'spa', name: 'Player', app_type: 'spa', ...application },
    { client_id: 'web', name: 'Studio', app_type: 'regular_web', client_secret: SECRETS.web, ...application },
    { client_id: 'other', name: 'Archive', app_type: 'regular_web', client_secret: SECRETS.other, ...application },
    {
      client_id: 'stranger',
      name: 'Film Club',
      app_type: 'regular_web',
      is_first_party: false,
      client_secret: SECRETS.stranger,
      grant_types: ['authorization_code', 'refresh_token', 'password'],
      ...application,
    },
    // Older than RFC 7636 §4.2's S256, and not to be changed any more.
    {
      client_id: 'elder',
      name: 'Elder',
      app_type: 'native',
      code_challenge_methods: ['S256', 'plain'],
      ...application,
    },
    { client_id: 'minimal', name: 'Terse', app_type: 'spa', id_token_claims: 'minimal', ...application },
    { client_id: 'curves', name: 'Curves', app_type: 'spa', jwt_configuration: { alg: 'ES256' }, ...application },
    { client_id: 'edwards', name: 'Edwards', app_type: 'spa', jwt_configuration: { alg: 'EdDSA' }, ...application },
    // Whoever set it up meant well, and a secret it has not.
    { client_id: 'careless', name: 'Careless', app_type: 'spa', grant_types: ['client_credentials'] },
    {
      client_id: 'kiosk',
      name: 'Box Office',
      app_type: 'regular_web',
      client_secret: SECRETS.kiosk,
      grant_types: ['password'],
      ...application,
    },
    {
      client_id: 'desktop',
      name: 'Cutting Room',
      app_type: 'regular_web',
      client_secret: SECRETS.desktop,
      is_token_endpoint_ip_header_trusted: true,
      grant_types: ['password', PASSWORD_REALM, 'refresh_token'],
      ...application,
    },
    { client_id: 'machine', name: 'Importer', app_type: 'non_interactive', client_secret: SECRETS.machine },
  ],
  resourceServers: [
    { identifier: VIDEOS, name: 'Videos', signing_alg: 'RS256', allow_offline_access: true, scopes },
    { identifier: LEDGER, name: 'Ledger', signing_alg: 'HS256', signing_secret: LEDGER_SECRET, scopes },
    { identifier: CURVES, name: 'Curves', signing_alg: 'ES256', scopes },
    { identifier: EDWARDS, name: 'Edwards', signing_alg: 'EdDSA', scopes },
    {
      identifier: IMPORTED,
      name: 'Imported',
      token_dialect: 'access_token',
      allow_offline_access: true,
      scopes,
    },
  ],
  clientGrants: [
    { client_id: 'machine', audience: VIDEOS, scope: ['read:videos', 'write:videos'] },
    { client_id: 'machine', audience: LEDGER, scope: ['read:videos'] },
    { client_id: 'careless', audience: VIDEOS, scope: ['read:videos'] },
  ],
  users: [
    { ...JO, email_verified: true, given_name: 'Jo', family_name: 'March', name: 'Jo March' },
    { ...ANN, email_verified: false },
    { ...KIM, email_verified: true, ...EVERY_CLAIM },
  ],
}
