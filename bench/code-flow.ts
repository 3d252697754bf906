/** A whole code flow with PKCE, from `/authorize` to tokens, for somebody who is signed in. */
import { signedIn } from './contenders.ts'
import type { Figure } from './figure.ts'
import { compare, IN_FLIGHT, ratioFigure, soundTokens, withBoth } from './measure.ts'
import type { Algorithm } from './world.ts'

export const measureCodeFlow = (): Promise<readonly Figure[]> =>
  withBoth('sqlite', async (product, peer) => {
    const rates = (algorithm: Algorithm) =>
      compare([product, peer], {
        algorithm,
        scenarioFor: async contender => {
          const cookies: string[] = []
          while (cookies.length < IN_FLIGHT) cookies.push(await signedIn(contender, algorithm))
          return { name: 'code-flow', algorithm, cookies }
        },
        verify: soundTokens(algorithm, { idToken: true }),
      })
    return [
      ratioFigure('a code flow, ES256', await rates('ES256'), 'oidc-provider', { atLeast: 1.5 }),
      ratioFigure('a code flow, RS256', await rates('RS256'), 'oidc-provider', null),
    ]
  })
