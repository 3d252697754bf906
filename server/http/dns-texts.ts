/** Texts in the DNS, by which somebody shows that a name is theirs. Asked of this machine's resolver; what does not answer says nothing. */
import { Resolver } from 'node:dns/promises'
import { SECOND } from '../kernel/seconds.ts'

const PATIENCE = 2 * SECOND
const MOST = 100

/** Each text in one piece (RFC 7208 §3.3). Empty where there is none, or nobody answers. */
export async function findDnsTexts(name: string): Promise<readonly string[]> {
  const resolver = new Resolver({ timeout: PATIENCE, tries: 2 })
  try {
    return (await resolver.resolveTxt(name)).slice(0, MOST).map(pieces => pieces.join(''))
  } catch {
    return []
  }
}
