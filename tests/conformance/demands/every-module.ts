/**
 * What is asked in every module, whatever else it is about. The relying party asks it each time it has an answer in
 * its hands (`checks/`), so any module's test would do as the proof; the happy flow stands for all.
 */
import { because, by, type Demands, fails, must, warns } from '../demand.ts'

const atAuthorize = by('tests/conformance/authorization.test.ts')
const played = atAuthorize('oidcc-server: a person signs in, and everything that comes of it is as it has to be')
const refused = atAuthorize('oidcc-prompt-none-not-logged-in: whoever is not signed in is not shown a page')
const byForm = by('tests/conformance/form-post.test.ts')(
  'oidcc-server: the answer arrives as a form, and is worth as much',
)

const NO_ENCRYPTION = because('ID tokens are not encrypted; discovery lists no encryption algorithm.')
const registers = by('tests/conformance/registration.test.ts')(
  'oidcc-server: a client that registers itself signs people in, by what it signs',
)

export const everyModule = {
  discovery: {
    urls: must('Issuer, authorization and token endpoint are there and are URLs.', played),
    'auth-method': fails('token_endpoint_auth_methods_supported, if there, lists the method that is used.', played),
  },
  'key-set': {
    fetched: must('jwks_uri answers with a set of keys.', played),
    'no-private': fails('No key has a private member, and none is symmetric.', played),
    members: fails('Each key has the members of its type, as base64url without padding.', played),
    parses: fails('Each key can be read; a certificate beside it holds the same key.', played),
    known: warns('Key types, curves and algorithms are registered ones.', played),
    kid: fails('Each key has a kid that is not blank.', played),
    'kid-unique': fails('No two keys share a kid.', played),
  },
  callback: {
    location: fails('A code comes in the query of the redirect URI, and nowhere else.', played),
    form: fails(
      'With form_post it comes as a form to the redirect URI, URL-encoded, and nothing is in the URL.',
      byForm,
    ),
    'other-flows': fails('For other flows nothing comes in the query.', played),
    iss: fails('iss, if there, is the issuer.', played),
    state: fails('state comes back exactly as sent.', played),
    'own-query': fails(
      'The query that the redirect URI itself has is kept.',
      by('tests/conformance/tokens.test.ts')(
        'oidcc-refresh-token: a refresh token yields fresh tokens, to its own client alone',
      ),
    ),
  },
  'token-answer': {
    json: must('The token endpoint answers 200 with a JSON object.', played),
    members: must('access_token and token_type are there and not empty.', played),
    'expires-in': fails('expires_in, if there, is a number from 1 to 31536000.', played),
    'id-token': fails('There is an ID token.', played),
  },
  'id-token': {
    iss: fails('iss is exactly the issuer.', played),
    aud: fails('aud is, or contains, the client_id.', played),
    exp: fails('exp is there, not past, and not more than 50 years ahead.', played),
    iat: fails('iat is within five minutes of now.', played),
    'auth-time': fails('auth_time, if there, is neither in the future nor more than a year ago.', played),
    acr: fails('acr, if there, is text and not empty.', played),
    nonce: fails('nonce is the one of the request.', played),
    'nonce-absent': fails(
      'Without a nonce in the request there is none.',
      atAuthorize('oidcc-ensure-request-without-nonce-succeeds-for-code-flow: a request without nonce has a code'),
    ),
    sub: fails('sub is text and not empty.', played),
    'updated-at': fails('updated_at, if there, is a number of seconds since 1990, not in the future.', played),
    'claim-types': fails('Standard claims, if there, have the types of OpenID Connect Core §5.1.', played),
    signature: fails('Exactly one published key fits kid, kty, alg and use, and verifies the signature.', played),
    encrypted: fails('An encrypted ID token names the key.', NO_ENCRYPTION),
    hybrid: fails('ID tokens from both endpoints agree on iss and sub.', played),
  },
  userinfo: {
    answers: fails('UserInfo answers 200 to each access token that is obtained.', played),
    'front-channel': fails('So it does to one from the authorization endpoint.', played),
  },
  'authorization-error': {
    state: fails('An error comes with the state of the request.', refused),
    error: fails('error is there.', refused),
    'no-code': fails('There is no code beside it.', refused),
    members: warns('Nothing comes but error, error_description, error_uri, state, session_state and iss.', refused),
    description: fails('error_description is printable ASCII without quotes and backslashes.', refused),
    'description-lines': warns('error_description has no tabs and no line breaks.', refused),
  },
  registration: {
    created: fails('Registration is answered with 201 and JSON, without an error.', registers),
    'secret-expiry': fails('A client_secret comes with client_secret_expires_at.', registers),
    management: fails('registration_client_uri (https) and registration_access_token come together.', registers),
    deleted: warns('Deleting the client is answered with 204.', registers),
    body: must(
      'A JWK without kid, jwks beside client_secret_basic, and every response_type are accepted without a token.',
      registers,
    ),
  },
} as const satisfies Demands
