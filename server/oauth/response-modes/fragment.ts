/** `response_mode=fragment`: members in the redirect URI's fragment, which browsers keep to themselves. */
import { seeOther } from '../../http/route.ts'
import { withFragment } from '../../kernel/url.ts'
import type { ResponseMode } from './response-mode.ts'

export const fragment: ResponseMode = {
  name: 'fragment',
  needsWebPage: false,
  staysInBrowser: false,
  carriesTokens: true,
  answer: (redirectUri, members) => seeOther(withFragment(redirectUri, members)),
}
