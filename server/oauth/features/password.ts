/** The password grant. OAuth 2.1 has it no more; what is there needs it. */
import type { Feature } from '../feature.ts'
import { passwordGrant } from '../password-grant.ts'

export const password: Feature = {
  name: 'password',
  spec: 'RFC 6749 §4.3',
  grant: passwordGrant('password'),
}
