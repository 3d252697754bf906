/**
 * Which addresses may be asked on somebody else's behalf: those of the public internet, and what the operator listed.
 * Where an address comes from, and that the connection goes to it, is `egress.ts`'.
 */
import { BlockList, isIP } from 'node:net'

/** What the operator listed: host names, addresses and CIDR ranges. */
export interface AllowList {
  readonly hosts: ReadonlySet<string>
  /** False for what is no address. */
  hasAddress(address: string): boolean
}

/**
 * IANA's registry of special-purpose IPv4 addresses (RFC 6890), but for those that are reached globally, with
 * multicast and what is reserved. The metadata services of clouds are at 169.254.169.254 and 100.100.100.200.
 */
const SPECIAL_IPV4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
]

/**
 * All that is given out for the global internet (RFC 4291 §2.4), so that loopback, link-local, unique-local,
 * multicast, IPv4-mapped and NAT64 addresses are outside without being named.
 */
const GLOBAL_IPV6 = ['2000::/3']

/** Within it: what carries an IPv4 address (Teredo in 2001::/23, 6to4), protocols' own, and examples in documents. */
const SPECIAL_IPV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']

const specialIpv4 = listOf(SPECIAL_IPV4)
const globalIpv6 = listOf(GLOBAL_IPV6)
const specialIpv6 = listOf(SPECIAL_IPV6)

/** Of an address as `node:net` writes it; false for what is none. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address)
  if (family === 4) return !specialIpv4.check(address)
  return family === 6 && globalIpv6.check(address, 'ipv6') && !specialIpv6.check(address, 'ipv6')
}

/** Entries as `config/schema.ts` found them sound: an entry that is no address and no range is a host. */
export function allowList(entries: readonly string[]): AllowList {
  const isRange = (entry: string) => entry.includes('/') || isIP(entry) !== 0
  const ranges = listOf(entries.filter(isRange))
  return {
    hosts: new Set(entries.filter(entry => !isRange(entry)).map(entry => entry.toLowerCase())),
    hasAddress: address => isIP(address) !== 0 && ranges.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4'),
  }
}

function listOf(entries: readonly string[]): BlockList {
  const list = new BlockList()
  for (const entry of entries) {
    const [address = '', length] = entry.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    list.addSubnet(address, length === undefined ? (family === 'ipv6' ? 128 : 32) : Number(length), family)
  }
  return list
}
