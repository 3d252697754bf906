/**
 * Hosted pages, and the headers they are sent with. Templates and files lie in `login/`; what becomes HTML of them is
 * `page-renderer.ts`'s, loaded with the first page; sending them is the business of routes.
 */
import type { PromptTexts, TextVariables } from '../words/custom-text.ts'
import type { Language } from '../words/languages.ts'
import type { Accent } from './accent.ts'
import { type Asset, createPageAssets } from './page-assets.ts'
import type { PageModels, PageName } from './page-views.ts'

/** What surrounds every page. */
export interface Frame {
  readonly language: Language
  /** The one in the page's `Content-Security-Policy`, fresh for every answer. */
  readonly nonce: string
  readonly brand: {
    readonly name: string
    readonly logoUrl?: string | undefined
    readonly faviconUrl?: string | undefined
    readonly accent?: Accent | undefined
  }
  /** What the page says in the tenant's own words. */
  readonly texts?: { readonly own: PromptTexts; readonly variables: TextVariables } | undefined
  readonly languageLinks: readonly {
    readonly language: Language
    /** In that language. */
    readonly name: string
    readonly href: string
    readonly current: boolean
  }[]
  readonly links?: { readonly privacy?: string | undefined; readonly terms?: string | undefined } | undefined
}

export interface Pages {
  render<N extends PageName>(name: N, model: PageModels[N], frame: Frame): Promise<string>
  /** A file by the last segment of its URL; any other name is undefined. */
  asset(name: string): Asset | undefined
}

/** Both folders are absolute. Nothing is read or loaded before the first page. */
export function createPages({ templates, assets }: { templates: string; assets: string }): Pages {
  const files = createPageAssets(assets)
  let renderer: Promise<Pages['render']> | undefined

  return {
    asset: files.find,

    async render(name, model, frame) {
      renderer ??= import('./page-renderer.ts').then(({ createRenderer }) => createRenderer(templates, files.url))
      return (await renderer)(name, model, frame)
    },
  }
}

interface PageHeaderOptions {
  readonly nonce: string
  /** URLs to which posting the page's form may lead, redirects included: browsers apply `form-action` to each hop. */
  readonly formTargets: readonly string[]
  /** Origins that the page frames. */
  readonly frameSources?: readonly string[]
  /** Whether pictures may come over plain http: where the page itself does, which is on a developer's machine. */
  readonly plainPictures?: boolean
}

/**
 * Sent with every page. There is no Cross-Origin-Opener-Policy: it would cut a sign-in popup from the window
 * that opened it. Throws `TypeError` for a nonce that would not stay within its quotes.
 */
export function pageHeaders({
  nonce,
  formTargets,
  frameSources = [],
  plainPictures = false,
}: PageHeaderOptions): Record<string, string> {
  if (!/^[A-Za-z0-9+/_-]{22,}={0,2}$/.test(nonce)) throw new TypeError('A nonce is at least 128 bits of base64')
  const policy = [
    "default-src 'none'",
    `style-src 'self' 'nonce-${nonce}'`,
    `script-src 'self' 'nonce-${nonce}'`,
    `img-src 'self' https: data:${plainPictures ? ' http:' : ''}`,
    "font-src 'self'",
    "connect-src 'self'",
    ...(frameSources.length > 0 ? [`frame-src ${[...new Set(frameSources)].join(' ')}`] : []),
    `form-action ${["'self'", ...new Set(formTargets.flatMap(formSource))].join(' ')}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ]
  return {
    'content-security-policy': policy.join('; '),
    'x-content-type-options': 'nosniff',
    // Addresses hold ticket ids, so no other site may see them. Not `no-referrer`: with it browsers send
    // `Origin: null` on the page's own form (Fetch §3.2), and the check against forged posts would refuse it.
    'referrer-policy': 'same-origin',
    'cache-control': 'no-store',
  }
}

/**
 * Where a target leads, by scheme alone: browsers hold a form to every hop that follows it, and an application sends
 * people on from its callback to hosts that only it knows. A host in the policy would strand them here. `http:` covers
 * https as well (CSP Level 3 §6.7.2.8).
 */
const formSource = (target: string): string[] => {
  const scheme = URL.parse(target)?.protocol
  return scheme ? [scheme] : []
}
