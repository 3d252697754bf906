/** Refreshing with rotation, an access token and an ID token each time: on both databases, where the peer has none. */
import type { StoreKind } from '../tests/fixtures/server.ts'
import { signedIn } from './contenders.ts'
import type { Figure } from './figure.ts'
import { compare, IN_FLIGHT, ratioFigure, soundTokens, withBoth } from './measure.ts'
import { withPostgres } from './postgres.ts'
import type { Algorithm } from './world.ts'

const ratesOn = (store: StoreKind, algorithm: Algorithm) =>
  withBoth(store, (product, peer) =>
    compare([product, peer], {
      algorithm,
      scenarioFor: async contender => {
        const cookies: string[] = []
        while (cookies.length < IN_FLIGHT) cookies.push(await signedIn(contender, algorithm))
        return { name: 'refresh', algorithm, cookies }
      },
      verify: soundTokens(algorithm, { idToken: true }),
    }),
  )

export async function measureRefresh(): Promise<readonly Figure[]> {
  const sqlite = await ratesOn('sqlite', 'ES256')
  const rsa = await ratesOn('sqlite', 'RS256')
  const postgres = await withPostgres(() => ratesOn('postgres', 'ES256'))
  return [
    ratioFigure('refresh, ES256, on SQLite', sqlite, 'oidc-provider', { atLeast: 1.3 }),
    ratioFigure('refresh, RS256, on SQLite', rsa, 'oidc-provider', null),
    ratioFigure('refresh, ES256, on PostgreSQL', postgres, 'oidc-provider', { atLeast: 0.8 }),
  ]
}
