/**
 * The client's secret, in the Authorization header or in the body (RFC 6749 §2.3.1). A client with a secret may
 * use either, as Auth0's applications do whose libraries choose the one their settings do not name.
 */
import { ProtocolError } from '../../kernel/errors.ts'
import { equalSecrets, sha256 } from '../../kernel/secrets.ts'
import type { ClientAuthMethod } from './client-auth.ts'

/** RFC 6749 §5.2: what a failed try with the header is answered with. */
export const BASIC_CHALLENGE = { 'www-authenticate': 'Basic realm="token", charset="UTF-8"' } as const

/** Digests are compared, so neither the secret's length nor a common beginning shows in the time. */
const disprove: ClientAuthMethod['disprove'] = ({ client, proof }) =>
  client.secretHash === null ? 'method' : equalSecrets(client.secretHash, sha256(proof)) ? null : 'secret'

export const secretPost: ClientAuthMethod = {
  name: 'client_secret_post',
  spec: 'RFC 6749 §2.3.1',
  isGuessable: true,
  find: ({ body }) => {
    const clientId = body.get('client_id')
    const proof = body.get('client_secret')
    return clientId === undefined || proof === undefined ? undefined : { clientId, proof }
  },
  disprove,
}

export const secretBasic: ClientAuthMethod = {
  name: 'client_secret_basic',
  spec: 'RFC 6749 §2.3.1',
  isGuessable: true,
  find: incoming => {
    const header = incoming.header('authorization')
    if (header === undefined) return undefined
    const [, encoded] = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header) ?? []
    if (encoded === undefined)
      throw new ProtocolError('invalid_client', 'The Authorization header is not Basic.', BASIC_CHALLENGE)
    const [id, ...secret] = Buffer.from(encoded, 'base64').toString().split(':')
    return { clientId: formDecoded(id ?? ''), proof: formDecoded(secret.join(':')) }
  },
  disprove,
}

/** Both parts are form-encoded before they are joined, which most clients do and some forget. */
function formDecoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}
