/**
 * What a command and the running server say to each other: a line of JSON each way over the socket of `place.ts`,
 * the command first. What operations there are, and what they are given and answer, is not known here.
 */
import type { Socket } from 'node:net'
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts'

export interface Request {
  /** The version of Latchkey that asks. Only the same one is answered: what operations are given may differ. */
  readonly version: string
  /** SHA-256 of the database's URL when the command was told one, so that it is never carried out on another. */
  readonly database: string | null
  readonly operation: string
  readonly given: JsonObject
}

/**
 * `refused`: the operator can mend it. `unexpected`: a bug of ours, whose cause the server's log holds. The rest are
 * about the conversation: nothing was tried.
 */
export type FaultCode = 'refused' | 'unexpected' | 'malformed' | 'other-version' | 'other-database' | 'busy' | 'closing'

export type Reply =
  | { readonly result: JsonValue }
  | { readonly fault: { readonly code: FaultCode; readonly sentence: string } }

/** In bytes: a tenant file may have 10 MiB, and read and written out as JSON it becomes two or three times as long. */
export const LONGEST_LINE = 32 * 1024 * 1024

export const lineOf = (message: Request | Reply): Buffer => Buffer.from(`${JSON.stringify(message)}\n`)

/**
 * The first line that arrives, or undefined when the other side ends before it is whole.
 * @throws SyntaxError for what is not JSON, RangeError for a line longer than `LONGEST_LINE`.
 */
export async function readLine(socket: Socket): Promise<unknown> {
  const parts: Buffer[] = []
  let length = 0
  // The socket stays open for the answer: leaving the loop must not destroy it.
  for await (const part of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    const end = part.indexOf('\n')
    length += end < 0 ? part.length : end
    if (length > LONGEST_LINE) throw new RangeError(`A line is longer than ${LONGEST_LINE} bytes`)
    parts.push(end < 0 ? part : part.subarray(0, end))
    if (end >= 0) return JSON.parse(Buffer.concat(parts).toString('utf8'))
  }
  return undefined
}

export const isRequest = (message: unknown): message is Request =>
  isObject(message) &&
  typeof message['version'] === 'string' &&
  (message['database'] === null || typeof message['database'] === 'string') &&
  typeof message['operation'] === 'string' &&
  isObject(message['given'])
