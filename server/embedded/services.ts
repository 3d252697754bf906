/** What applications that sign people in themselves stand on. Handed in by `compose.ts`. */
import type { Clients } from '../clients/clients.ts'
import type { FindCookieScope } from '../clients/cookie-scope.ts'
import type { LoadMailedSignIn } from '../factors/mailed-sign-in.ts'
import type { PasswordSignIn } from '../factors/password-sign-in.ts'
import type { Brake } from '../identity/brake.ts'
import type { HashQueue } from '../identity/hash-queue.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Store } from '../store/store.ts'
import type { Tenants } from '../tenants/tenants.ts'

export interface EmbeddedServices {
  readonly store: Store
  readonly clients: Clients
  readonly tenants: Tenants
  readonly cookieScope: FindCookieScope
  readonly signInWithPassword: PasswordSignIn
  readonly mailedSignIn: LoadMailedSignIn
  readonly brake: Brake
  readonly hashQueue: HashQueue
  readonly clock: Clock
}
