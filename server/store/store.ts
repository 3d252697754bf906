/**
 * Where everything lives: the nouns, and the one way to change several of them at once. `sqlite.ts` and
 * `postgres.ts` open a store; each noun's file says in its docstrings what its verbs promise, and
 * `conformance.ts` holds both openers to it.
 */
import type { Bus, BusMessage } from '../kernel/bus.ts'
import type { Sealer } from '../kernel/sealer.ts'
import type { ApiKeys } from './api-keys.ts'
import type { Authorizations } from './authorizations.ts'
import type { Clients } from './clients.ts'
import type { Connections } from './connections.ts'
import type { Consents } from './consents.ts'
import type { Counters } from './counters.ts'
import type { Credentials } from './credentials.ts'
import type { CustomDomains } from './custom-domains.ts'
import type { Devices } from './devices.ts'
import type { DiscoveryDomains } from './discovery-domains.ts'
import type { Documents } from './documents.ts'
import type { EmailProviders } from './email-providers.ts'
import type { EndedTokens } from './ended-tokens.ts'
import type { EventCursors } from './event-cursors.ts'
import type { Events } from './events.ts'
import type { Families } from './families.ts'
import type { Invitations } from './invitations.ts'
import type { Jobs } from './jobs.ts'
import type { Keys } from './keys.ts'
import type { LogoutDeliveries } from './logout-deliveries.ts'
import type { Mails } from './mails.ts'
import type { Memberships } from './memberships.ts'
import type { OrganizationClients } from './organization-clients.ts'
import type { OrganizationConnections } from './organization-connections.ts'
import type { Organizations } from './organizations.ts'
import type { PairwiseSubjects } from './pairwise-subjects.ts'
import type { People } from './people.ts'
import type { Permissions } from './permissions.ts'
import type { Registrations } from './registrations.ts'
import type { Removals } from './removals.ts'
import type { ResourceServers } from './resource-servers.ts'
import type { NumberedRevocation, Revocations } from './revocations.ts'
import type { Roles } from './roles.ts'
import type { SealedValues } from './sealed-values.ts'
import type { SessionClients } from './session-clients.ts'
import type { Sessions } from './sessions.ts'
import type { Tenants } from './tenants.ts'
import type { Tickets } from './tickets.ts'
import type { Users } from './users.ts'

export interface Nouns {
  readonly tenants: Tenants
  readonly users: Users
  readonly people: People
  readonly roles: Roles
  readonly permissions: Permissions
  readonly connections: Connections
  readonly credentials: Credentials
  readonly clients: Clients
  readonly registrations: Registrations
  readonly resourceServers: ResourceServers
  readonly removals: Removals
  readonly consents: Consents
  readonly authorizations: Authorizations
  readonly apiKeys: ApiKeys
  readonly pairwiseSubjects: PairwiseSubjects
  readonly sessions: Sessions
  readonly sessionClients: SessionClients
  readonly families: Families
  readonly tickets: Tickets
  readonly mails: Mails
  readonly emailProviders: EmailProviders
  readonly customDomains: CustomDomains
  readonly logoutDeliveries: LogoutDeliveries
  readonly events: Events
  readonly eventCursors: EventCursors
  readonly revocations: Revocations
  readonly endedTokens: EndedTokens
  readonly keys: Keys
  readonly sealedValues: SealedValues
  readonly counters: Counters
  readonly devices: Devices
  readonly jobs: Jobs
  readonly organizations: Organizations
  readonly memberships: Memberships
  readonly organizationConnections: OrganizationConnections
  readonly organizationClients: OrganizationClients
  readonly invitations: Invitations
  readonly discoveryDomains: DiscoveryDomains
  readonly documents: Documents
}

/** The nouns inside one transaction, and what is to happen when it commits. */
export interface Transaction extends Nouns {
  /** Published on the bus once the transaction has committed, and never if it has not. */
  announce(message: BusMessage): void
}

export interface Store extends Nouns {
  readonly dialect: 'sqlite' | 'postgres'
  /**
   * All or nothing. `work` touches only the transaction it is given: a query on the store itself from inside is
   * refused with a `TypeError` rather than waited for, because on SQLite it would wait for ever. `work` awaits nothing
   * but the transaction, as on SQLite everybody else waits for it; statements that do not need one another's answers it may
   * ask at once, but none beside a verb that answers `taken` or the like, which may take them back with itself.
   *
   * Revocations appended inside take their numbers as the very last statements, whatever the order of the
   * calls (`revocations.ts`).
   */
  transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>
  /**
   * Tells the listener what transactions of this node have revoked: once it is committed, and before `transaction`
   * resolves, so that it holds here before anybody is answered. Of other nodes' the log tells.
   */
  onRevoked(listener: (revocations: readonly NumberedRevocation[]) => void): void
  /** Whether the database answers and takes writes, for `/readyz`. Rejects with an `UnavailableError` while it does not. */
  ping(): Promise<void>
  close(): Promise<void>
}

export interface StoreOptions {
  readonly sealer: Sealer
  readonly bus: Bus
}
