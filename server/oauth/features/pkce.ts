/**
 * Proof Key for Code Exchange: the code is of use only to whoever began the request. Demanded of clients that
 * cannot authenticate; taken from all. Exactly a challenge with its verifier passes: neither may be missing
 * while the other is there, or leaving one out would switch the check off.
 */
import { isPublic } from '../../clients/metadata.ts'
import { ProtocolError } from '../../kernel/errors.ts'
import { equalSecrets, sha256 } from '../../kernel/secrets.ts'
import type { Feature } from '../feature.ts'

/** RFC 7636 §4.1 and §4.2: 43 to 128 unreserved characters; a SHA-256 challenge has exactly 43. */
const VERIFIER = /^[A-Za-z0-9\-._~]{43,128}$/
const CHALLENGE = /^[A-Za-z0-9_-]{43}$/

export const pkce: Feature = {
  name: 'pkce',
  spec: 'RFC 7636',
  metadata: () => ({ code_challenge_methods_supported: ['S256'] }),
  steps: {
    'authorize.validate': ({ client, parameters, draft }) => {
      const challenge = parameters.get('code_challenge')
      const method = parameters.get('code_challenge_method')
      if (challenge === undefined) {
        if (method !== undefined)
          throw new ProtocolError('invalid_request', 'code_challenge_method without code_challenge.')
        if (isPublic(client)) throw new ProtocolError('invalid_request', 'This client has to send a code_challenge.')
        return
      }
      // Without a method it would be `plain` (§4.3), which protects nothing once the request is seen.
      if (method !== 'S256') throw new ProtocolError('invalid_request', 'code_challenge_method has to be S256.')
      if (!CHALLENGE.test(challenge))
        throw new ProtocolError('invalid_request', 'code_challenge is not a SHA-256 digest as base64url.')
      draft.notes['pkce'] = { challenge }
    },

    'token.redeem': ({ presented, parameters }) => {
      if (!presented.request) return
      const challenge = presented.request.notes['pkce']?.['challenge']
      const verifier = parameters.get('code_verifier')
      if (challenge === undefined && verifier === undefined) return
      const matches =
        typeof challenge === 'string' &&
        verifier !== undefined &&
        VERIFIER.test(verifier) &&
        equalSecrets(sha256(verifier), challenge)
      if (!matches) throw new ProtocolError('invalid_grant', 'Failed to verify code verifier')
    },
  },
}
