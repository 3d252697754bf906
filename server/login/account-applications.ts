/** Which applications have something of a person's: what they were allowed, and what they hold while the person is away. */
import type { AccountModel } from '../http/account-view.ts'
import type { Incoming } from '../http/route.ts'
import type { Instant } from '../kernel/clock.ts'
import type { ConsentRecord } from '../store/consents.ts'
import type { LoginServices } from './services.ts'
import { shownAsks } from './shown-asks.ts'

/** By name. The operator's own applications are asked no consent and are here while they stay signed in. */
export async function applicationsOf(
  services: LoginServices,
  incoming: Incoming,
  user: string,
  now: Instant,
): Promise<AccountModel['applications']> {
  const { store, clients } = services
  const consents = Map.groupBy(await store.consents.ofUser(incoming.tenant, user), ({ client }) => client)
  const families = Map.groupBy(await store.families.liveOf(incoming.tenant, user, now), ({ client }) => client)

  const applications = await Promise.all(
    [...new Set([...consents.keys(), ...families.keys()])].map(async id => {
      const client = await clients.find(incoming.tenant, id)
      // Removed since, and all that it was given ended with it.
      if (!client) return []
      const [lastUsed] = families.get(id) ?? []
      return [
        {
          client: id,
          name: client.name,
          asks: await shownAsks(services, incoming, scopesOf(consents.get(id) ?? [])),
          usedOfflineAt: lastUsed?.rotatedAt ?? null,
        },
      ]
    }),
  )
  return applications.flat().sort((one, other) => one.name.localeCompare(other.name))
}

/** Audience → scopes, in every organization. */
function scopesOf(consents: readonly ConsentRecord[]): Record<string, string[]> {
  const byAudience = Map.groupBy(consents, ({ audience }) => audience)
  return Object.fromEntries(
    [...byAudience].map(([audience, some]) => [audience, [...new Set(some.flatMap(({ scopes }) => scopes))]]),
  )
}
