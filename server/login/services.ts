/** What the pages stand on. Handed in by `compose.ts`. */
import type { AuditBuffer } from '../audit/log.ts'
import type { Clients } from '../clients/clients.ts'
import type { FindCookieScope } from '../clients/cookie-scope.ts'
import type { ResourceServers } from '../clients/resource-servers.ts'
import type { Factor } from '../factors/factor.ts'
import type { LoadMailedSignIn } from '../factors/mailed-sign-in.ts'
import type { PasswordSignIn } from '../factors/password-sign-in.ts'
import type { Pages } from '../http/pages.ts'
import type { RateLimit } from '../http/rate-limit.ts'
import type { Brake } from '../identity/brake.ts'
import type { Connections } from '../identity/connections.ts'
import type { HashQueue } from '../identity/hash-queue.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Counter } from '../kernel/counter.ts'
import type { Store } from '../store/store.ts'
import type { Tenants } from '../tenants/tenants.ts'

export interface LoginServices {
  readonly store: Store
  readonly clients: Clients
  readonly resourceServers: ResourceServers
  readonly tenants: Tenants
  readonly connections: Connections
  readonly cookieScope: FindCookieScope
  readonly password: Factor<string>
  readonly signInWithPassword: PasswordSignIn
  readonly mailedSignIn: LoadMailedSignIn
  readonly brake: Brake
  /** Of what the brake counts, to let go of it. */
  readonly counter: Counter
  /** Of requests that begin to wait, by network. */
  readonly waitingRequests: RateLimit
  readonly hashQueue: HashQueue
  readonly audit: AuditBuffer
  readonly pages: Pages
  readonly clock: Clock
}
