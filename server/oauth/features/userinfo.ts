/**
 * `/userinfo`: what is known of the person now, for a token that still counts. The token may come in the URL, where old
 * libraries put it: the request log has routes in the place of URLs, and the answer is kept by nobody and names no
 * address to whoever comes next.
 */
import { VerificationError } from '@latchkey/sdk/verify'
import { ID_TOKEN_ALGORITHMS } from '../../clients/metadata.ts'
import { bearerToken, challenge } from '../../http/bearer.ts'
import { type Answer, type Incoming, json } from '../../http/route.ts'
import { userinfoAudience } from '../../tokens/access-token.ts'
import { claimsOf } from '../../tokens/claims.ts'
import { signUserinfo } from '../../tokens/mint.ts'
import { bearerOf, type OwnToken, readAccessToken } from '../../tokens/returned-token.ts'
import type { Feature, OAuthServices } from '../feature.ts'
import { lastingOf, rememberedClaims } from '../requested-claims.ts'

const REALM = 'userinfo'

export const userinfo: Feature = {
  name: 'userinfo',
  spec: 'OpenID Connect Core 1.0 §5.3',
  metadata: issuer => ({
    userinfo_endpoint: `${issuer}userinfo`,
    userinfo_signing_alg_values_supported: ID_TOKEN_ALGORITHMS.filter(name => !name.startsWith('ML-DSA')),
  }),
  routes: services => {
    const answer = (incoming: Incoming) => tell(services, incoming)
    return [
      { method: 'GET', path: '/userinfo', cors: 'open', speaks: 'json', answer },
      { method: 'POST', path: '/userinfo', cors: 'open', speaks: 'json', answer },
    ]
  },
}

async function tell(services: OAuthServices, incoming: Incoming): Promise<Answer> {
  const { token, isInQuery } = bearerToken(incoming, REALM)
  const { client, person, sub, scopes } = await admit(services, incoming, token)
  const { user, authorization } = person
  const named = rememberedClaims(lastingOf(authorization.request)).userinfo
  const told = { ...claimsOf(user, scopes, named), sub }
  const headers = isInQuery ? IN_QUERY : {}
  if (client.userinfoAlgorithm === null) return json(200, told, headers)
  const signed = await signUserinfo({ ...services, client, issuer: incoming.issuer, now: services.clock() }, told)
  return {
    status: 200,
    headers: { 'content-type': 'application/jwt', 'cache-control': 'no-store', ...headers },
    body: signed,
  }
}

/** RFC 6750 §2.3. */
const IN_QUERY = { 'cache-control': 'private, no-store', 'referrer-policy': 'no-referrer' }

/** Throws with the challenge of RFC 6750 §3. */
async function admit(services: OAuthServices, incoming: Incoming, token: string) {
  const refuse = (reason: string) => challenge(REALM, 'invalid_token', reason)
  const own = await verify(services, incoming, token)
  if (!own.scopes.includes('openid'))
    throw challenge(REALM, 'insufficient_scope', 'The token lacks the scope openid.', 'openid')
  if (!own.audiences.includes(userinfoAudience(incoming.issuer)))
    throw refuse('the token is meant for another audience')
  // RFC 9449 §7.2, RFC 8705 §3: what is bound to a key is of no use to a bearer.
  if (own.claims['cnf'] !== undefined) throw refuse('The token is bound to a key, of which there is no proof.')
  const bearer = await bearerOf(services, incoming.tenant, own)
  if (!bearer?.person) throw refuse('The token was revoked.')
  return { client: bearer.client, person: bearer.person, sub: own.claims.sub, scopes: own.scopes }
}

async function verify(services: OAuthServices, incoming: Incoming, token: string): Promise<OwnToken> {
  try {
    return await readAccessToken(services, incoming, token)
  } catch (error) {
    if (!(error instanceof VerificationError)) throw error
    throw challenge(REALM, 'invalid_token', error.message)
  }
}
