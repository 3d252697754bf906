/** How an answer of `/authorize` travels to the application: the type, and the list. */
import type { Answer } from '../../http/route.ts'
import { carriesToken } from '../../policy/response-types.ts'
import type { Language } from '../../words/languages.ts'
import { formPost } from './form-post.ts'
import { fragment } from './fragment.ts'
import { query } from './query.ts'
import { webMessage } from './web-message.ts'

export interface ResponseMode {
  /** Its `response_mode` value. */
  readonly name: string
  /** The answer to the browser. `members` are the response's: `code`, `error`, `state`, `iss`, … */
  readonly answer: (
    redirectUri: string,
    members: Readonly<Record<string, string>>,
    language: Language,
  ) => Answer | Promise<Answer>
  /** Whether only a web page can be answered so: an application's own scheme takes no form and has no origin. */
  readonly needsWebPage: boolean
  /** Whether a registered web origin will do in place of a redirect URI. */
  readonly staysInBrowser: boolean
  /** Whether tokens may travel so: what stands in a query is seen by more than the application. */
  readonly carriesTokens: boolean
}

export const responseModes: readonly ResponseMode[] = [query, fragment, formPost, webMessage]

/** Errors included (OAuth 2.0 Multiple Response Type Encoding Practices §2.1); also for a type that does not exist. */
export const defaultResponseMode = (responseType = ''): ResponseMode => (carriesToken(responseType) ? fragment : query)

/** Of a request that was understood: the mode was checked then. */
export const modeOf = (name: string): ResponseMode => responseModes.find(mode => mode.name === name) ?? query
