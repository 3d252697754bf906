/** LiquidJS as pages and mail use it: everything is escaped on its way out, and a name nobody defined is an error. */
import type { Liquid } from 'liquidjs'
import { isolatesAsMarkup } from '../words/names.ts'
import { escapeHtml } from './escape-html.ts'

/** `root` is absolute. Imported at the first use: a node that only issues tokens never pays for it (10 MiB, 30 ms). */
export async function createTemplateEngine(root: string): Promise<Liquid> {
  const { Liquid } = await import('liquidjs')
  const engine = new Liquid({
    root,
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
