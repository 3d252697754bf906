/** Who may call the Management API: whoever brings a token that is for it, still counts, and holds the scope. */
import { VerificationError } from '@latchkey/sdk/verify'
import { type ManagementScope, managementAudience } from '../clients/system-apis.ts'
import { bearerToken, challenge } from '../http/bearer.ts'
import type { Incoming } from '../http/route.ts'
import { type Bearer, bearerOf, type OwnToken, readAccessToken } from '../tokens/returned-token.ts'
import type { ApiServices } from './services.ts'

const REALM = 'management'

export interface Admitted extends Bearer {
  readonly token: OwnToken
}

/** Whoever has all of the scopes. Throws with the challenge of RFC 6750 §3. */
export async function admit(
  services: ApiServices,
  incoming: Incoming,
  ...scopes: readonly [ManagementScope, ...ManagementScope[]]
): Promise<Admitted> {
  const { token: text, isInQuery } = bearerToken(incoming, REALM)
  if (isInQuery) throw challenge(REALM, 'invalid_request', 'The token belongs into the Authorization header.')
  const token = await read(services, incoming, text)
  if (!token.audiences.includes(managementAudience(incoming.issuer)))
    throw challenge(REALM, 'invalid_token', 'the token is meant for another audience')
  const missing = scopes.filter(scope => !token.scopes.includes(scope))
  if (missing.length > 0) {
    const named = `the scope${missing.length > 1 ? 's' : ''} ${missing.join(' and ')}`
    throw challenge(REALM, 'insufficient_scope', `The token lacks ${named}.`, scopes.join(' '))
  }
  // RFC 9449 §7.2, RFC 8705 §3: what is bound to a key is of no use to a bearer.
  if (token.claims['cnf'] !== undefined)
    throw challenge(REALM, 'invalid_token', 'The token is bound to a key, of which there is no proof.')
  const bearer = await bearerOf(services, incoming.tenant, token)
  if (!bearer) throw challenge(REALM, 'invalid_token', 'The token was revoked.')
  return { ...bearer, token }
}

async function read(services: ApiServices, incoming: Incoming, token: string): Promise<OwnToken> {
  try {
    return await readAccessToken(services, incoming, token)
  } catch (error) {
    if (!(error instanceof VerificationError)) throw error
    throw challenge(REALM, 'invalid_token', error.message)
  }
}
