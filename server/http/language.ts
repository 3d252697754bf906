/** The language of the person in front of us: what they picked on a page, what the application wishes, what the browser says. */
import { BROWSER_SECRET_LIFE } from '../policy/lifetimes.ts'
import { chooseLanguage, type Language, languages } from '../words/languages.ts'
import { type CookieKind, type CookieScope, readCookie, setCookie } from './cookies.ts'
import { type Incoming, isSecure } from './route.ts'

const LANGUAGE_COOKIE: CookieKind = { name: 'latchkey.language', life: BROWSER_SECRET_LIFE }

/** `uiLocales`: of the request, as sent (OpenID Connect Core §3.1.2.1). */
/** `among`: those that the tenant's pages are offered in. */
export const languageHere = (
  incoming: Incoming,
  uiLocales: string | null,
  among: readonly Language[] = languages,
): Language =>
  chooseLanguage(
    {
      chosen: readCookie(incoming.header('cookie'), LANGUAGE_COOKIE, isSecure(incoming)),
      uiLocales: uiLocales ?? undefined,
      acceptLanguage: incoming.header('accept-language'),
    },
    among,
  )

/** The cookie that remembers a language picked on a page. */
export const rememberLanguage = (language: Language, scope: CookieScope): string =>
  setCookie(LANGUAGE_COOKIE, language, scope)
