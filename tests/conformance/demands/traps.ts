/**
 * What providers trip over most often, across all plans: what to look at first after a change. Most of it is asked in
 * modules too; what is not is proven here or explained.
 */
import { because, by, type Demands, must } from '../demand.ts'

const atAuthorize = by('tests/conformance/authorization.test.ts')
const atToken = by('tests/conformance/tokens.test.ts')
const inClaims = by('tests/conformance/claims.test.ts')
const inInteraction = by('tests/conformance/interaction.test.ts')
const inFormPost = by('tests/conformance/form-post.test.ts')
const inDiscovery = by('tests/conformance/discovery.test.ts')
const inSignOut = by('tests/conformance/sign-out.test.ts')
const inRegistration = by('tests/conformance/registration.test.ts')

const happy = atAuthorize('oidcc-server: a person signs in, and everything that comes of it is as it has to be')
const refresh = atToken('oidcc-refresh-token: a refresh token yields fresh tokens, to its own client alone')
const sound = inDiscovery('oidcc-discovery-endpoint-verification: what the issuer says of itself is sound')

export const traps = {
  'measured entropy': {
    code: must('A code is measured on its characters, and passes.', happy),
    tokens: must('So are access and refresh tokens.', refresh),
  },
  'key set': {
    sound: must('Keys are public and told apart by kid.', sound),
    named: must(
      'A header names one of them.',
      atAuthorize('oidcc-idtoken-signature: a client that says nothing of algorithms gets RS256, with a kid'),
    ),
  },
  'claims in the ID token': {
    scopes: must(
      'Scopes put nothing into it.',
      inClaims('oidcc-scope-email: the scope opens its two claims, at UserInfo alone'),
    ),
    ours: must('It says nothing of ours.', happy),
  },
  'claims at UserInfo': {
    complete: must(
      'Each claim of a granted scope is there, in its type.',
      inClaims('oidcc-scope-all: the scopes together open every claim, at UserInfo'),
    ),
  },
  auth_time: {
    kept: must(
      'It is when the person signed in, also after prompt=none.',
      inInteraction('oidcc-prompt-none-logged-in: whoever is signed in, and has consented, is not shown a page'),
    ),
    refreshed: must('It is the same after a refresh.', refresh),
  },
  're-authentication': {
    prompt: must(
      'prompt=login asks in spite of a session.',
      inInteraction('oidcc-prompt-login: whoever is signed in has to sign in again'),
    ),
    'max-age': must(
      'So does max_age, once it has passed.',
      inInteraction('oidcc-max-age-1: whoever signed in too long ago has to sign in again'),
    ),
    silent: must(
      'prompt=none shows no page to whoever has consented before.',
      inInteraction('oidcc-prompt-none-logged-in: whoever is signed in, and has consented, is not shown a page'),
    ),
  },
  'redirect URI': {
    exact: must(
      'It is compared byte for byte, and a bad one is never followed.',
      atAuthorize(
        'oidcc-ensure-registered-redirect-uri: a longer redirect URI is shown to the person and not followed',
      ),
    ),
  },
  'place of the answer': {
    query: must(
      'Without response_type the query is the place.',
      atAuthorize('oidcc-response-type-missing: the application is told in the query, with its state'),
    ),
    form: must(
      'With form_post it is the form, for errors too.',
      inFormPost('oidcc-response-type-missing: the application is told by a form'),
    ),
  },
  'members of an error': {
    alphabet: must(
      'There are no others, and descriptions keep to their alphabet.',
      atAuthorize('oidcc-prompt-none-not-logged-in: whoever is not signed in is not shown a page'),
    ),
  },
  'token endpoint errors': {
    form: must('They are 400, JSON and the exact code.', atToken('oidcc-codereuse: a code is good for once')),
    client: must(
      'They are 401 where the client is not who it says, and 400 where the token is not the client’s.',
      by('tests/flows/code.test.ts')('a refresh token is of no use to another client, and its own can still use it'),
    ),
  },
  'code reuse': {
    revokes: must(
      'It ends the access token at UserInfo.',
      atToken('oidcc-codereuse-30seconds: a code that comes again later takes its tokens with it'),
    ),
  },
  client_secret_basic: {
    decoded: must('Id and secret are decoded as a form is; those of the first client hold a colon, + and %.', happy),
  },
  'clients that leave things out': {
    nonce: must(
      'A nonce is not demanded.',
      atAuthorize('oidcc-ensure-request-without-nonce-succeeds-for-code-flow: a request without nonce has a code'),
    ),
    state: must(
      'Neither is a state, and none is made up.',
      atAuthorize('without a state there is an answer, and none in it'),
    ),
    pkce: must('Neither is PKCE of a client that authenticates.', happy),
    unknown: must(
      'Unknown parameters are no fault.',
      atAuthorize('oidcc-ensure-request-with-unknown-parameter-succeeds: an unknown parameter changes nothing'),
    ),
    languages: must(
      'Neither is a language that there are no words for.',
      inInteraction('oidcc-ui-locales: a language that there are no words for is no fault'),
    ),
    hint: must(
      'Neither is the hint of somebody unknown.',
      inInteraction('oidcc-login-hint: a hint of somebody unknown does no harm'),
    ),
  },
  'nonce in the front channel': {
    demanded: must(
      'It is demanded where an ID token comes from the authorization endpoint.',
      atAuthorize('oidcc-ensure-request-without-nonce-fails: an ID token from here answers a nonce, or there is none'),
    ),
  },
  'forms instead of links': {
    authorize: must(
      'The authorization endpoint takes a form.',
      atAuthorize('oidcc-ensure-post-request-succeeds: a request may be posted as a form'),
    ),
    userinfo: must(
      'UserInfo takes the token in one.',
      inClaims('oidcc-userinfo-post-body: UserInfo answers a POST with the token in the form'),
    ),
  },
  hashes: {
    'at-hash': must('at_hash is of the access token, and c_hash of the code, by the hash of the signature.', happy),
  },
  refresh: { answer: must('It is not stored, says expires_in, takes scope and keeps to its client.', refresh) },
  acr: {
    honest: must(
      'One of those that are advertised is returned.',
      inInteraction('oidcc-ensure-request-with-acr-values-succeeds: acr is one of those asked for'),
    ),
  },
  'request objects': {
    refused: must(
      'What is not read is refused by its name, and discovery says so.',
      atAuthorize(
        'oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported: request is refused by its name',
      ),
    ),
    read: must(
      'What is read is read whole: a state that stands in the object alone is answered.',
      inRegistration('oidcc-request-uri-signed-rs256: a signed request is fetched from where the client registered it'),
    ),
  },
  discovery: {
    sound: must('It has no unknown members, and those of every plan but the dynamic one.', sound),
    dynamic: must(
      'Where clients register themselves it has those of that plan too.',
      inRegistration('oidcc-discovery-endpoint-verification: discovery says where to register, and for what'),
    ),
    https: must(
      'Every endpoint is https where the issuer is.',
      inDiscovery('oidcc-discovery-endpoint-verification: an https issuer has https endpoints, behind a proxy too'),
    ),
  },
  registration: {
    answers: must(
      'Clients can register, read and delete themselves.',
      by('tests/flows/registration.test.ts')(
        'is told back everything it registered, when it registers and when it asks',
      ),
    ),
    form: must(
      'Keys without names are taken, and its end is answered with 204.',
      inRegistration('oidcc-server: a client that registers itself signs people in, by what it signs'),
    ),
    refused: must(
      'What may not be registered is refused as JSON, by the right code.',
      inRegistration('oidcc-redirect-uri-regfrag: a redirect URI with a fragment is not registered'),
    ),
    sector: must(
      'A sector is fetched at once.',
      inRegistration('oidcc-registration-sector-bad: a sector that does not list the redirect URI is refused'),
    ),
    'new-key': must(
      'Keys are fetched again for one that is not known.',
      inRegistration(
        'oidcc-refresh-token-rp-key-rotation: a key that the client changed is fetched when it first signs',
      ),
    ),
  },
  'signed UserInfo': {
    jwt: must(
      'It is application/jwt with iss and aud, and has neither nonce nor times.',
      by('tests/flows/pairwise.test.ts')('is told by signature what it asked to be told so'),
    ),
  },
  'sign-out': {
    hints: must(
      'A hint that is not ours leads nowhere.',
      inSignOut('oidcc-rp-initiated-logout-modified-id-token-hint: a hint without a signature is no hint'),
    ),
    'no-hint': must(
      'Neither does the lack of one.',
      inSignOut('oidcc-rp-initiated-logout-no-id-token-hint: an address of nobody is not followed'),
    ),
    over: must(
      'The session is over, and the state is all that comes back.',
      inSignOut('oidcc-rp-initiated-logout: a hint and a registered address lead back with the state'),
    ),
    others: must(
      'Other applications are told of it.',
      by('tests/flows/back-channel-logout.test.ts')(
        'oidcc-backchannel-rp-initiated-logout: it is sent a logout token, and nothing else, that it can verify',
      ),
    ),
    frames: must(
      'Their frames are loaded before the browser goes on.',
      by('tests/browser/logout.test.ts')(
        'oidcc-frontchannel-rp-initiated-logout: it ends its part of the session in a frame, before the browser goes on with the state',
      ),
    ),
  },
  'audience of a client assertion': {
    usual: must(
      'The token endpoint and the issuer are taken.',
      by('tests/attacks/client-assertion.test.ts')(
        'is taken for the issuer, the token endpoint, or several audiences, or nothing here would prove anything',
      ),
    ),
    strict: must(
      'Of clients under FAPI 2 the issuer alone is, as a text.',
      by('tests/attacks/client-assertion.test.ts')(
        'under FAPI 2 is for the issuer alone, as one text, and not by RSASSA-PKCS1-v1_5',
      ),
    ),
  },
  'FAPI 2': {
    timing: must(
      'Codes end after a minute, clocks may differ, and connections keep to good ciphers.',
      because(
        'The profile needs bound tokens, which are not spoken yet. Codes do end after a minute, and requests can be pushed.',
      ),
    ),
  },
} as const satisfies Demands
