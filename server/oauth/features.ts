/** THE LIST: what this provider speaks. A line removed is a feature gone, from discovery to its last route. */
import type { Feature } from './feature.ts'
import { audience } from './features/audience.ts'
import { authorizationCode } from './features/authorization-code.ts'
import { backchannelLogout } from './features/backchannel-logout.ts'
import { claims } from './features/claims.ts'
import { clientCredentials } from './features/client-credentials.ts'
import { endSession } from './features/end-session.ts'
import { frontchannelLogout } from './features/frontchannel-logout.ts'
import { implicit } from './features/implicit.ts'
import { interaction } from './features/interaction.ts'
import { introspection } from './features/introspection.ts'
import { loginTicket } from './features/login-ticket.ts'
import { logout } from './features/logout.ts'
import { openid } from './features/openid.ts'
import { organization } from './features/organization.ts'
import { par } from './features/par.ts'
import { password } from './features/password.ts'
import { passwordRealm } from './features/password-realm.ts'
import { passwordlessOtp } from './features/passwordless-otp.ts'
import { pkce } from './features/pkce.ts'
import { refreshToken } from './features/refresh-token.ts'
import { registration } from './features/registration.ts'
import { requestObject } from './features/request-object.ts'
import { revocation } from './features/revocation.ts'
import { sessionManagement } from './features/session-management.ts'
import { userinfo } from './features/userinfo.ts'

export const features: readonly Feature[] = [
  authorizationCode,
  implicit,
  pkce,
  openid,
  claims,
  audience,
  interaction,
  loginTicket,
  organization,
  par,
  requestObject,
  refreshToken,
  clientCredentials,
  password,
  passwordRealm,
  passwordlessOtp,
  userinfo,
  registration,
  introspection,
  revocation,
  logout,
  endSession,
  backchannelLogout,
  frontchannelLogout,
  sessionManagement,
]
