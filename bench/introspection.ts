/** Asking whether a token still counts. The peer does that for opaque tokens alone, which it looks up in memory. */
import assert from 'node:assert/strict'
import { type Contender, tokensOf } from './contenders.ts'
import type { Figure } from './figure.ts'
import { compare, ratioFigure, withBoth } from './measure.ts'
import { type Algorithm, applicationOf, basic } from './world.ts'

export const measureIntrospection = (): Promise<readonly Figure[]> =>
  withBoth('sqlite', async (product, peer) => {
    const rates = (algorithm: Algorithm) =>
      compare([product, peer], {
        algorithm,
        scenarioFor: async contender => {
          const { access_token: token } = await tokensOf(contender, algorithm, { forApi: contender === product })
          return {
            name: 'repeat',
            request: {
              method: 'POST',
              target: '/oauth/introspect',
              headers: { authorization: basic(applicationOf(algorithm)) },
              form: new URLSearchParams({ token }).toString(),
            },
          }
        },
        verify: async (_contender: Contender, body: string) => assert.equal(JSON.parse(body).active, true),
      })
    return [
      ratioFigure('introspection, ES256', await rates('ES256'), 'oidc-provider', { atLeast: 2 }),
      ratioFigure('introspection, RS256', await rates('RS256'), 'oidc-provider', null),
    ]
  })
