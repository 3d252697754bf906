/** What breaks the modules of each plan, as `npm run check:mutations` tries it. */
import type { Mutation, Mutations } from './mutation.ts'
import { basic } from './mutations/basic.ts'
import { config } from './mutations/config.ts'
import { dynamic, thirdPartyLogin } from './mutations/dynamic.ts'
import { everyModule } from './mutations/every-module.ts'
import { FORM_FLOW, HYBRID_FLOW, IMPLICIT_FLOW } from './mutations/flows.ts'
import { backChannel, frontChannel, sessions } from './mutations/logout.ts'
import { formPost, hybrid, implicit } from './mutations/other-flows.ts'
import { signOut } from './mutations/sign-out.ts'
import { traps } from './mutations/traps.ts'

interface Broken {
  readonly mutations: Mutations
  /** Of a plan that is played in several flows, the one in which its modules have to notice. */
  readonly flow?: string
}

/** By the title of the plan. */
const BROKEN: Readonly<Record<string, Broken>> = {
  'In every module': { mutations: everyModule },
  'oidcc-basic-certification-test-plan': { mutations: basic },
  'oidcc-implicit-certification-test-plan': { mutations: implicit, flow: IMPLICIT_FLOW },
  'oidcc-hybrid-certification-test-plan': { mutations: hybrid, flow: HYBRID_FLOW },
  'oidcc-formpost-basic, -implicit and -hybrid-certification-test-plan': { mutations: formPost, flow: FORM_FLOW },
  'oidcc-config-certification-test-plan': { mutations: config },
  'oidcc-dynamic-certification-test-plan': { mutations: dynamic },
  'oidcc-3rdparty-init-login-certification-test-plan': { mutations: thirdPartyLogin },
  'oidcc-rp-initiated-logout-certification-test-plan': { mutations: signOut },
  'oidcc-backchannel-rp-initiated-logout-certification-test-plan': { mutations: backChannel },
  'oidcc-frontchannel-rp-initiated-logout-certification-test-plan': { mutations: frontChannel },
  'oidcc-session-management-certification-test-plan': { mutations: sessions },
  'What providers trip over': { mutations: traps },
}

export const mutationsOf = (plan: string, module: string): readonly Mutation[] => BROKEN[plan]?.mutations[module] ?? []

export const flowOf = (plan: string): string | undefined => BROKEN[plan]?.flow
