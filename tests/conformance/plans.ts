/** All that is asked, as `docs/conformance.gen.md` prints it and `tools/conformance.ts` checks it. */
import type { Demands } from './demand.ts'
import { basic } from './demands/basic.ts'
import { config } from './demands/config.ts'
import { dynamic } from './demands/dynamic.ts'
import { everyModule } from './demands/every-module.ts'
import { backChannel, frontChannel, sessions } from './demands/logout.ts'
import { formPost, hybrid, implicit } from './demands/other-flows.ts'
import { signOut } from './demands/sign-out.ts'
import { thirdPartyLogin } from './demands/third-party-login.ts'
import { traps } from './demands/traps.ts'
import {
  BACK_CHANNEL_MODULES,
  BASIC_MODULES,
  CONFIG_MODULES,
  DYNAMIC_MODULES,
  FRONT_CHANNEL_MODULES,
  HYBRID_MODULES,
  IMPLICIT_MODULES,
  SESSION_MODULES,
  SIGN_OUT_MODULES,
  THIRD_PARTY_LOGIN_MODULES,
} from './modules.ts'

export interface Plan {
  readonly title: string
  readonly about: string
  readonly demands: Demands
  /** The names its modules have in the suite, for plans that are of modules. */
  readonly modules: readonly string[] | null
  /** Where each proven demand is insisted on by its id: in the proving test, in the checks of every module, or nowhere. */
  readonly insistedOn: 'in the test' | 'in the checks' | null
}

export const plans: readonly Plan[] = [
  {
    title: 'In every module',
    about: 'Asked each time an answer comes in, whatever the module is about.',
    demands: everyModule,
    modules: null,
    insistedOn: 'in the checks',
  },
  {
    title: 'oidcc-basic-certification-test-plan',
    about: '`response_type=code`, with clients from the tenant file.',
    demands: basic,
    modules: BASIC_MODULES,
    insistedOn: 'in the test',
  },
  {
    title: 'oidcc-implicit-certification-test-plan',
    about: '`response_type=id_token` and `id_token token`: the tests of the basic plan, played in both flows.',
    demands: implicit,
    modules: IMPLICIT_MODULES,
    insistedOn: 'in the test',
  },
  {
    title: 'oidcc-hybrid-certification-test-plan',
    about:
      '`response_type=code id_token`, `code token` and `code id_token token`: the same tests, played in each flow.',
    demands: hybrid,
    modules: HYBRID_MODULES,
    insistedOn: 'in the test',
  },
  {
    title: 'oidcc-formpost-basic, -implicit and -hybrid-certification-test-plan',
    about: '`response_mode=form_post` with each of the six response types: the same tests once more.',
    demands: formPost,
    modules: HYBRID_MODULES,
    insistedOn: 'in the test',
  },
  {
    title: 'oidcc-config-certification-test-plan',
    about: 'Discovery alone.',
    demands: config,
    modules: CONFIG_MODULES,
    insistedOn: 'in the test',
  },
  {
    title: 'oidcc-dynamic-certification-test-plan',
    about:
      '`private_key_jwt`, with clients that register themselves. What it shares with the basic plan is asked there.',
    demands: dynamic,
    modules: DYNAMIC_MODULES,
    insistedOn: 'in the test',
  },
  {
    title: 'oidcc-3rdparty-init-login-certification-test-plan',
    about: 'Clients that say where a sign-in begins which somebody else asks for.',
    demands: thirdPartyLogin,
    modules: THIRD_PARTY_LOGIN_MODULES,
    insistedOn: 'in the test',
  },
  {
    title: 'oidcc-rp-initiated-logout-certification-test-plan',
    about: 'Each module begins with a sign-in.',
    demands: signOut,
    modules: SIGN_OUT_MODULES,
    insistedOn: 'in the test',
  },
  {
    title: 'oidcc-backchannel-rp-initiated-logout-certification-test-plan',
    about: 'Applications are told by the server.',
    demands: backChannel,
    modules: BACK_CHANNEL_MODULES,
    insistedOn: 'in the test',
  },
  {
    title: 'oidcc-frontchannel-rp-initiated-logout-certification-test-plan',
    about: 'Applications are told by the browser: Chromium.',
    demands: frontChannel,
    modules: FRONT_CHANNEL_MODULES,
    insistedOn: 'in the test',
  },
  {
    title: 'oidcc-session-management-certification-test-plan',
    about: 'Applications ask a frame, in Chromium too.',
    demands: sessions,
    modules: SESSION_MODULES,
    insistedOn: 'in the test',
  },
  {
    title: 'What providers trip over',
    about: 'Across all plans, those that are not played yet included.',
    demands: traps,
    modules: null,
    insistedOn: null,
  },
]
