/**
 * The API of the example: what it answers to whom. Who calls is the gateway's word (`callers.ts`); the films are kept
 * where both processes of the API see them (`shared.ts`).
 */
import type { IncomingMessage } from 'node:http'
import { ServiceError } from '@latchkey/sdk/service-client'
import type { Accounts } from './accounts.ts'
import { type Caller, callerOf } from './callers.ts'
import type { Title } from './titles.ts'

/** A title of 80 characters, in any script and escaped, with room to spare. */
const MAXIMUM_BODY = 4096

export interface Answer {
  readonly status: number
  readonly body: object
  readonly headers?: Readonly<Record<string, string>>
}

export interface Films {
  /** Newest first. */
  list(): readonly Title[]
  /** @throws RangeError for what is no title. */
  add(title: unknown): Promise<Title>
}

export interface ApiOptions {
  readonly films: Films
  readonly accounts: Accounts
  /** Told of what went wrong here; never of what a caller did wrong. */
  readonly log: (message: string, error: unknown) => void
}

/** An answer that ends the request early, thrown from wherever that is found out. */
class Refusal extends Error {
  readonly answer: Answer
  constructor(status: number, error: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message)
    this.answer = { status, body: { error, message }, headers }
  }
}

/** The API as a function from a request under `/api/` to its answer. */
export function createApi({ films, accounts, log }: ApiOptions) {
  const operations: Readonly<Record<string, (request: IncomingMessage) => Answer | Promise<Answer>>> = {
    'GET /api/videos': () => ({ status: 200, body: { videos: films.list() } }),

    // The gateway lets nobody pass here without `write:videos`.
    'POST /api/videos': async request => {
      knownCaller(request)
      const { title } = await readJson(request)
      try {
        return { status: 201, body: await films.add(title) }
      } catch (error) {
        if (error instanceof RangeError) throw new Refusal(400, 'invalid_title', error.message)
        throw error
      }
    },

    'GET /api/me': request => ({ status: 200, body: describe(knownCaller(request)) }),

    'POST /api/sign-out-everywhere': async request => {
      const { id } = knownCaller(request)
      try {
        await accounts.revokeAccess({ id }, { on: request.headers })
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error
        log('nobody could be signed out', error)
        throw new Refusal(503, 'unavailable', 'the identity server does not answer', { 'retry-after': '2' })
      }
      return { status: 200, body: { signedOut: true } }
    },
  }

  return async function answer(request: IncomingMessage, path: string): Promise<Answer> {
    const methods = ['GET', 'POST'].filter(method => operations[`${method} ${path}`])
    const operation = operations[`${request.method} ${path}`]
    try {
      if (operation) return await operation(request)
      if (methods.length === 0) throw new Refusal(404, 'not_found', 'there is nothing here')
      throw new Refusal(405, 'method_not_allowed', 'not with this method', { allow: methods.join(', ') })
    } catch (error) {
      if (error instanceof Refusal) return error.answer
      throw error
    }
  }
}

/** Where the gateway's route file forgot to ask for a token, nobody is somebody. */
function knownCaller({ headers }: IncomingMessage): Caller {
  const caller = callerOf(headers)
  if (!caller) throw new Refusal(401, 'unauthorized', 'the gateway has not said who is calling')
  return caller
}

/** All that the API knows of the caller. Times in seconds. */
const describe = ({ id, scopes, issuedAt, expiresAt }: Caller): object => ({
  sub: id,
  scopes,
  issued_at: issuedAt,
  expires_at: expiresAt,
  answered_by: process.pid,
})

async function readJson(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  if (!/^application\/json *(?:;|$)/i.test(request.headers['content-type'] ?? ''))
    throw new Refusal(415, 'unsupported_media_type', 'send application/json')
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    // The rest will not be read, so the connection cannot carry another request.
    if (size > MAXIMUM_BODY) throw new Refusal(413, 'too_large', 'the body is too large', { connection: 'close' })
    chunks.push(chunk)
  }
  try {
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString())
    if (typeof body === 'object' && body !== null) return body as Record<string, unknown>
  } catch {
    // Not JSON at all is told like JSON of another shape.
  }
  throw new Refusal(400, 'invalid_body', 'the body is not a JSON object')
}
