/** A service behind the gateway: which of its targets a request goes to, among those that may be gone to at all. */
import type { Arrival } from '../exchange.ts'
import type { UpstreamPlan } from '../plan.ts'
import { drawnBy, leastBusy, nextInTurn } from './balance.ts'
import { RetryBudget } from './retry.ts'
import { Sticky } from './sticky.ts'
import type { Target } from './target.ts'

export type Chosen = Target | 'no_target' | 'breaker_open'

const NONE: readonly Target[] = []

export class Upstream {
  readonly plan: UpstreamPlan
  readonly targets: readonly Target[]
  readonly budget: RetryBudget
  readonly sticky: Sticky<Target> | null
  /** Whether there may be a target that is not gone to. Without one, nothing is filtered. */
  #isTroubled = false
  #turn = 0

  constructor(plan: UpstreamPlan, targets: readonly Target[]) {
    this.plan = plan
    this.targets = targets
    this.budget = new RetryBudget(plan.retryBudget)
    this.sticky = plan.balance.by === 'sticky-query' ? new Sticky(plan.balance.parameter) : null
  }

  /** To be told after a target's health or breaker moved. */
  reconsider(now: number): void {
    this.#isTroubled = this.targets.some(
      ({ health, breaker }) => !health.isWell(now) || (breaker !== null && breaker.state !== 'closed'),
    )
  }

  /** For a request of which nothing came yet from those that were tried. */
  choose(arrival: Arrival, now: number, tried: readonly Target[] = NONE): Chosen {
    let among = this.targets
    if (this.#isTroubled) {
      const open = this.#open(now)
      if (typeof open === 'string') return open
      among = open
    }
    if (tried.length > 0) {
      const untried = among.filter(target => !tried.includes(target))
      if (untried.length > 0) among = untried
    }
    return (among.length === 1 ? among[0] : this.#balance(among, arrival, now)) ?? 'no_target'
  }

  /**
   * What a check found ill is not gone to, though there be nothing else: the operator asked for checks. What only
   * failed some requests is gone to again rather than nothing.
   */
  #open(now: number): readonly Target[] | 'no_target' | 'breaker_open' {
    const standing = this.targets.filter(({ health }) => !health.isCheckedIll)
    if (standing.length === 0) return 'no_target'
    const allowed = standing.filter(({ breaker }) => breaker?.allows(now) ?? true)
    if (allowed.length === 0) return 'breaker_open'
    const well = allowed.filter(({ health }) => health.isWell(now))
    return well.length > 0 ? well : allowed
  }

  #balance(among: readonly Target[], arrival: Arrival, now: number): Target | undefined {
    const { balance } = this.plan
    if (balance.by === 'client-address') return drawnBy(among, arrival.address)
    const id = this.sticky?.idIn(arrival.query)
    if (this.sticky && id !== undefined) {
      const maker = this.sticky.find(id, now)
      // Of a session that began elsewhere, or before a restart, nobody knows: at least it is asked for in one place.
      return maker && among.includes(maker) ? maker : drawnBy(among, id)
    }
    const next = this.#next(among)
    if (!next?.isFull) return next
    const free = among.filter(target => !target.isFull)
    return free.length > 0 ? this.#next(free) : next
  }

  #next(among: readonly Target[]): Target | undefined {
    if (this.plan.balance.by !== 'least-connections') return nextInTurn(among)
    this.#turn = (this.#turn + 1) % among.length
    return leastBusy(among, this.#turn)
  }
}
