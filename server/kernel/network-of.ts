/** Who one address speaks for, when callers are counted. How many of what they may do is the counter's. */
import { isIPv6 } from 'node:net'

/** An IPv6 customer is given a network of this many 16-bit groups, and may call from any address in it (RFC 6177 §2). */
const NETWORK_GROUPS = 4
const GROUPS = 8
const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i

/**
 * What stands for the caller behind an IP address: the address itself in IPv4, its /64 in IPv6, where one caller has
 * 2^64 addresses. An IPv4 address in IPv6 clothes is itself; what is no address stands for itself.
 */
export function networkOf(address: string): string {
  const mapped = MAPPED.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  const [bare = ''] = address.split('%')
  if (!isIPv6(bare)) return address
  const [head = '', tail] = bare.split('::')
  const groupsOf = (part: string) => (part === '' ? [] : part.split(':'))
  const [first, last] = [groupsOf(head), groupsOf(tail ?? '')]
  // A dotted quad at the end is two groups.
  const given = first.length + last.length + (bare.includes('.') ? 1 : 0)
  const zeros = tail === undefined ? [] : Array<string>(GROUPS - given).fill('0')
  const network = [...first, ...zeros, ...last].slice(0, NETWORK_GROUPS)
  return `${network.map(group => Number.parseInt(group, 16).toString(16)).join(':')}::/64`
}
