/** The plan for sign-ins that begin elsewhere: two modules, of which the provider sees the registration alone. */
import { by, type Demands, fails, must } from '../demand.ts'
import type { THIRD_PARTY_LOGIN_MODULES } from '../modules.ts'

const inRegistration = by('tests/conformance/registration.test.ts')

const echoed = inRegistration('oidcc-3rdparty-init-login: a client says where a sign-in begins, and reads it back')
const insecure = inRegistration('oidcc-3rdparty-init-login-nohttps: a sign-in that begins without TLS is refused')

export const thirdPartyLogin = {
  'oidcc-3rdparty-init-login': {
    registered: must('initiate_login_uri is in the answer to the registration.', echoed),
    read: must('It is at registration_client_uri too, for the registration_access_token: 200 and JSON.', echoed),
  },
  'oidcc-3rdparty-init-login-nohttps': {
    refused: fails('Registering one with http is answered with 400, JSON and invalid_client_metadata.', insecure),
  },
} as const satisfies Demands<(typeof THIRD_PARTY_LOGIN_MODULES)[number]>
