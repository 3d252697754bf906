/**
 * The data plane of a running gateway: what is admitted is carried to the upstreams of the plan in force. How one
 * request is carried is `carriage.ts`.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { Carriage, type Carrier } from './carriage.ts'
import { Deadlines } from './deadlines.ts'
import type { Forwarder, Sight } from './edge.ts'
import type { Passage, Refusal } from './exchange.ts'
import type { EdgePlan } from './plan.ts'
import type { Undici } from './upstreams/target.ts'
import { Upstreams } from './upstreams/upstreams.ts'

interface ForwarderParts {
  readonly plan: EdgePlan
  readonly sight: Sight
  /** Answers the client in the gateway's own words. Nothing of the answer has left before. */
  refuse(response: ServerResponse, passage: Passage, refusal: Refusal): void
  /** The same on a connection that asked for an upgrade. It ends the socket. */
  refuseUpgrade(socket: Duplex, passage: Passage, refusal: Refusal): void
  /** Milliseconds that never run backwards. */
  readonly clock?: () => number
}

export function createForwarder(parts: ForwarderParts): Forwarder {
  const clock = parts.clock ?? (() => performance.now())
  const upstreams = new Upstreams(parts.sight, clock)
  const deadlines = new Deadlines(clock)
  let carrier: Carrier | null = null
  let loading: Promise<Carrier> | null = null
  upstreams.follow(parts.plan)

  async function load(): Promise<Carrier> {
    const undici: Undici = await import('undici')
    carrier = { deadlines, clock, undici, refuse: parts.refuse }
    return carrier
  }

  function carry(by: Carrier, passage: Passage, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const upstream = upstreams.find(passage.route.upstream)
    return new Promise(resolve => new Carriage(by, upstream, passage, request, response, resolve).start())
  }

  return {
    forward(passage, request, response) {
      if (carrier) return carry(carrier, passage, request, response)
      loading ??= load()
      return loading.then(loaded => carry(loaded, passage, request, response))
    },
    async upgrade(passage, _request, socket) {
      parts.refuseUpgrade(socket, passage, { code: 'no_target' })
    },
    follow: plan => upstreams.follow(plan),
    async stop() {
      upstreams.stop()
    },
  }
}
