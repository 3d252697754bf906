/** What breaks the modules of each plan, as `npm run check:mutations` tries it. */
import type { Mutation, Mutations } from './mutation.ts'
import { basic } from './mutations/basic.ts'

interface Broken {
  readonly mutations: Mutations
  /** Of a plan that is played in several flows, the one in which its modules have to notice. */
  readonly flow?: string
}

/** By the title of the plan. */
const BROKEN: Readonly<Record<string, Broken>> = {
  'oidcc-basic-certification-test-plan': { mutations: basic },
}

export const mutationsOf = (plan: string, module: string): readonly Mutation[] => BROKEN[plan]?.mutations[module] ?? []

export const flowOf = (plan: string): string | undefined => BROKEN[plan]?.flow
