/** The basic plan (`response_type=code`): what each of its modules asks beside what is asked in all of them. */
import { because, by, type Demands, fails, must, warns } from '../demand.ts'
import type { BASIC_MODULES } from '../modules.ts'

const atAuthorize = by('tests/conformance/authorization.test.ts')
const atToken = by('tests/conformance/tokens.test.ts')
const inClaims = by('tests/conformance/claims.test.ts')
const inInteraction = by('tests/conformance/interaction.test.ts')

const ONLY_SIGNED = because(
  'Unsigned request objects are refused by their name, and the module is then skipped; signed ones are played in the modules below.',
)

const registered = by('tests/conformance/registration.test.ts')(
  'oidcc-idtoken-signature: a client that registers and says nothing of algorithms gets RS256',
)

const happy = atAuthorize('oidcc-server: a person signs in, and everything that comes of it is as it has to be')
const withoutType = atAuthorize('oidcc-response-type-missing: the application is told in the query, with its state')
const signature = atAuthorize(
  'oidcc-idtoken-signature: a client that says nothing of algorithms gets RS256, with a kid',
)
const unsigned = atAuthorize('oidcc-idtoken-unsigned: unsigned ID tokens are not offered')
const infoGet = inClaims('oidcc-userinfo-get: UserInfo answers a GET')
const infoHeader = inClaims('oidcc-userinfo-post-header: UserInfo answers a POST with the token in the header')
const infoBody = inClaims('oidcc-userinfo-post-body: UserInfo answers a POST with the token in the form')
const noNonce = atAuthorize(
  'oidcc-ensure-request-without-nonce-succeeds-for-code-flow: a request without nonce has a code',
)
const reuse = atToken('oidcc-codereuse: a code is good for once')
const lateReuse = atToken('oidcc-codereuse-30seconds: a code that comes again later takes its tokens with it')
const refresh = atToken('oidcc-refresh-token: a refresh token yields fresh tokens, to its own client alone')
const requestUri = atAuthorize(
  'oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported: unsigned objects are not offered',
)
const requestObject = atAuthorize(
  'oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported: request is refused by its name',
)
const profile = inClaims('oidcc-scope-profile: the scope opens each of its claims, at UserInfo')
const email = inClaims('oidcc-scope-email: the scope opens its two claims, at UserInfo alone')
const address = inClaims('oidcc-scope-address: the scope opens the address, at UserInfo')
const phone = inClaims('oidcc-scope-phone: the scope opens its two claims, at UserInfo')
const all = inClaims('oidcc-scope-all: the scopes together open every claim, at UserInfo')
const essential = inClaims('oidcc-claims-essential: one claim is asked for by name, and comes where it was asked for')
const promptLogin = inInteraction('oidcc-prompt-login: whoever is signed in has to sign in again')
const notSignedIn = atAuthorize('oidcc-prompt-none-not-logged-in: whoever is not signed in is not shown a page')
const signedIn = inInteraction(
  'oidcc-prompt-none-logged-in: whoever is signed in, and has consented, is not shown a page',
)
const tooOld = inInteraction('oidcc-max-age-1: whoever signed in too long ago has to sign in again')
const youngEnough = inInteraction('oidcc-max-age-10000: whoever signed in lately does not have to')
const hint = inInteraction('oidcc-id-token-hint: the person of the hint is answered for without a page')
const contexts = inInteraction('oidcc-ensure-request-with-acr-values-succeeds: acr is one of those asked for')

export const basic = {
  'oidcc-server': {
    'code-length': fails('The code has 16 characters or more.', happy),
    'code-entropy': fails('The code holds more than 96 bits by Shannon’s measure.', happy),
    'expires-in': warns('expires_in is there.', happy),
    'at-hash': fails('at_hash in the ID token, if there, is of this access token.', happy),
    'c-hash': fails('c_hash in the ID token, if there, is of this code.', happy),
    'no-name': warns('The ID token does not say the name.', happy),
    'no-other-claims': warns('The ID token has no claims but those of the protocol and of requested scopes.', happy),
  },
  'oidcc-response-type-missing': {
    error: must(
      'The application is told unsupported_response_type or invalid_request, or the person sees a page.',
      withoutType,
    ),
    place: must('It is told in the query of the registered URI, with the state.', withoutType),
    form: must(
      'With form_post it is told by a form.',
      by('tests/conformance/form-post.test.ts')('oidcc-response-type-missing: the application is told by a form'),
    ),
  },
  'oidcc-idtoken-signature': {
    registration: must('The client registers and says nothing of algorithms.', registered),
    rs256: must('The ID token is signed with RS256.', signature),
    kid: fails('Its header has a kid.', signature),
  },
  'oidcc-idtoken-unsigned': {
    none: must('Where none is listed a client can have it; where it is not the module is skipped.', unsigned),
  },
  'oidcc-userinfo-get': {
    json: must('The answer is 200 and application/json.', infoGet),
    sub: must('sub is there, and the ID token’s.', infoGet),
    'claim-types': fails('Claims have the types of OpenID Connect Core §5.1.', infoGet),
  },
  'oidcc-userinfo-post-header': {
    json: must('The answer is 200 and application/json.', infoHeader),
    sub: must('sub is there, and the ID token’s.', infoHeader),
    'claim-types': fails('Claims have the types of OpenID Connect Core §5.1.', infoHeader),
  },
  'oidcc-userinfo-post-body': {
    answers: warns('The answer is 200.', infoBody),
    json: must('It is application/json.', infoBody),
    sub: must('sub is there, and the ID token’s.', infoBody),
    'claim-types': fails('Claims have the types of OpenID Connect Core §5.1.', infoBody),
  },
  'oidcc-ensure-request-without-nonce-succeeds-for-code-flow': {
    code: must('A code is issued.', noNonce),
  },
  'oidcc-scope-profile': {
    listed: must('scopes_supported lists the scope; otherwise the module is skipped.', profile),
    claims: warns('UserInfo has each of the fourteen claims.', profile),
    types: fails('They have the types of OpenID Connect Core §5.1.', profile),
  },
  'oidcc-scope-email': {
    listed: must('scopes_supported lists the scope; otherwise the module is skipped.', email),
    claims: warns('UserInfo has email and email_verified.', email),
    types: fails('They have the types of OpenID Connect Core §5.1.', email),
    'id-token': warns('The ID token has neither email nor name.', email),
    'no-name': warns('UserInfo has no name.', email),
  },
  'oidcc-scope-address': {
    listed: must('scopes_supported lists the scope; otherwise the module is skipped.', address),
    claims: warns('UserInfo has the address, as an object.', address),
    types: fails('Its members are texts that are not blank.', address),
  },
  'oidcc-scope-phone': {
    listed: must('scopes_supported lists the scope; otherwise the module is skipped.', phone),
    claims: warns('UserInfo has phone_number and phone_number_verified.', phone),
    types: fails('They have the types of OpenID Connect Core §5.1.', phone),
  },
  'oidcc-scope-all': {
    listed: must('scopes_supported lists the scopes; otherwise the module is skipped.', all),
    claims: warns('UserInfo has every claim of the four scopes.', all),
    types: fails('They have the types of OpenID Connect Core §5.1.', all),
  },
  'oidcc-alternate-happy-flow': {
    order: must(
      'Scopes and parameters in another order make no difference.',
      atAuthorize('oidcc-alternate-happy-flow: scopes and parameters may come in any order'),
    ),
  },
  'oidcc-display-page': {
    accepted: must('display=page is accepted.', inInteraction('oidcc-display-page: display=page is taken')),
  },
  'oidcc-display-popup': {
    accepted: must('display=popup is accepted.', inInteraction('oidcc-display-popup: display=popup is taken')),
  },
  'oidcc-prompt-login': {
    page: must('The person, signed in a second ago, sees the sign-in page.', promptLogin),
    'auth-time': fails('auth_time of the second ID token is later.', promptLogin),
  },
  'oidcc-prompt-none-not-logged-in': {
    error: must('One of the four errors of OpenID Connect Core §3.1.2.6 for an interaction comes.', notSignedIn),
    place: must('It comes at the redirect URI, with a state of 128 characters.', notSignedIn),
  },
  'oidcc-prompt-none-logged-in': {
    silent: must('The second request has a code without any page, consent included.', signedIn),
    sub: must('sub is the same.', signedIn),
    'auth-time': must('auth_time is the same.', signedIn),
  },
  'oidcc-max-age-1': {
    page: must('After two seconds the person sees the sign-in page.', tooOld),
    'auth-time': fails('The second ID token has auth_time.', tooOld),
    later: must('It is later than the first.', tooOld),
    recent: must('It is of now.', tooOld),
  },
  'oidcc-max-age-10000': {
    first: must('The first ID token has auth_time, as max_age asks.', youngEnough),
    silent: must('The second request has a code without a page.', youngEnough),
    second: must('The second ID token has auth_time, and it is the same.', youngEnough),
  },
  'oidcc-ensure-request-with-unknown-parameter-succeeds': {
    ignored: must(
      'It is ignored.',
      atAuthorize('oidcc-ensure-request-with-unknown-parameter-succeeds: an unknown parameter changes nothing'),
    ),
  },
  'oidcc-id-token-hint': {
    silent: must('prompt=none with the ID token of before has a code at once.', hint),
    sub: must('sub is the same.', hint),
    'auth-time': must('auth_time is the same.', hint),
  },
  'oidcc-login-hint': {
    accepted: must(
      'The hint of somebody unknown is no error.',
      inInteraction('oidcc-login-hint: a hint of somebody unknown does no harm'),
    ),
  },
  'oidcc-ui-locales': {
    accepted: must(
      'ui_locales=se, which there are no words for, is accepted.',
      inInteraction('oidcc-ui-locales: a language that there are no words for is no fault'),
    ),
  },
  'oidcc-claims-locales': {
    accepted: must(
      'claims_locales=se is accepted.',
      inInteraction('oidcc-claims-locales: a language that nobody’s claims are in is no fault'),
    ),
  },
  'oidcc-ensure-request-with-acr-values-succeeds': {
    code: must('A code is issued for all acr_values_supported, or for “1 2” where none are listed.', contexts),
    acr: warns('acr of the ID token is one of them.', contexts),
  },
  'oidcc-codereuse': {
    answer: must('The second use is answered with 400, JSON and invalid_grant.', reuse),
    refused: warns('It does not succeed.', reuse),
  },
  'oidcc-codereuse-30seconds': {
    answer: fails('The second use is answered with 400, application/json and invalid_grant.', lateReuse),
    revoked: warns('The access token of the first use is refused at UserInfo then.', lateReuse),
  },
  'oidcc-ensure-registered-redirect-uri': {
    page: must(
      'A redirect URI that only begins like the registered one is answered with a page, never with a redirect.',
      atAuthorize(
        'oidcc-ensure-registered-redirect-uri: a longer redirect URI is shown to the person and not followed',
      ),
    ),
  },
  'oidcc-ensure-post-request-succeeds': {
    completes: warns(
      'A request that is posted as a form comes to its end within 30 seconds.',
      atAuthorize('oidcc-ensure-post-request-succeeds: a request may be posted as a form'),
    ),
  },
  'oidcc-server-client-secret-post': {
    accepted: must(
      'The happy flow passes with the secret in the form.',
      atToken('oidcc-server-client-secret-post: the secret may come in the form'),
    ),
  },
  'oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported': {
    answer: must(
      'It is read, or refused with request_uri_not_supported; where algorithms are listed without none, the module is skipped.',
      requestUri,
    ),
  },
  'oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported': {
    answer: must(
      'The object is read, or the application is told request_not_supported; it is not ignored.',
      requestObject,
    ),
    metadata: warns('request_parameter_supported is true if objects are read.', requestObject),
    processed: must('state and nonce that stand in the object alone are answered.', ONLY_SIGNED),
  },
  'oidcc-claims-essential': {
    userinfo: warns('UserInfo has the name, which was asked for with scope=openid alone.', essential),
    'id-token': warns('The ID token does not have it.', essential),
  },
  'oidcc-ensure-request-object-with-redirect-uri': {
    page: fails(
      'With the good redirect URI in the object and a bad one beside it, nothing is sent to a URI of our own choosing.',
      atAuthorize(
        'oidcc-ensure-request-object-with-redirect-uri: a bad redirect URI beside an object is shown, not followed',
      ),
    ),
    processed: must('The URI of the object is used.', ONLY_SIGNED),
  },
  'oidcc-refresh-token': {
    given: warns('grant_types_supported lists refresh_token, and with offline_access there is one.', refresh),
    json: must('The refresh is answered with 200 and a JSON object.', refresh),
    'no-store': fails('It has Cache-Control: no-store.', refresh),
    'token-type': must('token_type is bearer.', refresh),
    'access-token': must('The new access token is not the old one, and holds more than 96 bits.', refresh),
    'expires-in': warns('expires_in is there.', refresh),
    characters: must('Both tokens are printable ASCII.', refresh),
    'refresh-token': must('A new refresh token has 16 characters or more and holds more than 96 bits.', refresh),
    'id-token': must('A new ID token has the same iss, sub, aud and auth_time, and the same azp or none.', refresh),
    iat: must('Its iat is another.', refresh),
    userinfo: must('UserInfo answers to the new access token.', refresh),
    'other-client': must(
      'The refresh token of one client is answered to another with 400, JSON and invalid_grant.',
      refresh,
    ),
  },
  'oidcc-ensure-request-with-valid-pkce-succeeds': {
    accepted: must(
      'A challenge with S256 and its verifier are accepted.',
      atToken('oidcc-ensure-request-with-valid-pkce-succeeds: a challenge with its verifier has tokens'),
    ),
  },
} as const satisfies Demands<(typeof BASIC_MODULES)[number]>
