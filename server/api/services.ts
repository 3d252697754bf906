/** What the Management API stands on. Handed in by `compose.ts`. */
import type { AuditBuffer } from '../audit/log.ts'
import type { FindCookieScope } from '../clients/cookie-scope.ts'
import type { Egress } from '../http/egress.ts'
import type { Brake } from '../identity/brake.ts'
import type { Connections } from '../identity/connections.ts'
import type { HashQueue } from '../identity/hash-queue.ts'
import type { Bus } from '../kernel/bus.ts'
import type { Counter } from '../kernel/counter.ts'
import type { Log } from '../kernel/log.ts'
import type { Meter } from '../kernel/meter.ts'
import type { Sealer } from '../kernel/sealer.ts'
import type { RevocationFeed } from '../revocation/feed.ts'
import type { Tenants } from '../tenants/tenants.ts'
import type { TokenJudges } from '../tokens/returned-token.ts'

export interface ApiServices extends TokenJudges {
  readonly feed: RevocationFeed
  readonly tenants: Tenants
  readonly connections: Connections
  readonly cookieScope: FindCookieScope
  readonly hashQueue: HashQueue
  readonly brake: Brake
  readonly counter: Counter
  readonly sealer: Sealer
  readonly egress: Egress
  /** Every text that stands in the DNS under a name. */
  readonly findDnsTexts: (name: string) => Promise<readonly string[]>
  readonly audit: AuditBuffer
  readonly bus: Bus
  readonly imports: ImportLimits
  readonly log: Log
  /** Where somebody counts. */
  readonly meter?: Meter
}

/** How much may be sent to be imported. */
export interface ImportLimits {
  /** In bytes, of a file. */
  readonly largest: number
  /** In bytes, where what is sent will lie; null where that is a database elsewhere, whose room is not known. */
  readonly roomLeft: () => Promise<number | null>
}
