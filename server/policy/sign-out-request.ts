/** A sign-out that a person has to confirm, as it travels from `oauth/` to the page of `login/` that asks. */
import type { JsonObject } from '../kernel/json.ts'

export const SIGN_OUT_TICKET = 'sign-out'

export interface SignOutRequest extends JsonObject {
  readonly client: string | null
  /** Proven to be registered; null: to the page that says it is done. */
  readonly returnTo: string | null
}
