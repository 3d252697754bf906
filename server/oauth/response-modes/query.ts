/** `response_mode=query`: members added to the redirect URI's query, keeping the one it has. */
import { seeOther } from '../../http/route.ts'
import { withQuery } from '../../kernel/url.ts'
import type { ResponseMode } from './response-mode.ts'

export const query: ResponseMode = {
  name: 'query',
  needsWebPage: false,
  staysInBrowser: false,
  carriesTokens: false,
  answer: (redirectUri, members) => seeOther(withQuery(redirectUri, members)),
}
