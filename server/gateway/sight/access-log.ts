/**
 * One line of the log for each request that is over: enough to find it again, and nothing that anybody sent but who they
 * are. No path and no query: they hold ids, addresses and tokens, and the route's name says which part of the file let
 * them in.
 */
import type { Log } from '../../kernel/log.ts'
import type { Arrival, Note } from '../exchange.ts'
import { traceOf } from './trace.ts'

/**
 * `passedShare`: the part that is written of requests that passed and were answered; of ten, every tenth for 0.1. What was
 * refused, failed or broke off is always written.
 */
export function createAccessLog(log: Log, passedShare: number): (arrival: Arrival, note: Note, ms: number) => void {
  let seen = 0

  function isLeftOut(note: Note): boolean {
    if (passedShare >= 1 || note.decision !== 'passed' || note.status >= 500 || note.isAborted) return false
    seen += 1
    return Math.floor(seen * passedShare) === Math.floor((seen - 1) * passedShare)
  }

  return (arrival, note, ms) => {
    if (isLeftOut(note)) return
    // Of one shape for all requests, what is not known of one left undefined, and so left out.
    log.info(
      {
        request: arrival.id,
        trace: traceOf(arrival)?.id,
        method: arrival.method,
        route: note.route === '' ? undefined : note.route,
        decision: note.decision,
        status: note.status,
        ms: tenths(ms),
        bytes: note.bytesOut,
        address: arrival.address,
        sub: note.subject ?? undefined,
        client: note.client ?? undefined,
        upstream: note.upstream ?? undefined,
        target: note.target ?? undefined,
        attempts: note.target === null ? undefined : note.attempts,
        upstream_ms: note.upstreamMs === null ? undefined : tenths(note.upstreamMs),
        aborted: note.isAborted || undefined,
      },
      'answered',
    )
  }
}

/** Milliseconds to one place: what the gateway itself takes is less than one. */
const tenths = (ms: number): number => Math.round(ms * 10) / 10
