/** No authentication: a public client names itself (RFC 6749 §2.1). What it presents is bound by PKCE and rotation instead. */
import { isPublic } from '../../clients/metadata.ts'
import type { ClientAuthMethod } from './client-auth.ts'

export const none: ClientAuthMethod = {
  name: 'none',
  spec: 'RFC 6749 §3.2.1',
  find: ({ body }) => {
    const clientId = body.get('client_id')
    // An assertion that no method recognises is a proof that failed, not the lack of one.
    return clientId === undefined || body.has('client_assertion') ? undefined : { clientId, proof: '' }
  },
  disprove: ({ client }) => (isPublic(client) ? null : 'method'),
}
