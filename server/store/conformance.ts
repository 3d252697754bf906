/**
 * The store's promises as tests: what the docstrings of the nouns say, held against a real database. Every opener
 * runs this same suite; what only one of the databases can get wrong is tested beside its opener.
 */
import { after, before, describe } from 'node:test'
import type { BusMessage } from '../kernel/bus.ts'
import { describeApiKeys } from './conformance/api-keys.ts'
import { describeDirectory } from './conformance/directory.ts'
import { describeDocuments } from './conformance/documents.ts'
import { describeEventCursors } from './conformance/event-cursors.ts'
import { describeGrants } from './conformance/grants.ts'
import { describeGuessing } from './conformance/guessing.ts'
import { describeJobs } from './conformance/jobs.ts'
import { describeKeys } from './conformance/keys.ts'
import { describeLogout } from './conformance/logout.ts'
import { describeMails } from './conformance/mails.ts'
import { describeOrganizations } from './conformance/organizations.ts'
import { describePeople } from './conformance/people.ts'
import { describePeopleSearch } from './conformance/people-search.ts'
import { describePermissions } from './conformance/permissions.ts'
import { describeRemovals } from './conformance/removals.ts'
import { describeRevocations } from './conformance/revocations.ts'
import { describeSealedValues } from './conformance/sealed-values.ts'
import { describeSessions } from './conformance/sessions.ts'
import {
  createRecordingBus,
  createTestSealer,
  type OpenForTest,
  type OpenStore,
  type Stage,
} from './conformance/stage.ts'
import { describeTenantMail } from './conformance/tenant-mail.ts'
import { describeTickets } from './conformance/tickets.ts'
import { describeTransactions } from './conformance/transactions.ts'
import { describeWhatIsLive } from './conformance/what-is-live.ts'

export function describeStore(name: string, open: OpenForTest): void {
  describe(`the store on ${name}`, () => {
    const published: BusMessage[] = []
    let opened: OpenStore
    before(async () => {
      opened = await open({ sealer: createTestSealer(), bus: createRecordingBus(published) })
    })
    after(() => opened.close())

    const stage: Stage = {
      get store() {
        return opened.store
      },
      execute: sql => opened.execute(sql),
      published,
    }
    describeDirectory(stage)
    describePermissions(stage)
    describeRemovals(stage)
    describePeople(stage)
    describePeopleSearch(stage)
    describeOrganizations(stage)
    describeSessions(stage)
    describeGrants(stage)
    describeApiKeys(stage)
    describeDocuments(stage)
    describeTickets(stage)
    describeMails(stage)
    describeTenantMail(stage)
    describeLogout(stage)
    describeGuessing(stage)
    describeJobs(stage)
    describeKeys(stage)
    describeSealedValues(stage)
    describeRevocations(stage)
    describeTransactions(stage)
    describeEventCursors(stage)
    describeWhatIsLive(stage)
  })
}
