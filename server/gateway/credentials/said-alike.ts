/**
 * What most tokens say alike, kept once: of a hundred thousand that are remembered, who issued them, what for and with
 * which key would take a quarter of all their room.
 */
import type { SignedToken, TokenHeader } from '@latchkey/sdk/verify'

/** Only what is verified comes here. What comes beyond so many is kept as it is. */
const MOST = 1000
/** A text that is longer is hardly said twice. */
const LONGEST = 200

const texts = new Map<string, string>()
const lists = new Map<string, readonly string[]>()
const headers = new Map<string, TokenHeader>()

function once<T>(known: Map<string, T>, name: string, value: T): T {
  const first = known.get(name)
  if (first !== undefined) return first
  if (known.size < MOST && name.length <= LONGEST) known.set(name, value)
  return value
}

/** Claims with which a token is one of many. Who it is about, and when, is its own. */
const ALIKE = ['iss', 'aud', 'scope', 'client_id', 'azp', 'acr', 'org_id', 'org_name'] as const

/** The same, in less room. */
export function saidAlike({ header, claims, key }: SignedToken): SignedToken {
  const shared: Record<string, unknown> = { ...claims }
  for (const name of ALIKE) {
    const value = claims[name]
    if (typeof value === 'string') shared[name] = once(texts, value, value)
    else if (Array.isArray(value) && value.every(one => typeof one === 'string'))
      shared[name] = once(lists, JSON.stringify(value), value)
  }
  const { alg, kid = '', typ = '' } = header
  return { header: once(headers, JSON.stringify([alg, kid, typ]), header), claims: shared, key }
}

/** RFC 6749 §3.3. */
export const scopesIn = (scope: string): readonly string[] => once(lists, `scope ${scope}`, scope.split(' '))
