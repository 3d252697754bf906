/**
 * How the SDK asks an issuer for something: JSON objects, within a time and a size, and never somewhere else than
 * where it was sent. What is asked, and how often, is the business of jwks.ts and machine-token.ts.
 */
import { parseObject } from './strict-json.ts'

const LIMITS = {
  /** For everything, from the first packet to the last byte of the body. */
  timeoutMilliseconds: 5000,
  bodyBytes: 256 * 1024,
} as const

/**
 * The global `fetch` where whoever reads these declarations has a type for it, from a browser or a runtime; where
 * nobody has, what is asked of one.
 */
export type Fetch = typeof globalThis extends { fetch: infer Global } ? Global : MinimalFetch

type MinimalFetch = (
  address: string,
  options: {
    readonly method: string
    readonly redirect: 'error'
    readonly headers: Record<string, string>
    readonly body?: string
    readonly signal: unknown
  },
) => Promise<{
  readonly status: number
  readonly headers: { get(name: string): string | null }
  readonly body: (AsyncIterable<Uint8Array> & { cancel(): Promise<void> }) | null
}>

export interface FetchedObject {
  readonly status: number
  readonly headers: { get(name: string): string | null }
  /** Undefined where the answer is no JSON object. */
  readonly object: Readonly<Record<string, unknown>> | undefined
}

/**
 * Asks with a time-out and reads with a bound. A redirect is a failure: it would move the issuer's word, or what is
 * told to it, elsewhere.
 */
export async function fetchObject(
  fetch: Fetch,
  address: string,
  request: { readonly method?: string; readonly headers?: Record<string, string>; readonly body?: string } = {},
): Promise<FetchedObject> {
  const response = await fetch(address, {
    method: 'GET',
    ...request,
    redirect: 'error',
    headers: { accept: 'application/json', ...request.headers },
    signal: AbortSignal.timeout(LIMITS.timeoutMilliseconds),
  })
  const { status, headers } = response
  return { status, headers, object: parseObject(await readBounded(response, LIMITS.bodyBytes)) }
}

/** @throws Error once there is more than `limit` bytes; what is left of it is not read. */
export async function readBounded(
  { body }: { readonly body: AsyncIterable<Uint8Array> | null },
  limit: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body ?? []) {
    size += chunk.length
    if (size > limit) throw new Error(`the answer is larger than ${limit} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** OpenID Connect Discovery 1.0 §4. */
export const discoveryAddress = (issuer: string): string =>
  `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`

/**
 * The address under a name in a discovery document.
 * @throws Error where the document is another issuer's (§4.3, byte for byte), or the address no acceptable one.
 */
export function discovered(
  document: Readonly<Record<string, unknown>>,
  name: string,
  { issuer, allowInsecure }: { readonly issuer: string; readonly allowInsecure: boolean },
): string {
  if (document['issuer'] !== issuer) throw new Error('discovery names another issuer')
  const address = document[name]
  if (typeof address !== 'string' || !isAcceptableAddress(address, allowInsecure))
    throw new Error(`discovery names no acceptable ${name}`)
  return address
}

/** By https, or by http on this machine. */
export function isAcceptableAddress(address: string, allowInsecure: boolean): boolean {
  if (!URL.canParse(address)) return false
  const { protocol, hostname } = new URL(address)
  const isThisMachine = /^(?:localhost|.*\.localhost|127\.0\.0\.1|\[::1\])$/.test(hostname)
  return protocol === 'https:' || (protocol === 'http:' && (isThisMachine || allowInsecure))
}
