/** The `clientGrants` of a tenant file: what a client may ask of an API, as itself or for people. */
import { isDeepStrictEqual } from 'node:util'
import { GRANT_SETTINGS, GRANT_SUBJECTS, THIRD_PARTIES } from '../clients/client-grants.ts'
import type { Findings } from '../config/findings.ts'
import { type Member, readMembers } from '../config/members.ts'
import type { Path } from '../config/yaml.ts'
import { newId } from '../kernel/ids.ts'
import type { JsonObject, JsonValue } from '../kernel/json.ts'
import type { ClientGrantRecord, GrantSubject } from '../store/clients.ts'
import type { Nouns } from '../store/store.ts'
import type { ClientPlan } from './clients.ts'
import { type Entry, isSound, refuseRepeats } from './entries.ts'
import type { Exporting } from './export.ts'
import { differences, type Planning, type Step } from './plan.ts'
import { isOfAnother, type ResourceServerPlan } from './resource-servers.ts'

export interface ClientGrantEntry {
  readonly path: Path
  /** An export has the client's name where the rest of the world has its id. Null: for every client of somebody else's. */
  readonly client: string | null
  readonly audience: string
  readonly subject: GrantSubject
  readonly scopes: readonly string[]
  readonly settings: JsonObject
}

const MEMBERS = {
  client_id: { is: 'text', optional: true },
  default_for: { is: 'text', oneOf: [THIRD_PARTIES], optional: true },
  audience: { is: 'text' },
  subject_type: { is: 'text', oneOf: GRANT_SUBJECTS, optional: true },
  scope: { is: 'texts', optional: true },
  /** An export may name it, and says which are Auth0's own making. */
  id: { is: 'text', optional: true },
  is_system: { is: 'boolean', optional: true },
  ...GRANT_SETTINGS,
} as const satisfies Readonly<Record<string, Member>>

export const readClientGrants = (entries: readonly Entry[], findings: Findings): readonly ClientGrantEntry[] =>
  entries.flatMap(entry => {
    if (!isSound('a client grant', MEMBERS, entry, findings)) return []
    const read = readMembers(MEMBERS, entry.given)
    const { client_id: client = null, default_for: others, audience, subject_type: subject, scope, ...rest } = read
    const { id: _id, is_system: _isSystem, ...settings } = rest
    if ((client === null) === (others === undefined))
      findings.fault(entry.path, 'A client grant has a client_id or default_for, and not both.')
    return [
      {
        ...{ path: entry.path, client, audience },
        subject: subject ?? 'client',
        scopes: [...new Set(scope)],
        settings: settings as JsonObject,
      },
    ]
  })

const LISTED_AT_ONCE = 500

export async function exportClientGrants({ store, tenant }: Exporting): Promise<JsonValue> {
  const exported: JsonObject[] = []
  for await (const grant of everyGrant(store, tenant)) exported.push(shown(grant))
  // Ids differ from tenant to tenant, and a file that is kept under version control should not.
  return exported.toSorted((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1))
}

export async function* everyGrant({ clients }: Nouns, tenant: string): AsyncGenerator<ClientGrantRecord> {
  for (let after: string | undefined; ; ) {
    const page = await clients.listGrants(tenant, { limit: LISTED_AT_ONCE, ...(after !== undefined && { after }) })
    yield* page
    after = page.at(-1)?.id
    if (after === undefined) return
  }
}

const nameOf = (grant: JsonObject): string =>
  JSON.stringify([grant['client_id'] ?? null, grant['audience'], grant['subject_type'] ?? null])

/** Under the file's names. */
const shown = ({ client, audience, subject, scopes, settings }: Shown): JsonObject => ({
  ...(client === null ? { default_for: THIRD_PARTIES } : { client_id: client }),
  audience,
  ...(subject !== 'client' && { subject_type: subject }),
  scope: scopes,
  ...settings,
})
type Shown = Pick<ClientGrantRecord, 'client' | 'audience' | 'subject' | 'scopes' | 'settings'>

export interface ClientGrantPlan {
  readonly steps: readonly Step[]
  /** What a client may ask once the file is applied. */
  of(client: string): Promise<readonly GrantName[]>
}

/** What there is one grant of, of each client. */
export type GrantName = Pick<ClientGrantRecord, 'audience' | 'subject'>

export async function planClientGrants(
  planning: Planning,
  entries: readonly ClientGrantEntry[],
  clients: ClientPlan,
  apis: ResourceServerPlan,
): Promise<ClientGrantPlan> {
  const { store, tenant, findings, giveWay } = planning
  const grants: (ClientGrantEntry & { readonly id: string | null })[] = []
  for (const entry of entries) {
    await giveWay()
    const { path, client, audience } = entry
    const id = client === null ? null : await clients.find(client)
    const scopes = await apis.scopesOf(audience)
    if (!scopes && isOfAnother(audience)) {
      findings.warn(
        path,
        `"${client ?? THIRD_PARTIES}" is given nothing: "${audience}" is an API of another server. Where this one's is meant, name it by this one's domain.`,
      )
      continue
    }
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
    ({ id, audience, subject }) => JSON.stringify([id, audience, subject]),
    ({ client, audience }) => `What "${client ?? THIRD_PARTIES}" may ask of "${audience}" is there twice.`,
    findings,
  )

  const steps: Step[] = []
  for (const { path, id: client, audience, subject, scopes, settings } of grants) {
    await giveWay()
    const isMeant = (grant: { audience: string; subject: string }) =>
      grant.audience === audience && grant.subject === subject
    const before = (await store.clients.grantsOf(tenant, client)).find(isMeant)
    if (before && isDeepStrictEqual([before.scopes, before.settings], [scopes, settings])) continue
    const id = before?.id ?? newId('cgr')
    const change = before ? 'changed' : 'created'
    steps.push({
      kind: 'client-grant',
      id,
      name: `${client ?? THIRD_PARTIES} for ${audience}`,
      change,
      changes: differences(before ? shown(before) : null, shown({ client, audience, subject, scopes, settings })),
      path,
      async write(transaction) {
        transaction.announce({ topic: 'client', tenant, id: client ?? '' })
        const grant = { tenant, id, client, audience, subject, scopes, settings }
        const outcome = await transaction.clients.putGrant(grant)
        return outcome === change ? 'written' : 'overtaken'
      },
    })
  }
  return {
    steps,
    of: async client => [
      ...grants.filter(({ id }) => id === client),
      ...(await store.clients.grantsOf(tenant, client)),
    ],
  }
}
