/**
 * Who is calling, as the gateway says it in headers (`identity` in edge.yaml). They are believed for one reason: the API
 * listens on 127.0.0.1 alone, and the gateway takes every copy of them off a request that comes from outside. Whoever
 * else runs programs on this machine could write them; where that is not the operator alone, or where services are on
 * machines of their own, the gateway signs what it says (`identity_token`), and the service verifies that with the SDK.
 */
import type { IncomingHttpHeaders } from 'node:http'

export interface Caller {
  readonly id: string
  readonly scopes: readonly string[]
  /** Seconds. */
  readonly issuedAt: number
  readonly expiresAt: number
}

/** Undefined where the gateway said nothing, because its route let anybody pass. */
export function callerOf(headers: IncomingHttpHeaders): Caller | undefined {
  const id = said(headers, 'x-user-id')
  if (id === '') return undefined
  return {
    id,
    scopes: said(headers, 'x-user-scopes')
      .split(' ')
      .filter(scope => scope !== ''),
    issuedAt: Number(said(headers, 'x-token-issued')),
    expiresAt: Number(said(headers, 'x-token-expires')),
  }
}

/** What is not visible ASCII comes percent-encoded. */
function said(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name]
  return typeof value === 'string' ? decodeURIComponent(value) : ''
}
