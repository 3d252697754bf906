/** Tokens for machines: as many as the peer gives, and as many as bare signatures. */
import type { Figure } from './figure.ts'
import type { Request } from './load/connection.ts'
import type { Scenario } from './load/scenarios.ts'
import { compare, ratioFigure, soundTokens, withBoth } from './measure.ts'
import { type Algorithm, apiOf, basic, machineOf } from './world.ts'

export const tokenRequest = (algorithm: Algorithm): Request => ({
  method: 'POST',
  target: '/oauth/token',
  headers: { authorization: basic(machineOf(algorithm)) },
  form: new URLSearchParams({
    grant_type: 'client_credentials',
    resource: apiOf(algorithm),
    scope: 'read:videos write:videos',
  }).toString(),
})

export const askForToken = (algorithm: Algorithm): Scenario => ({ name: 'repeat', request: tokenRequest(algorithm) })

export const measureTokens = (): Promise<readonly Figure[]> =>
  withBoth('sqlite', async (product, peer) => {
    const rates = async (algorithm: Algorithm) =>
      compare([product, peer], {
        algorithm,
        scenarioFor: async () => askForToken(algorithm),
        verify: soundTokens(algorithm, { idToken: false }),
        bare: algorithm,
      })
    const [rsa, ec] = [await rates('RS256'), await rates('ES256')]
    return [
      ratioFigure('client_credentials, RS256, to oidc-provider', rsa, 'oidc-provider', { atLeast: 1.3 }),
      ratioFigure('client_credentials, RS256, to bare signatures', rsa, 'bare', { atLeast: 0.6 }),
      ratioFigure('client_credentials, ES256, to oidc-provider', ec, 'oidc-provider', { atLeast: 1.8 }),
      ratioFigure('client_credentials, ES256, to bare signatures', ec, 'bare', null),
    ]
  })
