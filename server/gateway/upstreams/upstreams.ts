/** The services that the route file in force names, each with what is known of its targets. */
import type { Sight } from '../edge.ts'
import type { EdgePlan, UpstreamPlan } from '../plan.ts'
import { Breaker } from './breaker.ts'
import { startChecks } from './checks.ts'
import { Health } from './health.ts'
import { Target } from './target.ts'
import { Upstream } from './upstream.ts'

interface Running {
  readonly upstream: Upstream
  stop(): void
}

export class Upstreams {
  readonly #sight: Sight
  readonly #clock: () => number
  /** By what the file says of one: a reload that leaves it as it is keeps its sockets and what was learned of it. */
  #running = new Map<string, Running>()
  #byPlan = new WeakMap<UpstreamPlan, Upstream>()

  constructor(sight: Sight, clock: () => number) {
    this.#sight = sight
    this.#clock = clock
  }

  /** What no longer stands in the file ends once what is under way there is over. */
  follow(plan: Pick<EdgePlan, 'routes' | 'upstreams'>): void {
    const before = this.#running
    this.#running = new Map()
    for (const wanted of plan.upstreams) {
      const connectTimeout = Math.max(
        ...plan.routes.filter(({ upstream }) => upstream === wanted).map(({ timeout }) => timeout.connect),
        1000,
      )
      const key = JSON.stringify([wanted, connectTimeout])
      const running = before.get(key) ?? this.#start(wanted, connectTimeout)
      before.delete(key)
      this.#running.set(key, running)
      this.#byPlan.set(wanted, running.upstream)
    }
    for (const gone of before.values()) gone.stop()
  }

  /** Of a route of a plan that was followed: a request may be on its way by an older one. */
  find(plan: UpstreamPlan): Upstream {
    const upstream = this.#byPlan.get(plan)
    if (!upstream) throw new Error(`Nobody followed a plan with the upstream ${plan.name}`)
    return upstream
  }

  stop(): void {
    for (const running of this.#running.values()) running.stop()
    this.#running.clear()
  }

  #start(plan: UpstreamPlan, connectTimeout: number): Running {
    const sight = this.#sight
    const clock = this.#clock
    const moved = () => upstream.reconsider(clock())
    const targets = plan.targets.map(({ url, weight }) => {
      const health = new Health(plan.health, isWell => {
        moved()
        sight.targetMoved(plan.name, url.host, isWell ? 'well' : 'ill')
      })
      const breaker =
        plan.breaker &&
        new Breaker(plan.breaker, state => {
          moved()
          sight.breakerMoved(plan.name, url.host, state)
        })
      return new Target({ url, weight, connections: plan.connections, connectTimeout }, health, breaker)
    })
    const upstream = new Upstream(plan, targets)
    const checks = targets.map(target => plan.health && startChecks(target, plan.health))
    return {
      upstream,
      stop() {
        for (const stop of checks) stop?.()
        for (const target of targets) target.close()
      },
    }
  }
}
