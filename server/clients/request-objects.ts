/** What a client is registered with for the requests that it signs (RFC 9101): reading them is a feature's. */
import type { AlgorithmName } from '@latchkey/sdk/verify'
import type { JsonValue } from '../kernel/json.ts'

/** Never `none`, whose bearer anybody is, and never a secret: requests travel through browsers. */
export const REQUEST_OBJECT_ALGORITHMS = [
  'RS256',
  'PS256',
  'ES256',
  'EdDSA',
  'Ed25519',
] as const satisfies readonly AlgorithmName[]

export type RequestObjectAlgorithm = (typeof REQUEST_OBJECT_ALGORITHMS)[number]

const MOST_URIS = 50
const LONGEST_URI = 512

/** OpenID Connect Core §6.2: at most 512 characters, and https where it is fetched; a fragment may say which version it is. */
export function requestUrisFault(value: JsonValue, name: string): string | undefined {
  if (!Array.isArray(value) || value.length > MOST_URIS) return `${name} must be a list of at most ${MOST_URIS} URLs.`
  const other = value.find(uri => !isRequestUri(uri))
  return other === undefined
    ? undefined
    : `${name} holds "${String(other).slice(0, 100)}", which is not an http or https URL of at most ${LONGEST_URI} characters.`
}

const isRequestUri = (uri: JsonValue): boolean =>
  typeof uri === 'string' && uri.length <= LONGEST_URI && /^https?:$/.test(URL.parse(uri)?.protocol ?? '')
