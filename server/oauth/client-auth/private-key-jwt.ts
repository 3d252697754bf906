/** The client signs with a key of which we know the public half alone, so nothing that could be stolen from us proves it. */
import { CLIENT_KEY_ALGORITHMS } from '../../clients/public-keys.ts'
import { disproveAssertion, findAssertion } from './assertion.ts'
import type { ClientAuthMethod } from './client-auth.ts'

export const privateKeyJwt: ClientAuthMethod = {
  name: 'private_key_jwt',
  spec: 'RFC 7523 §2.2, OpenID Connect Core §9',
  algorithms: CLIENT_KEY_ALGORITHMS,
  find: findAssertion(CLIENT_KEY_ALGORITHMS),
  async disprove(proving) {
    const { services, client } = proving
    if (client.authentication !== 'private_key_jwt') return 'method'
    return disproveAssertion(proving, CLIENT_KEY_ALGORITHMS, (proof, algorithms) =>
      services.clientKeys.verify(client, proof, algorithms),
    )
  },
}
