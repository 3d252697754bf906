/**
 * `/userinfo`: what is known of the person now, for a token that still counts. A token that verifies may have
 * been revoked since, so its authorization, session and epochs are read, all in one query.
 */
import {
  accessToken,
  allowAlgorithms,
  checkClaims,
  requireScopes,
  VerificationError,
  type VerifiedToken,
  verifySignature,
} from '@latchkey/sdk/verify'
import { ID_TOKEN_ALGORITHMS } from '../../clients/metadata.ts'
import { type Answer, type Incoming, json } from '../../http/route.ts'
import { isLive } from '../../identity/sessions.ts'
import { ProtocolError } from '../../kernel/errors.ts'
import { userinfoAudience } from '../../tokens/access-token.ts'
import { claimsOf } from '../../tokens/claims.ts'
import type { Feature, OAuthServices } from '../feature.ts'
import { lastingOf, rememberedClaims } from '../requested-claims.ts'

export const userinfo: Feature = {
  name: 'userinfo',
  spec: 'OpenID Connect Core 1.0 §5.3',
  metadata: issuer => ({ userinfo_endpoint: `${issuer}userinfo` }),
  routes: services => {
    const answer = (incoming: Incoming) => tell(services, incoming)
    return [
      { method: 'GET', path: '/userinfo', cors: 'open', speaks: 'json', answer },
      { method: 'POST', path: '/userinfo', cors: 'open', speaks: 'json', answer },
    ]
  },
}

async function tell(services: OAuthServices, incoming: Incoming): Promise<Answer> {
  const token = await verify(services, incoming, bearerOf(incoming))
  const { claims } = token
  const standing = await services.store.authorizations.standing(
    incoming.tenant,
    authorizationOf(claims['jti']),
    text(claims['sid']),
  )
  const { authorization, user, client, session } = standing ?? {}
  const now = services.clock()

  const counts =
    user !== undefined &&
    !user.blocked &&
    authorization?.state === 'live' &&
    client !== undefined &&
    user.id === claims.sub &&
    user.epoch === claims['subject_epoch'] &&
    client.epoch === claims['client_epoch'] &&
    (claims['sid'] === undefined || (session !== undefined && isLive(session, user, now)))
  if (!counts) throw refusal('invalid_token', 'The token was revoked.')
  const { userinfo } = rememberedClaims(lastingOf(authorization.request))
  return json(200, { sub: user.id, ...claimsOf(user, text(claims['scope'])?.split(' ') ?? [], userinfo) })
}

/** RFC 6750 §2.1 and §2.2: in the header, or in a form body; not both. */
function bearerOf(incoming: Incoming): string {
  const header = incoming.header('authorization')
  const [, fromHeader] = /^bearer +([\w\-.~+/]+=*)$/i.exec(header ?? '') ?? []
  const fromBody = incoming.body.get('access_token')
  if (incoming.body.repeated.length > 0 || (header !== undefined && fromBody !== undefined))
    throw refusal('invalid_request', 'The token is sent more than once.')
  const token = fromHeader ?? fromBody
  if (token !== undefined) return token
  if (header !== undefined) throw refusal('invalid_request', 'The Authorization header holds no bearer token.')
  throw new ProtocolError('invalid_token', 'There is no token.', { 'www-authenticate': 'Bearer realm="userinfo"' })
}

/** Throws with the challenge of RFC 6750 §3. */
async function verify(
  { keyring, clock }: OAuthServices,
  { tenant, issuer }: Incoming,
  token: string,
): Promise<VerifiedToken> {
  try {
    const signed = await verifySignature(token, request => keyring.verificationKey(tenant, request), ALGORITHMS)
    // Our own clock wrote these times: there is nothing to be lenient about.
    const verified = checkClaims(
      signed,
      accessToken({ issuer, audience: userinfoAudience(issuer), leewaySeconds: 0 }),
      clock(),
    )
    requireScopes(verified, 'openid')
    return verified
  } catch (error) {
    if (!(error instanceof VerificationError)) throw error
    throw refusal(error.code === 'insufficient_scope' ? 'insufficient_scope' : 'invalid_token', error.message)
  }
}

/** Those that a published key can vouch with. An API's HS256 secret never reaches this far. */
const ALGORITHMS = allowAlgorithms(ID_TOKEN_ALGORITHMS)

const refusal = (
  code: 'invalid_token' | 'insufficient_scope' | 'invalid_request',
  description: string,
): ProtocolError =>
  new ProtocolError(code, description, {
    'www-authenticate': `Bearer realm="userinfo", error="${code}", error_description="${description}"`,
  })

const text = (claim: unknown): string | undefined => (typeof claim === 'string' ? claim : undefined)

/** The part of a `jti` before its random one. */
const authorizationOf = (jti: unknown): string => text(jti)?.split('.')[0] ?? ''
