/** The password grant by the name that Auth0 has for it where an application says which connection it means. */
import type { Feature } from '../feature.ts'
import { passwordGrant } from '../password-grant.ts'

export const passwordRealm: Feature = {
  name: 'password-realm',
  spec: 'Auth0 http://auth0.com/oauth/grant-type/password-realm',
  grant: passwordGrant('http://auth0.com/oauth/grant-type/password-realm'),
}
