/** E-mail addresses: which are taken for one, and when two are the same person's. */

/** RFC 5321 §4.5.3.1.3. */
const LONGEST_ADDRESS = 254
/**
 * One `@` with something on both sides, a dot in the domain, nothing blank or invisible, and no U+FFFD, which
 * stands where bytes could not be read. Whether it exists, only mail can tell.
 */
const SHAPE =
  /^[^\s@<>(),:;"\\\p{C}\p{DI}\ufffd]+@[^\s@<>(),:;"\\\p{C}\p{DI}\ufffd]+\.[^\s@<>(),:;"\\.\p{C}\p{DI}\ufffd]+$/u

/** RFC 5321 §4.5.3.1.1. */
const LONGEST_LOCAL_PART = 64
/** RFC 1034 §3.5, after IDNA: labels of letters, digits and inner hyphens, the last of them no number. */
const DOMAIN = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?!\d+$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/** The address as it is kept, or undefined for what is not one. */
export function readEmailAddress(text: string): string | undefined {
  const address = text.trim().normalize('NFKC')
  if (address.length > LONGEST_ADDRESS || !SHAPE.test(address)) return undefined
  const [local, domain] = partsOf(address)
  const isSound = local.length <= LONGEST_LOCAL_PART && !/^\.|\.\.|\.$/.test(local)
  return isSound && DOMAIN.test(asciiOf(domain)) ? address : undefined
}

/**
 * What uniqueness is decided on. The local part has its compatibility forms and case folded away, so that
 * `Ａnn@example.com` cannot be registered beside `ann@example.com`: down, up and down again, since ß meets SS only on the
 * way up, and ẞ meets ß only on the way down. The domain is the one that mail goes to: `gmaıl.com` is another than
 * `gmail.com`, and somebody else's.
 */
export function emailKey(address: string): string {
  const [local, domain] = partsOf(address.normalize('NFKC'))
  return `${fold(local)}@${asciiOf(domain)}`
}

const fold = (text: string): string => text.toLowerCase().toUpperCase().toLowerCase().normalize('NFKC')

function partsOf(address: string): [local: string, domain: string] {
  const at = address.lastIndexOf('@')
  return [address.slice(0, Math.max(at, 0)), address.slice(at + 1)]
}

/** As it stands in the DNS (UTS 46); what is no domain stays as it is. A path or a port is none. */
const asciiOf = (domain: string): string => {
  const url = /[/?#:\\%[\]]/.test(domain) ? null : URL.parse(`http://${domain}`)
  return url?.hostname || domain.toLowerCase()
}
