/** The `roles` of a tenant file. What a role may do is not stored yet; its name goes into tokens. */

import type { Findings } from '../config/findings.ts'
import { type Member, readMembers } from '../config/members.ts'
import type { Path } from '../config/yaml.ts'
import { newId } from '../kernel/ids.ts'
import { isName } from '../policy/profile-text.ts'
import { type Entry, isSound, refuseRepeats } from './entries.ts'
import type { Planning, Step } from './plan.ts'

export interface RoleEntry {
  readonly path: Path
  readonly name: string
  readonly description: string
}

const MEMBERS = {
  name: { is: 'text' },
  description: { is: 'text', optional: true },
} as const satisfies Readonly<Record<string, Member>>

const LONGEST_NAME = 200

export function readRoles(entries: readonly Entry[], findings: Findings): readonly RoleEntry[] {
  const roles = entries.flatMap(entry => {
    if (!isSound('a role', MEMBERS, entry, findings)) return namedOnly(entry)
    const { name, description = '' } = readMembers(MEMBERS, entry.given)
    if (!isName(name, LONGEST_NAME))
      findings.fault(entry.path, `The name of a role has at most ${LONGEST_NAME} characters and no controls.`)
    return [{ path: entry.path, name, description }]
  })
  refuseRepeats(
    roles,
    ({ name }) => name,
    ({ name }) => `The role "${name}" is there twice.`,
    findings,
  )
  return roles
}

/** So that whoever has a role with a fault is not told that there is none. */
const namedOnly = ({ path, given: { name } }: Entry): readonly RoleEntry[] =>
  typeof name === 'string' ? [{ path, name, description: '' }] : []

export interface RolePlan {
  readonly steps: readonly Step[]
  /** The id of a role in the file or else in the store. */
  find(name: string): Promise<string | undefined>
}

export async function planRoles(
  { store, tenant, giveWay }: Planning,
  entries: readonly RoleEntry[],
): Promise<RolePlan> {
  const ids = new Map<string, string | undefined>()
  const steps: Step[] = []
  for (const { path, name, description } of entries) {
    await giveWay()
    const before = await store.roles.findByName(tenant, name)
    const id = before?.id ?? newId('rol')
    ids.set(name, id)
    if (before?.description === description) continue
    const change = before ? 'changed' : 'created'
    steps.push({
      kind: 'role',
      id,
      change,
      path,
      async write({ roles }) {
        const outcome = await roles.put({ tenant, id, name, description })
        return outcome === change ? 'written' : 'overtaken'
      },
    })
  }
  return {
    steps,
    async find(name) {
      if (!ids.has(name)) ids.set(name, (await store.roles.findByName(tenant, name))?.id)
      return ids.get(name)
    },
  }
}
