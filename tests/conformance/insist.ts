/** Says which demand an assertion is about, so that a failure is told in the suite's terms, and what was seen. */
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import type { Demand, Demands, IdsOf } from './demand.ts'
import { basic } from './demands/basic.ts'
import { config } from './demands/config.ts'
import { dynamic } from './demands/dynamic.ts'
import { everyModule } from './demands/every-module.ts'
import { backChannel, frontChannel, sessions } from './demands/logout.ts'
import { formPost, hybrid, implicit } from './demands/other-flows.ts'
import { signOut } from './demands/sign-out.ts'
import { thirdPartyLogin } from './demands/third-party-login.ts'

export type DemandId =
  | IdsOf<typeof everyModule>
  | IdsOf<typeof basic>
  | IdsOf<typeof implicit>
  | IdsOf<typeof hybrid>
  | IdsOf<typeof formPost>
  | IdsOf<typeof config>
  | IdsOf<typeof dynamic>
  | IdsOf<typeof thirdPartyLogin>
  | IdsOf<typeof signOut>
  | IdsOf<typeof backChannel>
  | IdsOf<typeof frontChannel>
  | IdsOf<typeof sessions>

const ALL: readonly Demands[] = [
  everyModule,
  basic,
  implicit,
  hybrid,
  formPost,
  config,
  dynamic,
  thirdPartyLogin,
  signOut,
  backChannel,
  frontChannel,
  sessions,
]

/** Throws `AssertionError`, whose message begins with the id. `seen` is what the provider answered instead. */
export function insist(id: DemandId, holds: boolean, seen?: unknown): asserts holds {
  if (holds) return
  const { grade, says } = demandOf(id)
  assert.fail(`${id} (${grade}): ${says} Seen: ${inspect(seen, { depth: 4, maxStringLength: 600 })}`)
}

function demandOf(id: DemandId): Demand {
  const [module = '', name = ''] = id.split('#')
  // Plans share modules, and ask different things of them.
  const demand = ALL.map(demands => demands[module]?.[name]).find(found => found !== undefined)
  if (!demand) throw new TypeError(`There is no demand ${id}`)
  return demand
}
