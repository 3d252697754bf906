/** OpenID Connect's part of a request and of the answers: the issuer's own scopes, the nonce and the ID token. */
import { ProtocolError } from '../../kernel/errors.ts'
import { answersWith } from '../../policy/response-types.ts'
import { userinfoAudience } from '../../tokens/access-token.ts'
import { CLAIMS_OF_SCOPE } from '../../tokens/claims.ts'
import type { Feature } from '../feature.ts'

const LONGEST_NONCE = 1024
const SCOPES = ['openid', ...Object.keys(CLAIMS_OF_SCOPE)]

export const openid: Feature = {
  name: 'openid',
  spec: 'OpenID Connect Core 1.0 §3',
  answers: ['id_token'],
  metadata: () => ({
    grant_types_supported: ['implicit'],
    scopes_supported: SCOPES,
    subject_types_supported: ['public', 'pairwise'],
    claims_supported: [
      ...['iss', 'sub', 'aud', 'exp', 'iat', 'auth_time', 'nonce', 'acr', 'amr', 'sid'],
      ...Object.values(CLAIMS_OF_SCOPE).flat(),
    ],
  }),
  steps: {
    'authorize.validate': ({ parameters, incoming, responseType, scopes, draft, allow }) => {
      const nonce = parameters.get('nonce')
      if (nonce !== undefined && nonce.length > LONGEST_NONCE)
        throw new ProtocolError('invalid_request', `nonce is longer than ${LONGEST_NONCE} characters.`)
      if (answersWith(responseType, 'id_token')) {
        // A token that went through the browser is good for the request that it answers, and for no other (§3.2.2.1, §3.3.2.11).
        if (nonce === undefined) throw new ProtocolError('invalid_request', 'nonce is missing.')
        if (!scopes.includes('openid'))
          throw new ProtocolError('invalid_request', 'An ID token is asked for without the scope openid.')
      }
      if (!scopes.includes('openid')) return
      allow(userinfoAudience(incoming.issuer), SCOPES)
      if (nonce !== undefined) draft.notes['openid'] = { nonce }
    },

    'authorize.respond': ({ request, wanted }) => {
      wanted.idToken = answersWith(request.responseType, 'id_token')
    },

    'token.ask': ({ issuer, scopes, allow }) => {
      if (scopes.includes('openid')) allow(userinfoAudience(issuer), SCOPES)
    },

    'token.shape': context => {
      const { entitlement, presented, issuer } = context
      const { audiences, narrowTo } = entitlement
      const isGranted = audiences[userinfoAudience(issuer)]?.includes('openid')
      if (!isGranted || narrowTo?.includes('openid') === false) return
      const nonce = presented.request?.notes['openid']?.['nonce']
      context.idToken = { nonce: typeof nonce === 'string' ? nonce : null }
    },
  },
}
