/**
 * Hosted pages as HTML, and the headers they are sent with. Templates and files lie in `login/`; which words a
 * page says is decided in `page-views.ts`; sending them is the business of routes.
 */
import type { Liquid } from 'liquidjs'
import { wordsOf } from '../words/catalogue.ts'
import type { Language } from '../words/languages.ts'
import { isolatesAsMarkup, shownName } from '../words/names.ts'
import { type Accent, accentStyle } from './accent.ts'
import { type Asset, createPageAssets } from './page-assets.ts'
import { type PageModels, type PageName, viewOf } from './page-views.ts'

/** What surrounds every page. */
export interface Frame {
  readonly language: Language
  /** The one in the page's `Content-Security-Policy`, fresh for every answer. */
  readonly nonce: string
  readonly brand: {
    readonly name: string
    readonly logoUrl?: string | undefined
    readonly accent?: Accent | undefined
  }
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

/** Both folders are absolute. Nothing is read or imported before the first page. */
export function createPages({ templates, assets }: { templates: string; assets: string }): Pages {
  const files = createPageAssets(assets)
  let engine: Promise<Liquid> | undefined

  return {
    asset: files.find,

    async render(name, model, frame) {
      engine ??= createEngine(templates)
      const words = wordsOf(frame.language)
      const { brand, links } = frame
      return (await engine).renderFile(name, {
        page: viewOf(name, words, model, brand.name),
        language: frame.language,
        nonce: frame.nonce,
        brand: { name: shownName(brand.name), logoUrl: brand.logoUrl ?? null },
        accentStyle: accentStyle(brand.accent ?? {}) || null,
        languageLinks: frame.languageLinks,
        links: { privacy: links?.privacy ?? null, terms: links?.terms ?? null },
        footer: words.footer,
        assets: { style: files.url('latchkey.css'), script: files.url('page.js'), icon: files.url('icon.svg') },
      })
    },
  }
}

/** Imported at the first page: a node that only issues tokens never pays for it (10 MiB, 30 ms). */
async function createEngine(templates: string): Promise<Liquid> {
  const { Liquid } = await import('liquidjs')
  const engine = new Liquid({
    root: templates,
    extname: '.liquid',
    relativeReference: false,
    cache: true,
    outputEscape: escapeHtml,
    ownPropertyOnly: true,
    strictFilters: true,
    strictVariables: true,
  })
  // For sentences that hold a name. `raw` only keeps the engine from escaping again what is escaped here, first.
  engine.registerFilter('sentence', { raw: true, handler: text => isolatesAsMarkup(escapeHtml(text)) })
  return engine
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** For text and for quoted attributes, the only places in which templates put a value. */
const escapeHtml = (value: unknown): string => String(value ?? '').replace(/[&<>"']/g, sign => ENTITIES[sign] ?? sign)

interface PageHeaderOptions {
  readonly nonce: string
  /** URLs to which posting the page's form may lead, redirects included: browsers apply `form-action` to each hop. */
  readonly formTargets: readonly string[]
}

/**
 * Sent with every page. There is no Cross-Origin-Opener-Policy: it would cut a sign-in popup from the window
 * that opened it. Throws `TypeError` for a nonce that would not stay within its quotes.
 */
export function pageHeaders({ nonce, formTargets }: PageHeaderOptions): Record<string, string> {
  if (!/^[A-Za-z0-9+/_-]{22,}={0,2}$/.test(nonce)) throw new TypeError('A nonce is at least 128 bits of base64')
  const policy = [
    "default-src 'none'",
    `style-src 'self' 'nonce-${nonce}'`,
    `script-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' https: data:",
    "font-src 'self'",
    "connect-src 'self'",
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
 * CSP Level 3 §2.3.1 knows hosts of letters, digits, dots and hyphens. An application's own scheme and an IPv6
 * address have no such form and are allowed by scheme; a host with `;` or `,` in it, which a URL may have, would end
 * the directive, and is left out.
 */
function formSource(target: string): string[] {
  const url = URL.parse(target)
  if (!url) return []
  if (!/^https?:$/.test(url.protocol) || url.hostname.startsWith('[')) return [url.protocol]
  return /^[a-z0-9._-]+$/.test(url.hostname) ? [url.origin] : []
}
