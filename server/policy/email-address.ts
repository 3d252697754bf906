/** E-mail addresses: which are taken for one, and when two are the same person's. */

/** RFC 5321 §4.5.3.1.3. */
const LONGEST_ADDRESS = 254
/** One `@` with something on both sides, a dot in the domain, nothing blank or invisible. Whether it exists, only mail can tell. */
const SHAPE = /^[^\s@<>(),:;"\\\p{C}\p{DI}]+@[^\s@<>(),:;"\\\p{C}\p{DI}]+\.[^\s@<>(),:;"\\.\p{C}\p{DI}]+$/u

/** The address as it is kept, or undefined for what is not one. */
export function readEmailAddress(text: string): string | undefined {
  const address = text.trim().normalize('NFKC')
  return address.length <= LONGEST_ADDRESS && SHAPE.test(address) ? address : undefined
}

/**
 * What uniqueness is decided on: compatibility forms and case folded away, so that `Ａnn@example.com` cannot be
 * registered beside `ann@example.com`. Down, up and down again: ß meets SS only on the way up, and ẞ meets ß only on
 * the way down.
 */
export const emailKey = (address: string): string =>
  address.normalize('NFKC').toLowerCase().toUpperCase().toLowerCase().normalize('NFKC')
