/** Makes a store of an opened database. How it is opened is `sqlite.ts`'s and `postgres.ts`'s part. */
import type { BusMessage } from '../kernel/bus.ts'
import { UnavailableError } from '../kernel/errors.ts'
import { apiKeysIn } from './api-keys.ts'
import { askingAtOnce } from './at-once.ts'
import { authorizationsIn } from './authorizations.ts'
import { clientsIn } from './clients.ts'
import { connectionsIn } from './connections.ts'
import { consentsIn } from './consents.ts'
import { countersIn } from './counters.ts'
import { credentialsIn } from './credentials.ts'
import { devicesIn } from './devices.ts'
import { dialectOf, takesWrites } from './dialect.ts'
import { documentsIn } from './documents.ts'
import { emailProvidersIn } from './email-providers.ts'
import { endedTokensIn } from './ended-tokens.ts'
import { eventCursorsIn } from './event-cursors.ts'
import { eventsIn } from './events.ts'
import { familiesIn } from './families.ts'
import type { Gate } from './gate.ts'
import { invitationsIn } from './invitations.ts'
import { jobsIn } from './jobs.ts'
import { keysIn } from './keys.ts'
import { later } from './later.ts'
import { logoutDeliveriesIn } from './logout-deliveries.ts'
import { mailsIn } from './mails.ts'
import { organizationsIn } from './organizations.ts'
import { pairwiseSubjectsIn } from './pairwise-subjects.ts'
import { permissionsIn } from './permissions.ts'
import { registrationsIn } from './registrations.ts'
import { removalsIn } from './removals.ts'
import { resourceServersIn } from './resource-servers.ts'
import {
  type NumberedRevocation,
  type Revocation,
  type Revocations,
  refuseToAppend,
  revocationsIn,
  writeRevocations,
} from './revocations.ts'
import { rolesIn } from './roles.ts'
import type { Database } from './schema.ts'
import { sealedValuesIn } from './sealed-values.ts'
import { sessionClientsIn } from './session-clients.ts'
import { sessionsIn } from './sessions.ts'
import type { Nouns, Store, StoreOptions, Transaction } from './store.ts'
import { tenantsIn } from './tenants.ts'
import { ticketsIn } from './tickets.ts'
import { usersIn } from './users.ts'

const nounsIn = (db: Database, { sealer }: StoreOptions, append?: Revocations['append']): Nouns => ({
  tenants: tenantsIn(db),
  users: usersIn(db),
  people: later(async () => (await import('./people.ts')).peopleIn(db)),
  roles: rolesIn(db),
  permissions: permissionsIn(db),
  connections: connectionsIn(db),
  credentials: credentialsIn(db),
  clients: clientsIn(db),
  registrations: registrationsIn(db),
  resourceServers: resourceServersIn(db),
  removals: removalsIn(db),
  consents: consentsIn(db),
  authorizations: authorizationsIn(db),
  apiKeys: apiKeysIn(db),
  pairwiseSubjects: pairwiseSubjectsIn(db),
  sessions: sessionsIn(db),
  sessionClients: sessionClientsIn(db),
  families: familiesIn(db),
  tickets: ticketsIn(db, sealer),
  mails: mailsIn(db, sealer),
  emailProviders: emailProvidersIn(db, sealer),
  customDomains: later(async () => (await import('./custom-domains.ts')).customDomainsIn(db)),
  logoutDeliveries: logoutDeliveriesIn(db),
  events: eventsIn(db),
  eventCursors: eventCursorsIn(db),
  revocations: revocationsIn(db, append),
  endedTokens: endedTokensIn(db),
  keys: keysIn(db),
  sealedValues: sealedValuesIn(db),
  counters: countersIn(db),
  devices: devicesIn(db),
  jobs: jobsIn(db),
  organizations: organizationsIn(db),
  memberships: later(async () => (await import('./memberships.ts')).membershipsIn(db)),
  organizationConnections: later(async () =>
    (await import('./organization-connections.ts')).organizationConnectionsIn(db),
  ),
  organizationClients: later(async () => (await import('./organization-clients.ts')).organizationClientsIn(db)),
  invitations: invitationsIn(db, sealer),
  discoveryDomains: later(async () => (await import('./discovery-domains.ts')).discoveryDomainsIn(db)),
  documents: documentsIn(db),
})

/** What a transaction has yet to say: revocations before its commit, messages after it. */
interface Pending {
  readonly revocations: Revocation[]
  readonly messages: BusMessage[]
}

/** Runs the work and, as its last statements, writes what was appended. */
async function runIn<T>(
  db: Database,
  options: StoreOptions,
  gate: Gate,
  pending: Pending,
  work: (transaction: Transaction) => Promise<T>,
): Promise<{ readonly result: T; readonly revoked: readonly NumberedRevocation[] }> {
  let isOver = false
  const append = (revocation: Revocation) => {
    if (isOver) refuseToAppend()
    pending.revocations.push(revocation)
    pending.messages.push({ topic: 'revocation', tenant: revocation.tenant, id: revocation.id })
  }
  const announce = (message: BusMessage) => void pending.messages.push(message)
  const result = await askingAtOnce(db, transaction =>
    gate.enter(() => work({ ...nounsIn(transaction, options, append), announce })),
  )
  isOver = true
  return { result, revoked: await writeRevocations(db, pending.revocations) }
}

export const assembleStore = (db: Database, gate: Gate, options: StoreOptions): Store => {
  const listeners: ((revocations: readonly NumberedRevocation[]) => void)[] = []
  return {
    ...nounsIn(db, options),
    dialect: dialectOf(db),

    async transaction(work) {
      const pending: Pending = { revocations: [], messages: [] }
      const { result, revoked } = await db
        .transaction()
        .execute(transaction => runIn(transaction, options, gate, pending, work))
      if (revoked.length > 0) for (const tell of listeners) tell(revoked)
      for (const message of pending.messages) options.bus.publish(message)
      return result
    },

    onRevoked: listener => void listeners.push(listener),

    async ping() {
      if (!(await takesWrites(db))) throw new UnavailableError('The database is a standby and takes no writes')
    },

    close: () => db.destroy(),
  }
}
