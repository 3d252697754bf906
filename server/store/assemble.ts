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

type Maker<Name extends keyof Nouns> = (
  db: Database,
  options: StoreOptions,
  append?: Revocations['append'],
) => Nouns[Name]

const MAKERS: { readonly [Name in keyof Nouns]: Maker<Name> } = {
  tenants: tenantsIn,
  users: usersIn,
  people: later(async () => (await import('./people.ts')).peopleIn),
  roles: rolesIn,
  permissions: permissionsIn,
  connections: connectionsIn,
  credentials: credentialsIn,
  clients: clientsIn,
  registrations: registrationsIn,
  resourceServers: resourceServersIn,
  removals: removalsIn,
  consents: consentsIn,
  authorizations: authorizationsIn,
  apiKeys: apiKeysIn,
  pairwiseSubjects: pairwiseSubjectsIn,
  sessions: sessionsIn,
  sessionClients: sessionClientsIn,
  families: familiesIn,
  tickets: (db, { sealer }) => ticketsIn(db, sealer),
  mails: (db, { sealer }) => mailsIn(db, sealer),
  emailProviders: (db, { sealer }) => emailProvidersIn(db, sealer),
  customDomains: later(async () => (await import('./custom-domains.ts')).customDomainsIn),
  logoutDeliveries: logoutDeliveriesIn,
  events: eventsIn,
  eventCursors: eventCursorsIn,
  revocations: (db, _options, append) => revocationsIn(db, append),
  endedTokens: endedTokensIn,
  keys: keysIn,
  sealedValues: sealedValuesIn,
  counters: countersIn,
  devices: devicesIn,
  jobs: jobsIn,
  organizations: organizationsIn,
  memberships: later(async () => (await import('./memberships.ts')).membershipsIn),
  organizationConnections: later(async () => (await import('./organization-connections.ts')).organizationConnectionsIn),
  organizationClients: later(async () => (await import('./organization-clients.ts')).organizationClientsIn),
  invitations: (db, { sealer }) => invitationsIn(db, sealer),
  discoveryDomains: later(async () => (await import('./discovery-domains.ts')).discoveryDomainsIn),
  documents: documentsIn,
}
const NAMES = Object.keys(MAKERS) as (keyof Nouns)[]

/** Each noun is made when it is first spoken of: a transaction speaks of four of forty. */
class Spoken {
  readonly db: Database
  readonly options: StoreOptions
  readonly append: Revocations['append'] | undefined
  readonly made: Partial<Record<keyof Nouns, unknown>> = {}

  constructor(db: Database, options: StoreOptions, append?: Revocations['append']) {
    this.db = db
    this.options = options
    this.append = append
  }
}
for (const name of NAMES)
  Object.defineProperty(Spoken.prototype, name, {
    get(this: Spoken) {
      this.made[name] ??= MAKERS[name](this.db, this.options, this.append)
      return this.made[name]
    },
  })

const nounsIn = (...given: ConstructorParameters<typeof Spoken>) => new Spoken(...given) as unknown as Nouns

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
    gate.enter(() => work(Object.assign(nounsIn(transaction, options, append), { announce }))),
  )
  isOver = true
  return { result, revoked: await writeRevocations(db, pending.revocations) }
}

const everyNoun = (nouns: Nouns): Nouns =>
  Object.fromEntries(NAMES.map(name => [name, nouns[name]])) as unknown as Nouns

export const assembleStore = (db: Database, gate: Gate, options: StoreOptions): Store => {
  const listeners: ((revocations: readonly NumberedRevocation[]) => void)[] = []
  return {
    ...everyNoun(nounsIn(db, options)),
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
