/** Who may call the Management API: whoever brings a token that is for it, still counts, and holds a scope that is asked for. */
import { VerificationError } from '@latchkey/sdk/verify'
import { managementAudience } from '../clients/system-apis.ts'
import { bearerToken, challenge } from '../http/bearer.ts'
import type { Incoming } from '../http/route.ts'
import { type Bearer, bearerOf, type OwnToken, readAccessToken } from '../tokens/returned-token.ts'
import type { ScopeRule } from './operation.ts'
import type { ApiServices } from './services.ts'

const REALM = 'management'

export interface Admitted extends Bearer {
  readonly token: OwnToken
}

/** Throws with the challenge of RFC 6750 §3. */
export async function admit(services: ApiServices, incoming: Incoming, rule: ScopeRule): Promise<Admitted> {
  const admitted = await identify(services, incoming)
  demandScopes(admitted.token.scopes, rule)
  return admitted
}

/** Whoever calls, whatever they may. Throws likewise. */
export async function identify(services: ApiServices, incoming: Incoming): Promise<Admitted> {
  const { token: text, isInQuery } = bearerToken(incoming, REALM)
  if (isInQuery) throw challenge(REALM, 'invalid_request', 'The token belongs into the Authorization header.')
  const token = await read(services, incoming, text)
  const audience = managementAudience(incoming.issuer)
  if (!token.audiences.includes(audience))
    throw challenge(REALM, 'invalid_token', `The token is for another audience than this API, which is ${audience}.`)
  // RFC 9449 §7.2, RFC 8705 §3: what is bound to a key is of no use to a bearer.
  if (token.claims['cnf'] !== undefined)
    throw challenge(REALM, 'invalid_token', 'The token is bound to a key, of which there is no proof.')
  const bearer = await bearerOf(services, incoming.tenant, token)
  if (!bearer) throw challenge(REALM, 'invalid_token', 'The token was revoked.')
  // An API may have had this audience before the tenant had the domain in it: what that gave people is nothing here.
  if (bearer.person !== null) throw challenge(REALM, 'invalid_token', 'The Management API is for machines.')
  return { ...bearer, token }
}

/** The sentence begins as Auth0's, by which its deployment tool knows what it may leave out. */
export function demandScopes(held: readonly string[], rule: ScopeRule): void {
  const [quantity, scopes] = 'allOf' in rule ? (['all', rule.allOf] as const) : (['any', rule] as const)
  const holds = (scope: string) => held.includes(scope)
  const suffices = quantity === 'all' ? scopes.every(holds) : scopes.some(holds)
  if (!suffices)
    throw challenge(
      REALM,
      'insufficient_scope',
      `Insufficient scope, expected ${quantity} of: ${scopes.join(',')}`,
      scopes.join(' '),
    )
}

async function read(services: ApiServices, incoming: Incoming, token: string): Promise<OwnToken> {
  try {
    return await readAccessToken(services, incoming, token)
  } catch (error) {
    if (!(error instanceof VerificationError)) throw error
    throw challenge(REALM, 'invalid_token', `The token is not valid: ${error.message}.`)
  }
}
