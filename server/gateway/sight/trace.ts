/**
 * The trace that a request belongs to (W3C Trace Context), as far as a hop without spans of its own has to know it: what
 * is passed on, and what the access log names. Who samples, and who keeps spans, is the services' affair.
 */
import { hash } from 'node:crypto'
import type { Arrival } from '../exchange.ts'

export interface Trace {
  /** 32 hexadecimal digits: what the log is searched by. */
  readonly id: string
  readonly traceparent: string
  /** Null where there was none, or none that is fit to be passed on. */
  readonly tracestate: string | null
}

/** §3.2.2: version, trace id, parent id and flags; a version after 00 may say more. */
const TRACEPARENT = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/
const NOTHING = /^0+$/
/** Of version 00: sampled, and that the trace id is random. */
const KNOWN_FLAGS = 0b11

/** §3.3.1.5: at least so much is passed on; what is longer is left away whole. */
const LONGEST_STATE = 512
const MOST_MEMBERS = 32
const MEMBER =
  /^(?:[a-z\d][\w\-*/]{0,240}@[a-z][\w\-*/]{0,13}|[a-z][a-z\d_\-*/]{0,255})=[ -+\--<>-~]{0,255}[!-+\--<>-~]$/

/**
 * Null where nobody traces: services begin traces of their own, by their own measure. One that cannot be read was meant to
 * be one, and is followed by a new one, of which the request's id is the seed, so that asking twice tells the same.
 */
export function traceOf({ headers, id }: Pick<Arrival, 'headers' | 'id'>): Trace | null {
  const sent = headers['traceparent']
  if (sent === undefined) return null
  return read([sent].flat().join(','), headers['tracestate']) ?? begin(id)
}

function read(sent: string, state: Arrival['headers'][string]): Trace | undefined {
  const [, version, id = '', parent = '', flags = '', more] = TRACEPARENT.exec(sent) ?? []
  if (version === undefined || version === 'ff' || NOTHING.test(id) || NOTHING.test(parent)) return undefined
  if (version === '00' && more !== undefined) return undefined
  // §3.2.4: of a later version only what 00 says of it is understood, and so passed on.
  const known = version === '00' ? flags : (Number.parseInt(flags, 16) & KNOWN_FLAGS).toString(16).padStart(2, '0')
  return { id, traceparent: `00-${id}-${parent}-${known}`, tracestate: stateOf(state) }
}

/** §3.3: a list of names and values, empty ones left out. */
function stateOf(sent: Arrival['headers'][string]): string | null {
  const text = [sent ?? []].flat().join(',')
  if (text.length > LONGEST_STATE) return null
  const members = text
    .split(',')
    .map(member => member.replace(/^[ \t]+|[ \t]+$/g, ''))
    .filter(member => member !== '')
  const isSound = members.length > 0 && members.length <= MOST_MEMBERS && members.every(member => MEMBER.test(member))
  return isSound ? members.join(',') : null
}

/** Sampled: whoever sent something wanted to be traced. No stranger gains by it what a sound header would not give. */
function begin(requestId: string): Trace {
  const digest = hash('sha256', `trace ${requestId}`)
  const id = digest.slice(0, 32)
  return { id, traceparent: `00-${id}-${digest.slice(32, 48)}-01`, tracestate: null }
}
