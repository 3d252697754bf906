/**
 * Access tokens from `/authorize` itself, alone or beside a code. RFC 9700 §2.1.2 advises against them: a client has
 * them only where the operator allows it. Making the token is the endpoint's, as at the token endpoint.
 */
import { answersWith } from '../../policy/response-types.ts'
import type { Feature } from '../feature.ts'

export const implicit: Feature = {
  name: 'implicit',
  spec: 'RFC 6749 §4.2',
  answers: ['token'],
  metadata: () => ({ grant_types_supported: ['implicit'] }),
  steps: {
    'authorize.respond': ({ request, wanted }) => {
      wanted.accessToken = answersWith(request.responseType, 'token')
    },
  },
}
