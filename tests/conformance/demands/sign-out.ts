/** The plan for RP-initiated logout. Each module begins with a sign-in, which is asked what every one is. */
import { by, type Demands, must, warns } from '../demand.ts'
import type { SIGN_OUT_MODULES } from '../modules.ts'

const inSignOut = by('tests/conformance/sign-out.test.ts')
const inDiscovery = by('tests/conformance/discovery.test.ts')

const metadata = inDiscovery(
  'oidcc-rp-initiated-logout-discovery-endpoint-verification: discovery says where to sign out',
)
const whole = inSignOut('oidcc-rp-initiated-logout: a hint and a registered address lead back with the state')
const noState = inSignOut('oidcc-rp-initiated-logout-no-state: without a state none comes back')
const unregistered = inSignOut(
  'oidcc-rp-initiated-logout-bad-post-logout-redirect-uri: an unregistered address is not followed',
)
const longer = inSignOut(
  'oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri: a registered address with a query is another',
)
const unsigned = inSignOut('oidcc-rp-initiated-logout-modified-id-token-hint: a hint without a signature is no hint')
const foreign = inSignOut('oidcc-rp-initiated-logout-bad-id-token-hint: a hint that the application signed is no hint')
const noHint = inSignOut('oidcc-rp-initiated-logout-no-id-token-hint: an address of nobody is not followed')
const nothing = inSignOut('oidcc-rp-initiated-logout-no-params: a bare link signs out, after a question')
const noAddress = inSignOut(
  'oidcc-rp-initiated-logout-no-post-logout-redirect-uri: a hint without an address ends on our page',
)
const onlyState = inSignOut('oidcc-rp-initiated-logout-only-state: a state alone leads nowhere')

export const signOut = {
  'oidcc-rp-initiated-logout-discovery-endpoint-verification': {
    endpoint: must('end_session_endpoint is there.', metadata),
    https: must('It is https, and so is every member whose name ends in _endpoint.', metadata),
  },
  'oidcc-rp-initiated-logout': {
    redirect: must('The browser is sent to the registered address.', whole),
    state: must('The state comes back exactly.', whole),
    'only-state': warns('Nothing comes with it.', whole),
    'signed-out': must('prompt=none is answered with login_required or one of its kind then.', whole),
  },
  'oidcc-rp-initiated-logout-no-state': {
    redirect: must('The browser is sent to the registered address.', noState),
    'no-state': must('There is no state in it.', noState),
    'nothing-else': warns('Nothing else is either.', noState),
    'signed-out': must('prompt=none is answered with login_required or one of its kind then.', noState),
  },
  'oidcc-rp-initiated-logout-bad-post-logout-redirect-uri': {
    page: must('The person sees a page, and is not redirected.', unregistered),
  },
  'oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri': {
    page: must('The person sees a page, and is not redirected.', longer),
  },
  'oidcc-rp-initiated-logout-modified-id-token-hint': {
    page: must('The person sees an error or a question, and is not redirected.', unsigned),
  },
  'oidcc-rp-initiated-logout-bad-id-token-hint': {
    page: must('The person sees a page, and is not redirected.', foreign),
  },
  'oidcc-rp-initiated-logout-no-id-token-hint': {
    page: must('The person sees a page, and is not redirected.', noHint),
  },
  'oidcc-rp-initiated-logout-no-params': {
    'signed-out': must('The person is signed out, if need be after a question.', nothing),
    page: must('A page says so, and nobody is redirected.', nothing),
  },
  'oidcc-rp-initiated-logout-no-post-logout-redirect-uri': {
    'signed-out': must('The person is signed out, if need be after a question.', noAddress),
    page: must('A page says so, and nobody is redirected.', noAddress),
  },
  'oidcc-rp-initiated-logout-only-state': {
    'signed-out': must('The person is signed out, if need be after a question.', onlyState),
    page: must('A page says so, and nobody is redirected.', onlyState),
  },
} as const satisfies Demands<(typeof SIGN_OUT_MODULES)[number]>
