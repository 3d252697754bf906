/**
 * Says that a proxy is not believed. Behind one that the settings do not list everybody has its address, so that one
 * guesser holds up all the others: an operator should hear of it before they do. Anybody may send such headers, so each
 * peer is named once and few of them are: strangers, who come from public addresses, leave the places of those within.
 */
import { addressesIn } from '../kernel/ip-ranges.ts'
import type { Log } from '../kernel/log.ts'
import { isPublicAddress } from './addresses.ts'

const HEADERS = ['x-forwarded-for', 'forwarded'] as const
/** From public addresses, and as many from others. */
const MOST_NAMED = 5

/** To be called with each request: `peer` is who opened the connection, undefined where it has no address. */
export function createProxyNotice(trusted: readonly string[], log: Log) {
  const isListed = addressesIn(trusted)
  const [inside, outside] = [new Set<string>(), new Set<string>()]

  return (headers: Readonly<Record<string, unknown>>, peer: string | undefined): void => {
    const header = HEADERS.find(name => headers[name] !== undefined)
    if (header === undefined || peer === undefined) return
    // As a socket of both families writes an IPv4 address.
    const address = peer.replace(/^::ffff:(?=\d+\.)/i, '')
    if (isListed(address)) return
    const named = isPublicAddress(address) ? outside : inside
    if (named.has(address) || named.size >= MOST_NAMED) return
    named.add(address)
    log.warn(
      { peer: address, header },
      'not believed whose request this is: LATCHKEY_TRUSTED_PROXIES does not list the peer that says it',
    )
  }
}
