/** Asking about a person by their token. Of the peer, by the only token it takes there: an opaque one, which it looks up in memory. */
import assert from 'node:assert/strict'
import { type Contender, tokensOf } from './contenders.ts'
import type { Figure } from './figure.ts'
import { compare, ratioFigure, withBoth } from './measure.ts'
import { type Algorithm, ANN } from './world.ts'

export const measureUserinfo = (): Promise<readonly Figure[]> =>
  withBoth('sqlite', async (product, peer) => {
    const rates = (algorithm: Algorithm) =>
      compare([product, peer], {
        algorithm,
        scenarioFor: async contender => {
          const { access_token: token } = await tokensOf(contender, algorithm, { forApi: contender === product })
          const headers = { authorization: `Bearer ${token}` }
          return { name: 'repeat', request: { method: 'GET', target: '/userinfo', headers } }
        },
        verify: async (_contender: Contender, body: string) => assert.equal(JSON.parse(body).name, ANN.name),
      })
    return [
      ratioFigure('userinfo, ES256', await rates('ES256'), 'oidc-provider', { atLeast: 2 }),
      ratioFigure('userinfo, RS256', await rates('RS256'), 'oidc-provider', null),
    ]
  })
