/**
 * `/oauth/token`: the order of checks is the order of this file's one function. Prove, then spend: nothing is
 * consumed until the caller has proven everything, so that a stranger's try costs the rightful one nothing.
 */
import { occasionOf } from '../audit/events.ts'
import { type Incoming, json, type Route } from '../http/route.ts'
import { ProtocolError } from '../kernel/errors.ts'
import { askedHere } from './asked.ts'
import { authenticateClient } from './client-auth/authenticate.ts'
import { refuseRepetition } from './client-requests.ts'
import type { Feature, Grant, OAuthServices, TokenContext } from './feature.ts'
import { withForwardedAddress } from './forwarded-address.ts'
import { issueTokens } from './issue-tokens.ts'
import { runPhase } from './phases.ts'

export function tokenRoute(services: OAuthServices, features: readonly Feature[]): Route {
  const grants = new Map(features.flatMap(({ grant }): [string, Grant][] => (grant ? [[grant.type, grant]] : [])))

  async function answer(incoming: Incoming) {
    const parameters = incoming.body
    refuseRepetition(incoming)
    const now = services.clock()
    const occasion = occasionOf(incoming, now)
    const client = await authenticateClient(services, incoming, occasion)
    const grant = chooseGrant(grants, parameters.get('grant_type'), client.grantTypes)

    const request = {
      services,
      issuer: incoming.issuer,
      tenant: incoming.tenant,
      client,
      parameters,
      occasion: withForwardedAddress(occasion, client, incoming),
      now,
      grantType: grant.type,
      asked: () => askedHere(services, features, { ...incoming, client, parameters }),
      writes: [],
      answer: {},
    }
    const context: TokenContext = { ...request, presented: await grant.present(request) }
    await prove(grant, context)
    await runPhase('token.bind', features, context)
    const entitlement = await grant.redeem(context)
    const tokens = await issueTokens(features, context, entitlement, { accessToken: true, idToken: true, code: null })
    return json(200, { ...tokens, ...context.answer })
  }

  async function prove(grant: Grant, context: TokenContext): Promise<void> {
    try {
      await runPhase('token.redeem', features, context)
    } catch (error) {
      if (error instanceof ProtocolError) await grant.misproven?.(context)
      throw error
    }
  }

  return { method: 'POST', path: '/oauth/token', cors: 'open', speaks: 'json', answer }
}

function chooseGrant(grants: ReadonlyMap<string, Grant>, type: string | undefined, allowed: readonly string[]): Grant {
  if (type === undefined) throw new ProtocolError('invalid_request', 'grant_type is missing.')
  const grant = grants.get(type)
  if (!grant) throw new ProtocolError('unsupported_grant_type', 'This grant_type is not supported.')
  if (!allowed.includes(type))
    throw new ProtocolError('unauthorized_client', `Grant type ${type} not allowed for the client.`)
  return grant
}
