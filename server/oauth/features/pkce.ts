/**
 * Proof Key for Code Exchange: the code is of use only to whoever began the request. Taken from all clients; that
 * those which cannot authenticate have to use it is the endpoint's demand (`authorization-request.ts`). Exactly a
 * challenge with its verifier passes: neither may be missing while the other is there, or leaving one out would switch
 * the check off.
 */
import type { CodeChallengeMethod } from '../../clients/metadata.ts'
import { ProtocolError } from '../../kernel/errors.ts'
import { equalSecrets, sha256 } from '../../kernel/secrets.ts'
import type { Feature } from '../feature.ts'
import { CHALLENGED_NOTE } from '../request-notes.ts'

/** RFC 7636 §4.1: 43 to 128 unreserved characters. */
const VERIFIER = /^[A-Za-z0-9\-._~]{43,128}$/

interface Method {
  readonly challenge: RegExp
  readonly describes: string
  readonly derive: (verifier: string) => string
}

/** §4.2. The plain one protects nothing once the request is seen: it is for clients that the operator lets have it. */
const METHODS: Readonly<Record<CodeChallengeMethod, Method>> = {
  S256: { challenge: /^[A-Za-z0-9_-]{43}$/, describes: 'a SHA-256 digest as base64url', derive: sha256 },
  plain: { challenge: VERIFIER, describes: '43 to 128 unreserved characters', derive: verifier => verifier },
}

export const pkce: Feature = {
  name: 'pkce',
  spec: 'RFC 7636',
  // `plain` is left out: whoever reads this should not choose it.
  metadata: () => ({ code_challenge_methods_supported: ['S256'] }),
  steps: {
    'authorize.validate': ({ client, parameters, draft }) => {
      const challenge = parameters.get('code_challenge')
      const method = parameters.get('code_challenge_method')
      if (challenge === undefined) {
        if (method !== undefined)
          throw new ProtocolError('invalid_request', 'code_challenge_method without code_challenge.')
        return
      }
      // §4.3: without a method it is `plain`.
      const chosen = client.codeChallengeMethods.find(one => one === (method ?? 'plain'))
      if (!chosen)
        throw new ProtocolError(
          'invalid_request',
          `code_challenge_method has to be ${client.codeChallengeMethods.join(' or ')}.`,
        )
      if (!METHODS[chosen].challenge.test(challenge))
        throw new ProtocolError('invalid_request', `code_challenge is not ${METHODS[chosen].describes}.`)
      draft.notes[CHALLENGED_NOTE] = { challenge, method: chosen }
    },

    'token.redeem': ({ presented, parameters }) => {
      if (!presented.request) return
      const { challenge, method } = presented.request.notes[CHALLENGED_NOTE] ?? {}
      const verifier = parameters.get('code_verifier')
      if (challenge === undefined && verifier === undefined) return
      const matches =
        typeof challenge === 'string' &&
        verifier !== undefined &&
        VERIFIER.test(verifier) &&
        equalSecrets(METHODS[method as CodeChallengeMethod].derive(verifier), challenge)
      if (!matches) throw new ProtocolError('invalid_grant', 'Failed to verify code verifier')
    },
  },
}
