/** A sign-out that a person has to confirm, as it travels from `oauth/` to the page of `login/` that asks. */
import type { JsonObject } from '../kernel/json.ts'
import { withQuery } from '../kernel/url.ts'

export const SIGN_OUT_TICKET = 'sign-out'

export interface SignOutRequest extends JsonObject {
  readonly client: string | null
  /** Proven to be registered; null: to the page that says it is done. */
  readonly returnTo: string | null
  /** In which languages the pages are wished for (RP-Initiated Logout 1.0 §2), as sent. */
  readonly uiLocales: string | null
}

/** Where the browser goes once it is signed out. */
export const afterSignOut = ({ returnTo, uiLocales }: SignOutRequest): string =>
  returnTo ?? withQuery('/signed-out', uiLocales === null ? {} : { ui_locales: uiLocales })
