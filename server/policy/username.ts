/** Names that people sign in with beside their address: which may be one, and when two are the same. */
import { readEmailAddress } from './email-address.ts'

/** Auth0's alphabet: letters that look alike in another script would make a second person of the same name. */
const SHAPE = /^[A-Za-z0-9_+\-.!#$'^`~@]+$/

/** As it is kept, or undefined for what is none: whatever reads as an address is one, so that no name is two people's. */
export function readUsername(
  text: string,
  { shortest, longest }: { readonly shortest: number; readonly longest: number },
): string | undefined {
  const name = text.trim().normalize('NFKC')
  const isName = SHAPE.test(name) && name.length >= shortest && name.length <= longest
  return isName && readEmailAddress(name) === undefined ? name : undefined
}

/** What uniqueness is decided on, and what is looked up. */
export const usernameKey = (name: string): string => name.trim().normalize('NFKC').toLowerCase()
