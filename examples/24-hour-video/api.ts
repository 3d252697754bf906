/**
 * The API of the example: three operations, and how a resource server answers to the tokens it is sent (RFC 6750).
 * The films are titles.ts; what makes a token good is the SDK.
 */
import type { IncomingMessage } from 'node:http'
import { remoteKeys } from '@latchkey/sdk/jwks'
import {
  type AlgorithmName,
  accessToken,
  createVerifier,
  KeysUnavailableError,
  requireScopes,
  VerificationError,
  type VerifiedToken,
} from '@latchkey/sdk/verify'
import type { Titles } from './titles.ts'

/** As tenant.yaml has the API's tokens signed. */
const ALGORITHMS: readonly AlgorithmName[] = ['RS256']
const UPLOAD_SCOPE = 'write:videos'
/** A title of 80 characters, in any script and escaped, with room to spare. */
const MAXIMUM_BODY = 4096

export interface Answer {
  readonly status: number
  readonly body: object
  readonly headers?: Readonly<Record<string, string>>
}

export interface ApiOptions {
  readonly issuer: string
  readonly audience: string
  readonly titles: Titles
  readonly clock?: () => number
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
export function createApi({ issuer, audience, titles, clock = Date.now }: ApiOptions) {
  const verify = createVerifier({
    keys: remoteKeys({ issuer, algorithms: ALGORITHMS }),
    algorithms: ALGORITHMS,
    profile: accessToken({ issuer, audience }),
    clock,
  })

  const operations: Readonly<Record<string, (request: IncomingMessage) => Promise<Answer>>> = {
    'GET /api/videos': async () => ({ status: 200, body: { videos: titles.list() } }),

    'POST /api/videos': async request => {
      const token = await verify(readBearer(request))
      requireScopes(token, UPLOAD_SCOPE)
      const { title } = await readJson(request)
      try {
        return { status: 201, body: titles.add(title as string) }
      } catch (error) {
        if (error instanceof RangeError) throw new Refusal(400, 'invalid_title', error.message)
        throw error
      }
    },

    'GET /api/me': async request => ({ status: 200, body: describe(await verify(readBearer(request))) }),
  }

  return async function answer(request: IncomingMessage, path: string): Promise<Answer> {
    const methods = ['GET', 'POST'].filter(method => operations[`${method} ${path}`])
    const operation = operations[`${request.method} ${path}`]
    try {
      if (operation) return await operation(request)
      if (methods.length === 0) throw new Refusal(404, 'not_found', 'there is nothing here')
      throw new Refusal(405, 'method_not_allowed', 'not with this method', { allow: methods.join(', ') })
    } catch (error) {
      return refuse(error)
    }
  }
}

/** What the API learnt from the token, which is all it knows of the caller. Times in seconds. */
function describe({ claims }: VerifiedToken): object {
  const scopes = typeof claims['scope'] === 'string' ? claims['scope'].split(' ') : []
  return { sub: claims.sub, scopes, issued_at: claims.iat, expires_at: claims.exp }
}

/** RFC 6750 §2.1. Two headers could be read as two callers; Node shows the first and hides the rest. */
function readBearer(request: IncomingMessage): string {
  const sent = request.headersDistinct['authorization'] ?? []
  if (sent.length > 1)
    throw new Refusal(400, 'invalid_request', 'send one Authorization header', challenge({ error: 'invalid_request' }))
  const token = /^bearer +([\w.~+/-]+=*)$/i.exec(sent[0] ?? '')?.[1]
  // §3.1: who sent no credentials is told the scheme and no error.
  if (!token) throw new Refusal(401, 'unauthorized', 'send an access token', challenge({}))
  return token
}

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

function refuse(error: unknown): Answer {
  if (error instanceof Refusal) return error.answer
  if (error instanceof KeysUnavailableError)
    return {
      status: 503,
      body: { error: 'unavailable', message: 'tokens cannot be checked at the moment' },
      headers: { 'retry-after': '2' },
    }
  if (!(error instanceof VerificationError)) throw error
  const { code, message } = error
  return code === 'insufficient_scope'
    ? { status: 403, body: { error: code, message }, headers: challenge({ error: code, scope: UPLOAD_SCOPE }) }
    : {
        status: 401,
        body: { error: 'invalid_token', message },
        headers: challenge({ error: 'invalid_token', error_description: message }),
      }
}

/** RFC 6750 §3. The values are ours, and hold nothing that would need escaping. */
function challenge(parameters: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const all = Object.entries({ realm: '24-Hour Video', ...parameters })
  return { 'www-authenticate': `Bearer ${all.map(([name, value]) => `${name}="${value}"`).join(', ')}` }
}
