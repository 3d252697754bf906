/** Showing a page: whose face it wears, which language it speaks and which headers it is sent with. */
import type { Client } from '../clients/metadata.ts'
import { languageHere, rememberLanguage } from '../http/language.ts'
import type { PageModels, PageName } from '../http/page-views.ts'
import { type Frame, pageHeaders } from '../http/pages.ts'
import { type Answer, html, type Incoming, isSecure } from '../http/route.ts'
import { brandingOf } from '../identity/organizations.ts'
import { SECOND } from '../kernel/seconds.ts'
import { randomSecret } from '../kernel/secrets.ts'
import type { OrganizationRecord } from '../store/organizations.ts'
import type { Tenant } from '../tenants/tenants.ts'
import { type Language, languageNames } from '../words/languages.ts'
import { shownName } from '../words/names.ts'
import type { LoginServices } from './services.ts'

export type Face = Pick<Tenant, 'name' | 'logoUrl' | 'faviconUrl' | 'accent' | 'supportEmail' | 'languages'>

export interface Setting {
  /** In place of the tenant's, which is then not asked for. */
  readonly face?: Face | undefined
  /** The application the person came from, if one is known. */
  readonly client?: Client | undefined
  /** The organization that they sign in for: its face is shown before the application's. */
  readonly organization?: OrganizationRecord | undefined
  readonly uiLocales?: string | null
  /** Where a form of the page may lead, besides back here. */
  readonly formTargets?: readonly string[]
  /** Origins that the page frames. */
  readonly frameSources?: readonly string[]
  readonly status?: number
  /** In milliseconds: when to come back. */
  readonly wait?: number | undefined
  readonly cookies?: readonly string[]
}

/** In the query of any page: the language picked in its footer, remembered from then on. */
const LANGUAGE_PARAMETER = 'language'
/** Names that pages give to one another. */
const KEPT_PARAMETERS = ['sign-in']

/** What the whole queue in front of the password hash takes, at most, to move on. */
const RETRY_AFTER_SECONDS = 2

export async function show<N extends PageName>(
  services: LoginServices,
  incoming: Incoming,
  name: N,
  model: PageModels[N],
  setting: Setting = {},
): Promise<Answer> {
  const nonce = randomSecret()
  const tenant = setting.face ?? (await services.tenants.find(incoming.tenant))
  const picked = tenant.languages.find(language => language === incoming.query.get(LANGUAGE_PARAMETER))
  const language = picked ?? languageHere(incoming, setting.uiLocales ?? null, tenant.languages)
  const own = setting.organization && brandingOf(setting.organization)
  const accent = own?.accent ?? tenant.accent
  const frame: Frame = {
    language,
    nonce,
    texts: setting.face
      ? undefined
      : {
          own: await services.tenants.findTexts(incoming.tenant, language),
          variables: {
            companyName: shownName(tenant.name),
            clientName: shownName(setting.client?.name ?? tenant.name),
            supportEmail: shownName(tenant.supportEmail ?? ''),
          },
        },
    brand: {
      name: own?.name ?? setting.client?.name ?? tenant.name,
      logoUrl: own?.logoUrl ?? setting.client?.logoUrl ?? tenant.logoUrl ?? undefined,
      faviconUrl: tenant.faviconUrl ?? undefined,
      accent: accent === null ? undefined : { light: accent, dark: accent },
    },
    links: { privacy: setting.client?.policyUrl ?? undefined, terms: setting.client?.termsUrl ?? undefined },
    // There is nothing to choose where there is one.
    languageLinks: (tenant.languages.length > 1 ? tenant.languages : []).map(one => ({
      language: one,
      name: languageNames[one],
      href: inLanguage(incoming, one),
      current: one === language,
    })),
  }
  const page = await services.pages.render(name, model, frame)
  const cookies = [...(setting.cookies ?? [])]
  // Of a tenant that cannot be asked for, the cookie's scope cannot be either.
  if (picked && !setting.face)
    cookies.push(rememberLanguage(picked, await services.cookieScope(incoming.tenant, incoming.issuer)))
  const status = setting.status ?? 200
  const headers = {
    ...pageHeaders({
      nonce,
      formTargets: setting.formTargets ?? [],
      frameSources: setting.frameSources ?? [],
      plainPictures: !isSecure(incoming),
    }),
    // RFC 9110 §10.2.3: a page with this status says that there was no place, which the next moment may have.
    ...(status === 503 && { 'retry-after': String(RETRY_AFTER_SECONDS) }),
    // RFC 6585 §4.
    ...(setting.wait !== undefined && { 'retry-after': String(Math.ceil(setting.wait / SECOND)) }),
  }
  return html(status, page, headers, cookies)
}

/**
 * The same page: what our own pages say in their addresses stays. What strangers say in theirs, on the way to an error
 * page, stands in no link of ours.
 */
const inLanguage = ({ query }: Incoming, language: Language): string =>
  `?${new URLSearchParams([
    [LANGUAGE_PARAMETER, language],
    ...KEPT_PARAMETERS.filter(name => query.has(name)).map(name => [name, query.get(name) ?? '']),
  ])}`
