/** Where the metadata of a client names its credentials, and the metadata with each in the place where it is named. */
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts'

/** Where metadata names credentials, from the outside in. */
const PLACES = [
  ['client_authentication_methods', 'private_key_jwt'],
  ['client_authentication_methods', 'tls_client_auth'],
  ['client_authentication_methods', 'self_signed_tls_client_auth'],
  ['signed_request_object'],
] as const

/** The metadata with each list of credentials replaced by what `replace` makes of it. */
export function overCredentials(metadata: JsonObject, replace: (list: readonly JsonValue[]) => JsonValue): JsonObject {
  let result = metadata
  for (const [outer, inner] of PLACES) {
    const method = result[outer]
    if (!isObject(method)) continue
    if (inner === undefined) {
      const list = method['credentials']
      if (Array.isArray(list)) result = { ...result, [outer]: { ...method, credentials: replace(list) } }
      continue
    }
    const use = method[inner]
    const list = isObject(use) ? use['credentials'] : undefined
    if (isObject(use) && Array.isArray(list))
      result = { ...result, [outer]: { ...method, [inner]: { ...use, credentials: replace(list) } } }
  }
  return result
}

/** The metadata as if each credential that it names by id stood in that place: what it means is `metadata.ts`'s to say. */
export const withCredentials = (metadata: JsonObject, credentials: readonly JsonObject[]): JsonObject =>
  credentials.length === 0
    ? metadata
    : overCredentials(metadata, list =>
        list.map(one => (isObject(one) && credentials.find(({ id }) => id !== undefined && id === one['id'])) || one),
      )
