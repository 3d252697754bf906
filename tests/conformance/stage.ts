/** Where the modules are played: a server with the suite's tenant, on each store, and a clock instead of waiting. */
import { after, before, describe } from 'node:test'
import { createPerson, type Person } from '../fixtures/person.ts'
import { onEachStore, type RunningServer, type StoreKind, startServer } from '../fixtures/server.ts'
import { createTestClock, type TestClock } from '../fixtures/test-clock.ts'
import { createRelyingParty, type Flow, type RelyingParty } from './relying-party.ts'
import { FIRST, type SuiteClient, TENANT_FILE } from './tenant.ts'

export interface Stage {
  readonly flow: Flow
  readonly server: RunningServer
  readonly issuer: string
  readonly clock: TestClock
  /** A browser in which nobody has been yet. */
  person(): Person
  /** The first client, unless another is given. */
  relyingParty(client?: SuiteClient): Promise<RelyingParty>
}

export const hasCode = ({ responseType }: Flow): boolean => responseType.split(' ').includes('code')
export const hasToken = ({ responseType }: Flow): boolean => responseType.split(' ').includes('token')
export const hasIdToken = ({ responseType }: Flow): boolean => responseType.split(' ').includes('id_token')

export const CODE: Flow = { responseType: 'code', responseMode: 'query' }
const OTHERS = ['id_token', 'id_token token', 'code id_token', 'code token', 'code id_token token']
/** Of the implicit, the hybrid and the form_post plans. What the store does is the same in all of them. */
const OTHER_FLOWS: readonly Flow[] = [
  ...OTHERS.map(responseType => ({ responseType, responseMode: 'fragment' as const })),
  ...['code', ...OTHERS].map(responseType => ({ responseType, responseMode: 'form_post' as const })),
]

/** Of what travels by a form, the fullest answer stands for all: how each comes and goes is seen at the authorization endpoint. */
export const travelsApart = ({ responseType, responseMode }: Flow): boolean =>
  responseMode !== 'form_post' || responseType === 'code id_token token'

/** The modules on SQLite and on PostgreSQL by code; and for plans of other flows, in those that are theirs, on one more server. */
export function onEachStage(name: string, modules: (stage: Stage) => void, others?: (flow: Flow) => boolean): void {
  onEachStore(name, store => onStage({ store, flow: CODE }, modules))
  if (!others) return
  describe(`${name}, in other flows`, () =>
    onStage({ store: 'sqlite', flow: CODE }, stage => {
      for (const flow of OTHER_FLOWS.filter(others))
        describe(`${flow.responseType} by ${flow.responseMode}`, () => modules(inFlow(stage, flow)))
    }))
}

interface Setting {
  readonly store: StoreKind
  readonly flow: Flow
}

/** The stage is set when the tests run, not before; the flow is known from the beginning. */
export function onStage({ store, flow }: Setting, modules: (stage: Stage) => void): void {
  const stage = { flow } as Stage
  before(async () => {
    const clock = createTestClock()
    const server = await startServer({ store, clock: clock.now, tenantFile: TENANT_FILE })
    const { issuer } = server
    Object.assign(stage, {
      flow,
      server,
      issuer,
      clock,
      person: () => createPerson(issuer),
      relyingParty: (client = FIRST) => createRelyingParty({ issuer, client, flow, clock: clock.now }),
    } satisfies Stage)
  })
  after(() => stage.server?.close())
  modules(stage)
}

/** The same stage, to be set with it, for another flow. */
function inFlow(stage: Stage, flow: Flow): Stage {
  return {
    flow,
    get server() {
      return stage.server
    },
    get issuer() {
      return stage.issuer
    },
    get clock() {
      return stage.clock
    },
    person: () => stage.person(),
    relyingParty: (client = FIRST) =>
      createRelyingParty({ issuer: stage.issuer, client, flow, clock: stage.clock.now }),
  }
}
