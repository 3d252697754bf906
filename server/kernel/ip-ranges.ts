/** Lists of IP addresses and CIDR ranges, as operators write them. Names of ranges (`loopback`) are not taken. */
import { BlockList, isIP } from 'node:net'

/** A range of /0 would be everybody. */
export function isAddressOrRange(entry: string): boolean {
  const [address = '', length, ...more] = entry.split('/')
  const family = address.includes('%') ? 0 : isIP(address)
  if (family === 0 || more.length > 0) return false
  return length === undefined || (/^[1-9]\d{0,2}$/.test(length) && Number(length) <= (family === 4 ? 32 : 128))
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4')

/** Entries that are neither address nor range are passed over. */
export function blockListOf(list: readonly string[]): BlockList {
  const ranges = new BlockList()
  for (const entry of list.filter(isAddressOrRange)) {
    const [address = '', length] = entry.split('/')
    if (length === undefined) ranges.addAddress(address, familyOf(address))
    else ranges.addSubnet(address, Number(length), familyOf(address))
  }
  return ranges
}

/** Whether an address is in the list; entries that are neither address nor range are passed over. */
export function addressesIn(list: readonly string[]): (address: string) => boolean {
  if (!list.some(isAddressOrRange)) return () => false
  const ranges = blockListOf(list)
  return address => isIP(address) !== 0 && ranges.check(address, familyOf(address))
}
