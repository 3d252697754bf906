/** Single claims that a client asked for, as they stay on the authorization: the `claims` feature writes them, `/userinfo` and ID tokens say them. */
import { isObject, type JsonObject } from '../kernel/json.ts'

/** Names of claims, for either place. */
export interface RequestedClaims extends JsonObject {
  readonly idToken: readonly string[]
  readonly userinfo: readonly string[]
}

const NOTE = 'claims'

export const rememberClaims = (lasting: Record<string, JsonObject>, claims: RequestedClaims): void => {
  lasting[NOTE] = claims
}

export const rememberedClaims = (lasting: Readonly<Record<string, JsonObject>>): RequestedClaims =>
  (lasting[NOTE] as RequestedClaims | undefined) ?? { idToken: [], userinfo: [] }

/** What features keep on an authorization, out of what its row holds of the request. */
export const lastingOf = (request: JsonObject): Readonly<Record<string, JsonObject>> => {
  const { lasting } = request
  return isObject(lasting) ? (lasting as Readonly<Record<string, JsonObject>>) : {}
}
