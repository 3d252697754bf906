/** The password grant: the account is in the tenant's default directory. OAuth 2.1 has it no more; what is there needs it. */
import { defaultDirectoryOf } from '../../identity/users.ts'
import type { Feature } from '../feature.ts'
import { passwordGrant } from '../password-grant.ts'

export const password: Feature = {
  name: 'password',
  spec: 'RFC 6749 §4.3',
  grant: passwordGrant('password', ({ services, tenant }) => defaultDirectoryOf(services.store, tenant)),
}
