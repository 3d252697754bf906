/** What the Management API stands on. Handed in by `compose.ts`. */
import type { Bus } from '../kernel/bus.ts'
import type { Log } from '../kernel/log.ts'
import type { Meter } from '../kernel/meter.ts'
import type { RevocationFeed } from '../revocation/feed.ts'
import type { TokenJudges } from '../tokens/returned-token.ts'

export interface ApiServices extends TokenJudges {
  readonly feed: RevocationFeed
  readonly bus: Bus
  readonly log: Log
  /** Where somebody counts. */
  readonly meter?: Meter
}
