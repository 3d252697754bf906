/** Auth0's password grant that says where the account is: `realm` is the name of a connection. */

import { DATABASE_STRATEGY, defaultDirectoryOf } from '../../identity/users.ts'
import { ProtocolError } from '../../kernel/errors.ts'
import type { Feature } from '../feature.ts'
import { passwordGrant } from '../password-grant.ts'

export const passwordRealm: Feature = {
  name: 'password-realm',
  spec: 'Auth0 http://auth0.com/oauth/grant-type/password-realm',
  grant: passwordGrant(
    'http://auth0.com/oauth/grant-type/password-realm',
    async ({ services: { store }, tenant, parameters }) => {
      const realm = parameters.get('realm')
      if (realm === undefined) return defaultDirectoryOf(store, tenant)
      const connection = await store.connections.findByName(tenant, realm)
      if (connection?.strategy !== DATABASE_STRATEGY)
        throw new ProtocolError('invalid_request', 'The realm is no connection that has passwords.')
      return connection
    },
  ),
}
