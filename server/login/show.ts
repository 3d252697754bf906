/** Showing a page: whose face it wears, which language it speaks and which headers it is sent with. */
import type { Client } from '../clients/metadata.ts'
import { type CookieKind, readCookie, setCookie } from '../http/cookies.ts'
import type { PageModels, PageName } from '../http/page-views.ts'
import { type Frame, pageHeaders } from '../http/pages.ts'
import { type Answer, html, type Incoming, isSecure } from '../http/route.ts'
import { randomSecret } from '../kernel/secrets.ts'
import { BROWSER_SECRET_LIFE } from '../policy/lifetimes.ts'
import { chooseLanguage, type Language, languageNames, languages } from '../words/languages.ts'
import type { LoginServices } from './services.ts'

export interface Setting {
  /** The application the person came from, if one is known. */
  readonly client?: Client | undefined
  readonly uiLocales?: string | null
  /** Where a form of the page may lead, besides back here. */
  readonly formTargets?: readonly string[]
  readonly status?: number
  readonly cookies?: readonly string[]
}

const LANGUAGE_COOKIE: CookieKind = { name: 'latchkey.language', life: BROWSER_SECRET_LIFE }
/** In the query of any page: the language picked in its footer, remembered from then on. */
const LANGUAGE_PARAMETER = 'language'

export async function show<N extends PageName>(
  services: LoginServices,
  incoming: Incoming,
  name: N,
  model: PageModels[N],
  setting: Setting = {},
): Promise<Answer> {
  const nonce = randomSecret()
  const tenant = await services.tenants.find(incoming.tenant)
  const picked = languages.find(language => language === incoming.query.get(LANGUAGE_PARAMETER))
  const language = picked ?? languageOf(incoming, setting)
  const frame: Frame = {
    language,
    nonce,
    brand: {
      name: setting.client?.name ?? tenant.name,
      logoUrl: setting.client?.logoUrl ?? tenant.logoUrl ?? undefined,
      accent: tenant.accent === null ? undefined : { light: tenant.accent, dark: tenant.accent },
    },
    links: { privacy: setting.client?.policyUrl ?? undefined, terms: setting.client?.termsUrl ?? undefined },
    languageLinks: languages.map(one => ({
      language: one,
      name: languageNames[one],
      href: `?${new URLSearchParams({ [LANGUAGE_PARAMETER]: one })}`,
      current: one === language,
    })),
  }
  const page = await services.pages.render(name, model, frame)
  const cookies = [...(setting.cookies ?? [])]
  if (picked)
    cookies.push(setCookie(LANGUAGE_COOKIE, picked, await services.cookieScope(incoming.tenant, incoming.issuer)))
  return html(setting.status ?? 200, page, pageHeaders({ nonce, formTargets: setting.formTargets ?? [] }), cookies)
}

const languageOf = (incoming: Incoming, setting: Setting): Language =>
  chooseLanguage({
    chosen: readCookie(incoming.header('cookie'), LANGUAGE_COOKIE, isSecure(incoming)),
    uiLocales: setting.uiLocales ?? undefined,
    acceptLanguage: incoming.header('accept-language'),
  })
