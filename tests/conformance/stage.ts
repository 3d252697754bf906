/** Where the modules are played: a server with the suite's tenant, on each store, and a clock instead of waiting. */
import { after, before } from 'node:test'
import { createPerson, type Person } from '../fixtures/person.ts'
import { onEachStore, type RunningServer, type StoreKind, startServer } from '../fixtures/server.ts'
import { createTestClock, type TestClock } from '../fixtures/test-clock.ts'
import type { ResponseMode } from './checks/callback.ts'
import { createRelyingParty, type RelyingParty } from './relying-party.ts'
import { FIRST, type SuiteClient, TENANT_FILE } from './tenant.ts'

export interface Stage {
  readonly server: RunningServer
  readonly issuer: string
  readonly clock: TestClock
  /** A browser in which nobody has been yet. */
  person(): Person
  /** The first client, unless another is given. */
  relyingParty(client?: SuiteClient): Promise<RelyingParty>
}

/** The modules on SQLite and on PostgreSQL, with one server for all of them. */
export function onEachStage(name: string, modules: (stage: Stage) => void): void {
  onEachStore(name, store => onStage({ store, responseMode: 'query' }, modules))
}

interface Setting {
  readonly store: StoreKind
  readonly responseMode: ResponseMode
}

/** The stage is set when the tests run, not before. */
export function onStage({ store, responseMode }: Setting, modules: (stage: Stage) => void): void {
  const stage = {} as Stage
  before(async () => {
    const clock = createTestClock()
    const server = await startServer({ store, clock: clock.now, tenantFile: TENANT_FILE })
    const { issuer } = server
    Object.assign(stage, {
      server,
      issuer,
      clock,
      person: () => createPerson(issuer),
      relyingParty: (client = FIRST) => createRelyingParty({ issuer, client, responseMode, clock: clock.now }),
    } satisfies Stage)
  })
  after(() => stage.server?.close())
  modules(stage)
}
