/**
 * The data plane of a running gateway: what is admitted is carried to the upstreams of the plan in force, for as long as
 * its caller may have it. How one request is carried is `carriage.ts`, how an upgrade `upgrade.ts`.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { Carriage, type Carrier } from './carriage.ts'
import { Deadlines } from './deadlines.ts'
import type { Forwarder, Sight } from './edge.ts'
import type { Passage, Refusal } from './exchange.ts'
import type { EdgePlan } from './plan.ts'
import { Tunnel } from './upgrade.ts'
import { Upstreams } from './upstreams/upstreams.ts'
import { Watch } from './watch.ts'

interface ForwarderParts {
  readonly plan: EdgePlan
  readonly sight: Sight
  /** Answers the client in the gateway's own words. Nothing of the answer has left before. */
  refuse(response: ServerResponse, passage: Passage, refusal: Refusal): void
  /** The same on a connection that asked for an upgrade. It ends the socket. */
  refuseUpgrade(socket: Duplex, passage: Passage, refusal: Refusal): void
  /** Milliseconds that never run backwards. */
  readonly clock?: () => number
  /** Milliseconds since 1970, which tokens are judged by. */
  readonly wallClock?: () => number
}

export function createForwarder(parts: ForwarderParts): Forwarder {
  const { plan, sight, refuse, refuseUpgrade, clock = () => performance.now(), wallClock = Date.now } = parts
  const deadlines = new Deadlines(clock)
  const watch = new Watch(deadlines, wallClock)
  const upstreams = new Upstreams(sight, clock)
  const tunnels = new Set<Tunnel>()
  let carrier: Carrier | null = null
  let loading: Promise<Carrier> | null = null
  let underWay = 0
  let isStopping = false
  let whenIdle = (): void => {}
  upstreams.follow(plan)

  async function load(): Promise<Carrier> {
    const undici = await import('undici')
    carrier = { deadlines, watch, clock, undici, refuse }
    return carrier
  }

  function carry(by: Carrier, passage: Passage, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const upstream = upstreams.find(passage.route.upstream)
    underWay++
    return new Promise(resolve => {
      const done = () => {
        ended()
        resolve()
      }
      new Carriage(by, upstream, passage, request, response, done).start()
    })
  }

  function ended(): void {
    if (--underWay === 0) whenIdle()
  }

  return {
    forward(passage, request, response) {
      if (carrier) return carry(carrier, passage, request, response)
      loading ??= load()
      return loading.then(loaded => carry(loaded, passage, request, response))
    },

    upgrade(passage, request, socket, head) {
      const upstream = upstreams.find(passage.route.upstream)
      underWay++
      return new Promise(resolve => {
        const tunnel = new Tunnel(
          { deadlines, watch, clock, refuseUpgrade },
          upstream,
          passage,
          request,
          socket,
          head,
          () => {
            tunnels.delete(tunnel)
            ended()
            resolve()
          },
        )
        tunnels.add(tunnel)
        tunnel.start()
        if (isStopping) tunnel.goAway()
      })
    },

    follow(next, issuers) {
      upstreams.follow(next)
      watch.believe(issuers)
    },

    async stop() {
      isStopping = true
      for (const tunnel of tunnels) tunnel.goAway()
      if (underWay > 0)
        await new Promise<void>(resolve => {
          whenIdle = resolve
        })
      upstreams.stop()
    },
  }
}
