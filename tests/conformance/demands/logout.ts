/** The plans for the ways in which applications learn of a logout. Each module begins with a sign-in, which is asked what every one is. */
import { because, by, type Demands, fails, must, warns } from '../demand.ts'
import type { BACK_CHANNEL_MODULES, FRONT_CHANNEL_MODULES, SESSION_MODULES } from '../modules.ts'

const inDiscovery = by('tests/conformance/discovery.test.ts')
const inServer = by('tests/flows/back-channel-logout.test.ts')
const inBrowser = by('tests/browser/logout.test.ts')

const backMetadata = inDiscovery(
  'oidcc-backchannel-logout-discovery-endpoint-verification: discovery says that applications are told by the server',
)
const told = inServer(
  'oidcc-backchannel-rp-initiated-logout: it is sent a logout token, and nothing else, that it can verify',
)
const frontMetadata = inDiscovery(
  'oidcc-frontchannel-logout-discovery-endpoint-verification: discovery says that applications are told by the browser',
)
const framed = inBrowser(
  'oidcc-frontchannel-rp-initiated-logout: it ends its part of the session in a frame, before the browser goes on with the state',
)
const watchMetadata = inDiscovery(
  'oidcc-session-management-discovery-endpoint-verification: discovery says which frame tells of the session',
)
const watched = inBrowser(
  'oidcc-session-management-rp-initiated-logout: a frame of the provider tells whether somebody signed in or out since its answer',
)

export const backChannel = {
  'oidcc-backchannel-logout-discovery-endpoint-verification': {
    supported: fails('backchannel_logout_supported is true.', backMetadata),
    'session-supported': fails('backchannel_logout_session_supported is true.', backMetadata),
    endpoint: fails('end_session_endpoint is there and https.', backMetadata),
  },
  'oidcc-backchannel-rp-initiated-logout': {
    post: must('The application’s address is sent a form by POST.', told),
    'only-token': warns('logout_token is all that the form holds.', told),
    tls: warns(
      'The connection is TLS 1.2 with AES-GCM and ephemeral keys, or TLS 1.3.',
      because(
        'The application speaks plain HTTP in the tests; over https the guard of outgoing requests is the client.',
      ),
    ),
    signature: must('Its signature is verified by a published key, and the header names it.', told),
    claims: must('iss, aud, iat and jti are there and right.', told),
    events: must('events holds the back-channel logout event and nothing else.', told),
    nonce: must('There is no nonce.', told),
    sid: must('sid is that of the ID token.', told),
    sub: must('sub is that of the ID token.', told),
    redirect: must('The browser is sent back with the state.', told),
    'signed-out': must('prompt=none is answered with login_required or one of its kind then.', told),
  },
} as const satisfies Demands<(typeof BACK_CHANNEL_MODULES)[number]>

export const frontChannel = {
  'oidcc-frontchannel-logout-discovery-endpoint-verification': {
    supported: fails('frontchannel_logout_supported is true.', frontMetadata),
    'session-supported': fails('frontchannel_logout_session_supported is true.', frontMetadata),
    endpoint: fails('end_session_endpoint is there and https.', frontMetadata),
  },
  'oidcc-frontchannel-rp-initiated-logout': {
    frame: must('The page that signs out loads the application’s address, its own query kept, in a frame.', framed),
    iss: must('iss is the issuer exactly.', framed),
    sid: must('sid is that of the ID token.', framed),
    'nothing-else': warns('Nothing else is added.', framed),
    order: must('Only then the browser is sent back, with the state.', framed),
    'signed-out': must('prompt=none is answered with login_required or one of its kind then.', framed),
  },
} as const satisfies Demands<(typeof FRONT_CHANNEL_MODULES)[number]>

export const sessions = {
  'oidcc-session-management-discovery-endpoint-verification': {
    frame: fails('check_session_iframe is there and https.', watchMetadata),
    endpoint: fails('end_session_endpoint is there and https.', watchMetadata),
  },
  'oidcc-session-management-rp-initiated-logout': {
    'session-state': must('The answer holds session_state.', watched),
    unchanged: must('The frame says unchanged while the session lives.', watched),
    changed: must('The frame says changed after the logout.', watched),
    'other-site': must(
      'It says both to an application of another site: its cookie is SameSite=None and Secure.',
      inBrowser(
        'oidcc-session-management-rp-initiated-logout: the frame tells as much on a page of another site, over https',
      ),
    ),
  },
} as const satisfies Demands<(typeof SESSION_MODULES)[number]>
