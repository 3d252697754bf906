/** The `clientGrants` of a tenant file: what a client may ask of an API as itself. */
import { isDeepStrictEqual } from 'node:util'
import type { Findings } from '../config/findings.ts'
import { type Member, readMembers } from '../config/members.ts'
import type { Path } from '../config/yaml.ts'
import { newId } from '../kernel/ids.ts'
import type { ClientPlan } from './clients.ts'
import { type Entry, isSound, refuseRepeats } from './entries.ts'
import type { Planning, Step } from './plan.ts'
import type { ResourceServerPlan } from './resource-servers.ts'

export interface ClientGrantEntry {
  readonly path: Path
  /** An export has the client's name where the rest of the world has its id. */
  readonly client: string
  readonly audience: string
  readonly scopes: readonly string[]
}

const MEMBERS = {
  client_id: { is: 'text' },
  audience: { is: 'text' },
  scope: { is: 'texts', optional: true },
} as const satisfies Readonly<Record<string, Member>>

export const readClientGrants = (entries: readonly Entry[], findings: Findings): readonly ClientGrantEntry[] =>
  entries.flatMap(entry => {
    if (!isSound('a client grant', MEMBERS, entry, findings)) return []
    const { client_id: client, audience, scope = [] } = readMembers(MEMBERS, entry.given)
    return [{ path: entry.path, client, audience, scopes: [...new Set(scope)] }]
  })

export async function planClientGrants(
  planning: Planning,
  entries: readonly ClientGrantEntry[],
  clients: ClientPlan,
  apis: ResourceServerPlan,
): Promise<readonly Step[]> {
  const { store, tenant, findings, giveWay } = planning
  const grants: (ClientGrantEntry & { readonly id: string })[] = []
  for (const entry of entries) {
    await giveWay()
    const { path, client, audience } = entry
    const id = await clients.find(client)
    const scopes = await apis.scopesOf(audience)
    if (id === 'unknown') findings.fault(path, `There is no client with the id or name "${client}".`)
    else if (id === 'ambiguous') findings.fault(path, `Several clients are called "${client}"; name one by its id.`)
    else grants.push({ ...entry, id })
    if (!scopes) findings.fault(path, `There is no API "${audience}".`)
    for (const scope of entry.scopes)
      if (scopes && !scopes.includes(scope))
        findings.fault([...path, 'scope'], `The API "${audience}" has no scope "${scope}".`)
  }
  refuseRepeats(
    grants,
    ({ id, audience }) => JSON.stringify([id, audience]),
    ({ client, audience }) => `What "${client}" may ask of "${audience}" is there twice.`,
    findings,
  )

  const steps: Step[] = []
  for (const { path, id: client, audience, scopes } of grants) {
    await giveWay()
    const before = (await store.clients.grantsOf(tenant, client)).find(grant => grant.audience === audience)
    if (before && isDeepStrictEqual(before.scopes, scopes)) continue
    const id = before?.id ?? newId('cgr')
    const change = before ? 'changed' : 'created'
    steps.push({
      kind: 'client-grant',
      id,
      change,
      path,
      async write(transaction) {
        transaction.announce({ topic: 'client', tenant, id: client })
        const outcome = await transaction.clients.putGrant({ tenant, id, client, audience, scopes })
        return outcome === change ? 'written' : 'overtaken'
      },
    })
  }
  return steps
}
