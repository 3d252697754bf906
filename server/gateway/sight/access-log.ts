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
    const members = membersOf(arrival, note, ms)
    if (log.infoMembers) log.infoMembers(members, 'answered')
    else log.info(JSON.parse(`{${members}}`), 'answered')
  }
}

/**
 * As JSON, put together by hand: it is written for every request, and takes a third of what it takes to have it made. What
 * is quoted without a look is a word of ours; a method is a token, and an address what the system says or was found to be one.
 */
function membersOf(arrival: Arrival, note: Note, ms: number): string {
  const trace = traceOf(arrival)
  let line = `"request":"${arrival.id}"`
  if (trace) line += `,"trace":"${trace.id}"`
  line += `,"method":"${arrival.method}"`
  if (note.route !== '') line += `,"route":${quoted(note.route)}`
  line += `,"decision":"${note.decision}","status":${note.status},"ms":${tenths(ms)},"bytes":${note.bytesOut}`
  line += `,"address":"${arrival.address}"`
  if (note.subject !== null) line += `,"sub":${JSON.stringify(note.subject)}`
  if (note.client !== null) line += `,"client":${JSON.stringify(note.client)}`
  if (note.upstream !== null) line += `,"upstream":${quoted(note.upstream)}`
  if (note.target !== null) line += `,"target":${quoted(note.target)},"attempts":${note.attempts}`
  if (note.upstreamMs !== null) line += `,"upstream_ms":${tenths(note.upstreamMs)}`
  if (note.isAborted) line += ',"aborted":true'
  return line
}

/** Names of the route file, of which there are some dozens. */
const names = new Map<string, string>()

function quoted(name: string): string {
  let text = names.get(name)
  if (text === undefined) {
    text = JSON.stringify(name)
    names.set(name, text)
  }
  return text
}

/** Milliseconds to one place: what the gateway itself takes is less than one. */
const tenths = (ms: number): number => Math.round(ms * 10) / 10
