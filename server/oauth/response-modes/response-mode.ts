/** How an answer of `/authorize` travels to the application: the type, and the list. */
import type { Answer } from '../../http/route.ts'
import type { Language } from '../../words/languages.ts'
import { formPost } from './form-post.ts'
import { query } from './query.ts'
import { webMessage } from './web-message.ts'

export interface ResponseMode {
  /** Its `response_mode` value. */
  readonly name: string
  /** The answer to the browser. `members` are the response's: `code`, `error`, `state`, `iss`, … */
  readonly answer: (redirectUri: string, members: Readonly<Record<string, string>>, language: Language) => Answer
  /** Whether only a web page can be answered so: an application's own scheme takes no form and has no origin. */
  readonly needsWebPage: boolean
  /** Whether a registered web origin will do in place of a redirect URI. */
  readonly staysInBrowser: boolean
}

export const responseModes: readonly ResponseMode[] = [query, formPost, webMessage]
/** For `code`, errors included (OAuth 2.0 Multiple Response Type Encoding Practices §2.1). */
export const defaultResponseMode: ResponseMode = query

/** Of a request that was understood: the mode was checked then. */
export const modeOf = (name: string): ResponseMode =>
  responseModes.find(mode => mode.name === name) ?? defaultResponseMode
