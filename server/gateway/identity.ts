/** How services are told who is calling: in headers, in a JWT of our own, or in both, as each route of the plan says. */
import { OperatorError } from '../kernel/errors.ts'
import type { OwnEndpoint } from './edge.ts'
import { createIdentityHeaders, type IdentityHeaders } from './identity-headers.ts'
import { readIdentityKey } from './identity-key.ts'
import { createIdentityTokens, identityKeySet } from './identity-token.ts'
import type { EdgePlan, RoutePlan } from './plan.ts'

export interface Identity {
  readonly identityOf: IdentityHeaders
  /** Every header that is ours to set, of whichever route, in lower case. */
  readonly identityHeaders: readonly string[]
  readonly endpoints: readonly OwnEndpoint[]
}

/** @throws OperatorError for a key that cannot sign. */
export function openIdentity({ routes, identityKey }: Pick<EdgePlan, 'routes' | 'identityKey'>): Identity {
  const named = createIdentityHeaders()
  const identityHeaders = routes.flatMap(identityHeadersOf)
  if (!identityKey) return { identityOf: named, identityHeaders, endpoints: [] }
  const key = readIdentityKey(identityKey)
  if (typeof key === 'string') throw new OperatorError(key)
  const tokens = createIdentityTokens(key)
  return {
    identityOf: (route, caller, now) =>
      route.identityToken ? [...named(route, caller), ...tokens(route, caller, now)] : named(route, caller),
    identityHeaders,
    endpoints: [identityKeySet(key)],
  }
}

export const identityHeadersOf = ({ identity, identityToken }: RoutePlan): readonly string[] => [
  ...identity.map(({ header }) => header),
  ...(identityToken ? [identityToken.header] : []),
]
