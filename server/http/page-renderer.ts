/** From a page's model to HTML. Which words a page says is decided in `page-views.ts`. */
import { wordsOf } from '../words/catalogue.ts'
import { shownName } from '../words/names.ts'
import { accentStyle } from './accent.ts'
import type { AssetFile } from './page-assets.ts'
import { viewOf } from './page-views.ts'
import type { Frame, Pages } from './pages.ts'
import { createTemplateEngine } from './template-engine.ts'

/** The folder is absolute. */
export async function createRenderer(
  templates: string,
  assetUrl: (file: AssetFile) => string,
): Promise<Pages['render']> {
  const engine = await createTemplateEngine(templates)
  engine.registerFilter('asset', assetUrl)

  return async (name, model, frame) => {
    const { brand, links } = frame
    const { words, pageTitle } = await wordsIn(frame, name)
    const page = viewOf(name, words, model, brand.name, frame.language)
    return engine.renderFile(name, {
      page,
      windowTitle: pageTitle ?? `${page.title} · ${shownName(brand.name)}`,
      language: frame.language,
      nonce: frame.nonce,
      brand: { name: shownName(brand.name), logoUrl: brand.logoUrl ?? null, faviconUrl: brand.faviconUrl ?? null },
      accentStyle: accentStyle(brand.accent ?? {}) || null,
      languageLinks: frame.languageLinks,
      links: { privacy: links?.privacy ?? null, terms: links?.terms ?? null },
      footer: words.footer,
    })
  }
}

/** The catalogue, and where the tenant has words of its own, those in their places. */
async function wordsIn({ language, texts }: Frame, page: string) {
  const words = wordsOf(language)
  if (!texts || Object.keys(texts.own).length === 0) return { words, pageTitle: null }
  const { wordsWith } = await import('../words/custom-text.ts')
  return wordsWith(words, page, texts.own, texts.variables)
}
