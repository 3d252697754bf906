/**
 * What nodes say to one another, whatever carries it: messages, of which this node's own come back and are passed over,
 * and that some were lost. Connecting, and telling this node's listeners what it may have missed, is the carrier's.
 */
import type { Bus, BusMessage } from '../kernel/bus.ts'
import { randomSecret } from '../kernel/secrets.ts'
import { createMemoryBus, type MemoryBus } from './memory.ts'

/** Behind a connection that no longer answers, messages are dropped rather than piled up. */
const LONGEST_QUEUE = 1000

/**
 * Who sent it comes first: a carrier brings a node its own messages too, and those it has delivered already. A sender
 * alone says that messages of theirs were lost.
 */
type Envelope = readonly [node: string, topic: string, tenant: string, id: string] | readonly [node: string]

export interface BetweenNodes {
  /** The listeners of this node. */
  readonly local: MemoryBus
  /** To this node's listeners before it returns, and to the other nodes'. */
  readonly publish: Bus['publish']
  receive(payload: string | undefined): void
  /** Only after word that the connection carries: in answer to a failure it would go round without end. */
  ownUp(): void
}

/** `carry` answers undefined while there is no connection, and rejects when what it was given may not have arrived. */
export function createBetweenNodes(carry: (payload: string) => Promise<unknown> | undefined): BetweenNodes {
  const local = createMemoryBus()
  const node = randomSecret()
  let queued = 0
  /** Something of ours did not reach the others, and they do not know it. */
  let hasLost = false

  const send = (envelope: Envelope): void => {
    const carried = queued === LONGEST_QUEUE ? undefined : carry(JSON.stringify(envelope))
    if (!carried) {
      hasLost = true
      return
    }
    queued++
    carried
      .finally(() => queued--)
      .then(ownUp, () => {
        hasLost = true
      })
  }

  const ownUp = (): void => {
    if (!hasLost) return
    hasLost = false
    send([node])
  }

  return {
    local,
    ownUp,
    publish(message: BusMessage) {
      local.publish(message)
      send([node, message.topic, message.tenant, message.id])
    },
    receive(payload) {
      const envelope = parse(payload)
      if (!envelope || envelope[0] === node) return
      if (envelope.length === 1) return local.miss()
      const [, topic, tenant, id] = envelope
      local.publish({ topic, tenant, id })
    },
  }
}

/** Anybody who may connect to what carries can send: what is not ours is passed over. */
function parse(payload: string | undefined): Envelope | undefined {
  try {
    const envelope: unknown = JSON.parse(payload ?? '')
    const isOurs =
      Array.isArray(envelope) &&
      (envelope.length === 4 || envelope.length === 1) &&
      envelope.every(part => typeof part === 'string')
    return isOurs ? (envelope as unknown as Envelope) : undefined
  } catch {
    return undefined
  }
}
